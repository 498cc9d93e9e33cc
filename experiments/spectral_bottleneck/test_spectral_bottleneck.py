"""Truths of the experiment: closed forms of spectra, laws of the noise, kernels by Jacobians."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import fitting, measure, signals, winner

KEY = jax.random.key(0)


def small():
    """Of `winner.draw`, by NumPy."""
    rng, shapes = np.random.default_rng(2), ((1, 12), (12, 12), (12, 1))
    plain = [(rng.uniform(-0.2, 0.2, s), rng.uniform(-0.3, 0.3, s[1])) for s in shapes]
    return plain, (rng.standard_normal((1, 12)), rng.standard_normal((12, 12)))


def test_a_signal_has_its_band_and_its_centroid():
    """Flat magnitudes: the centroid is the mean of the frequencies; the largest value is 1."""
    turns = np.random.default_rng(0).random((3, 513))
    found = signals.band(turns, 0.6, 0.8, 1024)
    inside = np.arange(513)[(np.arange(513) >= 0.6 * 512) & (np.arange(513) <= 0.8 * 512)] / 512
    np.testing.assert_allclose(signals.centroid(found), inside.mean(), rtol=1e-10)
    np.testing.assert_allclose(np.abs(found).max(-1), 1)
    power = np.abs(np.fft.rfft(found)) ** 2
    np.testing.assert_allclose(power[:, 308:410].sum(-1), power.sum(-1), rtol=1e-12)


def test_power_is_parseval_and_a_sine_lies_in_its_bin():
    x = np.random.default_rng(1).standard_normal((4, 64)).astype(np.float32)
    np.testing.assert_allclose(signals.power(x, 8).sum(-1), x.var(-1), rtol=1e-5)
    wave = 3 * np.sin(2 * np.pi * 13 / 64 * np.arange(64) + 0.4)  # 13 of 32: bins of four, the 4th
    want = np.zeros(8)
    want[3] = 4.5
    np.testing.assert_allclose(signals.power(wave, 8), want, atol=1e-4)


def test_scales_are_the_authors_at_their_length_and_as_dense_at_another():
    """tetris: SC 0.573 gives S0 = 3436.6, S1 = 1.719; turns a sample do not change with length."""
    s0, s1 = winner.scales(0.573, winner.FITTED_AT)
    assert s0 == pytest.approx(3500 * (1 - np.exp(-4.011)), rel=1e-12)
    assert s1 == pytest.approx(1.719)
    short, same = winner.scales(0.573, 4096)
    assert short / signals.nyquist(4096) == pytest.approx(s0 / signals.nyquist(150_000))
    assert same == s1


def test_noise_has_its_variance_and_leaves_the_rest():
    """E w^2 = 1/3 + (S0/omega)^2 first, 2/(width omega^2) + (S1/omega)^2 then."""
    sizes, noise, omega = (1, 300, 300, 300, 1), jnp.array([60.0, 2.0]), 30.0
    drawn = jax.jit(lambda key: winner.draw(key, sizes, omega))(KEY)
    plain, noisy = (winner.noisy(drawn, s * noise, omega) for s in (0, 1))
    want = (1 / 3 + 4, 2 / 300 / 900 + 4 / 900)
    for i, var in enumerate(want):
        count = noisy[i][0].size
        assert float((noisy[i][0] ** 2).mean()) == pytest.approx(var, rel=4 * (2 / count) ** 0.5)
        np.testing.assert_array_equal(noisy[i][1], plain[i][1])
    for one, other in zip(plain[2:], noisy[2:], strict=True):
        np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(plain[0][0], drawn[0][0][0])


def test_second_layer_has_the_frequency_of_the_law():
    """Phases of the second layer, differentiated on a grid, over many networks."""
    sizes, omega = (1, 48, 48, 1), 30.0
    x, noises = jnp.linspace(-1, 1, 50), np.array([(0, 0), (50.0, 0), (0, 2.0), (50, 2)])

    def square(key, noise):
        (w1, b1), (w2, b2), _ = winner.noisy(winner.draw(key, sizes, omega), noise, omega)
        phase = lambda x: omega * (jnp.sin(omega * (x * w1[0] + b1)) @ w2 + b2)  # noqa: E731
        return (jax.vmap(jax.jacfwd(phase))(x) ** 2).mean()

    over = jax.vmap(jax.vmap(square, (0, None)), (None, 0))
    found = jax.jit(over)(jax.random.split(KEY, 100), noises).mean(1) ** 0.5
    np.testing.assert_allclose(found, measure.reach(*noises.T, 48, omega), rtol=0.05)


def test_kernel_spectrum_is_that_of_gradients_and_of_eigenpairs():
    """sum_k lambda_k |FFT(v_k)|^2 / n, and sum over weights of |FFT(df/dtheta)|^2 / n^3."""
    n, noise = 32, np.array([5.0, 1.0])
    with jax.enable_x64(True):
        drawn = small()

        @jax.jit
        def both(drawn):
            theta = fitting.kernel(drawn, noise, omega=30.0, points=n)
            params = winner.noisy(drawn, noise, 30.0)
            rows = jax.jacfwd(lambda p: fitting.predict(p, 30.0, n, 30.0))(params)
            return theta, fitting.kernel_spectrum(theta), rows

        theta, found, jacobian = jax.tree.map(np.asarray, both(drawn))
    value, vector = np.linalg.eigh(theta)
    pairs = (value * np.abs(np.fft.fft(vector, axis=0)) ** 2).sum(1) / n
    flat = np.concatenate([np.reshape(j, (n, -1)) for j in jax.tree.leaves(jacobian)], axis=1)
    direct = (np.abs(np.fft.fft(flat, axis=0)) ** 2).sum(1) / n**3
    np.testing.assert_allclose(found, pairs[: n // 2 + 1], rtol=1e-8)
    np.testing.assert_allclose(found, direct[: n // 2 + 1], rtol=1e-8)


def test_training_is_adam_and_tells_the_error_before_the_step():
    """Adam's first step moves every weight that has a gradient by lr."""
    tx = fitting.optimiser(1e-3, 0.99, 20)
    signal = np.sin(40 * np.linspace(-1, 1, 64)).astype(np.float32)

    @jax.jit
    def both(drawn):
        state = fitting.begin(drawn, np.zeros(2), omega=30.0, tx=tx)
        start = fitting.predict(state.params, 30.0, 64, 30.0)
        how = {"count": 1, "omega": 30.0, "tx": tx}
        return state.params, start, *fitting.train(state, 30.0, signal, **how)

    before, start, after, error = both(small())
    assert float(error[0]) == pytest.approx(float(((start - signal) ** 2).mean()), rel=1e-5)
    for one, other in zip(before, after.params, strict=True):
        np.testing.assert_allclose(np.abs(other[0] - one[0]), 1e-3, rtol=2e-2)


def test_gains_of_planted_errors():
    arrays = {"zero": np.array([[0.1, 0.2]]), "fit": np.full((1, 5, 3), 0.1)}
    arrays["fit"][0, measure.WINNER] = [0.1, 1e-4, 1e-3]  # the best step counts
    arrays["sweep"] = np.array([[[0.1, 1e-3, 0.1]]])
    np.testing.assert_allclose(measure.against_siren(arrays), [[30, 0]])
    np.testing.assert_allclose(measure.against_sweep(arrays), [[30, 20]])
    np.testing.assert_allclose(measure.quality(arrays), 40)
