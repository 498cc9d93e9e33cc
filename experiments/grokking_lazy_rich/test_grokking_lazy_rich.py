"""Tests of truth: quadrature, Jacobians, automatic differentiation, limits, planted curves."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import curves, model, moments, problems, training

D, P, N = 3, 7, 40
SETTING = {"alpha": np.array([0.5, 3.0]), "eps": np.array([0.25, 1.5])}


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


@functools.cache
def problem():
    """x, y, beta, w and the members' settings, moments and base."""
    w, data = jax.random.split(jax.random.key(0))
    x, y, beta = model.task(jax.random.normal(data, (1 + P, D)))
    w = jax.random.normal(w, (N, D))
    setting = moments.Setting(jnp.array(SETTING["alpha"]), jnp.array(SETTING["eps"]), jnp.ones(2))
    u = moments.of_weights(w, setting.eps)
    return x, y, beta, w, setting, u


def members():
    return [{"alpha": a, "eps": e} for a, e in zip(*SETTING.values(), strict=True)]


def network(x, how):
    """f as a function of the weights."""
    return lambda w: model.outputs(w, x, **how)


def test_the_task_has_the_stated_power():
    """E y = 1 and E y^2 = 3, within 5 standard errors of 40,000 examples."""
    _, y, beta = model.task(jax.random.normal(jax.random.key(1), (40_001, 5)))
    assert float(beta @ beta) == pytest.approx(5)
    assert abs(y.mean() - 1) < 5 * np.sqrt(2 / 40_000)
    assert abs((y**2).mean() - curves.POWER) < 5 * np.sqrt(96 / 40_000)


def test_moments_give_the_outputs():
    x, _, _, w, setting, u = problem()
    ours = moments.outputs(u, moments.plain(u), x, setting)
    np.testing.assert_allclose(ours, [network(x, h)(w) for h in members()], rtol=1e-12)


def test_descent_by_moments_is_descent_by_automatic_differentiation():
    x, y, _, w, setting, u = problem()
    base, how = moments.plain(u), members()[1]
    start = u
    for _ in range(5):
        u = moments.step(u, start, base, x, y, setting, 0.05)
        w = model.step(w, x, y, lr=0.05, **how)
    np.testing.assert_allclose(u[1], moments.of_weights(w, setting.eps)[1], rtol=1e-11, atol=1e-13)
    assert np.abs(u[1] - start[1]).max() > 0.1


def test_the_linearised_moments_are_the_linearised_network():
    """Centred: gradient descent on w -> df/dw(w_0) . (w - w_0), its tangent taken by jvp."""
    x, y, _, w0, setting, start = problem()
    linear, u, how = setting._replace(rich=jnp.zeros(2)), start, members()[1]

    @jax.grad
    def slope(dw):
        tangent = jax.jvp(network(x, how), (w0,), (dw,))[1]
        return jnp.mean((tangent - y) ** 2) / how["alpha"] ** 2

    dw = jnp.zeros_like(w0)
    for _ in range(5):
        u = moments.step(u, start, start, x, y, linear, 0.05)
        dw = dw - 0.05 * N * slope(dw)
    tangent = jax.jvp(network(x, how), (w0,), (dw,))[1]
    np.testing.assert_allclose(moments.outputs(u, start, x, linear)[1], tangent, rtol=1e-11)


def test_the_kernel_is_that_of_the_jacobian_and_regression_uses_it():
    """K = J J^T N / alpha^2; f_0 + K(., X) K^-1 (y - f_0) at points that were not fitted."""
    x, y, _, w, setting, u = problem()
    new = jax.random.normal(jax.random.key(9), (4, D)) / np.sqrt(D)

    @jax.jit
    def ours(u):
        fitted = moments.regression(u, moments.plain(u), x, y, setting)
        return moments.kernel(u, x, x), moments.outputs(fitted, moments.plain(u), new, setting)

    @jax.jit
    def dense(w, points, how):
        f = network(points, how)
        return f(w), jax.jacobian(f)(w).reshape(len(points), -1)

    kernels, outputs = ours(u)
    for i, how in enumerate(members()):
        (f, seen), (g, unseen) = (map(np.asarray, dense(w, v, how)) for v in (x, new))
        square = seen @ seen.T
        np.testing.assert_allclose(kernels[i] * how["alpha"] ** 2 / N, square, rtol=1e-10)
        there = g + unseen @ seen.T @ np.linalg.solve(square, y - f)
        np.testing.assert_allclose(outputs[i], there, rtol=1e-7)


def test_the_linearised_network_tends_to_kernel_regression():
    """Descent from the same moments, long after the training loss is gone."""
    normal = jax.random.normal(jax.random.key(4), (N + 1 + 3, D))
    how = {"alphas": (0.5,), "epsilons": (1.5,), "twins": (2.0,), "eps": 0.5, "rich": 1.0}

    @jax.jit
    def both(normal):
        task = problems.of_network(normal, problems.members(**how), width=N, centred=2)
        strides = jnp.array([10_000])
        _, seen = training.train(task, task.start, strides, lr=0.5, observe=training.losses)
        return seen, problems.regression_loss(task, 1)

    seen, (regression,) = both(normal)
    assert float(seen["train"][0, -1]) < 1e-16
    assert float(seen["test"][0, -1]) == pytest.approx(float(regression), rel=1e-8)
    assert abs(float(seen["test"][0, -2] / regression) - 1) > 0.05  # the network does not


