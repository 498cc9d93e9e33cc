"""Lanczos against known spectra: clustered, repeated, indefinite, singular, badly scaled, zero."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.curvature.lanczos import eigsh, lanczos, tridiagonal

P = 60
SPECTRA = {
    "spread": np.linspace(-1, 3, P),
    "outliers": np.r_[np.linspace(-0.01, 0.01, P - 3), 1.0, 2.0, 5.0],
    "clustered": np.r_[np.linspace(0, 1e-3, P - 4), 1.0, 1.0 + 1e-4, 1.0 + 2e-4, 3.0],
    "badly scaled": np.logspace(-8, 4, P),
    "singular": np.r_[np.zeros(P - 10), np.linspace(1, 10, 10)],
}


def symmetric(spectrum):
    """A random symmetric matrix with the given eigenvalues, in the default float type."""
    q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(len(spectrum),) * 2))
    return jnp.asarray((q * spectrum) @ q.T)


@partial(jax.jit, static_argnums=1)
def reduce(A, steps):
    v0 = jax.random.normal(jax.random.key(7), A.shape[:1])
    return lanczos(lambda v: A @ v, v0, steps)


@partial(jax.jit, static_argnames=("steps", "k", "magnitude", "tol", "hold", "block", "together"))
def top(A, **options):
    return eigsh(jax.random.key(1), lambda v: A @ v, len(A), **options)


def as_numpy(*arrays):
    return [np.asarray(a) for a in arrays]


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("name", SPECTRA)
def test_decomposition_identity_and_orthonormal_basis(name, x64):
    with jax.enable_x64(x64):
        A = symmetric(SPECTRA[name])
        m = 25
        alpha, beta, Q = as_numpy(*reduce(A, m))
        T = np.asarray(tridiagonal(alpha, beta))
        A = np.asarray(A)
        tol = 50 * np.finfo(A.dtype).eps
        scale = np.abs(SPECTRA[name]).max()
        used = np.any(Q != 0, axis=1).sum()
        # singular: 10 eigenvectors, one direction of the kernel, perhaps one more of its rounding
        assert used in ((11, 12) if name == "singular" else (m,))
        np.testing.assert_allclose(Q[:used] @ Q[:used].T, np.eye(used), atol=tol)
        rest = Q @ A - T @ Q  # rows; only the last one is left over
        np.testing.assert_allclose(rest[:-1], 0, atol=tol * scale)
        np.testing.assert_allclose(np.linalg.norm(rest[-1]), beta[-1], atol=tol * scale)
        assert not Q[used:].any()
        assert not alpha[used:].any()


def test_all_steps_give_the_whole_spectrum_without_ghosts():
    with jax.enable_x64(True):
        A = symmetric(SPECTRA["outliers"])
        alpha, beta, _ = reduce(A, P)
        got = jnp.linalg.eigvalsh(tridiagonal(alpha, beta))
        np.testing.assert_allclose(got, SPECTRA["outliers"], atol=1e-12)


def test_no_ghosts_long_after_convergence_in_float32():
    A = symmetric(SPECTRA["outliers"])
    alpha, beta, _ = reduce(A, 55)
    got = jnp.linalg.eigvalsh(tridiagonal(alpha, beta))
    assert int((got > 0.5).sum()) == 3  # without reorthogonalisation copies of 5 appear


@pytest.mark.parametrize("v0", [np.zeros(P), np.ones(P)])
def test_zero_matrix_and_zero_start_stop_at_once(v0):
    alpha, beta, Q = lanczos(lambda v: 0 * v, jnp.asarray(v0), 5)
    assert not alpha.any()
    assert not beta.any()
    assert not Q[1:].any()
    assert jnp.isfinite(Q).all()


def test_start_on_an_eigenvector_breaks_down_after_one_step():
    A = jnp.diag(jnp.arange(1.0, 9.0))
    alpha, beta, Q = lanczos(lambda v: A @ v, jnp.zeros(8).at[2].set(5.0), 4)
    np.testing.assert_allclose(alpha, [3, 0, 0, 0])
    np.testing.assert_allclose(beta, 0)
    np.testing.assert_allclose(Q[0], jnp.zeros(8).at[2].set(1.0))


def test_more_steps_than_dimensions():
    A = jnp.diag(jnp.arange(1.0, 5.0))
    alpha, beta, Q = lanczos(lambda v: A @ v, jnp.ones(4), 9)
    np.testing.assert_allclose(
        jnp.linalg.eigvalsh(tridiagonal(alpha, beta)[:4, :4]), [1, 2, 3, 4], rtol=1e-5
    )
    assert not Q[4:].any()


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("name", SPECTRA)
def test_eigsh_finds_the_top(name, x64):
    with jax.enable_x64(x64):
        A = symmetric(SPECTRA[name])
        A, values, vectors, residuals = as_numpy(A, *top(A, steps=P, k=4)[:3])
        eps = np.finfo(A.dtype).eps
        tol = 100 * eps * np.abs(SPECTRA[name]).max()
        np.testing.assert_allclose(values, np.sort(SPECTRA[name])[::-1][:4], atol=tol)
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(4), atol=100 * eps)
        error = np.linalg.norm(vectors @ A - values[:, None] * vectors, axis=1)
        assert (error <= residuals + tol).all()


def test_residuals_bound_the_error_before_convergence():
    with jax.enable_x64(True):
        spectrum = np.linspace(-1, 3, 200)
        A = symmetric(spectrum)
        A, values, vectors, residuals = as_numpy(A, *top(A, steps=30, k=5)[:3])
        true = np.linalg.norm(vectors @ A - values[:, None] * vectors, axis=1)
        np.testing.assert_allclose(residuals, true, atol=1e-13)
        assert residuals[-1] > 1e-3  # nothing has converged
        nearest = np.abs(values[:, None] - spectrum).min(1)
        assert (nearest <= residuals + 1e-13).all()


def test_eigsh_by_magnitude():
    with jax.enable_x64(True):
        A = symmetric(np.r_[-5.0, np.linspace(-1, 1, 30), 4.0])
        values = top(A, steps=32, k=2, magnitude=True).values
        np.testing.assert_allclose(values, [-5, 4], rtol=1e-12)


@pytest.mark.parametrize("x64", [False, True])
def test_a_repeated_eigenvalue_is_found_as_often_as_it_stands(x64):
    with jax.enable_x64(x64):  # 4 distinct values: one start reaches 4 vectors, the rest is fresh
        spectrum = np.r_[np.zeros(20), [1.0] * 3, [2.0] * 2, 7.0]
        A = symmetric(spectrum)
        tol = 100 * float(jnp.finfo(A.dtype).eps)
        values, vectors = as_numpy(*top(A, steps=26, k=7)[:2])
        np.testing.assert_allclose(values, [7, 2, 2, 1, 1, 1, 0], atol=7 * tol)
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(7), atol=tol)


def test_identity_and_zero():
    for c in (1.0, 0.0):
        values, vectors, residuals = as_numpy(*top(c * jnp.eye(9), steps=5, k=5)[:3])
        np.testing.assert_allclose(values, c, rtol=1e-5)
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(5), atol=1e-5)
        np.testing.assert_allclose(residuals, 0, atol=1e-6)


def test_k_must_be_reachable():
    with pytest.raises(ValueError, match="vectors held"):
        eigsh(jax.random.key(0), lambda v: v, 10, steps=3, k=4)


SIZE = 300
DECAY = np.r_[1 / np.arange(1.0, SIZE - 9), -1 / np.arange(2.0, 12)]


@pytest.mark.parametrize("x64", [False, True])
@pytest.mark.parametrize("options", [{}, {"hold": 25}, {"block": 3}, {"block": 2, "hold": 24}])
def test_stops_when_the_residuals_are_small(options, x64):
    """To the tolerance and not much further, with and without restarts and blocks."""
    with jax.enable_x64(x64):
        A = symmetric(DECAY)
        found = top(A, steps=200, k=8, tol=1e-3, **options)
        A, values, vectors, residuals, matvecs = as_numpy(A, *found)
        assert matvecs < 100
        assert (residuals <= 1e-3).all()
        eps = np.finfo(A.dtype).eps
        true = np.linalg.norm(vectors @ A - values[:, None] * vectors, axis=1)
        np.testing.assert_allclose(true, residuals, atol=30 * eps)
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(8), atol=100 * eps)
        # the error of a Ritz value is second order in its residual (Parlett 1998, 11.7.1)
        np.testing.assert_allclose(values, np.sort(DECAY)[::-1][:8], atol=1e-4)


def test_without_restart_it_spends_the_fewest_products():
    A = symmetric(DECAY)
    spent = {h: int(top(A, steps=300, k=8, tol=1e-5, hold=h).matvecs) for h in (20, 40, 300)}
    assert spent[300] <= spent[40] <= spent[20] < 250


def test_restarts_converge_to_machine_precision_by_magnitude():
    with jax.enable_x64(True):
        A = symmetric(DECAY)
        found = top(A, steps=2000, k=6, tol=1e-12, hold=20, magnitude=True)
        exact = DECAY[np.argsort(-abs(DECAY))][:6]
        # the sixth is 1/4 or -1/4: both are right, rounding chooses
        np.testing.assert_allclose(np.sort(abs(found.values)), np.sort(abs(exact)), atol=1e-11)
        distance = abs(np.asarray(found.values)[:, None] - DECAY).min(axis=1)
        np.testing.assert_allclose(distance, 0, atol=1e-11)
        assert found.matvecs < 400


@pytest.mark.parametrize("hold", [None, 18])
def test_a_block_shows_every_copy_of_a_repeated_eigenvalue(hold):
    """One start finds the copies one by one, through rounding; a block finds them together."""
    with jax.enable_x64(True):
        spectrum = np.r_[np.linspace(0, 0.8, SIZE - 6), 1, 1, 1, 2, 2, 3]
        A = symmetric(spectrum)
        found = top(A, steps=240, k=6, block=3, tol=1e-8, hold=hold)
        np.testing.assert_allclose(found.values, [3, 2, 2, 1, 1, 1], atol=1e-12)
        alone = top(A, steps=240, k=6, tol=1e-8)
        assert alone.matvecs > found.matvecs


def test_blocks_side_by_side_are_the_same_numbers():
    A = symmetric(DECAY)
    one = top(A, steps=60, k=4, block=4)
    other = top(A, steps=60, k=4, block=4, together=True)
    np.testing.assert_allclose(one.values, other.values, rtol=1e-5)
    assert one.matvecs == other.matvecs == 60


@pytest.mark.parametrize("block", [1, 2, 3])
def test_all_of_a_small_matrix(block):
    """More steps than dimensions, blocks that do not divide them, and a kernel."""
    with jax.enable_x64(True):
        spectrum = np.array([-2.0, 0, 0, 1, 5])
        found = top(symmetric(spectrum), steps=40, k=5, block=block)
        np.testing.assert_allclose(found.values, spectrum[::-1], atol=1e-13)
        np.testing.assert_allclose(found.vectors @ found.vectors.T, np.eye(5), atol=1e-13)


def test_float32_products_with_float64_orthogonalisation():
    """The basis is orthonormal to 1e-13 although the products have seven digits."""
    with jax.enable_x64(True):
        A = symmetric(SPECTRA["outliers"]).astype(jnp.float32)

        def matvec(v):
            return (A @ v.astype(jnp.float32)).astype(v.dtype)

        v0 = jax.random.normal(jax.random.key(7), (P,), jnp.float64)
        Q = np.asarray(lanczos(matvec, v0, 40).basis)
        assert Q.dtype == np.float64
        np.testing.assert_allclose(Q @ Q.T, np.eye(40), atol=1e-13)
        values = eigsh(jax.random.key(0), matvec, P, steps=40, k=3, dtype=jnp.float64).values
        np.testing.assert_allclose(values, [5, 2, 1], rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_products_give_no_number(bad):
    A = symmetric(DECAY).at[3, 3].set(bad)
    for tol in (0.0, 1e-3):
        found = top(A, steps=30, k=3, tol=tol)
        assert not jnp.isfinite(found.values).any()
        assert not jnp.isfinite(found.residuals).any()


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_float32_at_scales_whose_squares_do_not_exist(scale):
    A = symmetric(DECAY)

    @jax.jit
    def both(scale):
        found = eigsh(jax.random.key(0), lambda v: scale * (A @ v), SIZE, steps=200, k=3, tol=1e-4)
        start = jax.random.normal(jax.random.key(1), (SIZE,))
        return found, lanczos(lambda v: scale * (A @ v), start, 20)

    found, (alpha, beta, _) = both(jnp.float32(scale))
    np.testing.assert_allclose(found.values / scale, [1, 1 / 2, 1 / 3], rtol=1e-4)
    assert (found.residuals <= 1e-4 * scale).all()
    top = np.linalg.eigvalsh(np.asarray(tridiagonal(alpha, beta)) / scale)[-1]
    np.testing.assert_allclose(top, 1, rtol=1e-3)


def test_fewer_steps_than_pairs_are_refused():
    with pytest.raises(ValueError, match="vectors held, 3"):
        eigsh(jax.random.key(0), lambda v: -v, 40, steps=3, k=5, hold=20)
