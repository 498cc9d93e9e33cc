"""Canonical sums to tensors and to Tucker form: full then cut (HOSVD), or never full (RHOSVD).

A canonical sum is weights [R] and three factors [m, R]. Bases are kept at full width with the
columns that are cut set to zero, so that ranks may be told at run time.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

MODES = range(3)


class Tucker(NamedTuple):
    core: Array  # [r, r, r]
    bases: tuple[Array, ...]  # three of [m, r]
    ranks: Array  # [3]


def full(weights: Array, factors: Sequence[Array]) -> Array:
    """sum_l weights_l a_l b_l c_l.  -> [m, m', m'']"""
    a, b, c = factors
    rest = b[:, None] * c  # [m', m'', R]
    return jnp.tensordot(a * weights, rest, (1, 2))


def unfolded(tensor: Array, mode: int) -> Array:
    """[m, m' m'']"""
    return jnp.moveaxis(tensor, mode, 0).reshape(tensor.shape[mode], -1)


def singular_values(tensor: Array) -> Array:
    """Of the three unfoldings.  [m, m, m] -> [3, m]"""
    return jnp.stack([left(unfolded(tensor, k))[1] for k in MODES])


def ranks(s: Array, tol: float) -> Array:
    """Last index whose tail (sum_{i >= r} s_i^2)^(1/2) is over tol |s| / sqrt 3.

    s [..., m] -> [...]
    """
    tails = jnp.sqrt(jnp.cumsum((s**2)[..., ::-1], axis=-1)[..., ::-1])
    return (tails > tol * tails[..., :1] / jnp.sqrt(3)).sum(axis=-1)


def cut(u: Array, rank: Array) -> Array:
    """The first `rank` columns, zeros in place of the rest.  [m, r] -> [m, r]"""
    return jnp.where(jnp.arange(u.shape[1]) < rank, u, 0)


def hosvd(tensor: Array, tol: float) -> Tucker:
    """Leading left singular vectors of every unfolding."""
    u, s = zip(*(left(unfolded(tensor, k)) for k in MODES), strict=True)
    r = ranks(jnp.stack(s), tol)
    bases = tuple(map(cut, u, r))
    return Tucker(jnp.einsum("abc,ai,bj,ck->ijk", tensor, *bases, optimize=True), bases, r)


def rhosvd(weights: Array, factors: Sequence[Array], tol: float) -> Tucker:
    """Leading left singular vectors of the factors, columns of norm 1 times their |weight|."""
    norms = [jnp.linalg.norm(f, axis=0) for f in factors]
    units = [f / jnp.where(n > 0, n, 1) for f, n in zip(factors, norms, strict=True)]
    weights = weights * norms[0] * norms[1] * norms[2]
    u, s = zip(*(left(unit * jnp.abs(weights)) for unit in units), strict=True)
    r = ranks(jnp.stack(s), tol)
    bases = tuple(map(cut, u, r))
    return Tucker(full(weights, [b.T @ f for b, f in zip(bases, units, strict=True)]), bases, r)


def lowest(weights: Array, factors: Sequence[Array], r: Array) -> Tucker:
    """The control: of each factor the first r coefficients, no singular vectors."""
    bases = tuple(cut(jnp.eye(len(f)), rank) for f, rank in zip(factors, r, strict=True))
    return Tucker(full(weights, [b.T @ f for b, f in zip(bases, factors, strict=True)]), bases, r)


def left(matrix: Array) -> tuple[Array, Array]:
    """Left singular vectors and singular values; a wide matrix by its triangular factor first."""
    if matrix.shape[1] > 2 * matrix.shape[0]:
        matrix = jnp.linalg.qr(matrix.T, mode="r").T
    u, s, _ = jnp.linalg.svd(matrix, full_matrices=False)
    return u, s


def on_slice(form: Tucker, rows: Array, columns: Array, at: Array) -> Array:
    """Values of the function: polynomials [n, m] of x and of y, [1, m] of z.  -> [n, n']"""
    x, y, z = (p @ b for p, b in zip((rows, columns, at), form.bases, strict=True))
    return x @ jnp.tensordot(form.core, z[0], 1) @ y.T
