"""Distances of two samples: sliced Wasserstein 1 and 2, their permutation null, Frechet distance.

Shapes: n points of each sample, D dimensions, M directions, P permutations.
"""

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import at_least, held, reals
from common.sde.processes import Array, prior_draw
from common.sde.transport import procrustes


def directions(key: Array, m: int, d: int, dtype=jnp.float32) -> Array:
    """m uniform unit vectors of R^d -> [m, d]"""
    at_least(1, m=m, d=d)
    v = prior_draw(key, (m, d), dtype)
    return v / jnp.linalg.norm(v, axis=1, keepdims=True)


def _samples(x, y, theta) -> list[Array]:
    sizes = shapes.check("x", x, "n D")
    shapes.like("y", y, "x", x)
    shapes.check("theta", theta, "M D", sizes)
    named = {"x": x, "y": y, "theta": theta}
    return [_some(name, value) for name, value in named.items()]


def _some(name: str, x) -> Array:
    x = jnp.asarray(reals(name, x))
    if not x.size:
        raise ValueError(f"{name} is empty: {list(x.shape)}")
    return x


def sliced_w1(x: Array, y: Array, theta: Array) -> Array:
    """Mean over directions of the 1-D Wasserstein-1 distance.  x, y [n, D], theta [M, D] -> []"""
    x, y, theta = _samples(x, y, theta)
    return jnp.mean(jnp.abs(jnp.sort(theta @ x.T, axis=1) - jnp.sort(theta @ y.T, axis=1)))


def sliced_w2(x: Array, y: Array, theta: Array) -> Array:
    """Mean over directions of the squared 1-D Wasserstein-2 distance.  -> []

    x, y [n, D], theta [M, D].  For a shift by v its expectation over directions is |v|^2 / D.
    Errors: ValueError, outside of jit, beyond the range of the dtype.
    """
    x, y, theta = _samples(x, y, theta)
    found = jnp.mean((jnp.sort(theta @ x.T, axis=1) - jnp.sort(theta @ y.T, axis=1)) ** 2)
    held("x and y are too far apart for squares", found)
    return found


def permutation_null(key: Array, x: Array, y: Array, theta: Array, permutations: int) -> Array:
    """`sliced_w1` after exchanging points of the pooled sample at random -> [P]

    In one dimension W1 is the integral of |F_x - F_y|, so the pooled projections are sorted once
    and each permutation only relabels them.
    """
    at_least(1, permutations=permutations)
    x, y, theta = _samples(x, y, theta)
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

    x [n, D], y [m, D].  The trace is a sum of squares, `procrustes` of the triangular factors.
    Errors: ValueError for fewer than two points and, outside of jit, beyond the range of the dtype.
    """
    shapes.check("y", y, "m D", {"D": shapes.check("x", x, "n D")["D"]})
    x, y = _some("x", x), _some("y", y)
    shift = x.mean(axis=0) - y.mean(axis=0)
    found = jnp.sum(shift**2) + procrustes(_triangle("x", x), _triangle("y", y))
    held("x and y are too far apart or wide for squares", found)
    return found


def _triangle(name: str, x: Array) -> Array:
    """R [D, D] with R^T R the covariance of the sample x [n, D]."""
    n, d = x.shape
    if n < 2:
        raise ValueError(f"{name} needs two points for a covariance, not {n}")
    root = jnp.linalg.qr((x - x.mean(axis=0)) / (n - 1) ** 0.5, mode="r")
    return jnp.pad(root, ((0, d - root.shape[0]), (0, 0)))
