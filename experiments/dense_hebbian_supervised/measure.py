"""What the claims are decided on: arrays of `run` -> numbers, one row a seed. Axes as there."""

import numpy as np

PAIR, DENSE = 0, 1
PLACE = 2  # of rho = 0.3 among those of many classes


def curve(arrays):
    """Largest difference from erf(1 / sqrt(2 rho)), of all P and M.  -> [S]"""
    return abs(arrays["low"] - arrays["low_law"]).max(axis=(1, 2))


def orders(arrays):
    """Largest difference between two P at one M.  -> [S]"""
    return np.ptp(arrays["low"], axis=1).max(axis=1)


def stored(arrays):
    """Overlap below the limit, mean over N.  -> [S]"""
    return arrays["stored"].mean(axis=1)


def lost(arrays):
    """Overlap above the limit, mean over N.  -> [S]"""
    return arrays["lost"].mean(axis=1)


def pair(arrays):
    """Overlap of P = 2 with as many classes, mean over N.  -> [S]"""
    return arrays["pair"].mean(axis=1)


def drop(arrays):
    """Overlaps below and above the limit, means over N.  -> [S, 2]"""
    return np.stack([stored(arrays), lost(arrays)], axis=1)


def noisy(arrays):
    """Overlap less that of the equations, mean over rho.  -> [S]"""
    return (arrays["noisy"] - arrays["noisy_law"]).mean(axis=1)


def poor(arrays):
    """Overlaps by rho at one load.  -> [S, rho]"""
    return arrays["poor"]


def limits(arrays):
    """Where the equations lose retrieval, and the closed form.  -> [P, 2, 1]"""
    return np.stack([arrays["limit"], arrays["limit_law"]], axis=1)[..., None]


def ultra(arrays):
    """Overlaps of P = 4 and P = 2 at rho = 0.3.  -> [S, 2]"""
    return arrays["ultra"][:, [DENSE, PAIR], PLACE]


def ultra_curve(arrays):
    """Overlap of P = 4 less the curve of low load, mean over rho.  -> [S]"""
    return (arrays["ultra"][:, DENSE] - arrays["ultra_law"]).mean(axis=1)


def digits(arrays):
    """Overlaps by examples, P = 4.  -> [S, shots]"""
    return arrays["digits"][:, DENSE]
