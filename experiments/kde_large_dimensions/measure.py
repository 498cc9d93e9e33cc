"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

By their place: squares (h / h_G)^2 are two below condensation and one above; those of tails are
one below, BETWEEN three from there to h_CLT, and one above it, CLT.
"""

import numpy as np

from common import stats

from . import theory

ABOVE, BETWEEN, MIDDLE, CLT = 2, slice(1, 4), 2, 4


def few(arrays):
    """Least share of the two bandwidths below h_G, largest d.  -> [S]"""
    return arrays["square_share"][:, -1, :ABOVE].min(axis=-1)


def over_law(arrays):
    """Geometric mean of shares over the exact law, all d and squares.  -> [S]"""
    ratio = arrays["square_share"] / arrays["law_square"]
    return stats.geometric_mean(ratio.reshape(len(ratio), -1))


def share_limit(arrays):
    """Shares of the law at the largest d beside 1 - (h / h_G)^2, 0 above.  -> [square, 2]"""
    limit = np.maximum(1 - arrays["square"], 0)
    return np.stack([arrays["far_square"][-1], limit], axis=1)


def fading(arrays):
    """Shares above h_G along d.  -> [S, D]"""
    return arrays["square_share"][:, :, ABOVE]


def normal(arrays):
    """Distance to N(0, 1) above h_CLT, largest d.  -> [S]"""
    return arrays["ks"][:, -1, CLT]


def not_normal(arrays):
    """Distance to N(0, 1) between h_G and h_CLT, along d.  -> [S, T]"""
    return arrays["ks"][:, :, MIDDLE]


def hill(arrays):
    """Hill's estimate of the exponent of the upper tail, centred.  -> [S, T, 5]"""
    log_x = np.log(np.maximum(arrays["excess"], 1e-300))
    return 1 / (log_x[..., :-1] - log_x[..., -1:]).mean(axis=-1)


def expected(arrays):
    """The exponent of the density's own tail where Hill's estimate looks.  -> [T, 5]"""
    given = arrays["alpha"], arrays["tail_dim"], arrays["tail_square"]
    return theory.tail_exponent(*given, float(arrays["top"]))


def over_exponent(arrays):
    """Geometric mean of Hill over what is expected: between, all d but the first.  -> [S]"""
    ratio = (hill(arrays) / expected(arrays))[:, 1:, BETWEEN]
    return stats.geometric_mean(ratio.reshape(len(ratio), -1))


def exponents(arrays):
    """Hill's estimate by bandwidth, geometric mean over d.  -> [S, 3]"""
    return stats.geometric_mean(hill(arrays)[:, :, BETWEEN], axis=1)


def approach(arrays):
    """Hill over (h / h_G)^2, mean of the lower two between: smallest d, largest d.  -> [S, 2]"""
    ratio = (hill(arrays) / arrays["tail_square"])[:, :, BETWEEN][..., :2].mean(axis=-1)
    return ratio[:, [0, -1]]


def borders(arrays):
    """h_CLT / h_G and the square root of 2.  -> [alpha, 2]"""
    return arrays["border"]


def least_kl(arrays):
    """h / h_G and KL at the largest d.  -> [S, 2, K]"""
    return stats.beside(arrays["ratio"], arrays["kl"][:, -1])


def share_at_least(arrays):
    """Share at the bandwidth of least KL, largest d.  -> [S]"""
    return stats.taken(arrays["share"][:, -1], arrays["kl"][:, -1].argmin(axis=-1))


def gain(arrays):
    """(1/d) KL at h_G less that at the limit of the optimum, along d.  -> [S, D]"""
    best = theory.optimum(float(arrays["alpha"])) / arrays["h_g"]
    at = [abs(arrays["ratio"] - one).argmin() for one in (best, 1.0)]
    return arrays["kl"][:, :, at[1]] - arrays["kl"][:, :, at[0]]


def branches(arrays):
    """(1/d) KL as d grows, of every bandwidth.  -> [K]"""
    h = arrays["ratio"] * arrays["h_g"]
    return theory.kl(theory.log_density(float(arrays["alpha"]), h))


def deviation(arrays):
    """Largest distance to the branches over bandwidths, along d.  -> [S, D]"""
    return abs(arrays["kl"] - branches(arrays)).max(axis=-1)


def deviation_last(arrays):
    """The same at the largest d.  -> [S]"""
    return deviation(arrays)[:, -1]


def off_law(arrays):
    """(1/d) KL less that of the exact law, mean over d and bandwidths.  -> [S]"""
    return (arrays["kl"] - arrays["law_kl"]).mean(axis=(1, 2))


def kl_limit(arrays):
    """(1/d) KL of the law at the largest d beside the branches.  -> [K, 2]"""
    return np.stack([arrays["far_kl"][-1], branches(arrays)], axis=1)


def vector_spread(arrays):
    """Standard deviation from vectors over the exact one, above h_CLT.  -> [S]"""
    return arrays["vector_spread"]


def vector_share(arrays):
    """Share from vectors over the law, below h_G.  -> [S]"""
    return arrays["vector_share"]
