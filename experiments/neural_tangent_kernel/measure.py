"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

Shapes: W widths, S seeds, B members, A angles, k components, T records.
"""

import numpy as np

from common.stats import line

WIDEST = -1
FLOOR = 0.05  # of a residual: what is left of it when its decay is no longer fitted


# --- figure 1 ------------------------------------------------------------------------------------


def against_width(arrays, values):
    """values [W, S] -> [S, 2, W]"""
    width = np.broadcast_to(arrays["width"].astype(float), values.T.shape)
    return np.stack([width, values.T], axis=1)


def norm(matrix):
    return np.sqrt((matrix.astype(float) ** 2).sum((-2, -1)))


def deviations(arrays):
    """|Theta - Theta_inf| / |Theta_inf| of every network at the start.  -> [W, S, B]"""
    return norm(arrays["gram"] - arrays["limit_gram"]) / norm(arrays["limit_gram"])


def start_deviation(arrays):
    """Width and RMS deviation over members.  -> [S, 2, W]"""
    return against_width(arrays, np.sqrt((deviations(arrays) ** 2).mean(-1)))


def start_mean(arrays):
    """<mean kernel, limit> / <limit, limit> at the largest width.  -> [S]"""
    mean, limit = arrays["gram"][WIDEST].mean(1), arrays["limit_gram"]
    return (mean * limit).sum((-2, -1)) / (limit**2).sum()


def changes(arrays):
    """|Theta_T - Theta_0| / |Theta_0|, RMS over members.  -> [W, S]"""
    start, end = np.moveaxis(arrays["gram_pair"], 3, 0)
    return np.sqrt(((norm(end - start) / norm(start)) ** 2).mean(-1))


def kernel_change(arrays):
    """Width and relative change of the kernel in training.  -> [S, 2, W]"""
    return against_width(arrays, changes(arrays))


def kernel_change_widest(arrays):
    return changes(arrays)[WIDEST]


def linear_errors(arrays):
    """|f_T - f_lin| / |f_0 - y| on the training points, RMS over members.  -> [W, S]"""
    start, last, predicted = np.moveaxis(arrays["trained"].astype(float), 3, 0)
    goal = arrays["goal"][None, :, None]
    ratio = ((last - predicted) ** 2).sum(-1) / ((start - goal) ** 2).sum(-1)
    return np.sqrt(ratio.mean(-1))


def linear_paths(arrays):
    """Largest |f_t - f_lin,t| / |f_0 - y| along training, RMS over members.  -> [W, S]"""
    return np.sqrt((arrays["apart"].astype(float).max(-1) ** 2).mean(-1))


def linear_error(arrays):
    """Width and error of the linear prediction along training.  -> [S, 2, W]"""
    return against_width(arrays, linear_paths(arrays))


def linear_error_widest(arrays):
    return linear_errors(arrays)[WIDEST]


# --- figure 2 ------------------------------------------------------------------------------------


def law_mean(arrays):
    """Difference of means in standard errors, RMS over angles, largest width.  -> [S]"""
    (mean, variance), curves = arrays["law"], arrays["curves"][WIDEST]
    z = (curves.mean(1) - mean) / np.sqrt(variance / curves.shape[1])
    return np.sqrt((z**2).mean(-1))


def law_variance(arrays):
    """Variance over that of the law, geometric mean over angles, largest width.  -> [S]"""
    ratio = arrays["curves"][WIDEST].astype(float).var(1, ddof=1) / arrays["law"][1]
    return np.exp(np.log(ratio).mean(-1))


def law_normal(arrays):
    """Fraction of the angles with a Kolmogorov-Smirnov p above 0.01, largest width.  -> [S]"""
    (mean, variance), curves = arrays["law"], arrays["curves"][WIDEST]
    return (ks_p((curves - mean) / np.sqrt(variance)) > 0.01).mean(-1)


def ks_p(values):
    """p of standard normal values along axis 1 (Stephens' correction).  [S, n, A] -> [S, A]"""
    from scipy.special import kolmogorov, ndtr

    p, n = ndtr(np.sort(values.astype(float), axis=1)), values.shape[1]
    i = np.arange(n)[:, None]
    distance = np.maximum(p - i / n, (i + 1) / n - p).max(1)
    return kolmogorov(distance * (np.sqrt(n) + 0.12 + 0.11 / np.sqrt(n)))


# --- figure 3 ------------------------------------------------------------------------------------


def residuals(arrays, width=WIDEST):
    """What is left along every component of the goal that has them all.  -> [S, T, k]"""
    return 1 - arrays["along"][width].astype(float)


def rates(arrays, width=WIDEST):
    """Decay of the residual a step, from a line through its logarithm.  -> [S, k]

    Fitted to the steps before the residual first falls below FLOOR, three at least.
    """
    left = residuals(arrays, width)
    low = left < FLOOR
    ends = np.where(low.any(1), low.argmax(1), left.shape[1])
    found = np.zeros(ends.shape)
    for at in np.ndindex(*ends.shape):
        y = left[at[0], : max(ends[at], 3), at[1]]
        found[at] = -line(np.arange(len(y)), np.log(np.maximum(y, 1e-6))).slope
    return found


def predicted_rates(arrays):
    """-log(1 - lr lambda_i / N).  -> [S, k]"""
    return -np.log1p(-arrays["rate_lr"] * arrays["value"])


def rate_eigenvalue(arrays, components=slice(0, 10)):
    """Logarithms of eigenvalue and fitted rate, first ten components, widest.  -> [S, 2, 10]"""
    fitted = np.maximum(rates(arrays), 1e-12)
    return np.stack([np.log(arrays["value"]), np.log(fitted)], axis=1)[..., components]


def rate_eigenvalue_rest(arrays):
    """The same without the first component, whose eigenvalue is far from the others."""
    return rate_eigenvalue(arrays, slice(1, 11))


def rate_ratio(arrays):
    """Fitted over predicted rate, median over components, widest network.  -> [S]"""
    return np.median(rates(arrays) / predicted_rates(arrays), axis=-1)


def leakage(arrays):
    """Largest deviation orthogonal to the second component.  -> [S, W]"""
    return arrays["beside"].max(-1).T


# --- positive definiteness -----------------------------------------------------------------------


def positive(arrays):
    """The least lambda_min / lambda_max of the sets, 1e-18 where it is not positive.  -> [S]"""
    low, high = np.moveaxis(arrays["definite"], -1, 0)
    return np.maximum(low / high, 1e-18).min(-1)


def singular(arrays):
    """The largest |lambda_min| / lambda_max without a nonlinearity.  -> [S]"""
    low, high = np.moveaxis(arrays["definite_linear"], -1, 0)
    return np.maximum(np.abs(low / high), 1e-18).max(-1)
