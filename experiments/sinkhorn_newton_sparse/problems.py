"""Costs and masses: random assignments, digits on a grid; gaps of small assignments, on the host.

Shapes: n points each, H pixels a side; cost [n, n].
"""

import numpy as np

from common.ot import exact

SIDE = 28


def plan(cost, eta, x, y) -> np.ndarray:
    """exp(eta (x + y - C) - 1).  cost [..., n, n], eta [...], x, y [..., n] -> [..., n, n]"""
    eta = np.asarray(eta)[..., None, None]
    return np.exp(eta * (x[..., :, None] + y[..., None, :] - cost) - 1)


def off(p: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Mass of p [..., n, n] off the entries (i, columns_i) [..., n].  -> [...]"""
    matched = np.arange(p.shape[-1]) == columns[..., None]
    return np.where(matched, 0, p).sum(axis=(-2, -1))


def masses(images, chosen, pool: int, floor: float) -> np.ndarray:
    """Digits as measures: means of pool x pool pixels, `floor` of the mass spread over all.

    images uint8 [N, 28, 28], chosen in [0, 1) [..., 2] -> [..., 2, H H]
    """
    digits = images[(chosen * len(images)).astype(int)].astype(float)
    side = SIDE // pool
    pooled = digits.reshape(*chosen.shape, side, pool, side, pool).sum(axis=(-3, -1))
    flat = pooled.reshape(*chosen.shape, side * side)
    flat = flat / flat.sum(axis=-1, keepdims=True) + floor / flat.shape[-1]
    return flat / flat.sum(axis=-1, keepdims=True)


def grid_cost(side: int, kind: str) -> np.ndarray:
    """L1 or squared L2 distances of pixels, over the largest.  -> [H H, H H]"""
    at = np.indices((side, side)).reshape(2, -1)
    apart = np.abs(at[:, :, None] - at[:, None]).astype(float)
    cost = apart.sum(axis=0) if kind == "l1" else (apart**2).sum(axis=0)
    return cost / cost.max()


def exchanges(cost: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """w_ik = C_i,s(k) - C_i,s(i): the cost when i takes what k has; inf for i = k.  -> [n, n]"""
    w = cost[:, columns] - cost[np.arange(len(cost)), columns][:, None]
    np.fill_diagonal(w, np.inf)
    return w


def least_mean_cycle(w: np.ndarray) -> float:
    """The least mean weight of a cycle (Karp 1978).  w [n, n]

    min over k of max over j < n of (D_n(k) - D_j(k)) / (n - j), D_j the least walks of j edges.
    """
    n = len(w)
    walks = np.zeros((n + 1, n))  # from anywhere
    for j in range(n):
        walks[j + 1] = (walks[j][:, None] + w).min(axis=0)
    slopes = (walks[n] - walks[:n]) / (n - np.arange(n))[:, None]
    return float(slopes.max(axis=0).min())


def least_cycle(w: np.ndarray) -> float:
    """The least weight of a cycle: how much dearer the second-best assignment is.  w [n, n]"""
    d = w.copy()
    for k in range(len(w)):
        d = np.minimum(d, d[:, k, None] + d[k])
    return float(np.diag(d).min())


def rates(costs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Best assignments, and the rates in eta at which mass leaves them, in two theories.

    By the least mean cycle; by how much dearer the second-best plan of mass 1 is, as in Theorem 1.
    costs [..., n, n] -> [..., n], [...], [...]
    """
    flat = costs.reshape(-1, *costs.shape[-2:])
    best = np.array([exact.assignment(cost).columns for cost in flat])
    w = [exchanges(*pair) for pair in zip(flat, best, strict=True)]
    cycle, vertex = (np.array([rate(x) for x in w]) for rate in (least_mean_cycle, least_cycle))
    shape = costs.shape[:-2]
    return best.reshape(*shape, -1), cycle.reshape(shape), vertex.reshape(shape) / flat.shape[-1]
