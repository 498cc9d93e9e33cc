"""Quadrature, density and traces against known spectra; standard errors against simulation."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.curvature.probes import hutchinson
from common.curvature.slq import (
    CONFIDENCE,
    FEWEST,
    density,
    entropy,
    slq,
    spectral_function,
    total,
)
from common.curvature.test_lanczos import symmetric
from common.stats import t_quantile

SPECTRUM = np.r_[np.linspace(-0.2, 0.3, 90), 1.0, 1.5, 2.0, 4.0]
P = len(SPECTRUM)


@partial(jax.jit, static_argnames=("steps", "probes", "together"))
def quadrature(A, *, steps=20, probes=30, together=1):
    product = lambda v: A @ v  # noqa: E731
    return slq(jax.random.key(0), product, len(A), steps=steps, probes=probes, together=together)


def test_moments_are_exact_for_every_probe():
    with jax.enable_x64(True):
        A = symmetric(SPECTRUM)
        nodes, weights = map(np.asarray, quadrature(A, steps=4, probes=3))
        np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-12)
        # a probe of random signs sees v^T A^k v / P; the mean of the 8 moments is compared in law
        for probe, key in enumerate(jax.random.split(jax.random.key(0), 3)):
            v = np.asarray(jax.random.rademacher(key, (P,), jnp.float64))
            for k in range(8):  # degree 2 steps - 1 = 7
                want = v @ np.linalg.matrix_power(A, k) @ v / P
                got = weights[probe] @ nodes[probe] ** k
                np.testing.assert_allclose(got, want, rtol=1e-10)


def test_full_quadrature_on_the_diagonal_is_the_spectrum_itself():
    with jax.enable_x64(True):  # signs see every eigenvector of a diagonal matrix with weight 1/P
        values = np.sort(np.random.default_rng(0).normal(size=12))
        nodes, weights = quadrature(jnp.diag(jnp.asarray(values)), steps=12, probes=2)
        np.testing.assert_allclose(nodes, np.tile(values, (2, 1)), atol=1e-12)
        np.testing.assert_allclose(weights, 1 / 12, atol=1e-12)


def test_density_matches_the_smoothed_spectrum_within_its_error():
    with jax.enable_x64(True):
        A = symmetric(SPECTRUM)
        grid, sigma = jnp.linspace(-1, 5, 121), 0.2
        nodes, weights = quadrature(A, probes=40)
        got = density(nodes, weights, grid, sigma=sigma)
        want = np.exp(-(((grid[:, None] - SPECTRUM) / sigma) ** 2) / 2).mean(1)
        want /= sigma * np.sqrt(2 * np.pi)
        assert (jnp.abs(got.estimate - want) < 5 * got.error + 1e-6).all()
        np.testing.assert_allclose(jnp.trapezoid(got.estimate, grid), 1, atol=1e-3)
        assert got.error.shape == grid.shape
        assert got.error.max() < 0.2 * want.max()


def test_together_changes_nothing():
    with jax.enable_x64(True):
        A = symmetric(SPECTRUM)
        one = quadrature(A, probes=5)
        three = quadrature(A, probes=5, together=3)
        np.testing.assert_allclose(one.nodes[:, -1], three.nodes[:, -1], rtol=1e-12)
        want = spectral_function(jnp.exp, one.nodes, one.weights, P)
        got = spectral_function(jnp.exp, three.nodes, three.weights, P)
        np.testing.assert_allclose(got.estimate, want.estimate, rtol=1e-12)


@pytest.mark.parametrize("spectrum", [np.zeros(8), np.ones(8), np.r_[np.zeros(6), 2.0, 2.0]])
def test_breakdown_leaves_exact_finite_answers(spectrum):
    nodes, weights = quadrature(jnp.diag(jnp.asarray(spectrum)), steps=6)
    assert jnp.isfinite(nodes).all()
    got = spectral_function(lambda x: x**2, nodes, weights, 8)
    np.testing.assert_allclose(got.estimate, (spectrum**2).sum(), atol=1e-5)


def test_log_determinant_after_a_breakdown_is_finite():
    values = jnp.array([2.0, 2.0, 3.0, 3.0])
    nodes, weights = quadrature(jnp.diag(values), steps=4)
    got = spectral_function(jnp.log, nodes, weights, 4)
    np.testing.assert_allclose(got.estimate, 2 * np.log(6), rtol=1e-5)


def test_hutchinson_is_exact_on_a_diagonal():
    values = jnp.array([-1.0, 2.0, 5.0])
    got = hutchinson(jax.random.key(0), lambda v: values * v, 3, probes=4)
    np.testing.assert_allclose(got.estimate, 6)
    np.testing.assert_allclose(got.error, 8 * (1 + 2 + 5) * 2.0**-23)  # of rounding
    assert got.matvecs == 4


def test_one_probe_has_an_infinite_error():
    A = symmetric(SPECTRUM)
    assert jnp.isinf(hutchinson(jax.random.key(0), lambda v: A @ v, P, probes=1).error)
    nodes, weights = quadrature(A, probes=1)
    assert jnp.isinf(spectral_function(jnp.exp, nodes, weights, P).error)


def test_standard_errors_are_calibrated():
    with jax.enable_x64(True):
        A = symmetric(SPECTRUM)
        matvec = lambda v: A @ v  # noqa: E731
        keys = jax.random.split(jax.random.key(11), 800)

        @jax.jit
        @jax.vmap
        def estimates(key):
            trace = hutchinson(key, matvec, P, probes=8, together=8)
            quad = slq(key, matvec, P, steps=10, probes=8, together=8)
            return jnp.stack(
                [
                    jnp.stack(trace[:2]),
                    jnp.stack(spectral_function(jnp.exp, quad.nodes, quad.weights, P)[:2]),
                ]
            )

        value, error = jnp.moveaxis(estimates(keys), -1, 0)
        truth = np.array([SPECTRUM.sum(), np.exp(SPECTRUM).sum()])
        spread = value.std(0)
        np.testing.assert_allclose(jnp.sqrt((error**2).mean(0)), spread, rtol=0.1)
        assert (jnp.abs(value.mean(0) - truth) < 4 * spread / np.sqrt(len(keys))).all()


def test_the_variance_of_hutchinson_is_the_stated_one():
    with jax.enable_x64(True):
        A = symmetric(SPECTRUM)
        want = jnp.sqrt(2 * ((A**2).sum() - (jnp.diag(A) ** 2).sum()))
        got = hutchinson(jax.random.key(3), lambda v: A @ v, P, probes=4000, together=4000)
        np.testing.assert_allclose(got.error * np.sqrt(4000), want, rtol=0.05)


def test_a_log_determinant_to_one_percent():
    eigenvalues = np.linspace(1, 30, 100)
    A = symmetric(eigenvalues)
    exact = np.log(eigenvalues).sum()
    found = total(jax.random.key(2), lambda v: A @ v, 100, jnp.log, rtol=0.01, steps=25)
    assert found.converged
    assert found.matvecs % 25 == 0
    assert found.error <= 0.01 * abs(found.estimate)
    assert abs(found.estimate - exact) <= found.bound < 0.05 * exact
    capped = total(
        jax.random.key(2), lambda v: A @ v, 100, jnp.log, rtol=1e-9, steps=25, max_probes=9
    )
    assert not capped.converged
    assert capped.matvecs == 9 * 25
    with pytest.raises(ValueError, match="not finite"):
        total(jax.random.key(2), lambda v: -(A @ v), 100, jnp.log, rtol=0.1, steps=5)


@pytest.mark.parametrize("tail", [2.0, 5.0, 20.0])
def test_the_bound_of_a_stopped_mean_holds_as_often_as_stated(tail):
    """The rule of `total` on 20,000 simulated runs, of skewed samples (gamma)."""
    rng = np.random.default_rng(0)
    x = rng.gamma(tail, size=(20_000, 64)) / tail  # skewness 1.4, 0.9, 0.45
    held, open_ = np.zeros(len(x), bool), np.ones(len(x), bool)
    for n in range(FEWEST, 65, FEWEST):
        mean, error = x[:, :n].mean(1), x[:, :n].std(1, ddof=1) / np.sqrt(n)
        stop = open_ & ((error <= 0.1 * mean) | (n == 64))
        bound = float(t_quantile(n - 1, CONFIDENCE)) * error
        held[stop] = np.abs(mean - 1)[stop] <= bound[stop]
        open_ &= ~stop
    assert held.mean() >= 0.95


def test_the_entropy_of_a_density_matrix():
    """Of a spectrum through Lanczos, of a projection (log2 of its rank), in any units."""
    with jax.enable_x64(True):
        values = np.r_[np.linspace(0, 1, 60), np.zeros(20), 30.0]
        A, p = symmetric(values), values[values > 0] / values.sum()
        want = -(p * np.log2(p)).sum()
        for unit in (1.0, 1e-100, 1e100):
            found = entropy(values.sum() * unit, *quadrature(A * unit, steps=40), len(values))
            assert abs(found.estimate - want) < 4 * found.error < 0.4, unit
        flat = quadrature(symmetric(np.r_[np.full(16, 3.0), np.zeros(16)]), steps=4)
        np.testing.assert_allclose(entropy(48.0, *flat, 32).estimate, 4, atol=1e-9)
        one = quadrature(jnp.eye(8), steps=1)
        np.testing.assert_allclose(entropy(8.0, *one, 8).estimate, 3, rtol=1e-12)
        with pytest.raises(ValueError, match="trace must be positive"):
            entropy(0.0, *one, 8)