def test_population_loss_by_quadrature():
    """(f - y)^2 has degree 4 in x: three Gauss-Hermite nodes an axis integrate it exactly."""
    _, _, beta, w, setting, u = problem()
    node, weight = np.polynomial.hermite_e.hermegauss(3)
    grid = np.stack(np.meshgrid(*[node] * D), -1).reshape(-1, D)
    weights = np.prod(np.stack(np.meshgrid(*[weight / weight.sum()] * D), -1), -1).ravel()
    y = (grid @ beta) ** 2 / D
    ours = moments.population_terms(u, moments.plain(u), beta, setting).sum(1)
    for i, how in enumerate(members()):
        error = network(grid / np.sqrt(D), how)(w) - y
        assert float(ours[i]) == pytest.approx(float(weights @ error**2), rel=1e-11)


def test_a_wide_network_has_the_moments_of_infinite_width():
    """Within 5 standard errors: entries of U are means of N terms of variance at most 2 eps^4."""
    eps = jnp.array([0.5])
    w = jax.random.normal(jax.random.key(3), (20_000, D))
    gap = moments.of_weights(w, eps) - moments.infinite_width(D, eps)
    assert np.abs(gap).max() < 5 * 0.5 / np.sqrt(20_000)


def test_alignment_and_cka_at_their_ends():
    """1 for random features, D for features along the task; CKA is 1 for the kernel y y^T."""
    beta, eps = jnp.array([1.0, 1.0, -1.0]), jnp.array([0.5])
    assert float(moments.alignment(moments.infinite_width(D, eps), beta)[0]) == pytest.approx(1)
    along = moments.of_weights(jnp.outer(jnp.array([1.0, -2.0]), beta), eps)
    assert float(moments.alignment(along, beta)[0]) == pytest.approx(D)
    y = jnp.array([1.0, 2.0, -3.0])
    assert float(moments.cka(jnp.outer(y, y)[None], y)[0]) == pytest.approx(1)


def test_members_come_back_by_the_knob_they_turn():
    """Curves that hold their member's alpha, eps and richness."""
    alphas, epsilons, twins = (0.1, 0.2, 0.4, 0.8), (0.3, 0.6), (1.0, 4.0, 32.0)
    setting = problems.members(alphas, epsilons, twins, eps=0.25, rich=1.0)
    planted = np.broadcast_to(np.stack(setting)[:, None], (3, 7, 12))  # [seed, S, A]
    curve = dict.fromkeys(("train", "test", "cka", "align"), planted)
    knob = curves.by_knob(curve | {"terms": planted[..., None]}, (4, 2, 3))
    np.testing.assert_array_equal(knob["train"][0, :, -1], alphas)
    np.testing.assert_array_equal(knob["eps_test"][1, :, 0], epsilons)
    np.testing.assert_array_equal(knob["net_cka"][0, :, 0], twins)
    np.testing.assert_array_equal(knob["lin_cka"][0, :, 0], twins)
    np.testing.assert_array_equal(
        [knob["net_cka"][2, :, 0], knob["lin_cka"][2, :, 0]], [[1] * 3, [0] * 3]
    )
    assert knob["terms"].shape == (3, 1, 7)
    assert knob["terms"][0, 0, 0] == alphas[curves.BASE]


def test_times_are_read_off_planted_curves():
    """Power laws, straight between records, cross where they should; never is the last step."""
    at = np.geomspace(1, 1000, 20)
    loss = curves.POWER * np.stack([2 / at, 40 / at**1.5, np.ones(20)])
    expected = [20, 400 ** (1 / 1.5), 1000]
    np.testing.assert_allclose(curves.time_to(at, loss), expected, rtol=1e-12)
    there = curves.at_fit(at, loss[:1], loss[1:2])
    np.testing.assert_allclose(there / curves.POWER, [[0.1, 40 / 20**1.5]], rtol=1e-12)


def test_the_drop_and_the_early_distance_of_planted_curves():
    """Power laws are straight lines from T_train = 20 to T_test = 400^(2/3)."""
    at = np.geomspace(1, 1000, 20)
    train, test = curves.POWER * 2 / at, curves.POWER * 40 / at**1.5
    align, minus_log_test = curves.drop(at, train[None], test[None], at[None] ** 0.5)[0]
    steps = np.linspace(np.log(20), np.log(400) / 1.5, curves.POINTS)
    np.testing.assert_allclose(align, steps / 2, rtol=1e-6)
    np.testing.assert_allclose(minus_log_test, 1.5 * steps - np.log(120), rtol=1e-6)
    apart = curves.early(at, train, test, test / (1 + at))
    np.testing.assert_allclose(apart, at[at <= 20][-1], rtol=1e-12)


def test_curves_are_drawn_to_three_digits_from_first_to_last():
    values = np.geomspace(1e-4, 1e2, 140)
    seen = curves.drawn(values)
    assert len(seen) < 80
    np.testing.assert_allclose(seen, values[curves.drawn_at(140)], rtol=6e-4)
    np.testing.assert_allclose(seen[[0, -1]], values[[0, -1]], rtol=6e-4)
