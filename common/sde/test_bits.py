"""Bits per dimension against closed forms: uniform, Gaussian of known entropy and densities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from common.sde import bits, processes

KEY = jax.random.key(0)
VP = processes.vp()


def test_a_uniform_density_costs_the_bits_of_the_levels():
    """Density 2^-D on [-1, 1]^D: log2(levels); with 256 levels and a density of 1: 7."""
    assert bits.per_dimension(-64 * np.log(2), 64, 17) == pytest.approx(np.log2(17))
    assert bits.per_dimension(0.0, 10, 256) == pytest.approx(7)


def test_noise_fills_a_step_of_grey_and_no_more():
    image = jnp.arange(17).repeat(2000)
    x = bits.dequantised(KEY, image, 17)
    inside = (x + 1) * 17 / 2 - image  # uniform on [0, 1]
    assert 0 <= float(inside.min()) < float(inside.max()) <= 1
    assert float(inside.mean()) == pytest.approx(0.5, abs=4 / (12 * 34_000) ** 0.5)
    assert float(inside.var()) == pytest.approx(1 / 12, rel=0.02)


def test_gaussian_data_cost_their_entropy():
    """Fine levels of N(0, s^2): log2(s sqrt(2 pi e)) + log2(levels / 2), by the exact score."""
    std, levels, size = 0.2, 1000, 5

    def score(x, t):
        scale, noise = (processes.expand(c, x) for c in VP.marginal(t))
        return -x / ((scale * std) ** 2 + noise**2)

    data = std * jax.random.normal(KEY, (600, size))
    images = jnp.floor((data + 1) * levels / 2).astype(int)
    found = jax.jit(
        lambda key: bits.of_images(key, VP, score, images, levels=levels, batch=200, probes=2)
    )(jax.random.key(1))
    want = 0.5 * np.log2(2 * np.pi * np.e) + np.log2(std * levels / 2)
    error = 0.5 * np.sqrt(2 / (600 * size)) / np.log(2)
    assert float(found.bits.mean()) == pytest.approx(want, abs=4 * error)
    centre = 2 * (np.asarray(images) + 0.5) / levels - 1  # one by one, to within a step
    exact = -norm(0, std).logpdf(centre).mean(1) / np.log(2) + np.log2(levels / 2)
    np.testing.assert_allclose(found.bits, exact, atol=0.02)
    assert found.nfe.shape == (3,)
    assert float(found.error.max()) < 1e-4  # every direction has the same divergence


def test_a_batch_that_does_not_divide_the_images_is_refused():
    with pytest.raises(ValueError, match="batch must divide the 4 images, not 3"):
        bits.of_images(KEY, VP, lambda x, t: -x, jnp.zeros((4, 2), int), levels=2, batch=3)
