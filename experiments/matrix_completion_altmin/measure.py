"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

MODERATE and LARGE are places of arms: eps_0 = 1/2 and 2. EXACT, FEW, ONE are solvers.
"""

import numpy as np

from common import stats

MODERATE, LARGE = 2, -1
EXACT, FEW, ONE = 0, 1, 2
ONE_STEP, TWO_STEPS = 0, 1
DONE, ENOUGH = 1e-8, 1e-2  # errors at which a run is done, and an instance completed


def rates(error):
    """Factor a sweep over the second half of the way from 1e-1 to 1e-10, 1 if it stalls.

    error [..., T] -> [...]
    """
    sweep = np.arange(1.0, error.shape[-1] + 1)
    decay = stats.decay_rate(sweep, error, floor=1e-10, ceiling=1e-1, least=5)
    return np.exp(-np.nan_to_num(decay, nan=0.0))


def straightness(arrays):
    """r^2 of log error against the sweep between 1e-1 and 1e-10, 0 for fewer than 5.  -> [S]"""

    def one(error):
        seen = (error < 1e-1) & (error > 1e-10)
        if seen.sum() < 5:
            return 0.0
        return stats.line(np.flatnonzero(seen), np.log(error[seen])).r2

    return np.array([one(error) for error in arrays["error"][:, 0]], float)


def rate(arrays):
    """Factor a sweep of exact solves.  -> [S]"""
    return rates(arrays["error"][:, 0])


def fresh(arrays):
    """Factor a half step on fresh masks over the law, mean over sweeps from the first.  -> [S]"""
    error = arrays["fresh"]
    halves = 2 * (error.shape[-1] - 1)
    return (error[:, -1] / error[:, 0]) ** (1 / halves) / arrays["law"]


def moderate(arrays):
    """Rate with errors of eps_0 = 1/2 over the rate without.  -> [S]"""
    return rates(arrays["error"][:, MODERATE]) / rate(arrays)


def large(arrays):
    """Rate with errors of eps_0 = 2 over the rate without.  -> [S]"""
    return rates(whole(arrays, len(arrays["relative"]) - 1)) / rate(arrays)


def whole(arrays, place):
    """Errors of an arm.  -> [S, T]"""
    return arrays["error"][:, place]


def aligned(arrays):
    """Rate with errors along those of the solution, over rate (1 + eps_0)^2.  -> [S]"""
    found = rates(whole(arrays, len(arrays["relative"])))
    return found / rate(arrays) / (1 + arrays["aligned"]) ** 2


def floors(arrays):
    """delta and the last error.  -> [S, 2, delta]"""
    return stats.beside(arrays["fixed"], arrays["error"][:, len(arrays["relative"]) + 1 :, -1])


def sweeps(error):
    """Sweeps until the error is DONE, between them by the logarithm; all if it never is.

    error [..., T] -> [...]
    """

    def one(row):
        below = np.flatnonzero(row <= DONE)
        if len(below) == 0:
            return float(len(row))
        i = below[0]
        if i == 0:
            return 1.0
        high, low = np.log(row[i - 1 : i + 1])
        return i + (high - np.log(DONE)) / (high - low)

    return np.apply_along_axis(one, -1, error)


def two_steps(arrays):
    """Sweeps with two steps of conjugate gradients over those of exact solves.  -> [S]"""
    return sweeps(arrays["inner"][:, TWO_STEPS]) / sweeps(whole(arrays, 0))


def one_step(arrays):
    """Sweeps with one step over those of exact solves.  -> [S]"""
    return sweeps(arrays["inner"][:, ONE_STEP]) / sweeps(whole(arrays, 0))


def two_sketched(arrays):
    """Sweeps with two steps, preconditioned by a sketch, over exact solves'.  -> [S]"""
    return sweeps(arrays["sketched"]) / sweeps(whole(arrays, 0))


def counted(arrays):
    """k and multiplications a sweep of conjugate gradients.  -> [S, 2, k]"""
    return stats.beside(arrays["ranks"], arrays["counted"][:, 0])


def counted_exact(arrays):
    """k and multiplications a sweep of normal equations.  -> [S, 2, k]"""
    return stats.beside(arrays["ranks"], arrays["counted"][:, 1])


def success(arrays):
    """Share of instances completed.  -> [S, solver, ratio]"""
    return (arrays["final"] < ENOUGH).mean(-1)


def half_way(arrays):
    """p n / k at which half of the instances are completed, by a line between ratios; the ends.

    -> [S, solver]
    """
    ratios, share = arrays["ratios"], success(arrays)

    def one(row):
        above = np.flatnonzero(row >= 0.5)
        if len(above) == 0 or above[0] == 0:
            return ratios[0] if len(above) else 2 * ratios[-1]
        i = above[0]
        part = (0.5 - row[i - 1]) / (row[i] - row[i - 1])
        return ratios[i - 1] + part * (ratios[i] - ratios[i - 1])

    return np.apply_along_axis(one, -1, share)


def threshold(arrays):
    """Where half of the instances are completed with a few steps, over exact solves.  -> [S]"""
    at = half_way(arrays)
    return at[:, FEW] / at[:, EXACT]
