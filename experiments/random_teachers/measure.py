"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Axes as in `run.run`: arms are the alphas, then noise; a student near its teacher starts as it.
"""

import numpy as np

from common import stats

NEAR, INDEPENDENT, NOISE = 0, -2, -1  # arms
HOME, AWAY = 0, 1  # data sets
RIDGE, NEIGHBOURS = 0, 1  # probes


def gains(arrays, probe=RIDGE, data=HOME):
    """Accuracy minus that of the near student's start, the teacher up to alpha.  -> [S, arm, R]"""
    found = arrays["accuracy"][:, :, :, data, probe]
    return found - found[:, NEAR, 0, None, None]


def gain(arrays):
    """Of the ridge probe at the end.  -> [seed]"""
    return gains(arrays)[:, NEAR, -1]


def neighbours_gain(arrays):
    """-> [seed]"""
    return gains(arrays, NEIGHBOURS)[:, NEAR, -1]


def transferred_gain(arrays):
    """Probed on the other data set.  -> [seed]"""
    return gains(arrays, RIDGE, AWAY)[:, NEAR, -1]


def quarter_of_gain_and_noise(arrays):
    """A quarter of the gain on images, and the gain on noise.  -> [seed, 2]"""
    end = gains(arrays)[..., -1]
    return stats.beside(end[:, NEAR] / 4, end[:, NOISE])


def near_and_independent(arrays):
    """Accuracy of the ridge probe at the end.  -> [seed, 2]"""
    end = gains(arrays)[..., -1]
    return stats.beside(end[:, NEAR], end[:, INDEPENDENT])


def divergences(arrays):
    """KL of an independent network, and the largest of a batch near the teacher.  -> [seed, 2]"""
    return stats.beside(arrays["kl"][:, INDEPENDENT, 0], arrays["peak"][:, NEAR, -1])


def moved(arrays):
    """Distance of the encoder from its start at the end, over its length.  -> [seed]"""
    return arrays["moved"][:, NEAR, -1]


def drifted(arrays):
    """Distance of the features from those at the start, over their length.  -> [seed]"""
    return arrays["drift"][:, NEAR, -1]


def slope_at_teacher(arrays):
    """Norm of the gradient at alpha = 0 over that at the smallest other alpha.  -> [seed]"""
    return arrays["gradient"][:, 0] / arrays["gradient"][:, 1]


def slope_by_alpha(arrays):
    """alpha, norm of the gradient.  -> [seed, 2, alpha]"""
    norms = arrays["gradient"][:, 1:]
    return np.stack([np.broadcast_to(arrays["gradient_alpha"][1:], norms.shape), norms], axis=1)


def barriers(arrays):
    """Height of the test loss above the chord, from teacher and from student.  -> [seed, 2]"""
    losses, at = arrays["segment"], arrays["segment_at"]
    chord = (1 - at) * losses[..., :1] + at * losses[..., -1:]
    return np.max(losses - chord, axis=-1)
