"""A fully connected ReLU network, its cross-entropy, and (stochastic) gradient descent on it.

L(w) = 1/N sum_i l(f(w, x_i), y_i), l the softmax cross-entropy (section 1 of the paper).

Shapes: N examples, D inputs, K classes; params is a list of (weight [in, out], bias [out]).
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from common import loops


def count(sizes):
    """Number of parameters M of a network of layers `sizes` (D, hidden …, K)."""
    return sum((n + 1) * m for n, m in pairwise(sizes))


def unpack(vector, sizes):
    """vector [..., M] -> params whose leaves have the same leading axes"""
    params, at, lead = [], 0, vector.shape[:-1]
    for n, m in pairwise(sizes):
        w, b = vector[..., at : at + n * m], vector[..., at + n * m : at + (n + 1) * m]
        params.append((w.reshape(*lead, n, m), b))
        at += (n + 1) * m
    return params


def shapes(sizes, lanes, examples):
    """Of `lanes` networks and their data.  -> params, batch, as jax.ShapeDtypeStruct"""

    def data():
        x = jnp.zeros((lanes, examples, sizes[0]))
        return unpack(jnp.zeros((lanes, count(sizes))), sizes), (x, x[..., 0].astype(int))

    return jax.eval_shape(data)


def init(key, sizes):
    """Weights and biases uniform in +-1/sqrt(fan-in), Torch's default.  -> params"""
    layers = unpack(jax.random.uniform(key, (count(sizes),), minval=-1, maxval=1), sizes)
    return [(w / jnp.sqrt(len(w)), b / jnp.sqrt(len(w))) for w, b in layers]


def silence(params, classes):
    """Switch off the outputs from `classes` on: probability exp(-1000) = 0, so no curvature either.

    What is left is the network with `classes` outputs; the silent parameters add zero eigenvalues.
    """
    *hidden, (w, b) = params
    return [*hidden, (w, jnp.where(jnp.arange(b.size) < classes, b, -1e3))]


def outputs(params, batch):
    """Logits f(w, x).  batch (x [N, D], …) -> [N, K]"""
    x = batch[0]
    *hidden, (w, b) = params
    for v, c in hidden:
        x = jax.nn.relu(x @ v + c)
    return x @ w + b


def cross_entropies(logits, batch):
    """-log softmax(logits)[y] of every example.  logits [N, K], batch (…, y [N] ints) -> [N]"""
    y = batch[1]
    picked = jnp.take_along_axis(logits, y[:, None], axis=-1)[:, 0]
    return jax.nn.logsumexp(logits, axis=-1) - picked


def cross_entropy(logits, batch):
    """Their mean.  -> []"""
    return jnp.mean(cross_entropies(logits, batch))


def loss(params, batch):
    """L(w) on batch (x [N, D], y [N]) -> []"""
    return cross_entropy(outputs(params, batch), batch)


def step(params, batch, lr):
    """One gradient step.  -> params"""
    grad = jax.grad(loss)(params, batch)
    return jax.tree.map(lambda p, g: p - lr * g, params, grad)


def descend(params, batch, *, lr, steps):
    """Full-batch gradient steps.  -> params"""
    return jax.lax.fori_loop(0, steps, lambda _, params: step(params, batch, lr), params)


def descend_noisily(key, params, batch, *, lr, steps, size):
    """Gradient steps, each on `size` examples drawn with replacement.  -> params"""

    def noisy(i, params):
        u = jax.random.uniform(jax.random.fold_in(key, i), (size,))
        chosen = (u * len(batch[1])).astype(int)
        return step(params, jax.tree.map(lambda a: a[chosen], batch), lr)

    return jax.lax.fori_loop(0, steps, noisy, params)


def fit(start, batch, *, lr, steps, records):
    """Full-batch descent, its ends as vectors, and the loss at its start and at `records` times.

    -> dict of params [2, M], loss [records + 1]
    """
    strides = jnp.full(records, steps // records)
    end, later = loops.trajectory(
        lambda params: step(params, batch, lr), lambda params: loss(params, batch), start, strides
    )
    return {
        "params": jnp.stack([ravel_pytree(params)[0] for params in (start, end)]),
        "loss": jnp.concatenate([loss(start, batch)[None], later]),
    }


def segment(a, b, batch, t):
    """Loss at (1 - t) a + t b.  a, b params, t [T] -> [T]"""
    point = lambda s: jax.tree.map(lambda p, q: (1 - s) * p + s * q, a, b)  # noqa: E731
    return jax.lax.map(lambda s: loss(point(s), batch), t)
