"""Truths: isometries, the layer's mean and variance, closed forms, gradients of one network."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg as reference

from common.spd import bures

from . import geometry, layer, network

N = 5


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def batch(seed=0, condition=100.0, size=8):
    return np.asarray(geometry.batch(jax.random.key(seed), condition, size, N))


def symmetric(seed):
    A = np.random.default_rng(seed).standard_normal((N, N))
    return A + A.T


def test_transports_keep_lengths():
    """g_B(V, V) = tr(L V) / 2 with B L + L B = V, at B and at I, where it is tr(V^2) / 4."""
    B, V = batch(1)[0], symmetric(2)
    L = reference.solve_continuous_lyapunov(B, V)
    at_identity = layer.to_identity(B, V)
    np.testing.assert_allclose(np.sum(at_identity**2) / 4, np.trace(L @ V) / 2, rtol=1e-10)
    np.testing.assert_allclose(layer.from_identity(B, at_identity), V, rtol=1e-9, atol=1e-9)


def test_the_layer_gives_the_mean_and_the_variance_that_it_is_told():
    """With G, s and M of its own, theta = 1: by the metric's own mean and distances."""
    X = batch(3)
    bias = layer.Bias(symmetric(4) / 8, symmetric(5) / 8, jnp.asarray(0.7))
    M, G = (reference.expm(np.asarray(a)) for a in (bias.log_m, bias.log_g))
    found = layer.bures_norm(
        X, layer.bures_statistics(X, bias, 1.0, steps=300), bias, 1.0, tiny=0.0
    )
    root = np.linalg.inv(reference.sqrtm(M))
    flat = root @ np.asarray(found) @ root
    G = root @ G @ root
    spread = np.mean([bures.distance(x, G) ** 2 for x in flat])
    np.testing.assert_allclose(spread, 0.49, rtol=1e-8)
    np.testing.assert_allclose(bures.mean(flat, steps=300), G, rtol=1e-7, atol=1e-8)


def test_a_layer_with_its_own_mean_and_spread_changes_nothing():
    """s^2 = the variance and G = the mean: the batch itself, for every theta."""
    X = batch(6, 10.0)
    for theta in (0.5, 1.0):
        bias = layer.begin(N, 1.0)
        B, variance = layer.bures_statistics(X, bias, theta, steps=200)
        G = np.asarray(layer.unflat(B, np.eye(N), theta))
        bias = bias._replace(log_g=reference.logm(G), spread=jnp.sqrt(variance))
        found = layer.bures_norm(X, (B, variance), bias, theta, tiny=0.0)
        np.testing.assert_allclose(found, X, rtol=1e-6, atol=1e-8)


def test_affine_layer_of_diagonal_matrices_is_that_of_their_logarithms():
    logs = np.random.default_rng(7).standard_normal((6, N))
    X = np.exp(logs)[..., None] * np.eye(N)
    bias = layer.begin(N, 0.5)
    found = layer.affine_norm(X, layer.affine_statistics(X, steps=1), bias, tiny=0.0)
    away = logs - logs.mean(0)
    want = 0.5 * away / np.sqrt((away**2).sum(1).mean())
    np.testing.assert_allclose(np.log(np.asarray(found).diagonal(0, 1, 2)), want, atol=1e-5)


def test_pull_back_by_two_formulas_and_without_m_another_number():
    X, Y = batch(8)[:2]
    M = batch(9)[0]
    one, other = geometry.pullback(X, Y, M, True)
    assert float(one) == pytest.approx(float(other), rel=1e-11)
    assert abs(float(geometry.pullback(X, Y, M, False)[0]) / float(other) - 1) > 0.1


def test_wishart_matrices_have_the_mean_of_their_class():
    x, y = geometry.data(jax.random.key(10), 100.0, classes=2, train=4000, test=0, n=3,
                         freedom=2.0, signal=0.3)  # fmt: skip
    means = [np.asarray(x)[np.asarray(y) == c].mean(0) for c in range(2)]
    assert np.linalg.cond(means[0]) == pytest.approx(100, rel=2)
    gap = np.linalg.norm(reference.logm(np.linalg.solve(*means)))
    assert 0.2 < gap < 3  # exp(E_c) apart, whatever they have in common


def test_the_gradient_of_the_layer_is_that_of_differences_also_where_m_and_g_are_i():
    X, V, step, theta = batch(11), jnp.asarray(symmetric(12)), 1e-5, 0.5
    begun, weights = layer.begin(N, 1.0), batch(13)
    # no gradient flows through the mean; the variance has none in it where the mean is exact
    B = layer.bures_statistics(X, begun, theta, steps=100)[0]

    @jax.jit
    def loss(bias):
        variance = layer.bures_statistics(X, bias, theta, steps=100)[1]
        return jnp.sum(weights * layer.bures_norm(X, (B, variance), bias, theta, tiny=1e-5))

    grads = jax.grad(loss)(begun)
    for name in ("log_g", "log_m"):
        ends = [begun._replace(**{name: getattr(begun, name) + t * V}) for t in (step, -step)]
        rise = float(loss(ends[0]) - loss(ends[1])) / (2 * step)
        assert float(jnp.sum(getattr(grads, name) * V)) == pytest.approx(rise, rel=1e-5)


def test_columns_stay_orthonormal_and_the_step_is_tangent():
    W = np.linalg.qr(symmetric(14))[0][:, :3]
    G = symmetric(15)[:, :3]
    T = np.asarray(network.tangent(W, G))
    np.testing.assert_allclose(W.T @ T + T.T @ W, 0, atol=1e-12)
    moved = np.asarray(network.orthonormal(W + 0.1 * T))
    np.testing.assert_allclose(moved.T @ moved, np.eye(3), atol=1e-12)
    assert np.linalg.norm(moved - W) < 1
