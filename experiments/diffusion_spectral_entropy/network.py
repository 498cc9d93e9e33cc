"""A perceptron on images and labels, true or permuted, and what it represents on its way.

Shapes: P images of which the last T are for tests, n of a member's training, N of its tests,
R records, W width of the last hidden layer.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from common import loops
from common.nn import layers, training
from common.tasks import splits

CLASSES = 10


class Member(NamedTuple):
    """Indices and labels of a member's images, and the key of its batches."""

    key: Any
    train: Any  # int [n]
    labels: Any  # int [n], as it is taught
    tests: Any  # int [N], into those for tests; the classes take turns


class Learner(NamedTuple):
    params: Any
    opt: Any
    epoch: Any


ONE = Member(None, None, 0, None)  # for jax.vmap: members of one seed differ by their labels


def enrol(keys, y, y_test, *, fractions, samples, per_class):
    """Members by the share of permuted labels.  y [P - T], y_test [T] -> Member as ONE"""
    train = order(keys["train"], len(y))[:samples]
    noisy = partial(splits.label_noise, keys["labels"], y[train], classes=CLASSES)
    labels = jax.vmap(lambda fraction: noisy(fraction)[0])(jnp.float32(fractions))
    chosen = splits.balanced(keys["tests"], y_test, per_class, CLASSES).T.ravel()
    return Member(jax.random.key_data(keys["batches"]), train, labels, chosen)


def order(key, count):
    """A random order, by one sort: jax.random.permutation takes two to compile.  -> int [count]"""
    return jnp.argsort(jax.random.bits(key, (count,)))


def begin(key, *, pixels, hidden, tx):
    """-> Learner"""
    params = layers.init(key, (pixels, *hidden, CLASSES))
    return Learner(params, tx.init(params), jnp.zeros((), int))


def start(keys, y, y_test, *, fractions, samples, per_class, **how):
    """Members of one seed and their equal weights, in one program.  -> Member as ONE, Learner"""
    member = enrol(keys, y, y_test, fractions=fractions, samples=samples, per_class=per_class)
    state = begin(keys["weights"], **how)
    alike = jax.tree.map(lambda a: jnp.broadcast_to(a, (len(fractions), *a.shape)), state)
    return member, alike


def features(params, x):
    """The last hidden layer.  x [B, pixels] -> [B, W]"""
    return jax.nn.relu(layers.apply(params[:-1], x, activation=jax.nn.relu))


def outputs(params, x):
    """-> logits [B, CLASSES]"""
    return layers.apply(params[-1:], features(params, x))


def inputs(images, index):
    """(x / 255 - 0.1307) / 0.3081.  images uint8 [P, H, W], index [B] -> [B, H W]"""
    x = images[index].reshape(*index.shape, -1).astype(jnp.float32)
    return (x / 255 - 0.1307) / 0.3081


def learn(state: Learner, member: Member, strides, images, y_test, *, batch, tx):
    """Epochs of AdamW, observed after each of the strides.  strides int [R], images [P, H, W]

    -> state, {features [R, N, W], train_accuracy [R] on the labels it is taught, test_accuracy [R]}
    """
    count, first_test = len(member.train), len(images) - len(y_test)

    def loss(params, rows):
        found = outputs(params, inputs(images, member.train[rows]))
        return optax.softmax_cross_entropy_with_integer_labels(found, member.labels[rows]).mean()

    def update(state, rows):
        return training.updated(state, jax.grad(loss)(state.params, rows), tx), None

    def epoch(state):
        key = jax.random.fold_in(jax.random.wrap_key_data(member.key), state.epoch)
        rows = order(key, count)[: count // batch * batch]
        state = jax.lax.scan(update, state, rows.reshape(-1, batch))[0]
        return state._replace(epoch=state.epoch + 1)

    def observe(state):
        def accuracy(index, labels):
            return (outputs(state.params, inputs(images, index)).argmax(-1) == labels).mean()

        looked = first_test + member.tests
        return {
            "features": features(state.params, inputs(images, looked)),
            "train_accuracy": accuracy(member.train, member.labels),
            "test_accuracy": accuracy(looked, y_test[member.tests]),
        }

    return loops.trajectory(epoch, observe, state, strides)


def learn_beside(state, member, strides, images, y_test, **how):
    """`learn` of the members of one seed.  -> leaves with their axis in front"""

    def one(state, member):
        return learn(state, member, strides, images, y_test, **how)

    return jax.vmap(one, (0, ONE))(state, member)
