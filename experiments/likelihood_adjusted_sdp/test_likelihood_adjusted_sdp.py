"""Truths of the experiment: the lift, projections, optima of SDPs, covariances, EM, K-means."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import admm, clustering, iterated, likelihood, mixtures

SOLVE = jax.jit(partial(admm.solve, rho=4.0, relax=1.6, tol=1e-8, most=5000))


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def drawn(seed, n, p, clusters):
    """X [n, p], labels [n] with every cluster in them, covariances [K, p, p]."""
    rng = np.random.default_rng(seed)
    roots = rng.standard_normal((clusters, p, p))
    covariances = roots @ roots.swapaxes(1, 2) + 0.1 * np.eye(p)
    labels = rng.permutation(np.arange(n) % clusters)
    return rng.standard_normal((n, p)), labels, covariances


def test_the_lift_is_the_likelihood_and_a_common_term_a_constant():
    X, labels, covariances = drawn(0, 13, 3, 3)
    A, Z = likelihood.matrices(X, covariances), likelihood.integral(labels, 3)
    expected = likelihood.profile(X, labels, covariances)
    np.testing.assert_allclose(likelihood.value(A, Z), expected, rtol=1e-12)
    common = np.random.default_rng(1).standard_normal(13)
    moved = A - (common[:, None] + common) / 4
    shift = likelihood.value(moved, Z) - likelihood.value(A, Z)
    np.testing.assert_allclose(shift, -common.sum() / 2, rtol=1e-10)


def test_the_likelihood_is_that_of_normal_densities_at_the_best_means():
    """By scipy's density, less its constant."""
    from scipy.stats import multivariate_normal

    X, labels, covariances = drawn(2, 12, 2, 2)
    total = 12 * np.log(2 * np.pi)
    for k in (0, 1):
        inside = X[labels == k]
        total += multivariate_normal(inside.mean(0), covariances[k]).logpdf(inside).sum()
    np.testing.assert_allclose(likelihood.profile(X, labels, covariances), total, rtol=1e-12)


@pytest.mark.parametrize("K", [1, 3])
def test_the_affine_projection_is_that_of_least_squares(K):
    """Every constraint as a row of a matrix, and its pseudo-inverse."""
    n = 5
    M = np.random.default_rng(3).standard_normal((K, n, n))
    M = M + M.swapaxes(1, 2)
    rows = []
    for i in range(n):
        row = np.zeros((n, n))
        row[i] += 0.5
        row[:, i] += 0.5
        rows.append(np.tile(row.ravel(), K))
    for k in range(K):
        rows.append(np.kron(np.eye(K)[k], np.eye(n).ravel()))
    C, target = np.array(rows), np.r_[np.ones(n), np.full(K, 2.0)]
    expected = M.ravel() - np.linalg.pinv(C) @ (C @ M.ravel() - target)
    found = np.asarray(admm.affine(jnp.asarray(M), 1.0, 2.0))
    np.testing.assert_allclose(found.ravel(), expected, atol=1e-12)


def test_la_sdp_is_the_best_of_all_partitions_where_clusters_are_apart():
    """Eight points, all partitions into two, unequal covariances."""
    rng = np.random.default_rng(4)
    X = np.r_[rng.standard_normal((4, 2)) * [1.5, 0.5], [6, 6] + rng.standard_normal((4, 2)) * 0.5]
    covariances = np.stack([np.diag([2, 0.3]), np.eye(2) * 0.3])
    A = likelihood.matrices(X, covariances)
    solved = iterated.la_sdp(SOLVE, A)
    ways = [np.array(w) for w in itertools.product((0, 1), repeat=8) if 0 < sum(w) < 8]
    best = max(ways, key=lambda w: likelihood.profile(X, w, covariances))
    assert solved.residual < 1e-8
    np.testing.assert_allclose(solved.Z, likelihood.integral(best, 2), atol=1e-6)
    value = likelihood.value(A, solved.Z)
    np.testing.assert_allclose(value, likelihood.profile(X, best, covariances), atol=1e-4)


def test_one_matrix_of_trace_k_is_the_kmeans_sdp():
    """Integral on blocks that are apart; with equal covariances all Z_k share it."""
    rng = np.random.default_rng(5)
    X = np.repeat([[0, 0], [9, 0], [0, 9]], 4, axis=0) + 0.3 * rng.standard_normal((12, 2))
    labels = np.repeat(np.arange(3), 4)
    solved = iterated.kmeans_sdp(SOLVE, jnp.asarray(X), 3)
    Z = likelihood.integral(labels, 3).sum(0)
    np.testing.assert_allclose(solved.Z[0], Z, atol=1e-6)
    A = likelihood.matrices(X, jnp.stack([jnp.eye(2)] * 3))
    np.testing.assert_allclose(iterated.la_sdp(SOLVE, A).Z, [Z / 3] * 3, atol=1e-6)


