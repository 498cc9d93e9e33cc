"""Points drawn from candidates: of a projection DPP, and independent ones of the same marginal.

Shapes: N candidates, m basis functions and points of a block, Q blocks.
"""

import math

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from common import keys

Array = jax.Array


def inverse(weights: Array, u: Array) -> Array:
    """The candidate at the share u of the summed weights.  weights [N] >= 0, u [] in [0, 1)

    Sums of rows of about sqrt(N), then within the row: cumulative sums of N are dear.
    -> int []
    """
    N = weights.shape[0]
    width = math.isqrt(N - 1) + 1
    table = jnp.pad(weights, (0, -N % width)).reshape(-1, width)
    above = jnp.tri(len(table), dtype=weights.dtype) @ table.sum(1)
    goal = u * above[-1]
    row = jnp.minimum(jnp.sum(above <= goal), len(above) - 1)
    within = jnp.tri(width, dtype=weights.dtype) @ table[row]
    left = goal - above[row] + within[-1]
    return jnp.minimum(row * width + jnp.minimum(jnp.sum(within <= left), width - 1), N - 1)


def block(rows: Array, u: Array) -> Array:
    """Points of the projection DPP, in the order drawn.  rows [N, m] orthonormal columns, u [m]

    The next point has the density of what the span of the rows drawn leaves of every row.
    -> int [m]
    """

    def step(state, i):
        left, basis = state
        at = inverse(left, u[i])
        direction = rows[at]
        for _ in range(2):  # once loses orthogonality
            direction = direction - basis.T @ (basis @ direction)
        direction = direction / jnp.linalg.norm(direction)
        left = jnp.maximum(left - (rows @ direction) ** 2, 0)
        return (left, basis.at[i].set(direction)), at

    m = rows.shape[1]
    start = jnp.sum(rows**2, axis=1), jnp.zeros((m, m), rows.dtype)
    return jax.lax.scan(step, start, jnp.arange(m))[1]


def streams(key: Array, rows: Array, blocks: int) -> Array:
    """Independent points of nu and independent DPPs.  rows [N, m] -> int [2, Q, m]"""
    u = keys.uniform(key, (2, blocks, rows.shape[1]))
    christoffel = jnp.sum(rows**2, axis=1)
    independent = jax.vmap(inverse, (None, 0))(christoffel, u[0].reshape(-1)).reshape(u[0].shape)
    return jnp.stack([independent, jax.vmap(block, (None, 0))(rows, u[1])])


def mixed(streams: Array, determinantal: ArrayLike) -> Array:
    """Samplings whose first blocks are those of the DPP.  streams [2, Q, …]

    0 of them: i.i.d.; 1: volume sampling, up to the order; all: the DPP again and again.
    determinantal int [kind] -> [kind, Q, …]
    """
    place = jnp.arange(streams.shape[1])
    from_dpp = place < jnp.asarray(determinantal)[:, None]
    shape = from_dpp.shape + (1,) * (streams.ndim - 2)
    return jnp.where(from_dpp.reshape(shape), streams[1], streams[0])
