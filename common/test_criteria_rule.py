"""The rule against scipy's tests, its automatic mutants, what a decision shows."""

from typing import Any

import numpy as np
import pytest
import scipy.stats as reference

from common.criteria import Invalid, decide, surviving_mutants
from common.stats import ALPHA
from common.test_criteria import (
    CASES,
    FORMS,
    GRID,
    X5,
    crossed,
    curve,
    paired,
    power,
    related,
    states,
)


def by_p_values(values, low, high, alpha=ALPHA):
    """The rule again, by scipy's one-sided tests.  values [data set, seed] -> [data set]"""

    def p(bound, side):
        if not np.isfinite(bound):
            return (
                np.zeros(len(values)) if (bound > 0) == (side == "less") else np.ones(len(values))
            )
        return reference.ttest_1samp(values, bound, axis=1, alternative=side).pvalue

    inside = (p(low, "greater") <= alpha) & (p(high, "less") <= alpha)
    outside = (p(low, "less") < alpha) | (p(high, "greater") < alpha)
    return np.where(inside, "pass", np.where(outside, "fail", "inconclusive"))


def slopes(values):
    return [[reference.linregress(*np.log(seed)).slope for seed in v] for v in values]


def correlations(values):
    r = np.array([[reference.pearsonr(*seed).statistic for seed in v] for v in values])
    return np.arctanh(r) - r / (2 * (values.shape[-1] - 1))


