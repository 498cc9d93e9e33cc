"""Slices beside SciPy, means over the sphere, unbiased controls; the geometry of covariances."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import wasserstein_distance

from common.ot import sliced

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3)), RNG.normal(size=(25, 3)) * [1, 2, 0.5] + [1, 0, -1]
KEY = jax.random.key(0)


@pytest.fixture(autouse=True)
def wide():
    with jax.enable_x64(True):
        yield


def covariances(n, d=4):
    root = RNG.normal(size=(n, d, 2 * d))
    return root @ root.swapaxes(1, 2) / (2 * d)


def test_points_on_a_line_beside_scipy():
    x, y = X[:, 0], Y[:, 0]
    np.testing.assert_allclose(sliced.on_line(x, y, 1.0), wasserstein_distance(x, y))
    quantile = lambda x, u: np.sort(x)[np.minimum((u * len(x)).astype(int), len(x) - 1)]  # noqa: E731
    u = (np.arange(200_000) + 0.5) / 200_000
    for p in (2.0, 3.5):
        want = np.mean(np.abs(quantile(x, u) - quantile(y, u)) ** p)
        np.testing.assert_allclose(sliced.on_line(x, y, p), want, rtol=1e-4)


def test_slices_of_the_plane_beside_quadrature():
    x, y = X[:, :2], Y[:, :2]

    @jax.jit
    def cost(angle):
        return sliced.costs(x, y, jnp.array([[jnp.cos(angle), jnp.sin(angle)]]))[0]

    exact = quad(cost, 0, np.pi, limit=200, epsrel=1e-4)[0] / np.pi
    found = sliced.costs(x, y, sliced.directions(KEY, 20_000, 2))
    assert abs(found.mean() - exact) < 4 * found.std() / 20_000**0.5


@pytest.mark.parametrize("d", [2, 3, 20])
def test_means_over_the_sphere(d):
    x, y = RNG.normal(size=(50, d)) * 2, RNG.normal(size=(30, d)) + 1
    theta = sliced.directions(KEY, 100_000, d)
    for control in (sliced.lower, sliced.upper):
        values, mean = control(x, y, theta)
        assert abs(values.mean() - mean) < 4 * values.std() / 100_000**0.5


def test_a_translation_is_all_lower_control():
    """W(theta) = (theta.shift)^2: nothing is left about the sample's mean, some about the known."""
    theta = sliced.directions(KEY, 50, 3)
    values = sliced.costs(X, X + np.array([1.0, 2, -1]), theta)
    control = sliced.lower(X, X + np.array([1.0, 2, -1]), theta)
    sample = sliced.control_variate(values, *control, centre="sample")
    np.testing.assert_allclose(sample.value, 6 / 3, rtol=1e-12)
    np.testing.assert_allclose(sample.coefficients, 1, rtol=1e-12)
    mean = sliced.control_variate(values, *control)
    assert 0 < abs(mean.value - 2) < abs(values.mean() - 2)


def test_without_a_shift_the_lower_control_does_nothing():
    y = 0.5 * np.round(3 * np.concatenate([X, -X]))  # whose mean is zero to the last digit
    theta = sliced.directions(KEY, 50, 3)
    values = sliced.costs(y, 2 * y, theta)
    found = sliced.control_variate(values, *sliced.lower(y, 2 * y, theta))
    np.testing.assert_allclose(found.value, values.mean(), rtol=1e-10)
    np.testing.assert_allclose(found.error, values.std(ddof=1) / 50**0.5, rtol=1e-10)


def over_sphere(x, y):
    """By Gauss's rule in the height, which is uniform, and equal angles."""
    height, weight = np.polynomial.legendre.leggauss(60)
    angle = 2 * np.pi * np.arange(120)[:, None] / 120
    flat = np.sqrt(1 - height**2)
    parts = flat * np.cos(angle), flat * np.sin(angle), height + 0 * angle
    costs = sliced.costs(x, y, np.stack(parts, axis=-1).reshape(-1, 3))
    return np.mean(costs.reshape(120, 60) @ weight) / 2


def test_controlled_estimates_are_unbiased_with_the_error_they_tell():
    y = 0.5 * Y + 1

    def once(key):
        theta = sliced.directions(key, 400, 3)
        values, controls = sliced.costs(X, y, theta), sliced.upper(X, y, theta)
        found = sliced.control_variate(values, *controls, centre="sample")
        return values.mean(), found.value, found.error

    plain, value, error = np.array(jax.jit(jax.vmap(once))(jax.random.split(KEY, 300)))
    assert abs(value.mean() - over_sphere(X, y)) < 4 * value.std() / 300**0.5
    assert value.std() < 0.6 * plain.std()
    assert error.mean() == pytest.approx(value.std(), rel=0.15)


def test_gradients_are_finite_where_points_meet():
    def loss(x):
        theta = sliced.directions(KEY, 10, 3)
        values = sliced.costs(x, X, theta)
        return sliced.control_variate(values, *sliced.upper(x, X, theta)).value

    assert np.isfinite(jax.jit(jax.grad(loss))(jnp.asarray(X))).all()
