"""Losses that fit a network to a path x_t = alpha x_0 + sigma z, one number a sample.

Noise, score, velocity and denoiser are one regression in four weights: with the network seen as a
denoiser D, the squared error of what it predicts is a weight times |D - x_0|^2:

    noise     alpha^2 / sigma^2
    score     alpha^2 / sigma^4
    velocity  (alpha' - alpha sigma' / sigma)^2
    edm       (sigma^2 + d^2) / (sigma d)^2, d the standard deviation of the data

Vincent 2011; Hyvarinen 2005; Karras et al. 2022; Lipman et al. 2023.

Shapes: B batch; x [B, ...]; t [B].
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from common import shapes
from common.ode import expand
from common.reals import at_least, held, reals
from common.sde import calculus, path
from common.sde.path import At, Denoiser
from common.sde.processes import SDE, Array, clock, perturb, within

Weight = Callable[[At], Array]


def noise(at: At) -> Array:
    """|e - z|^2 of a noise prediction e: DDPM's simple loss."""
    return (at.alpha / at.sigma) ** 2


def score(at: At) -> Array:
    """|s + z / sigma|^2 of a score s."""
    return (at.alpha / at.sigma**2) ** 2


def velocity(at: At) -> Array:
    """|v - (alpha' x_0 + sigma' z)|^2 of a velocity v: flow matching."""
    return (at.alpha_rate - at.alpha * at.sigma_rate / at.sigma) ** 2


def edm(data_std: float = 0.5) -> Weight:
    """Unit loss at every level at the start of training, for a preconditioned network."""
    within(1e-15, 1e15, data_std=data_std)
    data_std = clock(data_std)
    return lambda at: (at.sigma**2 + data_std**2) / (at.sigma * data_std) ** 2


def denoising(
    key: Array, sde: SDE, denoise: Denoiser, x0: Array, t: Array, weight: Weight
) -> Array:
    """weight(t) |D(x_t, t) - x_0|^2, summed over the numbers of a sample.  x0 [B, ...] -> [B]"""
    shapes.check("t", t, "B", shapes.check("x0", x0, "B ..."))
    x0 = jnp.asarray(reals("x0", x0))
    x, _, _ = perturb(key, sde, x0, t)
    d = denoise(x, t)
    shapes.like("denoise(x, t)", d, "x0", x0)
    found = weight(path.at(sde, t)) * _square(d - x0)
    held("x0 or t is beyond losses", found)
    return found


def flow(field: Callable[..., Array], x0: Array, x1: Array, t: Array) -> Array:
    """|v(x_t, t) - (x_1 - x_0)|^2 on straight lines x_t = (1 - t) x_0 + t x_1, coupled as given.

    Conditional flow matching (Lipman et al. 2023; Tong et al. 2024 for couplings).  -> [B]
    """
    shapes.like("x1", x1, "x0", x0)
    shapes.check("t", t, "B", shapes.check("x0", x0, "B ..."))
    x0, x1 = (jnp.asarray(reals(name, a)) for name, a in (("x0", x0), ("x1", x1)))
    t = jnp.asarray(clock(t))
    time = expand(t, x0)
    v = field((1 - time) * x0 + time * x1, t)
    shapes.like("field(x, t)", v, "x0", x0)
    found = _square(v - (x1 - x0))
    held("x0 or x1 is beyond losses", found)
    return found


def _square(x: Array) -> Array:
    """Sum of squares of every sample.  [B, ...] -> [B]"""
    return jnp.sum(x**2, axis=tuple(range(1, x.ndim)))


def implicit(
    score: Callable[[Array], Array], x: Array, key: Array | None = None, *, count: int = 1
) -> Array:
    """|s|^2 / 2 + div s: its mean over data is half the Fisher divergence up to a constant.

    x [B, ...] -> [B]. The divergence is exact without a key, else by `count` Rademacher probes
    (Song et al. 2020).
    """
    shapes.check("x", x, "B ...")
    x = jnp.asarray(reals("x", x))
    vectors = calculus.basis(x) if key is None else calculus.probes(key, x, count)
    s, quadratic = calculus.along(score, x, vectors)
    trace = quadratic.sum(axis=1) if key is None else quadratic.mean(axis=1)
    found = 0.5 * _square(s.astype(x.dtype)) + trace
    held("x is beyond losses", found)
    return found


def lognormal(key: Array, count: int, mean: float = -1.2, std: float = 1.2) -> Array:
    """Noise levels e^(mean + std z) to train at (Karras et al. 2022, table 1).  -> [count]"""
    at_least(0, count=count)
    reals("mean", mean), reals("std", std)
    return jnp.exp(clock(mean) + clock(std) * jax.random.normal(key, (count,)))
