"""The Jacobian of (L, Omega) -> Sigma = T^T Omega T, T = (I - L)^-1, on a graph's parameters.

Column of lambda_ab: Sigma E_ab T and its transpose; of omega_ab: T^T (E_ab + E_ba) T.
Shapes: n vertices, E = n (n + 1) / 2 entries, as many places for parameters.
"""

import jax
import jax.numpy as jnp
from jax import Array


def parameters(columns, point) -> tuple[Array, Array]:
    """L and Omega of one graph from a point of all.  point [2, n, n] -> [n, n] twice"""
    a, b, directed, active = columns
    zero = jnp.zeros_like(point[0])
    lam = zero.at[a, b].add(jnp.where(directed & active, point[0, a, b], 0))
    upper = zero.at[a, b].add(jnp.where(~directed & active, point[1, a, b], 0))
    return lam, upper + upper.T - jnp.diag(jnp.diag(upper))


def jacobian(columns, lam: Array, omega: Array) -> Array:
    """Rows: entries of Sigma, upper triangle; columns that are not active: 0.  -> [E, E]"""
    a, b, directed, active = columns
    T = jnp.linalg.inv(jnp.eye(len(lam)) - lam)
    sigma = T.T @ omega @ T
    x = jnp.where(directed[:, None], sigma[a], T[a])
    outer = x[:, :, None] * T[b][:, None, :]
    scale = active * jnp.where(~directed & (a == b), 0.5, 1.0)
    both = (outer + outer.swapaxes(1, 2)) * scale[:, None, None]
    i, j = jnp.triu_indices(len(lam))
    return both[:, i, j].T


def best(columns, points: Array, tol: float) -> tuple[Array, Array]:
    """Largest s_k / s_1 over points, k the number of parameters, and the largest rank."""

    def at(point):
        s = jnp.linalg.svd(jacobian(columns, *parameters(columns, point)), compute_uv=False)
        return s[columns.active.sum() - 1] / s[0], (s > tol * s[0]).sum()

    gap, rank = jax.vmap(at)(points)
    return gap.max(), rank.max()


def survey(columns, points: Array, tol: float) -> tuple[Array, Array]:
    """`best` of every graph.  columns [G, E] each, points [K, 2, n, n] -> [G] twice"""
    return jax.lax.map(lambda each: best(each, points, tol), columns)
