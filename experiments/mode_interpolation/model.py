"""The residual network of the authors' toy code: noise eps(x, level) of one number x.

Shapes: B batch, W width, L layers held (1 where they are tied).
"""

import math
from typing import Any

import jax
import jax.numpy as jnp

LAYERS = 3  # of the network, whatever is held
SLOPE = 0.02  # of LeakyReLU below 0


def init(key, *, width: int, tied: bool) -> dict[str, Any]:
    """Weights uniform, of variance 2 / (inputs + outputs); biases 0; normalisations 1 and 0."""
    held, square = 1 if tied else LAYERS, width * width
    drawn = jax.random.uniform(key, (2 * width + (1 + 3 * held) * square,), minval=-1.0)
    drawn = drawn * math.sqrt(6 / (2 * width))  # between hidden layers
    ends, time, layers = jnp.split(drawn, (2 * width, 2 * width + square))
    into, out = ends.reshape(2, width) * math.sqrt(2 * width / (1 + width))
    first, level, second = layers.reshape(3, held, width, width)
    norm = {"scale": jnp.ones(width), "shift": jnp.zeros(width)}
    norms = jax.tree.map(lambda p: jnp.stack([p] * held), {"norm1": norm, "norm2": norm})
    return {
        "into": into,
        "time": {"w": time.reshape(width, width), "b": jnp.zeros(width)},
        "layers": norms
        | {"first": first, "level": {"w": level, "b": jnp.zeros((held, width))}, "second": second},
        "norm": norm,
        "out": {"w": out[:, None], "b": jnp.zeros(1)},
    }


def features(level, width: int):
    """Cosines and sines of the raw level, wavelengths up to 2 pi 10^4.  [...] -> [..., W]"""
    rates = jnp.exp(-math.log(1e4) / (width // 2 - 1) * jnp.arange(width // 2))
    angle = jnp.asarray(level, jnp.float32)[..., None] * rates
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=-1)


def apply(params, x, level):
    """The predicted noise.  x [B], level [] or [B] -> [B]"""
    width, layers = params["time"]["w"].shape[0], params["layers"]
    when = _leaky(_map(params["time"], features(level, width)))
    h = x[:, None] * params["into"]
    held = len(layers["first"])
    for i in range(LAYERS):
        h = _temporal(jax.tree.map(lambda p, i=i: p[i % held], layers), h, when)
    return _map(params["out"], _normalised(params["norm"], h))[:, 0]


def _temporal(p, h, when):
    """A residual layer that is told the level."""
    inner = _leaky(_normalised(p["norm1"], h)) @ p["first"] + _map(p["level"], when)
    return h + _leaky(_normalised(p["norm2"], inner)) @ p["second"]


def _map(p, x):
    return x @ p["w"] + p["b"]


def _leaky(x):
    return jnp.maximum(x, SLOPE * x)


def _normalised(p, x):
    """LayerNorm of PyTorch."""
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * p["scale"] + p["shift"]
