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

Tree = Any


def linearise(apply: Callable, params: Tree) -> Callable:
    """The first-order model (params', x) -> f(params, x) + J(x) (params' - params)."""

    def linear(moved, x):
        step = jax.tree.map(jnp.subtract, moved, params)
        outputs, change = jax.jvp(lambda p: apply(p, x), (params,), (step,))
        return outputs + change

    return linear


def flow(
    kernel: jax.Array, residual: jax.Array, times: jax.Array, *, cross: jax.Array | None = None
) -> jax.Array:
    """f_t - f_0 of gradient flow at `times` [T] (infinity allowed where K is definite).

    kernel [N, N] symmetric, residual f_0 - y [N, …] -> [T, N, …]; with cross = k(x) [M, N], scaled
    like the kernel, the change at the M other points -> [T, M, …].
    """

    def gain(values, t):
        small = values * t < 1e-6
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

    def gain(values, t):
        zero = jnp.abs(values) < jnp.finfo(values.dtype).tiny
        safe = jnp.where(zero, 1, values)
        small = jnp.abs(lr * safe) < 0.5  # where 1 - (1 - lr lambda)^t would cancel
        gentle = -jnp.expm1(t * jnp.log1p(-jnp.where(small, lr * safe, 0))) / safe
        steep = (1 - jnp.where(small, 0, 1 - lr * safe) ** t) / safe
        return jnp.where(zero, lr * t, jnp.where(small, gentle, steep))

    return _change(kernel, residual, steps, cross, gain)


def _change(kernel, residual, times, cross, gain) -> jax.Array:
    """-k V gain(lambda, t) V^T residual, in the eigenvectors V of the kernel."""
    sizes = shapes.check("kernel", kernel, "N N")
    shapes.check("residual", residual, "N ...", sizes)
    shapes.check("times or steps", times, "T")
    if cross is not None:
        shapes.check("cross", cross, "M N", sizes)
    values, vectors = jnp.linalg.eigh(kernel)
    left = vectors * values if cross is None else cross @ vectors
    coefficients = jnp.tensordot(vectors.T, residual, 1)

    def at(t):
        weights = gain(values, t).reshape(-1, *[1] * (residual.ndim - 1))
        return -jnp.tensordot(left, weights * coefficients, 1)

    return jax.vmap(at)(times)
