"""Five trials of every kind of criterion: scale, dtype, size, and values that are no numbers."""

import numpy as np
import pytest

from common import claims
from common.criteria import KINDS, decide, lint

N = 12
NOISE = 0.01 * np.random.default_rng(0).normal(size=(N, 1, 11))
GRID = np.broadcast_to(np.linspace(1, 20, 11), (N, 1, 11))
PEAK = 5 - (GRID - 9) ** 2 / 20
# values that pass; which numbers of the criterion are in units of the values
CASES = {
    "identity": ({"bound": 0.1}, [], np.concatenate([1 + NOISE, np.ones_like(NOISE)], 1)),
    "equals": ({"value": 2.0, "tol": 0.5}, ["value", "tol"], 2 + NOISE[:, 0, 0]),
    "at_least": ({"bound": 1.0}, ["bound"], 2 + NOISE[:, 0, 0]),
    "at_most": ({"bound": 3.0}, ["bound"], 2 + NOISE[:, 0, 0]),
    "greater": ({"delta": 0.5}, ["delta"], np.array([2.0, 1.0]) + NOISE[:, 0, :2]),
    "ordering": ({}, [], np.arange(1.0, 5) + NOISE[:, 0, :4]),
    "trend": (
        {"sign": "+", "tau_min": 0.3, "min_effect": 1.0},
        ["min_effect"],
        (GRID + NOISE)[:, 0],
    ),
    "exponent": (
        {"value": 2.0, "tol": 0.2, "rival": 1.0},
        [],
        np.concatenate([GRID, GRID**2 + NOISE], 1),
    ),
    "rate": ({"at_least": 0.7}, None, np.ones(40)),
    "location": (
        {"find": "crossing", "crossing": 8.0, "lo": 7.0, "hi": 9.0},
        ["crossing", "lo", "hi"],
        np.concatenate([GRID, GRID + NOISE], 1),
    ),
    "correlation": ({"r_min": 0.5}, [], np.concatenate([GRID, GRID + NOISE], 1)),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def criterion(kind, scale=1.0):
    keys, units, _ = CASES[kind]
    return {"kind": kind} | {k: v * scale if k in (units or ()) else v for k, v in keys.items()}


def judged(kind, values):
    claim = claims.Claim(
        id="a",
        text="t",
        where="w",
        paper={"value": 1, "from": "text"},
        measure="m",
        criterion=criterion(kind),
        why="because of this reason",
        level={"smoke": "exact"},
        trivial=0.0,
    )
    return claims.judge(claim, "exact", values).state


@kinds
@pytest.mark.parametrize("scale", [2.0**-500, 2.0**-100, 1.0, 2.0**100, 2.0**500])
def test_scale(kind, scale):
    """In other units, by a power of two, all intervals are the same to rounding."""
    if CASES[kind][1] is None:
        pytest.skip("outcomes have no units")
    values = CASES[kind][2]
    want = decide(criterion(kind), values)
    got = decide(criterion(kind, scale), scale * values)
    assert want.state == got.state == "pass"
    unit = scale if CASES[kind][1] or kind == "ordering" else 1.0
    ends = [[d.estimate, d.low, d.high] for d in (want, got)]
    np.testing.assert_allclose(np.array(ends[1]) / unit, ends[0], rtol=1e-9)


@kinds
@pytest.mark.parametrize("dtype", [np.float16, np.float32, object, complex, str, "datetime64[s]"])
def test_dtype(kind, dtype):
    values = CASES[kind][2]
    values = (
        values.astype(int).astype(dtype) if "M8" in np.dtype(dtype).str else values.astype(dtype)
    )
    want = "invalid" if np.dtype(dtype).kind in "cUM" else "pass"
    assert judged(kind, values) == want


@kinds
def test_size(kind):
    values = CASES[kind][2]
    for bad in (values[:0], values[:1], values[..., :0], np.float64(1), []):
        assert judged(kind, bad) == "invalid"


class Broken:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("deleted")


@kinds
@pytest.mark.parametrize("bad", [np.nan, np.inf, 10**400, None, "x", Broken(), {}, [[1], [2, 3]]])
def test_what_is_no_number(kind, bad):
    values = CASES[kind][2].astype(object)
    values.flat[3] = bad
    for measured in (values, values.tolist(), bad):
        assert judged(kind, measured) == "invalid"


@kinds
@pytest.mark.parametrize("size", [1e308, 1.7e308])
def test_differences_beyond_every_number_are_decided_or_invalid(kind, size):
    with np.errstate(all="ignore"):
        signs = np.where(np.arange(CASES[kind][2].size) % 2, 1.0, -1.0)
        judged(kind, size * signs.reshape(CASES[kind][2].shape))  # does not raise


def test_integers_beyond_every_float_are_no_numbers_of_a_criterion():
    for value in (10**400, -(10**400), float("inf"), float("nan"), True, "1"):
        assert "must be a finite number" in lint.problem({"kind": "at_least", "bound": value})
    wide = {"kind": "at_least", "bound": 10**300, "scale": "log"}
    assert not lint.problem(wide)
    assert decide(wide, np.geomspace(1e301, 1e303, 9)).state == "pass"
    assert not lint.too_few({"kind": "rate", "at_least": 0.6, "per_seed": 10**308}, 100)
