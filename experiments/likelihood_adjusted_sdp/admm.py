"""max sum_k <A_k, Z_k> over Z_k psd, Z_k >= 0, tr Z_k = trace, sum_k Z_k 1 = 1, by ADMM.

One matrix with trace K is the K-means SDP of Peng and Wei, K matrices with trace 1 are LA-SDP.
Shapes: K matrices, n points.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

Array = jax.Array


class State(NamedTuple):
    """What a later solve of a like problem starts from."""

    inside: Array  # [2, K, n, n]: psd, and not negative
    dual: Array  # [2, K, n, n], in units of A


class Solved(NamedTuple):
    Z: Array  # [K, n, n]: on the affine set exactly, in the cones to the residual
    residual: Array  # []: Frobenius norm of what is left, over that of an integral solution
    turns: Array  # int []
    state: State


def solve(
    A: Array, trace: float, start: State, *, rho: float, relax: float, tol: float, most: int
) -> Solved:
    """At most `most` over-relaxed turns, until the primal and dual residuals are below tol.

    A [K, n, n] symmetric, scaled by the range of its entries: a number that all have in common
    shifts the value and nothing else.
    """
    scale, size = jnp.ptp(A), (trace * len(A)) ** 0.5
    push = A / (2 * scale * rho)

    def turn(carry):
        (inside, dual), _, _, count = carry
        X = affine((inside - dual).mean(0) + push, 1.0, trace)
        moved = relax * X + (1 - relax) * inside + dual
        new = jnp.stack([psd(moved[0]), jnp.maximum(moved[1], 0)])
        left = jnp.maximum(squared(X - new), squared(new - inside)).max() ** 0.5
        return State(new, moved - new), X, left / size, count + 1

    def goes_on(carry):
        return (carry[2] > tol) & (carry[3] < most)

    begun = start._replace(dual=start.dual / scale)
    first = begun, start.inside[0], jnp.array(jnp.inf, A.dtype), jnp.array(0)
    state, Z, residual, turns = jax.lax.while_loop(goes_on, turn, first)
    return Solved(Z, residual, turns, state._replace(dual=state.dual * scale))


def squared(M: Array) -> Array:
    """Squared Frobenius norms of both halves.  [2, K, n, n] -> [2]"""
    return (M**2).sum((1, 2, 3))


def begin(A: Array) -> State:
    """Zeros."""
    zero = jnp.zeros((2, *A.shape), A.dtype)
    return State(zero, zero)


def affine(M: Array, rows: float, trace: float) -> Array:
    """The nearest matrices with (sum_k Z_k) 1 = rows 1 and tr Z_k = trace.  M [K, n, n] symmetric

    Z_k = M_k - (a 1^T + 1 a^T) / 2 - b_k I; the Gram matrix of the constraints is regular for
    n > 1 and its inverse short: with t = 1^T a, K/2 (n a + t) + 1^T b and n b_k + t are what M
    has too much of rows and traces.
    """
    K, n = M.shape[:2]
    row = M.sum((0, 2)) - rows
    diagonal = jnp.trace(M, axis1=1, axis2=2) - trace
    total = (row.sum() - diagonal.sum()) / (K * (n - 1))
    b = (diagonal - total) / n
    a = 2 / (K * n) * (row - b.sum()) - total / n
    return M - (a[:, None] + a) / 2 - b[:, None, None] * jnp.eye(n)


def psd(M: Array) -> Array:
    """The nearest positive semidefinite matrices.  [..., n, n] symmetric"""
    values, vectors = jnp.linalg.eigh(M, symmetrize_input=False)
    return (vectors * jnp.maximum(values, 0)[..., None, :]) @ vectors.mT
