"""Training with a fixed kernel, in closed form, and the linearised model that does it.

Least squares in the outputs: d f / d t = -K (f - y) with K the kernel on the training points
(divided by their number where the loss is a mean), so f_t - y = e^(-t K) (f_0 - y), and elsewhere
f_t(x) = f_0(x) - k(x) K^(-1) (1 - e^(-t K)) (f_0 - y)  (Jacot et al. 2018, section 5).

Shapes: N training points, M other points, T times; residuals f_0 - y may have trailing axes.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import reals, unit

Tree = Any


def linearise(apply: Callable, params: Tree) -> Callable:
    """The first-order model (params', x) -> f(params, x) + J(x) (params' - params).

    Errors: ValueError for parameters that are no real or complex numbers, or complex where those
    of the expansion are real.
    """
    for kind in {jnp.asarray(a).dtype for a in jax.tree.leaves(params)}:
        if not jnp.issubdtype(kind, jnp.inexact):
            raise ValueError(f"params must be real or complex numbers, not {kind}")

    def linear(moved, x):
        step = jax.tree.map(_step, moved, params)
        outputs, change = jax.jvp(lambda p: apply(p, x), (params,), (step,))
        return outputs + change

    return linear


def _step(moved, param) -> jax.Array:
    """moved - param, of the type of param."""
    if jnp.iscomplexobj(moved) and not jnp.iscomplexobj(param):
        raise ValueError("the moved params must be real where params are")
    return jnp.subtract(moved, param).astype(jnp.result_type(param))


def flow(
    kernel: jax.Array, residual: jax.Array, times: jax.Array, *, cross: jax.Array | None = None
) -> jax.Array:
    """f_t - f_0 of gradient flow at `times` [T], infinity allowed.

    kernel [N, N] symmetric, residual f_0 - y [N, …] -> [T, N, …]; with cross = k(x) [M, N], scaled
    like the kernel, the change at the M other points -> [T, M, …].  Eigenvalues below N eps times
    the largest are known to rounding only: they count as 0, and nothing moves along them.
    """

    def gain(values, t, u):
        t = t * u
        small = jnp.abs(values * t) < 1e-6
        safe = jnp.where(small, 1, values)
        return jnp.where(small, t, -jnp.expm1(-jnp.where(small, 0, values) * t) / safe)

    return _change(kernel, residual, times, cross, gain)


def descent(
    kernel: jax.Array,
    residual: jax.Array,
    steps: jax.Array,
    *,
    lr: float,
    cross: jax.Array | None = None,
) -> jax.Array:
    """f_t - f_0 after `steps` [T] of gradient descent, f_(t+1) - y = (1 - lr K) (f_t - y); as flow.

    Diverges, as descent does, where lr exceeds 2 / lambda_max(K).
    """

    def gain(values, t, u):
        rate = lr * u * values
        small = jnp.abs(rate) < 0.5  # where 1 - (1 - lr lambda)^t would cancel
        gentle = -jnp.expm1(t * jnp.log1p(-jnp.where(small, rate, 0))) / values
        steep = (1 - jnp.where(small, 0, 1 - rate) ** t) / values
        return jnp.where(small, gentle, steep)

    return _change(kernel, residual, steps, cross, gain)


def _change(kernel, residual, times, cross, gain) -> jax.Array:
    """-k V gain(lambda, t) V^T residual, in the eigenvectors V of the kernel."""
    sizes = shapes.check("kernel", kernel, "N N")
    shapes.check("residual", residual, "N ...", sizes)
    shapes.check("times or steps", times, "T")
    if not sizes["N"]:
        raise ValueError("kernel has no rows")
    kernel, residual = (
        jnp.asarray(reals("kernel", kernel)),
        jnp.asarray(reals("residual", residual)),
    )
    times = jnp.asarray(reals("times or steps", times, finite=False))
    if cross is not None:
        shapes.check("cross", cross, "M N", sizes)
        cross = jnp.asarray(reals("cross", cross))
    u = unit(jax.lax.stop_gradient(kernel))
    values, vectors = jnp.linalg.eigh(kernel / u)
    zero = jnp.abs(values) <= len(values) * jnp.finfo(values.dtype).eps * jnp.abs(values).max()
    safe = jnp.where(zero, 1, values)
    left = vectors * values if cross is None else (cross / u) @ vectors
    coefficients = jnp.tensordot(vectors.T, residual, 1)

    def at(t):
        weights = jnp.where(zero, 0, gain(safe, t, u[0, 0]))
        return -jnp.tensordot(
            left, weights.reshape(-1, *[1] * (residual.ndim - 1)) * coefficients, 1
        )

    return jax.vmap(at)(times)
