"""Words follow the evidence, judge never raises, hashes cover what decides; how many seeds do."""

import numpy as np
import pytest

from common import claims
from common.claims import ClaimError
from common.test_claims import AT_LEAST, TOY, claim

GOOD, BAD = np.linspace(2, 2.4, 5), np.linspace(-1, -0.6, 5)


@pytest.mark.parametrize(
    ("level", "passed", "failed"),
    [
        ("exact", "REPRODUCED", "NOT REPRODUCED"),
        ("reduced", "HOLDS AT REDUCED SCALE", "DOES NOT HOLD AT REDUCED SCALE"),
        ("substitute", "HOLDS ON SUBSTITUTE DATA", "DOES NOT HOLD ON SUBSTITUTE DATA"),
        ("theory", "CONFIRMED NUMERICALLY", "COUNTEREXAMPLE"),
    ],
)
def test_words_follow_the_evidence(level, passed, failed):
    assert claims.judge(claim(), level, GOOD).word == passed
    assert claims.judge(claim(), level, BAD).word == failed
    assert claims.judge(claim(), level, np.linspace(0, 2, 5)).word == "INCONCLUSIVE"


def test_a_theory_is_accused_on_verdict_seeds_only():
    """Every other word is the same on development seeds."""
    for (state, level), word in claims.WORDS.items():
        here = claims.Verdict("a1", state, level, official=False).word
        assert here == ("DOES NOT HOLD HERE" if word == "COUNTEREXAMPLE" else word)


@pytest.mark.parametrize("level", ["none", "exact", "reduced", "substitute", "theory"])
def test_words_without_a_decision_accuse_nobody(level):
    missing = claims.judge(claim(), level, GOOD * np.nan)
    assert missing.word == ("UNTESTED" if level == "none" else "INVALID")
    assert claims.Verdict("a1", "error", level).word == "ERROR"
    assert missing.state in claims.SIGNS


def test_there_is_a_word_for_every_level_and_a_sign_for_every_state():
    decided = set(claims.LEVELS) - {"none"}
    assert set(claims.WORDS) == {(s, level) for s in ("pass", "fail") for level in decided}
    states = {"pass", "fail", "inconclusive", "untested", "invalid", "error"}
    assert set(claims.SIGNS) == states
    assert len({claims.SIGNS[s] for s in ("pass", "fail", "inconclusive", "invalid")}) == 4


def test_a_verdict_carries_its_numbers():
    found = claims.judge(claim(), "exact", GOOD)
    assert (found.id, found.level, found.n) == ("a1", "exact", 5)
    assert found.estimate == pytest.approx(2.2)
    assert found.low < 2.2 < found.high
    assert found.per_seed == pytest.approx(GOOD.tolist())
    undecided = claims.judge(claim(), "exact", np.linspace(0, 2.4, 5))
    assert undecided.state == "inconclusive"
    assert undecided.needed > 5


KINDS_OF_VALUES: dict = {
    "at_least": AT_LEAST,
    "greater": {"kind": "greater"},
    "ordering": {"kind": "ordering"},
    "trend": {"kind": "trend", "sign": "+", "tau_min": 0.5, "min_effect": 1.0},
    "identity": {"kind": "identity", "bound": 0.1},
    "exponent": {"kind": "exponent", "value": 2.0, "tol": 0.5, "rival": 1.0},
    "rate": {"kind": "rate", "at_least": 0.7},
    "location": {"kind": "location", "find": "argmax", "lo": 1, "hi": 2},
    "correlation": {"kind": "correlation", "r_min": 0.5},
}


@pytest.mark.parametrize("kind", KINDS_OF_VALUES)
def test_judge_never_raises_whatever_measure_returns(kind):
    lengths = (0, 1, 2, 5, 12)
    shapes = [(), *((n,) for n in lengths), *((n, k) for n in lengths for k in lengths)]
    shapes += [(5, a, b) for a in lengths for b in lengths]
    odd = [
        None,
        "text",
        [[1], [1, 2]],
        {},
        np.array([object()] * 5),
        np.full(5, np.datetime64(0, "s")),
    ]
    for values in [*odd, *(np.ones(s) for s in shapes)]:
        found = claims.judge(claim(criterion=KINDS_OF_VALUES[kind]), "exact", values)
        assert found.state in ("fail", "inconclusive", "invalid", "pass")
        if not isinstance(values, np.ndarray) or values.size == 0:
            assert found.state == "invalid"
            assert found.reason


def test_judge_never_drops_and_never_raises():
    assert claims.judge(claim(), "none", GOOD).state == "untested"
    missing = claims.judge(claim(), "exact", np.array([2, 2, np.nan, 2, 2.0]))
    assert (missing.state, missing.word) == ("invalid", "INVALID")
    assert "seed number 2" in missing.reason
    assert claims.judge(claim(), "exact", GOOD[:4]).state == "invalid"


def test_a_pass_that_a_mutant_shares_is_invalid():
    lax = claim(criterion={"kind": "trend", "sign": "+", "tau_min": -1.0, "min_effect": -9.0})
    verdict = claims.judge(lax, "exact", np.random.default_rng(0).normal(size=(5, 6)))
    assert verdict.state == "invalid"
    assert "cannot fail" in verdict.reason


