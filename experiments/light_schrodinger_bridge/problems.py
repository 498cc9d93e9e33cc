"""Pairs of distributions: a mixture with known plan, a swiss roll, two Gaussians.

Shapes: n points, D dimensions, E values of eps. A problem is marginals(known, key, eps [E], n) ->
x [n, D], y [E, n, D], unpaired draws of p0 and p1; known: the potential of the true plan, if any.
Each takes its numbers from one draw of normal ones, which compiles and runs in half of the time.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr

from common import keys

from . import potential
from .potential import Potential


def truth(directions, *, radius: float, scale: float) -> Potential:
    """Known potentials: equal weights, centres on a sphere, S = scale I.  directions [..., C, D]"""
    r = radius * directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    return Potential(np.zeros_like(r[..., 0]), r, np.full_like(r, np.log(scale)))


def pairs(known: Potential, draws, eps):
    """Draws of the known plan.  draws [n, 2 D + 1]: N(0, 1) -> x [n, D], y [E, n, D]"""
    d = known.r.shape[1]
    x, normal, uniform = draws[:, :d], draws[:, d : 2 * d], ndtr(draws[:, 2 * d])
    y = jax.vmap(lambda e: potential.draw(potential.plan(known, x, e), x, uniform, normal))(eps)
    return x, y


def mixture(known: Potential, key, eps, n: int):
    """p0 = N(0, I) and the second marginal of the known plan, which differs with eps."""
    d = known.r.shape[1]
    draws = keys.normal(key, (n, 3 * d + 1))
    return draws[:, :d], pairs(known, draws[:, d:], eps)[1]


def roll(known, key, eps, n: int):
    """p0 = N(0, I) in the plane and the swiss roll, the same at every eps."""
    draws = keys.normal(key, (n, 5))
    y = spiral(draws[:, 2:4], ndtr(draws[:, 4:]))
    return draws[:, :2], jnp.broadcast_to(y, (len(eps), n, 2))


def spiral(noise, uniform):
    """scikit-learn's swiss roll of noise 0.8: columns 0 and 2, over 7.5.

    noise [n, 2]: N(0, 1), uniform [n, 1] in [0, 1), both NumPy or both JAX -> [n, 2]
    """
    xp = noise.__array_namespace__()
    angle = 1.5 * np.pi * (1 + 2 * uniform)
    clean = angle * xp.concat([xp.cos(angle), xp.sin(angle)], axis=1)
    return (clean + 0.8 * noise) / 7.5


def gaussians(known, key, eps, n: int, *, stds: tuple[float, float]):
    """N(0, s0^2 I) and N(0, s1^2 I) in the plane."""
    draws = keys.normal(key, (n, 4))
    return stds[0] * draws[:, :2], jnp.broadcast_to(stds[1] * draws[:, 2:], (len(eps), n, 2))


def gaussian_scale(eps, s0: float, s1: float):
    """S of the one component that is the plan of two Gaussians.  eps [E] -> [E]

    From s0^2 S^2 + eps S = s1^2: the cross-covariance s0^2 S is that of the entropic plan.
    """
    eps = np.asarray(eps, float)
    return (np.sqrt(eps**2 + 4 * s0**2 * s1**2) - eps) / (2 * s0**2)


def gaussian_loss(r, log_s, eps, s0: float, s1: float):
    """The loss of one component in expectation.  r, log_s [..., D], eps [...] -> [...], nats"""
    s, eps = np.exp(log_s), np.asarray(eps, float)[..., None]
    of_x = s * s0**2 / (2 * eps)
    of_y = (s1**2 + r**2) / (2 * eps * s) + 0.5 * np.log(2 * np.pi * eps * s)
    return (of_x + of_y).sum(-1)
