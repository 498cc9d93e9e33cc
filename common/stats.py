"""Statistics of claims: the interval rule, slopes, rank trends. NumPy and scipy.special only.

Shapes: n seeds, x points along a curve. Intervals are two-sided at level 1 - 2 alpha, so that each
end errs with probability alpha.
"""

from typing import NamedTuple

import numpy as np

ALPHA = 0.05
POWER = 0.8416  # standard normal quantile of 0.8


class Interval(NamedTuple):
    estimate: float
    low: float
    high: float


def t_quantile(df: float | np.ndarray, p: float) -> np.ndarray:
    """Student-t quantile. df: degrees of freedom -> same shape."""
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    return stdtrit(df, p)


def t_interval(values: np.ndarray, alpha: float = ALPHA, resolution: float = 0.0) -> Interval:
    """Student-t interval of a mean.  values [n].

    `resolution` is the step of a discrete measurement (a count, a grid): the standard deviation is
    taken to be at least step / sqrt(12), so that equal values do not give an interval of width 0.
    """
    values = np.asarray(values, float)
    n = values.size
    spread = max(values.std(ddof=1), resolution / np.sqrt(12)) if n > 1 else np.inf
    half = float(t_quantile(n - 1, 1 - alpha)) * spread / np.sqrt(n) if n > 1 else np.inf
    mean = float(values.mean())
    return Interval(mean, mean - half, mean + half)


def clopper_pearson(successes: int, n: int, alpha: float = ALPHA) -> Interval:
    """Exact interval of a probability (Clopper and Pearson 1934)."""
    from scipy.special import betaincinv

    low = float(betaincinv(successes, n - successes + 1, alpha)) if successes else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - alpha)) if successes < n else 1.0
    return Interval(successes / n, low, high)


def kendall_tau(y: np.ndarray) -> np.ndarray:
    """Kendall's tau-a of the last axis against its order; ties count 0.  y [..., x] -> [...]"""
    y = np.ascontiguousarray(np.moveaxis(np.asarray(y, float), -1, 0))
    n = len(y)
    total = np.zeros(y.shape[1:])
    for i in range(n - 1):  # an array of all pairs is large for many long curves
        total += (y[i + 1 :] > y[i]).sum(0) - 1.0 * (y[i + 1 :] < y[i]).sum(0)
    return total * 2 / (n * (n - 1))


def fisher_z(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """atanh of the correlation of the last axis, less its bias r / (2 (points - 1)).

    x, y [..., point] -> [...]. Source: Hotelling 1953.
    """
    x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
    constant = (np.ptp(x, -1) == 0) | (np.ptp(y, -1) == 0)  # their mean need not be exact
    x, y = (a - a.mean(-1, keepdims=True) for a in (x, y))
    x, y = (a / np.where((m := np.abs(a).max(-1, keepdims=True)) > 0, m, 1) for a in (x, y))
    scale = np.where(constant, 0.0, np.sqrt((x * x).sum(-1) * (y * y).sum(-1)))
    r = np.divide((x * y).sum(-1), scale, out=np.zeros_like(scale), where=scale > 0)
    r = np.clip(r, -1 + 1e-12, 1 - 1e-12)
    return np.arctanh(r) - r / (2 * (x.shape[-1] - 1))


class Line(NamedTuple):
    slope: np.ndarray
    intercept: np.ndarray
    r2: np.ndarray


def line(x: np.ndarray, y: np.ndarray) -> Line:
    """Least-squares line along the last axis.  x, y [..., x] -> each [...]

    r2 is 1 for a perfect line and 0 where y is constant.
    """
    x, y = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
    dx, dy = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    sxx, sxy, syy = (dx * dx).sum(-1), (dx * dy).sum(-1), (dy * dy).sum(-1)
    slope = sxy / sxx
    total = np.where(syy > 0, syy, 1.0)
    return Line(slope, y.mean(-1) - slope * x.mean(-1), np.where(syy > 0, slope * sxy / total, 0.0))


def loglog_slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Slope of log y against log x along the last axis.  x, y [..., x] > 0 -> [...]"""
    return line(np.log(x), np.log(y)).slope


def decay_rate(
    x: np.ndarray,
    y: np.ndarray,
    *,
    floor: float = 0.0,
    ceiling: float = np.inf,
    late: float = 0.5,
    least: int = 10,
) -> np.ndarray:
    """-d log y / dx by least squares along the last axis.  x [x], y [..., x] > 0 -> [...]

    Of the points whose y lies between floor and ceiling, the share `late` of the last ones: earlier
    ones still mix several rates, and what has reached the floor decays no more.  nan where fewer
    than `least` points lie between, or a y is not finite: it did not decay.
    """

    def one(row):
        seen = (row > floor) & (row < ceiling)
        at, level = x[seen], np.log(row[seen])
        if len(at) < least or not np.isfinite(row).all():
            return np.nan
        rest = slice(len(at) - int(np.ceil(late * len(at))), None)
        return -line(at[rest], level[rest]).slope

    return np.apply_along_axis(one, -1, np.asarray(y, float))


def beside(x: np.ndarray, y: float | np.ndarray) -> np.ndarray:
    """Two rows a seed, as claims take them.  x, y broadcast to [seed, …] -> [seed, 2, …]"""
    return np.stack(np.broadcast_arrays(x, y), axis=1)


def taken(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Of every seed what stands at its index.  values [seed, k, …], index [seed] -> [seed, …]"""
    return values[np.arange(len(values)), index]


def geometric_mean(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """exp of the mean logarithm along an axis.  x [..., k] > 0 -> [...]"""
    return np.exp(np.log(x).mean(axis))


def poisson_upper(count: float | np.ndarray, alpha: float = ALPHA) -> np.ndarray:
    """Upper limit of the mean of a Poisson count (exact, Garwood 1936)."""
    from scipy.special import gammaincinv

    return gammaincinv(np.asarray(count, float) + 1, 1 - alpha)


def seeds_that_decide(
    values: np.ndarray,
    low: float,
    high: float,
    alpha: float = ALPHA,
    most: int = 1000,
    *,
    resolution: float = 0.0,
    bias: float = 0.0,
) -> int | None:
    """Seeds at which the t interval would leave the edges low, high alone with probability 0.8.

    Taken at this mean and spread, themselves estimates.  None: more than `most`.  `resolution` as
    in t_interval; `bias` widens the interval at any n.
    """
    values = np.asarray(values, float)
    n = np.arange(2, most + 1)
    spread = max(values.std(ddof=1), resolution / np.sqrt(12))
    half = (t_quantile(n - 1, 1 - alpha) + POWER) * spread / np.sqrt(n) + bias
    distance = min(abs(values.mean() - low), abs(values.mean() - high))
    enough = n[(half < distance) & (n > values.size)]
    return int(enough[0]) if enough.size else None
