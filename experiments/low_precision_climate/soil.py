"""A column of soil that conducts heat, by explicit Euler, every operation rounded.

T' = kappa T_zz under a surface of 280 K that swings by 10 K a year, insulated below:
T_i += c ((T_{i-1} - 2 T_i) + T_{i+1}), c = kappa dt / dz^2.

Shapes: L levels, C columns, R records, D depths.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from common import loops

from . import arithmetic, year
from .arithmetic import Way

Array = jax.Array


def step(c, top, how: Way, words: Callable, T, counter):
    """One step.  c, top [C], T, counter [L, C]"""
    r = arithmetic.rounder(how, counter, words)
    above = jnp.concatenate([top[None], T[:-1]])
    below = jnp.concatenate([T[1:], T[-1:]])
    curvature = r(r(above - 2 * T) + below)
    return r(T + r(c * curvature)), arithmetic.later(counter)


def column(start, counter, zero, how: Way, strides, *, depths, dt: float, words: Callable):
    """Temperatures at levels `depths` after each of R strides of steps.

    start [C] of all levels, K; zero [C]: what the column calls 0, K; counter uint32 [L, C]
    -> [R, D, C] K
    """
    c = arithmetic.nearest(jnp.asarray(year.courant(dt), start.dtype), how)
    forcing = jnp.asarray(year.surface(dt))
    T = jnp.broadcast_to(arithmetic.nearest(start - zero, how), counter.shape)

    def advance(state):
        T, counter, n = state
        exact = (forcing[n] - zero).astype(start.dtype)
        T, counter = step(c, arithmetic.nearest(exact, how), how, words, T, counter)
        return T, counter, (n + 1) % len(forcing)

    def look(state):
        return state[0][np.array(depths)] + zero

    return loops.trajectory(advance, look, (T, counter, 0), strides)[1]
