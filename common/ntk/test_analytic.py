"""Analytic kernels against quadrature, closed forms, finite differences and wide networks."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.special import erf as error_function

from common.ntk import analytic
from common.ntk.empirical import ntk

DUALS = {"relu": (analytic.relu, jax.nn.relu), "erf": (analytic.erf, error_function)}


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def circle(n):
    angle = 2 * jnp.pi * jnp.arange(n) / n
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)], -1)


def average(fn, correlation, var1, var2):
    """E fn(u, v) by the trapezoidal rule over the angle and Gauss-Laguerre over the radius."""
    angle = 2 * np.pi * (np.arange(4000) + 0.5) / 4000
    half, weights = np.polynomial.laguerre.laggauss(40)
    r = np.sqrt(2 * half)[:, None]
    u, w = r * np.cos(angle), r * np.sin(angle)
    v = correlation * u + np.sqrt(1 - correlation**2) * w
    return (weights[:, None] * fn(np.sqrt(var1) * u, np.sqrt(var2) * v)).sum() / 4000


@pytest.mark.parametrize("name", list(DUALS))
@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.3, 0.99])
def test_duals_are_gaussian_averages(name, correlation):
    dual, fn = DUALS[name]
    slope = jax.vmap(jax.vmap(jax.grad(fn)))
    var1, var2 = 0.8, 1.7
    product, slopes = dual(correlation * np.sqrt(var1 * var2), var1, var2)
    got = average(lambda u, v: fn(u) * fn(v), correlation, var1, var2)
    np.testing.assert_allclose(product, got, atol=1e-5)
    got = average(lambda u, v: slope(u) * slope(v), correlation, var1, var2)
    np.testing.assert_allclose(slopes, got, atol=2e-4 if name == "relu" else 1e-6)


def test_deep_linear_networks_multiply_by_the_depth():
    x, depth = circle(5), 4
    got = analytic.fully_connected(analytic.linear, x, depth=depth, w_std=1.3)
    nngp = 1.3 ** (2 * depth) * (x @ x.T) / 2
    np.testing.assert_allclose(got.nngp, nngp, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(got.ntk, depth * nngp, rtol=1e-12, atol=1e-14)


def test_one_hidden_layer_on_the_circle():
    """ReLU: Sigma = (sin g + (pi - g) cos g) / 4 pi, Theta the same + cos g (pi - g) / 4 pi."""
    gamma = jnp.linspace(0, jnp.pi, 9)
    x = jnp.stack([jnp.cos(gamma), jnp.sin(gamma)], -1)
    got = analytic.fully_connected(analytic.relu, x[:1], x, depth=2)
    nngp = (jnp.sin(gamma) + (jnp.pi - gamma) * jnp.cos(gamma)) / (4 * jnp.pi)
    np.testing.assert_allclose(got.nngp[0], nngp, atol=1e-9)
    want = nngp + jnp.cos(gamma) * (jnp.pi - gamma) / (4 * jnp.pi)
    np.testing.assert_allclose(got.ntk[0], want, atol=1e-8)


def test_depth_four_with_bias_has_the_known_row_and_smallest_eigenvalue():
    kernel = analytic.fully_connected(analytic.relu, circle(8), depth=4, b_std=0.1).ntk
    want = [0.2825, 0.1700, 0.0927, 0.0660, 0.0644]
    np.testing.assert_allclose(kernel[0, :5], want, atol=5e-5)
    np.testing.assert_allclose(jnp.linalg.eigvalsh(kernel)[0], 0.0602, atol=5e-5)


@pytest.mark.parametrize("name", list(DUALS))
def test_the_two_calls_agree_and_float32_is_close(name):
    x = jax.random.normal(jax.random.key(0), (6, 3))
    how = {"depth": 3, "w_std": 1.4, "b_std": 0.3}
    call = jax.jit(partial(analytic.fully_connected, DUALS[name][0], **how))
    alone, apart = call(x), call(x, x)
    small = call(x.astype(jnp.float32))
    assert small.ntk.dtype == jnp.float32
    for a, b, c in zip(alone, apart, small, strict=True):
        np.testing.assert_array_equal(a, a.T)
        np.testing.assert_allclose(a, b, rtol=1e-7)
        np.testing.assert_allclose(a, c, rtol=2e-5)


@pytest.mark.parametrize("name", list(DUALS))
def test_derivatives_are_finite_on_the_diagonal_and_right_off_it(name):
    x = circle(4)
    call = partial(analytic.fully_connected, DUALS[name][0], depth=3, b_std=0.1)
    scale = lambda fn: lambda s: fn(s * x).ntk.sum()  # noqa: E731
    for fn in (scale(call), scale(lambda y: call(y, y))):
        values, slopes = jax.jit(jax.vmap(jax.value_and_grad(fn)))(1 + jnp.array([-1e-5, 0, 1e-5]))
        np.testing.assert_allclose(slopes[1], (values[2] - values[0]) / 2e-5, rtol=1e-8)


@pytest.mark.parametrize("name", list(DUALS))
def test_wide_networks_reach_the_limit(name):
    """Mean over 60 networks of width 256 within 5 standard errors, which are below 3 %."""
    dual, fn = DUALS[name]
    width, x = 256, circle(5)

    def apply(params, x):
        for i, (w, b) in enumerate(params):
            x = x @ w / jnp.sqrt(len(w)) * 1.2 + 0.3 * b
            x = fn(x) if i < len(params) - 1 else x
        return x

    @jax.jit
    @jax.vmap
    def kernels(key):
        sizes = (2, width, width, 1)
        keys = jax.random.split(key, 3)
        params = [
            (jax.random.normal(k, (m, n)), jax.random.normal(jax.random.fold_in(k, 1), (n,)))
            for k, m, n in zip(keys, sizes[:-1], sizes[1:], strict=True)
        ]
        return ntk(apply, params, x)

    found = kernels(jax.random.split(jax.random.key(0), 60))
    want = analytic.fully_connected(dual, x, depth=3, w_std=1.2, b_std=0.3).ntk
    error = found.std(0, ddof=1) / np.sqrt(60)
    assert (jnp.abs(found.mean(0) - want) < 5 * error).all()
    assert error.max() < 0.03 * want.max()


def test_a_zero_input_has_a_finite_gradient():
    x = jnp.array([[1.0, 2], [-1, -2], [1, 2], [0, 0]])
    slope = jax.grad(lambda x: analytic.fully_connected(analytic.relu, x, depth=3).ntk.sum())(x)
    assert jnp.isfinite(slope).all()


def test_erf_in_float32_at_large_inputs():
    x = jnp.array([[1.0, 2], [-1, -2]])
    for scale in (1.0, 3e2, 3e3):
        exact = analytic.fully_connected(analytic.erf, scale * x, depth=2).ntk
        single = analytic.fully_connected(analytic.erf, jnp.float32(scale * x), depth=2).ntk
        np.testing.assert_allclose(single, exact, rtol=1e-5)
