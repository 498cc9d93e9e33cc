"""Whether two supervised trainings from one encoder end in one basin (linear mode connectivity).

Shapes: B images, T points of the segment.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax

from common.nn import connect, convnet, training

from . import distil


def begin(encoder, x, tx: optax.GradientTransformation) -> training.State:
    """The encoder and a linear classifier at 0.  x: images of the shape to come"""
    features = jax.eval_shape(convnet.embed, encoder, x)
    size = features.shape[1], distil.CLASSES
    last = jnp.zeros(size, features.dtype), jnp.zeros(size[1], features.dtype)
    return training.State((encoder, last), tx.init((encoder, last)), None)


def cost(params, x, y):
    """Mean cross-entropy.  x [B, H, W, C], y int [B] -> []"""
    encoder, (w, b) = params
    said = convnet.embed(encoder, x) @ w + b
    return optax.softmax_cross_entropy_with_integer_labels(said, y).mean()


def along(encoder, orders, train, tests, *, ts, lr, momentum, batch, epochs):
    """Loss on the tests between the ends of two trainings, one a key of its batches.

    orders: integers of two keys [2, ...]; train, tests: images and labels -> [T]
    """
    tx = optax.flatten(optax.sgd(lr, momentum))
    begun = begin(encoder, tests[0], tx)

    def update(state, rows):
        slope = jax.grad(cost)(state.params, train[0][rows], train[1][rows])
        return training.updated(state, slope, tx)

    def end(order):
        keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.wrap_key_data(order), i))
        turn = partial(distil.epoch, update, count=len(train[1]), batch=batch)
        each = keys(jnp.arange(epochs))
        return jax.lax.scan(lambda state, key: (turn(state, key), None), begun, each)[0].params

    ends = jax.lax.map(end, orders)
    one, other = (jax.tree.map(lambda a, i=i: a[i], ends) for i in (0, 1))
    return connect.segment(lambda p: cost(p, *tests), one, other, ts)
