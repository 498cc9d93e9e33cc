"""Matrices by name, and the scores by which their rows are kept.

Shapes: n rows, d columns.
"""

import jax
import jax.numpy as jnp

from common import sketches

from .sensitivities import gaussian_total, moment

Array = jax.Array


def family(name: str, A: Array, other: Array) -> Array:
    """From A, other [n, d] of N(0, 1): gaussian, A itself; identity: its copies in a random basis;
    polynomial: of degree < d on a grid; sparse: half of the columns, a 20th of the others' entries.
    Errors: ValueError for copies of the identity that n is no multiple of.
    """
    n, d = A.shape
    if name == "identity" and n % d:
        raise ValueError(f"n = {n} must be a multiple of d = {d}")
    if name == "identity":
        return jnp.tile(jnp.eye(d), (n // d, 1)) @ A[:d]
    if name == "polynomial":
        t = (2 * jnp.arange(n) + 1) / n - 1
        return jnp.cos(jnp.arange(d) * jnp.arccos(t)[:, None])
    if name == "sparse":
        kept = (jnp.abs(other) > 1.96) | jnp.eye(n, d, dtype=bool)  # no column is zero
        return jnp.where(kept | (jnp.arange(d) < d // 2), A, 0)
    return A


def uneven(g: Array, tail: float) -> Array:
    """Gaussian rows times U^-tail, U by two more normal columns.  [n, d + 2] -> [n, d]"""
    waited = jnp.sum(g[:, -2:] ** 2, axis=1, keepdims=True) / 2
    return jnp.exp(tail * waited) * g[:, :-2]


def scores(scheme: str, b: Array, copies: int, p) -> tuple[Array, Array]:
    """Of Gaussian rows, and of a row of an identity that stands there `copies` times beside them.

    b [n, d], whitened -> [n], [].  sensitivity: the limit |b|^p / (n E |g|^p) of many rows, which
    `run` holds against exact ones.  Blocks do not see each other, so each has scores of its own.
    """
    n, square = len(b), jnp.sum(b**2, axis=1)
    one = jnp.ones(())
    if scheme == "uniform":
        return jnp.ones(n), one
    if scheme == "leverage":
        return sketches.leverage(b), one / copies
    if scheme == "root":
        return sketches.leverage(b) ** (p / 2), one * copies ** (-p / 2)
    if scheme == "lewis":
        return sketches.lewis(b, p), one / copies
    return square ** (p / 2) / (n * moment(p)), one / copies


def directions(g: Array) -> Array:
    """Uniform on the sphere, of g [count, d] normal.  -> [count, d]"""
    return g / jnp.linalg.norm(g, axis=1, keepdims=True)


def arrivals(g: Array) -> Array:
    """Budgets at which rows of an endless matrix are kept, one after the other.  [K, 2] -> [K]

    Of infinitely many rows with small q_i independent sampling keeps a Poisson number with mean m,
    and those kept at m are among those kept at a larger m: waiting times are exponential, as half
    the square of a pair g of normal numbers is.
    """
    return jnp.cumsum(jnp.sum(g**2, axis=1) / 2)


def endless(u: Array, times: Array, m, p) -> Array:
    """What sampling by sensitivities keeps at budget m of Gaussian rows without end.

    A row a has q proportional to |a|^p, and after its weight only its direction u is left:
    |S A x|_p^p / |A x|_p^p = (S / m) sum |u x|^p for |x| = 1, S the total sensitivity.
    u [K, d], times [K] -> rows [K, d] whose sum of |row x|^p is that
    """
    scale = (gaussian_total(u.shape[1], p) / m) ** (1 / p)
    return jnp.where((times <= m)[:, None], scale * u, 0)
