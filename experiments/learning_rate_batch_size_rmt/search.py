"""SGD and Adam side by side on the same batches, for a whole grid of learning rates.

SGD: w <- w - eta g_B; Adam: w <- w - eta m^ / (sqrt(v^) + eps) (Kingma & Ba 2015).

Shapes: M members (learning rate and method), P weights, N examples, L length of a stream of rows,
R records.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from . import model

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8  # Adam's defaults


class Member(NamedTuple):
    """Learning rates [M] and whether each member is Adam [M]."""

    lr: jax.Array
    adam: jax.Array


def update(i, gradient, moments, adam):
    """The direction of step i = 0, 1, … and the new moments (m, v), all [P]; adam []."""
    m, v = moments
    m = BETA1 * m + (1 - BETA1) * gradient
    v = BETA2 * v + (1 - BETA2) * gradient**2
    m_hat, v_hat = m / (1 - BETA1 ** (i + 1)), v / (1 - BETA2 ** (i + 1))
    return jnp.where(adam, m_hat / (jnp.sqrt(v_hat) + EPS), gradient), (m, v)


def losses(w, data, stream, size, members, *, layers, rows, warmup, steps, records):
    """Loss on all data at R equal times of `steps` steps, every member on the same batches.

    data (x [N, D], y [N]); stream [L]: rows of the data in the order of their visits, begun again
    at its end; batches have `size` <= rows.  `warmup` gradients at w fill Adam's averages first.
    -> [R, M]; not finite after a divergence
    """
    x, y = data
    everything = model.weighted(x, y, len(y))
    loss = partial(model.loss, layers=layers)

    def batch(i):
        chosen = stream[(i * size + jnp.arange(rows)) % len(stream)]
        return model.weighted(x[chosen], y[chosen], size)

    def fill(moments, i):
        return update(i, jax.grad(loss)(w, batch(i)), moments, True)[1], None

    def step(state, i):
        part = batch(i)

        def one(w, moments, member):
            direction, moments = update(i, jax.grad(loss)(w, part), moments, member.adam)
            return w - member.lr * direction, moments

        return jax.vmap(one)(*state, members), None

    def stretch(state, times):
        state, _ = jax.lax.scan(step, state, times)
        return state, jax.vmap(loss, (0, None))(state[0], everything)

    zero = jnp.zeros_like(w)
    filled, _ = jax.lax.scan(fill, (zero, zero), jnp.arange(warmup))
    start = jax.tree.map(lambda a: jnp.broadcast_to(a, (len(members.lr), a.size)), (w, filled))
    times = warmup + jnp.arange(steps).reshape(records, -1)
    return jax.lax.scan(stretch, start, times)[1]
