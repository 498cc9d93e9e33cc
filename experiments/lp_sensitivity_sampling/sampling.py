"""Rows kept independently with probability q_i = min(1, beta s_i) and weight q_i^(-1/p).

Shapes: n rows, d columns, K room for kept rows.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from common import keys, sketches

from . import search
from .instances import arrivals, directions, endless
from .sensitivities import moment

Array = jax.Array

CANDIDATES = 96  # kept rows among the directions to start from, and as many random ones


class Judged(NamedTuple):
    distortion: Array  # []
    mean: Array  # []: |S A x|_p^p / |A x|_p^p of x that do not know the sample, the coordinates


def room(expected: float) -> int:
    """For a number of rows with this mean: six standard deviations above."""
    return int(expected + 6 * expected**0.5) + 8


def gathered(rows: Array, kept: Array, size: int) -> Array:
    """The kept rows, then zeros.  rows [n, d], kept bool [n] -> [size, d]"""
    at = jnp.argsort(~kept)[:size]
    return jnp.where(kept[at, None], rows[at], 0)


def mixed(key: Array, b: Array, cases: tuple, copies: int, budgets, options: dict, *,
          weighted: bool = True) -> Judged:  # fmt: skip
    """Of Gaussian rows beside `copies` identities of as many columns, in every case, at every m.

    b [n, d], whitened; cases: p [C], scores of Gaussian rows [C, n], of an identity's row [C];
    budgets [m] -> [C, m] each.  |S A x| / |A x| lies between those of the blocks, so that the worst
    of both is the worst; an identity's is that of a coordinate.  Gaussian rows are searched on the
    unit sphere, where |A x|_p^p is near n E |g|^p, and judged by |A x|_p^p itself.
    """
    (n, d), size = b.shape, room(float(max(budgets)))
    u, v = jnp.split(keys.uniform(key, (n + copies * d,)), [n])
    v, probe, random = v.reshape(copies, d), jnp.eye(d), directions(b[:CANDIDATES])

    def of(case):
        p, gauss, identity = case
        total, whole = jnp.sum(gauss) + copies * d * identity, norm(b, p, probe)

        def at(m):
            q, own = (jnp.minimum(1, m / total * s) for s in (gauss, identity))
            weight = q if weighted else jnp.mean(q) + 0 * q
            rows = gathered((n * moment(p) * weight[:, None]) ** (-1 / p) * b, u < q, size)
            found = search.extremes(rows, p, random, **options)
            worst = search.distortion(found, norm(b, p, found.x))
            block = jnp.max(jnp.abs(jnp.sum(v < own, axis=0) / (copies * own) - 1))
            return Judged(
                jnp.maximum(worst, block), jnp.mean(search.values(rows, p, probe) / whole)
            )

        return jax.lax.map(at, jnp.asarray(budgets, float))

    return jax.lax.map(of, cases)


def norm(b: Array, p, x: Array) -> Array:
    """|A x|_p^p / (n E |g|^p).  b [n, d], x [B, d] -> [B]"""
    return search.values(b, p, x) / (len(b) * moment(p))


class Recursed(NamedTuple):
    counts: Array  # [rounds]: rows left
    distortion: Array  # []


def recursion(
    key: Array, A: Array, p: float, beta: float, rounds: int, options: dict, *, power: float
) -> Recursed:
    """Sampling with q_i = min(1, beta tau_i^power), tau of what the round before left.

    A [n, d], of directions that are uniform, so that |A x|_p^p hardly depends on |x| = 1.
    Room is for power p / 2, which leaves beta n^(1 - p/2) d^(p/2) rows at most (Hoelder).
    """
    (left, d), most = A.shape, 0.0
    for _ in range(rounds):
        left = most = beta * left ** (1 - p / 2) * d ** (p / 2)

    def turn(rows, k):
        q = jnp.minimum(1, beta * sketches.leverage(rows) ** power)
        kept = (keys.uniform(k, (len(rows),)) < q) & jnp.any(rows != 0, axis=1)
        rows = jnp.where(kept[:, None], rows * jnp.maximum(q, 1e-300)[:, None] ** (-1 / p), 0)
        return rows, jnp.sum(kept)

    rows, counts = jax.lax.scan(turn, A, jax.random.split(key, rounds))
    kept = gathered(rows, jnp.any(rows != 0, axis=1), min(room(most), len(A)))
    found = search.extremes(kept, p, directions(A[:CANDIDATES]), **options)
    return Recursed(counts, search.distortion(found, search.values(A, p, found.x)))


def limit(key: Array, d: int, p, budgets, options: dict) -> tuple[Array, Array]:
    """Distortions of samples of endless Gaussian rows and of endless copies of the identity.

    p, budgets [B] -> [B] each.  A coordinate of a copy is the largest of a Gaussian row.
    """
    size = room(float(max(budgets)))
    g = keys.normal(key, (size + CANDIDATES, d + 2))
    u, times = directions(g[:, :d]), arrivals(g[:size, d:])
    coordinate = jax.nn.one_hot(jnp.argmax(jnp.abs(u[:size]), axis=1), d)

    def of(case):
        p, m = case
        rows = endless(u[:size], times, m, p)
        counts = jnp.sum(jnp.where((times <= m)[:, None], coordinate, 0), axis=0)
        found = search.extremes(rows, p, u[size:], **options)
        return search.distortion(found), jnp.max(jnp.abs(counts * d / m - 1))

    return jax.lax.map(of, (jnp.asarray(p, float), jnp.asarray(budgets, float)))
