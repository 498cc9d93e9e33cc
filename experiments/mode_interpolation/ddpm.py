"""The discrete diffusion: its levels, its reverse steps, and the exact denoiser of modes in 1-D.

x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps;  x_{t-1} = mean(x_t, eps) + sqrt(beta_t) z, no noise
after level 0 (variances "fixed-large").

Shapes: T levels, B batch, K modes, W levels of a window.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import keys
from common.sde import mixture


class Schedule(NamedTuple):
    """Of the levels 0 .. T-1, each [T]."""

    beta: Any
    signal: Any  # sqrt(abar)
    noise: Any  # sqrt(1 - abar)


def schedule(first: float, last: float, levels: int, kept: int) -> Schedule:
    """beta linear over `levels`, of which the first `kept`: what lies above is noise alone."""
    beta = np.linspace(first, last, levels)[:kept]
    log = np.cumsum(np.log1p(-beta))  # abar underflows float32 at 1000 levels
    each = beta, np.exp(0.5 * log), np.sqrt(-np.expm1(log))
    return Schedule(*(x.astype(np.float32) for x in each))


def at(schedule: Schedule, level) -> Schedule:
    """Numbers of one level, or of each of some."""
    return Schedule(*(jnp.asarray(x)[level] for x in schedule))


def mean(here: Schedule, x, eps):
    """Of x_{t-1}: without x_0, which abar_t -> 0 would make infinite.  x, eps [B] -> [B]"""
    return (x - here.beta / here.noise * eps) / jnp.sqrt(1 - here.beta)


def estimate(here: Schedule, x, eps):
    """x_0 as predicted; only where abar_t is far from 0.  x, eps [B] -> [B]"""
    return (x - here.noise * eps) / here.signal


def exact(schedule: Schedule, modes, std: float):
    """eps(x [B], level []) of equally many N(m, std^2), modes [K]:
    (x - sqrt(abar) E[x_0 | x]) / sqrt(1 - abar)."""
    even, means = jnp.full(len(modes), 1 / len(modes)), jnp.reshape(jnp.float32(modes), (-1, 1))
    law = mixture.Mixture(even, means, jnp.full(len(modes), std))

    def eps(x, level):
        here = at(schedule, level)
        of = mixture.posterior(law, x[:, None], here.signal, here.noise)
        return (x - here.signal * (of.weights * of.means[:, :, 0]).sum(1)) / here.noise

    return eps


def slopes(eps, schedule: Schedule, x, levels):
    """Predicted x_0 and its derivative in x.  x [B], levels [T] -> [T, B] each"""

    def of(level):
        here = at(schedule, level)
        return jax.jvp(lambda x: estimate(here, x, eps(x, level)), (x,), (jnp.ones_like(x),))

    return jax.lax.map(of, levels)


def beside(x, nodes):
    """Index of the node left of x [B] and how far x is to the next, in [0, 1].

    nodes [M], NumPy, evenly spaced: a difference of float32 neighbours would be off by 1e-4.
    """
    low, last = float(nodes[0]), len(nodes) - 1
    place = jnp.clip((x - low) * (last / (float(nodes[-1]) - low)), 0, last)
    left = jnp.minimum(place.astype(int), last - 1)
    return left, place - left


def between(eps, nodes):
    """eps(x, level) evaluated on nodes [M] and linear between them."""

    def interpolated(x, level):
        at_nodes, (left, share) = eps(nodes, level), beside(x, nodes)
        return (1 - share) * at_nodes[left] + share * at_nodes[left + 1]

    return interpolated


class Samples(NamedTuple):
    x: jax.Array  # [n]
    variance: jax.Array  # [n], of the predicted x_0 over the levels of the window
    trace: jax.Array  # [T, shown], predicted x_0 of the first samples, level 0 first


def sample(key, eps, schedule: Schedule, *, count: int, window, shown: int) -> Samples:
    """The reverse chain from N(0, 1).  window: its lowest level and the one above its highest."""

    def step(state, level):
        x, seen, middle, square = state
        here, noise = at(schedule, level), eps(x, level)
        guess = estimate(here, x, noise)
        inside = (window[0] <= level) & (level < window[1])
        seen = seen + inside
        off = jnp.where(inside, guess - middle, 0.0)  # Welford: squares would cancel
        middle = middle + off / jnp.maximum(seen, 1)
        square = square + off * (guess - middle)
        z = keys.normal(jax.random.fold_in(key, level), (count,), jnp.float32)
        x = mean(here, x, noise) + jnp.where(level > 0, jnp.sqrt(here.beta), 0.0) * z
        return (x, seen, middle, square), guess[:shown]

    top = len(schedule.beta)
    x = keys.normal(jax.random.fold_in(key, top), (count,), jnp.float32)
    state = x, jnp.int32(0), jnp.zeros_like(x), jnp.zeros_like(x)
    (x, seen, _, square), trace = jax.lax.scan(step, state, jnp.arange(top), reverse=True)
    return Samples(x, square / jnp.maximum(seen, 1), trace)
