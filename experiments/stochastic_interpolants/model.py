"""A field (x, t) -> R^D by a multi-layer perceptron with the time as a further input.

Shapes: B batch, D dimensions.
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from common import keys


def init(key, dim: int, width: int, depth: int):
    """Weights N(0, 2 / fan-in), biases 0, of `depth` hidden layers.  -> [(w, b), ...]"""
    sizes = [dim + 1, *[width] * depth, dim]
    counts = [m * n for m, n in pairwise(sizes)]
    parts = jnp.split(keys.normal(key, (sum(counts),)), np.cumsum(counts)[:-1])
    return [
        ((2 / m) ** 0.5 * part.reshape(m, n), jnp.zeros(n))
        for part, (m, n) in zip(parts, pairwise(sizes), strict=True)
    ]


def apply(params, x, t):
    """x [B, D], t [] or [B] -> [B, D]"""
    time = jnp.broadcast_to(t, x.shape[:1])[:, None]
    h = jnp.concatenate([x, time], axis=1)
    for w, b in params[:-1]:
        h = jax.nn.silu(h @ w + b)
    w, b = params[-1]
    return h @ w + b
