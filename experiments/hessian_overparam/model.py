"""A fully connected ReLU network, its cross-entropy, and (stochastic) gradient descent on it.

L(w) = 1/N sum_i l(f(w, x_i), y_i), l the softmax cross-entropy (section 1 of the paper).

Shapes: N examples, D inputs, K classes; params is a list of (weight [in, out], bias [out]).
"""

from itertools import pairwise

import jax
import jax.numpy as jnp


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


def descend(params, batch, *, lr, steps):
    """Full-batch gradient steps.  -> params"""

    def step(params, _):
        grad = jax.grad(loss)(params, batch)
        return jax.tree.map(lambda p, g: p - lr * g, params, grad), None

    return jax.lax.scan(step, params, length=steps)[0]


def descend_noisily(key, params, batch, *, lr, steps, size):
    """Gradient steps, each on `size` examples drawn with replacement.  -> params"""

    def step(params, i):
        u = jax.random.uniform(jax.random.fold_in(key, i), (size,))
        chosen = (u * len(batch[1])).astype(int)
        part = jax.tree.map(lambda a: a[chosen], batch)
        return descend(params, part, lr=lr, steps=1), None

    return jax.lax.scan(step, params, jnp.arange(steps))[0]


def trajectory(params, batch, *, lr, steps, records):
    """Full-batch descent and the loss at its start and at `records` equal times after it.

    -> (params, loss [records + 1])
    """

    def stretch(params, _):
        params = descend(params, batch, lr=lr, steps=steps // records)
        return params, loss(params, batch)

    start = loss(params, batch)
    params, later = jax.lax.scan(stretch, params, length=records)
    return params, jnp.concatenate([start[None], later])


def segment(a, b, batch, t):
    """Loss at (1 - t) a + t b.  a, b params, t [T] -> [T]"""
    point = lambda s: jax.tree.map(lambda p, q: (1 - s) * p + s * q, a, b)  # noqa: E731
    return jax.lax.map(lambda s: loss(point(s), batch), t)
