"""Truths of the experiment: closed forms, dense least squares, quadratures, planted arrays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from common.sde import interpolants as si

from . import bound, fits, learned, measure, mixtures, model, waves

TWO = mixtures.line((-3.0, 3.0), (0.25, 0.25))
THREE = mixtures.line((-6.0, 0.0, 6.0), (0.5, 0.33, 0.5))
BROWNIAN = si.linear(si.brownian())


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def scalar(start, end, shift, tilt, pull):
    """N(0, start) to N(2, end) in one dimension."""
    matrix = lambda v: jnp.array([[v]])  # noqa: E731
    vectors = jnp.array([2.0]), jnp.array([shift])
    return bound.Problem(matrix(start), matrix(end), *vectors, matrix(tilt), matrix(pull))


@pytest.mark.parametrize("epsilon", [0.05, 1.0, 5.0])
def test_moments_and_losses_are_quadratures_of_the_scalar_equations(epsilon):
    """N(0, 1) to N(2, 1/4): C = (1 - t/2)^2, b' = -1/(2 - t), db = 0.3 + 0.4 y, ds = 0.2 y / C."""

    def growth(t):  # integral of the model's slope from t to 1
        return -np.log(2 - t) + 0.4 * (1 - t) - 0.8 * epsilon * (4 - 2 / (1 - t / 2))

    model = jax.jit(bound.control)(scalar(1.0, 0.25, 0.3, 0.4, 0.2), epsilon)
    offset = quad(lambda t: 0.3 * np.exp(growth(t)), 0, 1)[0]
    added = quad(lambda t: 2 * epsilon * np.exp(2 * growth(t)), 0, 1)[0]
    np.testing.assert_allclose(model.offset[0], offset, rtol=1e-6)
    np.testing.assert_allclose(model.spread[0, 0], np.exp(2 * growth(0)) + added, rtol=1e-6)
    np.testing.assert_allclose(model.velocity, 0.5 * (0.09 + 0.16 * 7 / 12), rtol=1e-8)
    np.testing.assert_allclose(model.score, 0.5 * 0.04 * 2, rtol=1e-8)
    both = lambda t: 0.09 + (0.4 * (1 - t / 2) + 0.2 * epsilon / (1 - t / 2)) ** 2  # noqa: E731
    np.testing.assert_allclose(model.path, quad(both, 0, 1)[0] / (4 * epsilon), rtol=1e-8)


def test_without_errors_the_model_is_the_target_whatever_the_noise():
    draw = jax.random.normal(jax.random.key(0), (5, 3, 3))
    exact = bound.random_problem(draw)._replace(
        shift=jnp.zeros(3), tilt=jnp.zeros((3, 3)), pull=jnp.zeros((3, 3))
    )
    control = jax.jit(bound.control)
    for epsilon in (0.05, 5.0):
        model = control(exact, epsilon)
        np.testing.assert_allclose(model.spread, exact.end, rtol=1e-5, atol=1e-6)
        kl = bound.gaussian_kl(*(np.asarray(x) for x in (exact.end, model.offset, model.spread)))
        assert abs(kl) < 1e-9


def test_the_kl_of_gaussians_is_its_integral():
    p = lambda x: np.exp(-(x**2) / 0.5) / np.sqrt(0.5 * np.pi)  # noqa: E731
    q = lambda x: np.exp(-((x - 0.3) ** 2) / 1.8) / np.sqrt(1.8 * np.pi)  # noqa: E731
    expected = quad(lambda x: p(x) * np.log(p(x) / q(x)), -4, 4)[0]
    found = bound.gaussian_kl(np.array([[0.25]]), np.array([0.3]), np.array([[0.9]]))
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_the_flow_of_a_wave_is_that_of_its_equation():
    """Particles by RK4 on a fine grid, density by the change of variables; and the limit of w."""
    amplitude, frequency, phase = 0.3, 2.0, 0.7
    z = start = np.linspace(-9, 9, 40_001)
    rate = lambda z, t: amplitude / (1 - t / 2) * np.sin(frequency * z + phase)  # noqa: E731
    h = 1 / 200
    for t in h * np.arange(200):
        k1 = rate(z, t)
        k2 = rate(z + h / 2 * k1, t + h / 2)
        k3 = rate(z + h / 2 * k2, t + h / 2)
        z = z + h / 6 * (k1 + 2 * k2 + 2 * k3 + rate(z + h * k3, t + h))
    stretch = np.gradient(z, start)
    log = 0.5 * (start**2 - z**2) + np.log(stretch)
    expected = np.sum(np.exp(-(z**2) / 2) * log * stretch) * (start[1] - start[0])
    found = waves.flow_kl(amplitude, frequency, phase)
    np.testing.assert_allclose(found, expected / np.sqrt(2 * np.pi), rtol=1e-4)
    limit = 2 * np.log(np.cosh(0.3 * 30 * np.log(2)))
    np.testing.assert_allclose(waves.flow_kl(0.3, 30.0, 1.0), limit, rtol=1e-3)


def test_the_noisy_wave_of_long_period_is_an_ornstein_uhlenbeck_process():
    """A sin(w z) -> A w z: v' = 2 (A w s - e) v + 2 e, with int s dr = 2 log((r + 2) / 2)."""
    slope, epsilon = 0.2, 0.5
    found = jax.jit(lambda: waves.noisy_kl(slope / 1e-3, 1e-3, 0.0, epsilon, cells=201))()
    growth = lambda r: 4 * slope * np.log(4 / (r + 2)) - 2 * epsilon * (2 - r)  # noqa: E731
    v = np.exp(growth(0)) + quad(lambda r: 2 * epsilon * np.exp(growth(r)), 0, 2)[0]
    np.testing.assert_allclose(found, 0.5 * (1 / v - 1 + np.log(v)), rtol=5e-3)


