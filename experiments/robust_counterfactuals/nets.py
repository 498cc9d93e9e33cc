"""m and the networks that replace it: perceptrons with one output, trained side by side.

All have initial weights and batches of their own; the last ones lack some rows, too.

Shapes: M networks, m the first, N rows, d features, B batch.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from common import keys
from common.nn import layers, training


class Lesson(NamedTuple):
    """What each network learns from; [M, ...]"""

    y: Array  # [M, N]
    weight: Array  # [M, N], 0 for rows left out


def logits(params, x: Array) -> Array:
    """log m / (1 - m).  x [..., d] -> [...]"""
    flat = x.reshape(-1, x.shape[-1])
    return layers.apply(params, flat, activation=jax.nn.relu)[:, 0].reshape(x.shape[:-1])


def predict(params, x: Array) -> Array:
    """m(x), the probability of label 1.  x [..., d] -> [...]"""
    return jax.nn.sigmoid(logits(params, x))


def first(params, say=predict):
    """m, or its logits, as a function of points."""
    return partial(say, jax.tree.map(lambda a: a[0], params))


def lessons(
    uniform: Array, y: Array, bases: int, restarts: int, share: float, relabelled: bool
) -> Lesson:
    """Labels and weights of all networks; the last ones lack a row with a chance of `share`.

    uniform [1 + left out, N]: draws. relabelled: those that are not m in turn learn permuted labels
    """
    all_rows = jnp.ones((bases + restarts, len(y)), y.dtype)
    weight = jnp.concatenate([all_rows, (uniform[1:] >= share).astype(y.dtype)])
    other = y[uniform[0].argsort()] if relabelled else y
    return Lesson(jnp.where(jnp.arange(len(weight))[:, None] < bases, y, other), weight)


def optimiser(lr: float) -> optax.GradientTransformation:
    """Adam on one flat vector, which compiles sooner."""
    return optax.flatten(optax.adam(lr))


def begin(key: Array, sizes, many: int, same_seed: bool, tx) -> training.State:
    """Initial states [M, ...]; `same_seed`: all m's own."""
    number = jnp.arange(many) * (not same_seed)
    each = jax.vmap(partial(jax.random.fold_in, key))(number)
    return jax.vmap(lambda key: training.begin(key, partial(layers.init, sizes=sizes), tx))(each)


def loss(params, x: Array, y: Array, weight: Array) -> Array:
    """Weighted mean of the cross-entropy.  x [B, d], y, weight [B] -> []"""
    each = optax.sigmoid_binary_cross_entropy(logits(params, x), y)
    return (weight * each).sum() / jnp.maximum(weight.sum(), 1)


def train(state: training.State, first, x: Array, lesson: Lesson, *, batch: int, steps: int, tx):
    """Steps from number `first` on, on batches drawn with replacement.

    -> states [M, ...], their mean loss [1, M]
    """

    def step(state, i, lesson):
        rows = (len(x) * keys.uniform(training.key_of(state, i), (batch,))).astype(int)
        part = x[rows], lesson.y[rows], lesson.weight[rows]
        value, grads = jax.value_and_grad(loss)(state.params, *part)
        return training.updated(state, grads, tx), value

    each = jax.vmap(step, in_axes=(0, None, 0))
    return training.steps(lambda state, i: each(state, i, lesson), state, first, steps)
