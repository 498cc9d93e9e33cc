"""Exact laws at finite N, beta = 2, d = 2 (Kostlan): squared moduli are Gamma(k, 1) / N, k to N."""

import numpy as np
from scipy.special import gammaln

GRID = np.linspace(-12, 12, 4001)


def law(N: int) -> tuple[np.ndarray, np.ndarray]:
    """Radii and log weights of every k, Gamma = (sqrt k + u / 2)^2.  -> [N, u] each"""
    k = np.arange(1, N + 1)[:, None]
    s = np.sqrt(k) + GRID / 2
    inside = s > 0
    s = np.where(inside, s, 1.0)
    log_w = np.where(inside, 2 * (k - 1) * np.log(s) - s**2 - gammaln(k) + np.log(s), -np.inf)
    log_w += np.log(GRID[1] - GRID[0])
    return s / np.sqrt(N), log_w


def independent(N: int) -> tuple[np.ndarray, np.ndarray]:
    """The control: N times a particle that is uniform on the disc."""
    u = (np.arange(4000) + 0.5) / 4000
    return np.sqrt(u)[None].repeat(N, 0), np.full((N, 4000), -np.log(4000.0))


def cumulants(values: np.ndarray, log_w: np.ndarray) -> np.ndarray:
    """kappa_2 to kappa_5 of the sum over k of independent values.  [N, u] -> [4]"""
    w = np.exp(log_w)
    w = w / w.sum(axis=1, keepdims=True)
    away = values - (w * values).sum(axis=1, keepdims=True)
    m = [(w * away**q).sum(axis=1) for q in range(6)]
    each = m[2], m[3], m[4] - 3 * m[2] ** 2, m[5] - 10 * m[3] * m[2]
    return np.array([x.sum() for x in each])


def generating(values: np.ndarray, log_w: np.ndarray, tilts: np.ndarray) -> np.ndarray:
    """log E exp(-N s L) and its derivative in s.  -> [s, 2]"""
    N, found = len(values), []
    base = log_w.max(axis=1, keepdims=True)
    total = np.exp(log_w - base).sum(axis=1)
    for s in tilts:
        shifted = log_w - N * s * values
        top = shifted.max(axis=1, keepdims=True)
        w = np.exp(shifted - top)
        log_z = top[:, 0] + np.log(w.sum(axis=1)) - base[:, 0] - np.log(total)
        average = (w * values).sum(axis=1) / w.sum(axis=1)
        found.append((log_z.sum(), -N * average.sum()))
    return np.array(found)


def radial(N: int, beta: float) -> np.ndarray:
    """kappa_2 and kappa_3 of sum r^2 at any beta: Gamma(N + beta N (N-1) / 4, beta N / 2)."""
    shape, scale = N + beta * N * (N - 1) / 4, 2 / (beta * N)
    return np.array([shape * scale**2, 2 * shape * scale**3])
