"""What is kept of many realisations, in NumPy.  Shapes: R realisations."""

import numpy as np
from scipy.special import ndtr


def kolmogorov(z) -> np.ndarray:
    """Largest distance of the empirical distribution from N(0, 1).  z [..., R] -> [...]"""
    z = np.sort(z, axis=-1)
    many = z.shape[-1]
    below, normal = np.arange(many) / many, ndtr(z)
    return np.maximum(normal - below, below + 1 / many - normal).max(axis=-1)


def largest(x, share: float) -> np.ndarray:
    """The largest ceil(share R) and the one after them, falling.  x [..., R] -> [..., k + 1]"""
    keep = int(np.ceil(share * x.shape[-1])) + 1
    return np.sort(x, axis=-1)[..., : -keep - 1 : -1]


def spread_out(x, many: int) -> np.ndarray:
    """At most `many` order statistics at even ranks, of all seeds.  x [S, K, R] -> [K, <= many]"""
    x = np.sort(np.concatenate(x, axis=-1), axis=-1)
    return x[..., np.linspace(0, x.shape[-1] - 1, min(many, x.shape[-1])).astype(int)]
