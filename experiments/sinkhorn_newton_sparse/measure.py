"""What the claims are decided on: arrays of `run` -> numbers, one row a seed. Axes as there."""

import numpy as np

from common import stats

TWO, THREE, FIVE, TEN, DENSE = range(5)  # places in the density axis


def speedup(arrays):
    """Sinkhorn's iterations over SNS's to the target, five entries a row.  -> [seed]"""
    return _speedup(arrays, FIVE)


def speedup_two(arrays):
    """The same with two entries a row.  -> [seed]"""
    return _speedup(arrays, TWO)


def steps_three(arrays):
    """Newton steps to the tolerance with three entries a row: 2 / n of the Hessian.  -> [seed]"""
    return arrays["taken"][:, THREE].astype(float)


def superlinear(arrays):
    """Last ratio of successive errors over the median one, ten entries a row.  -> [seed]"""
    return _shrinking(arrays, TEN)


def superlinear_dense(arrays):
    """The same of dense Newton.  -> [seed]"""
    return _shrinking(arrays, DENSE)


def share(arrays):
    """Least mass in the 2 n largest entries after any of the sweeps.  -> [seed]"""
    return arrays["share"].min(axis=1)


def leak(arrays):
    """-slope of log mass outside the best assignment against eta times the predicted rate.

    Mean over instances.  -> [seed]
    """
    return -_lines(arrays).slope.mean(axis=1)


def straight(arrays):
    """R^2 of these lines, the least of the instances.  -> [seed]"""
    return _lines(arrays).r2.min(axis=1)


def over_theorem(arrays):
    """The slopes over Theorem 1's rate, gap of the second best / n: the least.  -> [seed]"""
    rate = -_lines(arrays).slope * arrays["predicted"]
    return (rate / arrays["vertex"]).min(axis=1)


def work_slope(arrays):
    """Log-log slope of these.  -> [seed]"""
    return stats.loglog_slope(arrays["size"], work(arrays))


def image_steps(arrays):
    """Newton steps from the short warm-up over those from the long one.  -> [seed]"""
    error = arrays["image_error"]
    reached = error[..., -1] <= arrays["target"]
    steps = np.where(reached, arrays["image_taken"], error.shape[-1] - 1)
    return steps[:, 0] / steps[:, 1]


def work(arrays):
    """Entries of plan and line search, and products of CG, a step; dense: (2 n)^3 / 3.

    -> [seed, size]
    """
    n, density = arrays["size"].astype(float), int(arrays["work_density"])
    inner = arrays["work"] * (4 * density + 10) * n if density else (2 * n) ** 3 / 3
    return np.broadcast_to(2 * n**2 + inner, arrays["work"].shape)


def iterations(arrays, place):
    """SNS's sweeps and steps to the target; the cap of Sinkhorn's where it is missed.  -> [seed]"""
    below = arrays["error"][:, place] <= arrays["target"]
    return np.where(below[:, -1], arrays["warm"] + below.argmax(axis=1), arrays["sweep"][-1])


def _speedup(arrays, place):
    return arrays["needed"] / iterations(arrays, place)


def _shrinking(arrays, place):
    errors, taken = arrays["error"][:, place], arrays["taken"][:, place]

    def one(e, taken):
        ratios = e[1 : taken + 1] / e[:taken]
        return ratios[-1] / np.median(ratios)

    return np.array([one(*pair) for pair in zip(errors, taken, strict=True)])


def _lines(arrays):
    scaled = arrays["small_eta"] * arrays["predicted"][..., None]
    return stats.line(scaled, np.log(arrays["outside"]))
