"""IV-like regression in the population: its limit h_alpha, and the spread of estimates about it.

Shapes: d treatments; P = Gamma^T Gamma projects on the directions of the augmentation.
"""

import jax.numpy as jnp
from jax import Array

from . import fits, sem


def limit(model: sem.Model, noise: float, kappa: float, gamma: float, alpha) -> Array:
    """h_alpha = f + alpha (gamma^2 P + alpha (S + gamma^2 P))^-1 Cov(X, eps).  -> [d]"""
    S, P = blocks(model, noise)
    bias = kappa * model.W.T @ model.w
    return model.f + alpha * fits.solve(gamma**2 * P + alpha * (S + gamma**2 * P), bias)


def blocks(model: sem.Model, noise: float) -> tuple[Array, Array]:
    """Cov(X) and P.  -> [d, d] each"""
    S = model.W.T @ model.W + noise**2 * jnp.eye(len(model.f))
    return S, model.directions.T @ model.directions


def spread(model: sem.Model, noise: float, kappa: float, gamma: float, alpha) -> Array:
    """n E |h - h_alpha|^2 to first order: the trace of M^-1 V M^-1.  (README)  -> []"""
    S, P = blocks(model, noise)
    h = limit(model, noise, kappa, gamma, alpha)
    rest = h - model.f
    bias = kappa * model.W.T @ model.w
    s = bias - S @ rest  # E X e with e = Y - h^T X
    e2 = noise**2 + kappa**2 * model.w @ model.w - 2 * bias @ rest + rest @ S @ rest
    m = -(gamma**2) * P @ h  # E V u with V = gamma Gamma^T G, u = -h^T V
    u2 = -h @ m
    mixed = jnp.outer(m, m) + jnp.outer(s, m) + jnp.outer(m, s)
    V = (1 + alpha) ** 2 * (S * u2 + gamma**2 * P * (e2 + u2) + mixed)
    V = V + alpha**2 * (S * e2 + jnp.outer(s, s))
    inverse = jnp.linalg.inv(gamma**2 * P + alpha * (S + gamma**2 * P))
    return jnp.trace(inverse @ V @ inverse)
