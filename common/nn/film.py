"""A perceptron that time conditions by shifts and scales (FiLM, Perez et al. 2018), for noise.

Its diagonal skip gain(t) x + bias(t) is what the noise of independent Gaussian pixels is, exactly.

Shapes: B batch, D pixels, W width, F time features, M = 4 W + 2 D; params a dict of arrays.
"""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.nn.layers import Array, normals, sinusoids
from common.nn.net import Net
from common.reals import reals, refuted

FIRST = 1e-5  # the time at which the features begin


def net(pixels: int, width: int, features: int) -> Net:
    """The network for images of so many pixels; features: an even number."""
    return Net(partial(init, pixels=pixels, width=width, features=features), embed, apply)


def time_features(t: Array, features: int) -> Array:
    """Sinusoids of log t, smooth where the noise is small.  t [...] > 0 -> [..., F]"""
    t = jnp.asarray(reals("t", t))
    if refuted(lambda t: t > 0, t):
        raise ValueError("t must be positive")
    place = 1 - jnp.log(t) / np.log(FIRST)  # 0 at FIRST, 1 at t = 1
    rates = 0.5 * np.pi * np.arange(1, features // 2 + 1)
    return sinusoids(place, rates).astype(jnp.float32)


def init(key: Array, pixels: int, width: int, features: int) -> dict[str, Array]:
    """Three dense layers; a time branch gives hidden shifts and scales and the diagonal skip."""
    hidden, film = 2 * features, 4 * width + 2 * pixels
    dense = {  # rows, columns, gain over 1 / sqrt(rows)
        "in": (pixels, width, 1.0),
        "mid": (width, width, 1.0),
        "out": (width, pixels, 0.1),
        "time": (features, hidden, math.sqrt(2)),
        "film": (hidden, film, 0.5),
    }
    wanted = {name: ((n, m), gain * n**-0.5) for name, (n, m, gain) in dense.items()}
    biases = {"time_bias": hidden, "film_bias": film}
    zeros = {name: jnp.zeros(size, jnp.float32) for name, size in biases.items()}
    return normals(key, wanted, jnp.float32) | zeros


def embed(params: Any, t: Array) -> Array:
    """All that depends on time alone.  t [...] -> [..., M]"""
    features = time_features(t, len(params["time"]))
    h = jax.nn.silu(features @ params["time"] + params["time_bias"])
    return h @ params["film"] + params["film_bias"]


def apply(params: Any, x: Array, tau: Array) -> Array:
    """Predicted z.  x [B, ...] of D pixels, tau = embed(t) [M] or [B, M] -> as x"""
    width, pixels = params["in"].shape[1], params["in"].shape[0]
    x, tau = (jnp.asarray(reals(n, a, finite=False)) for n, a in (("x", x), ("tau", tau)))
    if math.prod(x.shape[1:]) != pixels:
        raise ValueError(f"x must have {pixels} pixels, not {list(x.shape[1:])}")
    told = {"B": x.shape[0], "M": 4 * width + 2 * pixels}
    shapes.check("tau", tau, "B M" if tau.ndim > 1 else "M", told)
    flat = x.reshape(x.shape[0], pixels)
    cuts = np.cumsum([width, width, width, width, pixels])
    shift1, scale1, shift2, scale2, gain, bias = jnp.split(tau, cuts, axis=-1)
    h = jax.nn.silu((1 + scale1) * (flat @ params["in"]) + shift1)
    h = jax.nn.silu((1 + scale2) * (h @ params["mid"]) + shift2)
    return (h @ params["out"] + gain * flat + bias).reshape(x.shape)
