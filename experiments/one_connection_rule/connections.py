"""Sums over one-connections by dynamic programming over vertex subsets, and the doubled graph.

Self-loops of weight -1 leave out a vertex with the sign +1, so a one-connection is a path and
disjoint cycles off it, with the sign (-1)^cycles.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def one_connections(weights: Array, sign: float = -1) -> tuple[Array, Array]:
    """Numerators [k, j] and denominator of (I - L)^-1, O(2^n n) a pair.  weights [n, n]

    reach[R, k, j]: over paths from k through vertices of R to j and cycles in the rest of R, k not
    in R; cover[R]: over cycles in R. A cycle through m is a path from m, and an edge back.
    """
    n = len(weights)
    vertex = jnp.arange(n)
    bit, eye = 1 << vertex, jnp.eye(n, dtype=weights.dtype)

    def add(subset, tables):
        reach, cover = tables
        inside = (subset & bit) != 0
        m = inside.argmax()
        without = subset ^ bit[m]
        closed = cover[without] + sign * reach[without, m] @ weights[:, m]
        onward = jnp.where(inside[:, None], reach[subset & ~bit, vertex], 0)
        reach = reach.at[subset].set(weights @ onward + closed * eye)
        return reach, cover.at[subset].set(closed)

    reach = jnp.zeros((2**n, n, n), weights.dtype).at[0].set(eye)
    cover = jnp.zeros(2**n, weights.dtype).at[0].set(1)
    reach, cover = jax.lax.fori_loop(1, 2**n, add, (reach, cover))
    return reach[2**n - 1 - bit, vertex], cover[-1]


def doubled(lam: np.ndarray, omega: np.ndarray, *, reverse: bool = True) -> np.ndarray:
    """A copy with its edges reversed, an edge k' -> l of weight omega_kl, the graph.

    sigma_ij is its numerator i' -> j over its denominator det(I - L)^2.  [..., n, n] twice
    """
    copy = lam.swapaxes(-2, -1) if reverse else lam
    return np.block([[copy, omega], [np.zeros_like(lam), lam]])


def stacked(each: list[np.ndarray]) -> np.ndarray:
    """Digraphs with further vertices, up to the most, in a row.  [S, ..., n, n] -> [S, G, N, N]"""
    top = max(x.shape[-1] for x in each)
    free = [(0, 0)] * (each[0].ndim - 2)
    padded = [np.pad(x, [*free, *[(0, top - x.shape[-1])] * 2]) for x in each]
    return np.concatenate([x.reshape(len(x), -1, top, top) for x in padded], axis=1)


def parted(sums: np.ndarray, each: list[np.ndarray]) -> list[np.ndarray]:
    """What `stacked` has put together.  [S, G, ...] -> [S, ..., ...] each"""
    ends = np.cumsum([x[0, ..., 0, 0].size for x in each])[:-1]
    parts = zip(np.split(sums, ends, axis=1), each, strict=True)
    return [a.reshape(*x.shape[:-2], *sums.shape[2:]) for a, x in parts]
