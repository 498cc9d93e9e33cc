"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

Shapes: S seeds, I instances, G gammas, E noises, T times, F frequencies.
"""

import numpy as np

from common import stats

VELOCITY, SCORE = 0, 1


def gap(arrays):
    """The largest Kolmogorov-Smirnov distance of all noises, gammas and times over its critical
    value, which one of them exceeds by chance with probability 1 % (Bonferroni).  -> [S]"""
    return arrays["gaps"].max(axis=(1, 2, 3)) / critical(arrays)


def critical(arrays):
    """Of sqrt(n) times a distance, for as many comparisons as a seed has."""
    from scipy.special import kolmogi

    return kolmogi(0.01 / arrays["gaps"][0].size)


def fit_error(arrays):
    """Relative L2 error of the losses' minimisers, the worst of times and fields.  -> [S]"""
    return arrays["errors"].max(axis=(1, 2))


def bound_holds(arrays):
    """1 where KL <= path <= bound at every noise.  -> [S x I]"""
    kl, path, bound = arrays["kl"], arrays["path"], arrays["bound"]
    return ((kl <= path) & (path <= bound)).all(axis=-1).ravel().astype(float)


def wave_kl(arrays):
    """KL of the first noise along the frequency of the velocity's error.  -> [S, F]"""
    return arrays["wave_kl"][:, 0]


def valley(density):
    """The lowest density between the outermost maxima over the highest.  [..., X] -> [...]"""

    def one(p):
        inner = p[1:-1]
        peaks = 1 + np.flatnonzero((inner > p[:-2]) & (inner >= p[2:]))
        return p[peaks[0] : peaks[-1] + 1].min() / p.max()

    return np.apply_along_axis(one, -1, density.astype(float))


def filled(arrays):
    """Valley over peak half-way, along a in gamma = sqrt(a t (1 - t)).  -> [S, gain]"""
    return valley(arrays["density"])


def filled_by_noise(arrays):
    """The same with the second a and with the first.  -> [S, 2]"""
    return filled(arrays)[:, 1::-1]


def smoothed(arrays):
    """Largest |db/dx| half-way with the first a and with the second.  -> [S, 2]"""
    return arrays["slope"][:, :2]


def _scatter_ratio(arrays, field):
    ratio = arrays["plain"][..., field] / arrays["paired"][..., field]
    return stats.beside(arrays["end_time"], ratio)


def scatter_score(arrays):
    """Time and variance of a plain over that of an antithetic gradient of the score's loss.

    -> [S, 2, T]
    """
    return _scatter_ratio(arrays, SCORE)


def scatter_velocity(arrays):
    """The same of the velocity's loss.  -> [S, 2, T]"""
    return _scatter_ratio(arrays, VELOCITY)


def learned(arrays):
    """Energy distance to the target of the ODE and of the SDE, first gamma.  -> [S, 2]"""
    return arrays["energy"][:, 0, :2]
