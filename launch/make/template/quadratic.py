"""A quadratic loss and gradient descent on it, with or without momentum (eqs. 1 and 2).

Shapes: D directions, S steps.
"""

from functools import partial

import jax
import jax.numpy as jnp


def curvatures(dim, flattest):
    """Eigenvalues of the quadratic, spaced evenly from `flattest` to 1.  -> [D]"""
    return jnp.linspace(flattest, 1.0, dim)


def loss(x, curvature):
    """1/2 sum_i h_i x_i^2 (eq. 1).  x [D], curvature [D] -> []"""
    return 0.5 * jnp.sum(curvature * x**2)


def step(state, _, *, curvature, lr, momentum):
    """v <- momentum v - lr grad, x <- x + v (eq. 2), and the loss before it.  state (x, v) [D]"""
    x, v = state
    value, grad = jax.value_and_grad(loss)(x, curvature)
    v = momentum * v - lr * grad
    return (x + v, v), value


def descend(key, *, curvature, lr, momentum, steps):
    """Loss before each of `steps` steps from x ~ N(0, I).  -> [S]"""
    start = jax.random.normal(key, curvature.shape)
    update = partial(step, curvature=curvature, lr=lr, momentum=momentum)
    return jax.lax.scan(update, (start, jnp.zeros_like(start)), length=steps)[1]
