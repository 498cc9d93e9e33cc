"""Truths of the experiment: closed forms, expansions, the algebra of the dynamics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from . import config, descent, dynamics, problems


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def test_distance_from_the_manifold_falls_exactly_and_not_without_the_hessian():
    """phi' = -gamma phi for any f, here x + 3 tanh x; else phi follows c f''(x) z."""
    for hessian, law in ((True, True), (False, False)):
        terms = dynamics.immersion(1.3, 4.0, hessian=hessian)
        start = (jnp.array([2.0]), jnp.array([3.0]))
        states = dynamics.course(dynamics.field(problems.bend, terms), start, kept=11, steps=100)
        off = dynamics.off_manifold(problems.bend, 1.3, states)
        exact = off[0] * np.exp(-4.0 * np.linspace(0, 1, 11))
        assert np.allclose(off, exact, rtol=1e-6) == law


def test_courses_are_those_of_an_adaptive_solver():
    """Terms written out, f'' by hand."""
    a, b, p = terms = dynamics.Terms(0.7, 0.4, 1.9)
    curve = lambda x: 1 + 3 / np.cosh(x) ** 2  # noqa: E731
    pull = lambda x: x + 3 * np.tanh(x)  # noqa: E731
    exact = solve_ivp(
        lambda _, s: [s[1], -a * s[1] - b * curve(s[0]) * s[1] - p * pull(s[0])],
        (0, 1), [2.0, -1.0], rtol=1e-11, atol=1e-12,
    )  # fmt: skip
    start = (jnp.array(2.0), jnp.array(-1.0))
    found = dynamics.course(dynamics.field(problems.bend, terms), start, kept=2, steps=200)
    np.testing.assert_allclose([x[-1] for x in found], exact.y[:, -1], rtol=1e-8)


def test_modes_are_the_exponential_of_the_system():
    """And the polynomial l^2 + (gamma + c h) l + c gamma h has the roots -gamma, -c h."""
    c, gamma, h, times = 0.3, 2.0, np.array([1.0, 9.0]), np.array([0.0, 0.4, 1.0])
    found = dynamics.modes(h, c, gamma, np.array([1.0, 2.0]), np.array([-1.0, 5.0]), times)
    for i, (x0, z0) in enumerate(((1.0, -1.0), (2.0, 5.0))):
        matrix = np.array([[0, 1], [-c * gamma * h[i], -gamma - c * h[i]]])
        exact = [(expm(t * matrix) @ [x0, z0])[0] for t in times]
        np.testing.assert_allclose(found[:, i], exact, atol=1e-12)
        roots = np.linalg.eigvals(matrix)
        np.testing.assert_allclose(sorted(roots), sorted([-gamma, -c * h[i]]), rtol=1e-12)


def test_the_immersion_is_nesterovs_dynamics_at_kappa_1_alone():
    """pull / (damping x Hessian) is 1 of the immersion, in any clock; of Nesterov's it is
    (1 + q) / 2q with q = sqrt(m s)."""
    for s in (1.0, 0.25, 0.01):
        a, b, p = dynamics.high_resolution(s, 1.0)
        q = np.sqrt(s)
        assert float(p / (a * b)) == pytest.approx((1 + q) / (2 * q))
        for clock in (1.0, 3.0):  # t = clock u: terms times clock, 1 / clock ... and clock^2
            own = dynamics.immersion(b, a)
            faster = dynamics.Terms(clock * own.damping, clock * own.hessian, clock**2 * own.pull)
            assert float(faster.pull / (faster.damping * faster.hessian)) == pytest.approx(1.0)


def test_tracking_is_the_distance_from_the_exponential_on_a_quadratic():
    """By hand: x_(k+1) = (1+b) z x_k - b z x_(k-1), z = 1 - s h, beside exp of the system."""
    h, s, m, until = 9.0, 0.01, 1.0, 2.0
    q, z = 0.1, 1 - s * h
    b = (1 - q) / (1 + q)
    matrix = np.array([[0, 1], [-(1 + q) * h, -2 - q * h]])
    state, now, before, worst = np.array([1.0, -q / 2 * h]), 1.0, 1.0, 0.0
    for _ in range(20):
        now, before = z * ((1 + b) * now - b * before), now
        state = expm(q * matrix) @ state
        worst = max(worst, abs(now - state[0]))
    pair = dynamics.Compared(1.0, 1.0, 1.0)
    found = dynamics.tracking(
        lambda x: h * x, jnp.ones(1), s, pair, m, count=35, until=until + 1e-9, substeps=40
    )
    assert float(found) == pytest.approx(worst, rel=1e-6)


