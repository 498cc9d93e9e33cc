"""What the claims are decided on: arrays of `run` -> numbers, one row a seed. Axes as there."""

import numpy as np

from common import stats

OFFICIAL, CORRECT = range(2)
NONE, WHOLE = range(2)  # places of these subsets


def every(arrays, value):
    """The same for every seed."""
    value = np.asarray(value, float)
    return np.broadcast_to(value, (len(arrays["seeds"]), *value.shape)).copy()


def largest(arrays):
    """R(S) / R(no stable variable), the largest of random binary laws.  -> [S]"""
    return arrays["largest"][:, 0]


def share(arrays):
    """Share of random binary laws where it is above 1.  -> [S]"""
    return arrays["share"][:, 0]


def over(arrays):
    """By how much it is above q + 1 / (4 q), at most.  -> [S]"""
    return arrays["over"]


def extremal(arrays):
    """Of extremal laws, and q + 1 / (4 q).  -> [law, 2, 1]"""
    return arrays["extremal"][..., None]


def simulated(arrays):
    """R(S) / R(no stable variable) - 1 of the simulation over its first order.  -> [S]"""
    return every(arrays, (arrays["simulated"] - 1) / (arrays["first_order"] - 1))


def excess(arrays):
    """R(S) - min R, largest of laws and graphs.  -> [S]"""
    return arrays["excess"].max(axis=1)


def classes(arrays):
    """Of the 256 subsets.  -> [S]"""
    return every(arrays, arrays["classes"])


def regressions(arrays):
    """Distinct ones of the 256.  -> [S]"""
    return arrays["regressions"].astype(float)


def predictions(arrays):
    """At a random point, by a subset and by its boundary.  -> [S, 2, 256]"""
    return arrays["predictions"]


def left(arrays):
    """Classes over subsets, geometric mean of graphs.  -> [S, d]"""
    return stats.geometric_mean(arrays["count"]) / 2.0 ** arrays["sizes"]


def ranked(arrays, kind=OFFICIAL):
    """Ranks of subsets by the adversary, and by the worst test environment.  -> [S, 2, N]"""
    return stats.beside(*(stats.ranks(arrays[name][:, kind]) for name in ("estimate", "worst")))


def ranked_correct(arrays):
    """Where regeneration is correct."""
    return ranked(arrays, CORRECT)


def selected(arrays, kind):
    """Worst test error of the subset with the least estimate.  -> [S]"""
    return stats.taken(arrays["worst"][:, kind], arrays["estimate"][:, kind].argmin(axis=1))


def whole(arrays, kind=OFFICIAL):
    """Worst test error of the whole set and of the selected one.  -> [S, 2]"""
    return np.stack([arrays["worst"][:, kind, WHOLE], selected(arrays, kind)], axis=1)


def whole_correct(arrays):
    """Where regeneration is correct."""
    return whole(arrays, CORRECT)


def pooled(arrays, kind=OFFICIAL):
    """Worst test error of regression on all data and of the selected set.  -> [S, 2]"""
    return np.stack([arrays["pooled"][:, kind], selected(arrays, kind)], axis=1)


def pooled_correct(arrays):
    """Where regeneration is correct."""
    return pooled(arrays, CORRECT)
