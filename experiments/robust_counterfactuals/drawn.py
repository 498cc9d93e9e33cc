"""Models drawn around m whose constants are known, and how often the theorem's bound is broken.

    M = m + g,  g(x) = sum_j a_j cos(w_j.x + b_j),  a ~ N(0, s^2)

    m(x) = 1 / (1 + e^(-4 gamma_m u.x))

W = frequency times an orthogonal matrix, so that |grad g| <= frequency |a|, reached where all sines
are 1; u of unit length. Z = (1/k) sum m(X_i) - M(X_i) = -(1/k) sum g(X_i) has
E[Z|M] = -sum_j a_j e^(-sigma^2 |w_j|^2 / 2) cos(w_j.x + b_j).

Shapes: D draws, d dimensions, K counts, T tails.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from common import keys


class Family(NamedTuple):
    slope: float  # gamma_m
    frequency: float
    amplitude: float  # s
    sigma: float


def model(x: Array, u: Array, slope: float) -> Array:
    """m, of Lipschitz constant `slope`.  x [..., d], u [d] of unit length -> [...]"""
    return jax.nn.sigmoid(4 * slope * (x @ u))


def wave(x: Array, a: Array, w: Array, b: Array) -> Array:
    """g.  x [..., d], a, b [d], w [d, d] -> [...]"""
    return jnp.cos(x @ w.T + b) @ a


def mean_error(x: Array, a: Array, w: Array, b: Array, sigma: float) -> Array:
    """E[Z|M].  x [d] -> []"""
    return -jnp.cos(w @ x + b) @ (a * jnp.exp(-(sigma**2) * (w**2).sum(-1) / 2))


def violations(key: Array, family: Family, draws: int, dim: int, counts, tails, repeated: bool):
    """Shares of the draws, each with its own M, point and noise.

    -> theorem, forgetful, mean [K, T]: M(x) < R - eps - max(E[Z|M], 0); M(x) < R - eps;
    Z > E[Z|M] + eps. eps is t sigma (gamma_m + gamma_M) / k^(1/2) in the first two and
    t sigma gamma_g / k^(1/2) in the last, so that the bound is exp(-t^2/2) for all.
    """
    fixed = keys.normal(jax.random.fold_in(key, draws), (dim + 2, dim))
    w = family.frequency * jnp.linalg.qr(fixed[:dim])[0]
    b, u = 2 * jnp.pi * fixed[-2], fixed[-1] / jnp.linalg.norm(fixed[-1])
    k, i = jnp.array(counts)[:, None], jnp.arange(max(counts))
    average = jnp.where(i < k, 1 / k, 0) if not repeated else jnp.where(i < 1, k / k, 0)
    length = family.sigma * jnp.array(tails) / jnp.sqrt(k)  # [K, T]

    def one(number):
        normal = keys.normal(jax.random.fold_in(key, number), (2 + len(i), dim))
        a, x, z = family.amplitude * normal[0], 0.5 + normal[1] / 6, family.sigma * normal[2:]
        gamma_g = family.frequency * jnp.linalg.norm(a)
        gamma_M = family.slope + gamma_g
        each = model(x + z, u, family.slope) - gamma_M * jnp.linalg.norm(z, axis=-1)
        lower = (average @ each)[:, None] - length * (family.slope + gamma_M)
        seen = -(average @ wave(x + z, a, w, b))[:, None]
        expected = mean_error(x, a, w, b, family.sigma)
        new = model(x, u, family.slope) + wave(x, a, w, b)
        broken = new < lower - jnp.maximum(expected, 0), new < lower
        return jnp.stack([*broken, seen > expected + length * gamma_g])

    found = jax.lax.map(one, jnp.arange(draws), batch_size=100)
    return dict(zip(("theorem", "forgetful", "mean"), found.mean(0, dtype=float), strict=True))
