"""Replay and GEM on tasks of classes, replay on turned images: all seeds of each in one program.

Shapes: S seeds, K tasks, U updates of a task, A angles, J stages on turned images, V updates of
each, N images.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program
from common.tasks import splits

from . import learning, streams
from .learning import Images

SIDE = 28
MNIST = (60_000, 10_000)
COUNTS = {"mnist": MNIST, "fashion_mnist": MNIST, "mnist_small": (6_000, 2_000)}
STREAMS = ("weights", "tasks", "batches", "memory", "turned_batches", "turned_memory")
RESULTS = {
    "replay": ("accuracy", "norms"),
    "gem": ("gem", "gem_norms"),
    "turned": ("before", "turned"),
}


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Accuracies after every update, and what the gradients were.

    accuracy, gem [S, K, U, K], if any: during each task, on each task; by replay and by GEM
    norms, gem_norms [S, K, U, 2], if any: of plasticity and stability gradient
    angle [A]; before [S], if any: accuracy on the first task at its end
    turned [S, A, V, 2], if any: on it and on the turned images, while these are learnt
    """
    data, out = scratch.data(cfg.dataset), {"angle": np.array(cfg.angles)}
    given = started(cfg, mesh), heights(cfg, data), data
    for name, arrays in RESULTS.items():
        if scratch.wants(*arrays):
            out |= scratch.cached(name, partial(computed, cfg, mesh, name, *given))
    return out


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The three learners, each called once for all seeds."""
    params, seeds = jax.eval_shape(partial(started, cfg, mesh)), len(cfg.seeds)
    images, turns = sum(COUNTS[cfg.dataset]), len(cfg.angles)
    classes, parts = (cfg.tasks, cfg.updates, cfg.batch), (cfg.tasks - 1, cfg.memory // cfg.tasks)
    stages = cfg.first_stages + turns, cfg.turned_updates, cfg.batch
    seen = cfg.tasks, cfg.tasks, streams.CLASSES // cfg.tasks * cfg.tests
    seen_turned = stages[0], 2, streams.CLASSES * cfg.turned_tests
    shapes = {
        "gem": (classes, parts, images, seen),
        "replay": (classes, classes, images, seen),
        "turned": (stages, stages, turns * images, seen_turned),
    }

    def program(name, new, old, count, look):
        index = partial(jax.ShapeDtypeStruct, dtype=jnp.int32)
        pool = Images(jax.ShapeDtypeStruct((count, SIDE, SIDE), jnp.uint8), index((count,)))
        given = index((seeds, *new)), index((seeds, *old)), pool, index(look)
        return learner(cfg, mesh, name).program(name, params, *given, calls=1)

    return [program(name, *given) for name, given in shapes.items()]


def computed(cfg, mesh: Mesh, name: str, params, height, data) -> dict[str, np.ndarray]:
    """The arrays of one part."""
    given = {"replay": replayed, "gem": projected, "turned": turned}[name](cfg, height, data)
    accuracies, norms = sharding.gather(learner(cfg, mesh, name)(params, *given))
    if name == "turned":
        before = accuracies[:, cfg.first_stages - 1, -1, 0]
        return {"before": before, "turned": accuracies[:, cfg.first_stages :]}
    return dict(zip(RESULTS[name], (accuracies, norms), strict=True))


def learner(cfg, mesh: Mesh, name: str) -> sharding.Placed:
    """Of all seeds: weights, batches [S, ...], images, what is evaluated -> accuracies, norms."""
    tx = optax.sgd(cfg.lr, cfg.momentum)
    if name == "turned":
        known, keep = known_kept(cfg)
        fn = partial(learning.by_replay, weight=cfg.turned_weight, known=known, keep=keep, tx=tx)
    else:
        how = {"known": np.arange(cfg.tasks), "keep": np.ones(cfg.tasks, bool), "tx": tx}
        replay = partial(learning.by_replay, weight=cfg.new_weight, **how)
        fn = replay if name == "replay" else partial(learning.by_gem, margin=cfg.margin, **how)
    return sharding.vmap_over(mesh, fn, shared=(3, 4))


def started(cfg, mesh: Mesh):
    """The weights of every seed."""
    begin = partial(learning.begin, hidden=cfg.hidden, pixels=SIDE**2)
    return sharding.vmap_over(mesh, begin)(keys.split(cfg.seeds, STREAMS)["weights"])


def heights(cfg, data) -> dict[str, np.ndarray]:
    """The uniform numbers that order everything, in one program: by name of the stream."""
    size, stages = streams.CLASSES * cfg.per_class, len(known_kept(cfg)[0])
    passes = streams.epochs(cfg.updates, cfg.batch, size // cfg.tasks)
    turns = streams.epochs(cfg.turned_updates, cfg.batch, size)
    shapes = {
        "tasks": data.y_train.shape,
        "batches": (cfg.tasks, passes, size // cfg.tasks),
        "memory": (cfg.tasks, cfg.updates, cfg.memory),
        "turned_batches": (stages, turns, size),
        "turned_memory": (stages, cfg.turned_updates, cfg.memory),
    }
    return keys.draws(keys.split(cfg.seeds, STREAMS), shapes, keys.uniform)


def tasks(cfg, height, data):
    """Tasks, their batches, all images, and which of them are evaluated: those are not random.

    -> int [S, K, n], int [S, K, U, B], Images, int [K, K, E]
    """
    split = partial(streams.tasks, count=cfg.tasks, kind=cfg.stream)
    orders = split(height["tasks"], data.y_train, cfg.per_class)
    new = streams.batches(height["batches"], orders, cfg.updates, cfg.batch)
    look = len(data.y_train) + split(np.arange(len(data.y_test))[None], data.y_test, cfg.tests)
    return orders, new, whole(data), np.repeat(look, cfg.tasks, axis=0)


def replayed(cfg, height, data):
    """New examples and those from the memory, images, what is evaluated."""
    orders, new, images, look = tasks(cfg, height, data)
    old = streams.recalled(height["memory"], orders, np.arange(cfg.tasks), cfg.batch)
    return new, old, images, look


def projected(cfg, height, data):
    """As `replayed`, but the stored examples of the old tasks."""
    orders, new, images, look = tasks(cfg, height, data)
    return new, orders[:, :-1, : cfg.memory // cfg.tasks], images, look


def known_kept(cfg) -> tuple[np.ndarray, np.ndarray]:
    """The first task in some stages, then from its end every angle by itself: known, keep [J]"""
    known = np.repeat((0, 1), (cfg.first_stages, len(cfg.angles)))
    return known, known == 0


def turned(cfg, height, data):
    """As `replayed`: one task of all classes and its images turned by each angle."""
    known, _ = known_kept(cfg)
    count, images = len(known), whole(data)
    shift = len(images.y) * np.maximum(np.arange(count) - cfg.first_stages, 0)
    order = streams.tasks(height["tasks"], data.y_train, cfg.per_class, 1, "iid")
    each, size = np.repeat(order, count, axis=1), cfg.batch
    new = streams.batches(height["turned_batches"], each, cfg.turned_updates, size)
    old = streams.recalled(height["turned_memory"], order, known, size)
    first = np.arange(len(data.y_test))[None]
    look = len(data.y_train) + streams.tasks(first, data.y_test, cfg.turned_tests, 1, "iid")[0]
    look = np.stack(np.broadcast_arrays(look, look + shift[:, None]), axis=1)
    return new + shift[:, None, None], old, rotations(images, cfg.angles), look


def whole(data) -> Images:
    """Training images, then those for tests."""
    x, y = (np.concatenate([data[k], data[k + 2]]) for k in (1, 2))
    return Images(x, y.astype(np.int32))


def rotations(images: Images, angles) -> Images:
    """All images turned by each angle, in 256 greys.  x uint8 [A N, H, W], y [A N]"""
    x = np.concatenate([np.asarray(turn(images.x, np.float32(angle))) for angle in angles])
    return Images(x, np.tile(images.y, len(angles)))


@jax.jit
def turn(x, degrees):
    """uint8 [N, H, W] -> the same"""
    return jnp.round(splits.rotated(x.astype(jnp.float32), degrees)).astype(jnp.uint8)
