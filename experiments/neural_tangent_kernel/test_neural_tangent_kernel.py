"""Truths of the experiment: dense Jacobians, layer-wise kernels, simulated laws, planted data."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from common.ntk import analytic
from common.ntk.empirical import ntk

from . import kept, limit, measure, model, problems

relu = partial(model.apply, nonlinearity=jax.nn.relu, beta=0.1)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def network(width=6, key=0, **how):
    return model.init(jax.random.key(key), (2, width, width, 1), beta=0.1, **how)


def circle(n):
    return problems.circle(2 * jnp.pi * jnp.arange(n) / n)


def test_the_kernel_is_the_sum_over_layers_of_activations_times_signals():
    """Theta = sum_l (a.a'/n_l + beta^2) (d.d'), forward and backward written out by hand."""
    params, x = network(), circle(5)
    a, u = [x], []
    for w, b in params:
        u.append(a[-1] @ w / np.sqrt(len(w)) + 0.1 * b)
        a.append(jnp.maximum(u[-1], 0))
    signal = [jnp.ones((5, 1))]
    for (w, _), v in zip(params[:0:-1], u[-2::-1], strict=True):
        signal.insert(0, (signal[0] @ w.T / np.sqrt(len(w))) * (v > 0))
    layers = zip(a[:-1], signal, strict=True)
    want = sum((y @ y.T / y.shape[1] + 0.01) * (d @ d.T) for y, d in layers)
    np.testing.assert_allclose(jax.jit(partial(ntk, relu))(params, x), want, rtol=1e-12)


def test_both_parametrisations_are_one_function_with_kernels_n_apart():
    wide = network(width=64)
    standard = network(width=64, standard=True)
    x = circle(4)
    f = partial(relu, standard=True)
    np.testing.assert_allclose(relu(wide, x), f(standard, x), rtol=1e-12)
    hidden = lambda p: p[1][0]  # noqa: E731
    slopes = [jax.grad(lambda p, f=f: f(p, x).sum())(p) for f, p in ((relu, wide), (f, standard))]
    np.testing.assert_allclose(hidden(slopes[1]), 8 * hidden(slopes[0]), rtol=1e-10)


def test_a_descent_step_follows_the_kernel_to_first_order():
    """f_1 - f_0 = -lr/N Theta (f_0 - y) + O(lr^2)."""
    params, x = network(), circle(4)
    y, f0 = problems.target(x), relu(params, x)[:, 0]
    vector, unravel = ravel_pytree(params)
    dense = jax.jacrev(lambda v: relu(unravel(v), x)[:, 0])(vector)
    want = -dense @ dense.T @ (f0 - y) / 4
    errors = []
    for lr in (1e-3, 5e-4):
        moved, _ = model.descend(relu, params, x, y, lr=lr, steps=1)
        errors.append(jnp.abs((relu(moved, x)[:, 0] - f0) / lr - want).max())
    assert 1.9 < errors[0] / errors[1] < 2.1
    moved, seen = model.descend(relu, params, x, y, lr=1e-3, steps=2)
    np.testing.assert_allclose(seen[0], f0, rtol=1e-12)
    last = model.descend(relu, moved, x, y, lr=1e-3, steps=1)[1][0]
    np.testing.assert_allclose(last, relu(moved, x)[:, 0], rtol=1e-12)


def test_mean_field_scaling_is_the_network_over_root_n():
    params, x = network(width=16), circle(3)
    np.testing.assert_allclose(4 * relu(params, x, power=0.5), relu(params, x), rtol=1e-12)


def test_the_law_is_that_of_simulated_kernel_training():
    """Gaussian f_0 of covariance Sigma, trained exactly with Theta: moments of 40,000 draws."""
    x, y = circle(7), jnp.array([0.3, -0.2, 0.5])
    sigma, theta = analytic.fully_connected(analytic.relu, x, depth=3, b_std=0.1)
    mean, variance = jax.jit(limit.trained_law)(sigma, theta, y)
    draws = jax.random.normal(jax.random.key(0), (40_000, 7)) @ jnp.linalg.cholesky(sigma).T
    gone = jnp.linalg.solve(theta[:3, :3], (y - draws[:, :3]).T)
    trained = draws[:, 3:] + (theta[3:, :3] @ gone).T
    np.testing.assert_allclose(trained.mean(0), mean, atol=5 * trained.std() / 200)
    np.testing.assert_allclose(trained.var(0), variance, rtol=0.04)


def test_polynomial_nonlinearities_leave_the_kernel_singular():
    x = circle(8)
    structure = {"depth": 4, "beta": 0.1}
    low, high = limit.extreme_eigenvalues(limit.kernels(x, activation="relu", **structure).ntk)
    np.testing.assert_allclose(low, 0.0602, atol=5e-5)
    kernel = limit.kernels(x, activation="linear", **structure).ntk
    values = np.linalg.eigvalsh(kernel)
    assert (np.abs(values[:5]) < 1e-13 * high).all()
    assert values[5] > 1e-3


def test_distances_of_planted_kernels_and_functions():
    """Multiples of the limit; functions that are constant on the points."""
    limit_gram = np.array([[2.0, 1.0], [1.0, 3.0]])
    times = lambda *factors: np.multiply.outer(np.array(factors), limit_gram)  # noqa: E731
    functions = np.repeat([0.0, 0.9, 0.8], 4).reshape(3, 4)
    found = {
        "gram_pair": times(1.0, 1.25)[None, None, None],
        "trained": functions[None, None, None],
        "apart": np.array([0.0, 0.3, 0.1])[None, None, None],
        "row_pair": np.arange(6.0).reshape(1, 1, 1, 2, 3),
    }
    starts, goal = times(1.5, 0.5)[None, None], np.ones((1, 4))
    kept_ones = kept.distances(found, starts, goal, limit_gram)
    want = {"start_apart": [0.5, 0.5], "start_along": [1.5, 0.5], "moved": [0.25]}
    want |= {"apart": [0.3], "end_apart": [0.1]}
    for name, values in want.items():
        np.testing.assert_allclose(kept_ones[name][0, 0], values, rtol=1e-12, err_msg=name)
    np.testing.assert_array_equal(kept_ones["row_pair"][:, 0, 0, 1], [[3, 4, 5]] * 2)


def planted(decay):
    """Arrays of a run in which component i decays at rate decay[i]."""
    value = np.array([[0.3, 0.03, 0.02, 0.01]])
    along = 1 - np.exp(-np.arange(40)[:, None] * decay)
    return {"rate": kept.rates(along[None, None]), "value": value, "rate_lr": np.array(2.0)}


def test_planted_rates_are_recovered_and_wrong_ones_are_seen():
    right = -np.log1p(-2.0 * np.array([0.3, 0.03, 0.02, 0.01]))
    np.testing.assert_allclose(planted(right)["rate"][-1, 0], right, rtol=1e-6)
    np.testing.assert_allclose(measure.rate_ratio(planted(right)), 1, rtol=1e-6)
    x, y = measure.rate_eigenvalue(planted(right[::-1]))[0]
    assert np.corrcoef(x, y)[0, 1] < 0


def test_kolmogorov_smirnov_has_its_level_and_sees_a_shift():
    draws = np.asarray(jax.random.normal(jax.random.key(1), (2000, 40, 1)))
    p = measure.ks_p(draws)
    np.testing.assert_allclose((p < 0.05).mean(), 0.05, atol=0.02)
    assert (measure.ks_p(draws + 1.0) < 0.01).mean() > 0.99
