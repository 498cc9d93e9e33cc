"""Local outlier factor (Breunig et al. 2000), of points among reference rows of which some count.

    reach(p, o) = max(k-distance(o), |p - o|),  lrd = 1 / mean reach,  LOF(p) = mean lrd(o) / lrd(p)

over the k nearest rows o that are not at p itself. About 1 inside the data; usual libraries call
a point above 1.5 an outlier.

Shapes: P points, N rows, d features, k neighbours.
"""

import jax
import jax.numpy as jnp
from jax import Array


def around(points: Array, rows: Array, counts: Array, k: int) -> tuple[Array, Array]:
    """Distances and places of the k nearest, nearest first.  counts bool [N] -> [P, k] each"""

    def one(p):
        distance = jnp.linalg.norm(rows - p, axis=-1)
        allowed = counts & (distance > 0)
        value, place = jax.lax.top_k(jnp.where(allowed, -distance, -jnp.inf), k)
        return -value, place

    return jax.lax.map(one, points)


def factor(points: Array, rows: Array, counts: Array, k: int) -> Array:
    """LOF.  points [P, d], rows [N, d], counts bool [N], more than k of them True -> [P]"""
    distance, place = around(jnp.concatenate([rows, points]), rows, counts, k)
    reach = jnp.maximum(distance[: len(rows), -1][place], distance)
    density = 1 / reach.mean(-1)
    return density[place[len(rows) :]].mean(-1) / density[len(rows) :]
