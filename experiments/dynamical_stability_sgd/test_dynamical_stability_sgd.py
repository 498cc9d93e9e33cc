"""Truths of the experiment: dense Hessians, closed forms, conserved and planted quantities."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from common.curvature import stability

from . import descent, measure, nets, problems


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def normal(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


@pytest.fixture(params=[nets.diagonal, nets.relu], ids=["diagonal", "relu"])
def network(request, double):
    """(net, params, x [7, 5])"""
    if request.param is nets.diagonal:
        return request.param, (normal(0, 5), normal(1, 5)), normal(2, 7, 5)
    return request.param, nets.relu_start(normal(3, 6, 4), 1.0), normal(4, 7, 5)


def test_trace_and_modes_are_those_of_the_hessian_where_the_loss_is_zero(network):
    net, params, x = network
    vector, unravel = ravel_pytree(params)
    y = net(params, x)
    hessian = jax.jit(jax.hessian(lambda v: descent.loss(net, unravel(v), x, y)))(vector)
    np.testing.assert_allclose(nets.trace(net, params, x), jnp.trace(hessian), rtol=1e-12)
    at = stability.modes(nets.gradients(net, params, x))
    largest = jnp.linalg.eigvalsh(hessian)[-len(at.curvature) :]
    np.testing.assert_allclose(at.curvature, largest, atol=1e-12 * largest[-1])


def test_a_step_follows_the_gradient_and_a_diverged_example_is_left_out(network):
    net, params, x = network
    y = jnp.ones(7)
    want = jax.tree.map(
        lambda p, g: p - 0.1 * g, params, jax.grad(partial(descent.loss, net))(params, x, y)
    )
    got = descent.step(net, params, x, y, 0.1)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    still = descent.step(net, params, x, y + 1e6, 0.1)
    for a, b in zip(still, params, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_stretch_visits_the_examples_in_order(network):
    net, params, x = network
    y, rates = jnp.ones(7), jnp.array([0.1, 0.05, 0.02])
    order = jnp.array([[3, 3], [0, 6], [2, 1]])
    got, want = descent.stretch(net, params, x, y, rates, order), params
    for lr, i in zip(rates, order, strict=True):
        want = descent.step(net, want, x[i], y[i], lr)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    everything = jnp.tile(jnp.arange(7), (3, 1))
    full = descent.stretch(net, params, x, y, rates, None)
    for a, b in zip(full, descent.stretch(net, params, x, y, rates, everything), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_examples_are_drawn_evenly_and_with_replacement():
    """1,000 batches of 8 of 5: every count within 5 standard errors."""
    order = np.asarray(descent.order(jax.random.key(0), 5, 1000, 8))
    assert order.shape == (1000, 8)
    counts = np.bincount(order.ravel(), minlength=5)
    assert np.abs(counts - 1600).max() < 5 * np.sqrt(8000 * 0.2 * 0.8)


def test_a_run_in_two_calls_is_one_stretch_over_both_orders():
    """Gradient descent: 7 and 7 steps are 14; the rates of the ramp go on."""
    x, uv = normal(13, 6, 3), (normal(14, 3), normal(15, 3))
    problem = problems.Problem(x, x @ jnp.ones(3), None)
    how = {"net": nets.diagonal, "stream": 0, "batch": 0, "every": 7, "slowest": 0.001, "ramp": 10}
    train = jax.jit(partial(descent.train, 5, 0.02, **how))
    half, _ = train(uv, problem, 0)
    got, seen = train(half, problem, 7)
    rates = 0.001 + 0.019 * np.minimum(1, np.arange(14) / 10)
    want = descent.stretch(nets.diagonal, uv, *problem[:2], rates, None)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)
    error = x @ (want[0] ** 2 - want[1] ** 2) - problem.y
    np.testing.assert_allclose(seen["loss"], [error @ error / 12], rtol=1e-12)


def test_the_trace_is_the_norm_for_isotropic_inputs():
    """Exact for the 2 D inputs +-sqrt(D) e_j of covariance I; for ReLU by symmetry of x -> -x."""
    d = 4
    x = np.sqrt(d) * np.concatenate([np.eye(d), -np.eye(d)])
    uv, wa = (normal(5, d), normal(6, d)), nets.relu_start(normal(7, d + 1, 6), 1.3)
    trace = jax.jit(nets.trace, static_argnums=0)
    np.testing.assert_allclose(trace(nets.diagonal, uv, x), nets.diagonal_trace(uv))
    np.testing.assert_allclose(trace(nets.relu, wa, x), nets.relu_trace(wa))


def test_the_norms_bound_what_controls_generalisation_and_meet_it_when_balanced():
    u, v = normal(8, 9), normal(9, 9)
    assert 4 * jnp.abs(u**2 - v**2).sum() < nets.diagonal_trace((u, v))
    np.testing.assert_allclose(4 * (u**2).sum(), nets.diagonal_trace((u, 0 * v)))
    w, a = nets.relu_start(normal(10, 6, 4), 1.0)
    path = nets.path_norm((w, a))
    assert np.sqrt(5) * path < nets.relu_trace((w, a))
    balance = jnp.sqrt(np.sqrt(5) * jnp.abs(a) / jnp.linalg.norm(w, axis=0))
    w, a = w * balance, a / balance  # the same function, |w_j| = sqrt(D) |a_j|
    np.testing.assert_allclose(nets.path_norm((w, a)), path)
    np.testing.assert_allclose(nets.relu_trace((w, a)), np.sqrt(5) * path)


def test_the_rate_rises_to_its_value_and_stays():
    t = jnp.array([0, 50, 100, 1000])
    np.testing.assert_allclose(descent.rate(t, 0.06, 0.02, 100), [0.02, 0.04, 0.06, 0.06])
    np.testing.assert_allclose(descent.rate(t, 0.06, 0.02, 0), [0.02, 0.06, 0.06, 0.06])


@pytest.mark.parametrize(("excess", "product"), [(1.0, 2.0), (1.1, (1 + 2 / 1.21) * 2 / 3)])
def test_frames_meet_the_trace_bound_as_in_the_closed_form(excess, product):
    """lr* = 2 / max |g|^2, so lr* tr H = 2 mean |g|^2 / max |g|^2."""
    g = problems.frame(normal(11, 3, 3), 6, excess)
    lr = jax.jit(lambda g: stability.threshold(stability.modes(g), batch=1).lr)(g)
    np.testing.assert_allclose(lr * (g**2).sum() / len(g), product, rtol=1e-12)


@pytest.mark.parametrize(("lr", "stays"), [(0.9, True), (1.1, False)])
def test_sgd_leaves_a_minimum_above_its_threshold(lr, stays):
    """From a distance of 1e-6, lr in units of 2 / |g|^2; one example, so that nothing is random."""
    u = np.full(3, 0.7)
    x, y, rates = np.ones((1, 3)), np.zeros(1), np.full(400, lr * 2 / (8 * u @ u))
    u_end, v_end = descent.stretch(nets.diagonal, (u + 1e-6, u), x, y, rates, None)
    residual = jnp.abs(nets.diagonal((u_end, v_end), x)[0])
    moved = jnp.abs(u_end - u).max()
    assert residual < 1e-12  # another minimum, if not this one
    assert (moved < 1e-4) == stays


def test_inputs_and_truths():
    x = problems.inputs(jnp.ones((2, 3)), 2.0)
    np.testing.assert_allclose(x, [[0.5, 1, 2]] * 2)
    np.testing.assert_array_equal(problems.sparse(4, 2), [1, 1, 0, 0])
    w, a = problems.teacher(normal(12, 8, 4))
    np.testing.assert_allclose(jnp.linalg.norm(w, axis=0), 1)
    np.testing.assert_allclose(nets.path_norm((w, a)), 2)


def test_measures_of_planted_runs():
    """Two seeds, two rates; the second rate of the second seed has not converged."""
    trace = np.array([[[9.0, 1.0], [9.0, 2.0]], [[9.0, 3.0], [9.0, 900.0]]])
    loss = np.array([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [1.0, 1e-3]]])
    arrays = {"lr": np.array([0.5, 1.0]), "trace": trace, "loss": loss}
    np.testing.assert_allclose(measure.sgd_trace(arrays), [2.0, 1.5])
    np.testing.assert_allclose(measure.sgd_converged(arrays), [1, 0.5])
    assert np.isnan(measure.worst(arrays | {"loss": loss + 1}, "", trace[..., -1])).all()
    gd = {"gd_" + k: v for k, v in arrays.items()} | {"gd_sharpness": np.array([[4.0, 2.1]] * 2)}
    np.testing.assert_allclose(measure.gd_sharpness(gd), [0.5, 0.5])
