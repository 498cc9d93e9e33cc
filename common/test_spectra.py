"""Ranks against known matrices, power-law fits against Pareto samples."""

import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

from common.spectra import (
    effective_rank,
    participation_ratio,
    power_law,
    stable_rank,
    weight_spectra,
)

RANKS = (effective_rank, stable_rank, participation_ratio)


@pytest.mark.parametrize("xp", [np, jnp])
@pytest.mark.parametrize("rank", RANKS)
def test_identity_rank_one_and_zero(xp, rank):
    spectra = xp.asarray(np.stack([np.ones(7), np.eye(7)[3], np.zeros(7), 1e-30 * np.ones(7)]))
    np.testing.assert_allclose(rank(spectra), [7, 1, 0, 7], rtol=1e-6)


def test_two_levels_in_closed_form():
    s = np.array([3.0, 1.0])
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    np.testing.assert_allclose(effective_rank(s), np.exp(entropy))
    np.testing.assert_allclose(stable_rank(s), 10 / 9)
    np.testing.assert_allclose(participation_ratio(s), 16 / 10)


def test_participation_of_a_wishart_spectrum():
    rng = np.random.default_rng(0)  # n samples in d dimensions: d / (1 + d / n) as both grow
    n, d = 800, 400
    eigenvalues = np.linalg.eigvalsh(np.cov(rng.normal(size=(n, d)), rowvar=False))
    np.testing.assert_allclose(participation_ratio(eigenvalues), d / (1 + d / n), rtol=0.01)


def pareto(rng, alpha, n):
    return (1 - rng.random(n)) ** (-1 / (alpha - 1))


@pytest.mark.parametrize("n", [5, 200])
def test_the_interval_covers_at_its_nominal_rate(n):
    rng = np.random.default_rng(1)
    fits = [power_law(pareto(rng, 2.5, n), x_min=1.0, level=0.1) for _ in range(2000)]
    covered = np.mean([fit.low <= 2.5 <= fit.high for fit in fits])
    assert abs(covered - 0.9) < 4 * np.sqrt(0.09 / 2000)
    if n == 200:
        np.testing.assert_allclose(np.std([f.alpha for f in fits]), fits[0].error, rtol=0.2)


def test_the_start_of_the_tail_is_found():
    rng = np.random.default_rng(2)
    body = rng.uniform(0.01, 1, 500)
    fit = power_law(np.r_[body, pareto(rng, 3.0, 800)])
    assert 0.85 < fit.x_min < 1.6
    assert abs(fit.alpha - 3) < 4 * fit.error
    assert fit.distance < 0.05


def test_the_interval_with_a_chosen_start_covers_nearly_as_often():
    rng = np.random.default_rng(3)
    fits = [power_law(pareto(rng, 2.0, 120), least=60) for _ in range(60)]
    assert np.mean([fit.low <= 2 <= fit.high for fit in fits]) > 0.8


def test_an_exponential_is_no_power_law():
    rng = np.random.default_rng(4)
    exponential = power_law(1 + rng.exponential(1, 2000), x_min=1.0)
    true = power_law(pareto(rng, 2.5, 2000), x_min=1.0)
    assert exponential.distance > 2 * true.distance


def test_units_do_not_matter():
    x = pareto(np.random.default_rng(5), 2.2, 150)
    one, other = power_law(x), power_law(1e-12 * x)
    np.testing.assert_allclose(one.alpha, other.alpha)
    np.testing.assert_allclose(one.x_min * 1e-12, other.x_min)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([1.0, np.nan, 2.0], {}, "finite"),
        ([1.0, 2.0, 3.0], {}, "fewer than"),
        (-np.ones(100), {}, "fewer than"),
        (np.ones(100), {}, "no two different"),
        ([1.0, 2.0], {"x_min": 0.0}, "positive"),
    ],
)
def test_what_cannot_be_fitted_is_an_error(values, options, message):
    with pytest.raises(ValueError, match=message):
        power_law(np.asarray(values), **options)


def test_weight_spectra_of_a_tree():
    rotation = np.linalg.qr(np.random.default_rng(6).normal(size=(4, 4)))[0]
    kernel = jnp.asarray(rotation * [4.0, 3.0, 2.0, 1.0]).reshape(2, 2, 1, 4)
    tree = {"conv": {"kernel": kernel, "bias": jnp.ones(4)}, "head": [2 * np.eye(3), None]}
    spectra = weight_spectra(tree)
    assert list(spectra) == ["conv/kernel", "head/0"]
    np.testing.assert_allclose(spectra["conv/kernel"], [4, 3, 2, 1], rtol=1e-5)
    np.testing.assert_allclose(spectra["head/0"], 2)
    with pytest.raises(ValueError, match="a/0 must be finite"):
        weight_spectra({"a": (np.full((2, 2), np.nan),)})


def test_needs_no_jax():
    code = "import sys; import common.spectra; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
