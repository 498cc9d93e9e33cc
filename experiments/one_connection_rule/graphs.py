"""Mixed graphs as masks, and weights on them.

directed [..., n, n]: i -> j at [i, j]. bidirected [..., n, n]: symmetric, no diagonal.
Shapes: n vertices, P = n (n - 1) / 2 pairs, E = n (n + 1) / 2 entries of a covariance.
"""

from typing import NamedTuple

import numpy as np


class Graph(NamedTuple):
    directed: np.ndarray
    bidirected: np.ndarray


class Columns(NamedTuple):
    """Parameters of graphs, E places each: lambda_ab where directed, else omega_ab, a <= b."""

    a: np.ndarray
    b: np.ndarray
    directed: np.ndarray
    active: np.ndarray


NAMED = {  # vertices, i -> j, i <-> j
    "bow": (3, ((0, 1),), ((0, 1),)),
    "two_cycle": (3, ((0, 1), (1, 0)), ()),
    "instrument": (3, ((2, 0), (0, 1)), ((0, 1),)),
    "driven_two_cycle": (3, ((2, 0), (0, 1), (1, 0)), ()),
    "three_cycle": (3, ((0, 1), (1, 2), (2, 0)), ()),
    "chain": (3, ((0, 1), (1, 2)), ()),
    "fork": (4, ((0, 1), (0, 2), (0, 3)), ()),
    "tail": (4, ((0, 1), (1, 2), (2, 0), (2, 3)), ()),
    "long_chain": (5, ((0, 1), (1, 2), (2, 3), (3, 4)), ()),
}


def named(name: str) -> tuple[int, Graph]:
    """Number of vertices, and the graph of that name."""
    n, directed, bidirected = NAMED[name]
    graph = Graph(np.zeros((n, n), bool), np.zeros((n, n), bool))
    for i, j in directed:
        graph.directed[i, j] = True
    for i, j in bidirected:
        graph.bidirected[i, j] = graph.bidirected[j, i] = True
    return n, graph


def mixed(edges: np.ndarray, n: int) -> Graph:
    """Of pairs i < j, whether i -> j, j -> i, i <-> j.  edges bool [..., P, 3]"""
    i, j = np.triu_indices(n, 1)
    directed, bidirected = np.zeros((2, *edges.shape[:-2], n, n), bool)
    directed[..., i, j], directed[..., j, i] = edges[..., 0], edges[..., 1]
    bidirected[..., i, j] = bidirected[..., j, i] = edges[..., 2]
    return Graph(directed, bidirected)


def simple(states: np.ndarray, n: int) -> Graph:
    """At most one edge a pair: 0 none, 1 i -> j, 2 j -> i, 3 i <-> j.  states [..., P]"""
    return mixed(states[..., None] == np.arange(1, 4), n)


def every_simple(n: int) -> Graph:
    """All 4^P of them, one after the other."""
    pairs = n * (n - 1) // 2
    return simple(np.indices((4,) * pairs).reshape(pairs, -1).T, n)


def not_simple(u: np.ndarray, n: int) -> Graph:
    """One pair has two edges; 2 to P edges in all, so that equations suffice.  u [..., 3 P + 3]"""
    pairs = n * (n - 1) // 2
    u = u[..., : 3 * pairs + 3]
    score = u[..., : 3 * pairs].reshape(*u.shape[:-1], pairs, 3)
    pair, spared = (np.floor(u[..., -3 + i] * k) for i, k in enumerate((pairs, 3)))
    doubled = np.arange(pairs)[:, None] == pair[..., None, None]
    first = doubled & (np.arange(3) != spared[..., None, None])
    order = (score - first).reshape(*u.shape[:-1], -1).argsort(axis=-1).argsort(axis=-1)
    edges = order < 2 + np.floor(u[..., -1:] * (pairs - 1))
    return mixed(edges.reshape(score.shape), n)


def drawn(u: np.ndarray, n: int, *, one_edge: bool) -> Graph:
    """Simple ones, uniformly, or some that are not.  u [..., 3 P + 3 or more]"""
    pairs = n * (n - 1) // 2
    return simple(np.floor(4 * u[..., :pairs]), n) if one_edge else not_simple(u, n)


