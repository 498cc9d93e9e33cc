"""Divergence, Laplacian and Jacobian of functions of one sample, batched over samples.

field(x) maps [B, ...] to [B, ...] and value(x) to [B], each sample on its own. Exact forms
cost one tangent for each of the D numbers of a sample, estimates one for each probe.

Shapes: B batch; x [B, ...], D numbers a sample; K probes.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import at_least, reals, unit
from common.sde.processes import Array

PROBES = {"rademacher": jax.random.rademacher, "gaussian": jax.random.normal}


class Estimate(NamedTuple):
    """A number a sample with its standard error over probes; NaN for a single one."""

    value: Array  # [B]
    error: Array  # [B]


def probes(key: Array, x: Array, count: int, law: str = "rademacher") -> Array:
    """`count` vectors of mean 0 and covariance 1 like x.  -> [K, B, ...]

    Rademacher ones have the smaller variance, 2 (|A|^2 - |diag A|^2) of a symmetric A; Gaussian
    ones 2 |A|^2.
    """
    x = _known(x)
    at_least(1, count=count)
    if law not in PROBES:
        raise ValueError(f"law must be one of {', '.join(PROBES)}, not {law!r}")
    return PROBES[law](key, (count * x.size,), x.dtype).reshape(count, *x.shape)


def along(field: Callable[[Array], Array], x: Array, vectors: Array) -> tuple[Array, Array]:
    """field(x) and v^T J v for every v.  vectors [K, B, ...] -> [B, ...], [B, K]"""
    x = _known(x)
    shapes.check("vectors", vectors, " ".join(map(str, ("K", *x.shape))))
    vectors = jnp.asarray(reals("vectors", vectors), x.dtype)

    def one(v):
        out, push = jax.jvp(field, (x,), (v,))
        shapes.like("field(x)", out, "x", x)
        return out, jnp.sum(v * push, axis=tuple(range(1, x.ndim)))

    out, quadratic = jax.vmap(one, out_axes=(None, 0))(vectors)
    return out, quadratic.T


def basis(x: Array) -> Array:
    """The unit vectors of a sample, for all samples.  -> [D, B, ...]"""
    x = _known(x)
    d = math.prod(x.shape[1:])
    unit = jnp.eye(d, dtype=x.dtype).reshape(d, 1, *x.shape[1:])
    return jnp.broadcast_to(unit, (d, *x.shape))


def divergence(field: Callable[[Array], Array], x: Array) -> Array:
    """Trace of the Jacobian, exactly, by D tangents.  -> [B]"""
    x = _known(x)
    return along(field, x, basis(x))[1].sum(axis=1)


def hutchinson(
    key: Array, field: Callable[[Array], Array], x: Array, count: int, law: str = "rademacher"
) -> Estimate:
    """Trace of the Jacobian by `count` random tangents (Hutchinson 1990)."""
    x = _known(x)
    draws = along(field, x, probes(key, x, count, law))[1]
    return Estimate(draws.mean(axis=1), standard_error(draws))


def standard_error(draws: Array) -> Array:
    """Of the mean over the last axis; NaN for a single draw.  [..., K] -> [...]"""
    k = shapes.check("draws", draws, "... K")["K"]
    at_least(1, **{"draws' last axis": k})
    draws = jnp.asarray(reals("draws", draws, finite=False))
    if k == 1:
        return jnp.full(draws.shape[:-1], jnp.nan, draws.dtype)
    u = jax.lax.stop_gradient(unit(draws, axis=-1))
    return jnp.std(draws / u, axis=-1, ddof=1) * u[..., 0] / math.sqrt(k)


def laplacian(value: Callable[[Array], Array], x: Array) -> tuple[Array, Array, Array]:
    """Value [B], gradient [B, ...] and Laplacian [B] of a scalar function, exactly."""
    x = _known(x)

    def gradient(x):
        out, pull = jax.vjp(value, x)
        shapes.check("value(x)", out, str(x.shape[0]))
        return pull(jnp.ones_like(out))[0]

    grad, quadratic = along(gradient, x, basis(x))
    return value(x), grad, quadratic.sum(axis=1)


def jacobian(field: Callable[[Array], Array], x: Array) -> Array:
    """d field_i / d x_j of every sample.  x [B, D] -> [B, D, D]"""
    x = _known(x)
    shapes.check("x", x, "B D")

    def one(v):
        out, push = jax.jvp(field, (x,), (v,))
        shapes.like("field(x)", out, "x", x)
        return push

    push = jax.vmap(one)(basis(x))
    return jnp.moveaxis(push, 0, 2)


def _known(x) -> Array:
    shapes.check("x", x, "B ...")
    x = jnp.asarray(reals("x", x))
    if not x.size:
        raise ValueError(f"x is empty: {list(x.shape)}")
    return x
