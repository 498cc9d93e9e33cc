"""Chances of a repeated verdict: calibrated over drawn truths; closed forms where there are any."""

from collections import Counter

import numpy as np
import pytest

from common import criteria, repeats
from common.criteria import location

NOISE = (0.3, 3.0)  # truths have this range of standard deviations; nothing may depend on it


def near(rng, s, most=8.0):
    """A mean spread evenly round the edge 0, far enough on both sides in units of the noise."""
    return rng.uniform(-most, most) * s


def half_line(rng, s):
    mean = near(rng, s)
    return {"kind": "at_least", "bound": 0.0}, lambda m: mean + s * rng.standard_normal(m)


def logarithms(rng, s):
    mean = near(rng, s)
    c = {"kind": "at_most", "bound": 1.0, "scale": "log"}
    return c, lambda m: np.exp(mean + s * rng.standard_normal(m))


def band(rng, s):
    mean = rng.uniform(-2 - 8 * s, 2 + 8 * s)
    return {"kind": "equals", "value": 0.0, "tol": 2.0}, lambda m: mean + s * rng.standard_normal(m)


def counts(rng, s):
    mean = near(rng, s)
    c = {"kind": "at_least", "bound": 0.0, "resolution": 1.0}
    return c, lambda m: np.round(mean + s * rng.standard_normal(m))


def ratio(rng, s):
    mean, c = near(rng, s), {"kind": "greater", "scale": "log", "ratio": 1.5}
    noise = s / np.sqrt(2)

    def draw(m):
        common = 3 * rng.standard_normal((m, 1))  # pairs share most of their noise
        return np.exp(np.array([mean, 0.0]) + common + noise * rng.standard_normal((m, 2)))

    return c, draw


def outcomes(rng, s):
    p = rng.beta(0.5, 0.5)
    return {"kind": "rate", "at_least": 0.7, "per_seed": 4}, lambda m: 1.0 * (rng.random(4 * m) < p)


def errors(rng, s):
    """Sizes of normal numbers, of a scale that may reach the bound."""
    size = np.exp(rng.uniform(-3, 1))

    def draw(m):
        error = np.abs(size * rng.standard_normal((m, 1)))
        return np.stack([1 + error, np.ones((m, 1))], 1)

    return {"kind": "identity", "bound": 1.0}, draw


def several_errors(rng, s):
    """Six instances a seed: three settings, of which one decides, twice; seeds in the middle."""
    size = np.exp(rng.uniform(-3, 1) + np.array([0, -9, -20]))[:, None, None]

    def draw(m):
        error = np.abs(size * rng.standard_normal((3, m, 2))).reshape(-1, 1)
        return np.stack([1 + error, np.ones_like(error)], 1)

    return {"kind": "identity", "bound": 1.0}, draw


def slopes(rng, s):
    slope, x = rng.uniform(-1.4 - s, -0.6 + s), np.geomspace(1, 20, 5)

    def draw(m):
        y = x**slope * np.exp(0.5 * s * rng.standard_normal((m, 5)))
        return np.stack([np.broadcast_to(x, (m, 5)), y], 1)

    return {"kind": "exponent", "value": -1.0, "tol": 0.4, "rival": 0.0}, draw


def ladder(rng, s):
    levels = np.cumsum(np.r_[0, rng.uniform(-2, 6, 3)])
    mixing = s / 2 * rng.standard_normal((4, 4))
    return {"kind": "ordering"}, lambda m: levels + rng.standard_normal((m, 4)) @ mixing


def curve(rng, s):
    levels = rng.uniform(-0.5, 2) * np.cumsum(rng.exponential(1, 6))
    mixing = s * (np.eye(6) if rng.random() < 0.5 else rng.standard_normal((6, 6)) / np.sqrt(6))
    c = {"kind": "trend", "sign": "+", "tau_min": rng.choice([0.6, 0.7, 0.8]), "min_effect": 2.0}
    return c, lambda m: levels + rng.standard_normal((m, 6)) @ mixing


def root(rng, s):
    at, x = rng.uniform(0, 1), np.linspace(0, 1, 7)

    def draw(m):
        y = 5 * (x - at + 0.1 * s * rng.standard_normal((m, 1))) + 0.3 * rng.standard_normal((m, 7))
        return np.stack([np.broadcast_to(x, (m, 7)), y], 1)

    return {"kind": "location", "find": "crossing", "crossing": 0.0, "lo": 0.3, "hi": 0.7}, draw


