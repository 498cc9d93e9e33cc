"""Graphs on binary variables from environments of two samples: layers, then edges, by G-tests.

Shapes: E environments, V variables.  Samples int [E, 2 samples, V].
"""

import itertools
from collections.abc import Sequence

import numpy as np
from scipy.special import gammaincc

V = 3
EDGES = tuple(itertools.combinations(range(V), 2))  # u < v
GRAPHS = tuple(
    frozenset(e for e, kept in zip(EDGES, each, strict=True) if kept)
    for each in itertools.product((0, 1), repeat=len(EDGES))
    if {v for e, kept in zip(EDGES, each, strict=True) if kept for v in e} == set(range(V))
)  # every variable touched


def sampled(graph: frozenset, theta: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """A root is Bernoulli(theta), a child 1 where that differs from the product of its parents.

    theta [E, V] or [E, 2, V], noise [E, 2, V] uniform -> int [E, 2, V]
    """
    x = (noise < theta.reshape(len(theta), -1, V)).astype(int)
    for v in range(V):
        parents = [u for u, w in sorted(graph) if w == v]
        if parents:
            x[:, :, v] ^= x[:, :, parents].prod(axis=2)
    return x


def g_test(a: np.ndarray, b: np.ndarray, given: Sequence[np.ndarray]) -> float:
    """p-value of a and b independent given others, all binary [E]; 2^|given| degrees of freedom."""
    stratum = sum((z << i for i, z in enumerate(given)), np.zeros_like(a))
    many = 2 ** len(given)
    counts = np.bincount(4 * stratum + 2 * a + b, minlength=4 * many).reshape(many, 2, 2)
    rows, columns = counts.sum(2, keepdims=True), counts.sum(1, keepdims=True)
    total = counts.sum((1, 2), keepdims=True)
    expected = rows * columns / np.maximum(total, 1)
    full = counts > 0
    G = 2 * (counts[full] * np.log(counts[full] / expected[full])).sum()
    return float(gammaincc(many / 2, max(G, 0) / 2))


def layers(d: np.ndarray, alpha: float) -> list[list[int]]:
    """Sinks first: v is one if it tells nothing of the other sample, given the rest of its own."""
    left, order = list(range(V)), []
    while left:

        def least(v, left=left):
            given = [d[:, 0, m] for m in left if m != v]
            others = [k for k in left if k != v]
            return min((g_test(d[:, 0, v], d[:, 1, k], given) for k in others), default=1.0)

        p = {v: least(v) for v in left}
        layer = [v for v in left if p[v] >= alpha] or [max(p, key=p.__getitem__)]
        order.append(layer)
        left = [v for v in left if v not in layer]
    return order


def edges(d: np.ndarray, order: list[list[int]], alpha: float) -> frozenset:
    """a -> b between layers, given all above a and what was found between the two."""
    depth = {v: i for i, layer in enumerate(order) for v in layer}
    known: set[tuple[int, int]] = set()
    for gap in range(1, len(order)):
        for a, b in itertools.permutations(range(V), 2):
            if depth[a] - depth[b] != gap:
                continue
            given = [v for v in range(V) if depth[v] > depth[a]]
            given += [u for u, w in sorted(known) if w == b and depth[b] < depth[u] < depth[a]]
            if g_test(d[:, 0, a], d[:, 0, b], [d[:, 0, v] for v in given]) <= alpha:
                known.add((a, b))
    return frozenset(known)


def found(d: np.ndarray, alpha: float) -> frozenset:
    """The graph."""
    return edges(d, layers(d, alpha), alpha)


def distance(guess: frozenset, truth: frozenset) -> float:
    """|guess and truth, edges of one alone| / (|guess| + |truth|)"""
    return len(guess ^ truth) / max(len(guess) + len(truth), 1)
