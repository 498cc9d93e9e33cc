"""The laptop's score network: an MLP conditioned on time, predicting the noise z.

Shapes: B batch, D pixels, W width, F time features; params a dict of arrays.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from . import training

FIRST = 1e-5  # the smallest time of training


def net(pixels, width, features) -> training.Net:
    """The network for images of so many pixels."""
    return training.Net(partial(init, pixels=pixels, width=width, features=features), embed, apply)


def time_features(t, features):
    """Sinusoids of log t, smooth where the noise is small.  t [...] -> [..., F]"""
    place = 1 - jnp.log(jnp.asarray(t)) / np.log(FIRST)  # 0 at FIRST, 1 at t = 1
    phase = place[..., None] * (0.5 * np.pi * np.arange(1, features // 2 + 1))
    return jnp.concatenate([jnp.sin(phase), jnp.cos(phase)], axis=-1).astype(jnp.float32)


def init(key, pixels, width, features):
    """Three dense layers; a time branch gives hidden shifts and scales and a diagonal skip."""
    hidden, film = 2 * features, 4 * width + 2 * pixels
    dense = {  # rows, columns, gain over 1 / sqrt(rows)
        "in": (pixels, width, 1.0),
        "mid": (width, width, 1.0),
        "out": (width, pixels, 0.1),
        "time": (features, hidden, np.sqrt(2)),
        "film": (hidden, film, 0.5),
    }
    ends = np.cumsum([n * m for n, m, _ in dense.values()])
    parts = jnp.split(jax.random.normal(key, (ends[-1],), jnp.float32), ends[:-1])
    params = {
        name: (gain * n**-0.5) * part.reshape(n, m)
        for (name, (n, m, gain)), part in zip(dense.items(), parts, strict=True)
    }
    biases = {"time_bias": jnp.zeros(hidden), "film_bias": jnp.zeros(film)}
    return jax.tree.map(lambda x: x.astype(jnp.float32), params | biases)


def embed(params, t):
    """All that depends on time alone, so that a sampler computes it once.  t [...] -> [..., M]"""
    features = time_features(t, len(params["time"]))
    h = jax.nn.silu(features @ params["time"] + params["time_bias"])
    return h @ params["film"] + params["film_bias"]


def apply(params, x, tau):
    """Predicted z.  x [B, ...], tau = embed(t) [M] or [B, M] -> as x

    The diagonal skip gain(t) x + bias(t) is what the score of independent Gaussian pixels needs.
    """
    flat = x.reshape(x.shape[0], -1)
    width, pixels = params["mid"].shape[0], flat.shape[1]
    cuts = np.cumsum([width, width, width, width, pixels])
    shift1, scale1, shift2, scale2, gain, bias = jnp.split(tau, cuts, axis=-1)
    h = jax.nn.silu((1 + scale1) * (flat @ params["in"]) + shift1)
    h = jax.nn.silu((1 + scale2) * (h @ params["mid"]) + shift2)
    return (h @ params["out"] + gain * flat + bias).reshape(x.shape)
