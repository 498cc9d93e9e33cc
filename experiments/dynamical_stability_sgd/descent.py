"""(Stochastic) gradient descent on the squared loss L = 1/2N sum_i (f(x_i) - y_i)^2.

Shapes: N examples, D inputs, B batch, T steps.
"""

import jax
import jax.numpy as jnp

LIMIT = 1e3  # a residual beyond it is taken as 0: a diverged run stands still and stays finite


def loss(net, params, x, y):
    """L on x [N, D], y [N] -> []"""
    return 0.5 * jnp.mean((net(params, x) - y) ** 2)


def step(net, params, x, y, lr):
    """One gradient step on the batch x [B, D], y [B].  -> params"""
    out, pull = jax.vjp(lambda p: net(p, x), params)
    residual = out - y
    (grad,) = pull(jnp.where(jnp.abs(residual) < LIMIT, residual, 0) / residual.size)
    return jax.tree.map(lambda p, g: p - lr * g, params, grad)


def rate(t, lr, start, ramp):
    """Learning rate of step t: linear from `start` to lr over `ramp` steps, then lr."""
    return start + (lr - start) * jnp.minimum(1.0, t / jnp.maximum(ramp, 1))


def stretch(net, params, x, y, rates, order):
    """T steps with learning rates [T], each on the examples order [T, B]; None: on all of them.

    -> params
    """

    def one(params, now):
        lr, i = now
        batch = (x, y) if i is None else (x[i], y[i])
        return step(net, params, *batch, lr), None

    return jax.lax.scan(one, params, (rates, order))[0]
