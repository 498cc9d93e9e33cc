"""Gaussian laws: covariances of both processes, sampled paths, the likelihood of H.

Shapes: T times, P paths, K rates, H values of the Hurst index.
"""

import numpy as np
from scipy.special import gamma, hyp2f1

from . import markov


def fractional(t: np.ndarray, hurst: float) -> np.ndarray:
    """Covariance of the one-sided process, int_0^s k(s - u) k(t - u) du.  t [T] -> [T, T]"""
    s, t = np.minimum.outer(t, t), np.maximum.outer(t, t)
    a = hurst - 0.5
    integral = s ** (a + 1) * t**a / (a + 1) * hyp2f1(-a, 1, a + 2, s / t)
    return integral / gamma(a + 1) ** 2


def approximate(t: np.ndarray, g: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Covariance of sum_k w_k Y_k, Y_k(0) = 0.  t [T], g [K], weights [..., K] -> [..., T, T]"""
    s, lag = np.minimum.outer(t, t), np.abs(np.subtract.outer(t, t))
    pair = g[:, None] + g
    common = -np.expm1(-pair[..., None, None] * s) / pair[..., None, None]
    terms = common * np.exp(-g[:, None, None] * lag)  # the later of the two has decayed by the lag
    return np.einsum("...i,...j,ijst->...st", weights, weights, terms)


def two_sided(t: np.ndarray, g: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Variance of sum_k w_k (Y_k(t) - Y_k(0)), Y stationary.  -> [T]"""
    fall = -np.expm1(-np.outer(t, g))
    return np.einsum("i,j,tij->t", weights, weights, (fall[:, :, None] + fall[:, None]) / (
        g[:, None] + g))  # fmt: skip


def paths(noise: np.ndarray, t: np.ndarray, g, weights, *, shared: bool = True) -> np.ndarray:
    """sum_k w_k Y_k at evenly spaced t, exact in law.  noise [P, T, K] -> [P, T]

    Of one dt the Y_k get Gaussian kicks of covariance (1 - e^(-(g_i + g_j) dt)) / (g_i + g_j);
    not shared: of the same variances, but of a noise of its own for every k (a control).
    """
    pair = (g[:, None] + g) * t[0]
    kicks = -np.expm1(-pair) / pair * t[0]
    values, vectors = np.linalg.eigh(kicks if shared else np.diag(np.diag(kicks)))
    root = (vectors * np.sqrt(np.maximum(values, 0))).T
    y, seen = np.zeros((len(noise), len(g))), []
    for kick in noise.swapaxes(0, 1):
        y = y * np.exp(-g * t[0]) + kick @ root
        seen.append(y @ weights)
    return np.stack(seen, axis=1)


def scatter(drawn: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Sample variances less the expected ones, in standard errors.  drawn [P, T], expected [T]"""
    ratio = (drawn**2).mean(axis=0) / expected
    return (ratio - 1) / np.sqrt(2 / len(drawn))


def profile(observed: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """Log-likelihood a number, the scale of the covariance at its best.  [P, T], [H, T, T] -> [H]

    N(0, s^2 C) has its largest likelihood at s^2 = mean of x C^-1 x / T.
    """
    root = np.linalg.cholesky(covariances)
    white = np.linalg.solve(root, observed.T)
    logdet = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).mean(axis=-1)
    return -0.5 * (np.log((white**2).mean(axis=(1, 2))) + logdet + 1 + np.log(2 * np.pi))


def errors(t, g, hurst: float) -> tuple[float, float]:
    """Largest error of the one-sided covariance, in units of the standard deviations at both
    times, and of the two-sided variance, relative; weights of the horizon t[-1]."""
    exact = fractional(t, hurst)
    scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
    ours = approximate(t, g, markov.optimal(g, hurst, t[-1]))
    return np.abs((ours - exact) / scale).max(), np.abs(ratios(t, g, hurst)[1] - 1).max()


def ratios(t, g, hurst: float) -> np.ndarray:
    """Variances over the exact ones, one-sided and two-sided.  t [T] -> [2, T]"""
    one, two = (markov.optimal(g, hurst, t[-1], sides) for sides in (1, 2))
    exact = [markov.variance(hurst, sides) * t ** (2 * hurst) for sides in (1, 2)]
    return np.stack([np.diag(approximate(t, g, one)), two_sided(t, g, two)]) / exact


def sampled(kicks, t, g, hurst: float, *, shared: bool) -> np.ndarray:
    """`scatter` of paths of the approximation.  kicks [P, T, K] -> [T]"""
    w = markov.optimal(g, hurst, t[-1])
    return scatter(paths(kicks, t, g, w, shared=shared), np.diag(approximate(t, g, w)))


def series(noise, t, hurst: float, order=None) -> np.ndarray:
    """Exact paths; increments in another order where one is given.  noise, order [P, T]
    -> [P, T]"""
    x = noise @ np.linalg.cholesky(fractional(t, hurst)).T
    if order is None:
        return x
    steps = np.diff(x, axis=1, prepend=0.0)
    return np.take_along_axis(steps, np.argsort(order, axis=1), axis=1).cumsum(axis=1)


def profiles(normals, order, t, g, *, known, grid) -> np.ndarray:
    """`profile` of every seed's exact paths.  normals [S, len(known), P, T] -> [S, len(known), H]

    order: as `series` has it, of every path.
    """
    models = np.stack([approximate(t, g, markov.optimal(g, h, t[-1])) for h in grid])

    def one(at):
        places = None if order is None else order[at]
        return profile(series(normals[at], t, known[at[1]], places), models)

    shape = normals.shape[:2]
    return np.array([one(at) for at in np.ndindex(shape)]).reshape(*shape, len(grid))
