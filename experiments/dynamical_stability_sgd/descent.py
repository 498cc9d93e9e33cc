"""(Stochastic) gradient descent on the squared loss L = 1/2N sum_i (f(x_i) - y_i)^2.

Shapes: N examples, D inputs, B batch, T steps.
"""

import jax
import jax.numpy as jnp

from . import nets
from .problems import Problem

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


def order(key, n, steps, batch):
    """Examples of every step, drawn with replacement, all at once.  -> int [T, B]

    Inside the loop they would cost more than a step; uneven by N / 2^32.
    """
    bits = jax.random.bits(key, (steps * batch,), "uint32").reshape(steps, batch)
    return (bits % n).astype("int32")


def stretch(net, params, x, y, rates, examples):
    """T steps with learning rates [T], each on the `examples` [T, B]; None: on all of them.

    -> params
    """

    def one(params, now):
        lr, i = now
        batch = (x, y) if i is None else (x[i], y[i])
        return step(net, params, *batch, lr), None

    return jax.lax.scan(one, params, (rates, examples))[0]


def train(seed, lr, params, problem: Problem, first, *, net, stream, batch, every, slowest, ramp):
    """`every` steps from step `first` on, on batches; batch 0: on all examples.

    stream: of the seed's key, for the order; slowest: the rate at which the ramp starts
    -> params, loss and tr H at the end, each [1]
    """
    x, y, _ = problem
    rates, examples = rate(first + jnp.arange(every), lr, slowest, ramp), None
    if batch:
        key = jax.random.fold_in(jax.random.key(seed), stream)
        examples = order(jax.random.fold_in(key, first // every), len(x), every, batch)
    params = stretch(net, params, x, y, rates, examples)
    seen = {"loss": loss(net, params, x, y), "trace": nets.trace(net, params, x)}
    return params, {name: value[None] for name, value in seen.items()}
