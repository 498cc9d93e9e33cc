"""Geometries of positive definite matrices: SciPy, closed forms, identities; ties."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg as reference

from common.spd import affine, bures, functions, log_euclidean

D = 5
GEOMETRIES = [affine, log_euclidean, bures]


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def matrices(seed, n=None, condition=100.0):
    rng = np.random.default_rng(seed)
    U = np.linalg.qr(rng.standard_normal((n or 1, D, D)))[0]
    found = U * np.geomspace(1, condition, D) @ U.mT
    return found if n else found[0]


def symmetric(seed):
    A = np.random.default_rng(seed).standard_normal((D, D))
    return A + A.T


def test_functions_are_scipys():
    X, V = matrices(0), symmetric(1)
    np.testing.assert_allclose(functions.log(X), reference.logm(X), atol=1e-11)
    np.testing.assert_allclose(functions.exp(V), reference.expm(V), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(functions.sqrt(X), reference.sqrtm(X), atol=1e-11)
    want = reference.fractional_matrix_power(X, -0.3)
    np.testing.assert_allclose(functions.power(X, -0.3), want, atol=1e-11)
    L = reference.solve_continuous_lyapunov(X, V)
    np.testing.assert_allclose(functions.lyapunov(X, V), L, atol=1e-11)


def test_the_derivative_is_that_of_the_exponential_series_also_where_eigenvalues_meet():
    for X in (np.eye(D), matrices(2), np.diag([1.0, 1, 2, 2, 2 + 1e-12])):
        V = symmetric(3)
        want = reference.expm_frechet(X, V, compute_expm=False)
        exp = partial(functions.function, jnp.exp, jnp.exp)
        found = jax.jvp(exp, (jnp.asarray(X),), (V,))[1]
        np.testing.assert_allclose(found, want, rtol=1e-8, atol=1e-8 * np.abs(want).max())


def test_the_gradient_of_a_root_at_the_identity():
    """d tr(A X^1/2) = A / 2 at X = I; `eigh` alone gives nan."""
    A = symmetric(4)
    found = jax.grad(lambda x: jnp.sum(A * functions.sqrt(x)))(jnp.eye(D))
    np.testing.assert_allclose(found, A / 2, rtol=1e-12)


def test_the_derivative_of_a_power_in_its_exponent():
    """d X^p / dp = X^p log X, in a program that is told p."""
    X = matrices(21)
    found = jax.jit(jax.jacfwd(lambda p: functions.power(X, p)))(0.3)
    want = reference.fractional_matrix_power(X, 0.3) @ reference.logm(X)
    np.testing.assert_allclose(found, want, rtol=1e-9, atol=1e-9)
    both = jax.jit(jax.vmap(jax.grad(lambda p: functions.power(X, p).trace())))(jnp.array([0.3, 2]))
    np.testing.assert_allclose(both, [want.trace(), (X @ X @ reference.logm(X)).trace()])


@pytest.mark.parametrize("metric", GEOMETRIES)
def test_distances_of_matrices_that_commute(metric):
    a, b = np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 1, 9, 4, 0.5])
    U = np.linalg.qr(symmetric(5))[0]
    X, Y = U * a @ U.T, U * b @ U.T
    roots = np.linalg.norm(np.sqrt(a) - np.sqrt(b))
    want = roots if metric is bures else np.linalg.norm(np.log(a / b))
    np.testing.assert_allclose(metric.distance(X, Y), want, rtol=1e-10)
    assert float(metric.distance(X, X)) < 1e-7
    np.testing.assert_allclose(metric.distance(X, Y), metric.distance(Y, X), rtol=1e-10)


def test_bures_is_its_definition_and_keeps_the_digits_of_near_matrices():
    X, Y = matrices(6), matrices(7)
    root = reference.sqrtm(X)
    want = np.trace(X) + np.trace(Y) - 2 * np.trace(reference.sqrtm(root @ Y @ root))
    np.testing.assert_allclose(bures.distance(X, Y) ** 2, want, rtol=1e-10)
    near = bures.distance(np.eye(D), (1 + 1e-9) * np.eye(D))
    np.testing.assert_allclose(near, np.sqrt(D) * 0.5e-9, rtol=1e-5)


def test_affine_distance_does_not_see_the_basis():
    X, Y, A = matrices(8), matrices(9), np.random.default_rng(10).standard_normal((D, D))
    want = affine.distance(X, Y)
    np.testing.assert_allclose(affine.distance(A @ X @ A.T, A @ Y @ A.T), want, rtol=1e-7)
    eigenvalues = reference.eigvalsh(Y, X)
    np.testing.assert_allclose(want, np.linalg.norm(np.log(eigenvalues)), rtol=1e-10)


@pytest.mark.parametrize("metric", [affine, bures])
def test_exp_is_the_inverse_of_log(metric):
    B, X = matrices(11), matrices(12)
    V = metric.log(B, X)
    np.testing.assert_allclose(metric.exp(B, V), X, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(metric.log(B, B), 0, atol=1e-10)


def test_the_length_of_the_tangent_is_the_distance():
    B, X = matrices(13), matrices(14)
    V = bures.log(B, X)
    np.testing.assert_allclose(bures.inner(B, V, V), bures.distance(B, X) ** 2, rtol=1e-9)
    W = affine.log(B, X)
    inverse = np.linalg.inv(B)
    length = np.trace(inverse @ W @ inverse @ W)
    np.testing.assert_allclose(length, affine.distance(B, X) ** 2, rtol=1e-9)


def test_points_of_the_geodesic_divide_the_distance():
    X, Y = matrices(15), matrices(16)
    middle = bures.geodesic(X, Y, 0.3)
    whole = bures.distance(X, Y)
    np.testing.assert_allclose(bures.distance(X, middle), 0.3 * whole, rtol=1e-8)
    np.testing.assert_allclose(bures.distance(middle, Y), 0.7 * whole, rtol=1e-8)


@pytest.mark.parametrize("metric", [affine, bures])
def test_the_mean_is_where_tangents_cancel(metric):
    Xs, w = matrices(17, n=7), np.arange(1.0, 8)
    B = metric.mean(Xs, w, steps=60)
    pull = sum(v * metric.log(B, X) for v, X in zip(w / w.sum(), Xs, strict=True))
    assert float(jnp.abs(pull).max()) < 1e-8


def test_the_mean_of_two_is_half_way_and_of_commuting_ones_closed():
    X, Y = matrices(18), matrices(19)
    half = bures.geodesic(X, Y, 0.5)
    np.testing.assert_allclose(bures.mean(np.stack([X, Y]), steps=60), half, rtol=1e-8)
    a = np.random.default_rng(20).uniform(1, 9, (4, D))
    Xs = a[..., None] * np.eye(D)
    want = np.diag(np.sqrt(a).mean(0) ** 2)
    np.testing.assert_allclose(bures.mean(Xs), want, rtol=1e-10, atol=1e-12)
    for metric in (affine, log_euclidean):
        want = np.diag(np.exp(np.log(a).mean(0)))
        np.testing.assert_allclose(metric.mean(Xs), want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda X: functions.sqrt(X - 200 * np.eye(D)), "X must be positive definite"),
        (lambda X: functions.log(X[:3]), "X must have shape"),
        (lambda X: functions.exp(X * 1j), "V must hold real numbers"),
        (lambda X: bures.distance(X, np.eye(3)), "Y must have shape"),
        (lambda X: affine.mean(X), "Xs must have shape"),
        (lambda X: bures.mean(X[None], [-1.0]), "weights must not be negative"),
        (lambda X: bures.log(X, -X), "X must be positive definite"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(matrices(0))
