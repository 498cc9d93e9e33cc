"""Gradient descent on one task after the other, evaluated after every update.

Shapes: K tasks, U updates of a task, E test images of a task, D pixels.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from common.nn import training

from . import methods

Array = jax.Array


class Examples(NamedTuple):
    x: Any  # [..., D]
    y: Any  # int [...]

    def at(self, index: Array) -> "Examples":
        return Examples(self.x[index], self.y[index])


class Learner(NamedTuple):
    params: Any
    opt: Any


def accuracies(params, tests: Examples) -> Array:
    """Share of right answers on every task.  x [K, E, D], y [K, E] -> [K]"""
    found = methods.logits(params, tests.x.reshape(-1, tests.x.shape[-1])).argmax(-1)
    return (found.reshape(tests.y.shape) == tests.y).mean(1, dtype=jnp.float32)


def learn(params, inputs, gradient: Callable, look: Callable, tx: optax.GradientTransformation):
    """One task, from rest.  inputs [U, ...]; gradient(params, input) -> gradient, norms

    -> params, (look(params) [U, ...] after every update, norms [U, ...] before it)
    """

    def update(state, given):
        grads, norms = gradient(state.params, given)
        state = training.updated(state, grads, tx)
        return state, (look(state.params), norms)

    state, seen = jax.lax.scan(update, Learner(params, tx.init(params)), inputs)
    return state.params, seen


def in_turn(params, inputs, gradient: Callable, look: Callable, tx: optax.GradientTransformation):
    """Tasks one after the other.  inputs [K, U, ...]; gradient(params, task, input)

    -> look(params) [K, U, ...], norms [K, U, ...]
    """

    def task(params, given):
        number, own = given
        return learn(params, own, lambda p, i: gradient(p, number, i), look, tx)

    count = len(jax.tree.leaves(inputs)[0])
    return jax.lax.scan(task, params, (jnp.arange(count), inputs))[1]
