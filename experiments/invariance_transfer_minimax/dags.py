"""Directed acyclic graphs: d-separation of one node under many conditioning sets at once.

Shapes: V nodes, N conditioning sets.  A graph is bool [V, V], true at [i, j] where i -> j.
"""

from collections.abc import Iterable, Sequence

import numpy as np


def graph(names: Sequence[str], edges: Iterable[str]) -> np.ndarray:
    """Edges "A->B" among names.  -> bool [V, V]"""
    A = np.zeros((len(names), len(names)), bool)
    for edge in edges:
        cause, effect = edge.split("->")
        A[names.index(cause), names.index(effect)] = True
    return A


def connected(A: np.ndarray, y: int, given: np.ndarray) -> np.ndarray:
    """Nodes that are not d-separated from y by each set.  given bool [N, V] -> bool [N, V]

    A ball (Shachter 1998) moves up, to parents, or down, to children; at a node of the set it can
    only turn, from down to up, and with it where the set has a descendant.
    """
    up = np.zeros_like(given)
    up[:, y] = True
    down = np.zeros_like(given)
    while True:
        more_up = up | ((up & ~given) | (down & given)) @ A.T
        more_down = down | ((up | down) & ~given) @ A
        if (more_up == up).all() and (more_down == down).all():
            return (up | down) & ~given
        up, down = more_up, more_down


def subsets(size: int) -> np.ndarray:
    """All of them, in the order of binary numbers.  -> bool [2^size, size]"""
    return (np.arange(2**size)[:, None] >> np.arange(size) & 1).astype(bool)


def boundaries(A: np.ndarray, y: int, nodes: np.ndarray) -> np.ndarray:
    """Markov boundary of y within every subset of nodes: members that tell of y given the others.

    d-separation has the intersection and the composition property, so this set is the least one
    that shields y from the subset.  nodes int [d] -> bool [2^d, d], order of `subsets`
    """
    chosen = subsets(len(nodes))
    given = np.zeros((len(chosen), len(A)), bool)
    given[:, nodes] = chosen
    tells = connected(A, y, given)[:, nodes]
    member, number = np.arange(len(nodes)), np.arange(len(chosen))[:, None]
    return chosen & tells[number & ~(1 << member), member]


def classes(A: np.ndarray, y: int, nodes: np.ndarray) -> np.ndarray:
    """Number of the boundary of every subset: equal where predictors are.  -> int [2^d]"""
    return boundaries(A, y, nodes) @ (1 << np.arange(len(nodes)))


def random(u: np.ndarray, degree: float) -> np.ndarray:
    """Edges from earlier to later nodes, each by chance.  u uniform [V, V], mean degree of a node

    -> bool [V, V]
    """
    return np.triu(u < degree / (len(u) - 1), 1)
