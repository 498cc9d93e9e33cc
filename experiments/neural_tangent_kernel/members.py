"""One network of an ensemble: its kernels, its trained function, its decay along components.

Shapes: A angles, N points, D inputs, k components, T steps.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from common.ntk.empirical import ntk
from common.ntk.linearised import descent

from . import limit, model, problems

# length of f* - f_0 on the training points, over sqrt(N); recalled: 0.5 times a component
KICK = 0.5


class Network(NamedTuple):
    """The networks of one width, and what makes widths comparable."""

    start: Callable  # (key of the ensemble, place of a member, inputs D) -> params
    f: Callable  # (params, x [N, D]) -> [N, 1]
    gain: float  # factor of the step size
    scale: float  # factor of the kernel


def network(width, *, depth, activation, beta, standard, power) -> Network:
    """depth: affine layers; activation: a name of model.NONLINEARITIES; power: see model.apply"""

    def start(key, member, inputs):
        key = jax.random.fold_in(jax.random.fold_in(key, width), member)
        sizes = (inputs, *(width,) * (depth - 1), 1)
        return model.init(key, sizes, beta=beta, standard=standard)

    options = {"beta": beta, "standard": standard, "power": power}
    f = partial(model.apply, nonlinearity=model.NONLINEARITIES[activation], **options)
    scale = float(width) ** (2 * power)
    return Network(start, f, scale / width if standard else scale, scale)


def views(net: Network, params, x, angles):
    """Theta on 8 of the angles, Theta(x_0, .) on all, Theta on x.  -> [8, 8], [A], [N, N]"""
    count = len(angles)
    whole = net.scale * ntk(net.f, params, jnp.concatenate([problems.circle(angles), x]))
    return limit.gram(whole[:count, :count]), whole[0, :count], whole[count:, count:]


def look(net: Network, key, member, *, angles):
    """The kernel of one untrained network on 8 of the angles: gram [8, 8]."""
    return {"gram": views(net, net.start(key, member, 2), jnp.zeros((0, 2)), angles)[0]}


def train(net: Network, seed, member, *, lr, steps, angles):
    """Kernels at both ends of a training, and what the initial kernel predicts.

    seed (key, x [N, 2]) -> gram_pair [2, 8, 8], row_pair [2, A]; trained [3, N]: f_0, f_T and its
    prediction; apart [T]: distance from the prediction after each step, over |f_0 - y|
    """
    key, x = seed
    params, y, lr = net.start(key, member, 2), problems.target(x), lr * net.gain
    end, path = model.descend(net.f, params, x, y, lr=lr, steps=steps)
    ends = jax.tree.map(lambda *a: jnp.stack(a), params, end)  # one program for both

    def seen(params):
        return *views(net, params, x, angles), net.f(params, x)[:, 0]

    gram, row, theta, (f0, last) = jax.lax.map(seen, ends)
    times = jnp.arange(1, steps + 1)
    predicted = f0 + descent(theta[0] / (net.scale * len(x)), f0 - y, times, lr=lr)
    path = jnp.concatenate([path[1:], last[None]])
    return {
        "gram_pair": gram,
        "row_pair": row,
        "trained": jnp.stack([f0, last, predicted[-1]]),
        "apart": jnp.linalg.norm(path - predicted, axis=-1) / jnp.linalg.norm(f0 - y),
    }


def fit(net: Network, key, member, *, lr, steps, points, angles):
    """The function trained at the angles `points` of the circle, read at others: curves [A]."""
    x, ring = problems.circle(points), problems.circle(angles)
    params = net.start(key, member, 2)
    end, _ = model.descend(net.f, params, x, problems.target(x), lr=lr * net.gain, steps=steps)
    return {"curves": net.f(end, ring)[:, 0]}


def decay(net: Network, seed, member, *, lr, steps):
    """Descents towards f_0 + the second component, and towards f_0 + all of them.

    seed (key, x [N, D], directions [N, k], orthonormal times sqrt(N)) -> before each step, over
    the distance to the goal: second, beside [T]: of the first descent, along its component and
    beside it; along [T, k]: of the second, along each
    """
    key, x, directions = seed
    params = net.start(key, member, x.shape[1])
    f0 = net.f(params, x)[:, 0]
    k = directions.shape[1]
    kicks = KICK * jnp.stack([directions[:, 1], directions.sum(-1) / k**0.5])

    def outputs(kick):
        return model.descend(net.f, params, x, f0 + kick, lr=lr * net.gain, steps=steps)[1] - f0

    alone, together = jax.lax.map(outputs, kicks)  # [T, N] each
    along = together @ directions / (len(x) * KICK * k**-0.5)
    second = alone @ directions[:, 1] / len(x)
    beside = jnp.sqrt(jnp.mean((alone - second[:, None] * directions[:, 1]) ** 2, axis=-1))
    return {"along": along, "second": second / KICK, "beside": beside / KICK}
