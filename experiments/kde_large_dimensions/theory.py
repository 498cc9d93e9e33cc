"""Large deviations of the distances from a typical point, and the exact law at any dimension.

n = exp(alpha d) data y in N(0, I_d), a point with |x|^2 = d, s = |x - y|^2 / d, weights
w = exp(-lam |x - y|^2) with lam = 1 / (2 h^2), Z their sum.  All in NumPy.
Shapes: Y nodes of log t, D nodes of distance.
"""

from typing import NamedTuple

import numpy as np

STEP = 0.5  # of log t, and of lam times the distance: a trapezoid misses e^-20 of Gumbel's law
FAR = 40.0  # from here on what is integrated is below e^-40


def log_mean(lam):
    """psi: (1/d) log E w"""
    return -0.5 * np.log1p(2 * lam) - lam / (1 + 2 * lam)


def level(lam):
    """The s that makes up that mean, -psi'."""
    return 1 / (1 + 2 * lam) + 1 / (1 + 2 * lam) ** 2


def rate(s):
    """I: -(1/d) log of the probability of a distance below s, s <= 2."""
    q = 0.5 * (np.sqrt(1 + 4 * s) - 1)  # 1 / (1 + 2 lam) at the lam of this level
    return -0.5 * np.log(q) - 0.5 * q * (1 - q)


def root(rising, low: float = 1e-12, high: float = 1e12) -> float:
    """Where a rising function of a positive number is 0, by bisection of the logarithm."""
    for _ in range(100):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return float(np.sqrt(low * high))


def lam_of(h):
    return 0.5 / np.square(h)


def condensation(alpha: float) -> float:
    """h_G, where the level of the mean holds one point: by its closed form."""

    def spare(h):  # alpha - I(s*(h)), written with h
        a = np.square(h)
        return alpha - 0.5 * np.log1p(1 / a) + 0.5 * a / (1 + a) ** 2

    return root(spare)


def nearest(alpha: float) -> float:
    """s of the nearest point: I(s) = alpha."""
    return root(lambda s: alpha - rate(s), high=2.0)


def border(alpha: float, moment: float) -> float:
    """h below which the level of E w^moment is empty; moment 2: h_CLT."""
    empty = nearest(alpha)
    return float(np.sqrt(0.5 / root(lambda lam: empty - level(moment * lam))))


def optimum(alpha: float) -> float:
    """The bandwidth of least KL."""
    return float(np.sqrt(nearest(alpha)))


def kl(log_density):
    """(1/d) KL of (1/d) E log of the estimate."""
    return -0.5 * np.log(2 * np.pi * np.e) - log_density


def log_density(alpha: float, h):
    """(1/d) log of the estimate as d grows: the smoothed density, or the nearest point's."""
    h = np.asarray(h, float)
    smooth = -0.5 * np.log(2 * np.pi * (1 + h**2)) - 0.5 / (1 + h**2)
    near = -0.5 * np.log(2 * np.pi * h**2) - nearest(alpha) / (2 * h**2) - alpha
    return np.where(h >= condensation(alpha), smooth, near)


def normalised(log_z, d, log_n, h):
    """(1/d) log of the estimate from log Z."""
    return (log_z - log_n) / d - 0.5 * np.log(2 * np.pi * h**2)


def variance(d, log_n, lam):
    """Of Z / E Z."""
    return np.expm1(d * (log_mean(2 * lam) - 2 * log_mean(lam))) / np.exp(log_n)


def tail_exponent(alpha: float, d, square, p: float):
    """-d log P / d log x of the density's own tail at P = p, at (h / h_G)^2 = square."""
    h = condensation(alpha)
    probed = np.array([condensation(alpha + np.log(1 / p) / one) for one in np.atleast_1d(d)])
    return square * (h / probed[:, None]) ** 2


def log_chi(d: float, r2):
    """log density of |x - y|^2: non-central chi-squared, its Bessel function by DLMF 10.41.3."""
    nu = d / 2 - 1
    z = np.sqrt(d * r2) / nu
    size = np.sqrt(1 + z**2)
    p = 1 / size
    first = (3 * p - 5 * p**3) / (24 * nu)
    second = (81 * p**2 - 462 * p**4 + 385 * p**6) / (1152 * nu**2)
    log_i = nu * (size + np.log(z / (1 + size))) + np.log1p(first + second)
    log_i -= 0.5 * np.log(2 * np.pi * nu * size)
    return -np.log(2) - 0.5 * (r2 + d) + 0.5 * nu * np.log(r2 / d) + log_i


class Law(NamedTuple):
    log_z: float  # E log Z
    share: float  # E sum w^2 / Z^2


def law(d: float, log_n: float, lam: float) -> Law:
    """Of exp(log_n) independent points, exactly: by the Laplace transform E exp(-t Z) = phi^n.

    E log Z = int (e^-t - phi^n) dt / t,  E sum w^2 / Z^2 = n int t phi'' phi^(n - 1) dt.
    Errors: to 1e-4 at d >= 20, where the expansion of the Bessel function holds.
    """
    s = max(level(lam), nearest(log_n / d))
    centre = log_n - d * (rate(s) + lam * s)  # log Z to leading order
    heavy = max(1.0, lam / lam_of(condensation(log_n / d)))  # Z^(-1 / heavy) is its tail
    y = np.arange(-heavy * FAR, heavy * FAR, STEP)  # -log t - centre
    step = min(STEP / lam, 0.1 * np.sqrt(d))
    half = 8 * np.sqrt(6 * d) + FAR / lam
    r2 = np.arange(max(d * s - half, step), d * s + half, step)
    density = log_chi(d, r2) + np.log(step) + log_n
    u = -lam * r2 - centre - y[:, None]  # log of t w
    tw = np.exp(np.minimum(u, 500.0))
    jumps = np.where(u < -FAR, u, np.log(-np.expm1(-np.maximum(tw, 1e-20))))  # log(1 - exp(-tw))
    decay = _decay(_log_sum(density + jumps), log_n)
    squares = np.exp(_log_sum(density + 2 * u - tw) - decay * (1 - np.exp(-log_n)))
    log_z = centre + STEP * (np.exp(-np.exp(-y)) - np.exp(-decay)).sum()
    return Law(float(log_z), float(STEP * squares.sum()))


def laws(dims, log_n, h) -> tuple[np.ndarray, np.ndarray]:
    """(1/d) KL and share at every dimension and bandwidth.  dims, log_n [n], h [K] -> [n, K]"""
    each = [[law(d, many, lam_of(one)) for one in h] for d, many in zip(dims, log_n, strict=True)]
    log_z, share = np.moveaxis(np.array(each), -1, 0)
    d, log_n = (np.asarray(x, float)[:, None] for x in (dims, log_n))
    return kl(normalised(log_z, d, log_n, h)), share


def _decay(log_jumps, log_n: float):
    """-n log phi from log n(1 - phi)."""
    q = np.minimum(np.exp(log_jumps - log_n), 1 - 1e-15)
    small = q < 1e-8
    safe = np.where(small, 0.5, q)
    slope = np.where(small, 1 + q / 2, -np.log1p(-safe) / safe)
    return np.exp(np.minimum(log_jumps, 500.0)) * slope


def _log_sum(x):
    most = x.max(axis=1)
    return most + np.log(np.exp(x - most[:, None]).sum(axis=1))
