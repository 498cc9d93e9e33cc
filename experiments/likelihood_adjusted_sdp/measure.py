"""What the claims are decided on: arrays of a run -> numbers, one row a seed."""

import numpy as np

KMEANS, SDP, EM, ITERATED, KNOWN = range(5)  # of the methods
TRAPPED = 0.2  # an error above it: a cluster is split and two are one


def lift(arrays):
    """Lifted value and likelihood of every partition.  -> [instance, 2, 1]"""
    return arrays["lift"][..., None]


def excess(arrays):
    """Value of LA-SDP over that of the truth, relative, least over all distances.  -> [seed]"""
    return arrays["excess"].min(1)


def tight(arrays):
    """Whether LA-SDP is integral and right, at the largest distance.  -> [seed case]"""
    last = arrays["distance"] == arrays["distance"].max()
    right = (arrays["gap"] < 1e-4) & (arrays["second"] < 1e-3) & (arrays["error"] == 0)
    return right[:, last].astype(float).ravel()


def plane(arrays):
    """Mean errors of the methods on data of two coordinates.  -> [seed, method]"""
    return arrays["crossed"][:, arrays["dim"] == 2].mean(1)


def known_ahead(arrays):
    """Error of K-means or its SDP, the lower one, and of LA-SDP.  -> [seed, 2]"""
    return ahead(arrays, KNOWN)


def iterated_ahead(arrays):
    """Error of K-means or its SDP, the lower one, and of iLA-SDP.  -> [seed, 2]"""
    return ahead(arrays, ITERATED)


def ahead(arrays, method):
    error = plane(arrays)
    return np.stack([error[:, [KMEANS, SDP]].min(1), error[:, method]], axis=1)


def traps(arrays):
    """Shares of EM's random starts and of iLA-SDP's data sets that end trapped.  -> [seed, 2]"""
    em, ours = arrays["far_em"][..., -1] > TRAPPED, arrays["far"][:, :, 0, -1] > TRAPPED
    return np.stack([em.mean((1, 2)), ours.mean(1)], axis=1)


def em_from_sdp(arrays):
    """Whether EM from the SDP's labels ends trapped.  -> [seed set]"""
    return (arrays["far_em_sdp"] > TRAPPED).astype(float).ravel()


def high(arrays):
    """Errors of EM and of iLA-SDP from the same labels, mean above p = 2.  -> [seed, 2]"""
    return arrays["crossed"][:, arrays["dim"] > 2].mean(1)[:, [EM, ITERATED]]


def gains(arrays):
    """Least gain of the relaxed likelihood a point, of all rounds, starts and sets.  -> [seed]"""
    return np.diff(arrays["far_value"]).min((1, 2, 3))
