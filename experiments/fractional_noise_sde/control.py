"""A network as the control of the bridge, trained on the ELBO of the Euler chain; y = 0.

Shapes: B paths, K rates, N steps, C steps of training.
"""

from functools import partial

import jax
import jax.numpy as jnp

from common import keys
from common.nn import training


def init(key, *, rates: int, width: int, depth: int):
    """Weights N(0, 1 / fan-in) of inputs sin t, cos t, x, y; the last layer is zero."""
    sizes = [rates + 3] + depth * [width]
    draws = zip(jax.random.split(key, depth), sizes[:-1], sizes[1:], strict=True)
    hidden = [(keys.normal(k, (n, m)) / n**0.5, jnp.zeros(m)) for k, n, m in draws]
    return [*hidden, (jnp.zeros((width, 1)), jnp.zeros(1))]


def begin(key, *, tx, **sizes):
    return training.begin(key, partial(init, **sizes), tx)


def network(params, t, x, y):
    """u.  t [], x [B], y [B, K] -> [B]"""
    time = jnp.broadcast_to(jnp.stack([jnp.sin(t), jnp.cos(t)]), (len(x), 2))
    h = jnp.concatenate([time, x[:, None], y], axis=1)
    for w, b in params[:-1]:
        h = jnp.tanh(h @ w + b)
    w, b = params[-1]
    return (h @ w + b)[:, 0]


def simulate(key, u, weights, theta, *, rates, batch: int, steps: int, end: float):
    """Euler-Maruyama from 0, controlled by u(t, x, y).  -> x [N + 1, B], 1/2 sum u^2 dt [B]"""
    dt, rates = end / steps, jnp.array(rates)

    def step(state, node):
        x, y, spent = state
        i, kick = node
        force = u(i * dt, x, y)
        dw = force * dt + dt**0.5 * kick
        x = x + (-theta * x - y @ (weights * rates)) * dt + weights.sum() * dw
        y = y - y * rates * dt + dw[:, None]
        return (x, y, spent + 0.5 * dt * force**2), x

    zero = jnp.zeros(batch)
    kicks = keys.normal(key, (steps, batch))
    start = (zero, jnp.zeros((batch, len(rates))), zero)
    (_, _, spent), x = jax.lax.scan(step, start, (jnp.arange(steps), kicks))
    return jnp.concatenate([zero[None], x]), spent


def losses(params, key, weights, theta, *, noise: float, kl: float, gain: float, **chain):
    """-ELBO of every path and x.  kl, gain: weights of 1/2 u^2 and of u (controls)."""
    x, spent = simulate(key, lambda *a: gain * network(params, *a), weights, theta, **chain)
    fit = 0.5 * jnp.log(2 * jnp.pi * noise**2) + x[-1] ** 2 / (2 * noise**2)
    return fit + kl * spent, x


def steps(state, weights, theta, first, *, tx, count: int, **how):
    """`count` steps.  -> (state, mean loss [1])"""

    def step(state, i):
        def loss(params):
            return losses(params, training.key_of(state, i), weights, theta, **how)[0].mean()

        value, grads = jax.value_and_grad(loss)(state.params)
        return training.updated(state, grads, tx), value

    return training.steps(step, state, first, count)


def judge(params, key, weights, theta, **how):
    """-ELBO with its standard error [2], standard deviation of X at every step [N + 1]."""
    value, x = losses(params, key, weights, theta, **how)
    error = value.std(ddof=1) / value.size**0.5
    return {"bound": jnp.stack([value.mean(), error]), "std": x.std(axis=1)}
