"""A ReLU perceptron with weight decay in two groups, full-batch heavy ball on the square loss.

L = |Z - Y|^2 / 2 N + wd_features / 2 sum_hidden |V|^2 + wd_last / 2 |W|^2, biases free.

Shapes: N examples, D inputs, K classes, L hidden layers.
"""

from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common.nn import collapse

STREAMS = ("weights", "images", "labels")


class Net(NamedTuple):
    weights: list  # [in, out] of every layer, the last W^T
    biases: list  # [out]


def sizes(inputs, width, hidden, classes):
    """[(in, out), ...] of hidden ReLU layers and the last."""
    return list(pairwise((inputs, *(width,) * hidden, classes)))


def count(shapes):
    """Numbers in all weights."""
    return sum(n * m for n, m in shapes)


def decays(decay, factors):
    """(features, last) with every factor on one of them.  -> [2 factors, 2]"""
    each = np.array(factors)[:, None] ** np.array([1, 0])
    return decay * np.concatenate([each, each[:, ::-1]])


def init(normals, shapes):
    """Variance 2 / fan-in, biases zero.  normals [..., count] -> Net [..., ...]"""
    ends, lead = np.cumsum([0, *(n * m for n, m in shapes)]), normals.shape[:-1]
    weights = [
        normals[..., a:b].reshape(*lead, n, m) * np.sqrt(2 / n).astype(normals.dtype)
        for (a, b), (n, m) in zip(pairwise(ends), shapes, strict=True)
    ]
    return Net(weights, [np.zeros((*lead, m), normals.dtype) for _, m in shapes])


def layers(net, x):
    """Features after every hidden layer, then the outputs.  x [N, D] -> list of [N, out]"""
    found = []
    for weight, bias in zip(net.weights, net.biases, strict=True):
        x = x @ weight + bias
        x = jax.nn.relu(x) if len(found) + 1 < len(net.weights) else x
        found.append(x)
    return found


def loss(net, x, labels, decays):
    """L.  labels [K, N], decays (features, last) [2] -> []"""
    fit = jnp.sum((layers(net, x)[-1] - labels.T) ** 2) / (2 * len(x))
    squares = [jnp.sum(weight**2) for weight in net.weights]
    return fit + decays[0] / 2 * sum(squares[:-1]) + decays[1] / 2 * squares[-1]


def fit(net, x, fitted, decays, *, labels, lr, momentum, steps):
    """Heavy ball on the labels `fitted` [K, N]: v <- momentum v + grad, net <- net - lr v.

    -> NC1 of every hidden layer for `labels` before and after [2, L], share of wrong answers []
    """

    def step(_, state):
        net, velocity = state
        grad = jax.grad(loss)(net, x, fitted, decays)
        velocity = jax.tree.map(lambda v, g: momentum * v + g, velocity, grad)
        return jax.tree.map(lambda p, v: p - lr * v, net, velocity), velocity

    rest = jax.tree.map(jnp.zeros_like, net)
    end, _ = jax.lax.fori_loop(0, steps, step, (net, rest))
    wrong = layers(end, x)[-1].argmax(1) != labels.argmax(0)
    return jnp.stack([depths(net, x, labels), depths(end, x, labels)]), wrong.mean()


def depths(net, x, labels):
    """NC1 of every hidden layer, in float64.  -> [L]"""
    hidden = layers(net, x)[:-1]
    return jax.vmap(collapse.variability, (0, None))(
        jnp.stack(hidden).mT.astype(float), labels.astype(float)
    )


def numbers(shapes, images, examples):
    """Shapes of a seed's normal numbers, under the names of STREAMS."""
    return {"weights": (count(shapes),), "images": (images,), "labels": (examples,)}


def members(draw, data, shapes, labels, decays, *, per_class, mislabelled):
    """Every seed's network and images under every row of decays [p, 2], in the type of `labels`.

    -> Net, x [S p, N, D], labels to fit [S p, K, N] (mislabelled: in a random order), decays
    """
    x = subsets(draw["images"].argsort(axis=1), data.x_train, data.y_train, per_class)
    fitted = np.broadcast_to(labels, (len(x), *labels.shape))
    if mislabelled:
        fitted = np.moveaxis(labels[:, draw["labels"].argsort(axis=1)], 0, 1)
    net = init(draw["weights"].astype(labels.dtype), shapes)
    each = (net, x.astype(labels.dtype), fitted)
    repeated = jax.tree.map(lambda a: a.repeat(len(decays), axis=0), each)
    return *repeated, np.tile(decays, (len(x), 1)).astype(labels.dtype)


def subsets(order, images, labels, per_class):
    """The first per_class images of every class, in each seed's own order.

    order ints [S, n], images [n, ...], labels [n] -> [S, K per_class, D] in [0, 1]
    """
    classes = np.unique(labels)
    chosen = np.stack(
        [np.concatenate([mine[labels[mine] == k][:per_class] for k in classes]) for mine in order]
    )
    return images[chosen].reshape(*chosen.shape, -1) / float(images.max())
