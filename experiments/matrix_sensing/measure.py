"""What each claim reads off a run: arrays -> float[seed, ...].

The arrays are those of `run`: squared errors |. - M|_F^2 at `steps`. SPARE is the place of the
runs with the fewest spare columns in the width axis, SMALL the initial scales of the alpha^2
regime, FULL and FEWEST the most and the fewest measurements.
"""

import numpy as np

from common import stats

EXACT, SPARE = 0, 1
SMALL = slice(0, -1)
FULL, FEWEST = 0, -1
FLOOR, CEILING = 1e-24, 1e-4  # of the squared error: float64's, and where the signal is fitted


def population_law(arrays):
    """Step and squared error of m = infinity over the last decade.  -> [seed, 2, x]"""
    return last_decade(arrays["steps"], arrays["population"][:, SPARE])


def population_constant(arrays):
    """Squared error over (k - r) / (4 lr^2 t^2) at the last step.  -> [seed]"""
    ratio = over_law(arrays, arrays["population"][:, SPARE])
    return ratio[:, -1] / max(int(arrays["spare"][SPARE]), 1)


def sensing_law(arrays):
    """As population_law from measurements.  -> [seed, 2, x]"""
    return last_decade(arrays["steps"], arrays["sensing"][FULL][:, SPARE])


def compressive_law(arrays):
    """As sensing_law with the fewest measurements.  -> [seed, 2, x]"""
    return last_decade(arrays["steps"], arrays["sensing"][FEWEST][:, SPARE])


def conditioned_law(arrays):
    """As sensing_law with the larger condition number.  -> [seed, 2, x]"""
    return last_decade(arrays["steps"], arrays["sensing_kappa"][FULL])


def sensing_floor(arrays):
    """Least squared error over the law of one spare column, k > r, last decade.  -> [seed]

    Least over the numbers of measurements, the widths and the steps.
    """
    late = decade(arrays["steps"])
    ratio = over_law(arrays, arrays["sensing"][:, :, SPARE:])[..., late]
    return ratio.min(axis=(0, 2, 3))


def exact_straightness(arrays):
    """R^2 of log squared error against the step at k = r, m = infinity.  -> [seed]"""
    return straightness(arrays["steps"], arrays["population"][:, EXACT])


def exact_straightness_sensing(arrays):
    """R^2 of log squared error against the step at k = r, from measurements.  -> [seed]"""
    return straightness(arrays["steps"], arrays["sensing"][FULL][:, EXACT])


def exact_error(arrays):
    """Squared error at k = r at the last step, worst of all m.  -> [seed]"""
    worst = np.maximum(arrays["population"], arrays["sensing"].max(axis=0))
    return worst[:, EXACT, -1]


def width_penalty(arrays):
    """Last squared error at k = r over that with spare columns, worst of all m.  -> [seed]"""
    runs = np.concatenate([arrays["population"][None], arrays["sensing"]])
    return (runs[:, :, EXACT, -1] / runs[:, :, SPARE, -1]).max(axis=0)


def rate_law(arrays):
    """alpha^2 and the rate of the squared error, from measurements.  -> [seed, 2, alpha]"""
    return against_scale(arrays, arrays["asym"][:, SMALL])


def rate_law_population(arrays):
    """As rate_law with m = infinity.  -> [seed, 2, alpha]"""
    return against_scale(arrays, arrays["asym_population"][:, SMALL])


def rate_law_conditioned(arrays):
    """As rate_law with the larger condition number.  -> [seed, 2, alpha]"""
    return against_scale(arrays, arrays["asym_kappa"])


def asymmetric_gain(arrays):
    """Last squared error of symmetric descent over the asymmetric one's.  -> [seed]

    The symmetric run is the one with the fewest spare columns, its most favourable; the asymmetric
    one has the largest scale of the small regime.
    """
    return arrays["sensing"][FULL][:, SPARE, -1] / arrays["asym"][:, SMALL][:, -1, -1]


def switched_spread(arrays):
    """Largest over smallest rate among the small scales, after the switch.  -> [seed]"""
    rates = switched_rates(arrays)
    return rates.max(axis=1) / rates.min(axis=1)


def switched_speed(arrays):
    """Smallest rate after the switch over the rate of k = r.  -> [seed]"""
    exact = rate(arrays["steps"], arrays["asym_exact"])
    return switched_rates(arrays).min(axis=1) / exact


def balanced_twin(arrays):
    """First entries of F G^T v, X X^T v at every record; G_0 = F_0 = X_0.  -> [seed, 2, S, x]"""
    return arrays["coupled"]


def decade(steps):
    """Which steps lie in the last decade.  [S] -> bool [S]"""
    return steps >= steps[-1] / 10


def last_decade(steps, error):
    """error [seed, S] -> [seed, 2, x]"""
    late = decade(steps)
    return stats.beside(steps[late], error[:, late])


def law(steps, spare, lr):
    """Squared error of symmetric descent at late steps for m = infinity.  [S] -> [S]

    Each noise singular value follows s - lr s^3, so s^2 -> 1 / (2 lr t), whatever it was.
    """
    return spare / (4 * lr**2 * steps**2)


def over_law(arrays, error):
    """Squared error over the law of one spare column.  [..., S] -> the same"""
    return error / law(arrays["steps"], 1, arrays["lr"])


def rate(steps, error, ceiling=CEILING):
    """-d log error / dt, later half of the records from FLOOR to ceiling.  [..., S] -> [...]

    The earlier half still mixes the rates of several spare directions (R^2 0.97 instead of 1.00 at
    the smallest scale); the theorem's rate is that of the slowest. Fewer than 10 records: nan.
    """
    return stats.decay_rate(steps, error, floor=FLOOR, ceiling=ceiling)


def straightness(steps, error):
    """R^2 of log error against the step, FLOOR to CEILING.  [..., S] -> [...]; nan as in `rate`"""

    def one(error):
        inside = (error > FLOOR) & (error < CEILING)
        x, y = steps[inside], np.log(error[inside])
        return np.corrcoef(x, y)[0, 1] ** 2 if len(x) >= 10 else np.nan

    return np.apply_along_axis(one, -1, error)


def against_scale(arrays, error):
    """alpha^2 and the rate.  error [seed, small alpha, S] -> [seed, 2, small alpha]"""
    return stats.beside(arrays["alpha"][SMALL] ** 2, rate(arrays["steps"], error))


def switched_rates(arrays):
    """Rates after the switch, by when the signal is fitted: no ceiling.  -> [seed, small alpha]

    A ceiling would leave a run that never switched, and is slow, without a rate.
    """
    error = arrays["switched"][:, SMALL]
    steps = arrays["steps"][: error.shape[-1]]
    late = steps > arrays["switch"]
    return rate(steps[late], error[..., late], ceiling=np.inf)
