"""What the claims are decided on: arrays of `run` -> numbers, one row a seed. Axes as there."""

import numpy as np

LOW = 16  # dimensions up to here are the claim lsb3, more are lsb3-high


def gaussian_error(arrays):
    """|S / closed form - 1|, the worst eps and dimension.  -> [seed]"""
    return np.abs(arrays["gauss_s"] - 1).max(axis=(1, 2))


def gaussian_gap(arrays):
    """Excess of the expected loss over its least in nats, the worst eps.  -> [seed]"""
    return arrays["gauss_gap"].max(axis=1)


def identity_z(arrays):
    """KL less excess loss in standard errors, RMS over dimensions, records and eps.  -> [seed]"""
    value, error = np.moveaxis(arrays["kl"].astype(float), -2, 0)
    z = (value[..., 0] - value[..., 1]) / np.hypot(error[..., 0], error[..., 1])
    return np.sqrt((z**2).mean(axis=(1, 2, 3)))


def uvp_low(arrays):
    """cBW2-UVP in percent, the worst eps up to 1 and dimension up to 16.  -> [seed]"""
    return _worst(arrays, arrays["dim"] <= LOW)


def uvp_high(arrays):
    """The same in more than 16 dimensions.  -> [seed]"""
    return _worst(arrays, arrays["dim"] > LOW)


def _worst(arrays, dims):
    return arrays["uvp"][:, dims][:, :, arrays["eps"] <= 1].max(axis=(1, 2))


def plan_cost(arrays):
    """E |y - x|^2 of the plans along increasing eps.  -> [seed, eps]"""
    return arrays["cost"]


def cost_over_transport(arrays):
    """Cost at the least eps over that of optimal transport.  -> [seed]"""
    return arrays["cost"][:, 0] / arrays["assigned"].mean(1)


def entropic_ratio(arrays):
    """Cost over optimal transport against the same of Sinkhorn's plans: worst |log|.  -> [seed]"""
    ours = arrays["cost"] / arrays["assigned"].mean(1, keepdims=True)
    theirs = arrays["sinkhorn"] / arrays["sinkhorn_assigned"][:, None]
    return np.abs(np.log(ours / theirs)).max(axis=1)


def sampler_z(arrays):
    """Log sliced W1 between SDE and plan in standard deviations of relabelled points: the worse of
    t = 1/2 and 1.  -> [seed]"""
    return ((np.log(arrays["w1"]) - arrays["null_mean"]) / arrays["null_std"]).max(axis=1)
