"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

Shapes: M sizes, S seeds, P norms of E.
"""

import numpy as np

from common import stats

GROWTH = 2 * np.log10(1 + np.sqrt(2))  # of log10 condition a state, in the limit
LARGE = 32  # from here on the power of N beside it is small


def growth(arrays):
    """log10 condition a state, between neighbouring sizes, and its limit.  -> [M' - 1, 2]"""
    large = arrays["exact_size"] >= LARGE
    size, condition = (arrays[name][large] for name in ("exact_size", "exact_condition"))
    slopes = np.diff(condition) / np.diff(size)
    return np.stack([slopes, np.full_like(slopes, GROWTH)], axis=1)


def repaired(arrays):
    """Largest condition over 4 N^1.5 (1 + |A| / |E|).  -> [S]"""
    return (arrays["condition"] / condition_bound(arrays)).max((0, 2, 3))


def condition_bound(arrays):
    """What some E of that norm reaches (Davies' conjecture, Banks et al.).  -> [M, 1, 1, P]"""
    size, spectral = (arrays[name][:, None] for name in ("size", "spectral"))
    return (4 * size**1.5 * (1 + spectral / arrays["epsilon"]))[:, None, None]


def backward(arrays):
    """Largest |V diag V^-1 - A - E| / |A|.  -> [S]"""
    return (arrays["backward"] / arrays["spectral"][:, None, None, None]).max((0, 2, 3))


def weak(arrays):
    """N and the normal part's error of the first state at fixed frequencies.  -> [S, 2, M]"""
    return stats.beside(arrays["weak_size"], arrays["weak"].T)


def peak(arrays):
    """Largest error of the first state at the largest N.  -> [S]"""
    return arrays["peak_first"][-1]


def place(arrays):
    """Its frequency over N^2 / pi.  -> [S]"""
    return arrays["peak_at"][-1] / (arrays["peak_size"][-1] ** 2 / np.pi)


def spread(arrays):
    """N and the normal part's largest error of all states.  -> [S, 2, M]"""
    return stats.beside(arrays["peak_size"], arrays["peak_norm"].T)


def uniform(arrays):
    """Largest error of PTD over 2 eps / (1 - 2 eps), worst of N, E and eps.  -> [S]"""
    return (arrays["uniform"] / error_bound(arrays["epsilon"])).max((0, 2, 3))


def error_bound(epsilon):
    """2 eps / (1 - 2 eps), for C of length one.  [P] -> [P]"""
    return 2 * epsilon / (1 - 2 * epsilon)


def linear(arrays):
    """eps and the largest error at the largest N, median over E.  -> [S, 2, P]"""
    return stats.beside(arrays["epsilon"], np.median(arrays["uniform"][-1], axis=1))


def tone(arrays):
    """Output errors under signals and tone: of normal part and PTD.  -> [S, 2]"""
    return arrays["noisy"]


def robust(arrays):
    """Accuracy lost to the tone in trained models: normal part, PTD.  -> [S, 2]"""
    return arrays["accuracy"][..., 0] - arrays["accuracy"][..., 1]


def harmless(arrays):
    """Clean accuracy of trained models: PTD less normal part.  -> [S]"""
    return arrays["accuracy"][:, 1, 0] - arrays["accuracy"][:, 0, 0]
