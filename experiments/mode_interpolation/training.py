"""Denoising training: mean square of eps(x_t, t) - eps at uniform levels, Adam.

Shapes: n data, B batch, P parameters in a row.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from common import keys

from . import ddpm, model


class State(NamedTuple):
    """Of one network."""

    weights: Any  # [P]: one vector, fewer kernels to start
    opt: Any
    key: Any  # the key's integers


def unraveller(**structure):
    """A function [P] -> the parameters of `model.init`."""
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), **structure))
    return ravel_pytree(jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes))[1]


def optimiser(lr: float, updates: int, *, cosine: bool):
    return optax.adam(optax.cosine_decay_schedule(lr, updates) if cosine else lr)


def begin(key, *, tx, **structure) -> State:
    init_key, key = jax.random.split(key)
    weights = ravel_pytree(model.init(init_key, **structure))[0]
    return State(weights, tx.init(weights), jax.random.key_data(key))


def dataset(key, modes, *, std: float, count: int):
    """Equally many points of every mode, up to one.  modes [K] -> [n]"""
    means = jnp.asarray(modes, jnp.float32)[jnp.arange(count) % len(modes)]
    return means + std * keys.normal(key, (count,), jnp.float32)


def step(state: State, i, data, *, tx, schedule: ddpm.Schedule, batch: int, unravel):
    """Update number i on a random batch of data [n].  -> (state, loss [])"""
    key = jax.random.fold_in(jax.random.wrap_key_data(state.key), i)
    draw, noise = jax.random.split(key)
    of = jnp.array([[len(data)], [len(schedule.beta)]])
    which, level = (keys.uniform(draw, (2, batch), jnp.float32) * of).astype(int)
    here, eps = ddpm.at(schedule, level), keys.normal(noise, (batch,), jnp.float32)
    x = here.signal * data[which] + here.noise * eps

    def loss(weights):
        return jnp.mean((model.apply(unravel(weights), x, level) - eps) ** 2)

    value, grad = jax.value_and_grad(loss)(state.weights)
    updates, opt = tx.update(grad, state.opt, state.weights)
    return state._replace(weights=optax.apply_updates(state.weights, updates), opt=opt), value


def steps(state: State, first, data, *, count: int, **how):
    """`count` updates from number `first` on.  -> (state, their mean loss [1], weights [1, P])"""
    advance = lambda state, i: step(state, i, data, **how)  # noqa: E731
    state, values = jax.lax.scan(advance, state, first + jnp.arange(count))
    return state, {"loss": values.mean(keepdims=True), "weights": state.weights[None]}
