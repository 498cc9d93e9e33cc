"""The frame of a training: its state, a step's random numbers, an update, the average of weights.

    def step(state, i, images, *, tx):
        key = training.key_of(state, i)
        value, grads = jax.value_and_grad(loss)(state.params, key, images)
        return training.updated(state, grads, tx), value

A step's numbers hang on i alone, so that a training continues where it was stopped.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from common.reals import at_least


class State(NamedTuple):
    params: Any
    opt: Any
    key: Any  # the key's integers
    average: Any = None  # of params, where there is one


def begin(
    key: jax.Array, init: Callable, tx: optax.GradientTransformation, *, averaged: bool = False
) -> State:
    """At params = init(key of its own); the average begins there."""
    first, key = jax.random.split(key)
    params = init(first)
    return State(params, tx.init(params), jax.random.key_data(key), params if averaged else None)


def key_of(state: Any, i) -> jax.Array:
    """The key of step i."""
    return jax.random.fold_in(jax.random.wrap_key_data(state.key), i)


def updated(state: Any, grads: Any, tx: optax.GradientTransformation) -> Any:
    """A NamedTuple with params and opt after one step of the optimiser."""
    updates, opt = tx.update(grads, state.opt, state.params)
    return state._replace(params=optax.apply_updates(state.params, updates), opt=opt)


def averaged(average: Any, params: Any, i, decay: float) -> Any:
    """The moving average after step i, of memory min(decay, (1 + i) / (10 + i)): with a longer one
    from the start the random weights would count for too long."""
    keep = jnp.minimum(decay, (1.0 + i) / (10.0 + i))
    return optax.incremental_update(params, average, 1.0 - keep)


def steps(step: Callable, state: Any, first, count: int) -> tuple[Any, jax.Array]:
    """`count` steps (state, i) -> (state, loss [...]) from number `first` on.

    -> (state, their mean loss [1, ...])
    """
    at_least(1, count=count)
    state, values = jax.lax.scan(step, state, first + jnp.arange(count))
    return state, values.mean(axis=0, keepdims=True)
