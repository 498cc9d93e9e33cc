"""Which number of verdict seeds repeats a paper's headlines; what measures read."""

import numpy as np
import pytest

from common import claims, repeats
from common.claims import Claim
from common.scratch import Scratch
from launch import paths
from launch.read import repeats as repeating
from launch.read import report
from launch.record import store

SLUG = "score_sde"


def test_the_fewest_seeds_at_which_every_headline_has_its_chance():
    sure, close, never = (
        {5: 0.95, 10: 0.97, 20: 0.99},
        {5: 0.7, 10: 0.91, 20: 0.96},
        {5: 0.3, 10: 0.4, 20: 0.5},
    )
    assert repeating.enough({"a": sure}) == (5, [])
    assert repeating.enough({"a": sure, "b": close}) == (10, [])
    assert repeating.enough({"a": sure, "b": close, "c": never}) == (10, ["c"])


def test_short_names_the_headlines_that_hold_and_may_not_again():
    folder = store.reference(SLUG)
    info, every, verdicts = report.decide(folder)
    seeds, count = len(info["config"]["seeds"]), len(paths.verdict_seeds(SLUG))
    want = {}
    for claim, verdict in zip(every, verdicts, strict=True):
        if claim.headline and verdict.state == "pass":
            values = report.measured(SLUG, claim, store.arrays(folder))
            want[claim.id] = repeats.repeats(claim.criterion, values, "pass", seeds=count)
            if count == seeds:
                assert verdict.repeats == pytest.approx(want[claim.id], abs=6e-4)
    assert dict(repeating.short(SLUG)) == {k: v for k, v in want.items() if v < 0.895}


def test_verdict_seeds_are_the_papers(monkeypatch):
    assert paths.verdict_seeds(SLUG)[:5] == (1000, 1001, 1002, 1003, 1004)
    monkeypatch.setattr(paths, "paper", lambda slug: {"verdict_seeds": 10})
    assert paths.verdict_seeds(SLUG) == tuple(range(1000, 1010))
    assert report.is_official(SLUG, range(1000, 1010), [])
    assert not report.is_official(SLUG, range(1000, 1005), [])
    assert not report.is_official(SLUG, range(1000, 1010), ["lr=1"])
    monkeypatch.setattr(paths, "paper", lambda slug: {})
    assert len(paths.verdict_seeds(SLUG)) == 5


def test_needs_is_the_fewest_seeds_that_could_decide():
    fields = dict.fromkeys(Claim.__dataclass_fields__) | {"id": "x"}
    for criterion, want in (
        ({"kind": "at_least", "bound": 0.0}, 5),
        ({"kind": "rate", "at_least": 0.9}, 29),  # 0.9^29 < 0.05 < 0.9^28
        ({"kind": "rate", "at_least": 1.0}, None),
    ):
        claim = Claim(**(fields | {"criterion": criterion}))
        assert repeating.needs(claim) == want
        assert want is None or claims.too_few(claim, want - 1)


def claim_of(measure: str) -> Claim:
    return Claim(**(dict.fromkeys(Claim.__dataclass_fields__) | {"id": "x", "measure": measure}))


def test_what_a_measure_reads_is_noted(monkeypatch):
    def some(arrays):
        return arrays["a"] + (arrays["b"] if "d" in arrays else arrays.get("c", 0))

    measures = {"some": some, "all": lambda arrays: sum(arrays.values()), "lost": lambda a: a["z"]}
    monkeypatch.setattr(report, "_measure", lambda slug, claim: measures[claim.measure])
    arrays = dict.fromkeys("abc", np.ones(2))
    assert report.reads("", [claim_of("some")], arrays) == {"a", "c", "d"}
    assert report.reads("", [claim_of("some"), claim_of("all")], arrays) >= {"a", "b", "c"}
    assert report.reads("", [claim_of("lost")], arrays) is None, "then all is computed"


def test_an_array_that_a_run_did_not_make_is_named():
    found = report.load_claims(SLUG)[1][0]
    verdict = report.judge(SLUG, found, "laptop", {}, seeds=5)
    assert verdict.state == "error"
    assert "which this run did not make" in verdict.reason
    assert verdict.repeats is None


def test_parts_are_wanted_by_their_arrays(tmp_path):
    assert Scratch(tmp_path / "a").wants("x"), "a run that nobody restricted computes all"
    few = Scratch(tmp_path / "b", frozenset({"x", "y"}))
    assert few.wants("x", "z")
    assert not few.wants("z")
