"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

Errors of a seed are means over its models.
"""

import numpy as np

from common import stats

NAMES = ("ERM", "DA+ERM", "DA+IV", "IVL", "IVL-CV", "IVL-CC", "IVL-CV, wide")
ERM, DA, IV, IVL, CV, CC, WIDE = range(7)
LOW, HIGH = 1e-4, 0.1  # range of alpha of the claim
ESTIMATE, FORMULA, STRONGER = 0, 1, 2


def errors(arrays):
    """The paper's metric of every model.  -> [S, model, method]"""
    return arrays["gap"] / (1 + arrays["gap"])


def mean(arrays, method):
    """Mean error of a method.  -> [S]"""
    return errors(arrays)[..., method].mean(1)


def wins(arrays, a, b):
    """Whether method a is better than b, every model of every seed.  -> [S x model]"""
    gap = arrays["gap"]
    return (gap[..., a] < gap[..., b]).ravel().astype(float)


def augmented_wins(arrays):
    """DA+ERM better than ERM.  -> [S x model]"""
    return wins(arrays, DA, ERM)


def by_gamma(arrays):
    """Mean error of DA+ERM by gamma.  -> [S, gamma]"""
    return arrays["gamma_error"][:, DA]


def worst_of_range(arrays):
    """Largest mean error of IVL over alpha in [1e-4, 0.1] over that of DA+ERM.  -> [S]"""
    alpha = arrays["alpha"]
    seen = (alpha > LOW / 1.01) & (alpha < HIGH * 1.01)
    return arrays["alpha_error"][:, seen].max(1) / mean(arrays, DA)


def single(arrays):
    """Mean error of IVL at one alpha over that of DA+ERM.  -> [S]"""
    return mean(arrays, IVL) / mean(arrays, DA)


def single_raw(arrays):
    """The same of errors that are not normalised.  -> [S]"""
    gap = arrays["gap"].mean(1)
    return gap[:, IVL] / gap[:, DA]


def limit(arrays):
    """Mean error at the largest alpha over that of DA+ERM.  -> [S]"""
    return arrays["alpha_error"][:, -1] / mean(arrays, DA)


def best(arrays):
    """log10 alpha and mean error.  -> [S, 2, alpha]"""
    return stats.beside(np.log10(arrays["alpha"]), arrays["alpha_error"])


def two_stage(arrays):
    """Mean errors of DA+IV and DA+ERM.  -> [S, 2]"""
    return np.stack([mean(arrays, IV), mean(arrays, DA)], 1)


def formula(arrays):
    """The estimate on exact covariances and its formula.  -> [S, 2, alpha, d]"""
    return arrays["exact"][:, [ESTIMATE, FORMULA]]


def stronger(arrays):
    """The same estimate and DA+ERM with a stronger augmentation.  -> [S, 2, alpha, d]"""
    return arrays["exact"][:, [ESTIMATE, STRONGER]]


def excess(arrays):
    """n and the mean error less the population's.  -> [S, 2, size]"""
    return stats.beside(arrays["size"], arrays["size_error"] - arrays["size_limit"][:, None])


def over_law(arrays):
    """Spread about the limit over its law, at the largest n.  -> [S]"""
    return arrays["size_ratio"][:, -1]


def unconfounded(arrays):
    """Largest mean error of ERM, DA+ERM and IVL at the first kappa.  -> [S]"""
    return arrays["kappa_error"][:, [ERM, DA, IVL], 0].max(1)


def validated(arrays):
    """Mean errors of DA+ERM and of IVL with alpha by validation.  -> [S, 2]"""
    return np.stack([mean(arrays, DA), mean(arrays, CV)], 1)


def validated_wins(arrays):
    """IVL with alpha by validation better than DA+ERM.  -> [S x model]"""
    return wins(arrays, CV, DA)


def took_largest(arrays):
    """Whether validation took the largest alpha offered.  -> [S x model]"""
    return (arrays["chosen"] == arrays["largest"])[..., 0].ravel().astype(float)


def validated_wide(arrays):
    """Mean error with alpha by validation in the wide range over that of DA+ERM.  -> [S]"""
    return mean(arrays, WIDE) / mean(arrays, DA)


def corrected(arrays):
    """Mean errors of DA+ERM and of IVL with alpha by confounder correction.  -> [S, 2]"""
    return np.stack([mean(arrays, DA), mean(arrays, CC)], 1)
