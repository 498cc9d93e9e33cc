"""Gradient descent on one task after the other, evaluated after every update.

Shapes: J stages, U updates of a stage, B examples of an update, T test sets, E images of each,
N examples, k old tasks, m stored examples of each.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common.nn import layers, training

from . import methods, streams

Array = jax.Array


class Learner(NamedTuple):
    params: Any
    opt: Any


class Images(NamedTuple):
    x: Any  # uint8 [N, H, W]
    y: Any  # int [N]

    def at(self, index):
        """Inputs and labels: (x / 255 - 0.1307) / 0.3081 [..., H W], y [...]"""
        x = self.x[index].reshape(*index.shape, -1).astype(jnp.float32)
        return (x / 255 - 0.1307) / 0.3081, self.y[index]


def begin(key: Array, hidden: tuple[int, ...], pixels: int):
    """Weights of PyTorch's default variance, 1 / (3 fan-in), but normal; biases 0."""
    return layers.init(key, (pixels, *hidden, streams.CLASSES), variance=1 / 3)


def by_replay(params, new, old, data: Images, look, *, weight, **how):
    """Experience replay.  new, old int [J, U, B]: batches; look int [J, T, E]: what is evaluated

    -> accuracies [J, U, T] after every update (0 on tasks not begun), norms [J, U, 2] of both
    gradients before it
    """

    def gradient(params, known, batch):
        examples = (data.at(index) for index in batch)
        return methods.replay(params, *examples, known, weight=weight)

    return in_turn(params, (new, old), gradient, data, look, **how)


def by_gem(params, new, stored, data: Images, look, *, margin, **how):
    """Gradient episodic memory.  stored int [k, m]; the rest as `by_replay`"""
    memory = data.at(stored)

    def gradient(params, known, batch):
        return methods.gem(params, data.at(batch), memory, known, margin=margin)

    return in_turn(params, new, gradient, data, look, **how)


def in_turn(params, chosen, gradient: Callable, data: Images, look, *, known, keep, tx):
    """Stages one after the other, each from rest.  gradient(params, known, batch) -> g, norms

    known int [J]: old tasks; keep bool [J]: the next stage starts where this one ends, else where
    it started  -> as `by_replay`
    """

    def stage(start, given):
        batches, seen, tasks, kept = given
        x, y = data.at(seen)

        def update(state, batch):
            grads, norms = gradient(state.params, tasks, batch)
            state = training.updated(state, grads, tx)
            return state, (accuracies(state.params, x, y, tasks), norms)

        end, found = jax.lax.scan(update, Learner(start, tx.init(start)), batches)
        return jax.tree.map(lambda a, b: jnp.where(kept, a, b), end.params, start), found

    return jax.lax.scan(stage, params, (chosen, look, jnp.asarray(known), jnp.asarray(keep)))[1]


def accuracies(params, x, y, known) -> Array:
    """Share of right answers on every set up to number `known`, 0 for the later ones.

    x [T, E, D], y int [T, E] -> [T]
    """

    def of_set(given):
        number, x, y = given

        def right():
            return (methods.logits(params, x).argmax(-1) == y).mean(dtype=jnp.float32)

        return jax.lax.cond(number <= known, right, lambda: jnp.float32(0))

    return jax.lax.map(of_set, (jnp.arange(len(y)), x, y))
