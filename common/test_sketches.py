"""Sketches against SciPy's Hadamard matrix, norms of columns, moments; weights in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import hadamard

from common import sketches
from tests.trials import Arg, Case, parametrised

N, M = 24, 8


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def srht(key, matrix, rows):
    return sketches.srht(key, matrix, rows)


def sparse3(key, matrix, rows):
    return sketches.sparse(key, matrix, rows, nonzeros=3)


def uniform(key, matrix, rows):
    n = len(matrix)
    return sketches.sampled(key, matrix, rows, jnp.full(n, 1 / n))


EVERY = {"srht": srht, "gaussian": sketches.gaussian, "signs": sketches.signs,
         "count": sketches.sparse, "sparse": sparse3, "sampled": uniform}  # fmt: skip


@pytest.mark.parametrize("n", [1, 2, 8, 64, 512])
def test_the_transform_is_scipys_hadamard_matrix(n):
    x = np.random.default_rng(0).standard_normal((n, 3))
    np.testing.assert_allclose(sketches.fwht(x), hadamard(n) @ x, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(sketches.fwht(sketches.fwht(x)), n * x, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", EVERY)
def test_squares_are_kept_in_the_mean(name):
    """E S^T S = I, entry by entry, within five standard errors over 4,000 draws."""
    draw = jax.jit(jax.vmap(lambda k: EVERY[name](k, jnp.eye(N), M)))
    S = np.asarray(draw(jax.random.split(jax.random.key(1), 4000)))
    gram = np.einsum("kmi,kmj->kij", S, S)
    error = gram.std(0) / np.sqrt(4000)
    assert (np.abs(gram.mean(0) - np.eye(N)) <= 5 * error + 1e-12).all()
    # two different columns meet: a map that only keeps lengths of single columns would pass above
    assert error[~np.eye(N, dtype=bool)].min() > 0 or name == "sampled"


@pytest.mark.parametrize(
    ("name", "count"), [("srht", M), ("signs", M), ("count", 1), ("sparse", 3)]
)
def test_every_column_has_length_1_and_as_many_entries_as_stated(name, count):
    S = np.asarray(EVERY[name](jax.random.key(2), jnp.eye(N), M))
    np.testing.assert_allclose((S**2).sum(0), 1, rtol=1e-12)
    np.testing.assert_array_equal((S != 0).sum(0), count)
    np.testing.assert_allclose(np.abs(S[S != 0]), 1 / np.sqrt(count), rtol=1e-12)


def test_rows_of_a_sparse_column_are_distinct_and_all_alike():
    at, sign = sketches.positions(jax.random.key(3), 30_000, 5, nonzeros=3)
    assert {len({*column}) for column in np.asarray(at).T} == {3}
    share = np.bincount(np.asarray(at).ravel(), minlength=5) / 30_000
    np.testing.assert_allclose(share, 3 / 5, atol=5 * np.sqrt(0.24 / 30_000))
    assert abs(float(np.mean(sign))) < 5 / np.sqrt(90_000)
    full, _ = sketches.positions(jax.random.key(4), 50, 4, nonzeros=4)
    np.testing.assert_array_equal(np.sort(full, axis=0), np.arange(4)[:, None] + np.zeros(50))


@pytest.mark.parametrize("name", EVERY)
def test_one_draw_of_a_stack_is_that_of_its_parts(name):
    """S depends on the key alone, not on what it is applied to."""
    matrix = np.random.default_rng(5).standard_normal((N, 3))
    whole = EVERY[name](jax.random.key(6), matrix, M)
    for i in range(3):
        one = EVERY[name](jax.random.key(6), matrix[:, i], M)
        np.testing.assert_allclose(one, whole[:, i], rtol=1e-10, atol=1e-12)


def test_leverage_is_the_diagonal_of_the_projection():
    A = np.random.default_rng(7).standard_normal((30, 4))
    want = np.diag(A @ np.linalg.inv(A.T @ A) @ A.T)
    np.testing.assert_allclose(sketches.leverage(A), want, rtol=1e-11)
    np.testing.assert_allclose(sketches.leverage(1e-200 * A), want, rtol=1e-11)
    twice = np.hstack([A, A @ np.ones((4, 2))])  # of rank 4 still
    np.testing.assert_allclose(sketches.leverage(twice), want, rtol=1e-9)


@pytest.mark.parametrize("p", [0.5, 1.0, 1.5, 2.0, 3.0, 3.7])
def test_lewis_weights_are_their_own_leverage(p):
    A = np.random.default_rng(8).standard_normal((40, 5)) * np.geomspace(0.1, 10, 40)[:, None]
    w = np.asarray(sketches.lewis(A, p))
    np.testing.assert_allclose(w.sum(), 5, rtol=1e-9)
    np.testing.assert_allclose(sketches.leverage(w[:, None] ** (0.5 - 1 / p) * A), w, rtol=1e-9)
    turned = A @ np.random.default_rng(9).standard_normal((5, 5))
    np.testing.assert_allclose(sketches.lewis(turned, p), w, rtol=1e-7)


def test_lewis_weights_of_copies_and_of_nothing():
    """k copies of each unit vector: 1 / k; rows of zeros: 0; p = 2: leverage."""
    A = np.vstack([np.tile(np.eye(3), (4, 1)), np.zeros((2, 3))])
    np.testing.assert_allclose(sketches.lewis(A, 1.0), [0.25] * 12 + [0] * 2, rtol=1e-9)
    B = np.random.default_rng(10).standard_normal((9, 3))
    np.testing.assert_allclose(sketches.lewis(B, 2.0), sketches.leverage(B), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda k, A: sketches.fwht(A[:6]), "x must have 1, 2, 4, 8"),
        (lambda k, A: sketches.srht(k, A, 0), "rows must be"),
        (lambda k, A: sketches.gaussian(k, A[:0], 2), "rows of matrix"),
        (lambda k, A: sketches.sparse(k, A, 4, nonzeros=5), "nonzeros must be at most rows = 4"),
        (lambda k, A: sketches.sampled(k, A, 4, np.full(8, 0.2)), "p must not be negative"),
        (lambda k, A: sketches.sampled(k, A, 4, np.full(7, 1 / 7)), "p must have shape"),
        (lambda k, A: sketches.leverage(A[0]), "A must have shape"),
        (lambda k, A: sketches.lewis(A, 4.0), r"p must lie in \(0, 4\)"),
        (lambda k, A: sketches.signs(k, A * 1j, 4), "matrix must hold real numbers"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(jax.random.key(0), np.ones((8, 2)))


def lewis_by_power(A):
    """w_i^(2/p) = a_i^T (A^T W^(1 - 2/p) A)^-1 a_i for p = 1, of a plain iteration."""
    w = np.ones(len(A))
    for _ in range(200):
        w = np.sqrt(np.diag(A @ np.linalg.pinv(A.T @ (A / w[:, None])) @ A.T)) if A.size else w
        w = np.where(w > 0, w, 1)
    return np.where((A != 0).any(1), w, 0)


def projection(A):
    return np.diag(A @ np.linalg.pinv(A)) if np.isfinite(A).all() and A.size else A.sum(1) * np.nan


TALL = np.array([[1.0, 2], [-3, 1], [2, -2], [4, 1]])
CASES = {
    "fwht": Case(
        sketches.fwht,
        lambda x: hadamard(len(x)) @ x if len(x) else x,
        {"x": Arg(TALL, "n d", 1)},
        degree=1,
    ),
    "leverage": Case(sketches.leverage, projection, {"A": Arg(TALL, "n d", 1)}, degree=0),
    "lewis": Case(
        lambda A: sketches.lewis(A, 1.0),
        lambda A: lewis_by_power(A) if np.isfinite(A).all() else A.sum(1) * np.nan,
        {"A": Arg(TALL, "n d", 1)},
        degree=0,
        rtol=1e-4,
    ),
}


@parametrised(CASES)
def test_trial(case, trial):
    with jax.enable_x64(False):
        trial(case)
