"""Distillations of all seeds and starts in one program; gradients at the start; basins.

Shapes: S seeds, A alphas; arms: one an alpha, then a student near the teacher that sees noise;
R records, the first before training; data: the one that is distilled on, then another; probes:
ridge and nearest neighbours.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import connect, distil, images
from .distil import Shown

COUNTS = {
    "mnist_small": (6_000, 2_000), "mnist": (60_000, 10_000), "fashion_mnist": (60_000, 10_000),
    "cifar10": (50_000, 10_000), "digits": (1_347, 450),
}  # fmt: skip
STREAMS = ("teacher", "other", "third", "batches", "orders")
SEEN = ("accuracy", "kl", "peak", "moved", "drift", "segment")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Everything is relative to the student's start, but the divergence, from the teacher.

    alpha [A], epoch [R], gradient_alpha [G], segment_at [T]: settings
    input [data, probe]: accuracy of probes on pixels
    gradient [S, G], if any: norm of the loss's gradient at the start, float64
    If any, of the students: accuracy [S, arm, R, data, probe]; kl, peak, moved, drift [S, arm, R]:
    on test images, the largest of a batch so far, distances of the encoder and of its features
    segment [S, 2, T], if any: test loss between two supervised ends, from teacher and student
    """
    out = {"alpha": np.array(cfg.alphas), "epoch": epochs(cfg), "segment_at": points(cfg)}
    out |= {"gradient_alpha": np.array(cfg.gradient_alphas)}
    data = [prepared(cfg, scratch, name) for name in (cfg.dataset, cfg.transfer)]
    if scratch.wants("gradient"):
        x = data[0][1][0][: cfg.gradient_batch].astype(float)
        norms = partial(slopes(cfg, mesh), networks(cfg, mesh), x)
        out |= scratch.cached("gradient", lambda: {"gradient": sharding.gather(norms())})
    if scratch.wants("input", *SEEN):
        out |= distilled(cfg, mesh, scratch, data)
    return out


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Distillation, a call a record; supervised trainings, both starts in one call."""
    real, whole = (partial(jax.ShapeDtypeStruct, dtype=d) for d in (np.float32, np.int32))
    count, seeds, calls = COUNTS[cfg.dataset][0], len(cfg.seeds), len(epochs(cfg))
    image, total = (cfg.side, cfg.side, colours(cfg)), sum(sizes(cfg))
    student, member = jax.eval_shape(lambda: begun(cfg, mesh))
    shown = Shown(real((-(-total // cfg.chunk), cfg.chunk, *image)), whole((total,)))
    given = student, member, np.zeros(1, int), real((2 * count, *image)), shown
    trips = cfg.epochs / calls
    found = [learner(cfg, mesh).program("distillation", *given, calls=calls, trips=trips)]
    encoder = jax.tree.map(lambda a: real((2 * seeds, *a.shape[1:])), student.params.encoder)
    orders = jax.ShapeDtypeStruct((2 * seeds, 2, *member.key.shape[1:]), member.key.dtype)
    both = [(real((n, *image)), whole((n,))) for n in (count, cfg.looked)]
    return [*found, basins(cfg, mesh).program("supervised", encoder, orders, *both, calls=1)]


def prepared(cfg, scratch, name: str):
    """Images and labels of training and of tests."""
    data = scratch.data(name)
    both = (images.fitted(x, cfg.side, colours(cfg)) for x in (data.x_train, data.x_test))
    labels = (y.astype(np.int32) for y in (data.y_train, data.y_test))
    return list(zip(images.standardised(*both), labels, strict=True))


def sizes(cfg) -> tuple[int, ...]:
    """Images that probes are fitted and tested on, of both data sets in turn."""
    count, tests = COUNTS[cfg.dataset]
    return min(cfg.probe_train, count), tests, *COUNTS[cfg.transfer]


def epochs(cfg) -> np.ndarray:
    return np.linspace(0, cfg.epochs, cfg.records + 1).round().astype(int)


def points(cfg) -> np.ndarray:
    return np.linspace(0, 1, cfg.segment)


def colours(cfg) -> int:
    return 3 if cfg.dataset == "cifar10" else 1


def networks(cfg, mesh: Mesh):
    """Three networks of every seed, in float64.  -> leaves [S, 3, ...]"""
    names = "stages", "hidden", "bottleneck", "outputs"
    how = {"image": (cfg.side, cfg.side, colours(cfg))} | {name: cfg[name] for name in names}
    draw = partial(distil.networks, dtype=float, **how)
    return sharding.vmap_over(mesh, draw)(keys.split(cfg.seeds, STREAMS))


def begun(cfg, mesh: Mesh):
    """Students and what teaches them, element s (A + 1) + arm.  -> Student, Member [L, ...]"""
    alphas, count = (*cfg.alphas, cfg.alphas[0]), COUNTS[cfg.dataset][0]
    how = {"alphas": alphas, "firsts": (*[0] * len(cfg.alphas), count), "own": cfg.own_teacher}
    begin = partial(distil.begin, tx=distil.optimiser(cfg.lr, cfg.decay), **how)
    placed = sharding.vmap_over(mesh, begin)

    @jax.jit
    def flat(*args):
        return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), placed(*args))

    return flat(networks(cfg, mesh), keys.split(cfg.seeds, STREAMS)["batches"])


def learner(cfg, mesh: Mesh) -> sharding.Placed:
    """Students, members [L, ...], strides, pool, shown -> students, seen [L, R, ...]"""
    how = {"sizes": sizes(cfg), "looked": cfg.looked, "batch": cfg.batch}
    learn = partial(distil.learn, tx=distil.optimiser(cfg.lr, cfg.decay), **how)
    return sharding.vmap_over(mesh, learn, shared=(2, 3, 4), at_once=1)


def slopes(cfg, mesh: Mesh) -> sharding.Placed:
    """Three networks [S, 3, ...], images -> norms [S, G]"""
    how = {"alphas": cfg.gradient_alphas, "own": cfg.own_teacher}
    return sharding.vmap_over(mesh, partial(distil.slopes, **how), shared=(1,), at_once=1)


def basins(cfg, mesh: Mesh) -> sharding.Placed:
    """Encoders, keys of two orders [L, 2], images and labels twice -> losses [L, T]"""
    how = {"lr": cfg.supervised_lr, "momentum": cfg.supervised_momentum}
    how |= {"ts": points(cfg), "batch": cfg.batch, "epochs": cfg.supervised_epochs}
    return sharding.vmap_over(mesh, partial(connect.along, **how), shared=(2, 3), at_once=1)


def distilled(cfg, mesh: Mesh, scratch, data) -> dict[str, np.ndarray]:
    """Probes on pixels; students on their way; what supervised training makes of them."""
    (student, member), learn = begun(cfg, mesh), learner(cfg, mesh)
    (train, y_train), (tests, y_test) = data[0]
    wall = [(x[:n], y[:n]) for (x, y), n in zip([*data[0], *data[1]], sizes(cfg), strict=True)]
    x, y = (np.concatenate(part) for part in zip(*wall, strict=True))
    noise = keys.draws({"noise": keys.fold((0,), 1)}, {"noise": train.shape})["noise"][0]
    pool, shown = np.concatenate([train, np.float32(noise)]), Shown(images.chunked(x, cfg.chunk), y)

    def advance(student, _, strides):
        return learn(student, member, strides, pool, shown)

    student, seen = loops.recorded(scratch, "distillation", advance, student, epochs(cfg))
    seeds, arms = len(cfg.seeds), len(cfg.alphas) + 1
    seen = {name: a.reshape(seeds, arms, *a.shape[1:]) for name, a in seen.items()}
    if scratch.wants("input"):
        probe = jax.jit(partial(distil.probed, sizes=sizes(cfg)))
        pixels = partial(probe, x.reshape(len(x), -1), y)
        seen |= scratch.cached("input", lambda: {"input": sharding.gather(pixels())})
    if scratch.wants("segment"):
        orders = keys.split(cfg.seeds, STREAMS)["orders"]
        pair = partial(pairs, member.teacher.encoder, student.params.encoder, orders)
        both = (train, y_train), (tests[: cfg.looked], y_test[: cfg.looked])
        find = lambda: sharding.gather(basins(cfg, mesh)(*pair(), *both))  # noqa: E731
        found = scratch.cached("segment", lambda: {"segment": find()})
        seen["segment"] = found["segment"].reshape(2, seeds, -1).swapaxes(0, 1)
    return seen


@jax.jit
def pairs(teachers, students, orders):
    """The near arm's encoders, teachers first, and integers of two keys for each.  [L, ...], [S]"""
    arms = len(jax.tree.leaves(students)[0]) // len(orders)
    each = jax.vmap(lambda key: jax.random.key_data(jax.random.split(key)))(orders)
    both = jax.tree.map(lambda *a: jnp.concatenate([x[::arms] for x in a]), teachers, students)
    return both, jnp.concatenate([each, each])
