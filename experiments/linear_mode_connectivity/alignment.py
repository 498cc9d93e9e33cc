"""How the singular directions of two networks lie to each other, layer by layer.

W = sum_i s_i u_i v_i^T of a layer [n, m]; permutations turn u and v and leave s (theorem, LM3).

Shapes: n, m units before and after, k = min(n, m) directions, G thresholds, L layers.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Directions(NamedTuple):
    u: np.ndarray  # [n, k]
    s: np.ndarray  # [k], falling
    v: np.ndarray  # [m, k]


def directions(params) -> list[Directions]:
    """Of every layer's weights, in float64."""
    parts = (np.linalg.svd(np.asarray(w, float), full_matrices=False) for w, _ in params)
    return [Directions(u, s, vt.T) for u, s, vt in parts]


def maps(orders, sizes, soften: float) -> list[np.ndarray]:
    """Of every layer's units, inputs and outputs too, the matrix that puts them in order.

    orders [H, n]; soften: 0, a permutation; up to 1, where each becomes the mean of its layer
    """
    inside = [(1 - soften) * np.eye(n)[order] + soften / n
              for n, order in zip(sizes[1:-1], orders, strict=True)]  # fmt: skip
    return [np.eye(sizes[0]), *inside, np.eye(sizes[-1])]


def turned(layers: list[Directions], orders) -> list[Directions]:
    """With units in orders [H, n]: the singular vectors turn, the values stay."""
    before, after = [None, *orders], [*orders, None]
    return [
        Directions(u if i is None else u[i], s, v if o is None else v[o])
        for (u, s, v), i, o in zip(layers, before, after, strict=True)
    ]


def overlaps(a: Directions, b: Directions) -> np.ndarray:
    """(u_i . u'_j) (v_i . v'_j), the singular vectors' signs cancel.  -> [k, k]"""
    return (a.u.T @ b.u) * (a.v.T @ b.v)


def aligned(a: list[Directions], b: list[Directions], gammas) -> np.ndarray:
    """Sum of the overlaps of all directions with s >= gamma s_max, and how many there are.

    -> [L, G, 2]; R_gamma is the sum over layers of the first by that of the second
    """
    found = np.zeros((len(a), len(gammas), 2))
    for i, (one, other) in enumerate(zip(a, b, strict=True)):
        every = overlaps(one, other)
        for j, gamma in enumerate(gammas):
            kept, also = (x.s >= gamma * x.s[0] for x in (one, other))
            found[i, j] = every[kept][:, also].sum(), min(kept.sum(), also.sum())
    return found


def squared_distance(a: Directions, b: Directions) -> float:
    """|W - W'|^2 from singular values and vectors alone."""
    return float((a.s**2).sum() + (b.s**2).sum() - 2 * a.s @ overlaps(a, b) @ b.s)


def identities(a, b, orders, soften: float) -> dict[str, np.ndarray]:
    """|W_a - M W_b M'|^2 and what the theorem has in its place; singular values of both.

    -> squared [L, 2]; values [L, 2, k], the largest of M W_b M' and of W_b
    """
    sizes = [len(w) for w, _ in a] + [len(a[-1][1])]
    k, squared, values = min(sizes), [], []
    between = pairwise(maps(orders, sizes, soften))
    layers = zip(a, b, directions(a), directions(b), between, strict=True)
    for (w_a, _), (w_b, _), one, (u, s, v), (m, n) in layers:
        moved = m @ np.asarray(w_b, float) @ n.T
        theorem = squared_distance(one, Directions(m @ u, s, n @ v))
        squared.append([((w_a - moved) ** 2).sum(), theorem])
        values.append([np.linalg.svd(moved, compute_uv=False)[:k], s[:k]])
    return {"squared": np.array(squared), "values": np.array(values)}


def compared(a, b, ways, *, gammas, soften: float, top: int) -> dict[str, np.ndarray]:
    """One pair in every way of matching, the first none, the second by weights.  ways [way, H, n]

    -> distance [way], relative to the first; aligned [way, L, G, 2]; heat [2, top, top] of the
    second layer in the first two ways; what `identities` returns of the second
    """
    of_a, of_b = directions(a), directions(b)
    moved = [turned(of_b, orders) for orders in ways]
    apart = np.array([distance(a, b, orders) for orders in ways])
    heat = [overlaps(of_a[1], layers[1])[:top, :top] for layers in moved[:2]]
    return identities(a, b, ways[1], soften) | {
        "distance": apart / apart[0],
        "aligned": np.array([aligned(of_a, layers, gammas) for layers in moved]),
        "heat": np.array(heat, np.float32),
    }


def part(params, low: float, high: float):
    """Only the directions with low s_max <= s < high s_max of every layer, no biases."""
    found = []
    for (_, b), (u, s, v) in zip(params, directions(params), strict=True):
        kept = (s >= low * s[0]) & (s < high * s[0])
        found.append(((u * (s * kept)) @ v.T, np.zeros(len(b))))
    return found


def distance(a, b, orders) -> float:
    """|a - b| over all parameters, b's units in orders [H, n]."""
    before, after = [None, *orders], [*orders, None]
    total = 0.0
    for (w, c), (v, d), i, o in zip(a, b, before, after, strict=True):
        v = v if i is None else v[i]
        v, d = (v, d) if o is None else (v[:, o], d[o])
        total += ((w.astype(float) - v) ** 2).sum() + ((c.astype(float) - d) ** 2).sum()
    return float(np.sqrt(total))
