"""Mixture of isotropic Gaussians: exact samples, log density and score, also noised by an SDE.

x_t = scale x_0 + std z turns N(m_k, s_k^2) into N(scale m_k, scale^2 s_k^2 + std^2).

Shapes: B batch, D dimensions, K components; x [B, D]; scale and noise [] or [B].
"""

from functools import reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common.sde.processes import SDE, Array

UNROLL = 32  # components x dimensions up to which `score` is written out


class Mixture(NamedTuple):
    weights: Array  # [K], sum one
    means: Array  # [K, D]
    stds: Array  # [K]


def ring(modes: int = 8, radius: float = 1.0, std: float = 0.1, dtype=jnp.float32) -> Mixture:
    """`modes` equal components on a circle of the plane."""
    angle = 2 * np.pi * np.arange(modes) / modes
    means = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Mixture(
        jnp.full((modes,), 1 / modes, dtype), jnp.asarray(means, dtype), jnp.full(modes, std, dtype)
    )


def sample(key: Array, mixture: Mixture, n: int) -> Array:
    """n exact draws -> [n, D]"""
    which, noise = jax.random.split(key)
    k = jax.random.choice(which, mixture.weights.shape[0], (n,), p=mixture.weights)
    z = jax.random.normal(noise, (n, mixture.means.shape[1]), mixture.means.dtype)
    return jnp.asarray(mixture.means)[k] + jnp.asarray(mixture.stds)[k, None] * z


def _components(mixture, x, scale, noise):
    """Log joint density [B, K], offsets scale m_k - x [B, K, D] and variances [B or 1, K]."""
    scale, noise = jnp.reshape(scale, (-1, 1)), jnp.reshape(noise, (-1, 1))
    variance = (scale * mixture.stds) ** 2 + noise**2
    offset = scale[..., None] * mixture.means - x[:, None, :]
    log_norm = 0.5 * x.shape[1] * jnp.log(2 * np.pi * variance)
    logs = jnp.log(mixture.weights) - 0.5 * jnp.sum(offset**2, axis=-1) / variance - log_norm
    return logs, offset, variance


def log_density(mixture: Mixture, x: Array, scale=1.0, noise=0.0) -> Array:
    """Log density in nats of scale x_0 + noise z.  x [B, D] -> [B]"""
    return jax.nn.logsumexp(_components(mixture, x, scale, noise)[0], axis=1)


def score(mixture: Mixture, x: Array, scale=1.0, noise=0.0) -> Array:
    """Gradient in x of `log_density`: sum_k r_k (scale m_k - x) / v_k.  x [B, D] -> [B, D]"""
    if mixture.means.size <= UNROLL:
        return _unrolled_score(mixture, x, scale, noise)
    logs, offset, variance = _components(mixture, x, scale, noise)
    return jnp.sum((jax.nn.softmax(logs, axis=1) / variance)[..., None] * offset, axis=1)


def _unrolled_score(mixture, x, scale, noise):
    """The same, written out over components and dimensions so that it compiles to one loop over B:
    7 times faster on a CPU for 8 components of the plane, where short axes do not vectorise."""
    scale, noise = jnp.reshape(scale, (-1,)), jnp.reshape(noise, (-1,))
    k, d = mixture.means.shape
    columns = [x[:, j] for j in range(d)]
    offset = [[scale * mixture.means[i, j] - columns[j] for j in range(d)] for i in range(k)]
    variance = [(scale * mixture.stds[i]) ** 2 + noise**2 for i in range(k)]
    logs = [
        jnp.log(mixture.weights[i])
        - 0.5 * sum(o**2 for o in offset[i]) / variance[i]
        - 0.5 * d * jnp.log(variance[i])
        for i in range(k)
    ]
    top = reduce(jnp.maximum, logs)
    mass = [jnp.exp(log - top) for log in logs]
    weight = [m / v for m, v in zip(mass, variance, strict=True)]
    total = sum(mass)
    parts = [sum(w * o[j] for w, o in zip(weight, offset, strict=True)) for j in range(d)]
    return jnp.stack([part / total for part in parts], axis=1)


def exact_score(mixture: Mixture, sde: SDE):
    """score(x [B, D], t) of the mixture noised by the SDE up to t."""
    return lambda x, t: score(mixture, x, *sde.marginal(t))
