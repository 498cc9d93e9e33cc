"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Shapes: S seeds, L learning rates, R records, B batches. Axes as in `run.run`; an arm is "" (SGD on
the diagonal network), "gd_" or "relu_".
"""

import numpy as np

from common import stats

CONVERGED = 1e-10  # loss at the end
TIGHT = -1  # the draw of orthogonal gradients


def converged(arrays, arm=""):
    """Which runs reached a minimum.  -> bool [S, L]"""
    return arrays[arm + "loss"][..., -1] < CONVERGED


def worst(arrays, arm, values):
    """The largest of values [S, L] over converged runs; nan where none is.  -> [S]"""
    inside = np.where(converged(arrays, arm), values, -np.inf).max(-1)
    return np.where(np.isfinite(inside), inside, np.nan)


def end_trace(arrays, arm=""):
    """tr H at the end.  -> [S, L]"""
    return arrays[arm + "trace"][..., -1]


def sgd_trace(arrays):
    """Largest lr tr H.  -> [S]"""
    return worst(arrays, "", arrays["lr"] * end_trace(arrays))


def relu_trace_bound(arrays):
    """Largest lr tr H of the ReLU network.  -> [S]"""
    return worst(arrays, "relu_", arrays["relu_lr"] * end_trace(arrays, "relu_"))


def sgd_converged(arrays):
    """Fraction of SGD's runs that converged.  -> [S]"""
    return converged(arrays).mean(-1)


def sgd_stability(arrays):
    """Largest lr over the exact threshold of single examples at the end point.  -> [S]"""
    return worst(arrays, "", arrays["lr"] / arrays["threshold"])


def gd_sharpness(arrays):
    """Fraction of runs that converged where lr lambda_max <= 2.  -> [S]"""
    stable = arrays["gd_lr"] * arrays["gd_sharpness"] <= 2
    return (stable & converged(arrays, "gd_")).mean(-1)


def gd_trace(arrays):
    """Largest lr tr H of gradient descent.  -> [S]"""
    return worst(arrays, "gd_", arrays["gd_lr"] * end_trace(arrays, "gd_"))


def gd_sgd_trace(arrays):
    """tr H of gradient descent and of SGD, at SGD's largest learning rate.  -> [S, 2]"""
    same = np.abs(arrays["gd_lr"] - arrays["lr"][-1]).argmin()
    return stats.beside(end_trace(arrays, "gd_")[:, same], end_trace(arrays)[:, -1])


def threshold_trace(arrays):
    """Largest lr* tr H over draws, for the batch of the bound.  -> [S]"""
    product = arrays["random_threshold"][..., 0] * arrays["random_trace"]
    return product[:, :TIGHT].max(-1)


def radius_one(arrays):
    """Spectral radius at the threshold, and 1.  -> [S, 2, draw, B]"""
    return stats.beside(arrays["random_radius"], 1.0)


def threshold_limit(arrays):
    """Threshold of the largest batch, and 2 / lambda_max.  -> [S, 2, draw]"""
    return stats.beside(arrays["random_threshold"][..., -1], 2 / arrays["random_sharpness"])


def threshold_growth(arrays):
    """Sums of the least gain over draws from batch to batch, of log lr*.  -> [S, B]"""
    gains = np.diff(np.log(arrays["random_threshold"][:, :TIGHT, 1:]), axis=-1).min(1)
    return np.concatenate([np.zeros((len(gains), 1)), np.cumsum(gains, axis=-1)], axis=-1)


def threshold_tight(arrays):
    """Threshold of orthogonal gradients of equal norms, and 2 / tr H.  -> [S, 2]"""
    bound = 2 / arrays["random_trace"][:, TIGHT]
    return stats.beside(arrays["random_threshold"][:, TIGHT, 0], bound)


def diagonal_norm(arrays):
    """tr H and 4 (|u|^2 + |v|^2).  -> [S, 2]"""
    return arrays["equivalence"][:, 0]


def relu_norm(arrays):
    """tr H and 1/2 sum_j (|w_j|^2 + d a_j^2).  -> [S, 2]"""
    return arrays["equivalence"][:, 1]


def sgd_error(arrays):
    """Test error over that at the smallest learning rate.  -> [S, L]"""
    return arrays["error"] / arrays["error"][:, :1]


def sgd_norm(arrays):
    """|beta|_1 over learning rates.  -> [S, L]"""
    return arrays["norm"]


def sgd_norm_bound(arrays):
    """Largest 2 lr |beta|_1.  -> [S]"""
    return worst(arrays, "", 2 * arrays["lr"] * arrays["norm"])


def gd_error_ratio(arrays):
    """Test error of gradient descent at the largest rate over that at the smallest.  -> [S]"""
    return arrays["gd_error"][:, -1] / arrays["gd_error"][:, 0]


def gd_sgd_error(arrays):
    """Error at the largest rate over that at the smallest: gradient descent, SGD.  -> [S, 2]"""
    sgd = arrays["error"][:, -1] / arrays["error"][:, 0]
    return stats.beside(gd_error_ratio(arrays), sgd)


def relu_trace(arrays):
    """tr H of the ReLU network over learning rates.  -> [S, L]"""
    return end_trace(arrays, "relu_")


def relu_path(arrays):
    """Path norm over learning rates.  -> [S, L]"""
    return arrays["relu_norm"]


def relu_error(arrays):
    """Relative test error of the ReLU network over learning rates.  -> [S, L]"""
    return arrays["relu_error"]
