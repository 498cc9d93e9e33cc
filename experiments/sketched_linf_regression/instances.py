"""Least squares problems [A r] with orthonormal A, |r| = 1 and A^T r = 0, so that x* = 0.

With b = A x* + r the error of a sketched solution does not depend on x*: x' - x* = (SA)^+ S r.
Shapes: n rows, d columns, K rows that are not zero.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array


class Instance(NamedTuple):
    """[A r] by the rows that are not zero; r may be several."""

    rows: Array  # [K, d + 1]
    at: Array  # int [K]: where they stand among the n


def coherent(at: Array, d: int, *spreads: int) -> Instance:
    """A: d unit vectors; r: `spread` others with equal weights, the first of them.  at [>= K]

    Source: after the counterexample of Price, Song & Woodruff 2017.  A row of S A and one of S r
    meet where two columns of S overlap, and each overlap shows in one coordinate.
    """
    rows = np.zeros((d + max(spreads), d + len(spreads)))
    rows[np.arange(d), np.arange(d)] = 1
    for i, spread in enumerate(spreads):
        rows[d : d + spread, d + i] = spread**-0.5
    return Instance(jnp.asarray(rows), at[: len(rows)])


def cosines(at: Array, n: int, d: int) -> Instance:
    """A and r: columns at[:d + 1] of the cosine transform (DCT-IV).

    No entry is larger than sqrt(2 / n): nothing is concentrated anywhere.
    """
    turns = (2 * jnp.arange(n)[:, None] + 1) * (2 * at[: d + 1] + 1)
    turns = turns % (8 * n)  # whole numbers: no digits are lost
    return Instance(jnp.sqrt(2 / n) * jnp.cos(jnp.pi / (4 * n) * turns), jnp.arange(n))


def corner(matrix: Array, d: int) -> Array:
    """The first d columns, and the last.  [..., D + 1] -> [..., d + 1]"""
    return jnp.concatenate([matrix[..., :d], matrix[..., -1:]], axis=-1)
