"""The regressions of a half step: w_j = argmin |D_j (X w - m_j)|, for every column m_j at once.

A solver is called with basis X [n, k], seen D and target M^T [m, n] (a row a regression) and a
start [m, k] and returns w [m, k].
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from common import sketches

RIDGE = 1e-12  # on the normal matrix: rows with fewer than k entries are not identifiable

Solver = Callable[[Array, Array, Array, Array], Array]


def exact(basis: Array, seen: Array, target: Array, start: Array) -> Array:
    """By the normal equations B_j = X^T D_j X: |Omega| k^2 operations."""
    gram = normal(basis, seen) + RIDGE * jnp.eye(basis.shape[1])
    return jnp.linalg.solve(gram, ((seen * target) @ basis)[..., None])[..., 0]


def normal(basis: Array, seen: Array) -> Array:
    """B_j of every regression.  -> [m, k, k]"""
    pairs = basis[:, :, None] * basis[:, None, :]
    return jnp.tensordot(seen, pairs, 1)


def conjugate(steps, warm, inverse: Callable | None = None) -> Solver:
    """Conjugate gradients on the normal equations, never formed: |Omega| k operations a step.

    steps: how many, warm: 1 to start from what is known, 0 from nothing; inverse: (basis, seen)
    -> [m, k, k], the preconditioner
    """

    def solve(basis, seen, target, start):
        scaled = inverse(basis, seen) if inverse else None

        def improved(residual):
            return residual if scaled is None else jnp.einsum("mab,mb->ma", scaled, residual)

        def step(_, state):
            w, residual, way, size = state
            image = (seen * (way @ basis.T)) @ basis
            length = over(size, inner(way, image))
            w, residual = w + length * way, residual - length * image
            better = improved(residual)
            new = inner(residual, better)
            return w, residual, better + over(new, size) * way, new

        w = warm * start
        residual = (seen * (target - w @ basis.T)) @ basis
        way = improved(residual)
        state = w, residual, way, inner(residual, way)
        return jax.lax.fori_loop(0, steps, step, state)[0]

    return solve


def sketched(S: Array) -> Callable:
    """Preconditioner (P^T P)^-1 of P = S D_j X.  S [rows, n] -> (basis, seen) -> [m, k, k]"""

    def inverse(basis, seen):
        small = jnp.einsum("si,mi,ia->msa", S, seen, basis, optimize=[(0, 1), (0, 1)])
        gram = jnp.einsum("msa,msb->mab", small, small)
        return jnp.linalg.inv(gram + RIDGE * jnp.eye(basis.shape[1]))

    return inverse


def embedding(key: Array, rows: int, n: int) -> Array:
    """A Count-Sketch as a matrix.  -> S [rows, n]"""
    return sketches.sparse(key, jnp.eye(n), rows)


def inner(a: Array, b: Array) -> Array:
    return jnp.sum(a * b, axis=-1, keepdims=True)


def over(a: Array, b: Array) -> Array:
    """a / b, and 0 where b is not positive: nothing is left to do there."""
    return jnp.where(b > 0, a / jnp.where(b > 0, b, 1), 0)
