"""N-BEATS (Oreshkin et al. 2020, generic) and a GRU, trained to give the next q increments.

Both read the last p states and are rolled forward q states at a time. float32.
Shapes: B batch, p lookback, q chunk, D channels, C context, H horizon, L samples.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .linear import CLIP
from .problems import BATCHES, MODEL, key_of

DEPTH = 4  # fully connected layers of an N-BEATS block, as in its paper


class Net(NamedTuple):
    """init(key) -> params; apply(params, x [B, p, D]) -> increments from the last [B, q, D]"""

    init: Callable
    apply: Callable
    lookback: int
    chunk: int


class State(NamedTuple):
    params: Any
    opt: Any


def uniforms(key, shapes: dict, dtype=jnp.float32) -> dict:
    """Entries uniform in (-1, 1) under every name, of one draw: many draws compile for long."""
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
    parts = jnp.split(jax.random.uniform(key, (ends[-1],), dtype, -1, 1), ends[:-1])
    return {name: part.reshape(shapes[name]) for name, part in zip(shapes, parts, strict=True)}


def nbeats(lookback: int, chunk: int, channels: int, *, width: int, blocks: int) -> Net:
    """Blocks of DEPTH ReLU layers; each takes its backcast from the input and adds its forecast."""
    size, out = lookback * channels, chunk * channels

    def init(key):
        w = uniforms(key, {
            "in": (blocks, size, width),
            "inner": (blocks, DEPTH - 1, width, width),
            "back": (blocks, width, size),
            "fore": (blocks, width, out),
        })  # fmt: skip
        hidden, last = (6 / width) ** 0.5, 0.1 * (6 / width) ** 0.5
        gains = {"in": (6 / size) ** 0.5, "inner": hidden, "back": last, "fore": last}
        return {k: gains[k] * x for k, x in w.items()} | {
            "bias": jnp.zeros((blocks, DEPTH, width), jnp.float32)
        }

    def apply(params, x):
        def block(carry, w):
            rest, forecast = carry
            h = jax.nn.relu(rest @ w["in"] + w["bias"][0])
            for i in range(DEPTH - 1):
                h = jax.nn.relu(h @ w["inner"][i] + w["bias"][i + 1])
            return rest - h @ w["back"], forecast + h @ w["fore"]

        carry = x.reshape(len(x), size), jnp.zeros((len(x), out), x.dtype)
        for i in range(blocks):
            carry = block(carry, {name: w[i] for name, w in params.items()})
        return carry[1].reshape(len(x), chunk, channels)

    return Net(init, apply, lookback, chunk)


def gru(lookback: int, chunk: int, channels: int, *, width: int) -> Net:
    """A gated recurrent unit (Cho et al. 2014) over the lookback, and a linear head."""

    def init(key):
        out = chunk * channels
        shapes = {"in": (channels, 3 * width), "inner": (width, 3 * width), "out": (width, out)}
        w = uniforms(key, shapes)
        gains = {
            "in": (3 / channels) ** 0.5,
            "inner": (3 / width) ** 0.5,
            "out": 0.1 * (3 / width) ** 0.5,
        }
        return {k: gains[k] * x for k, x in w.items()} | {"bias": jnp.zeros(3 * width, jnp.float32)}

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


def train_step(net: Net, tx, state: State, first, u):
    """One step of Adam on the windows of u [L, D] that begin at first [B].  -> (state, loss [])"""
    x = u[first[:, None] + jnp.arange(net.lookback + net.chunk)]
    value, grad = jax.value_and_grad(lambda params: loss(net, params, x))(state.params)
    updates, opt = tx.update(grad, state.opt, state.params)
    return State(optax.apply_updates(state.params, updates), opt), value


def begin(net: Net, tx, seed, place) -> State:
    """Of the system at a place in the table."""
    params = net.init(key_of(seed, MODEL, place))
    return State(params, tx.init(params))


def train(net: Net, tx, state, seed, place, first, count, u, *, steps: int, batch: int):
    """`steps` steps from step `first` on, on the last `count` rows of u [L, D].

    -> (state, mean loss [1])
    """
    key = jax.random.fold_in(key_of(seed, BATCHES, place), first)
    begins = beginnings(key, (steps, batch), len(u), count, net.lookback + net.chunk)
    step = partial(train_step, net, tx)
    state, values = jax.lax.scan(lambda state, at: step(state, at, u), state, begins)
    return state, values.mean()[None]


def beginnings(key, shape, size: int, count, reach: int):
    """Random beginnings of windows of `reach` rows within the last `count` of `size`.  -> shape"""
    return size - count + (jax.random.uniform(key, shape) * (count - reach + 1)).astype(jnp.int32)


def forecast(net: Net, params, context, horizon: int):
    """Closed loop, q states at a time, from several contexts [B, C, D].  -> [B, H, D]"""

    def step(past, _):
        new = jnp.clip(past[:, -1:] + net.apply(params, past), -CLIP, CLIP)
        return jnp.concatenate([past, new], axis=1)[:, -net.lookback :], new

    rolls = -(-horizon // net.chunk)
    _, new = jax.lax.scan(step, context[:, -net.lookback :], length=rolls)
    joined = jnp.swapaxes(new, 0, 1).reshape(len(context), rolls * net.chunk, -1)
    return joined[:, :horizon]
