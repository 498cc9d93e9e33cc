"""Error rates of every kind by simulation; every mutant refused; every bad value INVALID."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.stats as reference
from scipy.optimize import brentq

from common import stats
from common.criteria import KINDS, decide
from common.stats import ALPHA

SIMULATIONS = 4000  # standard error of a rate of 5 %: 0.35 %
X5 = np.arange(5.0)
DECADE = np.geomspace(1, 20, 6)
GRID = np.linspace(0, 1, 21)


def curve(rng, peak, noise=0.0):
    """A bump at `peak` on GRID for 5 seeds, its place jittered.  -> [5, 2, 21]"""
    at = peak + noise * rng.normal(size=(5, 1))
    return np.stack([np.tile(GRID, (5, 1)), np.exp(-(((GRID - at) / 0.2) ** 2))], 1)


def crossed(rng, at, noise=0.0):
    place = at + noise * rng.normal(size=(5, 1))
    return np.stack([np.tile(GRID, (5, 1)), np.tanh((GRID - place) / 0.3)], 1)


def power(rng, slope, noise=0.0):
    y = np.exp(slope * np.log(DECADE) + noise * rng.normal(size=(5, len(DECADE))))
    return np.stack([np.tile(DECADE, (5, 1)), y], 1)


def paired(rng, difference, noise=0.0):
    b = rng.normal(size=5)
    return np.stack([b + difference + noise * rng.normal(size=5), b], 1)


def related(rng, r):
    x, e = rng.normal(size=(2, 5, 12))
    return np.stack([x, r * x + np.sqrt(1 - r * r) * e], 1)


def steps(rng, gaps, noise):
    """Per-seed values whose adjacent paired differences average `gaps`.  -> [5, k]"""
    jumps = np.asarray(gaps) + noise * rng.normal(size=(5, len(gaps)))
    return np.cumsum(np.concatenate([rng.normal(size=(5, 1)), jumps], 1), axis=1)


# kind: (criterion, true, edge, false), each rng -> values. "edge" is just outside or at the bound.
CASES: dict[str, Any] = {
    "identity": (
        {"bound": 1e-6},
        lambda g: np.stack([a := g.normal(size=(4, 6)), a * (1 + 1e-8)], 1),
        lambda g: np.stack([a := g.normal(size=(4, 6)), a * (1 + 1.01e-6)], 1),
        lambda g: g.normal(size=(4, 2, 6)),
    ),
    "equals": (
        {"value": 2.0, "tol": 0.5},
        lambda g: 2 + 0.1 * g.normal(size=5),
        lambda g: 2.5 + 0.1 * g.normal(size=5),
        lambda g: 4 + 0.1 * g.normal(size=5),
    ),
    "at_least": (
        {"bound": 10.0, "scale": "log"},
        lambda g: np.exp(4 + 0.5 * g.normal(size=5)),
        lambda g: np.exp(np.log(10) + 0.5 * g.normal(size=5)),
        lambda g: np.exp(0.3 * g.normal(size=5)),
    ),
    "at_most": (
        {"bound": 1.0},
        lambda g: 0.3 * g.normal(size=5),
        lambda g: 1 + 0.3 * g.normal(size=5),
        lambda g: 2 + 0.3 * g.normal(size=5),
    ),
    "greater": (
        {"delta": 0.5},
        lambda g: paired(g, 2.0, 0.3),
        lambda g: paired(g, 0.5, 0.3),
        lambda g: paired(g, -1.0, 0.3),
    ),
    "ordering": (
        {},
        lambda g: steps(g, (3, 3, 3), 0.5),
        lambda g: steps(g, (3, 0, 3), 0.5),
        lambda g: steps(g, (3, -3, 3), 0.5),
    ),
    "trend": (
        {"sign": "+", "tau_min": 0.6, "min_effect": 2.0},
        lambda g: X5 * 2 + 0.3 * g.normal(size=(5, 5)),
        lambda g: X5 * 0.5 + 0.3 * g.normal(size=(5, 5)),
        lambda g: -X5 + 0.3 * g.normal(size=(5, 5)),
    ),
    "exponent": (
        {"value": -1.0, "tol": 0.2, "rival": -0.5},
        lambda g: power(g, -1.0, 0.1),
        lambda g: power(g, -0.8, 0.1),
        lambda g: power(g, 0.5, 0.1),
    ),
    "rate": (
        {"at_least": 0.7},
        lambda g: (g.random(40) < 0.97).astype(float),
        lambda g: (g.random(40) < 0.7).astype(float),
        lambda g: (g.random(40) < 0.2).astype(float),
    ),
    "location": (
        {"find": "argmax", "lo": 0.3, "hi": 0.6},
        lambda g: curve(g, 0.45, 0.03),
        lambda g: curve(g, 0.6, 0.06),
        lambda g: curve(g, 0.85, 0.02),
    ),
    "correlation": (
        {"r_min": 0.5},
        lambda g: related(g, 0.97),
        lambda g: related(g, 0.5),
        lambda g: related(g, -0.5),
    ),
}
MORE: dict[str, Any] = {
    "trend by tau": (
        {"kind": "trend", "sign": "-", "tau_min": 0.825, "min_effect": 0.0},
        lambda g: -X5 + 0.8 * g.normal(size=(5, 5)),  # expected tau 0.825
    ),
    "trend by a smaller tau": (
        {"kind": "trend", "sign": "+", "tau_min": 0.605, "min_effect": -9.0},
        lambda g: X5 + 1.5 * g.normal(size=(5, 5)),  # expected tau 0.605
    ),
    "greater ratio": (
        {"kind": "greater", "scale": "log", "ratio": 2.0},
        lambda g: np.exp(paired(g, np.log(2.0), 0.3)),
    ),
    "crossing": (
        {"kind": "location", "find": "crossing", "crossing": 0.0, "lo": 0.3, "hi": 0.6},
        lambda g: crossed(g, 0.6, 0.06),
    ),
    "count with a resolution": (
        {"kind": "at_most", "bound": 10.0, "resolution": 1.0},
        lambda g: np.round(10 + 0.7 * g.normal(size=5)),
    ),
}


# The same kinds in other words: (criterion, true). The mutants of these must be refused as well.
FORMS: dict[str, Any] = {
    "equals on the log scale": (
        {"kind": "equals", "value": 2.0, "tol": 0.5, "scale": "log"},
        lambda g: 2 * np.exp(0.05 * g.normal(size=5)),
    ),
    "at_most on the log scale": (
        {"kind": "at_most", "bound": 1e-9, "scale": "log"},
        lambda g: 1e-12 * np.exp(g.normal(size=5)),
    ),
    "greater ratio": (
        {"kind": "greater", "scale": "log", "ratio": 2.0},
        lambda g: np.exp(paired(g, np.log(5.0), 0.2)),
    ),
    "ordering down": (
        {"kind": "ordering", "sign": "-"},
        lambda g: -steps(g, (3, 3), 0.5),
    ),
    "trend down on the log scale": (
        {"kind": "trend", "sign": "-", "tau_min": 0.6, "min_effect": 10.0, "scale": "log"},
        lambda g: np.exp(-2 * X5 + 0.3 * g.normal(size=(5, 5))),
    ),
    "rate at most": ({"kind": "rate", "at_most": 0.3}, lambda g: (g.random(40) < 0.03) + 0.0),
    "trough": (
        {"kind": "location", "find": "argmin", "lo": 0.3, "hi": 0.6},
        lambda g: curve(g, 0.45, 0.03) * np.array([1, -1])[:, None],
    ),
    "crossing upwards": (
        {"kind": "location", "find": "crossing", "crossing": 0.0, "lo": 0.3, "hi": 0.6},
        lambda g: crossed(g, 0.45, 0.02),
    ),
    "crossing downwards": (
        {"kind": "location", "find": "crossing", "crossing": 0.0, "lo": 0.4, "hi": 0.7},
        lambda g: crossed(g, 0.55, 0.02) * np.array([1, -1])[:, None],
    ),
    "peak on a logarithmic grid": (
        {"kind": "location", "find": "argmax", "lo": 4.0, "hi": 25.0},
        lambda g: (
            curve(g, 1 / 3, 0.01) * np.array([0, 1])[:, None] + np.stack([1000**GRID, 0 * GRID])
        ),
    ),
    "peak with a flat top": (
        {"kind": "location", "find": "argmax", "lo": 0.3, "hi": 0.6},
        lambda g: np.minimum(curve(g, 0.5, 0.01), np.array([[1.0], [0.9]])),
    ),
}


def states(criterion, draw, n, seed=5):
    rng = np.random.default_rng(seed)
    with pytest.MonkeyPatch.context() as patch:  # half the time, and no part in the state
        patch.setattr(stats, "seeds_that_decide", lambda *_, **__: None)
        return np.array([decide(criterion, draw(rng)).state for _ in range(n)])


@cache
def at_the_edge(name):
    """What becomes of data on the edge of the region: as many states as simulations."""
    if name in MORE:
        return states(*MORE[name], SIMULATIONS)
    few = name == "identity"  # no sampling error
    return states({"kind": name} | CASES[name][0], CASES[name][2], 100 if few else SIMULATIONS)


def line_of(tau, k):
    """Noise on the line 0, 1 ... k - 1 at which Kendall's tau is `tau` on average."""
    i, j = np.triu_indices(k, 1)

    def excess(log):
        return (2 * reference.norm.cdf((j - i) / np.exp(log) / np.sqrt(2)) - 1).mean() - tau

    return float(np.exp(brentq(excess, -6, 6)))


