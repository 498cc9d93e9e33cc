"""Truths of the experiment: pseudo-inverses, dense Kronecker products, closed laws, counts."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common import sketches

from . import cost, instances, kronecker, measure, sketched


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def key(seed):
    return jax.random.key(seed)


def test_the_error_is_that_of_the_sketched_problem_whatever_the_solution():
    """(SA)^+ S b - A^+ b = (SA)^+ S r for b = A x + r, S explicit, A not orthonormal."""
    rng = np.random.default_rng(0)
    A, b = rng.standard_normal((32, 3)), rng.standard_normal(32)
    best = np.linalg.lstsq(A, b)[0]
    S = np.asarray(sketches.srht(key(0), jnp.eye(32), 12))
    sketched_best = np.linalg.lstsq(S @ A, S @ b)[0]
    error, lost = sketched.solve(S @ np.c_[A, b - A @ best])
    np.testing.assert_allclose(error, sketched_best - best, atol=1e-7)
    assert not lost


def test_solutions_are_the_pseudo_inverses_where_columns_collide():
    """Count-Sketches of many columns into few rows, together with a smaller problem."""
    at = jnp.arange(40)
    big = [sketched.apply("sparse1", key(i), instances.coherent(at, 8, 4), 64, 16) for i in (1, 2)]
    small = sketched.apply("gaussian", key(3), instances.coherent(at, 3, 4), 64, 12)
    found = sketched.judged([*big, small])
    for i, M in enumerate((*big, small)):
        SA, Sr = np.asarray(M[:, :-1]), np.asarray(M[:, -1])
        x = np.linalg.pinv(SA) @ Sr
        np.testing.assert_allclose(found.x[i, : len(x)], np.sqrt(len(Sr)) * x, atol=1e-6)
        assert not found.x[i, len(x) :].any()
        assert found.lost[i] == (np.linalg.matrix_rank(SA) < len(x))
        square = (x**2).sum() * (len(Sr) - len(x) - 1) / len(x)
        np.testing.assert_allclose(found.square[i], square, rtol=1e-6, atol=1e-9)
    assert found.lost[:2].any()


def test_another_basis_of_the_range():
    """The error for A Q, Q = H / sqrt(d), from the sketch of A Q itself; also of a smaller one."""
    M = [jax.random.normal(key(i), (24, d + 1)) for i, d in enumerate((8, 4))]
    turned = sketched.judged(M, basis="rotated")
    for i, x in enumerate(M):
        d = x.shape[1] - 1
        Q = np.asarray(sketches.fwht(jnp.eye(d))) / np.sqrt(d)
        direct = np.linalg.pinv(np.asarray(x[:, :d]) @ Q) @ np.asarray(x[:, d])
        np.testing.assert_allclose(turned.worst[i], np.sqrt(24) * abs(direct).max(), rtol=1e-6)


def test_problems_are_orthonormal_and_the_residual_meets_no_column():
    at = jnp.asarray(np.random.default_rng(1).permutation(64)[:20])
    flat = instances.cosines(at, 64, 8)
    peaked = instances.coherent(at, 8, 4, 12, 3)
    for rows, wide in ((flat.rows, 9), (peaked.rows, 11)):
        G = np.array(rows.T @ rows)
        G[8:, 8:] = np.diag(np.diag(G[8:, 8:]))  # residuals may meet one another
        np.testing.assert_allclose(G, np.eye(wide), atol=1e-12)
    assert np.abs(flat.rows).max() <= np.sqrt(2 / 64) + 1e-12


def test_a_folded_sketch_is_a_count_sketch():
    """One entry of +-1 a column at every m, and the columns of the smaller d are the first."""
    eye = instances.Instance(jnp.eye(13), jnp.arange(13))
    (M,) = sketched.corners(("sparse1",), key(4), eye, 16, [(32, 12), (8, 5)])
    for x, d in zip(M, (12, 5), strict=True):
        np.testing.assert_array_equal(np.abs(x).sum(0), np.ones(d + 1))
    np.testing.assert_array_equal(np.abs(M[1]).argmax(0)[:5], np.abs(M[0]).argmax(0)[:5] % 8)


def test_a_transform_of_a_product_is_the_product_of_transforms():
    """S from factors that are identities; its rows are rows of H x H with signs of products."""
    n, m = 8, 12
    S = kronecker.tensor_srht(key(5), jnp.eye(n), jnp.eye(n), jnp.zeros((n, n)), m)[0]
    S = np.asarray(S).reshape(m, n * n)
    rng = np.random.default_rng(2)
    A1, A2, R = (jnp.asarray(rng.standard_normal((n, k))) for k in (2, 3, n))
    SA, Sr = kronecker.tensor_srht(key(5), A1, A2, R, m)
    np.testing.assert_allclose(np.asarray(SA).reshape(m, -1), S @ np.kron(A1, A2), atol=1e-12)
    np.testing.assert_allclose(Sr, S @ np.asarray(R).ravel(), atol=1e-12)
    np.testing.assert_allclose(np.abs(S), m**-0.5)
    H = np.asarray(sketches.fwht(jnp.eye(n * n)))
    signs = np.sign(S * S[0])  # signs of D cancel: products of two rows of H, a row of H again
    assert (np.abs(signs @ H).max(1) == n * n).all()


def test_the_residual_of_a_product_is_off_its_range():
    order = np.random.default_rng(3).permutation(256)
    left, right, rest = kronecker.places(order, 16, 4, 10)
    A1, A2, R = kronecker.coherent(*map(jnp.asarray, (left, right, rest)), 16)
    A = np.kron(A1, A2)
    np.testing.assert_array_equal(A.T @ A, np.eye(16))
    np.testing.assert_array_equal(A.T @ np.asarray(R).ravel(), np.zeros(16))
    np.testing.assert_allclose(np.linalg.norm(R), 1)


def test_the_gaussian_law_of_the_square():
    """d / (m - d - 1), 4,000 draws, within five standard errors."""
    problem = instances.coherent(jnp.arange(6), 4, 2)

    def one(k):
        return sketched.judged([sketched.apply("gaussian", k, problem, 8, 16)]).square[0]

    square = np.asarray(jax.jit(jax.vmap(one))(jax.random.split(key(6), 4000)))
    assert abs(square.mean() - 1) < 5 * square.std() / np.sqrt(4000)


def test_laws_in_closed_form():
    """Loads of rows drawn; the median of a maximum by its distribution function."""
    d, m = 64, 512
    rows = np.random.default_rng(4).integers(0, m, (2000, d))
    loads = np.array([np.bincount(r, minlength=m) for r in rows])
    trace = (1 / np.maximum(loads, 1) * (loads > 0)).sum(1) * (m - d - 1) / (m * d)
    law = measure.count_law(np.array([d]), np.array([m]))[0]
    assert abs(law - trace.mean()) < 5 * trace.std() / np.sqrt(len(trace))
    median = measure.gaussian_law(np.array([d]), m)[0] * np.sqrt((m - d - 1) / m)
    assert math.erf(median / np.sqrt(2)) ** d == pytest.approx(0.5, rel=1e-9)


def test_one_overlap_costs_one_coordinate():
    """Count-Sketch by hand: column 0 of A and one entry of r share a row, nothing else does."""
    M = np.zeros((6, 4))
    M[0, 0] = M[1, 1] = M[2, 2] = 1
    M[[0, 3, 4, 5], 3] = 0.5
    x, lost = sketched.solve(jnp.asarray(M))
    np.testing.assert_allclose(x, [0.5, 0, 0], atol=1e-7)
    assert not lost


def test_operations_are_counted_from_programs():
    shape = jax.ShapeDtypeStruct((64, 3), float)
    assert cost.operations(sketches.fwht, shape) == (64 * 6 * 3, 64 * 6 * 3)
    dense = cost.operations(lambda x: jnp.ones((10, 64)) @ x, shape)
    assert dense == (10 * 64 * 3, 2 * 10 * 64 * 3)
    scan = cost.operations(lambda x: jax.lax.scan(lambda c, r: (c + r, None), x[0], x)[0], shape)
    assert scan == (64 * 3, 64 * 3)


def test_the_first_columns_are_a_trap_for_the_transform():
    """Of unit vectors at 0 ... d - 1 it has d different rows alone: H[i, j] = H[i mod d, j]."""
    H = np.asarray(sketches.fwht(jnp.eye(64)))
    assert len(np.unique(H[:, :8], axis=0)) == 8
    spread = np.random.default_rng(5).permutation(64)[:8]
    assert len(np.unique(H[:, spread], axis=0)) > 8
