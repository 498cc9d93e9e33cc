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
    sizes = {"into": (1, width), "time": (width, width), "out": (width, 1)}
    own, *parts = jax.random.split(key, 1 + len(sizes))
    held = jax.random.split(own, 1 if tied else LAYERS)
    params = {n: _linear(k, *s) for k, (n, s) in zip(parts, sizes.items(), strict=True)}
    del params["into"]["b"]
    return params | {"norm": _norm(width), "layers": jax.vmap(lambda k: _layer(k, width))(held)}


def features(level, width: int):
    """Cosines and sines of the raw level, wavelengths up to 2 pi 10^4.  [...] -> [..., W]"""
    rates = jnp.exp(-math.log(1e4) / (width // 2 - 1) * jnp.arange(width // 2))
    angle = jnp.asarray(level, jnp.float32)[..., None] * rates
    return jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=-1)


def apply(params, x, level):
    """The predicted noise.  x [B], level [] or [B] -> [B]"""
    width, layers = params["time"]["w"].shape[0], params["layers"]
    when = _leaky(_map(params["time"], features(level, width)))
    h = x[:, None] @ params["into"]["w"]
    held = layers["first"]["w"].shape[0]
    for i in range(LAYERS):
        h = _temporal(jax.tree.map(lambda p, i=i: p[i % held], layers), h, when)
    return _map(params["out"], _normalised(params["norm"], h))[:, 0]


def _temporal(p, h, when):
    """A residual layer that is told the level."""
    inner = _leaky(_normalised(p["norm1"], h)) @ p["first"]["w"] + _map(p["level"], when)
    return h + _leaky(_normalised(p["norm2"], inner)) @ p["second"]["w"]


def _layer(key, width: int):
    first, level, second = (_linear(k, width, width) for k in jax.random.split(key, 3))
    del first["b"], second["b"]
    norms = {"norm1": _norm(width), "norm2": _norm(width)}
    return norms | {"first": first, "level": level, "second": second}


def _linear(key, inputs: int, outputs: int):
    reach = math.sqrt(6 / (inputs + outputs))
    drawn = jax.random.uniform(key, (inputs * outputs,), minval=-reach, maxval=reach)
    return {"w": drawn.reshape(inputs, outputs), "b": jnp.zeros(outputs)}


def _norm(width: int):
    return {"scale": jnp.ones(width), "shift": jnp.zeros(width)}


def _map(p, x):
    return x @ p["w"] + p["b"]


def _leaky(x):
    return jnp.maximum(x, SLOPE * x)


def _normalised(p, x):
    """LayerNorm of PyTorch."""
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * p["scale"] + p["shift"]