RULES: dict[str, Any] = {
    "equals": (
        {"kind": "equals", "value": 0.3, "tol": 1.0, "alpha": 0.03},
        lambda g, m: g.normal(m, 0.5, 7),
        lambda v: by_p_values(v, -0.7, 1.3, 0.03),
    ),
    "at_most": (
        {"kind": "at_most", "bound": 2.0, "scale": "log"},
        lambda g, m: np.exp(g.normal(m, 1, 5)),
        lambda v: by_p_values(np.log(v), -np.inf, np.log(2.0)),
    ),
    "greater": (
        {"kind": "greater", "scale": "log", "ratio": 1.5},
        lambda g, m: np.exp(g.normal((m, 0), 1, (6, 2))),
        lambda v: by_p_values(np.log(v[..., 0] / v[..., 1]), np.log(1.5), np.inf),
    ),
    "exponent": (
        {"kind": "exponent", "value": -1.0, "tol": 0.3, "rival": 0.0},
        lambda g, m: power(g, -1 + 0.3 * m, 0.3),
        lambda v: by_p_values(np.array(slopes(v)), -1.3, -0.7),
    ),
    "correlation": (
        {"kind": "correlation", "r_min": 0.5},
        lambda g, m: related(g, np.tanh(0.5 + m / 2)),
        lambda v: by_p_values(correlations(v), np.arctanh(0.5), np.inf),
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_the_rule_is_that_of_scipys_tests(name):
    criterion, draw, rule = RULES[name]
    rng = np.random.default_rng(8)
    values = np.array([draw(rng, m) for m in rng.normal(0, 1.5, 200)])
    found = np.array([decide(criterion, v).state for v in values])
    np.testing.assert_array_equal(found, rule(values))
    assert len(set(found)) == 3  # every state was met


@pytest.mark.parametrize("kind", CASES)
def test_mutants_of_true_data_are_refused(kind):
    criterion = {"kind": kind} | CASES[kind][0]
    rng = np.random.default_rng(11)
    for _ in range(50):
        values = CASES[kind][1](rng)
        names, passing = surviving_mutants(criterion, values)
        assert names
        assert not passing


@pytest.mark.parametrize("name", FORMS)
def test_other_forms_pass_and_their_mutants_are_refused(name):
    criterion, draw = FORMS[name]
    rng = np.random.default_rng(12)
    drawn = [draw(rng) for _ in range(40)]
    assert np.mean([decide(criterion, v).state == "pass" for v in drawn]) >= 0.95
    assert [surviving_mutants(criterion, v)[1] for v in drawn] == [[]] * 40


@pytest.mark.parametrize("n", [10, 20])
@pytest.mark.parametrize("kind", sorted(set(CASES) - {"identity", "rate"}))
def test_more_seeds_pass_and_their_mutants_are_refused(kind, n):
    criterion, rng = {"kind": kind} | CASES[kind][0], np.random.default_rng(13)
    for _ in range(10):
        values = np.concatenate([CASES[kind][1](rng) for _ in range(n // 5)])
        assert decide(criterion, values).state == "pass"
        assert not surviving_mutants(criterion, values)[1]


def test_an_identity_of_equal_numbers_keeps_its_other_mutants():
    """A norm is 1 at every instance: turning that round changes nothing, so it proves nothing."""
    values = np.stack([[1 + 1e-15 * i, 1.0] for i in range(4)])
    names, passing = surviving_mutants({"kind": "identity", "bound": 1e-9}, values)
    assert "perturb one operand" in names
    assert not passing


DECOYS: dict[str, Any] = {  # false data that share one feature with the truth
    "a jump is no trend": (
        {"kind": "trend", "sign": "+", "tau_min": 0.6, "min_effect": 1.0},
        lambda g: np.array([3, 2, 1, 0, 9.0]) + 0.1 * g.normal(size=(5, 5)),
    ),
    "a creep is no effect": (
        {"kind": "trend", "sign": "+", "tau_min": 0.6, "min_effect": 1.0},
        lambda g: 0.1 * X5 + 0.01 * g.normal(size=(5, 5)),
    ),
    "a tie is no trend": (
        {"kind": "trend", "sign": "+", "tau_min": 0.6, "min_effect": 1.0},
        lambda g: np.tile([0, 0, 0, 0, 2.0], (5, 1)),
    ),
    "equal steps are no order": ({"kind": "ordering"}, lambda g: np.ones((5, 3))),
    "a saturating curve has no peak": (
        {"kind": "location", "find": "argmax", "lo": 0.3, "hi": 0.6},
        lambda g: np.stack([np.tile(GRID, (5, 1)), np.tile(np.minimum(GRID, 0.45), (5, 1))], 1),
    ),
    "half the seeds": (
        {"kind": "greater"},
        lambda g: np.stack([np.tile([1.0, -1.0], 3), np.zeros(6)], 1),
    ),
    "one seed of five": ({"kind": "at_least", "bound": 0.5}, lambda g: np.array([0, 0, 0, 0, 9])),
    "one bad instance": (
        {"kind": "identity", "bound": 0.1},
        lambda g: np.stack([np.ones((9, 3)), np.r_[[1.0] * 8, 2.0][:, None] * np.ones(3)], 1),
    ),
    "one seed without a peak": (
        {"kind": "location", "find": "argmax", "lo": 0.3, "hi": 0.6},
        lambda g: np.concatenate([curve(g, 0.45, 0.01), curve(g, 2.0)[:1]]),
    ),
}


@pytest.mark.parametrize("name", DECOYS)
def test_decoys_never_pass(name):
    criterion, draw = DECOYS[name]
    assert "pass" not in states(criterion, draw, 20)


def test_a_lax_criterion_is_caught_by_a_mutant():
    rng = np.random.default_rng(0)
    lax = {"kind": "trend", "sign": "+", "tau_min": -1.0, "min_effect": -99.0}
    assert "flatten" in surviving_mutants(lax, X5 + rng.normal(size=(5, 5)))[1]
    wide = {"kind": "exponent", "value": -1.0, "tol": 5.0, "rival": 9.0}
    assert "flat" in surviving_mutants(wide, power(rng, -1.0, 0.1))[1]
    anything = {"kind": "correlation", "r_min": -0.99}
    assert "shuffle one side" in surviving_mutants(anything, related(rng, 0.9))[1]
    loose = {"kind": "identity", "bound": 1.5}
    values = np.stack([a := rng.normal(size=(4, 6)), a], 1)
    assert "drop a term" in surviving_mutants(loose, values)[1]
    worse = {"kind": "greater", "delta": -9.0}
    assert "swap labels" in surviving_mutants(worse, paired(rng, 1.0, 0.1))[1]
    either = {"kind": "rate", "at_least": 0.2}
    assert "flip" in surviving_mutants(either, np.tile([0.0, 1.0], 20))[1]
    anywhere = {"kind": "location", "find": "crossing", "crossing": 0.0, "lo": -9.0, "hi": 9.0}
    assert "shuffle x" in surviving_mutants(anywhere, crossed(rng, 0.5, 0.1))[1]
    sharp = {"kind": "at_least", "bound": 1.0}  # reflected across 1 these are themselves
    assert "reflect" in surviving_mutants(sharp, np.ones(5))[1]


def test_exact_equality_is_decided_without_noise():
    still = np.full(5, 2.0, np.float32)
    assert decide({"kind": "equals", "value": 2.0, "tol": 0.1}, still).state == "pass"
    assert decide({"kind": "greater"}, np.ones((5, 2), int)).state == "fail"
    assert decide({"kind": "at_least", "bound": 2.0}, still).state == "pass"


def test_zero_variance_on_an_edge():
    """A closed bound passes itself; an open one fails; nothing is divided by the spread."""
    ten = np.full(5, 10.0)
    for kind in ("at_least", "at_most"):
        assert decide({"kind": kind, "bound": 10.0}, ten).state == "pass"
        counted = {"kind": kind, "bound": 10.0, "resolution": 1.0}
        assert decide(counted, ten).state == "inconclusive"
    tied = np.stack([ten, ten - 2], 1)
    assert decide({"kind": "greater", "delta": 2.0}, tied).state == "fail"
    assert decide({"kind": "greater", "delta": 1.9}, tied).state == "pass"
    assert decide({"kind": "equals", "value": 9.0, "tol": 0.9}, ten).state == "fail"
    law = {"kind": "exponent", "value": 2.0, "tol": 0.1, "rival": 1.0}
    assert decide(law, power(np.random.default_rng(0), 2.0)).state == "pass"


def test_what_is_shown_is_on_the_scale_of_the_statement():
    rng = np.random.default_rng(7)
    values = np.exp(rng.normal(3, 0.2, 6))
    found = decide({"kind": "at_least", "bound": 5.0, "scale": "log"}, values)
    assert found.estimate == pytest.approx(reference.gmean(values))
    want = reference.ttest_1samp(np.log(values), 0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx(tuple(np.exp(want)))
    assert found.per_seed == pytest.approx(values)
    assert found.parts[0]["region"] == [pytest.approx(5.0), None]
    pairs = np.exp(paired(rng, np.log(5.0), 0.2))
    found = decide({"kind": "greater", "scale": "log", "ratio": 2.0}, pairs)
    assert found.estimate == pytest.approx(reference.gmean(pairs[:, 0] / pairs[:, 1]))
    assert found.parts[0]["region"][0] == pytest.approx(2.0)
    linked = decide({"kind": "correlation", "r_min": 0.5}, related(rng, 0.9))
    assert linked.low < linked.estimate < linked.high <= 1
    assert linked.parts[0]["region"] == [pytest.approx(0.5), None]


def test_a_fail_shows_a_part_that_fails():
    """The first step is open, the second goes the wrong way: the second is the reason."""
    values = np.stack([np.zeros(5), np.array([0.3, -0.2, 0.1, -0.4, 0.2]), np.full(5, -9.0)], 1)
    found = decide({"kind": "ordering"}, values)
    assert found.state == "fail"
    assert found.high <= 0


def test_inconclusive_says_how_many_seeds_would_decide():
    values = np.array([0.2, 0.9, -0.4, 1.1, 0.3])
    found = decide({"kind": "at_least", "bound": 0.0}, values)
    assert found.state == "inconclusive"
    assert found.needed
    assert found.needed > 5


def test_the_seeds_that_would_decide_allow_for_the_resolution():
    """Equal counts: the interval is that of the resolution, and so is its shrinking."""
    criterion = {"kind": "at_least", "bound": 0.9, "resolution": 1.0}
    found = decide(criterion, np.ones(5))
    assert found.state == "inconclusive"
    assert decide(criterion, np.ones(found.needed)).state == "pass"


def test_the_seeds_that_would_decide_a_trend_do():
    """tau is decided at alpha / 2, with a least spread: the same samples, repeated, must pass."""
    k = np.arange(5.0)
    criterion = {"kind": "trend", "sign": "+", "tau_min": 0.85, "min_effect": 1.0}
    values = np.array([k, k, k, k, k[[0, 1, 2, 4, 3]]])
    found = decide(criterion, values)
    assert found.state == "inconclusive"
    assert found.needed
    assert decide(criterion, np.tile(values, (-(-found.needed // 5), 1))).state != "inconclusive"


def test_the_seeds_that_would_decide_count_every_part():
    """Both steps of an ordering are open: the harder one says how many seeds."""
    easy, hard = np.array([2.0, -0.6, 1, 0.5, 0.8]), np.array([2.0, -1.5, 1, -0.5, 0.4])
    parts = [np.stack([np.zeros(5), step], 1) for step in (easy, hard)]
    alone = [decide({"kind": "ordering"}, part).needed for part in parts]
    both = decide({"kind": "ordering"}, np.stack([np.zeros(5), easy, easy + hard], 1))
    assert both.needed == max(alone)


@pytest.mark.parametrize("kind", ["equals", "trend", "rate"])
def test_a_measure_that_drops_a_seed_is_invalid(kind):
    """Also where what is left would pass."""
    c = {
        "equals": {"kind": kind, "value": 1.0, "tol": 0.5},
        "rate": {"kind": kind, "at_least": 0.5},
    }
    c["trend"] = {"kind": kind, "sign": "+", "tau_min": 0.2, "min_effect": 1.0}
    values = {"equals": np.linspace(0.9, 1.1, 9), "rate": np.ones(12)}
    values["trend"] = np.tile(np.arange(6.0), (9, 1))
    assert decide(c[kind], values[kind]).state == "pass"
    with pytest.raises(Invalid, match="for 10 seeds"):
        decide(c[kind], np.concatenate([values[kind]] * 2)[:-1], seeds=10)


def test_a_tau_that_no_five_seeds_can_show_is_named():
    """Five perfect seeds of five points prove 0.88: 0.9 is out of their reach, 0.85 is not."""
    perfect = np.tile(np.arange(5.0), (5, 1))
    c = {"kind": "trend", "sign": "+", "tau_min": 0.9, "min_effect": 1.0}
    found = decide(c, perfect)
    assert found.state == "inconclusive"
    assert found.reason.startswith("5 seeds cannot pass: perfect ones show tau >= 0.8")
    assert decide(c | {"tau_min": 0.85}, perfect).reason == ""
