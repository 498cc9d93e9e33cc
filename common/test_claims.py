"""claims.toml: what is refused, what is said, what the hashes cover."""

from dataclasses import replace
from pathlib import Path

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
        ({"figure": "picture 2"}, "the name of a figure"),
        ({"figure": 2}, "the name of a figure"),
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
        ("[[claim]]", "[[clam]]", "did you mean 'claim'"),
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


AT_LEAST: dict = {"kind": "at_least", "bound": 1.0}
BAD_THRESHOLDS: dict = {  # regions that no data reach, or that are no regions: criterion, trivial
    "an interval turned round": ({"kind": "location", "find": "argmax", "lo": 3, "hi": 2}, 0.0),
    "tau above 1": ({"kind": "trend", "sign": "+", "tau_min": 80, "min_effect": 1.0}, 0.0),
    "tau of exactly 1": ({"kind": "trend", "sign": "+", "tau_min": 1.0, "min_effect": 1.0}, 0.0),
    "r above 1": ({"kind": "correlation", "r_min": 2.0}, 0.0),
    "r of exactly 1": ({"kind": "correlation", "r_min": 1.0}, 0.0),
    "a rate in percent": ({"kind": "rate", "at_least": 90}, 0.0),
    "an error below 0": ({"kind": "identity", "bound": -1e-9}, 1.0),
    "a logarithm of 0": (AT_LEAST | {"bound": 0.0, "scale": "log"}, -1.0),
    "a logarithm of a width": (
        {"kind": "equals", "value": 1.0, "tol": 2.0, "scale": "log"},
        9.0,
    ),
    "a negative ratio": ({"kind": "greater", "scale": "log", "ratio": -1.0}, 0.5),
    "a trivial score without a logarithm": ({"kind": "greater", "scale": "log", "ratio": 2.0}, 0.0),
    "an exponent that a flat line has": (
        {"kind": "exponent", "value": 0.5, "tol": 0.6, "rival": 2.0},
        3.0,
    ),
    "nan": ({"kind": "equals", "value": 3.0, "tol": float("nan")}, 0.0),
    "nan as the trivial score": (AT_LEAST, float("nan")),
    "infinity": ({"kind": "at_most", "bound": float("inf")}, float("nan")),
    "a number as text": (AT_LEAST | {"bound": "1.0"}, 0.0),
    "a tolerance as text": ({"kind": "equals", "value": 3.0, "tol": "0.1"}, 0.0),
    "a list as the trivial score": (AT_LEAST, [0.0]),
    "a level as text": (AT_LEAST | {"alpha": "0.05"}, 0.0),
    "a level of 0": (AT_LEAST | {"alpha": 0}, 0.0),
    "a negative resolution": (AT_LEAST | {"resolution": -1.0}, 0.0),
    "a resolution as text": (AT_LEAST | {"resolution": "1"}, 0.0),
}


@pytest.mark.parametrize("name", BAD_THRESHOLDS)
def test_thresholds_that_decide_nothing_are_refused_at_load(name):
    criterion, trivial = BAD_THRESHOLDS[name]
    with pytest.raises(ClaimError, match="a1"):
        claims.lint(claim(criterion=criterion, trivial=trivial))


@pytest.mark.parametrize(
    ("kind", "inside"),
    [
        ({"kind": "identity", "bound": 1e-6}, 1e-6),
        ({"kind": "equals", "value": 2.0, "tol": 0.5}, 2.5),
        (AT_LEAST, 1.0),
        ({"kind": "at_most", "bound": 1.0}, 1.0),
        ({"kind": "greater", "delta": 1.0}, 1.1),
        ({"kind": "greater", "scale": "log", "ratio": 2.0}, 2.1),
        ({"kind": "ordering"}, 0.1),
        ({"kind": "trend", "sign": "-", "tau_min": 0.5, "min_effect": 1.0}, 1.0),
        ({"kind": "exponent", "value": 2.0, "tol": 0.5, "rival": 1.0}, 1.5),
        ({"kind": "rate", "at_least": 0.7}, 0.7),
        ({"kind": "rate", "at_most": 0.3}, 0.3),
        ({"kind": "location", "find": "argmax", "lo": 1, "hi": 2}, 1),
        ({"kind": "correlation", "r_min": 0.5}, 0.5),
    ],
)
def test_a_trivial_score_inside_the_region_is_refused_in_every_kind(kind, inside):
    with pytest.raises(ClaimError, match=r"a1.*cannot fail.*trivial score"):
        claims.lint(claim(criterion=kind, trivial=inside))
    outside = 1 - 1e-3 if kind["kind"] == "exponent" else -9.0
    outside = {"at_most": 9.0, "identity": 1.0}.get(kind["kind"], outside)
    outside = 0.5 if "ratio" in kind else 0.9 if "at_most" in kind else outside
    claims.lint(claim(criterion=kind, trivial=outside))


