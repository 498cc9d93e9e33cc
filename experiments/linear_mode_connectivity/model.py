"""Perceptrons, trained by momentum descent on random batches; their losses on straight lines.

Parameters are those of `common.nn.layers`: x -> x W + b, so that W is the paper's transposed.

Shapes: B batch, N examples, D pixels, T points of a line.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from common.nn import connect, layers, training

CLASSES = 10

logits = partial(layers.apply, activation=jax.nn.relu)


def cross_entropy(params, x, y):
    """Mean over examples.  x [N, D], y int [N] -> []"""
    return optax.softmax_cross_entropy_with_integer_labels(logits(params, x), y).mean()


def scores(params, x, y):
    """Loss and accuracy.  x [N, D], y int [N] -> [2]"""
    z = logits(params, x)
    loss = optax.softmax_cross_entropy_with_integer_labels(z, y).mean()
    return jnp.stack([loss, (z.argmax(-1) == y).mean(dtype=loss.dtype)])


def optimiser(lr: float, momentum: float, decay: float) -> optax.GradientTransformation:
    """Heavy-ball descent; the decay is an L2 penalty on everything."""
    return optax.chain(optax.add_decayed_weights(decay), optax.sgd(lr, momentum))


def begin(seed, width, *, sizes, tx) -> training.State:
    """He's initialisation of a net of this width, biases 0, float32; in arrays of these sizes.

    Units from `width` on have no weights: they say 0 and, as ReLU's slope at 0 is 0, never learn.
    """
    key = jax.random.fold_in(jax.random.key(seed), width)

    def init(key):
        params = layers.init(key, sizes, dtype=jnp.float32)
        last, found = len(params) - 1, []
        for i, (w, b) in enumerate(params):
            fan_in = jnp.sqrt(sizes[i] / width) * (jnp.arange(sizes[i]) < width) if i else 1.0
            out = jnp.arange(sizes[i + 1]) < width if i < last else True
            found.append(((w * jnp.reshape(fan_in, (-1, 1)) * out).astype(w.dtype), b))
        return found

    return training.begin(key, init, tx)


def train(state, first, x, y, *, batch, steps, tx):
    """Steps from number `first` on, each on B examples drawn with replacement.

    -> state, mean loss of the steps [1]
    """

    def step(state, i):
        chosen = jax.random.randint(training.key_of(state, i), (batch,), 0, len(y))
        value, grads = jax.value_and_grad(cross_entropy)(state.params, x[chosen], y[chosen])
        return training.updated(state, grads, tx), value

    return training.steps(step, state, first, steps)


def line(a, b, sets, *, ts):
    """Loss and accuracy at (1 - t) a + t b on every set.  sets: [(x, y), ...] -> [T, set, 2]"""

    def seen(params):
        return jnp.stack([scores(params, x, y) for x, y in sets])

    return connect.segment(seen, a, b, ts)


def midpoint(a, b, seed, step, x, y, *, batch):
    """Loss of (a + b) / 2 on B examples, and its gradient with respect to b."""
    key = jax.random.fold_in(jax.random.key(seed), step)
    chosen = jax.random.randint(key, (batch,), 0, len(y))

    def loss(b):
        middle = jax.tree.map(lambda p, q: 0.5 * (p + q), a, b)
        return cross_entropy(middle, x[chosen], y[chosen])

    return jax.value_and_grad(loss)(b)
