"""Truths of the experiment: closed forms, exact resolvents, bounds, invariances, expectations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import extragradient, halpern, measure, operators, resolvent, summary

DIM, SIDE, COUNT, STEPS = 6, 3, 64, 400


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def regression(noise=0.5):
    r = np.random.default_rng(0)
    rows, solution = r.normal(size=(100, DIM)), r.normal(size=DIM)
    p = operators.regression(rows, noise * r.normal(size=100), solution, COUNT)
    return jax.tree.map(jnp.asarray, p)


def game(strong=0.0):
    r = np.random.default_rng(0)
    matrices, offsets = r.normal(size=(100, SIDE, SIDE)), r.normal(size=(100, 2 * SIDE))
    p = operators.game(matrices, offsets, COUNT, spread=0.7, strong=strong)
    return jax.tree.map(jnp.asarray, p)


def whole(f):
    """All components.  u [D] -> [n, D]"""
    return lambda u: f.components(jnp.arange(COUNT), u)


@jax.jit
def descend(p, method):
    """400 steps on a regression.  -> u_k, F~_k [400, D], what is seen"""
    numbers = jnp.asarray(np.random.default_rng(0).uniform(size=(STEPS, 11)))
    f, u0 = operators.of_regression(p), jnp.ones(DIM)

    def record(state, _):
        state = halpern.step(f, method, numbers, u0, state)
        return state, (state.before, state.estimate, halpern.look(state))

    return jax.lax.scan(record, halpern.start(np.ones(DIM)), length=STEPS)[1]


@pytest.mark.parametrize("problem", ["regression", "game"])
def test_the_mean_is_that_of_the_components_which_disagree_at_the_solution(problem):
    if problem == "regression":
        f, solution = operators.of_regression(regression()), regression().solution
    else:
        f, solution = operators.of_game(game(strong=0.2)), np.zeros(2 * SIDE)
    u, v = np.random.default_rng(1).normal(size=(2, len(solution)))
    of = whole(f)
    np.testing.assert_allclose(of(u).mean(0), f.mean(u), atol=1e-12)
    np.testing.assert_allclose(f.changes(jnp.arange(COUNT), u, v), of(u) - of(v), atol=1e-12)
    np.testing.assert_allclose(f.mean(solution), 0, atol=1e-12)
    assert np.linalg.norm(of(solution), axis=1).mean() > 0.1


def test_constants_of_the_components_on_average():
    """Least squares: cocoercive with 1/L = 1, an equality; games: L is attained, L_F is of F."""
    f, u = operators.of_regression(regression()), np.random.default_rng(2).normal(size=(2, DIM))
    change = whole(f)(u[0]) - whole(f)(u[1])
    inner = (f.mean(u[0]) - f.mean(u[1])) @ (u[0] - u[1])
    assert (change**2).sum(1).mean() == pytest.approx(inner, rel=1e-12)

    p = game(strong=0.3)
    f, basis = operators.of_game(p), np.eye(2 * SIDE)
    each = np.stack([whole(f)(e) - whole(f)(0 * e) for e in basis], -1)
    square = np.linalg.norm(np.einsum("nij,nik->jk", each, each) / COUNT, 2)
    assert p.lipschitz == pytest.approx(np.sqrt(square), rel=1e-10)
    assert p.own == pytest.approx(np.linalg.norm(each.mean(0), 2), rel=1e-10)


def test_exact_halpern_is_its_closed_form_and_keeps_the_bound():
    """(k+2)(k+3) e_k = 6 q^k e_0 + sum_j 2 (j+3) q^(k-1-j) e_0, q = 1 - eta h, on every axis."""
    p, eta = regression(), 0.7
    place, _, seen = descend(p, halpern.Method(eta, True, True))
    h, axes = np.linalg.eigh(p.gram)
    start = np.ones(DIM) - p.solution
    for k in (0, 1, 7, 399):
        j = np.arange(k)[:, None]
        sums = 6 * (1 - eta * h) ** k + (2 * (j + 3) * (1 - eta * h) ** (k - 1 - j)).sum(0)
        error = axes @ (sums / ((k + 2) * (k + 3)) * (axes.T @ start))
        np.testing.assert_allclose(place[k] - p.solution, error, atol=1e-12)
    bound = 2 * np.linalg.norm(start) / (eta * (np.arange(STEPS) + 3))
    assert (seen.residual[1:] <= bound[1:]).all()
    np.testing.assert_array_equal(seen.spent, COUNT * np.arange(1, STEPS + 1))


def test_the_recursion_is_a_telescope_between_full_passes():
    """F~ - F is 0 at full passes and, of components that are all equal, at every step."""
    p, method = regression(), halpern.Method(1.0, False, True)
    _, _, seen = descend(p, method)
    full = np.diff(seen.spent, prepend=0) == COUNT
    assert full[0]
    assert (seen.error[full] == 0).all()
    assert (seen.error[~full] > 0).all()
    assert (np.diff(seen.spent)[~full[1:]] == 16).all()
    assert seen.spent[-1] == pytest.approx(measure.evaluations(COUNT, STEPS - 1), rel=0.1)

    same = p._replace(rows=jnp.ones((100, 1)) * p.rows[0], gram=jnp.outer(p.rows[0], p.rows[0]))
    _, _, seen = descend(same, method)
    np.testing.assert_allclose(seen.error, 0, atol=1e-12)


def test_only_mini_batches_see_the_noise():
    """The recursion's differences do not hold b_i; fresh batches do, and stall."""
    quiet, loud = regression(noise=0.0), regression(noise=5.0)
    recursive, fresh = halpern.Method(1.0, False, True), halpern.Method(1.0, False, False)
    ours = [descend(p, recursive)[2].residual for p in (quiet, loud)]
    np.testing.assert_allclose(*ours, rtol=1e-6)
    theirs = [descend(p, fresh)[2].residual[-1] for p in (quiet, loud)]
    assert theirs[1] > 5 * theirs[0]


