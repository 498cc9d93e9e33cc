"""Closed forms: speed of linear fronts, what a wave leaves behind, clustering.

kappa, weight: values of the expected degree and their probabilities P(kappa), [K] each.
M(l) = int f(y) exp(l y) dy of the kernel's marginal along the line.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq, minimize_scalar


def gaussian(width: float = 1.0) -> tuple[Callable, float]:
    """M, and where it ends to be finite or is far beyond any minimum."""
    return lambda k: np.exp((k * width) ** 2 / 2), 6 / width


def laplace(scale: float = 1.0) -> tuple[Callable, float]:
    """M of exp(-|y| / scale) / 2 scale, finite below 1 / scale."""
    return lambda k: 1 / (1 - (k * scale) ** 2), 1 / scale


def excess(kappa, weight) -> float:
    """K = <kappa^2> / <kappa>: mean excess degree of a mixed Poisson law."""
    kappa, weight = np.asarray(kappa), np.asarray(weight)
    return float((weight * kappa**2).sum() / (weight * kappa).sum())


def speed(beta: float, gamma: float, K: float, M: Callable, end: float) -> tuple[float, float]:
    """Least of (beta K M(l) - beta - gamma) / l over 0 < l < end.  -> c*, l*"""
    c = lambda k: (beta * K * M(k) - beta - gamma) / k  # noqa: E731
    found = minimize_scalar(c, bounds=(1e-6 * end, end * (1 - 1e-9)), method="bounded",
                            options={"xatol": 1e-12})  # fmt: skip
    return float(found.fun), float(found.x)


def untouched(beta: float, gamma: float, kappa, weight) -> float:
    """S behind a wave: -beta T + gamma (1 - T) + beta psi'(T) / psi'(1) = 0 for T < 1, psi(T).

    v = 1 - T is 0 only where beta K <= beta + gamma.
    """
    kappa, weight = np.asarray(kappa), np.asarray(weight)
    of_edges = weight * kappa / (weight * kappa).sum()
    if beta * excess(kappa, weight) <= beta + gamma:
        return 1.0
    balance = lambda v: -(beta + gamma) * v - beta * (of_edges * np.expm1(-kappa * v)).sum()  # noqa: E731
    v = brentq(balance, 1e-9, 1.0)
    return float((weight * np.exp(-kappa * v)).sum())


def waves(beta: float, gamma: float, kinds, weight, M) -> dict[str, np.ndarray]:
    """Of every wave, its kinds of nodes and its M: c*, l*, S behind.  -> name -> [wave]"""
    told = zip(kinds, M, strict=True)
    found = [speed(beta, gamma, excess(kappa, weight), *m) for kappa, m in told]
    behind = [untouched(beta, gamma, kappa, weight) for kappa in kinds]
    c, at = np.array(found).T
    return {"c_star": c, "l_star": at, "left_law": np.array(behind)}


def clustering(n: int, kappa, weight, thrice: float) -> float:
    """K^2 / (N <kappa>) times `thrice` = (f * f * f)(0): the chance that two neighbours are linked.

    On the unit torus 1 / (6 pi width^2) for a Gaussian in the plane, 3 / (8 reach) for a box.
    """
    kappa, weight = np.asarray(kappa), np.asarray(weight)
    return excess(kappa, weight) ** 2 / (n * float((weight * kappa).sum())) * thrice
