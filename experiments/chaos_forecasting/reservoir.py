"""Echo-state network: r' = (1 - a) r + a tanh(W r + V u + b), ridge readout, closed loop.

The readout sees [1, u, r, r^2]: squares break the symmetry (r, u) -> (-r, -u) (Pathak 2017).
Shapes: R reservoir units, D channels, L samples, C context, H horizon.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from .linear import CLIP, ridge


class Reservoir(NamedTuple):
    inner: jax.Array  # W [R, R]
    outer: jax.Array  # V [R, D]
    bias: jax.Array  # [R]


def draw(key, units: int, channels: int, *, radius: float, scale: float, dtype=float) -> Reservoir:
    """W uniform, of spectral radius `radius` (circular law); V and b uniform within `scale`."""
    x = jax.random.uniform(key, (units, units + channels + 1), dtype, -1, 1)
    inner = x[:, :units] * radius * (3 / units) ** 0.5  # variance of an entry: radius^2 / units
    return Reservoir(inner, scale * x[:, units:-1], scale * x[:, -1])


def step(net: Reservoir, r, u, leak: float):
    """r [R], u [D] -> r'"""
    return (1 - leak) * r + leak * jnp.tanh(net.inner @ r + net.outer @ u + net.bias)


def drive(net: Reservoir, u, leak: float):
    """States after each input, from rest.  u [L, D] -> [L, R]"""

    def advance(r, u):
        r = step(net, r, u, leak)
        return r, r

    return jax.lax.scan(advance, jnp.zeros_like(net.bias), u)[1]


def readout(r, u):
    """[..., R], [..., D] -> [..., 1 + D + 2 R]"""
    return jnp.concatenate([jnp.ones_like(u[..., :1]), u, r, r**2], axis=-1)


def fit(net: Reservoir, u, *, leak: float, washout: int, penalty: float):
    """Readout of the increment u(t+1) - u(t).  u [L, D] -> [1 + D + 2 R, D]"""
    r = drive(net, u[:-1], leak)
    features = readout(r, u[:-1])[washout:]
    return ridge(features, (u[1:] - u[:-1])[washout:], penalty)


def forecast(net: Reservoir, weights, context, horizon: int, *, leak: float):
    """Warm up on context [C, D], then feed forecasts back.  -> [H, D]"""
    r = drive(net, context, leak)[-1]

    def advance(carry, _):
        r, u = carry
        following = jnp.clip(u + readout(r, u) @ weights, -CLIP, CLIP)
        return (step(net, r, following, leak), following), following

    return jax.lax.scan(advance, (r, context[-1]), length=horizon)[1]
