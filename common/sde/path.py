"""A Gaussian path x_t = alpha x_0 + sigma z at one time, and what a network may predict there.

Score, noise, denoiser and velocity are one function in four dresses: with D = E[x_0 | x_t],

    noise     e = (x - alpha D) / sigma            (epsilon of Ho et al. 2020)
    score     s = -e / sigma                       (Tweedie: D = (x + sigma^2 s) / alpha)
    velocity  v = alpha' D + sigma' e = dx/dt      (of the probability flow)

The v of Salimans & Ho 2022, alpha e - sigma D, is the velocity of the path by its angle:
At(alpha, sigma, -sigma, alpha).

Shapes: B batch; x and predictions [B, ...], alike; numbers [] or [B].
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from common import shapes
from common.ode import expand
from common.reals import reals
from common.sde.processes import SDE, Array, Score, clock, matching

Denoiser = Callable[..., Array]  # D(x, t), or D(x, t, embed(t))


class At(NamedTuple):
    """alpha and sigma of a path at one time, and their derivatives in time."""

    alpha: Array
    sigma: Array
    alpha_rate: Array
    sigma_rate: Array


def at(sde: SDE, t) -> At:
    """Where the path of the SDE is at t [] or [B]."""
    t = jnp.asarray(clock(t))
    return At(*sum(jax.jvp(sde.marginal, (t,), (jnp.ones_like(t),)), ()))


def _known(name: str, value, x, here: At) -> tuple[Array, Array, At]:
    """A prediction and x as real arrays of one shape, the numbers of the path as x has axes."""
    value, x = (jnp.asarray(reals(n, a, finite=False)) for n, a in ((name, value), ("x", x)))
    shapes.like(name, value, "x", x)
    return value, x, At(*(_number(n, a, x) for n, a in here._asdict().items()))


def _number(name: str, number, x: Array) -> Array:
    """Of 32 bits or more; a Python number takes the type of others."""
    checked = reals(name, number, finite=False)
    return expand(number if type(number) in (int, float) else checked, x)


def noise(denoised: Array, x: Array, here: At) -> Array:
    """E[z | x_t] of the denoiser's value."""
    denoised, x, here = _known("denoised", denoised, x, here)
    return (x - here.alpha * denoised) / here.sigma


def score(denoised: Array, x: Array, here: At) -> Array:
    """Gradient of log p_t of the denoiser's value."""
    z = noise(denoised, x, here)
    return -z / _number("sigma", here.sigma, z)


def velocity(denoised: Array, x: Array, here: At) -> Array:
    """dx/dt of the probability flow of the denoiser's value."""
    z = noise(denoised, x, here)
    denoised, x, here = _known("denoised", denoised, x, here)
    return here.alpha_rate * denoised + here.sigma_rate * z


def from_noise(value: Array, x: Array, here: At) -> Array:
    """The denoiser's value of E[z | x_t]."""
    value, x, here = _known("value", value, x, here)
    return (x - here.sigma * value) / here.alpha


def from_score(value: Array, x: Array, here: At) -> Array:
    """The denoiser's value of the gradient of log p_t."""
    value, x, here = _known("value", value, x, here)
    return (x + here.sigma * (here.sigma * value)) / here.alpha


def from_velocity(value: Array, x: Array, here: At) -> Array:
    """The denoiser's value of dx/dt."""
    value, x, here = _known("value", value, x, here)
    turn = here.alpha * here.sigma_rate - here.alpha_rate * here.sigma
    return here.sigma_rate / turn * x - here.sigma / turn * value


def denoiser(sde: SDE, value: Callable[..., Array], of: Callable = from_score) -> Denoiser:
    """D(x, t) of a network that predicts what `of` (from_score, from_noise …) turns into it."""
    return lambda x, t: of(matching(value)(x, t), x, at(sde, t))


def score_of(sde: SDE, denoise: Denoiser) -> Score:
    """The score s(x, t) of a denoiser D(x, t)."""
    return lambda x, t: score(matching(denoise)(x, t), x, at(sde, t))
