"""Transport of Gaussians: the Bures-Wasserstein geometry of covariances, with safe derivatives.

W_2^2(N(m, A), N(k, B)) = |m - k|^2 + tr(A + B - 2 (A^(1/2) B A^(1/2))^(1/2)); Bhatia, Jain & Lim
2019 (arXiv 1712.01504), the barycentre's fixed point: Alvarez-Esteban et al. 2016 (arXiv
1511.05355).  Eigenvalues may be equal: no derivative goes through eigenvectors.

Shapes: N covariances of D dimensions [N, D, D], symmetric positive definite; means [D].
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import at_least, held, reals, refuted, unit
from common.sde.processes import Array
from common.sde.transport import procrustes


def lyapunov(a: Array, c: Array) -> jax.Array:
    """The symmetric X with A X + X A = C, for A positive definite.  a, c [D, D] -> [D, D]"""
    a, c = _square(a=a), _square(c=c)
    shapes.like("c", c, "a", a)
    size = unit(a)
    return _lyapunov(a / size, c) / size


@jax.custom_jvp
def _lyapunov(a, c):
    values, vectors = jnp.linalg.eigh(a)
    sums = values[:, None] + values
    inner = jnp.where(sums > 0, vectors.T @ c @ vectors / jnp.where(sums > 0, sums, 1), 0)
    return vectors @ inner @ vectors.T


@_lyapunov.defjvp
def _lyapunov_slope(at, along):
    (a, c), (da, dc) = at, along
    x = _lyapunov(a, c)
    return x, _lyapunov(a, dc - da @ x - x @ da)


def root(c: Array) -> jax.Array:
    """The symmetric square root of c [D, D], derivatives of any order by `lyapunov`.  -> [D, D]"""
    return _root(_square(c=c))


@jax.custom_jvp
def _root(c):
    values, vectors = jnp.linalg.eigh(c)
    return (vectors * jnp.sqrt(jnp.maximum(values, 0))) @ vectors.T


@_root.defjvp
def _root_slope(at, along):
    s = _root(*at)
    return s, _lyapunov(s, (along[0] + along[0].T) / 2)


def bures(a: Array, b: Array) -> jax.Array:
    """The squared distance tr(A + B - 2 (A^(1/2) B A^(1/2))^(1/2)).  a, b [D, D] -> []

    A sum of squares |A^(1/2) - Q B^(1/2)|^2 at the best turn Q, which keeps the digits of near
    ones. First derivatives alone: that of Q does not count at the minimum.
    """
    a, b = _square(a=a), _square(b=b)
    shapes.like("b", b, "a", a)
    found = procrustes(_root(a), _root(b))
    held("a and b are too large", found)
    return found


def monge(a: Array, b: Array) -> jax.Array:
    """The map of one Gaussian to another, T = A^(-1/2) (A^(1/2) B A^(1/2))^(1/2) A^(-1/2).

    T A T = B; a [D, D] positive definite, b [D, D] -> [D, D]
    """
    a, b = _square(a=a), _square(b=b)
    shapes.like("b", b, "a", a)
    low, high = unit(a), unit(b)
    found = _monge(_root(a / low), b / high) * jnp.sqrt(high / low)
    held("a must be positive definite beside b", found)
    return found


def _monge(s, b):
    inverse = jnp.linalg.inv(s)
    return inverse @ _root(s @ b @ s) @ inverse


class Barycentre(NamedTuple):
    """The covariance, and how far the mean of the maps to the others is from the identity."""

    covariance: jax.Array  # [D, D]
    residual: jax.Array  # []


def barycentre(covariances: Array, weights: Array, *, iterations: int = 50) -> Barycentre:
    """The minimiser of sum_i w_i bures(B, C_i), by B <- T B T with T = sum_i w_i monge(B, C_i).

    From the weighted mean; a scan, so that derivatives go through it. covariances [N, D, D],
    weights [N], divided by their sum.
    Errors: ValueError for shapes, none, weights that are negative or all 0.
    """
    at_least(1, iterations=iterations)
    sizes = shapes.check("weights", weights, "N")
    d = shapes.check("covariances", covariances, "N D E", sizes)["D"]
    shapes.check("covariances", covariances, "N D D")
    at_least(1, **{"N of weights": sizes["N"], "D of covariances": d})
    covariances = jnp.asarray(reals("covariances", covariances))
    weights = jnp.asarray(reals("weights", weights))
    if refuted(lambda w: (w >= 0).all() & (w > 0).any(), weights):
        raise ValueError("weights must not be negative, and some positive")
    weights = weights / unit(weights)
    size, weights = unit(covariances), (weights / weights.sum()).astype(covariances.dtype)
    scaled = covariances / size

    def turn(b, _):
        maps = jax.vmap(_monge, (None, 0))(_root(b), scaled)
        mean = jnp.tensordot(weights, maps, 1)
        b = mean @ b @ mean
        return (b + b.T) / 2, jnp.linalg.norm(mean - jnp.eye(d))

    b, residuals = jax.lax.scan(turn, jnp.tensordot(weights, scaled, 1), length=iterations)
    found = Barycentre(b * size[0, 0, 0], residuals[-1])
    held("covariances must be positive definite", *found)
    return found


def _square(**named: Array) -> jax.Array:
    ((name, c),) = named.items()
    d = shapes.check(name, c, "D E")["D"]
    shapes.check(name, c, f"{d} {d}")
    at_least(1, **{f"D of {name}": d})
    return jnp.asarray(reals(name, c))
