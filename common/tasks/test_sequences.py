"""Sequences against sums of waves, counts and their own inversion."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from common.tasks import sequences, splits

KEY = jax.random.key(0)
BAND = jax.jit(sequences.band_limited, static_argnums=1)
DELAY = jax.jit(sequences.delay, static_argnums=(1, 2, 3, 4))


def test_noise_has_its_band_its_variance_and_begins_at_0():
    normals = jax.random.normal(KEY, (4000, 2, 5))
    u = np.asarray(BAND(normals, 64))
    power = np.mean(np.abs(np.fft.rfft(u)) ** 2, 0) / 64**2
    np.testing.assert_allclose(power[1:6], 1 / 10, rtol=0.1)  # half a J-th, on either side of 0
    assert power[6:].max() < 1e-12
    assert np.abs(u[:, 0]).max() == 0
    assert np.mean(u.var(1)) == pytest.approx(1, abs=4 * (2 / (4000 * 10)) ** 0.5)


def test_noise_is_whitesignal_where_that_draws_the_same_numbers():
    """Its formula with rms 1 and period 1: sigma sqrt(1/2), corrected by the share kept."""
    a, b, length, count = *np.random.default_rng(0).normal(size=(2, 7)), 32, 7
    spectrum = np.zeros(17, complex)
    spectrum[1:8] = np.sqrt(0.5) * (a + 1j * b) / np.sqrt(count / 16) * np.sqrt(32)
    signal = np.fft.irfft(spectrum)
    got = BAND(np.stack([a, b]), length)
    np.testing.assert_allclose(got, signal - signal[0], atol=1e-5)


def test_delay_is_the_past_and_reconstruction_the_end():
    u, y = DELAY(KEY, 3, 50, 7, 4)
    np.testing.assert_array_equal(y[:, 7:], u[:, :-7])
    assert u.shape == y.shape == (3, 50)
    assert not y[:, :7].any()
    v, past = jax.jit(lambda key: sequences.reconstruction(key, 3, 50, 20, 4))(KEY)
    np.testing.assert_array_equal(v, u)
    np.testing.assert_array_equal(past, u[:, 30:])


@pytest.mark.parametrize("selective", [False, True])
def test_a_copy_is_what_was_shown_in_its_order(selective):
    sizes = {"memorised": 3, "blanks": 9, "alphabet": 6}  # letters 1 .. 4
    task = jax.jit(lambda key: sequences.copying(key, 500, **sizes, selective=selective))(KEY)
    inputs, targets, mask = map(np.asarray, task)
    assert inputs.shape == targets.shape == mask.shape == (500, 15)
    shown = inputs[:, :12]
    word = shown[shown > 0].reshape(500, 3)
    np.testing.assert_array_equal(targets[mask].reshape(500, 3), word)
    assert not targets[~mask].any()
    assert (inputs[mask] == 5).all()
    assert not mask[:, :12].any()
    assert mask[:, 12:].all()
    assert word.max() == 4
    counts = np.bincount(word.ravel())[1:]
    assert scipy.stats.chisquare(counts).pvalue > 1e-3
    places = (shown > 0).sum(0)
    if selective:
        spread = ((places - 125) ** 2 / (500 * 0.25 * 0.75)).mean()  # of Bernoulli(3 / 12)
        assert spread == pytest.approx(1, abs=0.9)
    else:
        np.testing.assert_array_equal(places, [500] * 3 + [0] * 9)


def test_tones_add_one_line_of_the_spectrum_at_the_same_phase():
    x = np.random.default_rng(0).normal(size=(3, 64))
    rates = 2 * np.pi * np.array([0, 5, 32]) / 64
    added = np.asarray(sequences.tones(KEY, x, 0.5, rates)) - x
    waves = np.fft.rfft(added) / 64
    np.testing.assert_allclose(np.abs(waves[1, :, 5]), 0.25, atol=1e-6)
    np.testing.assert_allclose(np.abs(np.delete(waves[1], 5, 1)), 0, atol=1e-6)
    sine = added[0, :, 0]  # frequency 0 shows the phase
    np.testing.assert_allclose(added[1, :, 0], sine, atol=1e-6)
    np.testing.assert_allclose(added[2], sine[:, None] * (-1.0) ** np.arange(64), atol=1e-5)


def test_phases_are_uniform():
    x = np.zeros((2000, 2))
    first, second = np.asarray(sequences.tones(KEY, x, 1.0, np.array([np.pi / 2])))[0].T
    phase = np.arctan2(first, second) % (2 * np.pi)  # sin p, sin(p + pi/2)
    assert scipy.stats.kstest(phase / (2 * np.pi), "uniform").pvalue > 1e-3


def test_pixels_come_in_the_order_asked_for():
    images = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)
    orders = {
        "rows": range(12),
        "columns": [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11],
        "snake": [0, 1, 2, 3, 7, 6, 5, 4, 8, 9, 10, 11],
    }
    for order, wanted in orders.items():
        got = sequences.pixels(images, order)
        np.testing.assert_allclose(got, np.array([wanted]) / 255, rtol=1e-6)
    colours = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    got = np.asarray(sequences.pixels(colours, "columns"))
    np.testing.assert_allclose(got[1, 4] * 255, colours[1, 1, 1], rtol=1e-6)


def test_a_key_permutes_the_pixels_of_all_images_alike():
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 6), dtype=np.uint8)
    places = np.arange(24, dtype=np.uint8).reshape(1, 4, 6)
    order = np.rint(np.asarray(sequences.pixels(places, key=KEY))[0] * 255).astype(int)
    assert sorted(order) == list(range(24))
    assert order.tolist() != list(range(24))
    plain = np.asarray(sequences.pixels(images))
    np.testing.assert_array_equal(sequences.pixels(images, key=KEY), plain[:, order])
    np.testing.assert_array_equal(splits.permuted(KEY, plain), plain[:, order])


def test_keys_are_a_batch():
    many = jax.random.split(KEY, 3)
    sizes = {"memorised": 2, "blanks": 3, "alphabet": 9, "selective": True}
    copy = jax.jit(lambda key: sequences.copying(key, 2, **sizes).inputs)
    np.testing.assert_array_equal(jax.vmap(copy)(many)[1], copy(many[1]))
    u, y = jax.vmap(lambda key: DELAY(key, 3, 50, 7, 4))(many)
    np.testing.assert_allclose(u[2], DELAY(many[2], 3, 50, 7, 4)[0], atol=1e-6)
    assert y.shape == (3, 3, 50)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: sequences.band_limited(jnp.zeros((2, 5)), 10), "normals"),
        (lambda: sequences.band_limited(jnp.zeros((2, 0)), 10), "normals"),
        (lambda: sequences.delay(KEY, 0, 20, 3, 4), "count"),
        (lambda: sequences.delay(KEY, 2, 20, 20, 4), "lag"),
        (lambda: sequences.delay(KEY, 2, 20, -1, 4), "lag"),
        (lambda: sequences.delay(KEY, 2, 20, 3, 0), "frequencies"),
        (lambda: sequences.delay(KEY, 2, 20, 3, 10), "frequencies"),
        (lambda: sequences.reconstruction(KEY, 2, 20, 21, 4), "window"),
        (lambda: sequences.copying(KEY, 2, memorised=0, blanks=1, alphabet=4), "memorised"),
        (lambda: sequences.copying(KEY, 2, memorised=1, blanks=-1, alphabet=4), "blanks"),
        (lambda: sequences.copying(KEY, 2, memorised=1, blanks=1, alphabet=2), "alphabet"),
        (lambda: sequences.tone(jnp.zeros((2, 3)), jnp.ones(3), 1.0, 0.0), "amplitude"),
        (lambda: sequences.pixels(np.zeros((1, 2, 2))), "images"),
        (lambda: sequences.pixels(np.zeros((1, 2), np.uint8)), "images"),
        (lambda: sequences.pixels(np.zeros((1, 2, 2), np.uint8), "rings"), "order"),
    ],
)
def test_refusals(call, named):
    with pytest.raises(ValueError, match=named):
        call()
