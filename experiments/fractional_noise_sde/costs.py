"""Errors of the approximation: formula against quadrature, weights, numbers and range of rates.

Shapes: S seeds, I instances, C Hurst indices, K rates, J perturbations, R ranges.
"""

import numpy as np
from scipy.special import gamma

from . import markov

KICK = 0.01  # of the largest weight


def sums(kind: str, count: int, most: float, hurst: float) -> tuple[np.ndarray, np.ndarray]:
    """Rates and weights of a kind, on the horizon 1."""
    g = markov.rates(count, most)
    return markov.riemann(g, hurst) if kind == "riemann" else (g, markov.optimal(g, hurst, 1.0))


def error(kind: str, count: int, most: float, hurst: float) -> float:
    """Relative mean square error, by quadrature."""
    return float(markov.error(*sums(kind, count, most, hurst), hurst, 1.0))


def sides(g, w, share, *, kind: int, regular: bool) -> tuple[float, float]:
    """Error of weights w by A, b, c and by quadrature; share [2] places H and the horizon."""
    hurst, end = 0.1 + 0.8 * share[0], 0.5 + 1.5 * share[1]
    gram, cross, total = markov.system(
        g, hurst, end, kind + 1, 1.0 if regular else gamma(hurst + 0.5)
    )
    quadrature = (markov.error, markov.error_two_sided)[kind]
    formula = (w @ gram @ w - 2 * cross @ w + total) / total
    return float(formula), float(quadrature(g, w, hurst, end))


def formulas(share, offset, *, most: float, regular: bool) -> np.ndarray:
    """share [S, 2, I, 2] and random weights offset [S, 2, I, K], kinds of process second
    -> [S, 2, I, (formula, quadrature)]"""
    g = markov.rates(offset.shape[-1], most)
    shape = share.shape[:3]
    each = [
        sides(g, offset[at], share[at], kind=at[1], regular=regular) for at in np.ndindex(shape)
    ]
    return np.array(each).reshape(*shape, 2)


def pairs(hursts, counts, *, kind: str, most: float) -> np.ndarray:
    """Errors of Riemann's weights and of `kind`.  hursts [..., C] -> [..., C, count, 2]"""
    kinds = "riemann", kind
    each = [[[error(k, n, most, h) for k in kinds] for n in counts] for h in hursts.flat]
    return np.array(each).reshape(*hursts.shape, len(counts), 2)


def around(hurst: float, kicks, *, kind: str, most: float) -> np.ndarray:
    """Errors of the weights and of perturbed ones.  kicks [J, K + 1] -> [1 + J]"""
    g, w = sums(kind, kicks.shape[1] - 1, most, hurst)
    moved = w + KICK * np.abs(w).max() * kicks[:, : len(w)]
    return markov.error(g, np.vstack([w, moved]), hurst, 1.0)


def along(hursts, counts, ranges) -> np.ndarray:
    """Errors of the best weights, rates and range growing together.  -> [S, R]"""
    at = list(zip(counts, ranges, strict=True))
    return np.array([[error("optimal", *one, h) for one in at] for h in hursts])
