"""Weighted least squares from points: Gram matrices, errors, and interpolation on the way.

Shapes: Q blocks of m points, F functions, m basis functions.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.lax import linalg

Array = jax.Array

RIDGE = 1e-12  # what lacks rank, an i.i.d. sample with a point twice, gets its least solution


class Fit(NamedTuple):
    stable: Array  # bool [...]: lambda_min(G) >= 1 - delta
    error: Array  # [..., F]: |u - u^|^2 over the best
    inverse: Array  # [...]: tr G^-1 / m


def moments(unit: Array, rest: Array, at: Array) -> tuple[Array, Array]:
    """Of every block of points.  unit [N, m], rest [F, N], at int [..., m]

    Their means over q blocks are G = 1/n sum w phi phi^T and 1/n sum w r phi, n = q m.
    -> [..., m, m], [..., F, m]
    """
    e, s = unit[at], jnp.moveaxis(rest[:, at], 0, -2)
    return e.mT @ e, s @ e / unit.shape[1] ** 0.5


def running(x: Array, axis: int) -> Array:
    """Means of the first 1, 2, ... entries along an axis."""
    count = jnp.arange(1, x.shape[axis] + 1).reshape(-1, *(1,) * (x.ndim - axis - 1))
    return jnp.cumsum(x, axis) / count


def fit(G: Array, b: Array, delta: float) -> Fit:
    """Coefficients of u^ - P u are G^-1 b.  G [..., m, m], b [..., F, m]"""
    m = G.shape[-1]
    eye = jnp.broadcast_to(jnp.eye(m), G.shape)
    pivots = linalg.cholesky(G - (1 - delta) * eye, symmetrize_input=False)[..., -1, -1]
    inverse = forward(G, eye)
    c = (b @ inverse.mT) @ inverse
    trace = jnp.sum(inverse**2, axis=(-2, -1)) / m
    return Fit(jnp.isfinite(pivots), 1 + jnp.sum(c**2, axis=-1), trace)


def forward(G: Array, x: Array) -> Array:
    """L^-1 x for G = L L^T.  G [..., m, m], x [..., m, k] -> [..., m, k]"""
    factor = linalg.cholesky(G + RIDGE * jnp.eye(G.shape[-1]), symmetrize_input=False)
    return linalg.triangular_solve(factor, x, left_side=True, lower=True)


def interpolation(unit: Array, rest: Array, at: Array) -> Array:
    """1 + |c_k|^2, c_k the least coefficients that interpolate r at the first k points.

    c_k lies in the span of phi(x_1) ... phi(x_k), so that |c_k|^2 adds up squares of L^-1 r for
    K = L L^T, K_ij = phi(x_i) . phi(x_j).  unit [N, m], rest [F, N], at int [..., m] -> [..., F, m]
    """
    e, s = unit[at], jnp.moveaxis(rest[:, at], 0, -1)
    steps = forward(e @ e.mT, s) / unit.shape[1] ** 0.5
    return jnp.moveaxis(1 + jnp.cumsum(steps**2, axis=-2), -1, -2)
