"""The chance that fresh seeds give a verdict again, from what was measured.

Seeds are taken as draws of a normal distribution on the scale of the decision whose mean and
variance are unknown (prior: flat in the mean and in log sigma); outcomes of a rate as draws of a
probability (prior: Jeffreys). Each chance is the mass of the predictive distribution on the data
that the rule of `criteria.decide` would call by that state. So a stated chance of 0.9 comes true in
0.9 of cases over truths spread evenly on that scale, whatever their noise; for one fixed truth it
need not, nor where seeds are far from normal. Mutants and controls are not drawn again.

What is decided on several numbers a seed is drawn jointly: a trend and a location as whole curves,
an ordering as its gaps. Their covariance has the inverse Wishart distribution of n + r - 2 degrees
(r its rank), which gives any one linear combination of them the Student-t predictive of n - 1.

Shapes: n seeds that ran, m fresh ones, d numbers a seed.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from common import stats
from common.criteria import KINDS, Criterion, Invalid, Part, checked
from common.criteria.kind import INSTANCES, OUTCOMES, SEEDS, UNIFORM, Drawn
from common.stats import ALPHA

STATES = ("pass", "fail", "inconclusive")
NODES = 48  # of each axis of a quadrature
DRAWS = 2000  # of a simulation: a standard error of 0.007 at 0.9
PAIRS = 4_000_000  # comparisons of points that a trend may cost: long curves are drawn less often


def repeats(
    c: Criterion, values, state: str, *, seeds: int | None = None, ran: int | None = None
) -> float | None:
    """Chance that `seeds` fresh seeds (default: as many as ran) give `state`.

    values [seed, …] as the measure returned them; `ran` as in chances. None: undecidable.
    """
    found = chances(c, values, seeds, ran=ran)
    return found[state] if found else None


def chance_of_pass(c: Criterion, values, seeds: int, *, ran: int | None = None) -> float | None:
    """Chance that `seeds` fresh seeds pass; None where values or so few seeds cannot be decided."""
    return repeats(c, values, "pass", seeds=seeds, ran=ran)


def chances(
    c: Criterion, values, seeds: int | None = None, *, ran: int | None = None
) -> dict[str, float] | None:
    """{state: chance} over `seeds` fresh seeds; None where values or so few are undecidable.

    `ran`: seeds behind the values, where they hold several instances a seed (identity).
    """
    kind = KINDS[c["kind"]]
    try:
        values = checked(c, values)
        parts = kind.parts(c, values)
    except Invalid:
        return None
    ran = ran or len(values) // c.get("per_seed", 1)
    fresh = ran if seeds is None else seeds
    outcomes = fresh * max(len(values) // ran, 1)  # least counts instances and outcomes
    if fresh < 1 or (fresh if kind.rows == SEEDS else outcomes) < kind.least:
        return None
    alpha = c.get("alpha", ALPHA)
    if kind.rows == INSTANCES:
        found = _identity(parts[0], ran, fresh)
    elif kind.rows == OUTCOMES:
        found = _rate(parts[0], fresh * c.get("per_seed", 1), alpha)
    elif len(parts) == 1 and not kind.drawn:
        found = _single(parts[0], fresh, alpha)
    else:
        found = _drawn(c, values, parts, fresh, alpha)
    passed, failed = (min(max(float(p), 0.0), 1.0) for p in found)
    return {"pass": passed, "fail": failed, "inconclusive": max(1.0 - passed - failed, 0.0)}


# ---- one number a seed: quadrature --------------------------------------------------------------


@lru_cache(maxsize=64)
def _nodes(df: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles and weights that integrate over chi-square of df; None: standard normal."""
    from scipy.special import gammaincinv, ndtri

    x, w = np.polynomial.legendre.leggauss(NODES)
    p = (x + 1) / 2
    return (ndtri(p) if df is None else 2 * gammaincinv(df / 2, p)), w / 2


