"""Truths of the experiment: brute force, closed forms, limits."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.ot import exact, newton, sinkhorn

from . import measure, newton_steps, problems, sweeps

RNG = np.random.default_rng(0)
WAY = {"most": 5, "steps": 40, "entries": "largest", "diagonals": "full"}


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def cycles(n):
    for size in range(2, n + 1):
        for members in itertools.permutations(range(n), size):
            if members[0] == min(members):
                yield list(members)


def test_least_cycles_by_brute_force():
    cost = RNG.random((6, 6))
    w = problems.exchanges(cost, exact.assignment(cost).columns)
    weights = [(w[c, np.roll(c, -1)].sum(), len(c)) for c in cycles(6)]
    mean = min(weight / size for weight, size in weights)
    np.testing.assert_allclose(problems.least_mean_cycle(w), mean)
    np.testing.assert_allclose(problems.least_cycle(w), min(weight for weight, _ in weights))


def test_the_least_cycle_is_the_gap_of_the_second_best_assignment():
    cost = RNG.random((6, 6))
    totals = sorted(cost[range(6), list(p)].sum() for p in itertools.permutations(range(6)))
    _, _, vertex = problems.rates(cost[None])
    np.testing.assert_allclose(vertex[0], (totals[1] - totals[0]) / 6)


def test_a_pair_leaks_as_the_closed_form():
    """Two by two: the part a that leaves has a^2 / (1 - a)^2 = exp(-eta gap), a 2-cycle."""
    cost = np.array([[[0.1, 0.4], [0.3, 0.2]]])
    best, cycle, _ = problems.rates(cost)
    np.testing.assert_allclose(cycle, 0.2)
    half, eta = np.full(2, 0.5), 40.0
    s = newton_steps.solve(cost[0], half, half, eta, half, half, 0, 1e-14, **WAY)
    a = problems.off(problems.plan(cost[0], eta, np.asarray(s.x), np.asarray(s.y)), best[0])
    np.testing.assert_allclose(a / (1 - a), np.exp(-eta * 0.2), rtol=1e-9)


def swept(n, eta, count):
    cost, mass = RNG.random((n, n)), np.full(n, 1 / n)
    state = jax.tree.map(lambda leaf: leaf[0], sweeps.begin(1, n))
    strides = np.ones(count, int)
    return (cost, mass, mass, eta), sweeps.sweep(cost, mass, mass, eta, state, 1e-10, strides)


def test_sweeps_told_one_by_one_are_sinkhorn():
    problem, (state, (errors, share)) = swept(30, 20.0, 200)
    whole = sinkhorn.sinkhorn(*problem, tol=1e-10, sweeps=200)
    assert int(state.needed) == int(whole.steps) < 200
    np.testing.assert_allclose(errors[:50], whole.errors[:50], rtol=1e-6)
    p = sinkhorn.plan(problem[0], 20.0, whole.x, whole.y)
    np.testing.assert_allclose(share[-1], np.sort(np.ravel(p))[-60:].sum(), rtol=1e-6)


def test_all_entries_kept_are_dense_newton_and_random_ones_are_not():
    problem, (state, _) = swept(8, 100.0, 20)
    solve = lambda density, **how: newton_steps.solve(  # noqa: E731
        *problem, state.x, state.y, density, 1e-12, **(WAY | {"most": 8} | how)
    )
    dense, whole = solve(0), solve(8)
    assert int(dense.steps) == int(whole.steps)
    np.testing.assert_allclose(whole.errors, dense.errors, rtol=1e-3, atol=1e-10)
    assert solve(2, entries="random").error > 100 * solve(2).error


def test_sums_and_entries_of_a_plan():
    p = jnp.asarray(RNG.random((6, 6)))
    kept = newton_steps.chosen(p, 2, 4, "largest")
    want = np.sort(np.ravel(p))[-12:]
    got = np.asarray(kept.values)
    np.testing.assert_allclose(np.sort(got[got > 0]), want)
    s = np.zeros((6, 6))
    np.add.at(s, (np.asarray(kept.rows), np.asarray(kept.columns)), got)
    sums = newton_steps.sums_of(p, kept, "thresholded")
    np.testing.assert_allclose(sums, np.maximum(np.concatenate([s.sum(1), s.sum(0)]), s.sum() == 0))
    assert isinstance(kept, newton.Entries)


def test_digits_are_measures_and_costs_are_distances():
    images = RNG.integers(0, 255, (10, 28, 28)).astype(np.uint8)
    pairs = problems.masses(images, np.array([[0.05, 0.95]]), 2, 0.01)
    assert pairs.shape == (1, 2, 196)
    np.testing.assert_allclose(pairs.sum(-1), 1)
    first = images[0, :2, :2].sum() / images[0].sum()
    np.testing.assert_allclose(pairs[0, 0, 0], (first + 0.01 / 196) / 1.01)
    l1, l2 = problems.grid_cost(3, "l1"), problems.grid_cost(3, "l2")
    assert (l1[0, 8], l1[0, 1], l2[0, 8], l2[0, 1]) == (1, 0.25, 1, 0.125)


def test_a_missed_target_counts_as_sinkhorn():
    arrays = {"needed": np.array([5000, 5000]), "warm": 20, "target": 1e-9}
    arrays["sweep"] = np.array([1, 5000])
    arrays["error"] = np.array([[1e-2, 1e-5, 1e-10, 1e-10], [1e-2, 1e-5, 1e-6, 1e-6]])[:, None]
    arrays["error"] = np.repeat(arrays["error"], 5, axis=1)
    np.testing.assert_allclose(measure.speedup(arrays), [5000 / 22, 1])
