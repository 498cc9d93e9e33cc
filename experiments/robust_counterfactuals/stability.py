"""Stability: how high m is around a point, less how much it varies there.

    R(x) = (1/k) sum_i ( m(x + z_i) - |m(x) - m(x + z_i)| ),  z_i ~ N(0, sigma^2 I)

Shapes: k noisy points, d features.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array


def relaxed(m: Callable[[Array], Array], x: Array, z: Array) -> Array:
    """R of one point, the Lipschitz term replaced by the variation seen.  x [d], z [k, d] -> []

    m: points [..., d] -> [...]
    """
    here, around = m(x), m(x + z)
    return (around - jnp.abs(here - around)).mean()


def of_many(m: Callable[[Array], Array], x: Array, z: Array, most: int = 60) -> Array:
    """`relaxed` of many points, some at once.  x [n, d] -> [n]"""
    some = max(n for n in range(1, most + 1) if len(x) % n == 0)
    return jax.lax.map(lambda point: relaxed(m, point, z), x, batch_size=some)
