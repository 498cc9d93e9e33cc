"""1 / r as a sum of Gaussians, and potentials of charges as sums of separable terms.

1 / r = (2 / sqrt pi) int_0^inf exp(-t^2 r^2) dt with t = sinh u by the trapezoid rule of step h:
terms w_k exp(-t_k^2 x^2) exp(-t_k^2 y^2) exp(-t_k^2 z^2). Long range: the terms of small t.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array


def quadrature(terms: int, step: float) -> tuple[np.ndarray, np.ndarray]:
    """(t, w) of u = 0, h, ..., (terms - 1) h, the first halved.  -> [terms] each"""
    u = step * np.arange(terms)
    w = 2 / np.sqrt(np.pi) * step * np.cosh(u)
    w[0] /= 2
    return np.sinh(u), w


def gaussians(x: Array, centres: Array, t: Array) -> Array:
    """exp(-t^2 (x - p)^2), charges first.  x [n], centres [N], t [K] -> [n, N K]"""
    away = x[:, None, None] - centres[:, None]
    return jnp.exp(-((t * away) ** 2)).reshape(len(x), -1)


def weights(charges: Array, w: Array) -> Array:
    """q w of every term.  charges [N], w [K] -> [N K]"""
    return (charges[:, None] * w).reshape(-1)
