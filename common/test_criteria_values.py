"""What cannot be decided is INVALID; order, dtype and units of the values do not matter."""

from typing import Any

import numpy as np
import pytest

from common.criteria import KINDS, Invalid, decide, surviving_mutants
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
    steps,
)


@pytest.mark.parametrize("kind", CASES)
def test_bad_values_are_invalid(kind):
    criterion = {"kind": kind} | CASES[kind][0]
    values = np.array(CASES[kind][1](np.random.default_rng(0)), float)
    hurt = values.copy()
    hurt.reshape(-1)[0] = np.nan
    few = values[: KINDS[kind].least - 1]
    bads: list[Any] = [hurt, few, values[..., None, None, None, None], np.array("text"), None]
    for bad in bads:
        if kind == "identity" and bad is not None and np.ndim(bad) > 3:
            continue  # any further axes are allowed
        with pytest.raises(Invalid):
            decide(criterion, bad)


def test_shapes_and_scales_that_cannot_be_decided():
    for criterion, values in (
        ({"kind": "greater"}, np.ones((5, 3))),
        ({"kind": "trend", "sign": "+", "tau_min": 0.5, "min_effect": 1.0}, np.ones((5, 4))),
        ({"kind": "correlation", "r_min": 0.5}, np.ones((5, 2, 9))),
        ({"kind": "at_least", "bound": 1.0, "scale": "log"}, np.array([1, 2, 3, -1, 2.0])),
        ({"kind": "rate", "at_least": 0.7}, np.full(12, 0.5)),
    ):
        with pytest.raises(Invalid):
            decide(criterion, values)
    narrow = power(np.random.default_rng(0), -1.0)[:, :, :3]
    with pytest.raises(Invalid, match="decade"):
        decide({"kind": "exponent", "value": -1.0, "tol": 0.1, "rival": 0.0}, narrow)


MISSHAPEN = {
    "identity": [(4, 1, 6), (4, 3, 6), (4, 2, 0), (2, 2, 6)],
    "equals": [(5, 1), (0,), ()],
    "greater": [(5, 1), (5, 0), (5,)],
    "ordering": [(5, 1), (5, 0), (5,)],
    "trend": [(5, 0), (5,), (4, 9)],
    "exponent": [(5, 2, 0), (5, 2, 1), (5, 3, 6), (5, 2)],
    "rate": [(9,), (10, 1)],
    "location": [(5, 2, 0), (5, 1, 9), (5, 2, 1, 9)],
    "correlation": [(5, 2, 0), (5, 1, 12), (5, 12)],
}


@pytest.mark.parametrize(
    ("kind", "shape"), [(kind, shape) for kind in MISSHAPEN for shape in MISSHAPEN[kind]]
)
def test_misshapen_values_are_invalid(kind, shape):
    ramp = np.linspace(1, 20, max(1, int(np.prod(shape))))[: int(np.prod(shape))].reshape(shape)
    ones = np.ones(shape)
    with pytest.raises(Invalid):
        decide({"kind": kind} | CASES[kind][0], ones if kind == "rate" else ramp)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", CASES)
def test_a_value_that_is_not_finite_is_invalid_wherever_it_stands(kind, bad):
    values = CASES[kind][1](np.random.default_rng(0))
    values[(-1,) * values.ndim] = bad
    with pytest.raises(Invalid, match="not finite"):
        decide({"kind": kind} | CASES[kind][0], values)
    with pytest.raises(Invalid):
        surviving_mutants({"kind": kind} | CASES[kind][0], values)


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize(
    "values",
    [
        np.ma.masked_array(np.full(6, 2.0), [0, 0, 0, 0, 0, 1]),
        np.full(5, 2 + 3j),
        [2.0, 2.0, None, 2.0, 2.0],
        [[2.0], [2.0, 2.0]],
        {"value": 2.0},
    ],
    ids=["masked", "complex", "none", "ragged", "dict"],
)
def test_what_is_not_an_array_of_numbers_is_invalid(values):
    with pytest.raises(Invalid):
        decide({"kind": "equals", "value": 2.0, "tol": 0.5}, values)


@pytest.mark.parametrize("kind", ["equals", "at_least", "at_most", "greater", "trend"])
@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_the_log_scale_needs_positive_values(kind, bad):
    keys = {"ratio": 2.0} if kind == "greater" else CASES[kind][0]
    values = np.exp(CASES[kind][1](np.random.default_rng(0)))
    values[(0,) * values.ndim] = bad
    with pytest.raises(Invalid, match="positive"):
        decide({"kind": kind} | keys | {"scale": "log"}, values)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_power_law_needs_positive_x_and_y(axis):
    values = power(np.random.default_rng(0), -1.0)
    values[2, axis, 3] = 0.0
    with pytest.raises(Invalid, match="positive"):
        decide({"kind": "exponent", "value": -1.0, "tol": 0.2, "rival": 0.0}, values)


def test_a_location_does_not_depend_on_the_order_of_the_points():
    """Points out of order are refused or sorted: first, last and next are meant along x."""
    rng = np.random.default_rng(0)
    for name, draw in (("peak", curve), ("crossing", crossed)):
        find = {"find": "argmax"} if name == "peak" else {"find": "crossing", "crossing": 0.0}
        criterion = {"kind": "location", "lo": 0.3, "hi": 0.6} | find
        values = draw(rng, 0.45, 0.02)
        for order in [
            np.arange(21),
            np.arange(21)[::-1],
            *(rng.permutation(21) for _ in range(30)),
        ]:
            try:
                assert decide(criterion, values[..., order]).state == "pass"
            except Invalid:
                assert not (order == np.arange(21)).all()


