"""Sketches by name, and the error of the least squares solution that they give.

Shapes: m rows of the sketch, d columns, M = S [A r] [m, d + 1].
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import sketches

from .instances import Instance, corner

Array = jax.Array

DENSE = {"gaussian": sketches.gaussian, "srht": sketches.srht, "signs": sketches.signs}
RIDGE = 1e-8  # half of float64's digits: what it adds and what it lets through are as small
LOST = 1e-6  # of a squared pivot; columns have length 1


class Errors(NamedTuple):
    """Of several problems, in units of |r| |A^+| = 1."""

    worst: Array  # [B]: largest entry times sqrt(m)
    square: Array  # [B]: sum of squares over the Gaussian law's, d / (m - d - 1)
    lost: Array  # bool [B]: columns of S A are dependent
    x: Array  # [B, D]: entries times sqrt(m); zeros beyond d


def apply(name: str, key: Array, problem: Instance, n: int, rows: int) -> Array:
    """S [A r] of a sketch of DENSE, or of "sparse3": three non-zeros a column.  -> [rows, d + 1]

    All but the transform have columns that are alike: those that meet zeros are not drawn.
    """
    if name not in DENSE:
        return sparse(key, problem.rows, rows, [nonzeros(name)])[0]
    matrix = problem.rows
    if name == "srht":
        matrix = jnp.zeros((n, matrix.shape[1]), matrix.dtype).at[problem.at].set(matrix)
    return DENSE[name](key, matrix, rows)


def nonzeros(name: str) -> int:
    """A column, of "sparse3" three."""
    return int(name.removeprefix("sparse"))


def sparse(key: Array, matrix: Array, rows: int, counts: Sequence[int]) -> list[Array]:
    """S matrix for S of s non-zeros a column, every s of counts.  [K, ...] -> each [rows, ...]

    The sum of s Count-Sketches over sqrt(s): non-zeros of one column stand in different rows but
    for a probability s^2 / 2m (those of `sketches.sparse` always do).
    """
    each = jax.random.split(key, max(counts))
    several = jax.vmap(lambda k: sketches.sparse(k, matrix, rows))(each)
    return [several[:s].sum(axis=0) / s**0.5 for s in counts]


def corners(
    names: Sequence[str], key: Array, problem: Instance, n: int, sizes: Sequence[tuple[int, int]]
) -> list[list[Array]]:
    """S [A r] of every sketch for every (m, d), A the first d columns.  -> of each [m, d + 1]

    Rows of a dense sketch are independent and alike, given the transform's signs: the first m are
    a sketch of m rows, but for its scale, which no solution sees.  Count-Sketches, and sums of
    them, are folded: row i goes to i mod m; those of all sparse sketches are the same.
    Errors: ValueError where m does not divide the most.
    """
    most = max(m for m, _ in sizes)
    if any(most % m for m, _ in sizes):
        raise ValueError(f"numbers of rows must divide the largest: {[m for m, _ in sizes]}")
    several, found = jax.random.split(key, len(names)), []
    counts = [nonzeros(name) for name in names if name not in DENSE]
    folded = iter(sparse(several[-1], problem.rows, most, counts) if counts else ())
    for name, one in zip(names, several, strict=True):
        if name in DENSE:
            whole = apply(name, one, problem, n, most)
            found.append([corner(whole[:m], d) for m, d in sizes])
        else:
            whole = next(folded)
            found.append([corner(whole, d).reshape(-1, m, d + 1).sum(axis=0) for m, d in sizes])
    return found


def solve(M: Array) -> tuple[Array, Array]:
    """x' - x* = (SA)^+ S r, and whether S A lacks rank.  M [m, d + 1] -> [d], bool []"""
    return solved(*normal_equations(M))


def normal_equations(M: Array) -> tuple[Array, Array]:
    """(SA)^T S A and (SA)^T S r.  M [m, d + 1] -> [d, d], [d]"""
    SA, Sr = M[:, :-1], M[:, -1]
    return SA.T @ SA, SA.T @ Sr


def solved(G: Array, c: Array) -> tuple[Array, Array]:
    """G^+ c, and whether G is singular.  -> [d], bool []

    (G + ridge)^-1 c tends to it as the ridge vanishes, for c in the range of G: where columns
    collide it is right to 1e-7, elsewhere to 1e-8.
    """
    factor = jnp.linalg.cholesky(G + RIDGE * jnp.eye(len(c)))
    x = jax.scipy.linalg.cho_solve((factor, True), c)
    return x, jnp.min(jnp.diag(factor)) ** 2 < LOST


def judged(several: Sequence[Array], *, fresh: int = 0, basis: str = "coordinates") -> Errors:
    """The errors of several sketched problems, of any sizes.  M [m, d + 1] each -> [B] each

    fresh > 0: rows beyond fresh d are copies of the first.  "rotated": for A Q, Q = H / sqrt(d),
    another basis of the same range.  Smaller problems are solved as corners of the identity of the
    largest: one factorisation in the program, not one a size.
    """
    m = np.array([len(M) for M in several])
    d = np.array([M.shape[1] - 1 for M in several])
    if fresh:
        several = [M[jnp.arange(len(M)) % (fresh * (M.shape[1] - 1))] for M in several]
    most = d.max()
    G, c = zip(*[normal_equations(M) for M in several], strict=True)
    wide = jnp.stack([jnp.pad(g, (0, most - len(g))) for g in G])
    wide += np.stack([np.diag(np.arange(most) >= k) for k in d])
    x, lost = jax.vmap(solved)(wide, jnp.stack([jnp.pad(v, (0, most - len(v))) for v in c]))
    square = jnp.sum(x**2, axis=1) * (m - d - 1) / d
    if basis == "rotated":  # of a vector that ends in zeros: that of its start, again and again
        x = jax.vmap(sketches.fwht)(x) / np.sqrt(d)[:, None]
    x = np.sqrt(m)[:, None] * x
    return Errors(jnp.max(jnp.abs(x), axis=1), square, lost, x)
