"""A Gaussian path x_t = alpha x_0 + sigma z at one time, and what a network may predict there.

Score, noise, denoiser and velocity are one function in four dresses: with D = E[x_0 | x_t],

    noise     e = (x - alpha D) / sigma            (epsilon of Ho et al. 2020)
    score     s = -e / sigma                       (Tweedie: D = (x + sigma^2 s) / alpha)
    velocity  v = alpha' D + sigma' e = dx/dt      (of the probability flow)

The v of Salimans & Ho 2022, alpha e - sigma D, is the velocity of the path by its angle:
At(alpha, sigma, -sigma, alpha).  Shapes: B batch; x and predictions [B, ...]; numbers [] or [B].
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from common.ode import expand
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


def _numbers(here: At, x: Array) -> At:
    return At(*(expand(number, x) for number in here))


def noise(denoised: Array, x: Array, here: At) -> Array:
    """E[z | x_t] of the denoiser's value."""
    here = _numbers(here, x)
    return (x - here.alpha * denoised) / here.sigma


def score(denoised: Array, x: Array, here: At) -> Array:
    """Gradient of log p_t of the denoiser's value."""
    return -noise(denoised, x, here) / expand(here.sigma, x)


def velocity(denoised: Array, x: Array, here: At) -> Array:
    """dx/dt of the probability flow of the denoiser's value."""
    z, here = noise(denoised, x, here), _numbers(here, x)
    return here.alpha_rate * denoised + here.sigma_rate * z


def from_noise(value: Array, x: Array, here: At) -> Array:
    """The denoiser's value of E[z | x_t]."""
    here = _numbers(here, x)
    return (x - here.sigma * value) / here.alpha


def from_score(value: Array, x: Array, here: At) -> Array:
    """The denoiser's value of the gradient of log p_t."""
    here = _numbers(here, x)
    return (x + here.sigma**2 * value) / here.alpha


def from_velocity(value: Array, x: Array, here: At) -> Array:
    """The denoiser's value of dx/dt."""
    here = _numbers(here, x)
    turn = here.alpha * here.sigma_rate - here.alpha_rate * here.sigma
    return (here.sigma_rate * x - here.sigma * value) / turn


def denoiser(sde: SDE, value: Callable[..., Array], of: Callable = from_score) -> Denoiser:
    """D(x, t) of a network that predicts what `of` (from_score, from_noise …) turns into it."""
    return lambda x, t: of(matching(value)(x, t), x, at(sde, t))


def score_of(sde: SDE, denoise: Denoiser) -> Score:
    """The score s(x, t) of a denoiser D(x, t)."""
    return lambda x, t: score(matching(denoise)(x, t), x, at(sde, t))
