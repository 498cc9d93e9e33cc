"""A denoiser whose network sees and gives numbers of unit size at every noise, on any path.

D = skip x + out F(into x, level), with s^2 the second moment of a pixel and x = alpha x_0 + sigma z

    skip = alpha s^2 / v    out = sigma s / sqrt(v)    into = 1 / sqrt(v)

where v = alpha^2 s^2 + sigma^2; Karras et al. 2022, section 5, have alpha = 1. With F = 0, D is
exact for x_0 ~ N(0, s^2).

Shapes: B batch; x [B, ...]; t [] or [B].
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from common.nn.layers import Array
from common.ode import expand
from common.reals import reals
from common.sde import path
from common.sde.path import At, Denoiser
from common.sde.processes import SDE, matching, within


class Scales(NamedTuple):
    """Numbers that broadcast against x."""

    skip: Array
    out: Array
    into: Array


def scales(here: At, square, x: Array) -> Scales:
    """At one place of a path; square: s^2, a number.  At of [] or [B], x [B, ...]"""
    alpha, sigma = expand(here.alpha, x), expand(here.sigma, x)
    size = alpha**2 * square + sigma**2
    return Scales(alpha * square / size, sigma * jnp.sqrt(square / size), size**-0.5)


def denoiser(sde: SDE, net: Callable, data_std: float = 0.5) -> Denoiser:
    """D(x, t) of net(x, level), like x; level [] or [B] is log(sigma / alpha) / 4."""
    within(1e-15, 1e15, data_std=data_std)
    net = matching(net)

    def denoise(x, t):
        x = jnp.asarray(reals("x", x, finite=False))
        here = path.at(sde, t)
        skip, out, into = scales(here, data_std**2, x)
        return skip * x + out * net(into * x, jnp.log(here.sigma / here.alpha) / 4)

    return denoise