def verifications(truth, n, m, times, seed=0):
    """(stated chance, whether it came true, state) of `times` verdicts and their repetitions."""
    rng = np.random.default_rng(seed)
    stated, came, states = [], [], []
    for _ in range(times):
        c, draw = truth(rng, np.exp(rng.uniform(*np.log(NOISE))))
        values = draw(n)
        state = criteria.decide(c, values).state
        stated.append(repeats.repeats(c, values, state, seeds=m, ran=n))
        came.append(criteria.decide(c, draw(m)).state == state)
        states.append(state)
    return np.array(stated), np.array(came), Counter(states)


TIMES = {half_line: 1200, logarithms: 1200, band: 1200, counts: 1200, ratio: 1200, errors: 1500,
         several_errors: 1200, outcomes: 1200, slopes: 900, ladder: 450, curve: 400,
         root: 400}  # fmt: skip
CASES = [(truth, n, n) for truth in TIMES for n in (5, 10)] + [(half_line, 5, 20), (curve, 5, 10)]


@pytest.mark.parametrize(("truth", "n", "m"), CASES)
def test_what_is_stated_comes_true_as_often(truth, n, m, monkeypatch):
    times = TIMES[truth]
    monkeypatch.setattr(repeats, "DRAWS", 500)
    stated, came, states = verifications(truth, n, m, times)
    assert min(states.values()) > times / 30, f"the truths do not reach every state: {states}"
    assert stated.mean() == pytest.approx(came.mean(), abs=3 * 0.45 / np.sqrt(times))
    for low, high in ((0.4, 0.6), (0.6, 0.85), (0.85, 0.95), (0.95, 1.01)):
        there = (stated >= low) & (stated < high)
        rate, count = came[there].mean(), there.sum()
        error = np.sqrt(rate * (1 - rate) / count) + 0.5 / count
        assert rate == pytest.approx(stated[there].mean(), abs=0.03 + 3 * error), (low, count)


def test_nine_in_ten_comes_true_in_85_to_95_of_100():
    """Over the kinds together, where the bin is full enough to say so."""
    stated, came = [], []
    for i, truth in enumerate((half_line, band, counts, ratio)):
        a, b, _ = verifications(truth, 5, 5, 500, seed=100 + i)
        stated, came = np.append(stated, a), np.append(came, b)
    there = (stated > 0.85) & (stated < 0.95)
    assert there.sum() > 200
    assert 0.85 < came[there].mean() < 0.95
    low = (stated > 0.5) & (stated < 0.7)
    assert came[low].mean() < 0.7, "a verdict by luck is called so"


def test_known_truth_is_the_power_of_the_t_test():
    """Thousands of seeds behind it: nothing is uncertain but the fresh ones (noncentral t)."""
    from scipy import stats

    values = np.random.default_rng(0).standard_normal(4000)
    values = (values - values.mean()) / values.std(ddof=1) + 1.2
    for m in (5, 12):
        found = repeats.chance_of_pass({"kind": "at_least", "bound": 0.0}, values, m)
        cut = stats.t.ppf(0.95, m - 1)
        assert found == pytest.approx(stats.nct.sf(cut, m - 1, 1.2 * np.sqrt(m)), abs=0.003)


def test_quadrature_and_simulation_agree():
    """An ordering of two is one gap: drawn, it must be what the quadrature of `greater` gives."""
    rng = np.random.default_rng(3)
    for n, m in ((5, 5), (5, 20), (10, 10)):
        pairs = np.array([0.0, 1.1]) + rng.standard_normal((n, 2))
        exact = repeats.chances({"kind": "greater"}, pairs[:, ::-1], m)
        parts = criteria.KINDS["ordering"].parts({"kind": "ordering"}, pairs)
        drawn = repeats._drawn({"kind": "ordering"}, pairs, parts, m, 0.05)
        assert drawn == pytest.approx((exact["pass"], exact["fail"]), abs=0.03)


