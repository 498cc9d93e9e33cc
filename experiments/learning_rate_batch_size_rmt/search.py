"""SGD and Adam side by side on the same batches, for a whole grid of learning rates.

SGD: w <- w - eta g_B; Adam: w <- w - eta m^ / (sqrt(v^) + eps) (Kingma & Ba 2015).

Shapes: M members (learning rate and method), P weights, N examples, L length of a stream of rows,
R records.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from . import model

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8  # Adam's defaults
MOST = 1e3  # of a loss over the loss at w: what stands for a divergence


class Member(NamedTuple):
    """Learning rates [M] and whether each member is Adam [M]."""

    lr: jax.Array
    adam: jax.Array


def members(lrs) -> Member:
    """SGD and Adam, each at every one of its learning rates.  lrs [2, G] -> M = 2 G"""
    return Member(lrs.ravel(), np.repeat([False, True], lrs.shape[1]))


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


def of_size(point, element, **options):
    """`losses` of one seed, on one order of its data, in batches of one size.

    point: w [S, P], x [S, N, D], y [S, N], streams [S, trials, L] of all seeds, members; element:
    seed, trial, size
    """
    w, x, y, streams, everyone = point
    seed, trial, size = element
    return losses(w[seed], (x[seed], y[seed]), streams[seed, trial], size, everyone, **options)


def elements(sizes, seeds: int, trials: int):
    """Size by size, seed by seed, every order of the data, for `of_size`.

    sizes [B] -> seed, trial, size [B S trials]
    """
    place, seed, trial = (a.ravel() for a in np.indices((len(sizes), seeds, trials)))
    return seed, trial, np.array(sizes)[place]


def relative(found, start) -> dict[str, np.ndarray]:
    """Largest and last loss over the loss at w, at most MOST, split by method.

    found [S, B, trials, R, 2 G], start [S] -> peak, final [2, S, B, trials, G]
    """
    ratio = found / start[:, None, None, None, None]
    ratio = np.where(np.isfinite(ratio), np.minimum(ratio, MOST), MOST)
    ends = {"peak": ratio.max(3), "final": ratio[:, :, :, -1]}
    return {name: np.stack(np.split(a, 2, axis=-1)) for name, a in ends.items()}
