"""Distances of climates from samples. NumPy alone.

Shapes: G ensembles, N sampled states, V variables, W ways, B numbers of bits.
"""

from itertools import combinations

import numpy as np

VARIABLES = ("z", "|x|", "x")  # x seldom changes its lobe: its floor is high


def variables(places):
    """z, |x| and x, each sorted.  [..., 3] -> [V, N]"""
    x, _, z = np.moveaxis(np.asarray(places, float), -1, 0).reshape(3, -1)
    return np.sort([z, np.abs(x), x], axis=-1)


def wasserstein(p, q):
    """W_1 of two samples of one size, sorted: the mean distance of equal ranks.  [V, N] -> [V]"""
    return np.abs(p - q).mean(-1)


def compared(places, replicas: int) -> dict[str, np.ndarray]:
    """The first `replicas` ensembles with one another, the others with each of them.

    places [G, ..., 3] -> floor [V], the mean over pairs; others [G - replicas, V], over replicas
    """
    (*samples,) = map(variables, places)
    exact, others = samples[:replicas], samples[replicas:]
    floor = [wasserstein(p, q) for p, q in combinations(exact, 2)]
    each = [[wasserstein(p, q) for q in exact] for p in others]
    return {"floor": np.mean(floor, 0), "others": np.mean(each, 1)}


def density(places, bins: int, reach=((-25.0, 25.0), (0.0, 50.0))):
    """Counts in the plane of x and z.  [..., 3] -> int [bins, bins]"""
    flat = np.asarray(places).reshape(-1, 3)
    return np.histogram2d(flat[:, 0], flat[:, 2], bins, reach)[0].astype(int)
