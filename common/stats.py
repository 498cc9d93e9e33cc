"""Statistics of claims: the interval rule, slopes, rank trends. NumPy and scipy.special only.

Shapes: n seeds, x points along a curve. Intervals are two-sided at level 1 - 2 alpha, so that each
end errs with probability alpha.  Rows that hold nan or inf come out as nan, each for itself.
"""

from typing import NamedTuple

import numpy as np

from common.reals import at_least, reals, unit

ALPHA = 0.05
POWER = 0.8416  # standard normal quantile of 0.8


class Interval(NamedTuple):
    estimate: float
    low: float
    high: float


def t_quantile(df: float | np.ndarray, p: float) -> np.ndarray:
    """Student-t quantile. df: degrees of freedom -> same shape."""
    _probability(p=p)
    if not (np.asarray(df) > 0).all():
        raise ValueError(f"df must be positive, not {df}")
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    return stdtrit(df, p)


def t_interval(values: np.ndarray, alpha: float = ALPHA, resolution: float = 0.0) -> Interval:
    """Student-t interval of a mean.  values [n].

    `resolution` is the step of a discrete measurement (a count, a grid): the standard deviation is
    taken to be at least step / sqrt(12), so that equal values do not give an interval of width 0.
    """
    values = _floats("values", values)
    _probability(alpha=alpha)
    n = values.size
    at_least(1, **{"the number of values": n})
    if not np.isfinite(values).all():
        return Interval(np.nan, np.nan, np.nan)
    mean, spread = _mean_and_spread(values)
    spread = max(spread, resolution / np.sqrt(12))
    half = float(t_quantile(n - 1, 1 - alpha)) * spread / np.sqrt(n) if n > 1 else np.inf
    return Interval(mean, mean - half, mean + half)


