"""Clusters of one map of runs: for every k, with silhouettes and chance; of all runs together.

NumPy. Shapes: G side of the map, T times, F features.
"""

from collections.abc import Sequence

import numpy as np

from . import series

K = 4  # clusters, where one number is asked for


def clustered(
    x: np.ndarray, start: np.ndarray, orders: np.ndarray, ks: Sequence[int], shuffled: bool
) -> dict[str, np.ndarray]:
    """Of the moving runs for every k, and of all runs for k = 4.  x [2, G, G, T, F]

    start: uniform numbers [restart, largest k]; orders: permutations of the points [n, G G];
    shuffled: a control, labels in the first of these orders.
    -> label [k, G, G], silhouette, inertia, chance [k], centroid [4, T, F], joint [2, G, G]
    """
    square = x.shape[1:3]
    moving, both = (series.scaled(y.reshape(-1, *x.shape[3:])) for y in (x[0], x))
    between = series.dtw(moving, moving)
    found: dict = {"label": [], "silhouette": [], "inertia": [], "chance": []}
    for k in ks:
        label, centre, inertia = series.kmeans(moving, between, start[:, :k])
        label = label[orders[0]] if shuffled else label
        by_chance = series.agreement(label[orders].reshape(-1, *square))
        found["label"].append(label.reshape(square))
        found["silhouette"].append(series.silhouette(np.sqrt(between), label))
        found["inertia"].append(inertia)
        found["chance"].append(np.quantile(by_chance, 0.99))
        if k == K:
            found["centroid"] = centre
    joint = series.kmeans(both, series.dtw(both, both), start[:, :K])[0]
    return {k: np.array(v) for k, v in found.items()} | {"joint": joint.reshape(2, *square)}
