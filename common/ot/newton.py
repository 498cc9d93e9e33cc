"""Newton steps on the dual of entropic transport: sparse with conjugate gradients, or dense.

A step solves M (dx, dy) = (r - P 1, c - P^T 1) / eta with M = [[diag(P 1), S], [S^T, diag(P^T 1)]].
Sparse: S are the largest entries of P, the diagonals keep the whole sums, so that M is diagonally
dominant; O(n m) a step.  Dense: S = P, by Cholesky, O((n + m)^3).  Begin with sweeps of `sinkhorn`.
Tang et al. 2024 (arXiv 2401.12253); the potential and its symbols: sinkhorn.py.

Shapes: n sources, m targets; cost [n, m], r [n], c [m], eta [], x [n], y [m], p [n, m].
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.ot.sinkhorn import SAID, Array, gradient, problem
from common.reals import at_least, held, reals, refuted

ARMIJO, HALVINGS = 1e-4, 40


class Solution(NamedTuple):
    """Potentials, errors before and after every step, products with M and length of every step."""

    x: jax.Array  # [n]
    y: jax.Array  # [m]
    error: jax.Array  # [] |P 1 - r|_1 + |P^T 1 - c|_1
    steps: jax.Array  # []
    errors: jax.Array  # [1 + most], that of the start first; the last one is repeated
    products: jax.Array  # [most], 0 of steps that were not taken
    lengths: jax.Array  # [most]


class Entries(NamedTuple):
    """Some entries of a matrix; what is not used of their fixed number is 0."""

    rows: jax.Array  # int [k]
    columns: jax.Array  # int [k]
    values: jax.Array  # [k]


Direction = Callable[[Array, Array, Array], tuple[jax.Array, jax.Array, jax.Array]]


def newton(
    cost: Array,
    r: Array,
    c: Array,
    eta,
    start: tuple[Array, Array],
    direction: Direction,
    *,
    tol: float = 1e-9,
    steps: int = 100,
) -> Solution:
    """Steps along `direction` from the potentials `start` until the error is at most tol.

    direction: `sparse(kept)`, `direct`, or your own (P, rows' gap, columns' gap) -> (dx, dy) eta,
    products. The length is 1, or where exp overflows, then a half, … until f has grown by 1e-4 of
    what its slope promises; f's growth is summed from differences, so that it keeps its digits at
    the maximum. Where 40 halvings do not do it the loop ends.
    Errors: as `sinkhorn.problem`, and outside of jit for potentials beyond the dtype.
    """
    at_least(1, steps=steps)
    cost, r, c, eta = problem(cost, r, c, eta)
    sizes = dict(zip("nm", cost.shape, strict=True))
    for name, z, letter in (("start's x", start[0], "n"), ("start's y", start[1], "m")):
        shapes.check(name, z, letter, sizes)
    a, b = (eta * jnp.asarray(z, cost.dtype) for z in start)
    scaled = eta * cost

    def look(a, b):
        p = jnp.exp(a[:, None] + b - scaled - 1)
        gaps = gradient(p, r, c)
        return p, gaps, jnp.sum(abs(gaps[0])) + jnp.sum(abs(gaps[1]))

    def step(s):
        da, db, products = direction(s.p, *s.gaps)
        length = _length(s.p, s.gaps, da, db)
        a, b = (jnp.where(length > 0, z + length * d, z) for z, d in ((s.a, da), (s.b, db)))
        p, gaps, error = look(a, b)
        seen = jnp.stack([error, products.astype(error.dtype), length])
        return _Steps(a, b, p, gaps, error, s.done + 1, length, s.seen.at[:, s.done].set(seen))

    def unfinished(s):
        return (s.error > tol) & (s.done < steps) & (s.length > 0)

    seen = jnp.zeros((3, steps), cost.dtype)
    p, gaps, error = look(a, b)
    none, one = jnp.zeros((), int), jnp.ones((), cost.dtype)
    begun = _Steps(a, b, p, gaps, error, none, one, seen)
    s = jax.lax.while_loop(unfinished, step, begun)
    x, y = s.a / eta, s.b / eta
    held(SAID, x, y, s.error)
    errors = jnp.where(jnp.arange(steps) < s.done, s.seen[0], s.error)
    errors = jnp.concatenate([error[None], errors])
    return Solution(x, y, s.error, s.done, errors, s.seen[1], s.seen[2])


class _Steps(NamedTuple):
    """Potentials times eta, their plan and gaps, and what was done."""

    a: jax.Array
    b: jax.Array
    p: jax.Array
    gaps: tuple[jax.Array, jax.Array]
    error: jax.Array
    done: jax.Array
    length: jax.Array
    seen: jax.Array


def _length(p, gaps, da, db) -> jax.Array:
    """Armijo's backtracking; 0 where no length does.

    eta (f(z + t d) - f(z)) = t (gaps.d) - sum P (exp(t e) - 1 - t e), e = da_i + db_j.
    """
    slope, change = gaps[0] @ da + gaps[1] @ db, da[:, None] + db
    beyond = np.log(float(jnp.finfo(p.dtype).max))  # of exp: longer steps fail anyway
    first = jnp.minimum(1, beyond / jnp.max(abs(change)))
    least = first * 0.5 ** (HALVINGS - 1)

    def too_long(length):
        t = length * change
        grown = length * slope - jnp.sum(p * (jnp.expm1(t) - t))
        return ~(grown >= ARMIJO * length * slope) & (length >= least)  # also where it is nan

    length = jax.lax.while_loop(too_long, lambda length: length / 2, first)
    return jnp.where((length >= least) & (slope > 0), length, 0)


def direct(p: Array, gap_rows: Array, gap_columns: Array) -> tuple[jax.Array, ...]:
    """The solution of M z = gaps with S = P, by Cholesky; z has no part along (1, -1).

    With a ridge of (n + m) eps on the matrix whose diagonal is one.
    p [n, m], gaps [n], [m] of equal sum -> [n], [m], 0 products
    """
    sizes = shapes.check("p", p, "n m")
    p, g = _scaled_gaps(p, gap_rows, gap_columns)
    root = 1 / jnp.sqrt(jnp.concatenate([p.sum(axis=1), p.sum(axis=0)]))
    n = sizes["n"]
    inner = root[:n, None] * p * root[n:]
    eye, corner = jnp.eye(len(root), dtype=p.dtype), jnp.zeros((n, n), p.dtype)
    matrix = eye + jnp.block([[corner, inner], [inner.T, jnp.zeros((sizes["m"],) * 2, p.dtype)]])
    free = jnp.where(jnp.arange(len(root)) < n, 1, -1) / root
    free = free / jnp.linalg.norm(free)  # the null vector, made an eigenvector of 1
    matrix = matrix + free[:, None] * free + len(root) * jnp.finfo(p.dtype).eps * eye
    factor = jnp.linalg.cholesky(matrix)  # the last term: else a weakly connected P has none
    half = jax.scipy.linalg.solve_triangular(factor, root * g, lower=True)
    z = root * jax.scipy.linalg.solve_triangular(factor, half, lower=True, trans=1)
    z = z - jnp.where(jnp.arange(len(root)) < n, 1, -1) * (z[:n].sum() - z[n:].sum()) / len(root)
    return z[:n], z[n:], jnp.zeros((), int)


def sparse(kept: int, *, tol: float = 1e-10, most: int = 1000) -> Direction:
    """The direction whose S are the `kept` largest entries of P; CG to tol, `most` products."""
    at_least(1, kept=kept, most=most)

    def direction(p, gap_rows, gap_columns):
        p, g = _scaled_gaps(p, gap_rows, gap_columns)
        diagonal = jnp.concatenate([p.sum(axis=1), p.sum(axis=0)])
        return solve(largest(p, kept), diagonal, g, rows=len(p), tol=tol, most=most)

    return direction


def _scaled_gaps(p, gap_rows, gap_columns):
    sizes = shapes.check("p", p, "n m")
    shapes.check("gap_rows", gap_rows, "n", sizes)
    shapes.check("gap_columns", gap_columns, "m", sizes)
    at_least(1, **{"n of p": sizes["n"], "m of p": sizes["m"]})
    named = {"p": p, "gap_rows": gap_rows, "gap_columns": gap_columns}
    p, *gaps = (jnp.asarray(reals(*pair)) for pair in named.items())
    return p, jnp.concatenate(gaps)


def largest(p: Array, kept: int) -> Entries:
    """The `kept` largest positive entries of p [n, m] >= 0, in order of rows.

    Found by bisection over the bits of a threshold, twenty times faster than a sort. Of entries
    that are equal all or none: fewer are kept where the last would have to be chosen.
    """
    sizes = shapes.check("p", p, "n m")
    at_least(1, kept=kept, **{"n of p": sizes["n"], "m of p": sizes["m"]})
    p = jnp.asarray(reals("p", p))
    bits = jnp.int64 if p.dtype.itemsize == 8 else jnp.int32
    number = lambda i: jax.lax.bitcast_convert_type(i, p.dtype)  # noqa: E731

    def unfinished(s):
        low, high, count = s
        return (count != kept) & (high - low > 1)

    def halve(s):
        low, high, count = s
        middle = low + (high - low) // 2
        above = jnp.sum(p >= number(middle))
        few = above <= kept
        return (jnp.where(few, low, middle), jnp.where(few, middle, high),
                jnp.where(few, above, count))  # fmt: skip

    top = jax.lax.bitcast_convert_type(jnp.asarray(jnp.inf, p.dtype), bits)
    begun = jnp.zeros((), bits), top, jnp.zeros((), int)
    _, high, _ = jax.lax.while_loop(unfinished, halve, begun)
    flat = p.ravel()
    place = jnp.nonzero(flat >= number(high), size=kept, fill_value=0)[0]
    values = jnp.where(jnp.arange(kept) < jnp.sum(flat >= number(high)), flat[place], 0)
    return Entries(place // p.shape[1], place % p.shape[1], values)


def solve(
    entries: Entries, diagonal: Array, g: Array, *, rows: int, tol: float = 1e-10, most: int = 1000
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """(dx, dy) with [[D_r, S], [S^T, D_c]] (dx, dy) = g, by CG on D^(-1/2) M D^(-1/2).

    entries of S [n, m], diagonal and g [n + m], rows = n; until the residual is tol of its start or
    after `most` products.  -> [n], [m], products
    """
    sizes = shapes.check("diagonal", diagonal, "N")
    shapes.check("g", g, "N", sizes)
    at_least(1, rows=rows, most=most)
    named = {"diagonal": diagonal, "g": g, "entries' values": entries.values}
    diagonal, g, values = (jnp.asarray(reals(*pair)) for pair in named.items())
    for name, place, size in (("rows", entries.rows, rows),
                              ("columns", entries.columns, len(g) - rows)):  # fmt: skip
        if refuted(lambda place, size: (place >= 0) & (place < size), jnp.asarray(place), size):
            raise ValueError(f"entries' {name} must be below {size}")
    root = 1 / jnp.sqrt(diagonal)
    at, other = entries.rows, entries.columns + rows
    values = values * root[at] * root[other]

    def product(z):
        across = jnp.zeros_like(z).at[at].add(values * z[other])
        return z + across.at[other].add(values * z[at])

    z, count = _conjugate_gradients(product, root * g, tol, most)
    z = root * z
    return z[:rows], z[rows:], count


def _conjugate_gradients(product, b, tol, most):
    """Hestenes & Stiefel 1952.  -> z, products"""
    enough = tol**2 * (b @ b)

    def unfinished(s):
        _, _, _, square, count = s
        return (square > enough) & (count < most)

    def step(s):
        z, residual, along, square, count = s
        image = product(along)
        length = square / (along @ image)
        z, residual = z + length * along, residual - length * image
        after = residual @ residual
        return z, residual, residual + after / square * along, after, count + 1

    z, _, _, _, count = jax.lax.while_loop(
        unfinished, step, (jnp.zeros_like(b), b, b, b @ b, jnp.zeros((), int))
    )
    return z, count
