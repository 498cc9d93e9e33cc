"""What networks are made of: weights out of one draw, sinusoids of a number, a plain perceptron.

Shapes: B batch, N inputs, M outputs, R rates.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from common import keys, shapes
from common.reals import at_least, reals

Array = jax.Array
Layer = tuple[Array, Array]  # weights [N, M], bias [M]


def normals(
    key: Array, wanted: Mapping[Any, tuple[Sequence[int], float]], dtype: Any = float
) -> dict[Any, Array]:
    """Arrays N(0, std^2) under their names, parts of one draw: many draws compile for long.

    wanted: name -> (shape, std); std a Python number. The first arrays do not hang on the later
    ones.  Errors: ValueError for sizes that are no counts, or a std that is no number.
    """
    for shape, std in wanted.values():
        at_least(0, **{f"shape {tuple(shape)}, axis {i}": n for i, n in enumerate(shape)})
        reals("std", std)
    sizes = [math.prod(shape) for shape, _ in wanted.values()]
    parts = jnp.split(keys.normal(key, (sum(sizes),), dtype), np.cumsum(sizes)[:-1])
    each = zip(wanted.items(), parts, strict=True)
    return {name: float(std) * part.reshape(shape) for (name, (shape, std)), part in each}


def sinusoids(place: Array, rates: Array | np.ndarray) -> Array:
    """Sines, then cosines, of place times every rate.  place [...], rates [R] -> [..., 2 R]"""
    shapes.check("rates", rates, "R")
    place, rates = (jnp.asarray(reals(n, a)) for n, a in (("place", place), ("rates", rates)))
    phase = place[..., None] * rates
    return jnp.concatenate([jnp.sin(phase), jnp.cos(phase)], axis=-1)


def rms_norm(x: Array, scale: Array, *, tiny: float = 1e-6) -> Array:
    """scale x / sqrt(mean x^2 + tiny) of the last axis (Zhang & Sennrich 2019).  scale [N]

    x [..., N] -> [..., N], of squares that the dtype holds
    """
    x, scale = _reals(x, scale)
    return scale * x * jax.lax.rsqrt(jnp.mean(x**2, -1, keepdims=True) + tiny)


def layer_norm(x: Array, scale: Array, *, tiny: float = 1e-6) -> Array:
    """rms_norm of x without its mean (Ba et al. 2016, with no shift).  x [..., N], scale [N]"""
    x, scale = _reals(x, scale)
    centred = x - jnp.mean(x, -1, keepdims=True)
    return centred * jax.lax.rsqrt(jnp.mean(centred**2, -1, keepdims=True) + tiny) * scale


def _reals(x, scale):
    x, scale = (jnp.asarray(reals(n, a, finite=False)) for n, a in (("x", x), ("scale", scale)))
    shapes.check("x", x, "... N", shapes.check("scale", scale, "N"))
    at_least(1, **{"last axis of x": len(scale)})
    return x, scale


def init(key: Array, sizes: Sequence[int], *, variance: float = 2.0, dtype: Any = float):
    """A perceptron of these sizes, inputs first: weights N(0, variance / fan-in), biases 0.

    -> [(w, b), ...]
    """
    at_least(2, **{"number of sizes": len(sizes)})
    at_least(1, **{f"size {i}": n for i, n in enumerate(sizes)})
    wanted = {i: ((n, m), (variance / n) ** 0.5) for i, (n, m) in enumerate(pairwise(sizes))}
    weights = normals(key, wanted, dtype)
    return [(w, jnp.zeros(w.shape[1], dtype)) for w in weights.values()]


def apply(
    layers: Sequence[Layer],
    x: Array,
    shift: Array | None = None,
    *,
    activation: Callable[[Array], Array] = jax.nn.silu,
) -> Array:
    """An activation between dense layers; `shift`, of a time say, is added to the first.

    x [B, N], shift [M] or [B, M] of the first layer -> [B, the last M]
    """
    x = jnp.asarray(reals("x", x, finite=False))
    for i, (w, b) in enumerate(layers):
        shapes.check("b", b, "M", shapes.check("w", w, "N M"))
        shapes.check("x", x, "B N", {"N": w.shape[0]})
        w, b = (jnp.asarray(reals(name, a, finite=False)) for name, a in (("w", w), ("b", b)))
        if not i and shift is not None:
            shapes.check(
                "shift", shift, "B M" if np.ndim(shift) > 1 else "M", {"B": x.shape[0], "M": len(b)}
            )
            b = jnp.asarray(reals("shift", shift, finite=False)) + b
        x = x @ w + b
        x = activation(x) if i + 1 < len(layers) else x
    return x


def timed(layers: Sequence[Layer], x: Array, t: Array) -> Array:
    """`apply` with the time as a further input, the last.  x [B, N - 1], t [] or [B]"""
    shapes.check("x", x, "B D")
    if np.ndim(t):
        shapes.check("t", t, "B", {"B": x.shape[0]})
    time = jnp.broadcast_to(jnp.asarray(reals("t", t)), x.shape[:1])
    return apply(layers, jnp.concatenate([x, time[:, None]], axis=1))