def padded(graph: Graph, n: int) -> Graph:
    """With further vertices, up to n."""
    more = n - graph.directed.shape[-1]
    free = [(0, 0)] * (graph.directed.ndim - 2)
    return Graph(*(np.pad(mask, [*free, (0, more), (0, more)]) for mask in graph))


def columns(graph: Graph, vertices: int | np.ndarray) -> Columns:
    """The parameters of graphs whose first `vertices` [...] are theirs, at most E of them."""
    n = graph.directed.shape[-1]
    i, j = np.triu_indices(n)
    own = (np.arange(n) < np.asarray(vertices)[..., None])[..., None] & np.eye(n, dtype=bool)
    omega = np.broadcast_to(graph.bidirected | own, graph.directed.shape)[..., i, j]
    mask = np.concatenate([graph.directed.reshape(*omega.shape[:-1], n * n), omega], axis=-1)
    order = np.argsort(~mask, axis=-1, kind="stable")[..., : len(i)]
    a, b = np.concatenate([np.indices((n, n)).reshape(2, -1), (i, j)], axis=1)
    return Columns(a[order], b[order], order < n * n, np.take_along_axis(mask, order, axis=-1))


def edges(graph: Graph) -> np.ndarray:
    """|D| + |B|.  -> [...]"""
    return graph.directed.sum(axis=(-2, -1)) + graph.bidirected.sum(axis=(-2, -1)) // 2


def cyclic(directed: np.ndarray) -> np.ndarray:
    """Whether there is a directed cycle: no power of the adjacency vanishes.  -> bool [...]"""
    n = directed.shape[-1]
    powers = np.linalg.matrix_power(directed.astype(float), n)
    return np.asarray(powers.any(axis=(-2, -1)))


def weights(u: np.ndarray, low: float, high: float) -> np.ndarray:
    """Signs and magnitudes in [low, high] from u in [0, 1)."""
    v = 2 * u - 1
    return np.where(v < 0, -1, 1) * (low + (high - low) * abs(v))


def points(u: np.ndarray) -> np.ndarray:
    """L and Omega of all edges there may be, diagonal 0.5 to 1.5.  u [..., 2, n, n]"""
    return np.where(np.eye(u.shape[-1], dtype=bool), 0.5 + u, weights(u, 0.3, 1.0))


def digraphs(u, n, density: float, least: float, *, acyclic: bool = False) -> np.ndarray:
    """Weights 0.3 to 1 on the first draw with a cycle (or with none), |det(I - L)| >= least.

    u [..., try, 2, N, N]; vertices from n [...] on have no edges.  -> [..., N, N]
    """
    many = u.shape[-1]
    ordered = np.triu(np.ones((many, many), bool), 1)
    place = ordered if acyclic else ordered | ordered.T
    mask = (u[..., 0, :, :] < density) & place & block(many, n)[..., None, :, :]
    each = weights(u[..., 1, :, :], 0.3, 1.0) * mask
    good = (acyclic | cyclic(mask)) & (abs(np.linalg.det(np.eye(many) - each)) >= least)
    first = good.argmax(axis=-1)[..., None, None, None]
    return np.take_along_axis(each, first, axis=-3)[..., 0, :, :]


def noises(u, n, density: float) -> np.ndarray:
    """Omega: diagonal 0.5 to 1.5, not definite.  u [..., 2, N, N], n [...] -> [..., N, N]"""
    many = u.shape[-1]
    upper = np.triu(weights(u[..., 1, :, :], 0.3, 1.0) * (u[..., 0, :, :] < density), 1)
    full = upper + np.swapaxes(upper, -2, -1) + np.eye(many) * (0.5 + u[..., 1, :, :])
    return full * block(many, n)


def block(many: int, n) -> np.ndarray:
    """True at the first n rows and columns.  n [...] -> bool [..., many, many]"""
    inside = np.arange(many) < np.asarray(n)[..., None]
    return inside[..., None] & inside[..., None, :]
