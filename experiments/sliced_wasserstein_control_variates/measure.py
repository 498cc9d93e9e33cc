"""What the claims are decided on: arrays of `run` -> numbers, one row a seed. Axes as there."""

import numpy as np

from common import stats

PLAIN, CENTRING, LOWER, UPPER = range(4)  # of estimates
FLOWS = {"plain": 0, "lower": 1, "upper": 2, "centring": 3}
CROSSING, NESTED = range(2)  # pairs: a sphere is wider than a torus along some directions only
MAIN = 100  # directions of an estimate
MIDDLE = 2.0  # W_2^2 of the plain flow at which flows are compared


def bias_in_deviations(arrays):
    """(mean Z - reference) / deviation of Z at one spread, the case furthest from 0.  -> [seed]"""
    at, place = main(arrays), one_spread(arrays)
    mean = arrays["mean"][:, :, LOWER : UPPER + 1, place, at]
    deviation = np.sqrt(arrays["variance"][:, :, LOWER : UPPER + 1, place, at])
    return furthest((mean - arrays["reference"][:, :, None, place]) / deviation, 0.0)


def bias_over_law(arrays):
    """Bias of the upper control, sphere against torus, no shift, over the law's.  -> [seed]

    The pool's own estimate is the reference, on the same directions.
    """
    at = main(arrays)
    bias = arrays["mean"][:, CROSSING, UPPER, 0, at] - arrays["pooled"][:, CROSSING, 1, 0]
    return bias * arrays["sizes"][at] / arrays["law"][:, CROSSING, 1, 0]


def far_lower(arrays):
    """Largest variance ratio of both pairs at the two largest shifts.  -> [seed]"""
    return ratio(arrays, LOWER)[:, :, -2:].max(axis=(1, 2))


def far_upper(arrays):
    """The same of the upper control.  -> [seed]"""
    return ratio(arrays, UPPER)[:, :, -2:].max(axis=(1, 2))


def near(arrays):
    """At one spread, the worse control on the worse pair.  -> [seed]"""
    at = one_spread(arrays)
    both = [ratio(arrays, e)[:, :, at] for e in (LOWER, UPPER)]
    return np.max(both, axis=(0, 2))


def digits(arrays):
    """Of images as they are, the worse control.  -> [seed]"""
    variance = arrays["digit_variance"][:, :, -1, main(arrays)]
    return variance[:, LOWER : UPPER + 1].max(axis=1) / variance[:, PLAIN]


def floor_over_law(arrays):
    """Of a translated cloud, times L^2 / 15.  -> [seed]"""
    at = np.abs(arrays["floor_sizes"] - MAIN).argmin()
    return arrays["floor"][:, at] * arrays["floor_sizes"][at] ** 2 / 15


def floor_growth(arrays):
    """L from 30 on and the ratio of a translated cloud.  -> [seed, 2, size]"""
    size = arrays["floor_sizes"]
    late = size >= 30 if (size >= 30).sum() > 1 else size > 0
    return stats.beside(size[late], arrays["floor"][:, late])


def control_and_centring(arrays):
    """Variances at the largest shift: the better control, and centring; the worse pair.

    -> [seed, 2]
    """
    variance = arrays["variance"][..., -1, main(arrays)]
    control, centring = variance[:, :, LOWER : UPPER + 1].min(axis=2), variance[:, :, CENTRING]
    worse = (control / centring).argmin(axis=1)
    return np.stack([stats.taken(v, worse) for v in (control, centring)], axis=1)


def peak_and_rest(arrays):
    """Ratio of the upper control, cube against helix: largest of all shifts, and at the first.

    -> [seed, 2]
    """
    all_shifts = ratio(arrays, UPPER)[:, NESTED]
    return np.stack([all_shifts.max(axis=1), all_shifts[:, 0]], axis=1)


def sphere(arrays):
    """Means of the controls over a basis and B.  -> [seed x case, 2, 1]"""
    shapes = arrays["sphere"].reshape(-1, 2, 1)
    return np.concatenate([shapes, arrays["digit_sphere"].reshape(-1, 2, 1)])


def middle_lower(arrays):
    """W_2^2 of plain and of the lower control, where plain is nearest to 2.  -> [seed, 2]"""
    return middle(arrays, "plain", "lower")


def middle_upper(arrays):
    """The same of the upper control.  -> [seed, 2]"""
    return middle(arrays, "plain", "upper")


def middle_centring(arrays):
    """The same of the lower control and of centring.  -> [seed, 2]"""
    return middle(arrays, "lower", "centring")


def last_lower(arrays):
    """W_2^2 of plain and of the lower control at the last record.  -> [seed, 2]"""
    return arrays["exact"][:, [FLOWS["plain"], FLOWS["lower"]], -1]


def smallest(arrays):
    """Least Z over the plain estimate of both controls on the whole way.  -> [seed]"""
    return arrays["least"][:, [FLOWS["lower"], FLOWS["upper"]]].min(axis=1)


def delay_over_law(arrays):
    """1 - (way of plain) / (way of centring), over (d - 1) / (4 (d + 2) L) at d = 3.  -> [seed]

    The way that the mean has gone, where centring has a fifth left of it.
    """
    gap, start = arrays["gap"], 2 * np.sqrt(3) * arrays["offset"]
    at = np.abs(gap[:, FLOWS["centring"]] - start / 5).argmin(axis=1)
    plain, exact = (start - stats.taken(gap[:, FLOWS[m]], at) for m in ("plain", "centring"))
    return (1 - plain / exact) * 10 * arrays["directions"]


def lower_cost(arrays):
    """Operations over those of plain SW.  -> [seed]"""
    return cost(arrays, "lower")


def upper_cost(arrays):
    """The same of the upper control.  -> [seed]"""
    return cost(arrays, "upper")


def centred_lower(arrays):
    """Ratio at the first shift, none, of the pair furthest from 1.  -> [seed]"""
    return furthest(ratio(arrays, LOWER)[:, :, 0], 1.0)


def centred_upper(arrays):
    """Ratio at the first shift, none, of the upper control, cube against helix.  -> [seed]"""
    return ratio(arrays, UPPER)[:, NESTED, 0]


def crossing_upper(arrays):
    """The same of sphere against torus.  -> [seed]"""
    return ratio(arrays, UPPER)[:, CROSSING, 0]


def ratio(arrays, estimate):
    """Variance over that of plain SW at L = 100.  -> [seed, pair, shift]"""
    variance = arrays["variance"][..., main(arrays)]
    return variance[:, :, estimate] / variance[:, :, PLAIN]


def one_spread(arrays):
    """Place of the shift of one spread."""
    return int(np.abs(arrays["shifts"] - 1.0).argmin())


def main(arrays):
    """Place of L = 100."""
    return int(np.abs(arrays["sizes"] - MAIN).argmin())


def middle(arrays, first, second):
    """W_2^2 of two flows at the record where the plain one is nearest to 2.  -> [seed, 2]"""
    exact = arrays["exact"]
    at = np.abs(np.log(exact[:, FLOWS["plain"]] / MIDDLE)).argmin(axis=1)
    return np.stack([stats.taken(exact[:, FLOWS[m]], at) for m in (first, second)], axis=1)


def furthest(values, centre):
    """Of every seed the value furthest from the centre.  [seed, …] -> [seed]"""
    flat = values.reshape(len(values), -1)
    return stats.taken(flat, np.abs(flat - centre).argmax(axis=1))


def cost(arrays, method):
    each = arrays["operations"] / arrays["operations"][FLOWS["plain"]]
    return each[FLOWS[method]] + 0.0 * arrays["seeds"]
