"""Classical particles in the frozen field, with the packet's Wigner distribution.

Shapes: P particles, N side of the grid of the force.
"""

from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import Array

from common import loops

from . import lattice


def launched(z: Array, sigma: float, k0: float) -> tuple[Array, Array]:
    """r of variance sigma^2, p of variance 1 / (4 sigma^2) about k0.  z normal [P, 4] -> [P, 2]"""
    return sigma * z[:, :2], z[:, 2:] / (2 * sigma) + jnp.array([k0, 0.0])


def force(a: Array, L: float, N: int) -> Array:
    """-grad V at time 0, on a grid whose middle is the launch.  a [W, W] -> [N, N, 2]"""
    M = len(a) // 2
    k = jnp.asarray(np.arange(-M, M + 1) * 2 * np.pi / L, a.real.dtype)
    each = (-1j * k[:, None] * a, -1j * k * a)
    return jnp.stack([lattice.field(x, L, N) for x in each], -1)


def between(grid: Array, r: Array, L: float) -> Array:
    """Bilinear, periodic.  grid [N, N, 2], r [P, 2] -> [P, 2]"""
    N = len(grid)
    at = r * (N / L) + N // 2
    low = jnp.floor(at)
    (i, j), (s, t) = low.astype(int).T % N, (at - low).T[..., None]
    up, right = (i + 1) % N, (j + 1) % N
    near = (1 - t) * grid[i, j] + t * grid[i, right]
    return (1 - s) * near + s * ((1 - t) * grid[up, j] + t * grid[up, right])


def spread(r: Array, p: Array, grid: Array, L: float, dt: float, strides: Array) -> Array:
    """Variance of the places, not wrapped, after each of the strides of leapfrogs.  -> [R]"""
    at = partial(between, grid, L=L)

    def leap(state):
        r, p = state
        r = r + p * (dt / 2)
        p = p + at(r) * dt
        return r + p * (dt / 2), p

    return loops.trajectory(leap, lambda s: jnp.var(s[0], axis=0).sum(), (r, p), strides)[1]
