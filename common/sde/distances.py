"""Distances of two samples: sliced Wasserstein-1 and its permutation null, Frechet distance.

Shapes: n points of each sample, D dimensions, M directions, P permutations.
"""

import jax
import jax.numpy as jnp

from common import shapes
from common.sde.processes import Array


def directions(key: Array, m: int, d: int, dtype=jnp.float32) -> Array:
    """m uniform unit vectors of R^d -> [m, d]"""
    v = jax.random.normal(key, (m, d), dtype)
    return v / jnp.linalg.norm(v, axis=1, keepdims=True)


def _samples(x: Array, y: Array, theta: Array) -> None:
    sizes = shapes.check("x", x, "n D")
    shapes.like("y", y, "x", x)
    shapes.check("theta", theta, "M D", sizes)


def sliced_w1(x: Array, y: Array, theta: Array) -> Array:
    """Mean over directions of the 1-D Wasserstein-1 distance.  x, y [n, D], theta [M, D] -> []"""
    _samples(x, y, theta)
    return jnp.mean(jnp.abs(jnp.sort(theta @ x.T, axis=1) - jnp.sort(theta @ y.T, axis=1)))


def permutation_null(key: Array, x: Array, y: Array, theta: Array, permutations: int) -> Array:
    """`sliced_w1` after exchanging points of the pooled sample at random -> [P]

    In one dimension W1 is the integral of |F_x - F_y|, so the pooled projections are sorted once
    and each permutation only relabels them.
    """
    _samples(x, y, theta)
    n = x.shape[0]
    pooled = theta @ jnp.concatenate([x, y]).T
    order = jnp.argsort(pooled, axis=1)
    gaps = jnp.diff(jnp.take_along_axis(pooled, order, axis=1), axis=1)
    signs = jnp.concatenate([jnp.ones(n), -jnp.ones(n)]).astype(x.dtype) / n

    def once(k):
        relabelled = jax.random.permutation(k, signs)[order]
        return jnp.mean(jnp.sum(jnp.abs(jnp.cumsum(relabelled, axis=1)[:, :-1]) * gaps, axis=1))

    return jax.lax.map(once, jax.random.split(key, permutations))


def frechet(x: Array, y: Array) -> Array:
    """|m_x - m_y|^2 + tr(C_x + C_y - 2 (C_x C_y)^(1/2)) of the samples' moments.  -> []

    The trace of the root is the sum of singular values of C_x^(1/2) C_y^(1/2).
    """

    shapes.check("y", y, "m D", {"D": shapes.check("x", x, "n D")["D"]})

    def root(v):
        w, q = jnp.linalg.eigh(jnp.cov(v, rowvar=False))
        return q * jnp.sqrt(jnp.clip(w, 0.0)) @ q.T

    a, b = root(x), root(y)
    cross = jnp.sum(jnp.linalg.svd(a @ b, compute_uv=False))
    shift = jnp.sum((x.mean(axis=0) - y.mean(axis=0)) ** 2)
    return shift + jnp.sum(a**2) + jnp.sum(b**2) - 2 * cross
