"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

Shapes: S seeds, C conditions.
"""

import numpy as np

AFFINE, LOG, BURES = range(3)
NONE, RBN, PLAIN, LEARNED = range(4)
ILL = 0.99e6  # condition numbers from here on are ill
ROUNDING = 1e-6  # what is below comes of float64, not of the first turn


def mean(arrays):
    """Largest |mean - I| of the centred batches.  -> [S]"""
    return arrays["centred"].max(1)


def variance(arrays):
    """Largest |log| of variance over the square of the spread.  -> [S]"""
    return np.abs(np.log(arrays["variance"])).max(1)


def first(arrays):
    """|mean - I| after one turn, along condition numbers.  -> [S, C]"""
    return np.maximum(arrays["first"], ROUNDING)


def ill(arrays, metric: int):
    """Distance moved at ill conditions.  -> [S, C']"""
    return arrays["moved"][:, arrays["condition"] > ILL, metric]


def stable(arrays):
    """Largest Bures-Wasserstein distance moved at ill conditions.  -> [S]"""
    return ill(arrays, BURES).max(1)


def blown(arrays):
    """Distance moved: affine-invariant and Bures, where their ratio is least.  -> [S, 2]"""
    both = np.stack([ill(arrays, AFFINE), ill(arrays, BURES)], -1)
    worst = (both[..., 0] / both[..., 1]).argmin(1)
    return np.take_along_axis(both, worst[:, None, None], 1)[:, 0]


def closed(arrays):
    """Distances moved and their closed forms, each by itself.  -> [S C 3, 2, 1]"""
    both = np.stack([arrays["moved"], arrays["moved_law"]], axis=-1)
    return both.reshape(-1, 2, 1)


def pullback(arrays):
    """Squared distance in the metric of M by two formulas.  -> [S, 2, 1]"""
    return arrays["pullback"][..., None]


def limit(arrays):
    """d^2 of powers at the least theta, and its limit.  -> [S, 2, 1]"""
    return arrays["limit"][..., None]


def gained(arrays, method: int):
    """Accuracy at the end, beyond that without normalisation.  -> [S, level]"""
    end = arrays["accuracy"][..., -1]
    return end[..., method] - end[..., NONE]


def improves(arrays):
    """Accuracy with the generalised layer and without, mean over levels.  -> [S, 2]"""
    return arrays["accuracy"][..., -1].mean(1)[:, [LEARNED, NONE]]


def beats_affine(arrays):
    """Accuracy at the worst level: generalised layer, affine layer.  -> [S, 2]"""
    return arrays["accuracy"][:, -1, [LEARNED, RBN], -1]


def grows(arrays):
    """Gain at the worst level and at the best.  -> [S, 2]"""
    return gained(arrays, LEARNED)[:, [-1, 0]]