def _single(p: Part, m: int, alpha: float) -> tuple[float, float]:
    """(pass, fail) of the t interval: over sigma and the fresh spread, the mean in closed form."""
    from scipy.special import ndtr

    n = p.values.size
    spread = max(p.values.std(ddof=1), p.resolution / np.sqrt(12))
    centre = p.values.mean()
    (old, old_w), (new, new_w) = _nodes(n - 1), _nodes(m - 1)
    sigma = spread * np.sqrt((n - 1) / old)[:, None]
    seen = np.maximum(sigma * np.sqrt(new / (m - 1)), p.resolution / np.sqrt(12))
    half = float(stats.t_quantile(m - 1, 1 - alpha * p.strict)) * seen / np.sqrt(m) + p.bias
    if spread == 0:
        inside, outside = _sides(p, np.full((1, m), centre), alpha)
        return float(inside[0]), float(outside[0])

    def below(edge):  # chance that the fresh mean is below
        return ndtr((edge - centre) / (sigma * np.sqrt(1 / n + 1 / m)))

    inside = np.maximum(below(p.high - half) - below(p.low + half), 0)
    outside = below(p.low - half) + 1 - below(p.high + half)
    weights = old_w[:, None] * new_w
    return float((weights * inside).sum()), float((weights * outside).sum())


def _identity(p: Part, ran: int, m: int) -> tuple[float, float]:
    """(pass, fail): the largest error of m seeds; square roots of a seed's largest are normal.

    (Nearly those of sizes of normal numbers; their logarithms have a long lower tail, and zeros.)
    """
    from scipy.special import ndtr

    roots = _largest(np.sqrt(p.values), ran)
    n, fresh = roots.size, max(round(roots.size * m / ran), 1)
    if n < 2 or np.ptp(roots) == 0:
        return float(p.values.max() <= p.high), float(p.values.max() > p.high)
    (chi, chi_w), (z, z_w) = _nodes(n - 1), _nodes(None)
    sigma = (roots.std(ddof=1) * np.sqrt((n - 1) / chi))[:, None]
    mean = roots.mean() + sigma / np.sqrt(n) * z
    passed = chi_w @ ndtr((np.sqrt(p.high) - mean) / sigma) ** fresh @ z_w
    return passed, 1 - passed


