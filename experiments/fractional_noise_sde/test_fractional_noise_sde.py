"""Truths: integrals done otherwise, Gaussian conditioning, known laws and limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma

from . import bridge, control, laws, markov, measure

RATES = markov.rates(5, 20.0)


def test_errors_of_the_best_weights_are_the_known_ones():
    """Relative errors at K = 3 and 5, from a computation of its own."""
    known = {0.1: (0.240, 0.229), 0.3: (8.45e-3, 7.76e-3), 0.7: (1.49e-4, 1.34e-4)}
    for hurst, expected in known.items():
        for count, value in zip((3, 5), expected, strict=True):
            g = markov.rates(count, 20.0)
            found = markov.error(g, markov.optimal(g, hurst, 1.0), hurst, 1.0)
            assert found == pytest.approx(value, rel=0.01)


@pytest.mark.parametrize("hurst", [0.2, 0.7])
def test_system_is_the_integrals(hurst):
    """A, b, c of one rate from their definitions, by adaptive quadrature."""
    g, end = 3.0, 1.3
    gram, cross, total = markov.system(np.array([g]), hurst, end)
    fall = lambda s: (end - s) * np.exp(-g * s)  # noqa: E731
    assert gram[0, 0] == pytest.approx(quad(lambda s: fall(s) * np.exp(-g * s), 0, end)[0])
    power = (hurst - 0.5, 0.0)
    expected = quad(fall, 0, end, weight="alg", wvar=power)[0] / gamma(hurst + 0.5)
    assert cross[0] == pytest.approx(expected)
    square = quad(lambda s: end - s, 0, end, weight="alg", wvar=(2 * hurst - 1, 0.0))[0]
    assert total == pytest.approx(square / gamma(hurst + 0.5) ** 2)


@pytest.mark.parametrize("hurst", [0.1, 0.5, 0.9])
def test_two_sided_errors_are_the_integrals(hurst):
    """A, b and c by quadrature over the past and the time; also where e^(g T) overflows."""
    w = np.array([0.3, -1.0, 2.0])
    for g in (markov.rates(3, 5.0), np.array([1.0, 30.0, 800.0])):
        gram, cross, total = markov.system(g, hurst, 1.4, 2)
        found = (w @ gram @ w - 2 * cross @ w + total) / total
        assert found == pytest.approx(markov.error_two_sided(g, w, hurst, 1.4), rel=1e-7)


def test_brownian_motion_is_in_both_limits():
    """H = 1/2: covariance min(s, t), variance t two-sided, kernel 1 (a rate 0 of weight 1)."""
    t = np.array([0.2, 0.7, 1.0])
    np.testing.assert_allclose(laws.fractional(t, 0.5), np.minimum.outer(t, t), rtol=1e-12)
    assert markov.variance(0.5, 2) == pytest.approx(1.0)
    assert markov.error(np.array([0.0]), np.array([1.0]), 0.5, 1.0) < 1e-20
    near = markov.system(RATES, 0.5 + 1e-9, 1.0, 2)
    for one, other in zip(markov.system(RATES, 0.5, 1.0, 2), near, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_covariances_are_integrals_of_kernels():
    t, hurst = np.array([0.4, 1.1]), 0.7
    w = markov.optimal(RATES, hurst, 1.1)
    own = lambda s: w @ np.exp(-RATES * s)  # noqa: E731
    exact = lambda s: markov.kernel(s, hurst)  # noqa: E731
    sums = laws.approximate(t, RATES, w), laws.fractional(t, hurst)
    for kernel, matrix in zip((own, exact), sums, strict=True):
        expected = quad(lambda s, k=kernel: k(s) * k(s + t[1] - t[0]), 0, t[0])[0]
        assert matrix[0, 1] == pytest.approx(expected, rel=1e-6)
        assert matrix[1, 0] == pytest.approx(expected, rel=1e-6)


def test_paths_have_the_covariance_that_is_stated():
    """Of shared noise that of `approximate`, of own noises only the diagonal terms: exactly, by
    unit kicks in place of random ones."""
    t, w = np.linspace(0, 1, 5)[1:], markov.optimal(RATES, 0.3, 1.0)
    unit = np.eye(4 * 5).reshape(20, 4, 5)
    x = laws.paths(unit, t, RATES, w)
    np.testing.assert_allclose(x.T @ x, laws.approximate(t, RATES, w), atol=1e-10)
    x = laws.paths(unit, t, RATES, w, shared=False)
    each = [laws.approximate(t, RATES[[k]], w[[k]]) for k in range(5)]
    np.testing.assert_allclose(x.T @ x, np.sum(each, axis=0), atol=1e-10)


def test_the_chain_is_conditioned_as_a_gaussian():
    """Evidence by the dense covariance of a short chain; its bound by covariances."""
    w = np.stack([markov.optimal(RATES, h, 2.0) for h in (0.3, 0.7)])
    c = bridge.chain(RATES, w, np.array([0.0, 2.0]), 2 / 40)
    best = bridge.closed(c, 40, 0.1)
    for m in range(2):
        p = np.zeros((6, 6))
        for _ in range(40):
            p = c.f[m] @ p @ c.f[m].T + c.dt * np.outer(c.g[m], c.g[m])
        dense = 0.5 * np.log(2 * np.pi * (p[0, 0] + 0.01))
        assert best.evidence[m] == pytest.approx(dense, rel=1e-12)
    np.testing.assert_allclose(bridge.moments(c, best.gains, 0.1)[1], best.bound, rtol=1e-10)
    for change in (0.99, 1.01):  # it is the best
        assert (bridge.moments(c, change * best.gains, 0.1)[1] > best.bound).all()


@pytest.mark.parametrize("theta", [0.0, 1.0, 2.5])
def test_the_response_is_that_of_the_equation(theta):
    """X_T to a kick: small Euler steps of the chain; theta = 1 is one of the rates."""
    w = markov.optimal(RATES, 0.7, 2.0)
    c = bridge.chain(RATES, w[None], np.array([theta]), 1e-4)
    state = np.linalg.matrix_power(c.f[0], 5000) @ c.g[0]
    q, weight = bridge.exponentials(RATES, w, theta)
    assert weight @ np.exp(-q * 0.5) == pytest.approx(state[0], rel=5e-3)


def test_the_network_program_has_the_moments_of_the_chain():
    """With the best linear control in place of the network: -ELBO and variances of 5,000 paths."""
    w = markov.optimal(RATES, 0.7, 2.0)
    c = bridge.chain(RATES, w[None], np.zeros(1), 2 / 50)
    best = bridge.closed(c, 50, 0.1)
    gains = jnp.asarray(best.gains[:, 0], float)

    def u(t, x, y):
        row = gains[jnp.round(t / c.dt).astype(int)]
        return x * row[0] + y @ row[1:]

    how = {"rates": tuple(RATES), "batch": 5000, "steps": 50, "end": 2.0}
    x, spent = control.simulate(jax.random.key(0), u, jnp.asarray(w, float), 0.0, **how)
    variance, bound = bridge.moments(c, best.gains, 0.1)
    value = 0.5 * np.log(2 * np.pi * 0.01) + np.mean(x[-1] ** 2) / 0.02 + np.mean(spent)
    assert value == pytest.approx(bound[0], abs=0.1)
    np.testing.assert_allclose(np.var(x, axis=1)[1:], variance[1:, 0], rtol=0.1)


def test_the_likelihood_is_the_gaussian_one():
    """At its best scale; a scaled path has the same profile but for log of the scale."""
    t = np.linspace(0, 1, 6)[1:]
    matrix = laws.fractional(t, 0.3)
    x = np.random.default_rng(0).normal(size=(3, 5))
    scale = np.mean([v @ np.linalg.solve(matrix, v) for v in x]) / 5
    logdet = np.linalg.slogdet(2 * np.pi * scale * matrix)[1]
    dense = -0.5 * (logdet / 5 + 1)
    assert laws.profile(x, matrix[None])[0] == pytest.approx(dense)
    assert laws.profile(3 * x, matrix[None])[0] == pytest.approx(dense - np.log(3))


def test_the_peak_of_a_parabola_is_found_between_grid_points_and_at_ends():
    grid, peaks = np.linspace(0.1, 0.9, 41), np.array([0.333, 0.7123, 0.9])
    curves = -((grid - peaks[:, None]) ** 2)
    np.testing.assert_allclose(measure.likeliest(grid, curves), peaks, atol=1e-12)
    assert measure.likeliest(grid, -grid[None])[0] == 0.1
