"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Methods by their place in config's `methods`: what stands there.
"""

import numpy as np

from common import stats

DESCENT, BALL, NESTEROV, TRIPLE, TUNED = range(5)
RANDOM = 0
ROUNDING = 1e-16  # what is smaller counts as this and has a logarithm too
SMALL = 0.03  # steps s of at most this, in 1 / L: the next order is sqrt(s L)
FALLING = (10, 300)  # steps k of the slope


def attraction(arrays):
    """Decay of |z + c grad f| over gamma, of the regression that is further from 1.  -> [seed]"""
    rate = -stats.line(arrays["watched"] + 0 * arrays["off"], np.log(arrays["off"])).slope
    ratio = rate / arrays["gamma"]
    return stats.taken(ratio, np.abs(ratio - 1).argmax(axis=1))


def modes(arrays):
    """x of a quadratic by steps and in closed form.  -> [instance seed, 2, T D]"""
    return arrays["modal"].reshape(*arrays["modal"].shape[:2], -1)


def separation(arrays):
    """eps and the distance from gradient flow, of the logistic regression.  -> [seed, 2, eps]"""
    return stats.beside(arrays["epsilons"], arrays["apart"][:, 1])


def tracking_nesterov(arrays):
    """Steps s and the sup distance from the dynamics, worse regression.  -> [seed, 2, fraction]"""
    return tracked(arrays, 0)


def tracking_ball(arrays):
    return tracked(arrays, 1)


def tracked(arrays, pair):
    small = arrays["fractions"] <= SMALL
    return stats.beside(
        arrays["fractions"][small], arrays["tracking"][:, pair].max(axis=1)[:, small]
    )


def triple_over_law(arrays):
    """Largest contraction a step over 1 - 1/sqrt kappa.  -> [seed]"""
    return arrays["worst"][:, TRIPLE] / arrays["rho"]


def nesterov_over_bound(arrays):
    """The same over sqrt(1 - 1/sqrt kappa)."""
    return arrays["worst"][:, NESTEROV] / np.sqrt(arrays["rho"])


def nesterov_and_triple(arrays):
    """Largest contraction a step of both.  -> [seed, 2]"""
    return arrays["worst"][:, [NESTEROV, TRIPLE]]


def ball_stays(arrays):
    """Largest |x_k| of three late steps, least of all starts.  -> [seed]"""
    return np.maximum(arrays["ends"][:, BALL, :, -3:].max(axis=-1).min(axis=-1), ROUNDING)


def others_converge(arrays):
    """The same of the other two, largest of all starts."""
    return floored(arrays["ends"][:, [NESTEROV, TRIPLE], :, -3:])


def tuned_converges(arrays):
    return floored(arrays["ends"][:, TUNED, :, -3:])


def floored(sizes):
    """Largest of every seed."""
    return np.maximum(sizes.reshape(len(sizes), -1).max(axis=1), ROUNDING)


def convex_slope(arrays):
    """Slope of the envelope of f(x_k) - f* from random starts.  -> [seed]"""
    envelope = np.maximum.accumulate(arrays["convex"][:, RANDOM, ::-1], axis=1)[:, ::-1]
    k = arrays["at"]
    late = (k >= FALLING[0]) & (k <= FALLING[1])
    return stats.loglog_slope(k[late] + 0 * envelope[:, late], envelope[:, late])


def convex_bound(arrays):
    """Largest f(x_k) - f* over its bound, of all steps and both starts.  -> [seed]"""
    return arrays["bounded"].max(axis=(1, 2))


def steps_of_nesterov(arrays):
    """kappa and the steps to an accuracy.  -> [seed, 2, kappa]"""
    return stats.beside(arrays["kappas"], arrays["needed"])


def steps_of_immersion(arrays):
    return stats.beside(arrays["kappas"], arrays["stepped"][:, 0])
