"""A student taught by a frozen random network, and what is seen of it on its way.

Shapes: N images of the pool, half of them noise, G chunks of images to look at, E features, D data
sets, R records.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from common import loops
from common.nn import convnet, probes, training

from . import model
from .model import Params

CLASSES = 10
NEIGHBOURS = 20


class Member(NamedTuple):
    teacher: Params
    start: Params
    first: Any  # of its images in the pool; they are N / 2 in a row
    key: Any  # the integers of the key of its batches


class Student(NamedTuple):
    params: Params
    opt: Any
    epoch: Any
    peak: Any  # the largest loss of a batch so far


class Shown(NamedTuple):
    """Images to look at: training and test images of every data set, one after the other."""

    x: Any  # [G, chunk, H, W, C]; those that fill the last chunk count for nothing
    y: Any  # int [images]


def optimiser(lr: float, decay: float) -> optax.GradientTransformation:
    return optax.flatten(optax.adamw(lr, weight_decay=decay))  # of one vector: compiles sooner


def networks(keys, **how) -> Params:
    """Independent ones: the teacher, another to start from, a third.  -> leaves [3, ...]"""
    drawn = jnp.stack([keys[name] for name in ("teacher", "other", "third")])
    return jax.vmap(partial(model.init, **how))(drawn)


def taught(drawn: Params, own: bool) -> tuple[Params, Params, Params]:
    """Where students start near, the other network, and who teaches: with `own` the first."""
    near, other, third = (jax.tree.map(lambda a, i=i: a[i], drawn) for i in range(3))
    return near, other, near if own else third


def begin(drawn: Params, key, *, alphas, firsts, own, tx) -> tuple[Student, Member]:
    """In float32, an arm for every alpha and first image of the pool.  -> leaves [arm, ...]"""
    drawn = jax.tree.map(lambda a: a.astype(jnp.float32), drawn)
    near, other, teacher = taught(drawn, own)

    def arm(alpha, first):
        start = model.mixed(near, other, alpha)
        member = Member(teacher, start, first, jax.random.key_data(key))
        return Student(start, tx.init(start), jnp.zeros((), int), jnp.float32(0)), member

    return jax.vmap(arm)(jnp.float32(alphas), jnp.asarray(firsts))


def epoch(update, state, key, count: int, batch: int):
    """update(state, rows) on batches of a random order of `count`, what is left over skipped."""
    rows = jnp.argsort(jax.random.bits(key, (count,)))[: count // batch * batch]
    each = rows.reshape(-1, batch)
    return jax.lax.scan(lambda state, rows: (update(state, rows), None), state, each)[0]


def learn(student: Student, member: Member, strides, pool, shown, *, sizes, looked, batch, tx):
    """Epochs of distillation, observed after each of the strides.

    strides int [R], pool [N, H, W, C], sizes and looked as in `seen`
    -> student, seen [R] and peak [R]
    """
    first_test = sizes[0]
    tests = shown.x.reshape(-1, *shown.x.shape[2:])[first_test : first_test + looked]
    both = jax.tree.map(lambda *a: jnp.stack(a), member.start.encoder, member.teacher.encoder)
    before, target = jax.lax.map(lambda encoder: convnet.embed(encoder, tests), both)
    target = model.said(member.teacher, target)

    def update(student, rows):
        x = pool[member.first + rows]
        value, slope = jax.value_and_grad(model.loss)(student.params, member.teacher, x)
        student = training.updated(student, slope, tx)
        return student._replace(peak=jnp.maximum(student.peak, value))

    def step(student):
        key = jax.random.fold_in(jax.random.wrap_key_data(member.key), student.epoch)
        student = epoch(update, student, key, len(pool) // 2, batch)
        return student._replace(epoch=student.epoch + 1)

    def observe(student):
        features = embedded(student.params.encoder, shown.x)
        now = features[first_test : first_test + looked]
        return {
            "accuracy": probed(features, shown.y, sizes),
            "kl": model.divergence(target, model.said(student.params, now)),
            "peak": student.peak,
            "moved": relative(student.params.encoder, member.start.encoder),
            "drift": relative(now, before),
        }

    return loops.trajectory(step, observe, student, strides)


def embedded(encoder, chunks):
    """Features, chunk by chunk.  [G, chunk, H, W, C] -> [G chunk, E]"""
    found = jax.lax.map(partial(convnet.embed, encoder), chunks)
    return found.reshape(-1, found.shape[-1])


def relative(tree, start):
    """|tree - start| / |start|"""
    gone = jax.tree.map(jnp.subtract, tree, start)
    return optax.tree.norm(gone) / optax.tree.norm(start)


def probed(features, y, sizes):
    """Accuracy of both probes on standardised features.

    sizes: training and test images of every data set in turn, (60000, 10000, ...) -> [D, probe]
    """
    ends = np.cumsum(sizes)
    parts, labels = (jnp.split(a[: ends[-1]], ends[:-1]) for a in (features, y))
    pairs = [(*parts[i : i + 2], *labels[i : i + 2]) for i in range(0, len(sizes), 2)]
    return jnp.stack([jnp.stack(both_probes(*pair)) for pair in pairs])


def both_probes(train, test, y, y_test):
    """Accuracy of ridge and of nearest neighbours.  [N, E], [Q, E], int [N], int [Q] -> [], []"""
    train, test = probes.standardised(train, test)
    line = probes.told(probes.ridge(train, y, CLASSES), test)
    near = probes.nearest(train, y, test, CLASSES, k=NEIGHBOURS)
    return jnp.mean(line == y_test), jnp.mean(near == y_test)


def slopes(drawn: Params, x, *, alphas, own):
    """Norm of the loss's gradient at the start, for every alpha.  x [B, ...], alphas [A] -> [A]"""
    near, other, teacher = taught(drawn, own)

    def at(alpha):
        return optax.tree.norm(jax.grad(model.loss)(model.mixed(near, other, alpha), teacher, x))

    return jax.lax.map(at, jnp.asarray(alphas))
