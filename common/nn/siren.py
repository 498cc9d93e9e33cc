"""SIREN: perceptrons whose activation is a sine, for signals as functions of their coordinates.

h_1 = sin(omega_1 (x W_1 + b_1)), h_(l+1) = sin(omega (h_l W_(l+1) + b_(l+1))), the last layer
linear (Sitzmann et al. 2020, eq. 4 and section 3.2).

Shapes: B coordinates, D their dimensions, N and M units of two layers, O outputs.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from common import keys, shapes
from common.nn.layers import Layer
from common.reals import at_least, real_arrays, reals

Array = jax.Array
OMEGA = 30.0


def bounds(sizes: Sequence[int], omega: float = OMEGA) -> list[tuple[float, float]]:
    """Of every layer, U(-w, w) of its weights and U(-b, b) of its biases.  -> [(w, b), ...]

    w = 1 / D first, then sqrt(6 / N) / omega, the linear layer included: with h_1 of uniform
    phase, omega W h has the variance 1 at every depth. b = 1 / sqrt(N), what PyTorch gives
    biases and the authors' code leaves: the paper is silent on them.
    """
    weights = [math.sqrt(6 / n) / omega if i else 1 / n for i, n in enumerate(sizes[:-1])]
    return [(w, 1 / math.sqrt(n)) for w, n in zip(weights, sizes[:-1], strict=True)]


def init(
    key: Array, sizes: Sequence[int], *, omega: float = OMEGA, dtype: Any = float
) -> list[Layer]:
    """Layers of these sizes, D first and O last, drawn from `bounds`: parts of one draw.

    sizes (D, N, ..., O), at least one hidden layer.  -> [(weights [N, M], bias [M]), ...]
    Errors: ValueError for sizes that are no counts, or omega not positive.
    """
    at_least(3, **{"number of sizes": len(sizes)})
    at_least(1, **{f"size {i}": n for i, n in enumerate(sizes)})
    if not 0 < omega < math.inf:
        raise ValueError(f"omega must be positive and finite, not {omega!r}")
    wanted = [shape for n, m in pairwise(sizes) for shape in ((n, m), (m,))]
    scale = [bound for pair in bounds(sizes, omega) for bound in pair]
    counts = [math.prod(shape) for shape in wanted]
    drawn = jnp.split(2 * keys.uniform(key, (sum(counts),), dtype) - 1, np.cumsum(counts)[:-1])
    parts = [s * u.reshape(shape) for s, u, shape in zip(scale, drawn, wanted, strict=True)]
    return list(zip(parts[::2], parts[1::2], strict=True))


def hidden(
    layers: Sequence[Layer], x: Array, *, first: float | Array = OMEGA, omega: float = OMEGA
) -> list[Array]:
    """h_1, h_2, ... of all layers but the linear one.  x [B, D] -> [[B, N], ...]

    first: omega_1, an angular frequency per unit of x.
    """
    h, seen = jnp.asarray(reals("x", x, finite=False)), []
    for i, (w, b) in enumerate(layers[:-1]):
        h = jnp.sin((omega if i else first) * affine(w, b, h))
        seen.append(h)
    return seen


def apply(
    layers: Sequence[Layer], x: Array, *, first: float | Array = OMEGA, omega: float = OMEGA
) -> Array:
    """The network.  x [B, D] -> [B, O]; the rest as `hidden`."""
    return affine(*layers[-1], hidden(layers, x, first=first, omega=omega)[-1])


def affine(w: Array, b: Array, x: Array) -> Array:
    """x W + b, shapes checked.  w [N, M], b [M], x [B, N] -> [B, M]"""
    shapes.check("b", b, "M", shapes.check("w", w, "N M"))
    shapes.check("x", x, "B N", {"N": w.shape[0]})
    w, b = real_arrays(w=w, b=b)
    return x @ w + b