def test_minimisers_are_dense_least_squares():
    """b and s regressed on hats at both points of every pair, with a ridge of one sample."""
    nodes, n, t = np.linspace(-9, 9, 13), 400, 0.4
    how = {"ip": BROWNIAN, "rho0": TWO, "rho1": THREE}
    key = jax.random.key(0)
    b, s = jax.jit(lambda key: fits.minimisers(key, t, nodes, samples=n, latent=1.0, **how))(key)
    triples = jax.jit(lambda key: mixtures.triples(key, TWO, THREE, n))(key)
    x0, x1, z, _ = (np.asarray(v) for v in triples)
    gamma, rate = np.sqrt(0.24), 0.1 / np.sqrt(0.24)
    z = np.concatenate([z, -z])[:, 0]
    ends = np.concatenate([x0, x0])[:, 0], np.concatenate([x1, x1])[:, 0]
    x = 0.6 * ends[0] + 0.4 * ends[1] + gamma * z
    hats = np.maximum(1 - np.abs(x[:, None] - nodes) / 1.5, 0)
    for found, target in ((b, ends[1] - ends[0] + rate * z), (s, -z / gamma)):
        gram = hats.T @ hats / (2 * n) + np.eye(len(nodes)) / n
        want = np.linalg.solve(gram, hats.T @ target / (2 * n))
        np.testing.assert_allclose(found, want, rtol=1e-9, atol=1e-9)


def test_a_mean_over_signs_is_the_antithetic_gradient():
    """Planted: of a single sample the library's pair has the gradient that `scatter` averages."""
    params = model.init(jax.random.key(1), 2, 8, 2)
    x0, x1, z = jax.random.normal(jax.random.key(2), (3, 1, 2))
    t = jnp.array([0.01])

    def loss(params, z, **how):
        f = lambda x, t: model.apply(params, x, t)  # noqa: E731
        return si.losses(BROWNIAN, f, f, x0, x1, z, t, **how).score[0]

    @jax.jit
    def gradients(params):
        mean = lambda params: 0.5 * sum(loss(params, v, antithetic=False) for v in (z, -z))  # noqa: E731
        return jax.grad(loss)(params, z), jax.grad(mean)(params)

    for pair, mean in zip(*map(jax.tree.leaves, gradients(params)), strict=True):
        np.testing.assert_allclose(pair, mean, atol=1e-9)


def test_samples_and_distribution_function_are_those_of_the_density():
    law = si.law(BROWNIAN, TWO, THREE, 0.3)
    cdf = jax.jit(lambda x: mixtures.cdf(law, x))
    x, h = np.linspace(-7, 7, 15), 1e-5
    log = si.fields(BROWNIAN, TWO, THREE, x[:, None], 0.3).log_density
    np.testing.assert_allclose((cdf(x + h) - cdf(x - h)) / (2 * h), np.exp(log), atol=1e-9)

    def moved(key):
        return si.between(BROWNIAN, *mixtures.triples(key, TWO, THREE, 20_000)[:3], 0.3)[0]

    sample = np.sort(jax.jit(moved)(jax.random.key(3))[:, 0])
    gap = np.abs(cdf(sample) - (np.arange(20_000) + 0.5) / 20_000).max()
    assert gap < 1.9 / 20_000**0.5  # by chance with probability 1.5e-3


def test_the_excess_of_constant_fields_is_their_distance():
    """Zero networks: half the mean square of b and of s; here N(0, 1) to N(0, 1): s = -x / C."""
    key = jax.random.key(0)
    params = jax.tree.map(jnp.zeros_like, [model.init(key, 1, 4, 1) for _ in range(2)])
    params = jax.tree.map(lambda *p: jnp.stack(p), *params)
    state = learned.State(params, None, None, mixtures.standard(1), 0)
    excess = jax.jit(lambda keys: learned.excess(keys, state, ("brownian",), 20_000))
    off, samples = excess(jax.random.split(key, 9))
    t = np.linspace(0.05, 0.95, 9)
    c = (1 - t) ** 2 + t**2 + t * (1 - t)
    half = -(1 - t) + t + 0.5 * (1 - 2 * t)
    np.testing.assert_allclose(off, [np.mean(half**2 / c) / 2, np.mean(1 / c) / 2], rtol=0.02)
    assert abs(np.corrcoef(samples[1][:, 0], samples[2][:, 0])[0, 1]) < 0.03


def test_the_valley_of_two_gaussians():
    x = np.linspace(-6, 6, 4001)
    c, d = 0.4, 3.0
    p = np.exp(-((x - d / 2) ** 2) / (2 * c)) + np.exp(-((x + d / 2) ** 2) / (2 * c))
    np.testing.assert_allclose(measure.valley(p[None]), 2 * np.exp(-(d**2) / (8 * c)), rtol=1e-4)


def test_planted_bounds_are_told_apart():
    kl = np.full((5, 2, 3), 0.1)
    arrays = {"kl": kl, "path": kl + 0.1, "bound": kl + 0.2}
    assert measure.bound_holds(arrays).all()
    arrays["bound"][0, 1, 2] = 0.15
    np.testing.assert_array_equal(measure.bound_holds(arrays)[:3], [1, 0, 1])
