"""Truths of the experiment: known distributions, closed forms, limits, identities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from . import distances, figures, measure, summary, theory


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def size(d, n):
    return distances.Size(*map(np.asarray, (float(d), n, np.sqrt(d), 0.0)))


@pytest.mark.parametrize("d", [2, 3, 20, 60])
def test_two_numbers_a_point_are_non_central_chi_squared(d):
    u = jax.random.uniform(jax.random.key(0), (3, 40_000))
    r2 = np.asarray(jax.jit(distances.squared)(u, float(d), np.sqrt(d)))
    kept = r2[np.isfinite(r2)]
    assert len(kept) > (0.995 if d >= 20 else 0.6) * 40_000
    assert stats.kstest(kept, stats.ncx2(d, d).cdf).pvalue > 1e-3


def test_vectors_have_the_same_law():
    r2 = distances.of_vectors(jax.random.key(1), size(5, 0), 20_000, 5, True)
    assert stats.kstest(np.asarray(r2), stats.ncx2(5, 5).cdf).pvalue > 1e-3


@pytest.mark.parametrize("n", [5, 64, 1000])
def test_a_sum_is_over_n_points_whatever_is_rejected(n):
    """As lam goes to 0 a sum counts; in d = 2 a third of the candidates is rejected."""
    found = distances.sums(jax.random.key(2), size(2, n), jnp.array([1e-13]), block=64)
    np.testing.assert_allclose(found.first, n, rtol=1e-9)


def test_sums_have_the_exact_mean_and_variance():
    d, n, lam = 20, 50, np.array([0.03])
    keys = jax.random.split(jax.random.key(3), 4000)
    first = jax.jit(
        lambda k: jax.lax.map(lambda key: distances.sums(key, size(d, n), lam, 64).first, k)
    )(keys)
    over = np.asarray(first)[:, 0] / n / np.exp(d * theory.log_mean(lam[0]))
    exact = theory.variance(d, np.log(n), lam[0])
    assert over.mean() == pytest.approx(1, abs=4 * np.sqrt(exact / 4000))
    assert over.var() == pytest.approx(exact, rel=0.12)


def test_the_mean_and_its_level_by_integration():
    d, lam = 12, 0.3
    law = stats.ncx2(d, d)

    def weight(r2):
        return law.pdf(r2) * np.exp(-lam * r2)

    mean = integrate.quad(weight, 0, 200)[0]
    assert np.log(mean) / d == pytest.approx(theory.log_mean(lam), rel=1e-9)
    first = integrate.quad(lambda r2: r2 * weight(r2), 0, 200)[0]
    assert first / mean / d == pytest.approx(theory.level(lam), rel=1e-9)


def test_rate_is_the_legendre_transform():
    lam = np.geomspace(1e-3, 50, 9)
    s = theory.level(lam)
    np.testing.assert_allclose(theory.rate(s), -theory.log_mean(lam) - lam * s, atol=1e-13)
    slope = (theory.rate(s + 1e-6) - theory.rate(s - 1e-6)) / 2e-6
    np.testing.assert_allclose(slope, -lam, rtol=1e-3, atol=1e-6)


def test_probability_of_near_points_falls_at_that_rate():
    """Bahadur and Rao (1960): P(|x - y|^2 < d s) = e^(-d I) / (lam sqrt(2 pi d psi'')), d large."""
    d, lam = 2000, 0.2
    q = 1 / (1 + 2 * lam)
    curvature = 2 * q**2 + 4 * q**3
    found = np.log(stats.ncx2.cdf(d * theory.level(lam), d, d)) + d * theory.rate(theory.level(lam))
    assert found == pytest.approx(-np.log(lam * np.sqrt(2 * np.pi * d * curvature)), abs=0.02)


@pytest.mark.parametrize(("alpha", "h"), [(0.1, 1.3708), (0.2, 1.0457), (0.5, 0.6521)])
def test_condensation_and_the_optimum_below_it(alpha, h):
    """h_opt = h_G sqrt(1 + 2 h_G^2) / (1 + h_G^2); least KL log(h_opt) + alpha."""
    h_g, best = theory.condensation(alpha), theory.optimum(alpha)
    assert h_g == pytest.approx(h, abs=1e-4)
    assert best == pytest.approx(h_g * np.sqrt(1 + 2 * h_g**2) / (1 + h_g**2), rel=1e-12)
    kl = theory.kl(theory.log_density(alpha, best * np.array([0.99, 1.0, 1.01])))
    assert kl[1] == pytest.approx(np.log(best) + alpha, rel=1e-10)
    assert kl[1] < min(kl[0], kl[2])


def test_branches_meet_with_their_slopes():
    """The transition is of second order."""
    h_g = theory.condensation(0.2)
    below, at, above = theory.log_density(0.2, h_g * np.array([1 - 1e-5, 1, 1 + 1e-5]))
    assert (at - below) == pytest.approx(above - at, rel=1e-3)


@pytest.mark.parametrize("d", [20, 60, 200])
def test_density_of_distances(d):
    r2 = np.linspace(0.2 * d, 5 * d, 40)
    np.testing.assert_allclose(theory.log_chi(d, r2), stats.ncx2.logpdf(r2, d, d), atol=2e-5)


@pytest.mark.parametrize("lam", [0.05, 0.5, 2.0])
def test_the_law_of_two_points_by_their_joint_density(lam):
    r2 = np.linspace(2, 150, 1500)
    density = stats.ncx2.pdf(r2, 20, 20) * (r2[1] - r2[0])
    both, apart = density[:, None] * density, abs(r2[:, None] - r2)
    log_z = -lam * np.minimum(r2[:, None], r2) + np.log1p(np.exp(-lam * apart))
    share = (1 + np.exp(-2 * lam * apart)) / (1 + np.exp(-lam * apart)) ** 2
    law = theory.law(20, np.log(2), lam)
    assert law.log_z == pytest.approx((both * log_z).sum(), rel=1e-4)
    assert law.share == pytest.approx((both * share).sum(), rel=1e-4)


def test_the_law_of_wide_kernels_is_the_mean():
    """n E w to O(1 / n), and 1 / n times E w^2 / (E w)^2."""
    d, log_n, lam = 30, np.log(1e6), 0.02
    wide = theory.law(d, log_n, lam)
    spread = theory.variance(d, log_n, lam)
    assert wide.log_z - log_n - d * theory.log_mean(lam) == pytest.approx(-spread / 2, abs=2e-7)
    assert wide.share == pytest.approx(1e-6 + spread, rel=1e-3)


def test_the_law_of_many_points_is_that_of_samples():
    d, n, lam = 20, 55, theory.lam_of(0.8 * theory.condensation(0.2))
    r2 = np.random.default_rng(0).noncentral_chisquare(d, d, (20_000, n))
    w = np.exp(-lam * r2)
    share = (w**2).sum(axis=1) / w.sum(axis=1) ** 2
    law = theory.law(d, np.log(n), lam)
    assert law.share == pytest.approx(share.mean(), abs=4 * share.std() / 141)
    log_z = np.log(w.sum(axis=1))
    assert law.log_z == pytest.approx(log_z.mean(), abs=4 * log_z.std() / 141)


def test_the_tail_exponent_tends_to_the_square():
    found = theory.tail_exponent(0.2, [50, 1e6], np.array([1.2, 1.5]), 0.02)
    assert (found[0] > 1.2 * np.array([1.2, 1.5])).all()
    np.testing.assert_allclose(found[1], [1.2, 1.5], rtol=1e-4)


def test_hill_on_a_power_law():
    quantile = (1 - (np.arange(100_000) + 0.5) / 100_000) ** (-1 / 1.5)
    top = summary.largest(quantile, 0.02)
    assert top.shape == (2001,)
    assert measure.hill({"excess": top[None, None, None]})[0, 0, 0] == pytest.approx(1.5, rel=0.01)


def test_kolmogorovs_distance_is_that_of_scipy():
    z = np.random.default_rng(1).normal(0.3, 1, size=(2, 50))
    found = summary.kolmogorov(z)
    np.testing.assert_allclose(found, [stats.kstest(row, "norm").statistic for row in z])


def test_the_stable_density_is_levys_at_two_and_scipys_between():
    x = np.linspace(-3, 4, 8)
    np.testing.assert_allclose(figures.stable(x, 2.0), stats.norm(0, 2**0.5).pdf(x), atol=1e-6)
    law = stats.levy_stable(1.5, 1.0)
    np.testing.assert_allclose(figures.stable(x, 1.5), law.pdf(x), atol=1e-4)
