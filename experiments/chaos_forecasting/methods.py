"""The methods in closed form, alike: draw once a seed, fit a ridge regression, roll it forward.

Shapes: S systems, B starts, L training samples, C context, H horizon, D channels.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax

from . import linear, reservoir
from .problems import CHANNELS, MODEL, key_of


class Method(NamedTuple):
    draw: Callable  # seed -> what all its systems share
    fit: Callable  # (drawn, u [L, D]) -> weights
    forecast: Callable  # (drawn, weights, context [C, D]) -> [H, D]


def regression(horizon: int, *, penalty: float, **shape: int) -> Method:
    """AR, and nVAR with an order above 1; nothing is drawn.  shape: lags, order"""

    def forecast(_, weights, context):
        return linear.forecast(weights, context, horizon, **shape)

    return Method(lambda _: (), lambda _, u: linear.fit(u, penalty=penalty, **shape), forecast)


def echo_state(horizon: int, *, units, radius, scale, leak, washout, penalty) -> Method:
    """A reservoir, the same for all systems of a seed."""

    def draw(seed):
        return reservoir.draw(key_of(seed, MODEL), units, CHANNELS, radius=radius, scale=scale)

    fit = partial(reservoir.fit, leak=leak, washout=washout, penalty=penalty)
    return Method(draw, fit, partial(reservoir.forecast, horizon=horizon, leak=leak))


def fit(method: Method, seed, u):
    """What a seed draws, and the weights of its systems.  u [S, L, D]"""
    drawn = method.draw(seed)
    return drawn, jax.vmap(partial(method.fit, drawn))(u)


def forecast(method: Method, drawn, weights, context):
    """context [S, B, C, D] -> [S, B, H, D]"""
    starts = jax.vmap(partial(method.forecast, drawn), in_axes=(None, 0))
    return jax.vmap(starts)(weights, context)
