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

NORMS = {
    "none": None,
    "affine": (layer.affine_statistics, layer.affine_norm),
    "bures": (layer.bures_statistics, layer.bures_norm),
}


class Net(NamedTuple):
    bimap: jax.Array  # [n, k], columns orthonormal
    bias: layer.Bias
    w: jax.Array  # [k k, K]
    b: jax.Array  # [K]


def init(key, n: int, k: int, classes: int, spread: float) -> Net:
    one, two = jax.random.split(key)
    bimap = jnp.linalg.qr(keys.normal(one, (n, k)))[0]
    w = keys.normal(two, (k * k, classes)) / k
    return Net(bimap, layer.begin(k, spread), w, jnp.zeros(classes))


def statistics(net: Net, x, theta, *, method: str, steps: int):
    """Of the normalisation, on a batch."""
    if method == "none":
        return ()
    return NORMS[method][0](net.bimap.T @ x @ net.bimap, net.bias, theta, steps=steps)


def apply(net: Net, x, found, theta, *, method: str, tiny: float, floor: float):
    """Logits.  x [N, n, n], found: of `statistics` -> [N, K]"""
    x = net.bimap.T @ x @ net.bimap
    if method != "none":
        x = NORMS[method][1](x, found, net.bias, theta, tiny=tiny)
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


def fit(key, x, y, theta, learned, *, method, train, batch, epochs, lr, momentum, decay, kept,
        classes, spread, steps, tiny, floor):  # fmt: skip
    """Descent with momentum; accuracy on the test part after every epoch.  -> [epochs]

    learned: 1 or 0, whether M moves.  The test part is seen with statistics of the training part.
    """
    begin, order = jax.random.split(key)
    net = init(begin, x.shape[-1], kept, classes, spread)
    how = {"method": method, "tiny": tiny, "floor": floor}
    tx = optax.chain(optax.add_decayed_weights(decay), optax.sgd(lr, momentum))
    seen, wanted = x[:train], y[:train]

    def loss(net, x, y):
        found = statistics(net, x, theta, method=method, steps=steps)
        logits = apply(net, x, found, theta, **how)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    def step(state, picks):
        net, moments = state
        grads = jax.grad(loss)(net, seen[picks], wanted[picks])
        bias = grads.bias._replace(log_m=learned * grads.bias.log_m)
        grads = grads._replace(bimap=tangent(net.bimap, grads.bimap), bias=bias)
        updates, moments = tx.update(grads, moments, net)
        net = optax.apply_updates(net, updates)
        return (net._replace(bimap=orthonormal(net.bimap)), moments), None

    def epoch(state, i):
        turns = train // batch
        shuffled = jax.random.permutation(jax.random.fold_in(order, i), train)
        state, _ = jax.lax.scan(step, state, shuffled[: turns * batch].reshape(turns, batch))
        found = statistics(state[0], seen, theta, method=method, steps=steps)
        told = apply(state[0], x[train:], found, theta, **how).argmax(-1)
        return state, jnp.mean(told == y[train:])

    return jax.lax.scan(epoch, (net, tx.init(net)), jnp.arange(epochs))[1]


def orthonormal(W):
    """Back to orthonormal columns, by QR with a positive diagonal."""
    Q, R = jnp.linalg.qr(W)
    return Q * jnp.sign(jnp.diagonal(R))
