"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

Shapes: W widths, S seeds, B members, A angles, k components, T records.
"""

import numpy as np

from common import stats

WIDEST = -1


def against_width(arrays, values):
    """values [W, S] -> [S, 2, W]"""
    return stats.beside(arrays["width"], values.T)


def rms(values):
    """Over members.  [..., B] -> [...]"""
    return np.sqrt((values.astype(float) ** 2).mean(-1))


def start_deviation(arrays):
    """Width and RMS deviation over members.  -> [S, 2, W]"""
    return against_width(arrays, rms(arrays["start_apart"]))


def start_mean(arrays):
    """<mean kernel, limit> / <limit, limit> at the largest width.  -> [S]"""
    return arrays["start_along"][WIDEST].mean(-1)


def kernel_change(arrays):
    """Width and relative change of the kernel in training.  -> [S, 2, W]"""
    return against_width(arrays, rms(arrays["moved"]))


def kernel_change_widest(arrays):
    """|Theta_T - Theta_0| / |Theta_0|, RMS over members.  -> [S]"""
    return rms(arrays["moved"][WIDEST])


def linear_error(arrays):
    """Width and largest |f_t - f_lin,t| / |f_0 - y| along training, RMS over members.

    -> [S, 2, W]
    """
    return against_width(arrays, rms(arrays["apart"]))


def linear_error_widest(arrays):
    """|f_T - f_lin,T| / |f_0 - y| on the training points, RMS over members.  -> [S]"""
    return rms(arrays["end_apart"][WIDEST])


def law_mean(arrays):
    """Difference of means in standard errors, RMS over angles, largest width.  -> [S]"""
    (mean, variance), curves = arrays["law"], arrays["curves"][WIDEST]
    z = (curves.mean(1) - mean) / np.sqrt(variance / curves.shape[1])
    return np.sqrt((z**2).mean(-1))


def law_variance(arrays):
    """Variance over that of the law, geometric mean over angles, largest width.  -> [S]"""
    ratio = arrays["curves"][WIDEST].astype(float).var(1, ddof=1) / arrays["law"][1]
    return stats.geometric_mean(ratio)


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


def predicted_rates(arrays):
    """-log(1 - lr lambda_i / N).  -> [S, k]"""
    return -np.log1p(-arrays["rate_lr"] * arrays["value"])


def rate_eigenvalue(arrays, components=slice(0, 10)):
    """Logarithms of eigenvalue and fitted rate, first ten components, widest.  -> [S, 2, 10]"""
    fitted = np.maximum(arrays["rate"][WIDEST], 1e-12)
    return stats.beside(np.log(arrays["value"]), np.log(fitted))[..., components]


def rate_eigenvalue_rest(arrays):
    """The same without the first component, whose eigenvalue is far from the others."""
    return rate_eigenvalue(arrays, slice(1, 11))


def rate_ratio(arrays):
    """Fitted over predicted rate, median over components, widest network.  -> [S]"""
    return np.median(arrays["rate"][WIDEST] / predicted_rates(arrays), axis=-1)


def leakage(arrays):
    """Largest deviation orthogonal to the second component.  -> [S, W]"""
    return arrays["beside"].max(-1).T


def positive(arrays):
    """The least lambda_min / lambda_max of the sets, 1e-18 where it is not positive.  -> [S]"""
    low, high = np.moveaxis(arrays["definite"], -1, 0)
    return np.maximum(low / high, 1e-18).min(-1)


def singular(arrays):
    """The largest |lambda_min| / lambda_max without a nonlinearity.  -> [S]"""
    low, high = np.moveaxis(arrays["definite_linear"], -1, 0)
    return np.maximum(np.abs(low / high), 1e-18).max(-1)
