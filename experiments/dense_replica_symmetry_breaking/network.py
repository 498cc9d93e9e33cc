"""Spins at T = 0 updated one after the other; of each pattern only its overlap is carried.

Shapes: N spins, K patterns of +-1.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from common import spins


def dense(N: int) -> Callable:
    """Four-body interactions of distinct spins: 6 / N^3 sum of x e_3 over the other n = N - 1.

    e_3 = (s^3 - (3 n - 2) s) / 6 for entries +-1.
    """
    return lambda x, s: jnp.sum(x * (s**3 - (3 * (N - 1) - 2) * s)) / N**3


def plain(N: int) -> Callable:
    """Powers of sums, whose repeated spins are pairwise noise: half of what a flip costs."""
    return lambda x, s: jnp.sum(x * s**3 + x**3 * s) / N**3


def pair(N: int) -> Callable:
    """Hopfield."""
    return lambda x, s: jnp.sum(x * s) / N


def ended(xi: Array, field: Callable, sweeps: int) -> Array:
    """Overlap with the first pattern after sweeps from it.  xi [N, K] -> []"""
    first = xi[:, 0]
    return spins.relaxed(xi, first, field, sweeps) @ first / len(xi)