@pytest.mark.parametrize(
    ("criterion", "lacking"),
    [
        ({"kind": "identity"}, "bound"),
        ({"kind": "equals", "tol": 1.0}, "value"),
        ({"kind": "trend", "sign": "+"}, "tau_min, min_effect"),
        ({"kind": "exponent", "value": 1.0, "tol": 0.1}, "rival"),
        ({"kind": "location", "find": "argmax"}, "lo, hi"),
        ({"kind": "correlation"}, "r_min"),
    ],
)
def test_what_a_criterion_lacks_is_named(criterion, lacking):
    with pytest.raises(ClaimError, match=f"a1.*{criterion['kind']}.*lacks {lacking}"):
        claims.lint(claim(criterion=criterion))


def test_both_bounds_of_a_rate_and_delta_beside_ratio_are_refused():
    for criterion, said in (
        ({"kind": "rate", "at_least": 0.6, "at_most": 0.9}, "one of at_least, at_most"),
        ({"kind": "rate", "at_most": 0.8}, "a flip passes"),
        ({"kind": "greater", "delta": 1.0, "ratio": 2.0, "scale": "log"}, "delta, or scale"),
        ({"kind": "greater", "ratio": 2.0}, "delta, or scale"),
        ({"kind": "greater", "delta": 1.0, "scale": "log"}, "delta, or scale"),
    ):
        with pytest.raises(ClaimError, match="a1.*" + said):
            claims.lint(claim(criterion=criterion, trivial=-1.0))
    claims.lint(claim(criterion={"kind": "greater"}))


@pytest.mark.parametrize(
    "changes",
    [
        {"level": "theory"},
        {"level": {}},
        {"level": {"lpatop": "exact"}},  # else the claim would be untested in silence
        {"criterion": "at_least"},
        {"paper": "2.0"},
        {"paper": {"from": "table"}},
        {"paper": {"value": 2}},
        {"why": 4},
        {"text": ""},
        {"id": "C 2/x"},  # ids are lower case, and parts of file names and links
        {"headline": "yes"},
        {"measure": 3},
        {"trivial": True},
        {"falsifier": "x=1"},
        {"falsifier": {"name": "off", "override": "x=1"}},
        {"falsifier": {"name": "off", "override": ["x"]}},
        {"falsifier": {"name": "off", "override": [5]}},
        {"falsifier": {"override": ["x=1"]}},
        {"falsifier": {"name": "off", "override": ["x=1"], "sedes": 3}},
    ],
    ids=str,
)
def test_fields_of_the_wrong_kind_are_refused(changes):
    with pytest.raises(ClaimError, match=str(changes.get("id", "a1"))):
        claims.lint(claim(**changes))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[[claim]]", "[claim]"),  # the commonest slip in TOML
        ("[paper]\n", 'paper = "A toy"\n[other]\n'),
        ("[[claim]]", '[[clam]]\nid = "t0"\n[[claim]]'),  # a claim that would not be seen
        ('authors = "nobody"', "authors = 3"),
    ],
)
def test_tables_of_the_wrong_kind_are_refused(tmp_path, old, new):
    text = TOY.read_text()
    assert old in text
    (tmp_path / "claims.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ClaimError, match=r"claims\.toml"):
        claims.load(tmp_path / "claims.toml")


def test_bytes_that_are_not_text_are_refused(tmp_path):
    (tmp_path / "claims.toml").write_bytes(b"schema = 1 # \xff")
    with pytest.raises(ClaimError, match=r"claims\.toml"):
        claims.load(tmp_path / "claims.toml")


def test_a_message_is_one_line_and_names_file_and_claim(tmp_path):
    file = tmp_path / "claims.toml"
    for old, new in (("theory", "theroy"), ('"equals"', '"equal"'), ("tol =", "tool =")):
        file.write_text(TOY.read_text().replace(old, new, 1))
        with pytest.raises(ClaimError) as found:
            claims.load(file)
        said = str(found.value)
        assert said.startswith(f"{file}: claim 't1'")
        assert "did you mean" in said
        assert "\n" not in said


def test_an_id_stands_once(tmp_path):
    text = TOY.read_text()
    (tmp_path / "claims.toml").write_text(text + text[text.index("[[claim]]") :])
    with pytest.raises(ClaimError, match="stands twice"):
        claims.load(tmp_path / "claims.toml")


@pytest.mark.parametrize(("hours", "fine"), [("12.5", True), ("0", False), ('"12"', False)])
def test_core_hours_are_a_positive_number(tmp_path, hours, fine):
    text = TOY.read_text().replace("[paper]\n", f"[paper]\ncore_hours = {hours}\n")
    (tmp_path / "claims.toml").write_text(text)
    if fine:
        assert claims.load(tmp_path / "claims.toml")[0]["core_hours"] == 12.5
        return
    with pytest.raises(ClaimError, match="core_hours"):
        claims.load(tmp_path / "claims.toml")
