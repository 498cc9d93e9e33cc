"""N-BEATS (Oreshkin et al. 2020, generic) and a GRU, trained to give the next q increments.

Both read the last p states and are rolled forward q states at a time. float32.
Shapes: B batch, p lookback, q chunk, D channels, K width, M blocks, C context, H horizon, L samples.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from .linear import CLIP

DEPTH = 4  # fully connected layers of an N-BEATS block, as in its paper


class Net(NamedTuple):
    """init(key) -> params; apply(params, x [B, p, D]) -> increments from the last state [B, q, D]"""

    init: Callable
    apply: Callable
    lookback: int
    chunk: int


class State(NamedTuple):
    params: Any
    opt: Any


def _dense(key, rows: int, columns: int, gain: float = 2.0):
    return jax.random.normal(key, (rows, columns), jnp.float32) * (gain / rows) ** 0.5


def nbeats(lookback: int, chunk: int, channels: int, *, width: int, blocks: int) -> Net:
    """Blocks of DEPTH ReLU layers; each takes its backcast from the input and adds its forecast."""
    size, out = lookback * channels, chunk * channels

    def one(key):
        keys = jax.random.split(key, DEPTH + 2)
        return {
            "in": _dense(keys[0], size, width),
            "inner": jax.vmap(lambda k: _dense(k, width, width))(keys[1:DEPTH]),
            "bias": jnp.zeros((DEPTH, width), jnp.float32),
            "back": 0.1 * _dense(keys[DEPTH], width, size),
            "fore": 0.1 * _dense(keys[DEPTH + 1], width, out),
        }

    def init(key):
        return jax.vmap(one)(jax.random.split(key, blocks))

    def apply(params, x):
        def block(carry, w):
            rest, forecast = carry
            h = jax.nn.relu(rest @ w["in"] + w["bias"][0])
            for i in range(DEPTH - 1):
                h = jax.nn.relu(h @ w["inner"][i] + w["bias"][i + 1])
            return (rest - h @ w["back"], forecast + h @ w["fore"]), None

        start = x.reshape(len(x), size), jnp.zeros((len(x), out), x.dtype)
        (_, forecast), _ = jax.lax.scan(block, start, params)
        return forecast.reshape(len(x), chunk, channels)

    return Net(init, apply, lookback, chunk)


def gru(lookback: int, chunk: int, channels: int, *, width: int) -> Net:
    """A gated recurrent unit (Cho et al. 2014) over the lookback, and a linear head."""

    def init(key):
        keys = jax.random.split(key, 3)
        return {
            "in": _dense(keys[0], channels, 3 * width, 1.0),
            "inner": _dense(keys[1], width, 3 * width, 1.0),
            "bias": jnp.zeros(3 * width, jnp.float32),
            "out": 0.1 * _dense(keys[2], width, chunk * channels),
        }

    def apply(params, x):
        def step(h, u):
            a, b = u @ params["in"] + params["bias"], h @ params["inner"]
            (ar, az, an), (br, bz, bn) = jnp.split(a, 3, -1), jnp.split(b, 3, -1)
            z = jax.nn.sigmoid(az + bz)
            new = jnp.tanh(an + jax.nn.sigmoid(ar + br) * bn)
            return z * h + (1 - z) * new, None

        h, _ = jax.lax.scan(step, jnp.zeros((len(x), width), x.dtype), jnp.swapaxes(x, 0, 1))
        return (h @ params["out"]).reshape(len(x), chunk, channels)

    return Net(init, apply, lookback, chunk)


def optimiser(lr: float, steps: int):
    """Adam with a cosine that ends at 0."""
    return optax.flatten(optax.adam(optax.cosine_decay_schedule(lr, max(steps, 1))))


def loss(net: Net, params, x):
    """Mean squared error of the next q states.  x [B, p + q, D] -> []"""
    past, future = x[:, : net.lookback], x[:, net.lookback :]
    return jnp.mean((past[:, -1:] + net.apply(params, past) - future) ** 2)


def train_step(net: Net, tx, batch: int, state: State, key, u, count):
    """One step of Adam on random windows of the last `count` rows of u [L, D].

    -> (state, loss [])
    """
    reach = net.lookback + net.chunk
    first = jax.random.randint(key, (batch,), len(u) - count, len(u) - reach + 1)
    x = u[first[:, None] + jnp.arange(reach)]
    value, grad = jax.value_and_grad(lambda params: loss(net, params, x))(state.params)
    updates, opt = tx.update(grad, state.opt, state.params)
    return State(optax.apply_updates(state.params, updates), opt), value


def forecast(net: Net, params, context, horizon: int):
    """Closed loop, q states at a time, from several contexts [B, C, D].  -> [B, H, D]"""

    def step(past, _):
        new = jnp.clip(past[:, -1:] + net.apply(params, past), -CLIP, CLIP)
        return jnp.concatenate([past, new], axis=1)[:, -net.lookback :], new

    rolls = -(-horizon // net.chunk)
    _, new = jax.lax.scan(step, context[:, -net.lookback :], length=rolls)
    joined = jnp.swapaxes(new, 0, 1).reshape(len(context), rolls * net.chunk, -1)
    return joined[:, :horizon]
