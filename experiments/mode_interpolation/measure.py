"""What the claims measure.  arrays of `run` -> float [seed, …]; axes as in run's docstring."""

import math

import numpy as np

RETAINED = 0.96  # share of samples within the modes that the filter keeps
LEAST = 50  # hallucinations a seed, or the detector is not judged


def tails(width, reach):
    """Mass of N(0, width^2) farther than reach from 0."""
    return np.vectorize(math.erfc)(reach / (np.sqrt(2) * width))


def width(arrays):
    """Root mean square of the standard deviations within the modes, finished network.  -> [seed]"""
    return np.sqrt((arrays["widths"][:, -1].astype(float) ** 2).mean(-1))


def excess(arrays):
    """Mass far from all modes over that of the exact denoiser's chain, or over that of Gaussian
    modes as wide as the network's, whichever is more.  -> [seed]"""
    far, exact = arrays["far"][:, -1].astype(float), float(arrays["exact_far"])
    return far / np.maximum(exact, tails(width(arrays), arrays["reach"]))


def training(arrays):
    """Mass far from all modes along the training.  -> [seed, L]"""
    return arrays["far"].astype(float)


def smoothness(arrays):
    """Largest slope of the network's x_0 in a gap over that of the exact one: the worst small level
    and gap.  -> [seed]"""
    ratio = arrays["slope"].astype(float) / arrays["exact_slope"]
    return ratio.max((1, 2))


def nearest(arrays):
    """Mass per unit length in gaps between nearest modes (geometric mean) and in the widest gap.

    -> [seed, 2]"""
    distance = np.diff(arrays["modes"])
    rate = arrays["gaps"][:, -1].astype(float) / (distance - 2 * arrays["reach"])
    close = distance == distance.min()
    return np.stack([np.exp(np.log(rate[:, close]).mean(1)), rate[:, distance.argmax()]], 1)


def confusion(arrays):
    """Area above the detector's ROC curve; nan where it had too few hallucinations.  -> [seed]"""
    return enough(arrays, 1 - arrays["auroc"])


def removal(arrays):
    """Share of hallucinations removed where 96 % within the modes are kept.  -> [seed]"""
    at = np.abs(arrays["share_kept"] - RETAINED).argmin()
    return enough(arrays, arrays["removed"][:, at])


def enough(arrays, values):
    return np.where(arrays["positives"] >= LEAST, values.astype(float), np.nan)
