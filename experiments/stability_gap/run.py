"""Replay and GEM on tasks of classes, replay on turned images: all seeds of each in one program.

Shapes: K tasks, U updates of a task, A angles, V updates on turned images.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program

from . import sequences
from .learning import Examples

MNIST = (60_000, 10_000)
COUNTS = {"mnist": MNIST, "fashion_mnist": MNIST, "mnist_small": (6_000, 2_000)}
RESULTS = {  # of each part of a run
    "replay": ("accuracy", "norms"),
    "gem": ("gem", "gem_norms"),
    "turned": ("before", "turned"),
}


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Accuracies after every update.

    accuracy, gem [seed, K, U, K]: during each task, on each task; by replay and by GEM, if any
    norms, gem_norms [seed, K, U, 2]: of plasticity and stability gradient before it, if any
    angle [A]; before [seed]: accuracy on the first task at its end, if any
    turned [seed, A, V, 2]: on it and on the turned images, while these are learnt, if any
    """
    out = {"angle": np.array(cfg.angles)}
    for name, learner in learners(cfg, mesh).items():
        if scratch.wants(*RESULTS[name]):
            out |= scratch.cached(name, partial(computed, cfg, name, learner, scratch))
    return out


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The three learners, each called once for all seeds."""
    key = jax.eval_shape(lambda: keys.split(cfg.seeds, sequences.KEYS))
    data = [
        Examples(
            jax.ShapeDtypeStruct((count, 28, 28), jnp.uint8),
            jax.ShapeDtypeStruct((count,), jnp.int32),
        )
        for count in COUNTS[cfg.dataset]
    ]
    return [
        learner.program(name, key, *data, calls=1) for name, learner in learners(cfg, mesh).items()
    ]


def learners(cfg, mesh: Mesh) -> dict[str, sharding.Placed]:
    """Keys [seed], data and tests -> results, by part."""
    classes = sequences.Setting(
        hidden=cfg.hidden,
        lr=cfg.lr,
        momentum=cfg.momentum,
        batch=cfg.batch,
        memory=cfg.memory,
        weight=cfg.new_weight,
        margin=cfg.margin,
        stream=cfg.stream,
        tasks=cfg.tasks,
        per_class=cfg.per_class,
        tests=cfg.tests,
        updates=(cfg.updates,),
    )
    turned = classes._replace(
        weight=cfg.turned_weight,
        tests=cfg.turned_tests,
        updates=(cfg.first_updates, cfg.turned_updates),
    )
    angles = np.array(cfg.angles, np.float32)
    parts = {
        "replay": partial(sequences.by_replay, setting=classes),
        "gem": partial(sequences.by_gem, setting=classes),
        "turned": partial(sequences.on_turned, angles=angles, setting=turned),
    }
    return {name: sharding.vmap_over(mesh, fn, shared=(1, 2)) for name, fn in parts.items()}


def computed(cfg, name: str, learner: sharding.Placed, scratch) -> dict[str, np.ndarray]:
    """The arrays of one part."""
    data = scratch.data(cfg.dataset)
    train = Examples(data.x_train, data.y_train.astype(np.int32))
    tests = Examples(data.x_test, data.y_test.astype(np.int32))
    results = learner(keys.split(cfg.seeds, sequences.KEYS), train, tests)
    return dict(zip(RESULTS[name], sharding.gather(results), strict=True))
