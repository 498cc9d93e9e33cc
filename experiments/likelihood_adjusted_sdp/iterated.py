"""LA-SDP, and iLA-SDP: LA-SDP and covariances by turns, from labels and without centroids.

Shapes: n points, p coordinates, K clusters, T rounds.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from . import admm, likelihood

Array = jax.Array
Solver = Callable[..., admm.Solved]  # A, trace, start -> solved


class Path(NamedTuple):
    labels: Array  # int [1 + T, n]: before the first round and after each
    value: Array  # [2 T]: penalised likelihood, relaxed, of every round's covariances, then LA-SDP
    solves: Array  # int []: rounds that were computed
    unfinished: Array  # int []: of those, solves that met their bound


def kmeans_sdp(solve: Solver, X: Array, clusters: int) -> admm.Solved:
    """One matrix for all clusters, its trace their number.  X [n, p] -> Z [1, n, n]"""
    A = likelihood.gram(X)
    return solve(A, float(clusters), admm.begin(A))


def la_sdp(solve: Solver, A: Array) -> admm.Solved:
    """One matrix a cluster.  A [K, n, n] -> Z [K, n, n]"""
    return solve(A, 1.0, admm.begin(A))


def iterate(
    solve: Solver, estimate: Callable[[Array], Array], X: Array, labels: Array, clusters: int, *,
    ridge: float | Array, rounds: int, logdet: bool, tol: float,
) -> Path:  # fmt: skip
    """Rounds of covariances and LA-SDP until the labels repeat.  X [n, p], labels int [n]

    estimate: Z [K, n, n] -> covariances [K, p, p]; where it returns known ones this is LA-SDP.
    logdet=False leaves log|Sigma_k| out of what is maximised, not out of the value that is told.
    """

    def round_(carry):
        Z, state, before, _, count, unfinished, _ = carry
        covariances = estimate(Z)
        A = likelihood.matrices(X, covariances, ridge=ridge, logdet=logdet)
        solved = solve(A, 1.0, state)
        values = [likelihood.value(A, each) for each in (Z, solved.Z)]
        if not logdet:
            size = likelihood.factors(covariances)[1]
            values = [v - each.sum((1, 2)) @ size / 2
                      for v, each in zip(values, (Z, solved.Z), strict=True)]  # fmt: skip
        after, met = likelihood.rounded(solved.Z), (solved.residual > tol).astype(int)
        rest, told = (after == before).all(), jnp.stack(values)
        return solved.Z, solved.state, after, told, count + 1, unfinished + met, rest

    def step(carry, _):
        carry = jax.lax.cond(carry[-1], at_rest, round_, carry)
        return carry, (carry[2], carry[3])

    Z, zero = likelihood.integral(labels, clusters), jnp.array(0)
    carry = Z, admm.begin(Z), labels, jnp.zeros(2), zero, zero, jnp.array(False)
    (*_, count, unfinished, _), (found, values) = jax.lax.scan(step, carry, length=rounds)
    return Path(jnp.concatenate([labels[None], found]), values.ravel(), count, unfinished)


def at_rest(carry):
    """Nothing moves; the last value is both."""
    Z, state, labels, values, *rest = carry
    return Z, state, labels, values[jnp.array([1, 1])], *rest
