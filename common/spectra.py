"""Summaries of spectra: effective ranks, participation ratio, power-law tails, weight spectra.

Ranks take NumPy and JAX arrays alike; tails and weights are computed in NumPy.  No JAX import.

Shapes: M values >= 0 along the last axis, in any order; leading axes are kept.  0 for none at all.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from common import shapes
from common.reals import at_least, namespace, reals


def effective_rank(singular_values):
    """exp of the entropy of s_i / sum_j s_j, between 1 and M; 0 for zeros.  [..., M] -> [...]

    Roy & Vetterli 2007, with the singular values themselves (not their squares).
    """
    singular_values = _values("singular_values", singular_values)
    xp = namespace(singular_values)
    largest = singular_values.max(-1, keepdims=True)
    s = singular_values / xp.where(largest > 0, largest, 1)
    total = s.sum(-1, keepdims=True)
    p = s / xp.where(total > 0, total, 1)
    entropy = -(p * xp.log(xp.where(p > 0, p, 1))).sum(-1)
    return xp.where(total[..., 0] == 0, 0, xp.exp(entropy))


def stable_rank(singular_values):
    """|A|_F^2 / |A|_2^2, between 1 and the rank; 0 for zeros.  [..., M] -> [...]"""
    singular_values = _values("singular_values", singular_values)
    xp = namespace(singular_values)
    largest = singular_values.max(-1, keepdims=True)
    return ((singular_values / xp.where(largest > 0, largest, 1)) ** 2).sum(-1)


def participation_ratio(eigenvalues):
    """(sum_i lambda_i)^2 / sum_i lambda_i^2 of eigenvalues >= 0; 0 for zeros.  [..., M] -> [...]

    m equal eigenvalues have the ratio m.  For a matrix of singular values s, of its Gram matrix:
    give s^2.
    """
    eigenvalues = _values("eigenvalues", eigenvalues)
    xp = namespace(eigenvalues)
    largest = eigenvalues.max(-1, keepdims=True)
    x = eigenvalues / xp.where(largest > 0, largest, 1)
    squares = (x**2).sum(-1)
    return x.sum(-1) ** 2 / xp.where(squares > 0, squares, 1)


class PowerLaw(NamedTuple):
    """Density proportional to x^-alpha for x >= x_min, fitted to `number` values.

    error, the asymptotic standard error; low, high, the interval; distance, the largest difference
    between the fitted and the empirical distribution function of the tail.
    """

    alpha: float
    error: float
    low: float
    high: float
    x_min: float
    number: int
    distance: float


def power_law(
    values: np.ndarray, *, x_min: float | None = None, least: int = 50, level: float = 0.05
) -> PowerLaw:
    """Maximum-likelihood power law of the tail of `values` [M].

    x_min None: the value that leaves the smallest Kolmogorov-Smirnov distance, with `least` values
    or more in the tail.  The interval errs with probability `level`, exactly, where x_min is given
    and the tail is a power law of independent values; it knows nothing of the choice of x_min.
    Eigenvalues repel each other: for them it is too wide.  A small distance is no proof of a power
    law.  Clauset, Shalizi & Newman 2009, eq. 3.1 and section 3.3.
    """
    from scipy.special import gammaincinv

    at_least(2, least=least)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    x = np.asarray(reals("values", values), float).ravel()
    x = np.sort(x[x > 0])
    chosen = x_min is None
    if x_min is None:
        candidates = np.unique(x[: len(x) - least + 1]) if len(x) >= least else x[:0]
        if not len(candidates):
            raise ValueError(f"{len(x)} positive values, fewer than least = {least}")
        x_min = min(candidates.tolist(), key=lambda start: _tail(x, start)[2])
    elif not 0 < x_min < np.inf:
        raise ValueError(f"x_min = {x_min} must be positive and finite")
    n, logs, distance = _tail(x, x_min)
    if n < 2 or logs == 0:
        raise ValueError(f"no two different values from x_min = {x_min} on")
    # (alpha - 1) sum log(x / x_min) is a Gamma variable of n terms; x_min itself, if chosen, is 0
    terms = n - 1 if chosen else n
    low, high = 1 + gammaincinv(terms, [level / 2, 1 - level / 2]) / logs
    alpha = 1 + n / logs
    return PowerLaw(
        alpha, (alpha - 1) / np.sqrt(n), float(low), float(high), float(x_min), n, distance
    )


def _tail(x: np.ndarray, x_min: float) -> tuple[int, float, float]:
    """Of sorted x from x_min on: the number, sum of log(x / x_min), and the distance of the fit."""
    logs = np.log(x[np.searchsorted(x, x_min) :] / x_min)
    n, total = len(logs), float(logs.sum())
    if total == 0:
        return n, 0.0, np.inf
    fitted = -np.expm1(-logs * (n / total))
    steps = np.arange(n + 1) / n
    return n, total, float(max((fitted - steps[:-1]).max(), (steps[1:] - fitted).max()))


def weight_spectra(params: Any) -> dict[str, np.ndarray]:
    """Singular values, largest first, of every leaf with two axes or more, by its path "a/b/0".

    params: mappings, lists and tuples of arrays.  A leaf [..., in, out] is read as the matrix
    [... x in, out] (a convolution kernel as its patches).  Computed in float64.
    Errors: ValueError that names the path of what is complex, not finite, or not alone there.
    """
    spectra: dict[str, np.ndarray] = {}
    for path, leaf in _leaves(params):
        if np.ndim(leaf) < 2:
            continue
        if path in spectra:
            raise ValueError(f"two leaves of params share the path {path}")
        weights = np.asarray(reals(f"weights {path}", leaf), float)
        matrix = weights.reshape(int(np.prod(weights.shape[:-1])), weights.shape[-1])
        spectra[path] = np.linalg.svd(matrix, compute_uv=False)
    return spectra


def _values(name: str, x):
    """Real numbers [..., M].  M = 0 becomes one zero."""
    x = reals(name, x)
    shapes.check(name, x, "... M")
    if x.shape[-1]:
        return x
    return namespace(x).zeros((*x.shape[:-1], 1), x.dtype)


def _leaves(tree: Any, path: str = ""):
    """(path, array) of every leaf."""
    if isinstance(tree, Mapping):
        items = list(tree.items())
    elif hasattr(tree, "_fields"):
        items = list(zip(tree._fields, tree, strict=True))
    elif isinstance(tree, list | tuple):
        items = list(enumerate(tree))
    else:
        return [] if tree is None else [(path, tree)]
    return [leaf for name, sub in items for leaf in _leaves(sub, f"{path}/{name}".lstrip("/"))]
