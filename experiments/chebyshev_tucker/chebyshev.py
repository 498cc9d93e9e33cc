"""Interpolation in the points of Chebyshev and Lobatto.

Shapes: m points, of a polynomial of degree m - 1 (what the authors' code calls the degree).
"""

import jax.numpy as jnp
from jax import Array


def points(m: int) -> Array:
    """cos(pi j / (m - 1)), from 1 down to -1.  -> [m]"""
    return jnp.cos(jnp.pi * jnp.arange(m) / (m - 1))


def coefficients(values: Array) -> Array:
    """c of sum_j c_j T_j from the values at the points: DCT-I.  values [m, ...] -> [m, ...]"""
    m = values.shape[0]
    mirrored = jnp.concatenate([values, values[-2:0:-1]])
    c = jnp.fft.rfft(mirrored, axis=0).real / (m - 1)
    return c.at[jnp.array([0, m - 1])].multiply(0.5)


def polynomials(x: Array, m: int) -> Array:
    """T_j(x).  x [n] in [-1, 1] -> [n, m]"""
    return jnp.cos(jnp.arange(m) * jnp.arccos(x)[:, None])
