"""Random spatial networks: independent edges, p_uv = min(1, kappa_u kappa_v f(r_uv) / (N <kappa>)).

On the unit torus the density of nodes is N. An edge of probability p is there if a Poisson count of
mean -log(1 - p) is not 0: such counts are thinned from those of pairs of cells at a bound, so that
the work is that of the edges and not of the pairs. The law is exact.

Shapes: N nodes, d dimensions, E edges, D displacements of cells.
"""

from itertools import product

import jax
import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree
from scipy.special import pdtrik

from common import keys

from .kernels import Radial, distance

OCCUPANCY = 8  # mean nodes of a cell
LEAST = 9  # log4 of the shortest draw
CERTAIN = 1 - 1e-9  # p = 1 has no finite Poisson mean


def drawn(key, count: int, rows: int, draw=keys.uniform) -> np.ndarray:
    """Uniform numbers, cut from a power of four of them: few shapes compile.  -> [rows, count]"""
    power = max(LEAST, -(-(rows * count - 1).bit_length() // 2))
    return np.asarray(draw(key, (4**power,)))[: rows * count].reshape(rows, count)


def positions(key, n: int, d: int) -> np.ndarray:
    """Uniform on the torus.  -> [N, d]"""
    return drawn(key, n, d).T


def poisson(key, mean: float) -> int:
    """One count: the least k at which the distribution reaches a uniform number."""
    return int(np.ceil(pdtrik(drawn(key, 1, 1)[0, 0], mean)))


def rate(kappa2, r, density: Radial, weight: float) -> np.ndarray:
    """Poisson mean of a pair: -log(1 - p), p = kappa_u kappa_v f(r) / weight, at most 1."""
    return -np.log1p(-np.minimum(kappa2 * density(r) / weight, CERTAIN))


def edges(key, x: np.ndarray, kappa: np.ndarray, density: Radial) -> np.ndarray:
    """Pairs u < v, each with its own p.  x [N, d], kappa [N]; density falls with r.  -> [E, 2]"""
    n, d = x.shape
    weight = n * kappa.mean()
    side = max(1, int((n / OCCUPANCY) ** (1 / d)))
    cell = np.minimum((x * side).astype(int), side - 1)
    flat = np.ravel_multi_index(cell.T, (side,) * d)
    order, counts = np.argsort(flat, kind="stable"), np.bincount(flat, minlength=side**d)
    first, slots = np.cumsum(counts) - counts, counts.max()

    steps = np.array(list(product(range(side), repeat=d)))  # [D, d]
    gap = np.maximum(np.minimum(steps, side - steps) - 1, 0) / side
    most = rate(kappa.max() ** 2, np.sqrt((gap**2).sum(axis=1)), density, weight)  # of a pair [D]
    up_to = np.cumsum(most)

    count_key, draw_key = jax.random.split(key)
    count = poisson(count_key, n * slots * up_to[-1] / 2)  # a pair is met from both of its ends
    which, step, slot, keep = drawn(draw_key, count, 4)
    u = (which * n).astype(int)
    step = np.minimum(np.searchsorted(up_to, step * up_to[-1]), len(steps) - 1)
    slot = (slot * slots).astype(int)
    there = np.ravel_multi_index(((cell[u] + steps[step]) % side).T, (side,) * d)
    filled = slot < counts[there]
    u, step, keep = u[filled], step[filled], keep[filled]
    v = order[(first[there] + slot)[filled]]
    told = rate(kappa[u] * kappa[v], distance(x[u], x[v]), density, weight)
    kept = (keep * most[step] < told) & (u != v)
    return paired(u[kept], v[kept], n)


def nearest_edges(key, x: np.ndarray, kappa: np.ndarray, width: float) -> np.ndarray:
    """The wrong way: from u a Gaussian step, and the node nearest to where it ends.  -> [E, 2]

    With equal kappa mean degrees are right, but a node is met in proportion to the size of the cell
    that is nearest to it.
    """
    n, d = x.shape
    count_key, draw_key, step_key = jax.random.split(key, 3)
    count = poisson(count_key, kappa.sum() / 2)
    up_to = np.cumsum(kappa)
    u = np.searchsorted(up_to, drawn(draw_key, count, 1)[0] * up_to[-1])
    z = drawn(step_key, count, d, keys.normal).T
    _, v = cKDTree(x, boxsize=1).query((x[u] + width * z) % 1)
    return paired(u[u != v], v[u != v], n)


def paired(u: np.ndarray, v: np.ndarray, n: int) -> np.ndarray:
    """u < v, every pair once, sorted.  -> [E, 2]"""
    code = np.unique(np.minimum(u, v) * n + np.maximum(u, v))
    return np.stack([code // n, code % n], axis=1)


def adjacency(pairs: np.ndarray, n: int) -> sparse.csr_array:
    """Symmetric, entries 1.  [E, 2] -> [N, N]"""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return sparse.csr_array((np.ones(len(both), np.int64), (both[:, 0], both[:, 1])), (n, n))


def clustering(a: sparse.csr_array) -> float:
    """Transitivity: three times the triangles over the paths of two edges."""
    degree = a.sum(axis=0)
    return float((a @ a).multiply(a).sum() / max((degree * (degree - 1)).sum(), 1))


def path_length(a: sparse.csr_array, sources: np.ndarray) -> float:
    """Mean distance of the pairs (source, node) that are connected, by a breadth-first search.

    Sources are bits of words: a level is the bitwise or of what every node and its neighbours have.
    """
    n = a.shape[0]
    own = (a + sparse.eye_array(n, dtype=np.int64, format="csr")).tocsr()  # no row is empty
    seen = np.zeros((n, -(-len(sources) // 64)), np.uint64)
    bit = np.arange(len(sources))
    np.bitwise_or.at(seen, (sources, bit // 64), np.uint64(1) << (bit % 64).astype(np.uint64))
    reached, total, level = len(sources), 0, 0
    while True:
        seen = np.bitwise_or.reduceat(seen[own.indices], own.indptr[:-1], axis=0)
        level, now = level + 1, int(np.bitwise_count(seen).sum())
        if now == reached:
            return total / max(reached - len(sources), 1)
        total, reached = total + level * (now - reached), now
