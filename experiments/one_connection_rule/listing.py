"""One-connections, paths and treks one by one: for pictures, and to hold the sums against."""

from collections.abc import Iterator
from itertools import pairwise, permutations

import numpy as np


def one_connections(mask: np.ndarray, i: int, j: int) -> list[tuple[list, int]]:
    """(edges, number of cycles) of each from i to j; every vertex has a self-loop.  mask [n, n]

    With an edge j -> i it is a permutation of the vertices, of one cycle more.
    """
    n = len(mask)
    allowed = mask | np.eye(n, dtype=bool)
    listed = []
    for image in permutations(range(n)):
        used = [(k, image[k]) for k in range(n) if k != j]
        if image[j] == i and all(allowed[edge] for edge in used):
            listed.append((used, cycles(image) - 1))
    return listed


def cycles(image) -> int:
    """Of a permutation, fixed points too."""
    seen: set[int] = set()
    count = 0
    for start in range(len(image)):
        count += start not in seen
        at = start
        while at not in seen:
            seen.add(at)
            at = image[at]
    return count


def paths(mask: np.ndarray, path: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """All that go on from `path` without meeting a vertex twice, itself first."""
    yield path
    for k in np.flatnonzero(mask[path[-1]]):
        if k not in path:
            yield from paths(mask, (*path, int(k)))


def path_sums(lam: np.ndarray) -> np.ndarray:
    """[k, i]: sum over directed paths from k to i of the product of their weights.  [n, n]"""
    total = np.zeros_like(lam)
    for k in range(len(lam)):
        for path in paths(lam != 0, (k,)):
            total[k, path[-1]] += np.prod([lam[edge] for edge in pairwise(path)])
    return total


def trek_sums(lam: np.ndarray, omega: np.ndarray) -> np.ndarray:
    """[i, j]: sum over treks, a path k to i, an entry omega_kl, a path l to j.  [n, n]"""
    side = path_sums(lam)
    return side.T @ omega @ side


def every_trek_sum(lam: np.ndarray, omega: np.ndarray) -> np.ndarray:
    """`trek_sums` of every graph.  [..., n, n] twice"""
    pairs = zip(*(x.reshape(-1, *x.shape[-2:]) for x in (lam, omega)), strict=True)
    return np.reshape([trek_sums(*pair) for pair in pairs], lam.shape)
