"""Truths of the experiment: dense references, closed forms, limits, identities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from . import fits, law, selection, sem

D, N, NOISE = 5, 60, 0.1


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def model(seed=0, shift="null"):
    return sem.made(jax.random.normal(jax.random.key(seed), (D + 3, D)), shift)


def parts(z, kappa, gamma):
    """X, A, G and Y of the rows of a sample."""
    X, B, G, Y = np.split(np.asarray(z), [D, 2 * D, 3 * D - 1], axis=1)
    return X, X + gamma * B, G, Y @ [1, kappa]


@pytest.fixture
def sample():
    z = sem.sampled(jax.random.key(1), model(), N, NOISE, False)
    return parts(z, 0.7, 1.3), fits.view(sem.moments(z), D, 0.7, 1.3)


def test_shifts_leave_f_as_it_is_and_span_the_rest():
    m = model()
    np.testing.assert_allclose(m.directions @ m.f, 0, atol=1e-14)
    np.testing.assert_allclose(m.directions @ m.directions.T, np.eye(D - 1), atol=1e-14)
    assert abs(model(shift="random").directions @ m.f).max() > 0.1


def test_regressions_from_moments_are_least_squares_on_rows(sample):
    (X, A, _, Y), m = sample
    for found, rows in ((fits.erm(m), X), (fits.augmented(m), A)):
        np.testing.assert_allclose(found, np.linalg.lstsq(rows, Y)[0], rtol=1e-9)


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 30.0])
def test_ivl_from_moments_is_least_squares_on_weighted_rows(sample, alpha):
    """The closed form of the code: K = (sqrt(1 + a) - sqrt(a)) Pi + sqrt(a) I, an n x n matrix."""
    (_, A, G, Y), m = sample
    projection = G @ np.linalg.pinv(G)
    K = (np.sqrt(1 + alpha) - np.sqrt(alpha)) * projection + np.sqrt(alpha) * np.eye(N)
    np.testing.assert_allclose(fits.ivl(m, alpha), np.linalg.lstsq(K @ A, K @ Y)[0], rtol=1e-8)


def test_two_stages_from_moments_are_two_regressions_of_least_norm(sample):
    (_, A, G, Y), m = sample
    fitted = G @ np.linalg.lstsq(G, A)[0]
    h = np.linalg.lstsq(fitted, Y, rcond=1e-10)[0]
    np.testing.assert_allclose(fits.two_stage(m), h, rtol=1e-8)


def test_moments_of_a_large_sample_are_the_exact_ones():
    for permuted in (False, True):
        z = sem.sampled(jax.random.key(2), model(), 100_000, NOISE, permuted)
        exact = sem.exact(model(), NOISE, permuted)
        scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
        assert (abs(sem.moments(z) - exact) / scale).max() < 0.02


def test_without_an_instrument_the_population_is_that_of_augmented_regression():
    m = fits.view(sem.exact(model(), NOISE, True), D, 1.0, 1.0)
    np.testing.assert_allclose(fits.ivl(m, 0.01), fits.augmented(m), rtol=1e-9)


def test_the_limit_of_small_alpha_errs_along_f_alone():
    """And there by f^T Cov(X, eps) / f^T S f, whatever the augmentation's strength."""
    m = model()
    S, _ = law.blocks(m, NOISE)
    rest = law.limit(m, NOISE, 1.0, 2.0, 1e-9) - m.f
    expected = m.f * (m.f @ m.W.T @ m.w) / (m.f @ S @ m.f)
    np.testing.assert_allclose(rest, expected, atol=1e-6)


def test_the_law_without_instrument_weight_is_that_of_least_squares():
    """alpha large: e^2 tr (S + gamma^2 P)^-1, e^2 the residual of augmented regression."""
    m, gamma = model(), 1.3
    exact = fits.view(sem.exact(m, NOISE, False), D, 1.0, gamma)
    h = fits.augmented(exact)
    residual = exact.yy - h @ exact.ay
    expected = residual * np.trace(np.linalg.inv(exact.aa))
    np.testing.assert_allclose(law.spread(m, NOISE, 1.0, gamma, 1e7), expected, rtol=1e-5)


def test_the_law_is_the_spread_of_many_samples():
    m, n, alpha = model(), 2000, 0.3

    def one(key):
        z = sem.sampled(key, m, n, NOISE, False)
        return fits.ivl(fits.view(sem.moments(z), D, 1.0, 1.0), alpha)

    h = jax.jit(lambda keys: jax.lax.map(one, keys))(jax.random.split(jax.random.key(5), 400))
    found = n * ((h - law.limit(m, NOISE, 1.0, 1.0, alpha)) ** 2).sum(1)
    error = found.std() / 20
    assert abs(found.mean() - law.spread(m, NOISE, 1.0, 1.0, alpha)) < 4 * error


def test_confounding_from_the_direction_is_the_maximum_of_its_density():
    """Against the density of a direction by dense matrices, minimised without a grid."""
    r = np.random.default_rng(3)
    basis = r.normal(size=(D, D))
    S, h = basis @ basis.T, r.normal(size=D) @ np.linalg.inv(basis) * 3

    def minus(log_theta):
        C = np.eye(D) + np.exp(log_theta) * np.linalg.inv(S)
        return np.linalg.slogdet(C)[1] + D * np.log(h @ np.linalg.solve(C, h) / (h @ h))

    at = optimize.minimize_scalar(minus, bounds=(-12, 12), method="bounded").x
    share = 0.001 + np.exp(at) * np.trace(np.linalg.inv(S)) / D
    beta = selection.confounded(jnp.asarray(S), jnp.asarray(h))
    np.testing.assert_allclose(beta, share / (1 + share), rtol=0.03)
