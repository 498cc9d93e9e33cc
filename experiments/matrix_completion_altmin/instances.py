"""Matrices of rank k with incoherent singular vectors, and which of their entries are seen.

Shapes: n rows and columns, k rank.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array


class Instance(NamedTuple):
    matrix: Array  # M [n, n] = U diag(s) V^T
    left: Array  # U [n, k]
    seen: Array  # the mask D [n, n] of zeros and ones


def made(factors: Array, condition: float, uniform: Array, p) -> Instance:
    """U, V uniform among orthonormal frames, s evenly spaced from 1 to 1 / condition.

    factors [2, n, k] normal; uniform [n, n] in [0, 1): an entry is seen where it is below p
    """
    left, right = jnp.linalg.qr(factors)[0]
    s = jnp.linspace(1, 1 / condition, factors.shape[-1])
    return Instance((left * s) @ right.T, left, (uniform < p).astype(left.dtype))
