"""Lorenz 1963 by Runge-Kutta of order four, every operation rounded.

x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z.  One member: numbers are [], its
neighbours come by vmap.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from common import loops

from . import arithmetic
from .arithmetic import Way

Array = jax.Array
SIGMA, RHO, BETA = 10.0, 28.0, 8 / 3
CENTRE, SPREAD = (0.0, 0.0, 25.0), 3.0  # of initial conditions, far from the fixed points


class Constants(NamedTuple):
    """Of the model and the method, to nearest: the model itself changes with the bits."""

    sigma: Array
    rho: Array
    beta: Array
    dt: Array
    half: Array  # dt / 2
    sixth: Array  # dt / 6


def constants(how: Way, dt: float, dtype) -> Constants:
    exact = (SIGMA, RHO, BETA, dt, dt / 2, dt / 6)
    return Constants(*(arithmetic.nearest(jnp.asarray(c, dtype), how) for c in exact))


def field(c: Constants, r: Callable, place) -> tuple[Array, Array, Array]:
    """(x', y', z') at a place (x, y, z), r after every operation."""
    x, y, z = place
    return (
        r(c.sigma * r(y - x)),
        r(r(x * r(c.rho - z)) - y),
        r(r(x * y) - r(c.beta * z)),
    )


def step(c: Constants, how: Way, words: Callable, state):
    """One step of (place, counter): the four stages are turns of a loop, compiled once."""
    start, counter = state

    def stage(j, carry):
        slope, total, counter = carry
        r = arithmetic.rounder(how, counter, words)
        node = jnp.where(j == 3, c.dt, c.half)  # of the first no matter: its slope is 0
        weight = jnp.where((j == 1) | (j == 2), 2, 1).astype(c.dt.dtype)  # exact products
        slope = field(c, r, [r(a + r(node * k)) for a, k in zip(start, slope, strict=True)])
        total = tuple(r(t + weight * k) for t, k in zip(total, slope, strict=True))
        return slope, total, arithmetic.later(counter)

    still = (jnp.zeros_like(c.dt),) * 3
    _, total, counter = jax.lax.fori_loop(0, 4, stage, (still, still, counter))
    r = arithmetic.rounder(how, counter, words)
    end = tuple(r(a + r(c.sixth * t)) for a, t in zip(start, total, strict=True))
    return end, arithmetic.later(counter)


def climate(start, counter, how: Way, strides, *, dt: float, words: Callable) -> Array:
    """Places after each of R strides of steps.  start [3], counter uint32 [] -> [R, 3]"""
    c = constants(how, dt, start.dtype)
    state = tuple(arithmetic.nearest(start[i], how) for i in range(3)), counter
    _, seen = loops.trajectory(
        lambda s: step(c, how, words, s), lambda s: jnp.stack(s[0]), state, strides
    )
    return seen
