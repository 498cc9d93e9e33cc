"""What the claims are decided on: arrays of a run -> numbers, one row a seed."""

import numpy as np
from scipy.special import gammaln

from common import stats

GAUSSIAN, IDENTITY = 0, 1  # of families
FIRST, LAST = 0, -1  # cases: the first scheme at the first p, and at the last
LOW, MIDDLE = 0, 1  # of p < 2
SENSITIVITY, LEVERAGE = 0, 1  # of weights
ENOUGH = 0.5  # distortion


def moment(p):
    """E |g|^p, g ~ N(0, 1)."""
    return np.exp(p / 2 * np.log(2) + gammaln((p + 1) / 2)) / np.sqrt(np.pi)


def length(d, p):
    """E |a|^p, a ~ N(0, I) of d coordinates."""
    return np.exp(p / 2 * np.log(2) + gammaln((d + p) / 2) - gammaln(d / 2))


def gaussian_total(d, p, n=np.inf):
    """Total sensitivity of n Gaussian rows to first order in 1 / n (README).  d, p broadcast"""
    c = moment(p)
    room = (d - 1) * p * moment(2 * p - 2) / (2 * c**2) + moment(2 * p) / c**2
    return length(d, p) / c * (1 + (room - length(d, 2 * p) / (c * length(d, p))) / n)


def gaussian_over_law(arrays):
    """Total sensitivity of Gaussian rows over the law, the d and p furthest from 1.  -> [seed]"""
    law = gaussian_total(arrays["dims"][:, None], arrays["exponents"], arrays["rows"])
    ratio = arrays["total"][:, :, GAUSSIAN] / law[:, None]
    return furthest(np.moveaxis(ratio, 1, 0).reshape(len(arrays["seeds"]), -1), 1)


def furthest(x, centre):
    """Of every row the value furthest from a number.  [seed, x] -> [seed]"""
    return stats.taken(x, np.abs(x - centre).argmax(axis=1))


def identity_total(arrays):
    """Total of copies of the identity, and d.  -> [instance, 2, 1]"""
    total = arrays["total"][:, :, IDENTITY]
    d = np.broadcast_to(arrays["dims"][:, None, None], total.shape)
    return np.stack([total.ravel(), d.ravel()], axis=1)[:, :, None].astype(float)


def outside_range(arrays):
    """Total over the upper or lower end over total, of d and d^(p/2); the largest.  -> [seed]"""
    d, p = arrays["dims"][:, None, None, None], arrays["exponents"]
    ends = np.minimum(d, d ** (p / 2)), np.maximum(d, d ** (p / 2))
    worst = np.maximum(ends[0] / arrays["total"], arrays["total"] / ends[1])
    return worst.max(axis=(0, 2, 3))


def certificate(arrays):
    """Largest relative distance of the two bounds of a total.  -> [seed]"""
    return np.abs(arrays["gap"]).max(axis=(0, 2, 3))


def budget(arrays):
    """Budgets and median distortions at the first p.  -> [seed, 2, m]"""
    return against_budget(arrays, FIRST)


def budget_above(arrays):
    """The same at the last p."""
    return against_budget(arrays, LAST)


def against_budget(arrays, case):
    return stats.beside(arrays["budgets"], np.median(arrays["distortion"][:, :, case], axis=1))


def unbiased(arrays):
    """Mean |S A x|_p^p / |A x|_p^p of one x over draws and budgets, the p further from 1."""
    mean = arrays["mean"].mean(axis=(1, 3))
    return furthest(mean[:, [FIRST, LAST]], 1)


def limit_error(arrays):
    """Largest relative distance of exact sensitivities from their limit.  -> [seed]"""
    return np.abs(arrays["exact"] / arrays["limit"] - 1).max(axis=(1, 2))


def needed(distortion, rows):
    """Rows at which the median distortion is ENOUGH, between budgets by powers.

    distortion [seed, draw, m], rows [m] -> [seed]; beyond the ends by the last power
    """
    y, x = np.log(np.median(distortion, axis=1) / ENOUGH), np.log(rows)
    right = np.clip((y > 0).sum(axis=1), 1, len(x) - 1)
    high, low = stats.taken(y, right - 1), stats.taken(y, right)
    share = high / np.where(high > low, high - low, 1)
    return np.exp(x[right - 1] + share * (x[right] - x[right - 1]))


