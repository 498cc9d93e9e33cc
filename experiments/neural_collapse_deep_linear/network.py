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

from common import loops
from common.nn import collapse

from . import model


class Net(NamedTuple):
    encoder: list  # (weight [in, out], bias [out]) of every ReLU layer
    hidden: tuple[jax.Array, ...]  # W_1 ... W_{M-1}, each [d, d]
    head: jax.Array  # W_M [K, d]


class State(NamedTuple):
    net: Net
    opt: Any


class Sizes(NamedTuple):
    layers: tuple[int, ...]  # D, d ... d: inputs and ReLU layers
    classes: int
    depth: int  # M

    def shapes(self):
        """Of every weight [in, out]."""
        d = self.layers[-1]
        return [*pairwise(self.layers), *[(d, d)] * (self.depth - 1), (d, self.classes)]

    def count(self):
        """Numbers in all weights."""
        return sum(n * m for n, m in self.shapes())


def init(normals, sizes):
    """ReLU layers with variance 2 / fan-in, linear ones with 1 / fan-in, biases zero.

    normals: N(0, 1) [..., count] -> Net [..., ...]
    """
    shapes, relu, lead = sizes.shapes(), len(sizes.layers) - 1, normals.shape[:-1]
    ends = np.cumsum([0, *(n * m for n, m in shapes)])
    scaled = [
        normals[..., a:b].reshape(*lead, n, m) * np.sqrt(gain / n).astype(normals.dtype)
        for (a, b), (n, m), gain in zip(
            pairwise(ends), shapes, [2] * relu + [1] * sizes.depth, strict=True
        )
    ]
    encoder = [(w, np.zeros((*lead, w.shape[-1]), w.dtype)) for w in scaled[:relu]]
    *hidden, head = (w.swapaxes(-1, -2) for w in scaled[relu:])
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


def begin(net):
    """Adam at rest: all its moments and counters are zero.  net [S] -> State [S]"""
    opt = jax.eval_shape(jax.vmap(optimiser(1.0, 2).init), net)
    return State(net, jax.tree.map(lambda a: np.zeros(a.shape, a.dtype), opt))


def step(state, x, problem, tx):
    """One full-batch step.  -> State"""
    grad = jax.grad(lambda net: model.loss(unconstrained(net, x), problem))(state.net)
    updates, opt = tx.update(grad, state.opt, state.net)
    return State(optax.apply_updates(state.net, updates), opt)


def fit(state, x, strides, *, problem, targets, lr, steps):
    """Adam for `steps` in all, observed after each of the strides int [R].  -> (State, metrics)

    Metrics are those of `model.metrics` in float64, `equal` [R, M]: how far the rows of P are from
    equal lengths, and `error` [R, 1]: fraction of wrong answers.
    """
    tx = optimiser(lr, steps)

    def observe(state):
        params = jax.tree.map(lambda a: a.astype(float), unconstrained(state.net, x))
        P = model.products(params)
        return model.metrics(params, problem, targets) | {
            "equal": collapse.distance(P @ P.mT, jnp.eye(len(problem.counts))),
            "error": errors(state.net, x, problem).astype(float)[None],
        }

    return loops.trajectory(lambda s: step(s, x, problem, tx), observe, state, strides)


def errors(net, x, problem):
    """Fraction of examples whose largest output is not their class's.  -> []"""
    found = model.answers(unconstrained(net, x), problem).argmax(0)
    return jnp.mean(found != model.one_hot(problem.counts, len(x)).argmax(0))