def _mean_and_spread(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation (infinite for one value), whose squares need not exist."""
    scale = float(unit(values).max())
    scaled = values / scale
    spread = float(scaled.std(ddof=1)) * scale if values.size > 1 else np.inf
    return float(scaled.mean()) * scale, spread


def clopper_pearson(successes: int, n: int, alpha: float = ALPHA) -> Interval:
    """Exact interval of a probability (Clopper and Pearson 1934)."""
    at_least(1, n=n)
    at_least(0, successes=successes)
    _probability(alpha=alpha)
    if successes > n:
        raise ValueError(f"successes = {successes} must not exceed n = {n}")
    from scipy.special import betaincinv

    low = float(betaincinv(successes, n - successes + 1, alpha)) if successes else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - alpha)) if successes < n else 1.0
    return Interval(successes / n, low, high)


def kendall_tau(y: np.ndarray) -> np.ndarray:
    """Kendall's tau-a of the last axis against its order; ties count 0.  y [..., x] -> [...]"""
    y = np.ascontiguousarray(np.moveaxis(_curves("y", y, 2), -1, 0))
    n = len(y)
    total = np.zeros(y.shape[1:])
    for i in range(n - 1):  # an array of all pairs is large for many long curves
        total += (y[i + 1 :] > y[i]).sum(0) - 1.0 * (y[i + 1 :] < y[i]).sum(0)
    return _nan_where_not_finite(total * 2 / (n * (n - 1)), y, 0)


def ranks(x: np.ndarray) -> np.ndarray:
    """From 0 along the last axis, equal values sharing their mean rank.  x [..., n] -> [..., n]

    nan where a row is not finite.
    """
    x = _curves("x", x, 1)
    low, high = x[..., None, :], x[..., :, None]
    found = (low < high).sum(-1) + 0.5 * (low == high).sum(-1) - 0.5
    return np.where(np.isfinite(x).all(-1, keepdims=True), found, np.nan)


def fisher_z(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """atanh of the correlation of the last axis, less its bias r / (2 (points - 1)).

    x, y [..., point] -> [...]. Source: Hotelling 1953.
    """
    x, y, whole = _pair(x, y)
    x, y = (a / unit(a, -1) for a in (x, y))
    constant = (np.ptp(x, -1) == 0) | (np.ptp(y, -1) == 0)  # their mean need not be exact
    x, y = (a - a.mean(-1, keepdims=True) for a in (x, y))
    x, y = (a / np.where((m := np.abs(a).max(-1, keepdims=True)) > 0, m, 1) for a in (x, y))
    scale = np.where(constant, 0.0, np.sqrt((x * x).sum(-1) * (y * y).sum(-1)))
    r = np.divide((x * y).sum(-1), scale, out=np.zeros_like(scale), where=scale > 0)
    r = np.clip(r, -1 + 1e-12, 1 - 1e-12)
    z = np.arctanh(r) - r / (2 * (x.shape[-1] - 1))
    return np.where(whole, z, np.nan)[()]


class Line(NamedTuple):
    slope: np.ndarray
    intercept: np.ndarray
    r2: np.ndarray


def line(x: np.ndarray, y: np.ndarray) -> Line:
    """Least-squares line along the last axis.  x, y [..., x] -> each [...]

    r2 is 1 for a perfect line and 0 where y is constant; all are nan where x is.
    """
    x, y, whole = _pair(x, y)
    units_x, units_y = unit(x, -1), unit(y, -1)
    x, y = x / units_x, y / units_y
    whole &= np.ptp(x, -1) > 0
    dx, dy = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    sxx, sxy, syy = (dx * dx).sum(-1), (dx * dy).sum(-1), (dy * dy).sum(-1)
    slope = np.where(whole, sxy, np.nan) / np.where(whole, sxx, 1.0)
    varies = ~(np.ptp(y, -1) == 0)  # the mean of equal numbers need not be that number
    r2 = np.where(varies, slope * sxy / np.where(varies, syy, 1.0), np.where(whole, 0.0, np.nan))
    unit_x, unit_y = units_x[..., 0], units_y[..., 0]
    return Line(slope * unit_y / unit_x, (y.mean(-1) - slope * x.mean(-1)) * unit_y, r2)


def loglog_slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Slope of log y against log x along the last axis.  x, y [..., x] > 0 -> [...]

    nan where a value is not positive.
    """
    return line(_log(_floats("x", x)), _log(_floats("y", y))).slope


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

    x, y = _floats("x", x), _curves("y", y, 0)
    at_least(2, least=least)
    if not floor >= 0 or not 0 < late <= 1:
        raise ValueError(f"floor = {floor} must not be negative, and late = {late} in (0, 1]")
    if x.shape != y.shape[-1:]:
        raise ValueError(f"x must have shape {list(y.shape[-1:])}, as the last axis of y")

    def one(row):
        seen = (row > floor) & (row < ceiling)
        at, level = x[seen], np.log(row[seen])
        if len(at) < least or not np.isfinite(row).all():
            return np.nan
        rest = slice(len(at) - int(np.ceil(late * len(at))), None)
        return -line(at[rest], level[rest]).slope

    return np.apply_along_axis(one, -1, y) if y.size else np.full(y.shape[:-1], np.nan)


def beside(x: np.ndarray, y: float | np.ndarray) -> np.ndarray:
    """Two rows a seed, as claims take them.  x, y broadcast to [seed, …] -> [seed, 2, …]"""
    return np.stack(np.broadcast_arrays(x, y), axis=1)


def taken(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Of every seed what stands at its index.  values [seed, k, …], index [seed] -> [seed, …]"""
    index = np.asarray(index)
    if index.dtype.kind not in "iu" or ((index < 0) | (index >= np.shape(values)[1])).any():
        raise ValueError(f"index must hold integers from 0 to {np.shape(values)[1] - 1}")
    return values[np.arange(len(values)), index]


def geometric_mean(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """exp of the mean logarithm along an axis.  x [..., k] >= 0 -> [...]; nan below 0."""
    x = _floats("x", x)
    at_least(1, **{"the length of x": x.shape[axis]})
    with np.errstate(divide="ignore"):  # with a zero among them it is zero
        return np.exp(np.log(np.where((x >= 0) & (x < np.inf), x, np.nan)).mean(axis))


def poisson_upper(count: float | np.ndarray, alpha: float = ALPHA) -> np.ndarray:
    """Upper limit of the mean of a Poisson count (exact, Garwood 1936)."""
    count = _floats("count", count)
    _probability(alpha=alpha)
    if (count < 0).any():
        raise ValueError("count must not be negative")
    from scipy.special import gammaincinv

    return gammaincinv(count + 1, 1 - alpha)


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

    Taken at this mean and spread, themselves estimates.  None: more than `most`, or no spread is
    known from one value.  `resolution` as
    in t_interval; `bias` widens the interval at any n.
    """
    values = np.asarray(reals("values", values), float)
    at_least(1, **{"the number of values": values.size})
    mean, spread = _mean_and_spread(values)
    n = np.arange(2, most + 1)
    spread = max(spread, resolution / np.sqrt(12))
    half = (t_quantile(n - 1, 1 - alpha) + POWER) * spread / np.sqrt(n) + bias
    distance = min(abs(mean - low), abs(mean - high))
    enough = n[(half < distance) & (n > values.size)]
    return int(enough[0]) if enough.size else None


def _floats(name: str, x) -> np.ndarray:
    """Real numbers as float64; nan and inf pass.  Errors: ValueError that names them."""
    return np.asarray(reals(name, x, finite=False), float)


def _curves(name: str, x, least: int) -> np.ndarray:
    x = _floats(name, x)
    if not x.ndim or x.shape[-1] < least:
        raise ValueError(f"{name} must have {least} points or more, not shape {list(x.shape)}")
    return x


def _pair(x, y) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x and y of one shape, of two points or more, and which rows are finite; zeros in others."""
    x, y = np.broadcast_arrays(_curves("x", x, 2), _curves("y", y, 2))
    whole = (np.isfinite(x) & np.isfinite(y)).all(-1)
    return *(np.where(whole[..., None], a, 0.0) for a in (x, y)), whole


def _log(x: np.ndarray) -> np.ndarray:
    return np.log(np.where(x > 0, x, np.nan))


def _nan_where_not_finite(result: np.ndarray, rows: np.ndarray, axis: int) -> np.ndarray:
    return np.where(np.isfinite(rows).all(axis), result, np.nan)[()]


def _probability(**values) -> None:
    for name, value in values.items():
        if not 0 < value < 1:
            raise ValueError(f"{name} must lie between 0 and 1, not {value}")
