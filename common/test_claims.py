"""claims.toml: what is refused, what is said, what the hashes cover."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common import claims
from common.claims import Claim, ClaimError

TOY = Path(__file__).parents[1] / "tests/toy/claims.toml"


def claim(**changes) -> Claim:
    made = Claim(
        id="a1",
        text="A statement.",
        where="fig. 1",
        paper={"value": 2, "from": "table"},
        measure="fn",
        criterion={"kind": "at_least", "bound": 1.0},
        why="a reason of several words",
        level={"smoke": "none", "laptop": "reduced", "paper": "exact"},
        trivial=0.0,
        falsifier={"name": "off", "override": ["x=1"]},
    )
    return replace(made, **changes)


def test_the_toy_loads():
    paper, found = claims.load(TOY)
    assert paper["title"] == "A toy"
    assert [c.id for c in found] == ["t1"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"criterion": {"kind": "atleast", "bound": 1.0}}, "did you mean 'at_least'"),
        ({"criterion": {"kind": "at_least"}}, "lacks bound"),
        ({"criterion": {"kind": "at_least", "bound": 1.0, "tool": 1}}, "unknown criterion key"),
        ({"criterion": {"kind": "at_least", "bound": -1.0}}, "cannot fail"),
        ({"criterion": {"kind": "at_least", "bound": 1.0, "alpha": 0.2}}, "alpha"),
        ({"criterion": {"kind": "at_least", "bound": 1.0, "scale": "ln"}}, "scale"),
        ({"criterion": {"kind": "equals", "value": 3.0, "tol": 0.0}}, "tol must be > 0"),
        ({"criterion": {"kind": "ordering", "sign": "up"}}, "sign"),
        ({"criterion": {"kind": "rate"}}, "one of at_least, at_most"),
        ({"criterion": {"kind": "rate", "at_least": 0.3}}, "a flip passes"),
        (
            {"criterion": {"kind": "location", "find": "max", "lo": 1.0, "hi": 2.0}},
            "unknown find",
        ),
        (
            {"criterion": {"kind": "location", "find": "crossing", "lo": 1.0, "hi": 2.0}},
            "needs crossing",
        ),
        ({"criterion": {"kind": "greater", "scale": "log"}}, "ratio"),
        (
            {"criterion": {"kind": "exponent", "value": 2.0, "tol": 0.5, "rival": 1.8}},
            "rival slope",
        ),
        ({"why": "because"}, "reason"),
        ({"level": {"laptop": "rough"}}, "unknown level"),
        ({"paper": {"value": 1, "from": "memory"}}, "unknown source"),
        ({"trivial": "none"}, "location only"),
        ({"trivial": "zero"}, "must be a number"),
        ({"falsifier": {"name": "off"}}, "falsifier"),
    ],
)
def test_lint(changes, said):
    claims.lint(claim())
    with pytest.raises(ClaimError, match="a1.*" + said):
        claims.lint(claim(**changes))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema = 1", "schema = 2", "schema = 1 expected"),
        ("[paper]", "[paper", "not valid TOML"),
        ('title = "A toy"', "", "lacks title"),
        ("[[claim]]", "[[clam]]", r"no \[\[claim\]\]"),
        ("trivial = 0.0", "", "lacks trivial"),
        ("headline = true", "headlines = true", "did you mean 'headline'"),
    ],
)
def test_files_that_do_not_load(tmp_path, old, new, said):
    text = TOY.read_text()
    assert old in text
    (tmp_path / "claims.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ClaimError, match="claims.toml.*" + said):
        claims.load(tmp_path / "claims.toml")


def test_an_id_stands_once(tmp_path):
    text = TOY.read_text()
    (tmp_path / "claims.toml").write_text(text + text[text.index("[[claim]]") :])
    with pytest.raises(ClaimError, match="stands twice"):
        claims.load(tmp_path / "claims.toml")


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


def test_hashes():
    one = claim()
    other = claim(criterion={"kind": "at_least", "bound": 1.1})
    assert other.thresholds != one.thresholds
    assert claim(falsifier=None).thresholds != one.thresholds
    reworded = claim(text="Another statement.")
    assert reworded.thresholds == one.thresholds
    assert reworded.hash != one.hash
    noted = claim(note="why it fails")
    assert (noted.hash, noted.thresholds) == (one.hash, one.thresholds)


def test_too_few_outcomes_for_a_rate():
    rate = claim(criterion={"kind": "rate", "at_least": 0.9})
    assert "29 seeds would do" in claims.too_few(rate, 10)
    assert 0.9**29 <= 0.05 < 0.9**28
    assert claims.too_few(rate, 29) == ""
    assert "5 seeds or more" in claims.too_few(claim(), 3)