def test_every_kind_is_simulated():
    assert set(CASES) == set(KINDS)


@pytest.mark.parametrize("kind", CASES)
def test_true_data_pass_and_false_data_fail(kind):
    criterion = {"kind": kind} | CASES[kind][0]
    assert np.mean(states(criterion, CASES[kind][1], 200) == "pass") >= 0.95
    wrong = states(criterion, CASES[kind][3], 200)
    assert not (wrong == "pass").any()
    assert np.mean(wrong == "fail") >= 0.95


@pytest.mark.parametrize("kind", sorted(set(CASES) - {"rate"}))  # rate: summed exactly below
def test_false_passes_at_the_edge(kind):
    assert np.mean(at_the_edge(kind) == "pass") <= ALPHA + 0.01


@pytest.mark.parametrize("name", MORE)
def test_false_passes_at_the_edge_of_other_forms(name):
    assert np.mean(at_the_edge(name) == "pass") <= ALPHA + 0.01


@pytest.mark.parametrize("name", sorted({*CASES, *MORE} - {"identity", "rate"}))
def test_false_fails_at_the_edge(name):
    """True on the edge of the region is wrongly failed as seldom. Just outside: identity."""
    assert np.mean(at_the_edge(name) == "fail") <= ALPHA + 0.01


def test_an_ordering_without_any_step_seldom_fails():
    """Every step on its edge at once: each is failed at alpha / (k - 1)."""
    found = states({"kind": "ordering"}, lambda g: steps(g, (0, 0, 0), 0.5), SIMULATIONS)
    assert np.mean(found == "fail") <= ALPHA + 0.01
    assert np.mean(found == "pass") <= ALPHA + 0.01