def test_mutants_that_survived_are_not_said_to_be_refused():
    lax = claim(criterion={"kind": "trend", "sign": "+", "tau_min": -1.0, "min_effect": -9.0})
    verdict = claims.judge(lax, "exact", np.random.default_rng(0).normal(size=(5, 6)))
    assert "flatten" not in verdict.mutants
    good = claims.judge(claim(), "exact", GOOD)
    assert good.mutants == ["reflect"]


def test_hashes():
    one = claim()
    other = claim(criterion={"kind": "at_least", "bound": 1.1})
    assert other.thresholds != one.thresholds
    assert claim(falsifier=None).thresholds != one.thresholds
    reworded = claim(text="Another statement.")
    assert reworded.thresholds == one.thresholds
    assert reworded.hash != one.hash
    noted = claim(note="why it fails", figure="fig2")
    assert (noted.hash, noted.thresholds) == (one.hash, one.thresholds)


@pytest.mark.parametrize(
    ("changes", "decides"),
    [
        ({"id": "a2"}, True),
        ({"measure": "other"}, True),
        ({"trivial": 0.1}, True),
        ({"level": {"laptop": "exact"}}, True),
        ({"criterion": AT_LEAST | {"alpha": 0.01}}, True),
        ({"falsifier": {"name": "off", "override": ["x=2"]}}, True),
        ({"where": "fig. 2"}, False),
        ({"why": "another reason of several words"}, False),
        ({"paper": {"value": 3, "from": "table"}}, False),
        ({"headline": True}, False),
    ],
    ids=str,
)
def test_what_the_hashes_cover(changes, decides):
    one, other = claim(), claim(**changes)
    assert other.hash != one.hash
    assert (other.thresholds != one.thresholds) == decides


def test_hashes_do_not_depend_on_the_order_of_keys_or_on_the_file(tmp_path):
    turned = claim(criterion={"bound": 1.0, "kind": "at_least"})
    assert (turned.hash, turned.thresholds) == (claim().hash, claim().thresholds)
    text = TOY.read_text().replace("value = 0.10536051565782628, tol = 1e-6", "VALUE")
    text = text.replace("VALUE", "tol = 0.000001, value = 0.10536051565782628")
    (tmp_path / "claims.toml").write_text("# a comment\n" + text)
    assert claims.load(tmp_path / "claims.toml")[1][0].hash == claims.load(TOY)[1][0].hash


def test_too_few_outcomes_for_a_rate():
    rate = claim(criterion={"kind": "rate", "at_least": 0.9})
    assert "29 seeds would do" in claims.too_few(rate, 10)
    assert 0.9**29 <= 0.05 < 0.9**28
    assert claims.too_few(rate, 29) == ""
    assert "5 seeds or more" in claims.too_few(claim(), 3)


def test_several_outcomes_a_seed_count_towards_a_rate():
    """Five seeds of six outcomes are thirty, of which every one is asked for."""
    criterion = {"kind": "rate", "at_least": 0.9, "per_seed": 6}
    rate = claim(criterion=criterion)
    assert claims.too_few(rate, 5) == ""
    assert "24 outcomes cannot" in claims.too_few(rate, 4)
    assert "5 seeds would do" in claims.too_few(rate, 4)
    assert claims.judge(rate, "exact", np.ones(30), seeds=5).state == "pass"
    dropped = claims.judge(rate, "exact", np.ones(29), seeds=5)
    assert dropped.state == "invalid"
    assert "29 values for 5 seeds, not 30" in dropped.reason
    for bad in (0, 2.5):
        with pytest.raises(ClaimError, match="per_seed"):
            claims.lint(claim(criterion=criterion | {"per_seed": bad}))


@pytest.mark.parametrize("bound", [{"at_least": 0.8}, {"at_most": 0.12}, {"at_least": 0.5}])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_outcomes_said_to_do_are_the_least_that_can_pass(bound, alpha):
    criterion = {"kind": "rate", "alpha": alpha} | bound
    best = 1.0 if "at_least" in bound else 0.0
    passing = [
        n for n in range(10, 80) if claims.decide(criterion, np.full(n, best)).state == "pass"
    ]
    rate = claim(criterion=criterion)
    for n in range(10, 80):
        assert (claims.too_few(rate, n) == "") == (n >= passing[0])
    if passing[0] > 10:
        assert f"{passing[0]} seeds would do" in claims.too_few(rate, 10)


def test_a_rate_of_one_is_never_shown():
    for bound in ({"at_least": 1.0}, {"at_most": 0.0}):
        said = claims.too_few(claim(criterion={"kind": "rate"} | bound), 1000)
        assert "no number of seeds" in said


@pytest.mark.parametrize("kind", sorted(set(KINDS_OF_VALUES) - {"rate", "identity"}))
def test_five_seeds_are_enough_and_four_are_not(kind):
    made = claim(criterion=KINDS_OF_VALUES[kind])
    assert claims.too_few(made, 5) == ""
    assert "got 4" in claims.too_few(made, 4)