def _largest(errors: np.ndarray, ran: int) -> np.ndarray:
    """The largest of every seed.  [instance] -> [seed], or all where they do not divide by seeds.

    A measure may have its seeds on any axis of the instances. Any other grouping mixes settings,
    which differ more than seeds do: taken is the one whose largest values differ least.
    """
    per, rest = divmod(errors.size, ran)
    if rest or ran < 2:
        return errors
    outer = [a for a in range(1, per + 1) if per % a == 0]
    groupings = [errors.reshape(a, ran, per // a).max((0, 2)) for a in outer]
    return min(groupings, key=lambda g: g.std())


def _rate(p: Part, m: int, alpha: float) -> tuple[float, float]:
    """(pass, fail) of the Clopper-Pearson interval of m outcomes: the sum over their count."""
    from scipy.special import betaincinv, betaln, gammaln

    k = np.arange(m + 1)
    hits, misses = p.values.sum() + 0.5, (1 - p.values).sum() + 0.5
    choose = gammaln(m + 1) - gammaln(k + 1) - gammaln(m - k + 1)
    chance = np.exp(choose + betaln(k + hits, m - k + misses) - betaln(hits, misses))
    low = np.where(k > 0, betaincinv(np.maximum(k, 1), m - k + 1, alpha), 0.0)
    high = np.where(k < m, betaincinv(k + 1, np.maximum(m - k, 1), 1 - alpha), 1.0)
    inside = (low >= p.low) & (high <= p.high)
    return chance @ inside, chance @ ((high < p.low) | (low > p.high))


# ---- several numbers a seed: simulation ---------------------------------------------------------


def _drawn(c, values, parts: list[Part], m: int, alpha: float) -> tuple[float, float]:
    """(pass, fail) of draws of whole verifications."""
    curves, numbers = _model(c, values, parts)
    draws = int(np.clip(PAIRS / (m * max(curves.shape[1] ** 2 / 2, 1)), DRAWS // 10, DRAWS))
    fresh = numbers(_predictive(curves, _floor(c), m, draws))
    passed, failed = np.ones(draws, bool), np.zeros(draws, bool)
    for part, x in zip(parts, fresh, strict=True):
        passed &= _sides(part, x, alpha)[0]
        failed |= _sides(part, x, alpha / len(parts))[1]
    return passed.mean(), (failed & ~passed).mean()


def _model(c, values, parts) -> tuple[np.ndarray, Callable]:
    """What is normal [seed, d], and from [..., d] the numbers that the parts decide on, [...]."""
    drawn = KINDS[c["kind"]].drawn or Drawn(
        lambda c, v: np.stack([p.values for p in parts], 1),
        lambda c, f: list(np.moveaxis(f, -1, 0)),
    )
    return drawn.curves(c, values), lambda f: drawn.numbers(c, f)


def _floor(c: Criterion) -> float:
    """Least standard deviation of a number."""
    drawn = KINDS[c["kind"]].drawn
    return c.get("resolution", 0.0) / np.sqrt(drawn.share if drawn else UNIFORM)


def _predictive(x: np.ndarray, floor: float, m: int, draws: int) -> np.ndarray:
    """Fresh seeds from those seen.  x [n, d] -> [draws, m, d]"""
    n = len(x)
    constant = np.ptp(x, axis=0) == 0
    mean = np.where(constant, x[0], x.mean(0))
    rest = np.where(constant, 0.0, x - mean)
    _, size, directions = np.linalg.svd(rest, full_matrices=False)
    rank = int((size > 1e-12 * max(size.max(), 1e-300)).sum())
    factor = size[:rank, None] * directions[:rank]
    lacking = np.maximum((n - 1) * floor**2 - (rest**2).sum(0), 0.0)
    if lacking.any():
        factor = np.concatenate([factor, np.diag(np.sqrt(lacking))[lacking > 0]])
    factor[:, constant & (lacking == 0)] = 0.0  # exactly: ties stay ties
    return mean + _pivots(n, len(factor), m, draws) @ factor


@lru_cache(maxsize=8)
def _pivots(n: int, r: int, m: int, draws: int) -> np.ndarray:
    """Fresh seeds of r directions of unit sum of squares over n seeds.  -> [draws, m, r]"""
    rng = np.random.default_rng(0)
    root = np.tril(rng.standard_normal((draws, r, r)), -1)  # Bartlett: root root^T is Wishart
    degrees = n + r - 2 - np.arange(r)
    root[:, np.arange(r), np.arange(r)] = np.sqrt(rng.chisquare(np.maximum(degrees, 1), (draws, r)))
    about = rng.standard_normal((draws, 1, r)) / np.sqrt(n) + rng.standard_normal((draws, m, r))
    return about @ np.linalg.inv(root) if r else about


def _sides(p: Part, x: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Whether each row lies inside and outside of the region, as criteria._side.  x [draws, m]"""
    m = x.shape[1]
    missing = np.isnan(x).any(1)
    mean = x.mean(1)
    spread = np.maximum(x.std(1, ddof=1), p.resolution / np.sqrt(12))
    half = float(stats.t_quantile(m - 1, 1 - alpha * p.strict)) * spread / np.sqrt(m)
    low, high = mean - half, mean + half
    if p.swap:
        swaps, back = np.unique(np.round((1 - mean) / p.swap * m, 6), return_inverse=True)
        low = np.minimum(low, 1 - p.swap * stats.poisson_upper(swaps, alpha)[back] / m)
    low, high = low - p.bias, high + p.bias
    if p.open:
        return (low > p.low) & ~missing, (high <= p.low) | missing
    inside = (low >= p.low) & (high <= p.high) & ~missing
    return inside, (high < p.low) | (low > p.high) | missing
