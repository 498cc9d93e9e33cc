"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Axes as in `run.run`; kind 0 is the Hessian, 1 the Gauss-Newton matrix; end 0 is the most negative
eigenvalue, 1 the largest; method 0 is SGD, 1 Adam.
"""

import numpy as np

from common import stats

BOTTOM, TOP = 0, 1
SGD, ADAM = 0, 1
DIVERGED = 2.0  # loss over the loss at w
LEAST = 8  # batch size from which the laws of spectra are fitted: below, one sample is an outlier
SMALL = 4  # batch sizes, the smallest ones, over which learning rates are fitted


def spike_law(theta):
    """Largest eigenvalue of the spiked Wigner model.  [T] -> [T]"""
    return np.where(theta > 1, theta + 1 / theta, 2.0)


def overlap_law(theta):
    """Squared overlap of its eigenvector with the spike.  [T] -> [T]"""
    return np.where(theta > 1, 1 - 1 / theta**2, 0.0)


def spike_error(arrays):
    """Largest relative distance from the law over theta.  -> [seed]"""
    return np.abs(arrays["spike"] / spike_law(arrays["theta"]) - 1).max(-1)


def overlap_error(arrays):
    """Largest distance from the law over theta.  -> [seed]"""
    return np.abs(arrays["overlap"] - overlap_law(arrays["theta"])).max(-1)


def effective(arrays):
    """b = B / (1 - B / N): draws without replacement leave less noise.  -> [B]"""
    return arrays["sizes"] / (1 - arrays["sizes"] / arrays["samples"])


def least_ratio(arrays, end):
    """Mean over batches where it is least, of sizes up to N/4, and the full value.  -> [seed, 2]"""
    inside = arrays["sizes"] <= arrays["samples"] / 4
    batch = np.abs(arrays["mean"][:, 0, end][:, inside]).min(-1)
    return stats.beside(batch, np.abs(arrays["full"][:, 0, end]))


def top_batch_full(arrays):
    """Largest eigenvalues.  -> [seed, 2]"""
    return least_ratio(arrays, TOP)


def bottom_batch_full(arrays):
    """Magnitudes of the most negative eigenvalues.  -> [seed, 2]"""
    return least_ratio(arrays, BOTTOM)


def top_by_size(arrays):
    """Mean largest eigenvalue of the Hessian.  -> [seed, B]"""
    return arrays["mean"][:, 0, TOP]


def fitted(arrays):
    """Sizes from LEAST to N/8, over which the laws in 1/b are fitted.  -> bool [B]"""
    return (arrays["sizes"] >= LEAST) & (arrays["sizes"] <= arrays["samples"] / 8)


def against_batch(arrays, values):
    """values [seed, B] at the fitted sizes.  -> [seed, 2, x]"""
    keep = fitted(arrays)
    return stats.beside(effective(arrays)[keep], values[:, keep])


def inflation(arrays, kind):
    """Mean largest eigenvalue over batches, less the full one.  -> [seed, B]"""
    return arrays["mean"][:, kind, TOP] - arrays["full"][:, kind, TOP, None]


def inflation_law(arrays):
    """Effective batch and inflation of the Hessian's outlier.  -> [seed, 2, x]"""
    return against_batch(arrays, inflation(arrays, 0))


def inflation_law_ggn(arrays):
    """The same of the Gauss-Newton matrix.  -> [seed, 2, x]"""
    return against_batch(arrays, inflation(arrays, 1))


def edge_law(arrays):
    """Effective batch and magnitude of the most negative eigenvalue.  -> [seed, 2, x]"""
    return against_batch(arrays, -arrays["mean"][:, 0, BOTTOM])


def noise_law(arrays):
    """Effective batch and the noise's scale sigma sqrt(P / b), read off the negative edge.

    The theorem inverted: with lambda = |lambda_min(H)| and m that of H_B, s = m / 2 below the
    threshold lambda < s, and m = lambda + s^2 / lambda above it.  -> [seed, 2, x]
    """
    least = -arrays["full"][:, 0, BOTTOM, None]
    batch = -arrays["mean"][:, 0, BOTTOM]
    above = np.sqrt(np.maximum(least * (batch - least), 1e-300))
    return against_batch(arrays, np.where(batch > 2 * least, batch / 2, above))


def sample_variance(arrays):
    """P sigma^2 = (E_i |H_i|_F^2 - |H|_F^2) / P, from the smallest batches.  -> [seed]

    The mean of |H_B|_F^2 exceeds |H|_F^2 by P^2 sigma^2 / b.
    """
    return effective(arrays)[0] * (arrays["square"][:, 0, 0] - arrays["full_square"][:, 0])


def largest_rate(arrays, method):
    """Largest stable learning rate: where the largest loss first passes DIVERGED times that at w.

    Log-linear within the step of the grid.  -> [seed, B], geometric mean over trials; nan where no
    learning rate, or the smallest, diverges
    """
    lrs, peak = np.log(arrays["lrs"][method]), np.log(arrays["peak"][method])
    diverged = peak > np.log(DIVERGED)
    first = diverged.argmax(-1)
    found = diverged.any(-1) & (first > 0)
    last = np.maximum(first - 1, 0)
    low, high = (np.take_along_axis(peak, i[..., None], -1)[..., 0] for i in (last, first))
    part = (np.log(DIVERGED) - low) / np.where(found, high - low, 1.0)
    rate = np.where(found, lrs[last] + part * (lrs[first] - lrs[last]), np.nan)
    return np.exp(rate.mean(-1))


def small_slope(arrays, method):
    """Log-log slope of the largest stable learning rate over the smallest sizes.  -> [seed]"""
    rate = largest_rate(arrays, method)[:, :SMALL]
    return stats.loglog_slope(arrays["sizes"][:SMALL], rate)


def sgd_slope(arrays):
    return small_slope(arrays, SGD)


def adam_slope(arrays):
    return small_slope(arrays, ADAM)


def slopes(arrays):
    """Of SGD and of Adam.  -> [seed, 2]"""
    return stats.beside(sgd_slope(arrays), adam_slope(arrays))


def sgd_saturation(arrays):
    """Log-log slope of SGD's largest stable learning rate over the two largest sizes.  -> [seed]"""
    return stats.loglog_slope(arrays["sizes"][-2:], largest_rate(arrays, SGD)[:, -2:])


def edge_distance(arrays):
    """Largest factor, up or down, between it and 2 / mean lambda_1(H_B), over sizes.  -> [seed]"""
    factor = largest_rate(arrays, SGD) * top_by_size(arrays) / 2
    return np.exp(np.abs(np.log(factor)).max(-1))


def lanczos_tuned(arrays):
    """2 / mean lambda_1(H_B) over SGD's best learning rate, at the largest size.  -> [seed]

    Best: the least loss after all steps, geometric mean over trials.
    """
    best = arrays["lrs"][SGD][arrays["final"][SGD][:, -1].argmin(-1)]
    return 2 / top_by_size(arrays)[:, -1] / stats.geometric_mean(best)
