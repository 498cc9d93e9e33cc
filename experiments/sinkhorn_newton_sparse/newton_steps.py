"""Newton's stage of the algorithm, whose Hessian keeps few entries of the plan.

A step solves [[D_r, S], [S^T, D_c]] z = (r - P 1, c - P^T 1); S are the largest entries of P, D_r
and D_c the sums of the whole P.  Two ablations: S of entries at random, sums of S alone.

Shapes: n points each; cost [n, n], masses r, c [n], potentials x, y [n], p [n, n].
"""

import jax
import jax.numpy as jnp

from common.ot import newton

PLACES = 0x5EED  # key of the entries at random


def solve(cost, r, c, eta, x, y, density, tol, *, most, steps, entries, diagonals):
    """Steps from x, y with `density` n entries, a number that the program is told; 0: dense.

    most: the largest density.  -> newton.Solution
    """

    def few(p, gap_rows, gap_columns):
        kept = chosen(p, density, most, entries)
        sums = sums_of(p, kept, diagonals)
        return newton.solve(kept, sums, jnp.concatenate([gap_rows, gap_columns]), rows=len(p))

    def direction(*args):
        return jax.lax.cond(density == 0, newton.direct, few, *args)

    return newton.newton(cost, r, c, eta, (x, y), direction, tol=tol, steps=steps)


def chosen(p, density, most: int, entries: str) -> newton.Entries:
    """The entries of S: density n of them, the others of most n are 0."""
    count = most * len(p)
    if entries == "random":  # at the same places whatever p
        place = jax.random.permutation(jax.random.key(PLACES), p.size)[:count]
        values = jnp.where(jnp.arange(count) < density * len(p), p.ravel()[place], 0)
        return newton.Entries(place // len(p), place % len(p), values)
    kept = newton.largest(p, count)
    least = jnp.sort(kept.values)[-density * len(p)]
    return kept._replace(values=jnp.where(kept.values >= least, kept.values, 0))


def sums_of(p, kept: newton.Entries, diagonals: str):
    """D_r and D_c: sums of P, or (thresholded) of S, one where S has nothing.  -> [2 n]"""
    if diagonals == "full":
        return jnp.concatenate([p.sum(axis=1), p.sum(axis=0)])
    none = jnp.zeros(2 * len(p), p.dtype)
    sums = none.at[kept.rows].add(kept.values).at[kept.columns + len(p)].add(kept.values)
    return jnp.where(sums > 0, sums, 1)