def test_none_found_is_a_fail():
    monotone = np.stack([np.tile(GRID, (5, 1)), np.tile(GRID, (5, 1))], 1)
    found = decide({"kind": "location", "find": "argmax", "lo": 0.0, "hi": 1.0}, monotone)
    assert found.state == "fail"
    one = np.concatenate([curve(np.random.default_rng(0), 0.5)[:4], monotone[:1]])
    assert decide({"kind": "location", "find": "argmax", "lo": 0.0, "hi": 1.0}, one).state == "fail"
    never = {"kind": "location", "find": "crossing", "crossing": 5.0, "lo": 0.0, "hi": 1.0}
    assert decide(never, monotone).state == "fail"


@pytest.mark.parametrize("kind", CASES)
def test_order_of_seeds_does_not_matter(kind):
    criterion = {"kind": kind} | CASES[kind][0]
    values = CASES[kind][1](np.random.default_rng(3))
    one, two = decide(criterion, values), decide(criterion, values[::-1])
    assert one.state == two.state
    assert one.estimate == pytest.approx(two.estimate)


@pytest.mark.parametrize("name", sorted(FORMS))
def test_order_of_seeds_does_not_matter_to_other_forms(name):
    criterion, draw = FORMS[name]
    rng = np.random.default_rng(3)
    values = draw(rng)
    want = decide(criterion, values).state
    for _ in range(5):
        assert decide(criterion, values[rng.permutation(len(values))]).state == want


def test_order_of_seeds_does_not_matter_to_the_mutants():
    """Small and large gains in turn: swapping every other pair must not be a lucky choice."""
    gains = np.tile([0.01, 1.0], 3)
    passing = {
        bool(surviving_mutants({"kind": "greater"}, np.stack([g, 0 * g], 1))[1])
        for g in (gains, np.sort(gains), np.sort(gains)[::-1])
    }
    assert passing == {False}


@pytest.mark.parametrize("dtype", [np.float32, int])
@pytest.mark.parametrize("kind", sorted(set(CASES) - {"identity"}))
def test_dtype_does_not_matter(kind, dtype):
    """Values that every dtype holds exactly are decided alike, and are not written to."""
    factor = 1 if kind == "rate" else 64
    values = np.round(CASES[kind][1](np.random.default_rng(3)) * factor).astype(dtype)
    if kind == "exponent":
        values = np.maximum(values, 1)
    before, criterion = values.copy(), {"kind": kind} | CASES[kind][0]
    assert decide(criterion, values)[:4] == decide(criterion, values.astype(float))[:4]
    assert surviving_mutants(criterion, values) == surviving_mutants(
        criterion, values.astype(float)
    )
    np.testing.assert_array_equal(values, before)


UNITS: dict[str, Any] = {  # criterion, draw, a change of units that must change nothing
    "identity": (CASES["identity"][0], CASES["identity"][1], lambda v: -1e-30 * v),
    "greater": ({}, lambda g: paired(g, 0.7, 0.8), lambda v: 1e-30 * v + 1e-30),
    "greater as a ratio": (
        {"kind": "greater", "scale": "log", "ratio": 2.0},
        lambda g: np.exp(paired(g, 1.2, 0.6)),
        lambda v: 1e-30 * v,
    ),
    "ordering": ({}, lambda g: steps(g, (0.5, 1), 0.5), lambda v: 1e20 * v),
    "trend": (
        {"sign": "+", "tau_min": 0.3, "min_effect": 2.0, "scale": "log"},
        lambda g: np.exp(0.5 * X5 + g.normal(size=(5, 5))),
        lambda v: 1e-30 * v,
    ),
    "exponent": (
        {"value": -1.0, "tol": 0.2, "rival": 0.0},
        lambda g: power(g, -1.1, 0.4),
        lambda v: v * np.array([1e-30, 1e30])[:, None],
    ),
    "location": (
        CASES["location"][0],
        lambda g: curve(g, 0.55, 0.1),
        lambda v: v * np.array([1, 1e-30])[:, None] + np.array([0, 1e-30])[:, None],
    ),
    "correlation": (
        {"r_min": 0.5},
        lambda g: related(g, 0.7),
        lambda v: v * np.array([1e-30, 1e30])[:, None] + np.array([2e-30, 0])[:, None],
    ),
}


@pytest.mark.parametrize("name", UNITS)
def test_a_change_of_units_changes_no_state(name):
    keys, draw, change = UNITS[name]
    criterion, rng = {"kind": name} | keys, np.random.default_rng(6)
    for _ in range(20):
        values = draw(rng)
        assert decide(criterion, values).state == decide(criterion, change(values)).state


def test_units_do_not_matter_where_they_must_not():
    g = np.random.default_rng(4)
    law = {"kind": "exponent", "value": -1.0, "tol": 0.2, "rival": 0.0}
    values = power(g, -1.0, 0.1)
    scaled = values * np.array([3.0, 1e-6])[:, None]
    assert decide(law, values).estimate == pytest.approx(decide(law, scaled).estimate)
    link = {"kind": "correlation", "r_min": 0.5}
    values = related(g, 0.9)
    scaled = 5 - 2 * values
    assert decide(link, values).estimate == pytest.approx(decide(link, scaled).estimate)


def test_a_masked_seed_is_invalid():
    values = np.ma.masked_invalid([1.0, 1.1, np.nan, 0.9, 1.0])
    with pytest.raises(Invalid, match="masked"):
        decide({"kind": "equals", "value": 1.0, "tol": 0.5}, values)


def test_an_identity_of_zeros_compares_nothing():
    with pytest.raises(Invalid, match="zero"):
        decide({"kind": "identity", "bound": 1e-6}, np.zeros((3, 2, 4)))
