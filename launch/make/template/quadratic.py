"""A quadratic loss and gradient descent on it, with or without momentum (eqs. 1 and 2).

Shapes: D directions, S records.
"""

from functools import partial

import jax
import jax.numpy as jnp

from common import keys, loops


def curvatures(dim, flattest):
    """Eigenvalues of the quadratic, spaced evenly from `flattest` to 1.  -> [D]"""
    return jnp.linspace(flattest, 1.0, dim)


def loss(x, curvature):
    """1/2 sum_i h_i x_i^2 (eq. 1).  x [D], curvature [D] -> []"""
    return 0.5 * jnp.sum(curvature * x**2)


def start(key, dim):
    """x ~ N(0, I), at rest.  -> (x, v), each [D]"""
    x = keys.normal(key, (dim,))
    return x, jnp.zeros_like(x)


def step(state, *, curvature, lr, momentum):
    """v <- momentum v - lr grad, x <- x + v (eq. 2).  state (x, v) -> the same"""
    x, v = state
    v = momentum * v - lr * jax.grad(loss)(x, curvature)
    return x + v, v


def descend(state, strides, *, curvature, lr, momentum):
    """Loss after each of the strides of steps.  strides int [S] -> ((x, v), loss [S])"""
    update = partial(step, curvature=curvature, lr=lr, momentum=momentum)
    return loops.trajectory(update, lambda state: loss(state[0], curvature), state, strides)
