"""What a seed goes through: tasks under replay, tasks under GEM, one task and its turned images.

Shapes: N examples, H x W pixels, D = H W, K tasks, n examples of a task, U updates of a task,
B batch, A angles.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from common.nn import layers
from common.tasks import splits

from . import learning, methods, streams
from .learning import Examples

Array = jax.Array
KEYS = ("weights", "tasks", "batches", "memory", "turned")  # of a seed's random numbers
EVALUATED = 0  # which test images are evaluated is the same for all seeds


class Setting(NamedTuple):
    """Of a learner and of what it is given."""

    hidden: tuple[int, ...]
    lr: float
    momentum: float
    batch: int
    memory: int
    weight: float  # of the new loss
    margin: float  # of GEM
    stream: str
    tasks: int
    per_class: int  # examples of every class
    tests: int  # evaluated ones of every class
    updates: tuple[int, ...]  # of a task

    @property
    def tx(self) -> optax.GradientTransformation:
        return optax.sgd(self.lr, self.momentum)


def by_replay(key: dict[str, Array], data: Examples, tests: Examples, *, setting: Setting):
    """Experience replay.  data, tests: x uint8 [N, H, W], y int [N]

    -> accuracies [K, U, K] after every update, norms [K, U, 2] of both gradients before it
    """
    data, tests = rows(data), rows(tests)
    orders, params, chosen, look = prepared(key, data, tests, setting)

    def gradient(params, known, given):
        chosen, draw = given
        old = streams.recalled(draw, orders, known, setting.memory, setting.batch)
        return methods.replay(params, data.at(chosen), data.at(old), known, weight=setting.weight)

    draws = jax.random.split(key["memory"], chosen.shape[:2])
    return learning.in_turn(params, (chosen, draws), gradient, look, setting.tx)


def by_gem(key: dict[str, Array], data: Examples, tests: Examples, *, setting: Setting):
    """Gradient episodic memory: M / K examples of every task are stored.  As `by_replay`"""
    data, tests = rows(data), rows(tests)
    orders, params, chosen, look = prepared(key, data, tests, setting)
    stored = data.at(orders[:-1, : setting.memory // setting.tasks])

    def gradient(params, known, chosen):
        return methods.gem(params, data.at(chosen), stored, known, margin=setting.margin)

    return learning.in_turn(params, chosen, gradient, look, setting.tx)


def prepared(key, data: Examples, tests: Examples, setting: Setting):
    """data, tests: x [N, D], y [N]

    -> orders of the tasks int [K, n], params, batches int [K, U, B], params -> accuracies [K]
    """
    split = partial(streams.tasks, count=setting.tasks, stream=setting.stream)
    orders = split(key["tasks"], data.y, setting.per_class)
    tests = tests.at(split(jax.random.key(EVALUATED), tests.y, setting.tests))
    (updates,) = setting.updates
    each = jax.random.split(key["batches"], setting.tasks)
    choose = partial(streams.batches, updates=updates, size=setting.batch)
    chosen = jax.vmap(choose)(each, orders)
    return orders, begin(key, data.x.shape[-1], setting), chosen, partial(learning.accuracies, tests=tests)


def on_turned(key: dict[str, Array], data: Examples, tests: Examples, *, angles, setting: Setting):
    """Replay on one task of all classes and, from its end, on its images turned by each angle.

    data, tests: as `by_replay`; angles [A] in degrees
    -> before []: accuracy on the first task at its end; accuracies [A, U, 2] on it and the turned
    """
    whole = partial(streams.tasks, count=1, stream="iid")
    order = whole(key["tasks"], data.y, setting.per_class)
    tests = tests.at(whole(jax.random.key(EVALUATED), tests.y, setting.tests)[0])
    upright, seen = rows(data), rows(tests)
    first, second = setting.updates

    def alone(params, chosen):
        return methods.weighted(params, setting.weight, upright.at(chosen)), 0.0

    params = begin(key, upright.x.shape[-1], setting)
    chosen = streams.batches(key["batches"], order[0], first, setting.batch)
    params, _ = learning.learn(params, chosen, alone, lambda params: 0.0, setting.tx)

    def then(given):
        number, angle = given
        new, both = turned(data, angle), stacked(seen, turned(tests, angle))

        def gradient(params, given):
            chosen, draw = given
            old = streams.recalled(draw, order, 1, setting.memory, setting.batch)
            new_old = new.at(chosen), upright.at(old)
            return methods.replay(params, *new_old, 1, weight=setting.weight)

        own = jax.random.fold_in(key["turned"], number)
        chosen = streams.batches(own, order[0], second, setting.batch)
        inputs = chosen, jax.random.split(jax.random.fold_in(key["memory"], number), second)
        look = partial(learning.accuracies, tests=both)
        return learning.learn(params, inputs, gradient, look, setting.tx)[1][0]

    before = learning.accuracies(params, stacked(seen))[0]
    return before, jax.lax.map(then, (jnp.arange(len(angles)), angles))


def begin(key: dict[str, Array], dim: int, setting: Setting) -> Any:
    """The network's weights: He's, and biases 0."""
    return layers.init(key["weights"], (dim, *setting.hidden, streams.CLASSES))


def turned(data: Examples, degrees) -> Examples:
    """The images turned, black where they were not, as rows."""
    return rows(data._replace(x=splits.rotated(data.x.astype(jnp.float32), degrees)))


def rows(data: Examples) -> Examples:
    """Images [N, H, W] of 0 to 255 as a network's inputs [N, D]: (x / 255 - 0.1307) / 0.3081."""
    x = data.x.reshape(len(data.x), -1).astype(jnp.float32)
    return data._replace(x=(x / 255 - 0.1307) / 0.3081)


def stacked(*tasks: Examples) -> Examples:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *tasks)