@pytest.mark.parametrize("edge", [1.5, 2.5])
def test_both_edges_of_equals_at_ten_seeds_and_a_stricter_alpha(edge):
    criterion = {"kind": "equals", "value": 2.0, "tol": 0.5, "alpha": 0.02}
    found = states(criterion, lambda g: edge + 0.2 * g.normal(size=10), 2000)
    assert np.mean(found == "pass") <= 0.03
    assert np.mean(found == "fail") <= 0.03


@pytest.mark.parametrize(
    ("k", "tau", "n"),
    [(5, 0.7, 8), (6, 0.95, 5), (8, 0.9, 5), (10, 0.98, 5)],
)
def test_false_passes_of_a_trend_with_the_mean_tau_at_its_bound(k, tau, n):
    """Near 1 tau counts a few rare swaps: seeds without any are no proof of a tau that high."""
    noise, x = line_of(tau, k), np.arange(k)
    criterion = {"kind": "trend", "sign": "+", "tau_min": tau, "min_effect": -99.0}
    found = states(criterion, lambda g: x + noise * g.normal(size=(n, k)), SIMULATIONS)
    assert np.mean(found == "pass") <= ALPHA + 0.01


@pytest.mark.parametrize("peak", [0.605, 0.62])
def test_a_peak_between_two_grid_points_is_known_to_half_a_step(peak):
    """All seeds round the place of the peak alike: the mean over seeds does not remove it."""
    outside = {"kind": "location", "find": "argmax", "lo": 0.3, "hi": peak - 0.002}
    found = states(outside, lambda g: curve(g, peak, 0.003), 200)
    assert np.mean(found == "pass") <= ALPHA + 0.01
    grid = {"kind": "location", "find": "argmax", "lo": peak - 0.001, "hi": 0.9}
    found = states(grid, lambda g: curve(g, peak, 0.0005), 200)  # truly inside
    assert np.mean(found == "fail") <= ALPHA + 0.01


@pytest.mark.parametrize("n", [10, 29, 40])
def test_a_rate_errs_at_most_alpha(n):
    """Exactly, by summing the binomial over every number of successes; and as scipy's test."""
    k = np.arange(n + 1)
    outcomes = [(np.arange(n) < i) * 1.0 for i in k]
    for p in (0.5, 0.7, 0.9):
        for criterion, truth in (({"at_least": p}, p), ({"at_most": 1 - p}, 1 - p)):
            found = np.array([decide({"kind": "rate"} | criterion, o).state for o in outcomes])
            mass = reference.binom.pmf(k, n, truth)
            assert mass[found == "pass"].sum() <= ALPHA + 1e-9
            assert mass[found == "fail"].sum() <= ALPHA + 1e-9
            side = "greater" if "at_least" in criterion else "less"
            tests = [reference.binomtest(int(i), n, truth, side).pvalue <= ALPHA for i in k]
            np.testing.assert_array_equal(found == "pass", tests)
