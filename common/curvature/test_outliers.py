"""Outlier counts on spectra whose count is known, on NumPy and JAX arrays, without JAX."""

import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

from common.curvature.outliers import above_bulk, above_fraction, largest_ratio

BULK = np.random.default_rng(0).normal(0, 1e-3, 200)
NINE = np.r_[BULK, np.linspace(0.2, 1.0, 9)]


@pytest.mark.parametrize("xp", [np, jnp])
def test_nine_planted_outliers_in_any_order_and_with_leading_axes(xp):
    shuffled = np.random.default_rng(1).permutation(NINE)
    spectra = xp.asarray(np.stack([NINE, shuffled, 7.0 * NINE]))
    for count in (
        above_fraction(spectra),
        largest_ratio(spectra, classes=10),
        above_bulk(spectra, classes=10),
    ):
        np.testing.assert_array_equal(count, 9)
        assert count.shape == (3,)


def test_thresholds_stand_where_they_say():
    np.testing.assert_array_equal(above_fraction(np.array([1.0, 0.06, 0.04])), 2)
    np.testing.assert_array_equal(above_fraction(np.array([1.0, 0.06, 0.04]), fraction=0.03), 3)
    bulk = np.r_[np.full(100, -0.01), 0.09, 0.11, 1.0]  # the edge counts |lambda|: 10 x 0.01
    np.testing.assert_array_equal(above_bulk(bulk, classes=1), 2)
    np.testing.assert_array_equal(above_bulk(bulk, classes=1, factor=8.0), 3)
    np.testing.assert_array_equal(largest_ratio(np.array([8.0, 4.0, 1.0, 0.9]), classes=1), 2)


def test_largest_ratio_looks_no_further_than_three_per_class():
    values = np.array([1.0, 0.9, 0.7, 0.6, 0.5, 1e-9])
    np.testing.assert_array_equal(largest_ratio(values, classes=1), 2)
    np.testing.assert_array_equal(largest_ratio(values, classes=2), 5)


def test_the_sign_change_ends_the_list():
    np.testing.assert_array_equal(largest_ratio(np.array([9.0, 8.0, -7.0, -9.0]), classes=1), 2)
    np.testing.assert_array_equal(largest_ratio(np.array([9.0, 1.0, 0.0, 0.0]), classes=1), 2)


def test_zero_and_negative_spectra_have_none():
    for values in (np.zeros(50), -np.arange(1.0, 51.0)):
        assert above_fraction(values) == 0
        assert largest_ratio(values, classes=3) == 0
        assert above_bulk(values, classes=3) == 0


def test_a_spectrum_without_bulk_is_an_error():
    with pytest.raises(ValueError, match="no bulk"):
        above_bulk(np.ones(6), classes=2)


def test_needs_no_jax():
    code = "import sys; import common.curvature.outliers; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
