"""Predictor-corrector sampling (Song et al. 2021, algorithms 2-5): one lax.scan from end to eps.

An update is a plain function (key, sde, score, x, step) -> (x, x_mean), x_mean without the noise
just added. Predictors and correctors have the same signature; options go in by functools.partial.
With s = score(x, step.tau), z standard normal, dt = end/n and (a_i, G_i) the forward chain:

    euler_maruyama     x_mean = x - (f - g^2 s) dt       x = x_mean + g sqrt(dt) z
    reverse_diffusion  x_mean = (2 - a_i) x + G_i^2 s    x = x_mean + G_i z
    ancestral          x_mean = (x + G_i^2 s) / a_i      x = x_mean + backward_i z
    flow_step          x_mean = (2 - a_i) x + G_i^2 s/2  x = x_mean
    langevin           x_mean = x + e s                  x = x_mean + sqrt(2 e) z

Shapes: B batch; x [B, ...]; N steps; score(x, tau) -> [B, ...].
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common import keys, shapes
from common.reals import at_least, is_known, reals, unit
from common.sde.processes import SDE, Array, Score, matching, reverse


class Step(NamedTuple):
    """Where the sampler stands: chain index i = n-1 .. 0 of n, time t, and tau = embed(t)."""

    i: Array  # a float
    n: Any
    t: Array
    tau: Any


Update = Callable[[Array, SDE, Score, Array, Step], tuple[Array, Array]]


def _noise(key, x):
    """Standard normals like x, of 32 bits or more."""
    dtype = jnp.promote_types(jnp.asarray(reals("x", x, finite=False)).dtype, jnp.float32)
    return keys.normal(key, x.shape, dtype)


def euler_maruyama(key: Array, sde: SDE, score: Score, x: Array, step: Step):
    """Weak order 1. For VE it explodes when n is below about 2 ln(sigma_max/sigma_min)."""
    x_mean = x - reverse(sde, score)(x, step.t, step.tau) / (step.n / sde.end)
    return x_mean + sde.diffusion(step.t) * (step.n / sde.end) ** -0.5 * _noise(key, x), x_mean


def reverse_diffusion(key: Array, sde: SDE, score: Score, x: Array, step: Step):
    """The reverse SDE discretised as its forward chain is (appendix E)."""
    decay, gain, _ = sde.chain(step.i, step.n)
    x_mean = (2.0 - decay) * x + gain**2 * score(x, step.tau)
    return x_mean + gain * _noise(key, x), x_mean


def ancestral(key: Array, sde: SDE, score: Score, x: Array, step: Step):
    """DDPM's sampler for VP (eq. 4), its analogue for VE (appendix F).

    The paper gives none for sub-VP; here it is the same formula, consistent to first order.
    """
    decay, gain, backward = sde.chain(step.i, step.n)
    x_mean = (x + gain**2 * score(x, step.tau)) / decay
    return x_mean + backward * _noise(key, x), x_mean


def flow_step(key: Array, sde: SDE, score: Score, x: Array, step: Step):
    """The probability flow discretised like the chain: order 1, no noise; `key` is not used."""
    decay, gain, _ = sde.chain(step.i, step.n)
    x = (2.0 - decay) * x + 0.5 * gain**2 * score(x, step.tau)
    return x, x


def langevin(
    key: Array,
    sde: SDE,
    score: Score,
    x: Array,
    step: Step,
    *,
    snr: float = 0.16,
    axis_name: str | None = None,
):
    """Annealed Langevin corrector (algorithms 4, 5): e = 2 a_i^2 (snr mean|z| / mean|s|)^2.

    The means over the batch couple its samples: where the batch is split by shard_map, give
    `axis_name`. a_i^2 is 1 - beta_i for VP and 1 for VE.
    """

    def batch_norm(v):
        v = v.astype(jnp.promote_types(v.dtype, jnp.float32))  # sums of 16 bits overflow
        mean = jnp.mean(jnp.linalg.norm(v.reshape(v.shape[0], math.prod(v.shape[1:])), axis=-1))
        return mean if axis_name is None else jax.lax.pmean(mean, axis_name)

    s, z = score(x, step.tau), _noise(key, x)
    u = unit(s).reshape(())  # squares of s / u exist
    u = u if axis_name is None else jax.lax.pmax(u, axis_name)
    s = s / u
    size = 2.0 * (sde.chain(step.i, step.n).decay * snr * batch_norm(z) / batch_norm(s)) ** 2
    x_mean = x + size * s / u
    return x_mean + jnp.sqrt(2.0 * size) / u * z, x_mean


def sample(
    key: Array,
    sde: SDE,
    score: Score,
    x1: Array,
    *,
    steps: Any,
    predictor: Update | None = reverse_diffusion,
    corrector: Update | None = None,
    corrector_steps: int = 1,
    embed: Callable | None = None,
    trajectory: bool = False,
):
    """Samples at t = sde.eps from x1 ~ prior [B, ...]; returns the last update's mean (appendix G).

    At each of the `steps` times the corrector runs before the predictor, so the score is called
    steps (1 + corrector_steps) times. `embed(t)` is what the score takes in place of t, computed
    for all steps before the loop. With `trajectory`, also the state after every step [N, B, ...].
    No steps leave x1 as it is, at t = 1.
    State, times and coefficients are of 32 bits or more, whatever x1 is.
    `steps` may be traced, so that one program serves all numbers of them: samples are then the same
    to rounding, a VP chain of too few is NaN, and there is no trajectory.
    """
    if is_known(steps):
        at_least(0, steps=steps)
    elif trajectory:
        raise ValueError("steps must be a number for a trajectory")
    at_least(1, corrector_steps=corrector_steps)
    if predictor is None and corrector is None:
        raise ValueError("sample needs a predictor, a corrector or both")
    shapes.check("x1", x1, "B ...")
    x1 = jnp.asarray(reals("x1", x1))
    if is_known(steps) and steps == 0:
        return (x1, x1[None][:0]) if trajectory else x1
    score = matching(score)
    updates = [] if corrector is None else [corrector] * corrector_steps
    updates += [] if predictor is None else [predictor]

    def body(carry, node):
        x, x_mean = carry
        i, t, tau = node
        each = jax.random.split(jax.random.fold_in(key, i), len(updates))
        for update, k in zip(updates, each, strict=True):
            step = Step(i.astype(x1.dtype), steps, t, tau)
            x, x_mean = (a.astype(x1.dtype) for a in update(k, sde, score, x, step))
        return (x, x_mean), (x if trajectory else None)

    def told(k, carry):
        t = (sde.end + (sde.eps - sde.end) * k / jnp.maximum(steps - 1, 1)).astype(x1.dtype)
        return body(carry, (steps - 1 - k, t, t if embed is None else embed(t)))[0]

    if not is_known(steps):
        return jax.lax.fori_loop(0, steps, told, (x1, x1))[1]
    times = jnp.linspace(sde.end, sde.eps, steps, dtype=x1.dtype)
    taus = times if embed is None else jax.vmap(embed)(times)
    nodes = (jnp.arange(steps)[::-1], times, taus)
    (_, x_mean), path = jax.lax.scan(body, (x1, x1), nodes)
    return (x_mean, path) if trajectory else x_mean
