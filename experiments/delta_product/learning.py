"""The word problem and training on it: fresh words every step, the running product at each letter.

Shapes: G elements (of the largest group), N steps a token, B words, T letters.
"""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.flatten_util import ravel_pytree

from common.nn import training
from common.tasks import words as tasks

from . import groups, model


class Case(NamedTuple):
    """What tells the members of the ensemble apart, on top of their keys."""

    table: np.ndarray  # int [G, G], padded
    order: np.ndarray  # int []
    mask: np.ndarray  # [N]: 1 for each of its steps
    top: np.ndarray  # []: beta in (0, top)


def case(group: str, size: int, steps: int, most: int, top: float) -> Case:
    made = groups.named(group).table
    table = np.zeros((size, size), int)
    table[: len(made), : len(made)] = made
    mask = (np.arange(most) < steps).astype(np.float32)
    return Case(table, np.array(len(made)), mask, np.array(top, np.float32))


def words(key, case: Case, count: int, length: int):
    """BOS and `length` letters, and their running products.  -> int [B, T+1], int [B, T]"""
    word, product = tasks.words(key, case.table, count, length, order=case.order)
    first = jnp.full((count, 1), len(case.table), word.dtype)
    return jnp.concatenate([first, word], axis=1), product


def optimiser(rate: float, steps: int, warm_up: int, decay: float):
    """AdamW, gradients cut at norm 1, a rate that climbs and falls as a cosine."""
    schedule = optax.warmup_cosine_decay_schedule(0.0, rate, warm_up, steps)
    return optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, weight_decay=decay))


class Net(NamedTuple):
    """The layer as a function of all its weights in a row [P]: fewer kernels to start."""

    sizes: model.Sizes
    chunk: int

    def begin(self, key, *, gain: float, tx) -> training.State:
        return training.begin(key, lambda k: ravel_pytree(self._init(k, gain=gain))[0], tx)

    def params(self, weights) -> dict[str, jax.Array]:
        shapes = jax.eval_shape(lambda: self._init(jax.random.key(0), gain=1.0))
        blank = jax.tree.map(lambda s: np.zeros(s.shape, s.dtype), shapes)
        return ravel_pytree(blank)[1](weights)

    def logits(self, weights, word, case: Case):
        """At every letter.  word int [B, T + 1] -> [B, T, G]"""
        params, length = self.params(weights), word.shape[1]
        whole = max(1, self.chunk // math.gcd(self.chunk, self.sizes.steps))
        word = jnp.pad(word, ((0, 0), (0, -length % whole)))  # tokens that fill up the last chunk
        logits = model.apply(params, word, self.sizes, case.mask, case.top, chunk=self.chunk)
        return logits[:, 1:length]

    def tokens(self, weights, case: Case) -> model.Tokens:
        return model.tokens(self.params(weights), self.sizes, case.mask, case.top)

    def _init(self, key, *, gain: float):
        return model.init(key, self.sizes, gain=gain)


def step(state: training.State, i, *, case: Case, net: Net, tx, batch: int, length: int):
    """Update number i.  -> (state, mean cross-entropy [])"""
    word, product = words(training.key_of(state, i), case, batch, length)

    def loss(weights):
        logits = net.logits(weights, word, case)
        return optax.softmax_cross_entropy_with_integer_labels(logits, product).mean()

    value, grads = jax.value_and_grad(loss)(state.params)
    return training.updated(state, grads, tx), value


def train(state: training.State, first, case: Case, *, count: int, **how):
    """`count` updates from number `first` on.  -> (state, their mean loss [1])"""
    return training.steps(partial(step, case=case, **how), state, first, count)


def test(weights, key, case: Case, *, net: Net, count: int, length: int):
    """Share of right products at every letter of fresh words [T]; what tokens do to the state."""
    word, product = words(key, case, count, length)
    right = jnp.equal(net.logits(weights, word, case).argmax(-1), product).mean(0)
    return right, net.tokens(weights, case)
