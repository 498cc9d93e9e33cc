"""Functions of symmetric matrices with derivatives that exist where eigenvalues meet.

The Daleckii-Krein derivative by divided differences; that of `eigh` is nan at a tie.

Shapes: [..., d, d], only the symmetric part is read.  Every function: ValueError for what is no
square real matrix, or, where known, is not positive definite and has to be.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import at_least, real_arrays, refuted

Array = jax.Array


def function(f: Callable, slope: Callable, X) -> Array:
    """U f(lambda) U^T of X = U lambda U^T.  f and its derivative `slope` map arrays to arrays."""
    return _function(f, slope, symmetric("X", X))


def sqrt(X) -> Array:
    """X^(1/2)"""
    return power(X, 0.5)


def power(X, exponent) -> Array:
    """X^exponent, exponent []"""
    (exponent,) = real_arrays(exponent=exponent)
    shapes.check("exponent", exponent, "")
    return powered(positive("X", X), exponent)


def log(X) -> Array:
    """The matrix logarithm of X.  -> symmetric"""
    return logarithm(positive("X", X))


def exp(V) -> Array:
    """The matrix exponential of a symmetric V.  -> positive definite"""
    return exponential(symmetric("V", V))


def lyapunov(B, V) -> Array:
    """L with B L + L B = V, B positive definite, V symmetric."""
    B, V = two("B", B, "V", V, definite=(True, False))
    values, U = jnp.linalg.eigh(B)
    inside = U.mT @ V @ U / (values[..., :, None] + values[..., None, :])
    return even(U @ inside @ U.mT)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _function(f, slope, X: Array) -> Array:
    values, U = jnp.linalg.eigh(X)
    return (U * f(values)[..., None, :]) @ U.mT


@_function.defjvp
def _(f, slope, primals, tangents):
    values, U = jnp.linalg.eigh(primals[0])
    found = f(values)
    inside = _divided(values, found, slope(values)) * (U.mT @ even(tangents[0]) @ U)
    return (U * found[..., None, :]) @ U.mT, U @ inside @ U.mT


def _divided(values: Array, found: Array, slopes: Array) -> Array:
    """(f_i - f_j) / (v_i - v_j), and the slope where they meet.  [..., d] -> [..., d, d]"""
    one, other = values[..., :, None], values[..., None, :]
    gap, size = one - other, jnp.maximum(jnp.abs(one), jnp.abs(other))
    near = jnp.abs(gap) <= jnp.sqrt(jnp.finfo(values.dtype).eps) * size
    divided = (found[..., :, None] - found[..., None, :]) / jnp.where(near, 1, gap)
    middle = (slopes[..., :, None] + slopes[..., None, :]) / 2  # to the second order of the gap
    return jnp.where(near, middle, divided)


@jax.custom_jvp
def powered(X: Array, exponent) -> Array:
    """X^exponent, not checked; exponent [], with a derivative too."""
    values, U = jnp.linalg.eigh(X)
    return (U * (values**exponent)[..., None, :]) @ U.mT


@powered.defjvp
def _(primals, tangents):
    (X, exponent), (dX, de) = primals, tangents
    values, U = jnp.linalg.eigh(X)
    found = values**exponent
    inside = _divided(values, found, exponent * values ** (exponent - 1))
    inside = inside * (U.mT @ even(dX) @ U)
    rise = de * (found * jnp.log(values))
    return (U * found[..., None, :]) @ U.mT, U @ inside @ U.mT + (U * rise[..., None, :]) @ U.mT


def logarithm(X: Array) -> Array:
    """log X, not checked."""
    return _function(jnp.log, lambda v: 1 / v, X)


def exponential(V: Array) -> Array:
    """exp V, not checked."""
    return _function(jnp.exp, jnp.exp, V)


def even(X: Array) -> Array:
    """The symmetric part."""
    return (X + X.mT) / 2


def norm(X: Array) -> Array:
    """Of Frobenius, with derivative 0 at 0."""
    squares = jnp.sum(X**2, axis=(-2, -1))
    return jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1)), 0)


def symmetric(name: str, X) -> Array:
    """The symmetric part of a square real matrix."""
    (X,) = real_arrays(**{name: X})
    d = shapes.check(name, X, "... d e")["d"]
    at_least(1, **{f"side of {name}": d})
    shapes.check(name, X, "... d d", {"d": d})
    return even(X)


def positive(name: str, X) -> Array:
    """`symmetric` of what is, where known, positive definite."""
    X = symmetric(name, X)
    if refuted(lambda x: jnp.linalg.eigvalsh(x) > 0, X):
        raise ValueError(f"{name} must be positive definite")
    return X


def two(first: str, X, second: str, Y, *, definite=(True, True)) -> tuple[Array, Array]:
    """Two matrices of one side, those of `definite` positive definite."""
    X, Y = (
        (positive if wanted else symmetric)(name, A)
        for name, A, wanted in ((first, X, definite[0]), (second, Y, definite[1]))
    )
    shapes.check(second, Y, "... d d", {"d": X.shape[-1]})
    return X, Y


def weighted(Xs, weights) -> tuple[Array, Array]:
    """Matrices [N, d, d], and weights of sum 1 (equal ones of None)."""
    Xs = positive("Xs", Xs)
    n = shapes.check("Xs", Xs, "N d d")["N"]
    at_least(1, **{"number of Xs": n})
    (weights,) = real_arrays(weights=jnp.full(n, 1 / n, Xs.dtype) if weights is None else weights)
    shapes.check("weights", weights, "N", {"N": n})
    if refuted(lambda w: (w >= 0) & (w.sum() > 0), weights):
        raise ValueError("weights must not be negative, nor all 0")
    return Xs, weights / weights.sum()
