"""Exact worst-case risks of discrete laws: Y -> Z, Y, Z -> M, and X a child of Y, Z and M.

Shapes: L laws; y, z, m, x values of the variables. M is mutable: an environment replaces it by any
function J(y, z) of its parents. K = {X}; Z, if it has more than one value, is stable too.
"""

from itertools import product
from typing import NamedTuple

import numpy as np

SUBSETS = tuple(product((False, True), repeat=2))  # is Z seen, is X seen: the empty set first
EMPTY, WHOLE = 0, -1


class Law(NamedTuple):
    y: np.ndarray  # p(y) [L, y]
    z: np.ndarray  # p(z | y) [L, y, z]
    x: np.ndarray  # p(x | y, z, m) [L, y, z, m, x]


def simplex(u: np.ndarray) -> np.ndarray:
    """Uniform points of a simplex along the last axis.  u uniform on [0, 1)"""
    waits = -np.log1p(-u.astype(float))
    return waits / waits.sum(axis=-1, keepdims=True)


def sizes(values: int, with_z: bool) -> dict[str, tuple[int, ...]]:
    """Shapes of the uniform numbers of one law."""
    z = values if with_z else 1
    return {"y": (values,), "z": (values, z), "x": (values, z, values, values)}


def without(law: Law, parent: str | None) -> Law:
    """No edge from a parent, Y, Z or M, to X: the mechanism of that parent's first value."""
    if parent is None:
        return law
    first = law.x.take([0], axis=1 + "YZM".index(parent))
    return law._replace(x=np.broadcast_to(first, law.x.shape))


def predictor(law: Law, seen: tuple[bool, bool]) -> np.ndarray:
    """f(z, x, m) = E[Y | those seen, do(m)], Y = 0, 1, ...  -> [L, 1, z or 1, m, x or 1]"""
    joint = law.y[:, :, None, None, None] * law.z[:, :, :, None, None] * law.x
    hidden = tuple(axis for axis, shown in ((2, seen[0]), (4, seen[1])) if not shown)
    joint = joint.sum(axis=hidden, keepdims=True)
    y = np.arange(joint.shape[1])[:, None, None, None]
    return (y * joint).sum(axis=1, keepdims=True) / joint.sum(axis=1, keepdims=True)


def risk(law: Law, seen: tuple[bool, bool]) -> np.ndarray:
    """R = max_J E(Y - f)^2: for all y, z the worst m, since J may choose each by itself.  -> [L]"""
    y = np.arange(law.y.shape[1])[:, None, None, None]
    loss = (law.x * (y - predictor(law, seen)) ** 2).sum(axis=-1)  # [L, y, z, m]
    return (law.y[:, :, None] * law.z * loss.max(axis=-1)).sum(axis=(1, 2))


def risks(law: Law) -> np.ndarray:
    """Of all of SUBSETS, over that of the empty set, Var(Y).  -> [L, 4]"""
    each = np.stack([risk(law, seen) for seen in SUBSETS], axis=1)
    return each / each[:, :1]


def whole(law: Law, edge: str | None) -> np.ndarray:
    """R(S) / R(no stable variable) of laws without an edge.  -> [L]"""
    return risks(without(law, edge))[:, WHOLE]


def highest(p: np.ndarray, values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Largest value of those whose p lies between two edges, 0 of none.  -> [edges - 1]"""
    place = np.digitize(p, edges[1:-1])
    return np.array([values[place == b].max(initial=0) for b in range(len(edges) - 1)])


def ceiling(q: np.ndarray) -> np.ndarray:
    """q + 1 / (4 q), q the larger chance of a binary Y: no R(S) / Var(Y) exceeds it."""
    return q + 1 / (4 * q)


def extremal(p: np.ndarray) -> Law:
    """Binary laws that reach the ceiling, P(Y = 1) = p < 1/2.

    With m = 0 a value of X leaves 1/2 to Y = 1 and the other nothing; with m = 1 X is a coin.
    """
    x = np.full((len(p), 2, 1, 2, 2), 0.5)  # [L, y, z, m, x]
    x[:, 1, 0, 0] = 0, 1
    x[:, 0, 0, 0] = np.stack([1 - p / (1 - p), p / (1 - p)], axis=1)
    return Law(np.stack([1 - p, p], axis=1), np.ones((len(p), 2, 1)), x)