@pytest.mark.parametrize("truth", [half_line, band, counts, ladder, curve, root, slopes])
def test_the_rule_on_arrays_is_the_rule(truth):
    """Draws are decided by arrays; one by one, criteria.decide says the same of each."""
    rng = np.random.default_rng(1)
    for _ in range(60):
        c, draw = truth(rng, 1.0)
        values = draw(6)
        want = criteria.decide(c, values).state
        parts = criteria.KINDS[c["kind"]].parts(c, values)
        sides = [repeats._sides(p, p.values[None], 0.05) for p in parts]
        strict = [repeats._sides(p, p.values[None], 0.05 / len(parts)) for p in parts]
        passed, failed = all(s[0][0] for s in sides), any(s[1][0] for s in strict)
        assert want == ("pass" if passed else "fail" if failed else "inconclusive")
        _, numbers = repeats._model(c, values, parts)
        curves, _ = repeats._model(c, values, parts)
        for part, x in zip(parts, numbers(curves), strict=True):
            np.testing.assert_allclose(x, part.values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("find", ["argmax", "argmin", "crossing"])
def test_locations_of_many_curves_are_those_of_each(find):
    rng = np.random.default_rng(2)
    x, y = np.sort(rng.random((300, 9))), rng.integers(-2, 3, (300, 9)) * 1.0
    y[:40] = np.sort(y[:40])  # some have their peak at an end, some do not cross
    c = {"kind": "location", "find": find, "crossing": 0.5, "lo": 0.2, "hi": 0.8}
    want = [location._found(c, *row) for row in zip(x, y, strict=True)]
    np.testing.assert_allclose(location._found_in_each(c, x, y), want)
    assert 0 < np.isnan(want).sum() < 300


def test_every_linear_combination_has_the_students_t_of_n_less_one():
    """The predictive of several numbers, along a direction that no coordinate has."""
    from scipy import stats

    rng = np.random.default_rng(4)
    seen = rng.standard_normal((5, 3)) @ rng.standard_normal((3, 3)) + [1, 2, 3]
    fresh = repeats._predictive(seen, 0.0, 1, 40_000)[:, 0]
    way = np.array([1.0, -2.0, 0.5])
    spread = (seen @ way).std(ddof=1) * np.sqrt(1 + 1 / 5)
    standard = (fresh @ way - (seen @ way).mean()) / spread
    assert stats.kstest(standard, stats.t(4).cdf).statistic < 0.01


def test_numbers_without_spread_repeat():
    same = np.full(5, 2.0)
    assert repeats.repeats({"kind": "at_least", "bound": 1.0}, same, "pass") == 1.0
    assert repeats.repeats({"kind": "at_least", "bound": 3.0}, same, "fail", seeds=20) == 1.0
    rising = np.tile(np.arange(6.0), (5, 1))
    c = {"kind": "trend", "sign": "+", "tau_min": 0.7, "min_effect": 2.0}
    assert repeats.repeats(c, rising, "pass") == 1.0
    exact = np.ones((5, 2, 3))
    assert repeats.repeats({"kind": "identity", "bound": 0.0}, exact, "pass") == 1.0
    c = {"kind": "at_least", "bound": 1.0, "resolution": 2.0}  # a count in steps of two says less
    assert repeats.repeats(c, same, "pass") < 0.98


def test_plateaus_stay_plateaus():
    """A peak shared by the first point is none, in every draw as in every seed."""
    x = np.tile(np.arange(5.0), (5, 1))
    y = np.tile([1.0, 1.0, 0.5, 0.2, 0.0], (5, 1))
    y[:, 2] += 0.01 * np.arange(5)
    c = {"kind": "location", "find": "argmax", "lo": 1.0, "hi": 3.0}
    assert repeats.repeats(c, np.stack([x, y], 1), "fail") == 1.0


def test_too_few_seeds_and_what_cannot_be_decided_have_no_chance():
    c, values = {"kind": "at_least", "bound": 0.0}, np.arange(5.0)
    assert repeats.chance_of_pass(c, values, 1) is None
    assert repeats.chance_of_pass(c, values, 4) is None
    assert repeats.chance_of_pass(c, values * np.nan, 5) is None
    assert repeats.chance_of_pass({"kind": "rate", "at_least": 0.7}, np.ones(12), 9) is None
    assert repeats.chance_of_pass({"kind": "rate", "at_least": 0.7}, np.ones(12), 12) > 0.5


def test_the_same_at_every_call_and_in_any_unit():
    rng = np.random.default_rng(6)
    curves = np.linspace(0, 3, 6) + rng.standard_normal((5, 6))
    c = {"kind": "trend", "sign": "+", "tau_min": 0.6, "min_effect": 1.0}
    first = repeats.chances(c, curves)
    repeats._pivots.cache_clear()
    assert repeats.chances(c, curves) == first
    scaled = repeats.chances(c | {"min_effect": 1e-6}, 1e-6 * curves)
    assert scaled == pytest.approx(first, abs=1e-9)
    falling = repeats.chances(c | {"sign": "-"}, -curves)
    assert falling == pytest.approx(first, abs=1e-9)
