"""What the claims are decided on: arrays of `run` -> numbers, one row a seed. Axes as there."""

from typing import NamedTuple

import numpy as np

from common import stats

TAU = 0.7  # of the claims
STABILITY, CONFIDENCE, VALID = range(3)  # rows of `ranked`


def bound(arrays):
    """exp(-t^2 / 2), whatever k.  -> [t]"""
    return np.exp(-(arrays["tail"] ** 2) / 2)


def theorem_excess(arrays):
    """Largest share of violations less the bound, over k and eps.  -> [S]"""
    return (arrays["theorem"] - bound(arrays)).max((1, 2))


def mean_excess(arrays):
    """The same of the mean over noisy points.  -> [S]"""
    return (arrays["mean"] - bound(arrays)).max((1, 2))


class Ways(NamedTuple):
    """Means over the queries of a seed, by way."""

    base: np.ndarray  # [S]
    trex: np.ndarray  # T-Rex:I [S, T]
    near: np.ndarray  # T-Rex:NN [S, T]
    raised: np.ndarray  # m raised along its gradient [S, C]
    stricter: np.ndarray  # closest points of higher margins [S, margin]


def ways(arrays, name) -> Ways:
    """Of a quantity [S, way, B]."""
    value, T, C = arrays[name].mean(-1), len(arrays["tau"]), len(arrays["level"])
    base, *others = np.split(value, np.cumsum([1, T, T, C]), axis=1)
    return Ways(base[:, 0], *others)


def at(values, wanted):
    """Place of the nearest value."""
    return int(abs(values - wanted).argmin())


def base_validity(arrays):
    """Validity of the closest counterfactuals.  -> [S]"""
    return ways(arrays, "valid").base


def trex_validity(arrays):
    """Of T-Rex:I at tau = 0.7.  -> [S]"""
    return ways(arrays, "valid").trex[:, at(arrays["tau"], TAU)]


def trex_and_base(arrays):
    """Both.  -> [S, 2]"""
    return np.stack([trex_validity(arrays), base_validity(arrays)], 1)


def trex_cost(arrays):
    """L1 at tau = 0.7 over that of the base.  -> [S]"""
    cost = ways(arrays, "cost")
    return cost.trex[:, at(arrays["tau"], TAU)] / cost.base


def validity_at_twice(arrays):
    """Validity of T-Rex:I at twice the L1 of the base, between the base and taus.  -> [S]"""
    cost = joined(arrays, "cost", "trex")
    return np.array([np.interp(2 * c[0], c, v) for c, v in zip(cost, by_tau(arrays), strict=True)])


def by_tau(arrays):
    """Validity of the base, then by tau.  -> [S, 1 + T]"""
    return joined(arrays, "valid", "trex")


def trex_and_raised(arrays):
    """Validity with Stability, and with m, at 0.7.  -> [S, 2]"""
    raised = ways(arrays, "valid").raised[:, at(arrays["level"], TAU)]
    return np.stack([trex_validity(arrays), raised], 1)


def joined(arrays, name, way):
    """A quantity along a curve that begins at the base.  -> [S, 1 + points]"""
    value = ways(arrays, name)
    return np.concatenate([value.base[:, None], getattr(value, way)], 1)


def equal_cost(arrays, way):
    """Validity of T-Rex:I less that of another curve at the same mean L1, by tau.  -> [S, T]"""
    curve = (joined(arrays, name, way) for name in ("cost", "valid"))
    each = zip(ways(arrays, "cost").trex, *curve, strict=True)
    return ways(arrays, "valid").trex - np.stack([np.interp(*row) for row in each])


def gain_at_equal_cost(arrays):
    """Over m raised along its gradient, mean over tau.  -> [S]"""
    return equal_cost(arrays, "raised").mean(1)


def gain_over_stricter(arrays):
    """Over closest points of higher margins, mean over tau.  -> [S]"""
    return equal_cost(arrays, "stricter").mean(1)


def fresh_stability(arrays):
    """Stability under fresh noise less tau = 0.7, of T-Rex:I.  -> [S]"""
    return ways(arrays, "stability").trex[:, at(arrays["tau"], TAU)] - TAU


def costs(arrays):
    """L1 at tau = 0.7: NN, I.  -> [S, 2]"""
    cost, i = ways(arrays, "cost"), at(arrays["tau"], TAU)
    return np.stack([cost.near[:, i], cost.trex[:, i]], 1)


def nearest_and_trex(arrays):
    """Validity at the lowest tau: NN, I.  -> [S, 2]"""
    valid = ways(arrays, "valid")
    return np.stack([valid.near[:, 0], valid.trex[:, 0]], 1)


def outlying(arrays):
    """Local outlier factor at tau = 0.7: I, NN.  -> [S, 2]"""
    factor, i = ways(arrays, "factor"), at(arrays["tau"], TAU)
    return np.stack([factor.trex[:, i], factor.near[:, i]], 1)


def stability_ranks(arrays):
    """Ranks of Stability and of validity, among the points of an m.  -> [S, 2, B point]"""
    r = stats.ranks(arrays["ranked"][:, :, [STABILITY, VALID]]).swapaxes(1, 2)
    return r.reshape(*r.shape[:2], -1)


def spearman(arrays):
    """Of validity with Stability, and with m, means over m.  -> [S, 2]"""
    r = stats.ranks(arrays["ranked"])
    r = r - r.mean(-1, keepdims=True)
    length = np.sqrt((r**2).sum(-1))
    each = (r[:, :, :VALID] * r[:, :, VALID:]).sum(-1) / (
        length[:, :, :VALID] * length[:, :, VALID:]
    )
    return each.mean(1)


def restarted(arrays, name):
    """Mean over the networks that lack no rows, half of the new ones.  -> [S]"""
    return arrays[name][..., : arrays[name].shape[-1] // 2].mean((1, 2))


def parameter_distance(arrays):
    """|theta_M - theta_m| / |theta_m|.  -> [S]"""
    return restarted(arrays, "parameters")


def prediction_distance(arrays):
    """Mean |M - m| at test points.  -> [S]"""
    return restarted(arrays, "predictions")
