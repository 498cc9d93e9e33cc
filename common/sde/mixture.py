"""Mixture of isotropic Gaussians: exact samples, log density and score, also noised by an SDE.

x_t = scale x_0 + std z turns N(m_k, s_k^2) into N(scale m_k, scale^2 s_k^2 + std^2).

Shapes: B batch, D dimensions, K components; x [B, D]; scale and noise [] or [B].
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import keys, shapes
from common.reals import at_least, held, reals
from common.sde import path
from common.sde.processes import SDE, Array, clock


class Mixture(NamedTuple):
    weights: Array  # [K], sum one
    means: Array  # [K, D]
    stds: Array  # [K]


def ring(modes: int = 8, radius: float = 1.0, std: float = 0.1, dtype=jnp.float32) -> Mixture:
    """`modes` equal components on a circle of the plane."""
    at_least(1, modes=modes)
    reals("radius", radius), reals("std", std)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"dtype must be a real floating type, not {jnp.dtype(dtype)}")
    angle = 2 * np.pi * np.arange(modes) / modes
    means = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Mixture(
        jnp.full((modes,), 1 / modes, dtype), jnp.asarray(means, dtype), jnp.full(modes, std, dtype)
    )


def sample(key: Array, mixture: Mixture, n: int) -> Array:
    """n exact draws -> [n, D]"""
    at_least(0, n=n)
    mixture = _checked(mixture)
    which, noise = jax.random.split(key)
    k = jax.random.choice(which, mixture.weights.shape[0], (n,), p=mixture.weights)
    z = keys.normal(noise, (n, mixture.means.shape[1]), mixture.means.dtype)
    return mixture.means[k] + mixture.stds[k, None] * z


def _checked(mixture: Mixture) -> Mixture:
    """As arrays of one real type.  Errors: ValueError, also where there are no components."""
    sizes = shapes.check("weights", mixture.weights, "K")
    sizes = shapes.check("means", mixture.means, "K D", sizes)
    if not shapes.check("stds", mixture.stds, "K", sizes)["K"]:
        raise ValueError("weights has no components")
    if not sizes["D"]:
        raise ValueError("means has no dimensions")
    arrays = [reals(name, a) for name, a in zip(Mixture._fields, mixture, strict=True)]
    dtype = jnp.result_type(*arrays)
    return Mixture(*(jnp.asarray(a, dtype) for a in arrays))


def _evaluate(mixture, x, scale, noise):
    """Log density [B] and score [B, D] in one pass over the components with a running maximum.

    Offsets are formed before squaring, so float32 is safe far from the origin, and nothing of size
    B K is kept. On a CPU twice as fast as array axes of lengths K and D, which do not vectorise.
    """
    mixture = _checked(mixture)
    shapes.check("x", x, "B D", {"D": mixture.means.shape[1]})
    x, scale, noise = (
        jnp.asarray(reals(name, a)) if hasattr(a, "dtype") or name == "x" else float(reals(name, a))
        for name, a in (("x", x), ("scale", scale), ("noise", noise))
    )
    dtype = jnp.result_type(x, scale, noise, mixture.means)
    x, scale, noise = (jnp.asarray(a, dtype) for a in (x, scale, noise))
    mixture = jax.tree.map(lambda a: a.astype(dtype), mixture)
    scale, noise = jnp.reshape(scale, (-1,)), jnp.reshape(noise, (-1,))
    u = _far_from_one(jnp.max(jnp.abs(scale) * jnp.max(jnp.abs(mixture.stds)) + jnp.abs(noise)))
    x, noise = x / u, noise / u
    mixture = mixture._replace(means=mixture.means / u, stds=mixture.stds / u)

    def add(carry, component):
        top, mass, pull = carry
        weight, mean, std = component
        variance = (scale * std) ** 2 + noise**2
        offset = scale[:, None] * mean - x
        log_norm = 0.5 * x.shape[1] * jnp.log(2 * np.pi * variance)
        log = jnp.log(weight) - 0.5 * jnp.sum(offset**2, axis=1) / variance - log_norm
        above = jnp.maximum(top, log)
        old, new = jnp.exp(top - above), jnp.exp(log - above)
        pull = old[:, None] * pull + (new / variance)[:, None] * offset
        return (above, old * mass + new, pull), None

    zero = jnp.zeros_like(x[:, 0])
    start = (zero + jnp.finfo(dtype).min, zero, jnp.zeros_like(x))
    (top, mass, pull), _ = jax.lax.scan(add, start, mixture)
    log, pull = top + jnp.log(mass) - x.shape[1] * jnp.log(u), pull / mass[:, None] / u
    held("x is too far from the mixture for its density", log, pull)
    return log, pull


def _far_from_one(std):
    """1, or a power of two near std where its square leaves the range of ordinary numbers."""
    exponent = jnp.frexp(jax.lax.stop_gradient(std))[1]
    return jnp.ldexp(jnp.ones_like(std), jnp.where(jnp.abs(exponent) < 40, 0, exponent - 1))


def log_density(mixture: Mixture, x: Array, scale=1.0, noise=0.0) -> Array:
    """Log density in nats of scale x_0 + noise z.  x [B, D] -> [B]"""
    return _evaluate(mixture, x, scale, noise)[0]


def score(mixture: Mixture, x: Array, scale=1.0, noise=0.0) -> Array:
    """Gradient in x of `log_density`: sum_k r_k (scale m_k - x) / v_k.  x [B, D] -> [B, D]"""
    return _evaluate(mixture, x, scale, noise)[1]


def exact_score(mixture: Mixture, sde: SDE):
    """score(x [B, D], t) of the mixture noised by the SDE up to t."""
    return lambda x, t: score(mixture, x, *sde.marginal(t))


def denoiser(mixture: Mixture, x: Array, scale=1.0, noise=0.0) -> Array:
    """E[x_0 | scale x_0 + noise z = x], by Tweedie's formula.  x [B, D] -> [B, D]

    A difference over scale: digits are lost as scale tends to 0 (`posterior` keeps them).
    """
    pull = score(mixture, x, scale, noise)
    return path.from_score(pull, x, path.At(*map(jnp.asarray, (scale, noise, 0.0, 0.0))))


class Posterior(NamedTuple):
    """The law of x_0 given x_t: again a mixture, one for each x."""

    weights: Array  # [B, K]
    means: Array  # [B, K, D]
    stds: Array  # [K]


def posterior(mixture: Mixture, x: Array, scale: Array, noise: Array) -> Posterior:
    """The law of x_0 given scale x_0 + noise z = x [B, D]; scale and noise [].

    Errors: ValueError for shapes and, outside of jit, an x too far out or a law of no width.
    """
    mixture = _checked(mixture)
    shapes.check("x", x, "B D", {"D": mixture.means.shape[1]})
    shapes.check("scale", scale, ""), shapes.check("noise", noise, "")
    x, _, _ = jnp.asarray(reals("x", x)), reals("scale", scale), reals("noise", noise)
    scale, noise = clock(scale), clock(noise)
    u = _far_from_one(jnp.max(jnp.abs(scale) * jnp.max(jnp.abs(mixture.stds)) + jnp.abs(noise)))
    x, noise, mixture = x / u, noise / u, Mixture(mixture[0], mixture[1] / u, mixture[2] / u)
    variance = (scale * mixture.stds) ** 2 + noise**2
    offset = x[:, None] - scale * mixture.means
    d = x.shape[1]
    log = jnp.log(mixture.weights) - 0.5 * jnp.sum(offset**2, axis=2) / variance
    weights = jax.nn.softmax(log - 0.5 * d * jnp.log(variance), axis=1)
    gain = scale * mixture.stds**2 / variance
    means = mixture.means + gain[:, None] * offset
    held("x is too far from the mixture for its posterior", weights, means)
    return Posterior(weights, means * u, mixture.stds * noise / jnp.sqrt(variance) * u)