def test_the_inner_solver_finds_the_exact_resolvent():
    p = game()
    f, centre, eta = operators.of_game(p), np.arange(1.0, 2 * SIDE + 1), 4 / p.lipschitz
    swap = np.block([[np.zeros((SIDE, SIDE)), p.average], [-p.average.T, np.zeros((SIDE, SIDE))]])
    exact = np.linalg.solve(np.eye(2 * SIDE) + eta * swap, centre)
    solve = jax.jit(lambda count: resolvent.solve(f, jax.random.key(0), centre, eta, count))
    off = [np.linalg.norm(solve(count)[0] - exact) for count in (0, 4, 8, 40)]
    assert off[0] > 20 * off[1] > 100 * off[2]
    assert off[3] < 1e-9
    v, spent = solve(40)
    assert spent == pytest.approx(COUNT + 40 * resolvent.BLOCK * 4, rel=0.1)
    np.testing.assert_allclose((centre - v) / eta, f.mean(v), atol=1e-9)


def test_algorithm_2_keeps_halperns_bound_with_its_resolvents():
    """|F(v_k)| <= 4 L |u_0 - u*| / (sqrt n (k + 1)), and the anchor holds u_{k+1} away from v_k."""
    p, counts = game(), np.full(30, 8)
    f, u0 = operators.of_game(p), np.ones(2 * SIDE)
    run = jax.jit(lambda: resolvent.outer(f, jax.random.key(1), u0, resolvent.start(u0), counts))
    state, seen = run()
    bound = 4 * p.lipschitz * np.linalg.norm(u0) / (np.sqrt(COUNT) * np.arange(1, 31))
    assert (seen.residual <= 1.1 * bound).all()
    np.testing.assert_allclose(state.u, u0 / 31 + state.v * 30 / 31, rtol=1e-12)


def test_anchored_extragradient_keeps_its_bound_and_forward_steps_grow():
    """|F(u_k)| <= 2 |u_0 - u*| / (size k); one forward step turns by 1 - i eta h and grows."""
    p = game()
    f, u0 = operators.of_game(p), np.ones(2 * SIDE)
    for size in (1 / p.own, 0.25 / p.lipschitz):
        u = u0
        for k in range(100):
            u = extragradient.anchored(f, size, u0, k, u)
            assert np.linalg.norm(f.mean(u)) <= 2 * np.linalg.norm(u0) / (size * (k + 1)) + 1e-12
    h, turn = np.linalg.svd(p.average)[1:]
    y = np.concatenate([np.zeros(SIDE), turn[0]])
    assert np.linalg.norm(y - 0.5 * f.mean(y)) == pytest.approx(np.sqrt(1 + 0.25 * h[0] ** 2))


def test_what_is_never_reached_is_charged():
    residual = np.array([[[3.0, 2.0, 0.5, 0.2], [3.0, 2.0, 2.0, 2.0]]])
    spent = np.array([[[5, 6, 7, 8], [1, 2, 3, 4]]])
    steps, paid = summary.reached(residual, spent, 0.5, np.array([40, 50]))
    np.testing.assert_array_equal(steps, [[2, 4]])
    np.testing.assert_array_equal(paid, [[7, 50]])
    np.testing.assert_allclose(summary.leaving(residual, residual[:, ::-1], 0.5), [[0.2, 2.0]])
    rms = summary.between(residual, np.array([0, 2]))
    np.testing.assert_allclose(rms[0, 0], [3, np.sqrt((4 + 0.25) / 2)])
