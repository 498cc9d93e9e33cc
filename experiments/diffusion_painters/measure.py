"""What the claims measure.  arrays of `run` -> float [seed, ...]; axes as in run's docstring."""

import numpy as np

from common import stats

OURS, THEORY = 0, 1  # kinds of trajectories
GAUSSIAN, ISOTROPIC, MEAN = 0, 1, 2  # references of the comparison of denoisers
CLAIMED = (2.0, 10.0)  # sigma / alpha where the theory should predict the net
LATE = 3  # jumps at times 0.8, 0.7, 0.6 are those of the claim


def closed_form(arrays):
    """Solved and closed form of the flow, every time of its own.  -> [instance, 2, D]"""
    pair = stats.beside(arrays["flow_solved"], arrays["flow_formula"])  # [seed, 2, …, D]
    return np.moveaxis(pair, 1, -2).reshape(-1, 2, pair.shape[-1])


def gain_form(arrays):
    """The same of the gain of a perturbation.  -> [instance, 2, K]"""
    pair = stats.beside(arrays["gain_solved"], arrays["gain_formula"])
    return np.moveaxis(pair, 1, -2).reshape(-1, 2, pair.shape[-1])


def planar(arrays):
    """Share of two components of the denoiser's trajectories.  -> [seed]"""
    return arrays["explained"][:, OURS].astype(float).sum(-1)


def planar_theory(arrays):
    """The same of the closed form.  -> [seed]"""
    return arrays["explained"][:, THEORY].astype(float).sum(-1)


def straight(arrays):
    """Share of the first component alone.  -> [seed]"""
    return arrays["explained"][:, OURS, 0].astype(float)


def commitment(arrays):
    """Ranks of lambda_k and of the time (from 1 down) at which its feature commits.

    Times to three decimals: what differs by rounding has one rank.  -> [seed, 2, pc]
    """
    found = np.round(arrays["half_time"].astype(float), 3)
    values = np.broadcast_to(arrays["values"][: found.shape[-1]], found.shape)
    return stats.beside(stats.ranks(values), stats.ranks(found))


def commitment_error(arrays):
    """Median over components of |half-time - predicted|.  -> [seed]"""
    return np.median(np.abs(arrays["half_time"] - arrays["half_predicted"]), axis=-1)


def gains(arrays):
    """Predicted and measured gain, all times and components.  -> [seed, 2, time x pc]"""
    predicted, found = (arrays[k].reshape(len(arrays["gain"]), -1) for k in ("gain_theory", "gain"))
    return stats.beside(predicted, found).astype(float)


def early_theory(arrays):
    """Error of the Gaussian denoiser over that of the better plain one: the worst noise level
    of the claim.  -> [seed]"""
    ratios, error = arrays["ratios"], arrays["error"].astype(float)
    within = (ratios >= CLAIMED[0]) & (ratios <= CLAIMED[1])
    plain = error[:, [ISOTROPIC, MEAN]].min(1)
    return (error[:, GAUSSIAN] / plain)[:, within].max(1)


def late_start(arrays):
    """Distance to the full run after a late start, over that by the isotropic theory: the worst of
    the claim's jumps.  -> [seed]"""
    distance = arrays["jump_distance"].astype(float)
    return (distance[:, 0] / distance[:, 1])[:, :LATE].max(1)


def late_quality(arrays):
    """Frechet distance to images after the last of the claim's jumps, over that of the full run.
    -> [seed]"""
    return (arrays["frechet"][:, LATE] / arrays["frechet"][:, 0]).astype(float)
