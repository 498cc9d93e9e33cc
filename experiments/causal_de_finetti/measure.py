"""What the claims are decided on: arrays of `run` -> numbers, one row a seed. Axes as there."""

import numpy as np

from common import stats

SMALL, LARGE = 0, -1


def accuracy(arrays, name="decided"):
    """Share of data sets decided rightly.  -> [S, E]"""
    return (arrays[name] == arrays["mode"][:, None]).mean(axis=-1)


def small(arrays):
    """At the fewest environments.  -> [S]"""
    return accuracy(arrays)[:, SMALL]


def large(arrays):
    """At the most.  -> [S]"""
    return accuracy(arrays)[:, LARGE]


def rises(arrays):
    """At the most and the fewest.  -> [S, 2]"""
    return accuracy(arrays)[:, [LARGE, SMALL]]


def ahead(arrays):
    """At the most: de Finetti's independences, and the better of a coin and no edge.  -> [S, 2]"""
    none = (arrays["mode"] == 0).mean(axis=-1)
    coin = accuracy(arrays, "guessed")[:, LARGE]
    return np.stack([large(arrays), np.maximum(coin, none)], axis=1)


def distances(arrays):
    """Mean normalised Hamming distance.  -> [S, G]"""
    return arrays["distance"].mean(axis=-1)


def far(arrays):
    """At the fewest environments.  -> [S]"""
    return distances(arrays)[:, SMALL]


def near(arrays):
    """At the most.  -> [S]"""
    return distances(arrays)[:, LARGE]


def falls(arrays):
    """At the fewest and the most.  -> [S, 2]"""
    return distances(arrays)[:, [SMALL, LARGE]]


def forward(arrays):
    """Largest |I(X1; Y2 | X2)|.  -> [S]"""
    return abs(arrays["forward"]).max(axis=1)


def backward(arrays):
    """Geometric mean of I(Y1; X2 | Y2), at least 1e-16.  -> [S]"""
    return stats.geometric_mean(np.maximum(arrays["backward"], 1e-16))
