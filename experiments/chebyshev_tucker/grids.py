"""Grids on which errors are judged, and Gaussians of fewer points beside those of more."""

import jax.numpy as jnp
import numpy as np

from . import chebyshev, kernel


def line(n: int) -> np.ndarray:
    """Centres of n cells of [-1, 1]."""
    return (2 * np.arange(n) + 1) / n - 1


def padded(m: int, most: int, centre, t):
    """Coefficients of Gaussians on m points, zeros up to `most`.  -> [most, terms]"""
    found = chebyshev.coefficients(kernel.gaussians(chebyshev.points(m), centre, t))
    return jnp.pad(found, ((0, most - m), (0, 0)))


def relative(error, truth):
    return abs(error).max() / abs(truth).max()