def test_the_best_covariances_are_stationary_and_the_clusters_own():
    """Of a fractional Z by the derivative; of a partition by numpy's covariance."""
    X, labels, _ = drawn(6, 14, 2, 2)
    Z = likelihood.integral(labels, 2)
    Z = 0.7 * Z + 0.3 * likelihood.integral(1 - labels[::-1], 2)

    @jax.jit
    def penalised(C):
        return likelihood.value(likelihood.matrices(X, C, ridge=0.05), Z)

    best = likelihood.best_covariances(X, Z, 0.05)
    assert np.abs(jax.jit(jax.grad(penalised))(best)).max() < 1e-10
    assert penalised(best) > penalised(1.1 * best)
    own = likelihood.best_covariances(X, likelihood.integral(labels, 2), 0.0)
    np.testing.assert_allclose(own[1], np.cov(X[labels == 1].T, bias=True), atol=1e-12)


def test_coordinates_without_data_move_nothing():
    """A mixture of two coordinates among five, through rounds of iLA-SDP."""
    noise = jnp.asarray(np.random.default_rng(7).standard_normal((16, 5)))
    paths = []
    for width in (2, 5):
        X = mixtures.sample(noise[:, :width], mixtures.crossed(2, width))
        estimate = partial(likelihood.best_covariances, X, ridge=1e-3)
        start, how = jnp.asarray(mixtures.truth(16, 2)), {"ridge": 1e-3, "logdet": True}
        path = partial(iterated.iterate, SOLVE, estimate, clusters=2, rounds=2, tol=1e-8, **how)
        paths.append(jax.jit(path)(X=X, labels=start))
    np.testing.assert_array_equal(paths[0].labels, paths[1].labels)
    gained = [np.diff(path.value) for path in paths]
    np.testing.assert_allclose(*gained, atol=1e-5)
    assert min(gained[0]) > -1e-5


def test_em_raises_the_likelihood_of_the_mixture_and_ends_at_its_fixed_point():
    X = np.random.default_rng(8).standard_normal((40, 2)) * [2, 0.5]
    X[20:] += [0, 4]
    weights = np.eye(2)[np.arange(40) // 20]

    def mixture_likelihood(mixed):
        away = X - mixed.means[:, None]
        square = np.einsum("kip,kpq,kiq->ki", away, np.linalg.inv(mixed.covariances), away)
        each = mixed.share[:, None] * np.exp(-square / 2)
        return np.log((each / np.sqrt(np.linalg.det(mixed.covariances))[:, None]).sum(0)).sum()

    values = []
    for _ in range(60):
        mixed = clustering.maximised(X, jnp.asarray(weights), 0.0)
        values.append(mixture_likelihood(mixed))
        weights = clustering.responsibilities(X, mixed)
    assert min(np.diff(values)) > -1e-10
    again = clustering.maximised(X, weights, 0.0)
    np.testing.assert_allclose(again.means, mixed.means, atol=1e-6)


def test_kmeans_finds_clusters_apart_and_spread_follows_its_law():
    draws = np.random.default_rng(9).random((5, 3))
    X = jnp.asarray(np.repeat([[0.0, 0], [9, 0], [0, 9]], 5, axis=0) + 0.1 * draws.reshape(15, 1))
    found = jax.jit(partial(clustering.kmeans, clusters=3, steps=10))(draws, X)
    truth = np.repeat(np.arange(3), 5)
    assert clustering.misclassified(found, truth, 3) == 0
    line = jnp.array([[0.0], [1.0], [3.0]])  # after 0: 1 with probability 1/10, 3 with 9/10
    draws = jnp.array([[0.1, u] for u in (0.09, 0.11, 0.99)])
    second = jax.jit(jax.vmap(clustering.spread, (0, None)))(draws, line)[:, 1, 0]
    np.testing.assert_array_equal(second, [1, 3, 3])


def test_misclassified_does_not_see_names():
    truth = np.array([0, 0, 1, 1, 2, 2])
    assert clustering.misclassified(jnp.array([2, 2, 0, 0, 1, 1]), truth, 3) == 0
    assert clustering.misclassified(jnp.array([2, 0, 0, 0, 1, 1]), truth, 3) == 1 / 6
