"""Sinkhorn and Newton beside each other, the linear programme, derivatives by JAX, and counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.ot import exact, newton, sinkhorn

RNG = np.random.default_rng(0)
COST = RNG.random((30, 20))
R = RNG.random(30) + 0.5
R, C = R / R.sum(), np.full(20, 1 / 20)
ETA = 50.0


@pytest.fixture(autouse=True)
def wide():
    with jax.enable_x64(True):
        yield


def test_forms_and_newton_meet_in_one_plan():
    """A contraction and a second-order method, started apart, stop at the same optimum."""
    plans = []
    for absorb in (1, 50):
        s = sinkhorn.sinkhorn(COST, R, C, ETA, tol=1e-13, absorb=absorb)
        plans.append(sinkhorn.plan(COST, ETA, s.x, s.y))
    begun = sinkhorn.sinkhorn(COST, R, C, ETA, sweeps=5)
    for direction in (newton.direct, newton.sparse(300)):
        s = newton.newton(COST, R, C, ETA, (begun.x, begun.y), direction, tol=1e-13)
        plans.append(sinkhorn.plan(COST, ETA, s.x, s.y))
    for p in plans:
        assert sinkhorn.marginal_error(p, R, C) < 1e-12
        np.testing.assert_allclose(p, plans[0], rtol=1e-9, atol=1e-15)


def test_absorbed_sweeps_count_and_err_as_those_in_logs():
    logs, scaled = (
        sinkhorn.sinkhorn(COST, R, C, ETA, tol=1e-10, sweeps=5000, absorb=n) for n in (1, 37)
    )
    assert int(logs.steps) == int(scaled.steps) > 50
    n = int(logs.steps)
    np.testing.assert_allclose(scaled.errors[:n], logs.errors[:n], rtol=1e-3, atol=1e-13)
    assert (np.asarray(logs.errors[n:]) == float(logs.error)).all()


def test_scales_beyond_the_range_are_dropped():
    """In float32 with one far source: its entries are below every number until sweeps move them."""
    cost = np.array([[0.0, 400], [0, 0]], np.float32)
    found = sinkhorn.sinkhorn(cost, np.ones(2, np.float32), np.ones(2, np.float32), 1.0, sweeps=500)
    p = sinkhorn.plan(cost, np.float32(1), found.x, found.y)
    np.testing.assert_allclose(p[0], [1, 0], atol=1e-2)  # it converges as 1 / sweeps
    assert np.isfinite(found.error)


def test_a_start_continues():
    one = sinkhorn.sinkhorn(COST, R, C, ETA, tol=0, sweeps=30)
    told = jax.jit(lambda n: sinkhorn.sinkhorn(COST, R, C, ETA, tol=0, sweeps=n, history=False))
    half = told(15)
    assert half.errors.size == 0
    two = sinkhorn.sinkhorn(COST, R, C, ETA, tol=0, sweeps=15, start=half.y)
    np.testing.assert_allclose(two.x, one.x, rtol=1e-10, atol=1e-12)


def test_gradient_and_hessian_are_those_of_the_potential():
    x, y = RNG.normal(size=30) / 50, RNG.normal(size=20) / 50
    f = lambda x, y: sinkhorn.potential(COST, R, C, ETA, x, y)  # noqa: E731
    p = sinkhorn.plan(COST, ETA, x, y)
    slopes = jax.grad(f, (0, 1))(x, y)
    for got, want in zip(sinkhorn.gradient(p, R, C), slopes, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-14)
    u, v = RNG.normal(size=30), RNG.normal(size=20)
    want = jax.jvp(jax.grad(f, (0, 1)), (x, y), (u, v))[1]
    for got, of in zip(sinkhorn.hessian_product(p, ETA, u, v), want, strict=True):
        np.testing.assert_allclose(got, of, rtol=1e-10, atol=1e-14)
    free = sinkhorn.hessian_product(p, ETA, np.ones(30), -np.ones(20))
    np.testing.assert_allclose(jnp.concatenate(free), 0, atol=1e-12)


def test_the_maximum_is_the_entropic_cost_and_near_the_exact_one():
    """f = <C, P> + sum P log P / eta; the exact cost lies below by log(n m) / eta at most."""
    s = sinkhorn.sinkhorn(COST, R, C, 1000.0, tol=1e-12, sweeps=20_000)
    p = np.asarray(sinkhorn.plan(COST, 1000.0, s.x, s.y))
    entropy = np.sum(p * np.log(np.maximum(p, 1e-300)))
    value = sinkhorn.potential(COST, R, C, 1000.0, s.x, s.y)
    np.testing.assert_allclose(value, (p * COST).sum() + entropy / 1000, rtol=1e-9)
    vertex = exact.transport(COST, R, C)
    assert vertex.value <= (p * COST).sum() <= vertex.value + np.log(600) / 1000
    np.testing.assert_allclose(vertex.plan.sum(1), R, atol=1e-12)
    assert (vertex.x[:, None] + vertex.y <= COST + 1e-9).all()
    np.testing.assert_allclose(vertex.x @ R + vertex.y @ C, vertex.value, rtol=1e-9)


def test_a_programme_of_equal_masses_is_an_assignment():
    cost = COST[:20]
    best, plan = exact.assignment(cost), exact.transport(cost, np.ones(20), np.ones(20))
    np.testing.assert_allclose(plan.value, best.total, rtol=1e-9)
    np.testing.assert_array_equal(plan.plan.argmax(1), best.columns)


def test_newton_converges_quadratically_and_tells_what_it_took():
    begun = sinkhorn.sinkhorn(COST, R, C, ETA, sweeps=5)
    s = newton.newton(COST, R, C, ETA, (begun.x, begun.y), newton.direct, tol=1e-13)
    e = np.asarray(s.errors)[: int(s.steps) + 1]
    late = e[(e < 1e-2) & (e > 1e-12)]
    assert len(late) >= 2
    assert (late[1:] < 100 * late[:-1] ** 2).all()
    assert np.asarray(s.lengths)[int(s.steps) - 1] == 1
    few = newton.newton(COST, R, C, ETA, (begun.x, begun.y), newton.sparse(60), tol=1e-13)
    assert int(few.steps) > int(s.steps)
    assert np.asarray(few.products)[: int(few.steps)].min() > 0


def test_a_far_start_needs_shorter_steps():
    s = newton.newton(COST, R, C, ETA, (np.zeros(30), np.zeros(20)), newton.direct)
    assert s.error < 1e-9
    assert np.asarray(s.lengths)[: int(s.steps)].min() < 1


def test_many_problems_at_once_are_those_problems():
    costs = RNG.random((3, 30, 20))

    def whole(cost):
        s = sinkhorn.sinkhorn(cost, R, C, ETA, sweeps=5, absorb=3)
        return newton.newton(cost, R, C, ETA, (s.x, s.y), newton.sparse(100))

    many = jax.jit(jax.vmap(whole))(costs)
    for i, cost in enumerate(costs):
        one = jax.jit(whole)(cost)
        assert int(one.steps) == int(many.steps[i])
        np.testing.assert_allclose(many.x[i], one.x, rtol=1e-8, atol=1e-10)


def test_equal_entries_are_kept_all_or_none():
    p = jnp.array([[3.0, 1, 1], [1, 2, 0]])
    kept = lambda k: sorted(np.asarray(newton.largest(p, k).values).tolist(), reverse=True)  # noqa: E731
    assert kept(2) == [3, 2]
    assert kept(4) == [3, 2, 0, 0]
    assert kept(5) == [3, 2, 1, 1, 1]
    assert kept(6) == [3, 2, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: sinkhorn.sinkhorn(COST, R, 2 * C, ETA), "r and c"),
        (lambda: sinkhorn.sinkhorn(COST, R, C, 0.0), "eta"),
        (lambda: sinkhorn.sinkhorn(COST, R - 1, C - 1.5, ETA), "r must"),
        (lambda: sinkhorn.sinkhorn(COST, R, C, ETA, sweeps=0), "sweeps"),
        (lambda: sinkhorn.sinkhorn(COST, R, C, ETA, start=R), "start"),
        (lambda: newton.newton(COST, R, C, ETA, (C, R), newton.direct), "start's x"),
        (lambda: newton.sparse(0), "kept"),
        (lambda: exact.transport(COST, R, -C), "c must"),
        (lambda: exact.assignment(COST), "cost"),
    ],
)
def test_refusals(call, named):
    with pytest.raises(ValueError, match=named):
        call()
