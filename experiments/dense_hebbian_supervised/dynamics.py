"""Spins at T = 0 updated one after the other; of each pattern only sums are carried, no tensor.

Shapes: N spins, K patterns.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

from common import spins as updates

Field = Callable[[Array, Array, Array, Array], Array]  # x_i, sums over the others -> field of i


def plain(P: int, N: int) -> Field:
    """Of -sum_mu S^P / (P N^(P-1)): half of the difference that a flip makes."""

    def field(x, s1, s2, s3):
        return jnp.sum((s1 + x) ** P - (s1 - x) ** P) / (2 * P * N ** (P - 1))

    return field


def distinct(P: int, N: int) -> Field:
    """Of -(P-1)!/N^(P-1) sum_mu e_P(x s), products of distinct indices: P = 2 or 4."""

    def field(x, s1, s2, s3):
        e = {2: s1, 4: (s1**3 - 3 * s1 * s2 + 2 * s3) / 6}[P]
        return jnp.sum(x * e) * {2: 1, 4: 6}[P] / N ** (P - 1)

    return field


def relaxed(x: Array, spins: Array, field: Field, sweeps: int) -> Array:
    """x [N, K], spins [N] of +-1; a spin without field stays.  -> spins [N]

    Carried: S1 = sum x s, S3 = sum x^3 s and the constant S2 = sum x^2, over the other sites.
    """
    return updates.relaxed(x, spins, field, sweeps, powers=(1, 2, 3))


def overlap(x: Array, spins: Array, xi: Array, field: Field, sweeps: int) -> Array:
    """m with an archetype after sweeps from spins.  x [N, K], spins and xi [N] -> []"""
    return relaxed(x, spins, field, sweeps) @ xi / len(xi)
