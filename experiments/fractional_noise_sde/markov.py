"""The Markov approximation of fractional Brownian motion: rates, weights, errors of the kernel.

One-sided (type II): W^H_t = int_0^t k(t - s) dW_s with k(s) = s^(H - 1/2) / Gamma(H + 1/2).
Two-sided (type I): with the noise of all the past; variance V_H t^(2H). Its approximation is
sum_k w_k (Y_k(t) - Y_k(0)) with dY_k = -gamma_k Y_k dt + dW, the same W for all k.

Shapes: K rates, J perturbations, V nodes of a quadrature.
"""

import numpy as np
from scipy.special import gamma, gammainc, hyperu

REACH, NODES = 160.0, 1601  # of the trapezoidal rule, in the logarithm of the time


def rates(count: int, most: float) -> np.ndarray:
    """From 1 / most to most, evenly in the logarithm.  -> [K]"""
    return most ** np.linspace(-1, 1, count)


def kernel(s, hurst: float):
    """k(s).  s [...]"""
    return s ** (hurst - 0.5) / gamma(hurst + 0.5)


def system(g: np.ndarray, hurst: float, end: float, sides: int = 1, scale: float = 1.0):
    """A, b, c of the mean square error w A w - 2 b w + c over [0, end], times end.  g [K]

    scale: of the incomplete gamma functions; Gamma(H + 1/2) leaves them unregularised (a control).
    """
    pair, a = g[:, None] + g, hurst + 0.5
    if sides == 1:
        gram = (end + np.expm1(-pair * end) / pair) / pair
        first, second = scale * gammainc(a, g * end), scale * gammainc(a + 1, g * end)
        cross = end * g**-a * first - a * g ** (-a - 1) * second
        return gram, cross, variance(hurst, 1) * end ** (2 * hurst + 1) / (2 * hurst + 1)
    each = np.expm1(-g * end) / g
    gram = (2 * end + each[:, None] + each) / pair
    upper = scale * hyperu(1 - a, 1 - a, g * end) / gamma(a)  # Q(a, z) e^z
    cross = 2 * end * g**-a - end**a / (g * gamma(a + 1))
    cross += (np.exp(-g * end) - upper) / g ** (a + 1)
    return gram, cross, variance(hurst, 2) * end ** (2 * hurst + 1) / (2 * hurst + 1)


def variance(hurst: float, sides: int):
    """Of the process at t = 1; with two sides not 1."""
    if sides == 1:
        return 1 / (2 * hurst * gamma(hurst + 0.5) ** 2)
    return gamma(2 - 2 * hurst) / (2 * hurst * gamma(1.5 - hurst) * gamma(hurst + 0.5))


def optimal(g: np.ndarray, hurst: float, end: float, sides: int = 1) -> np.ndarray:
    """The weights A^-1 b; A is singular to rounding for many rates.  -> [K]"""
    gram, cross, _ = system(g, hurst, end, sides)
    return np.linalg.lstsq(gram, cross, rcond=1e-14)[0]


def riemann(g: np.ndarray, hurst: float) -> tuple[np.ndarray, np.ndarray]:
    """Rates and weights of the Laplace integral of k, cut to the range of g.  -> [1 + K] each

    k(s) = int m(gamma) e^(-gamma s) dgamma, m = gamma^(-H - 1/2) / (Gamma(H + 1/2) Gamma(1/2 - H));
    for H > 1/2 with e^(-gamma s) - 1: a rate 0, whose weight is -sum w.
    """
    step = np.log(g[-1] / g[0]) / (len(g) - 1)
    weights = step * g ** (0.5 - hurst) / (gamma(hurst + 0.5) * gamma(0.5 - hurst))
    constant = -weights.sum() if hurst > 0.5 else 0.0
    return np.r_[0.0, g], np.r_[constant, weights]


def inside(end: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on (0, end), dense at both ends.  -> [V] each"""
    v = np.linspace(-REACH, REACH, NODES)
    s = end / (1 + np.exp(-v))
    return s, s / (1 + np.exp(v)) * (v[1] - v[0])


def error(g, weights, hurst: float, end: float) -> np.ndarray:
    """Relative mean square error over [0, end], one-sided, by quadrature.

    Fubini: int_0^end int_0^t d(s)^2 ds dt = int_0^end (end - s) d(s)^2 ds, d the kernels'
    difference.  g [K], weights [..., K] -> [...]
    """
    s, ds = inside(end)
    off = weights @ np.exp(-np.outer(g, s)) - kernel(s, hurst)
    return (off**2 * ds) @ (end - s) / (ds * kernel(s, hurst) ** 2 @ (end - s))


def error_two_sided(g, weights, hurst: float, end: float, times: int = 161) -> np.ndarray:
    """The same of the two-sided process, over that of the process.  weights [K] -> []

    The past s > 0 counts with k(t + s) - k(s), which is lost in rounding unless it is factored.
    """
    v = np.linspace(-REACH, REACH, NODES)
    past, dpast = np.exp(v), np.exp(v) * (v[1] - v[0])
    s, ds = inside(end)
    z = np.linspace(-40, 40, times)
    t = end / (1 + np.exp(-z))
    dt = t / (1 + np.exp(z)) * (z[1] - z[0])
    exact = kernel(past, hurst) * np.expm1((hurst - 0.5) * np.log1p(t[:, None] / past))
    own = (np.expm1(-np.outer(t, g)) * weights) @ np.exp(-np.outer(g, past))
    now = weights @ np.exp(-np.outer(g, s))

    def square(before, after):
        """int_0^end of the past's share, and of what came since 0."""
        return dt @ (before**2 @ dpast) + ds * after**2 @ (end - s)

    off = square(exact - own, kernel(s, hurst) - now)
    return off / square(exact, kernel(s, hurst))
