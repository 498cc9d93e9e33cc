"""A ReLU network whose last features enter M linear layers, and Adam on the objective of `model`.

The features are no longer free: H = relu(V_L ... relu(V_1 x)). The penalty is on H and on the
linear layers only, as in the paper's experiments.

Shapes: N examples, D inputs, d width, K classes, M linear layers.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from . import model


class Net(NamedTuple):
    encoder: list  # (weight [in, out], bias [out]) of every ReLU layer
    hidden: tuple[jax.Array, ...]  # W_1 ... W_{M-1}, each [d, d]
    head: jax.Array  # W_M [K, d]


class State(NamedTuple):
    net: Net
    opt: Any


def count(sizes, *, classes, depth):
    """Numbers in the weights of a network of ReLU layers `sizes` (D, d ... d)."""
    return sum(n * m for n, m in weights(sizes, classes, depth))


def weights(sizes, classes, depth):
    d = sizes[-1]
    return [*pairwise(sizes), *[(d, d)] * (depth - 1), (d, classes)]


def init(draws, sizes, *, classes, depth):
    """ReLU layers with variance 2 / fan-in, linear ones with 1 / fan-in, biases zero.

    draws N(0, 1) [..., n] -> Net of NumPy arrays [..., ...]
    """
    shapes = weights(sizes, classes, depth)
    ends = np.cumsum([n * m for n, m in shapes])
    parts = np.split(draws[..., : ends[-1]], ends[:-1], axis=-1)
    lead, relu = draws.shape[:-1], len(sizes) - 1
    scaled = [
        p.reshape(*lead, n, m) * np.sqrt((2 if i < relu else 1) / n).astype(p.dtype)
        for i, (p, (n, m)) in enumerate(zip(parts, shapes, strict=True))
    ]
    encoder = [(w, np.zeros((*lead, w.shape[-1]), w.dtype)) for w in scaled[:relu]]
    *hidden, head = (np.swapaxes(w, -1, -2) for w in scaled[relu:])
    return Net(encoder, tuple(hidden), head)


def features(net, x):
    """H, one column an example.  x [N, D] -> [d, N]"""
    for weight, bias in net.encoder:
        x = jax.nn.relu(x @ weight + bias)
    return x.T


def unconstrained(net, x):
    """The network as the model sees it: features, linear layers, no bias.  -> model.Params"""
    return model.Params(features(net, x), net.hidden, net.head, jnp.zeros(len(net.head)))


def optimiser(lr, steps):
    """Adam whose learning rate falls tenfold half way."""
    return optax.adam(optax.piecewise_constant_schedule(lr, {steps // 2: 0.1}))


def begin(net, tx):
    return State(net, tx.init(net))


def step(state, x, problem, tx):
    """One full-batch step.  -> State"""
    grad = jax.grad(lambda net: model.loss(unconstrained(net, x), problem))(state.net)
    updates, opt = tx.update(grad, state.opt, state.net)
    return State(optax.apply_updates(state.net, updates), opt)


def errors(net, x, problem):
    """Fraction of examples whose largest output is not their class's.  -> []"""
    found = model.answers(unconstrained(net, x), problem).argmax(0)
    return jnp.mean(found != model.one_hot(problem.counts, len(x)).argmax(0))
