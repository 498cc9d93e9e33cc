"""SPDNet: BiMap, a normalisation or none, ReEig with LogEig, a linear layer; its training.

Shapes: N matrices, n their side, k rows after BiMap, K classes.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from common import keys
from common.spd.functions import function

from . import layer


class Net(NamedTuple):
    bimap: jax.Array  # [n, k], columns orthonormal
    bias: layer.Bias
    w: jax.Array  # [k k, K]
    b: jax.Array  # [K]


class Kind(NamedTuple):
    """Of one network; method 0, 1, 2: no normalisation, affine-invariant, Bures-Wasserstein."""

    method: jax.Array  # int []
    theta: jax.Array  # []
    learned: jax.Array  # [], 1 or 0: whether M moves


def init(key, n: int, k: int, classes: int, spread: float) -> Net:
    one, two = jax.random.split(key)
    bimap = jnp.linalg.qr(keys.normal(one, (n, k)))[0]
    w = keys.normal(two, (k * k, classes)) / k
    return Net(bimap, layer.begin(k, spread), w, jnp.zeros(classes))


def statistics(net: Net, x, kind: Kind, *, steps: int):
    """Mean and variance of a batch as its normalisation has them.  -> [k, k], []"""
    x = net.bimap.T @ x @ net.bimap
    none = lambda x: (x[0], jnp.ones(()))  # noqa: E731
    rbn = lambda x: layer.affine_statistics(x, steps=steps)  # noqa: E731
    gbw = lambda x: layer.bures_statistics(x, net.bias, kind.theta, steps=steps)  # noqa: E731
    return jax.lax.switch(kind.method, (none, rbn, gbw), x)


def apply(net: Net, x, found, kind: Kind, *, tiny: float, floor: float):
    """Logits.  x [N, n, n], found: of `statistics` -> [N, K]"""
    x = net.bimap.T @ x @ net.bimap
    rbn = lambda x: layer.affine_norm(x, found, net.bias, tiny=tiny)  # noqa: E731
    gbw = lambda x: layer.bures_norm(x, found, net.bias, kind.theta, tiny=tiny)  # noqa: E731
    x = jax.lax.switch(kind.method, (lambda x: x, rbn, gbw), x)
    x = function(partial(log_floor, floor), partial(slope, floor), x)
    return x.reshape(len(x), -1) @ net.w + net.b


def log_floor(floor, values):
    """ReEig and LogEig together: log max(value, floor)."""
    return jnp.log(jnp.maximum(values, floor))


def slope(floor, values):
    return jnp.where(values > floor, 1 / jnp.maximum(values, floor), 0.0)


def tangent(W, G):
    """The Riemannian gradient of orthonormal columns: G - W sym(W^T G)."""
    inner = W.T @ G
    return G - W @ (inner + inner.T) / 2


def orders(key, train: int, batch: int, epochs: int):
    """Examples of every step of every epoch.  -> int [epochs, steps, batch]"""
    each = jax.vmap(lambda k: jax.random.permutation(k, train))(jax.random.split(key, epochs))
    turns = train // batch
    return each[:, : turns * batch].reshape(epochs, turns, batch)


def fit(net, x, y, order, kind, *, lr, momentum, decay, steps, tiny, floor):
    """Descent with momentum; accuracy on the test part after every epoch.  -> [epochs]

    order: as `orders` has it; the examples that it does not know are the test part, which is seen
    with the statistics of the training part.
    """
    tx = optax.chain(optax.add_decayed_weights(decay), optax.sgd(lr, momentum))
    train = order.shape[1] * order.shape[2]

    def logits(net, batch, x):
        found = statistics(net, batch, kind, steps=steps)
        return apply(net, x, found, kind, tiny=tiny, floor=floor)

    def loss(net, x, y):
        told = logits(net, x, x)
        return optax.softmax_cross_entropy_with_integer_labels(told, y).mean()

    def step(state, picks):
        net, moments = state
        grads = jax.grad(loss)(net, x[picks], y[picks])
        bias = grads.bias._replace(log_m=kind.learned * grads.bias.log_m)
        grads = grads._replace(bimap=tangent(net.bimap, grads.bimap), bias=bias)
        updates, moments = tx.update(grads, moments, net)
        net = optax.apply_updates(net, updates)
        return (net._replace(bimap=orthonormal(net.bimap)), moments), None

    def epoch(state, picks):
        state, _ = jax.lax.scan(step, state, picks)
        told = logits(state[0], x[:train], x[train:]).argmax(-1)
        return state, jnp.mean(told == y[train:])

    return jax.lax.scan(epoch, (net, tx.init(net)), order)[1]


def orthonormal(W):
    """Back to orthonormal columns, by QR with a positive diagonal."""
    Q, R = jnp.linalg.qr(W)
    return Q * jnp.sign(jnp.diagonal(R))