def each_needed(distortion, dims, ratios):
    """distortion [d, seed, draw, m / d] -> [seed, d]"""
    return np.stack([needed(x, d * ratios) for x, d in zip(distortion, dims, strict=True)], axis=1)


def rows_low(arrays, at=LOW):
    """d and rows that are enough, at one p < 2.  -> [seed, 2, d]"""
    found = each_needed(arrays["low_distortion"][:, :, :, at], arrays["low_dims"],
                        arrays["low_ratios"])  # fmt: skip
    return stats.beside(arrays["low_dims"], found)


def rows_middle(arrays):
    """The same at the second p."""
    return rows_low(arrays, MIDDLE)


def rows_high(arrays):
    """Rows that are enough at p > 2, largest d: Gaussian, copies of the identity.  -> [seed, 2]"""
    names = "high_distortion", "copies_distortion"
    pair = [each_needed(arrays[k], arrays["high_dims"], arrays["high_ratios"]) for k in names]
    return np.stack([x[:, -1] for x in pair], axis=1)


def rank_excess(arrays):
    """d and rows beyond d until the Gaussian block has d, at the first p.  -> [seed, 2, d]"""
    d = arrays["rank_dims"]
    return stats.beside(d, arrays["first"][:, SENSITIVITY, LOW] - d)


def rank_slopes(arrays):
    """Slope of those rows less 2 - p / 2, at the p furthest from it.  -> [seed]"""
    d, first = arrays["rank_dims"], arrays["first"][:, SENSITIVITY]
    slope = stats.loglog_slope(d + 0 * first, first - d)
    return furthest(slope - (2 - arrays["rank_ps"] / 2), 0)


def rank_law(d, block):
    """Median of the budget at which a block with `block` of block + d has d rows (Gamma's)."""
    return (d - 1 / 3) * (1 + d / block)


def rank_and_law(arrays):
    """Median rows and their law.  -> [instance, 2, 1]"""
    first = arrays["first"][:, SENSITIVITY]
    law = np.broadcast_to(rank_law(arrays["rank_dims"], arrays["block"]), first.shape)
    return np.stack([first.ravel(), law.ravel()], axis=1)[:, :, None]


def rank_leverage(arrays):
    """d and rows until the Gaussian block has d, by leverage or Lewis weights.  -> [seed, 2, d]"""
    return stats.beside(arrays["rank_dims"], arrays["first"][:, LEVERAGE, LOW])


def rank_pair(arrays):
    """Rows until both blocks have their rank at the first p and largest d.  -> [seed, 2]"""
    return arrays["whole"][:, [SENSITIVITY, LEVERAGE], LOW, -1]


def recursion_law(arrays):
    """beta n^(1 - p/2) d^(p/2) of the rows that the round before left.  -> [seed, draw, round]"""
    counts, p = arrays["counts"], arrays["p"]
    before = np.concatenate([0 * counts[:, :, :1] + arrays["begin"], counts[:, :, :-1]], axis=2)
    return arrays["beta"] * before ** (1 - p / 2) * arrays["side"] ** (p / 2)


def recursion_counts(arrays):
    """Rows over the law or its inverse, whichever is larger, the worst round.  -> [seed]"""
    ratio = (arrays["counts"] / recursion_law(arrays)).mean(axis=1)
    return np.maximum(ratio, 1 / ratio).max(axis=1)


def recursion_end(arrays):
    """Rows at the end over the fixed point beta^(2/p) d.  -> [seed]"""
    fixed = arrays["beta"] ** (2 / arrays["p"]) * arrays["side"]
    return arrays["counts"][:, :, -1].mean(axis=1) / fixed


def recursion_holds(arrays):
    """Whether the rows at the end have a distortion that is small ENOUGH.  -> [seed draw]"""
    return (arrays["recursed"] <= ENOUGH).astype(float).ravel()
