"""Tests of truth: gradients, a rounded sum, homogeneity, PyTorch's start, planted curves."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import losses, measure, model, tasks, training


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def normal(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


Z, Y = 3 * np.asarray(np.random.default_rng(0).normal(size=(7, 4))), np.arange(7) % 4


def test_cross_entropy_is_that_of_scipy():
    from scipy.special import log_softmax

    found = losses.cross_entropy(jnp.asarray(Z), Y, dtype=jnp.float64)
    np.testing.assert_allclose(found.value, -log_softmax(Z, 1)[np.arange(7), Y], rtol=1e-13)


def test_stablemax_is_softmax_of_a_signed_logarithm():
    """s(x) = exp(sign(x) log(1 + |x|)), and 1 at x = 0 from either side."""
    squeezed = jnp.sign(Z) * jnp.log1p(jnp.abs(Z))
    expected = losses.cross_entropy(squeezed, Y, dtype=jnp.float64).value
    np.testing.assert_allclose(losses.stablemax(Z, Y).value, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "loss", [losses.stablemax, partial(losses.cross_entropy, dtype=jnp.float64)]
)
def test_slopes_are_gradients(loss):
    """Of the mean, by automatic differentiation; at x = 1 too, where 1 / (1 - x) is infinite."""
    z = jnp.asarray(Z).at[0, :2].set(jnp.array([1.0, -1.0]))
    slope = jax.jit(jax.grad(lambda z: loss(z, Y).value.mean()))(z)
    np.testing.assert_allclose(loss(z, Y).slope, slope, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize(("name", "bits"), [("float16", 11), ("float32", 24), ("float64", 53)])
def test_an_example_collapses_where_its_lead_is_bits_ln_2(name, bits):
    """Two classes, a lead of bits ln 2 and a hundredth more or less; then the loss is 0, and the
    right class has no slope."""
    lead = bits * np.log(2) + np.array([-0.02, 0.02])
    z = jnp.stack([jnp.asarray(lead), jnp.zeros(2)], 1)
    found = losses.LOSSES[name](z.astype(jnp.float32), np.zeros(2, int))
    np.testing.assert_array_equal(found.full, [False, True])
    assert found.value[1] == 0 == found.slope[1, 0]
    assert found.slope[1, 1] > 0
    assert found.value[0] > 0 > found.slope[0, 0]


def test_weights_times_a_give_logits_times_a_cubed():
    params = model.init(jax.random.key(1), (6, 5, 4, 3), biased=False)
    x = normal(2, 8, 6).astype(jnp.float32)
    data = tasks.Data(x, jnp.zeros(8, int), x, jnp.zeros(8, int))
    scaled = jax.jit(partial(training.rescaled, scales=(2.0,), examples=8))
    (pair,), _ = scaled(params, data)
    np.testing.assert_allclose(pair[0], 8 * np.ravel(model.apply(params, x)), rtol=1e-5)
    np.testing.assert_allclose(*pair, rtol=1e-5)


def test_descent_along_the_weights_is_eulers_identity():
    """<gradient, W_l> = sum_z z dL/dz for every layer of a network without biases."""
    params = model.init(jax.random.key(3), (6, 5, 4, 3), biased=False)
    x, y = normal(4, 8, 6).astype(jnp.float32), jnp.arange(8) % 3
    hyper = training.Hyper(losses.place("float64"), None, *[0.0] * 4)
    grads, z, loss = jax.jit(training.gradient)(params, tasks.Data(x, y, x, y), hyper)
    along = [jnp.vdot(g, w) for g, w in zip(grads["w"], params["w"], strict=True)]
    np.testing.assert_allclose(along, [jnp.vdot(z, loss.slope)] * 3, rtol=1e-4)
    assert training.cosine(jax.tree.map(jnp.negative, params), params) == pytest.approx(1)


def test_the_start_is_that_of_pytorch():
    """U(-1, 1) / sqrt(fan-in): variance 1 / (3 fan-in), within 5 standard errors, biases too."""
    params = model.init(jax.random.key(5), (300, 400, 100), biased=True)
    for fan_in, w, b in zip((300, 400), params["w"], params["b"], strict=True):
        for x in (w, b):
            assert float(jnp.abs(x).max()) <= fan_in**-0.5
            error = 5 * np.sqrt(0.8 / x.size)  # E u^4 - (E u^2)^2 = 4/45 of u in U(-1, 1)
            assert float(jnp.mean(x**2)) * 3 * fan_in == pytest.approx(1, abs=error)
            assert x.dtype == jnp.float32


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_the_first_step_of_adam_is_the_sign_of_the_gradient(decay):
    """w - lr (sign g + decay w), for every loss and with a tiny eps; all stays float32."""
    params = model.init(jax.random.key(6), (5, 4, 3), biased=False)
    x, y = normal(7, 8, 5).astype(jnp.float32), jnp.arange(8) % 3
    data = tasks.Data(x, y, x, y)
    hyper = training.Hyper(
        losses.place("stablemax"), None, *map(np.float32, (0.01, 0.99, 1e-25, decay))
    )
    state, seen = training.train(training.begin(params), data, hyper, np.array([1]))
    grads = jax.jit(training.gradient)(params, data, hyper)[0]
    for new, w, g in zip(state.params["w"], params["w"], grads["w"], strict=True):
        assert new.dtype == jnp.float32
        np.testing.assert_allclose(new, w - 0.01 * (jnp.sign(g) + decay * w), atol=1e-6)
    assert seen.train[0] == jnp.mean(model.apply(params, x).argmax(1) == y)


def test_modular_examples_are_all_pairs_once():
    data = tasks.modular(jax.random.key(8), p=5, fraction=0.6)
    x, y = np.concatenate([data.x, data.x_test]), np.concatenate([data.y, data.y_test])
    first, second = x[:, :5].argmax(1), x[:, 5:].argmax(1)
    assert len(data.x) == 15
    assert len({*zip(first, second, strict=True)}) == 25
    assert (x.sum(1) == 2).all()
    np.testing.assert_array_equal(y, (first + second) % 5)


def test_the_halt_is_read_off_planted_curves():
    """From full >= 0.99 until it is not; without collapse, from the fit on."""
    arrays = {
        "plain_full": np.array([[0, 0.5, 1, 1, 0.4, 1], [0] * 6]),
        "plain_train": np.array([[0.5, 1, 1, 1, 1, 1]] * 2),
        "plain_test": np.array([[0.1, 0.2, 0.5, 0.51, 0.9, 0.9]] * 2),
    }
    arrays["remedy_test"] = np.arange(12).reshape(2, 6) / 10
    np.testing.assert_allclose(measure.halted_move(arrays), [0.01, 0.7])
    np.testing.assert_allclose(measure.remedied_plain(arrays), [[0.3, 0.51], [1.1, 0.9]])
    np.testing.assert_array_equal(measure.first(arrays["plain_full"], 0.5), [1, 5])
