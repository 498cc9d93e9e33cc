"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

USUAL is the number of points of the paper. LONG, WHOLE: the kernel cut and not. FULL, REDUCED:
HOSVD of the full tensor, and RHOSVD.
"""

import numpy as np

from common import stats

USUAL = 129
LONG, WHOLE = 0, 1
FULL, REDUCED = 0, 1


def usual(arrays):
    """Errors of single vectors at the paper's m, or at the largest.  -> [S, K]"""
    points = arrays["points"]
    place = np.flatnonzero(points == USUAL)
    return arrays["vector"][:, place[0] if len(place) else -1]


def long_vectors(arrays):
    """Largest error of the vectors of the long range.  -> [S]"""
    return usual(arrays)[:, arrays["t"] <= arrays["long_t"]].max(axis=-1)


def short_vectors(arrays):
    """Smallest error of the vectors of the short range.  -> [S]"""
    low, high = arrays["short_t"]
    return usual(arrays)[:, (arrays["t"] >= low) & (arrays["t"] <= high)].min(axis=-1)


def law(m, t):
    """2 sum_{j > (m-1)/2} |a_2j| of exp(-t^2 x^2), a_2j = 2 exp(-z) I_j(z), z = t^2 / 2.

    By the uniform expansion of I_j (DLMF 10.41.3) at the first j and a geometric tail.
    """
    j, z = (m + 1) / 2.0, t**2 / 2.0
    size, ratio = np.hypot(j, z), np.arcsinh(j / z)
    first = 2 * np.exp(size - j * ratio - z) / np.sqrt(2 * np.pi * size)
    return 2 * first / (1 - np.exp(-ratio))


def over_law(arrays):
    """Geometric mean of error over the law, where both lie between 1e-10 and 0.1.  -> [S]"""
    n, t = np.meshgrid(arrays["points"], np.maximum(arrays["t"], 1.0), indexing="ij")
    expected = law(n, t)
    seen = (expected > 1e-10) & (expected < 0.1)
    return stats.geometric_mean(arrays["vector"][:, seen] / expected[seen])


def kernel_long(arrays):
    """Largest error of the long range over numbers of points.  -> [S]"""
    return arrays["newton"][:, :, LONG].max(axis=-1)


def kernel_whole(arrays):
    """Error of the kernel as it is, at most points.  -> [S]"""
    return arrays["newton"][:, -1, WHOLE]


def ranks(s, tol):
    """As tucker.ranks.  s [..., m] -> [...]"""
    tails = np.sqrt(np.cumsum((s**2)[..., ::-1], axis=-1)[..., ::-1])
    return (tails > tol * tails[..., :1] / np.sqrt(3)).sum(axis=-1)


def difference(arrays):
    """Largest difference of ranks inside and outside, of modes, sizes, both tolerances.  -> [S]"""
    each = [
        abs(ranks(arrays["inside"], tol) - ranks(arrays["outside"], tol))
        for tol in (arrays["tol"], arrays["loose"])
    ]
    return np.max(each, axis=(0, 2, 3)).astype(float)


def inside(arrays, tol="tol"):
    """Largest rank of the modes.  -> [S, N]"""
    return ranks(arrays["inside"], arrays[tol]).max(axis=-1)


def level(arrays):
    """Rank at the largest N, over the number of points.  -> [S]"""
    return inside(arrays)[:, -1] / arrays["inside"].shape[-1]


def slope(arrays):
    """Ranks added by a doubling of N, by a line.  -> [S]"""
    found = inside(arrays).astype(float)
    return stats.line(np.broadcast_to(np.log2(arrays["size"]), found.shape), found).slope


def straightness(arrays):
    """r^2 of log error against m without cut.  -> [S]"""
    error = np.log(arrays["cut"])
    return stats.line(np.broadcast_to(arrays["field_points"], error.shape), error).r2


def total(arrays):
    """Error at the loose tolerance over the tolerance, most points.  -> [S]"""
    return arrays["field"][:, -1, 2] / arrays["loose"]


def accuracy(arrays):
    """Error of RHOSVD over that of HOSVD of the full tensor.  -> [S]"""
    return arrays["algorithm"][:, REDUCED] / arrays["algorithm"][:, FULL]


def gain(arrays):
    """Multiplications of HOSVD of the full tensor over those of RHOSVD.  -> [S]"""
    m, columns = float(arrays["algorithm_points"]), float(arrays["columns"])
    r = np.moveaxis(arrays["algorithm_ranks"].astype(float), -1, 0)
    return full(m, columns, *r[..., FULL]) / reduced(m, columns, *r[..., REDUCED])


def full(m, columns, a, b, c):
    """The tensor from its terms, a triangular factor of three unfoldings, the core."""
    return columns * m**3 + 3 * m**4 + a * m**3 + a * b * m**2 + a * b * c * m


def reduced(m, columns, a, b, c):
    """Triangular factors of three [m, R], projections, the core from its terms."""
    return 3 * columns * m**2 + (a + b + c) * m * columns + columns * a * b * c