def test_random_functions_are_of_the_class_and_the_same_in_other_units():
    """Slopes between m and L, f'(e^T x) = e^T f'(x), either side of 0."""
    rng = np.random.default_rng(0)
    f, x0 = problems.selfsimilar(jnp.asarray(rng.random((7, 500))), 3.0, 25.0, 1.0)
    for side, sign in ((1, 1.0), (0, -1.0)):
        x = sign * x0 * rng.random(500)
        up = x * np.exp(f.period[side])
        slope = problems.slope_of(f, x)
        np.testing.assert_allclose(problems.slope_of(f, up), slope * up / x, rtol=1e-9)
        for step in (1e-3, 0.5, 3.0):
            chord = (problems.slope_of(f, x * (1 + step)) - slope) / (x * step)
            assert chord.min() > 1 - 1e-6
            assert chord.max() < 25 + 1e-6
    np.testing.assert_array_equal(problems.slope_of(f, jnp.zeros(500)), 0)


def test_a_regression_has_its_moduli_and_its_minimum():
    normals = np.random.default_rng(1).standard_normal((2, problems.numbers(60, 5)))
    data = problems.regressions(normals, 60, 5, 25.0, 1.0)
    one = jax.tree.map(lambda a: jnp.asarray(a[1]), data)
    w = jnp.arange(5.0) / 9
    for linear, largest in ((1, 25.0), (0, None)):
        hessian = jax.jacfwd(lambda w, linear=linear: problems.slope(one, linear, w))(w)
        values = np.linalg.eigvalsh(hessian)
        assert values[0] >= 1 - 1e-12
        assert values[-1] <= 25 + 1e-9
        assert largest is None or values[-1] == pytest.approx(largest)
    curvature, turn, least = problems.quadratic(one)
    np.testing.assert_allclose(problems.slope(one, 1, least), 0, atol=1e-12)
    np.testing.assert_allclose((turn * curvature) @ turn.T @ (w - least),
                               problems.slope(one, 1, w), atol=1e-12)  # fmt: skip


def test_the_tridiagonal_has_its_solution_and_its_values():
    d = 7
    t = 2 * np.eye(d) - np.eye(d, k=1) - np.eye(d, k=-1)
    x = np.random.default_rng(2).standard_normal(d)
    np.testing.assert_allclose(problems.tridiagonal(jnp.asarray(x)), t @ x - np.eye(d)[0])
    end = np.linalg.solve(t, np.eye(d)[0])
    np.testing.assert_allclose(problems.solution(d), end)
    value = lambda x: x @ t @ x / 2 - x[0]  # noqa: E731
    assert float(problems.above(jnp.asarray(x))) == pytest.approx(value(x) - value(end))


def test_rates_are_those_of_powers_that_oscillate():
    k = np.arange(61)[:, None]
    sizes = jnp.asarray(np.abs(np.array([0.9, 0.5]) ** k * np.cos(np.array([0.7, 2.0]) * k)))
    np.testing.assert_allclose(descent.rates(sizes, 10, 50), [0.9, 0.5], rtol=0.02)
    np.testing.assert_array_equal(descent.rates(jnp.zeros((61, 1)), 10, 50), 0)


def test_steps_of_gradient_descent_and_of_one_mode_are_logarithms():
    """(1 - m/L)^k; e^(-k step rate) of the slow mode of an immersion from rest."""
    found = descent.steps_to(descent.plain(50.0), jnp.array([1.0, 50.0]), jnp.ones(2), 1e-4)
    first = 1 / np.sqrt(2)  # |x_k| / |x_0| of what is left after a step
    assert int(found) == int(np.ceil(np.log(1e-4 / first) / np.log(1 - 1 / 50)))
    terms = dynamics.immersion(0.1, 30.0)
    steps = dynamics.steps_of(jnp.array([1.0, 100.0]), terms, jnp.array([1.0, 0.0]), 1e-2)
    slow, fast, at = 0.1, 30.0, 2 / 30
    whole = lambda t: (fast * np.exp(-slow * t) - slow * np.exp(-fast * t)) / (fast - slow)  # noqa: E731
    assert whole(at * int(steps)) <= 1e-2 * (1 + 1e-6)
    assert whole(at * (int(steps) - 1)) > 1e-2 * (1 - 1e-6)


def test_presets_have_the_numbers_of_the_counterexample():
    cfg = config.get_config("paper")
    assert (cfg.L, cfg.m) == (25.0, 1.0)
    x = np.linspace(-3, 5, 8001)
    slopes = np.diff(problems.kinked(jnp.asarray(x))) / np.diff(x)
    assert (slopes.min(), slopes.max()) == pytest.approx((cfg.m, cfg.L))
