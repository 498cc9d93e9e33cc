"""Time series: dynamic time warping, barycentres, k-means; silhouettes and neighbours on a map.

NumPy. Shapes: P series, T times, F features, K clusters, R restarts.
"""

import numpy as np

BATCH = 1 << 14  # pairs at once


def scaled(x: np.ndarray) -> np.ndarray:
    """Every feature with mean 0 and variance 1 over series and times.  x [P, T, F] -> the same"""
    return (x - x.mean((0, 1))) / x.std((0, 1))


def accumulated(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Least sum of |x_i - y_j|^2 over monotone paths from (0, 0) to every (i, j).

    x, y [B, T, F] -> [T, T, B]
    """
    x, y = np.moveaxis(x, 0, -1), np.moveaxis(y, 0, -1)
    cost = ((x[:, None] - y[None]) ** 2).sum(2)
    cost[0] = cost[0].cumsum(0)
    for i in range(1, len(cost)):
        cost[i, 0] += cost[i - 1, 0]
        step = np.minimum(cost[i - 1, 1:], cost[i - 1, :-1])
        for j in range(1, cost.shape[1]):
            cost[i, j] += np.minimum(step[j - 1], cost[i, j - 1])
    return cost


def dtw(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Squared distances.  x [P, T, F], y [Q, T, F] -> [P, Q]"""
    rows = []
    for part in np.array_split(x, -(-len(x) * len(y) // BATCH)):
        pairs = np.repeat(part, len(y), 0), np.tile(y, (len(part), 1, 1))
        rows.append(accumulated(*pairs)[-1, -1].reshape(len(part), len(y)))
    return np.concatenate(rows)


def paths(cost: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Best paths, backwards: at every turn i, j [B] and whether it goes on.  cost [T, T, B]"""
    T, b = len(cost), np.arange(cost.shape[2])
    wall = np.pad(cost, ((1, 0), (1, 0), (0, 0)), constant_values=np.inf)
    i, j = np.full(len(b), T - 1), np.full(len(b), T - 1)
    live = np.ones(len(b), bool)
    turns = []
    for _ in range(2 * T - 1):
        turns.append((i.copy(), j.copy(), live.copy()))
        live &= i + j > 0
        before = np.stack([wall[i, j, b], wall[i, j + 1, b], wall[i + 1, j, b]])
        way = before.argmin(0)  # diagonal, up, left
        i, j = i - (live & (way < 2)), j - (live & (way != 1))
    return turns


def barycentre(x: np.ndarray, centre: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Each time of a centre becomes the mean of what its members' best paths match with it.

    x [P, T, F], centre [K, T, F], group [P] -> [K, T, F]; without members it stays.
    Source: Petitjean et al. 2011 (DBA).
    """
    total, count = np.zeros_like(centre), np.zeros(centre.shape[:2])
    member = np.arange(len(x))
    for i, j, live in paths(accumulated(x, centre[group])):
        at = group[live], j[live]
        np.add.at(total, at, x[member[live], i[live]])
        np.add.at(count, at, 1.0)
    return np.where(count[..., None] > 0, total / np.maximum(count, 1)[..., None], centre)


def seeded(between: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """First centres as k-means++ draws them.  between [P, P] squared, uniform [K] -> int [K]"""
    chosen = [int(uniform[0] * len(between))]
    for u in uniform[1:]:
        share = between[chosen].min(0).cumsum()
        chosen.append(int(np.searchsorted(share, u * share[-1])))
    return np.array(chosen)


def kmeans(x: np.ndarray, between: np.ndarray, uniform: np.ndarray, turns: int = 8) -> tuple:
    """Best of R restarts of K means.  x [P, T, F], between [P, P], uniform [R, K]

    -> label [P], centre [K, T, F], sum of squared distances.  All restarts side by side; clusters
    in the order of the second feature at the end.
    """
    (R, K), P = uniform.shape, len(x)
    centre = np.concatenate([x[seeded(between, u)] for u in uniform])
    every = np.tile(x, (R, 1, 1))
    shift = np.repeat(np.arange(R) * K, P)
    for turn in range(turns + 1):
        far = dtw(centre, x).reshape(R, K, P)
        label = far.argmin(1)
        if turn < turns:
            centre = barycentre(every, centre, label.ravel() + shift)
    inertia = far.min(1).sum(-1)
    best = inertia.argmin()
    centre = centre.reshape(R, K, *x.shape[1:])[best]
    order = centre[:, -1, 1].argsort()
    return order.argsort()[label[best]], centre[order], inertia[best]


def silhouette(between: np.ndarray, label: np.ndarray) -> float:
    """Mean of (b - a) / max(a, b), a the mean distance within and b to the nearest other cluster.

    between [P, P] distances, label [P]; 0 for a series alone.  Source: Rousseeuw 1987.
    """
    among = label == np.unique(label)[:, None]
    size, own = among.sum(1), among.argmax(0)
    mean = between @ among.T / size
    at = np.arange(len(label))
    alone = size[own] == 1
    a = mean[at, own] * size[own] / np.where(alone, 1, size[own] - 1)
    mean[at, own] = np.inf
    b = mean.min(1)
    return float(np.where(alone, 0.0, (b - a) / np.maximum(np.maximum(a, b), 1e-30)).mean())


def agreement(label: np.ndarray) -> np.ndarray:
    """Share of points with the label of half or more of their up to 4 neighbours.

    label [..., A, B] -> [...]
    """
    same, there = np.zeros(label.shape), np.zeros(label.shape)
    for axis in (-2, -1):
        equal = np.diff(label, axis=axis) == 0
        for side in ((0, 1), (1, 0)):
            pad = [(0, 0)] * label.ndim
            pad[axis] = side
            same += np.pad(equal, pad)
            there += np.pad(np.ones_like(equal), pad)
    return (2 * same >= there).mean((-2, -1))
