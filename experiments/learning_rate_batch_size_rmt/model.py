"""A fully connected ReLU network on flat weights w, and its loss over weighted examples.

L(w) = sum_i a_i l(f(w, x_i), y_i), l the softmax cross-entropy; a_i = 1/N for the data set and 1/B
on a batch, 0 on padding.

Shapes: C rows of a batch (B of them counted), D inputs, K classes, P weights.
"""

from itertools import pairwise

import jax
import jax.numpy as jnp


def count(layers):
    """Number P of weights of a network of `layers` (D, hidden …, K)."""
    return sum(n * m + m for n, m in pairwise(layers))


def init(uniform, layers):
    """Weights and biases uniform in +-1/sqrt(fan-in).  uniform [P] in [0, 1) -> w [P]"""
    fans = [jnp.full(n * m + m, n**-0.5) for n, m in pairwise(layers)]
    return jnp.concatenate(fans) * (2 * uniform - 1)


def outputs(w, batch, *, layers):
    """Logits f(w, x).  w [P], batch (x [C, D], …) -> [C, K]"""
    h, at = batch[0], 0
    for i, (n, m) in enumerate(pairwise(layers)):
        matrix, bias = w[at : at + n * m].reshape(n, m), w[at + n * m : at + n * m + m]
        h = (jax.nn.relu(h) if i else h) @ matrix + bias
        at += n * m + m
    return h


def criterion(logits, batch):
    """sum_i a_i (-log softmax(logits_i)[y_i]).  batch (…, y [C], a [C]) -> []"""
    _, y, a = batch
    chosen = jnp.take_along_axis(logits, y[:, None], axis=-1)[:, 0]
    return a @ (jax.nn.logsumexp(logits, axis=-1) - chosen)


def loss(w, batch, *, layers):
    """L(w) on batch (x [C, D], y [C], a [C]) -> []"""
    return criterion(outputs(w, batch, layers=layers), batch)


def weighted(x, y, size):
    """The batch whose first `size` rows count equally and the others not at all."""
    return x, y, jnp.where(jnp.arange(len(y)) < size, 1 / size, 0).astype(x.dtype)


def descend(w, batch, *, layers, lr, steps, target):
    """Gradient steps on one batch until the loss is at most `target`.  -> w [P]"""

    def step(w, _):
        value, gradient = jax.value_and_grad(loss)(w, batch, layers=layers)
        return w - jnp.where(value > target, lr, 0) * gradient, None

    return jax.lax.scan(step, w, length=steps)[0]


def point(uniform, x, y, *, layers, **options):
    """Where full-batch descent ends, and the loss on all data at its start and there.

    uniform [P], x [N, D], y [N]; options: lr, steps, target -> w [P], [2]
    """
    batch, start = weighted(x, y, len(y)), init(uniform, layers)
    w = descend(start, batch, layers=layers, **options)
    return w, jnp.stack([loss(v, batch, layers=layers) for v in (start, w)])
