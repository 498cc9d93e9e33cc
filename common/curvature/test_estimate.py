"""The basis of a sketch, standard errors and refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.curvature.estimate import estimate, images, orthonormal, standard_error


@pytest.mark.parametrize("x64", [False, True])
def test_rows_of_any_condition_become_orthonormal(x64):
    with jax.enable_x64(x64):
        rng = np.random.default_rng(0)
        rows = jnp.asarray(np.vander(np.linspace(0, 1, 200), 12).T * 10.0 ** rng.integers(-9, 9))
        eps = float(jnp.finfo(rows.dtype).eps)
        Q = orthonormal(rows)
        real = np.asarray(jnp.any(Q != 0, axis=1), float)
        np.testing.assert_allclose(Q @ Q.T, np.diag(real), atol=50 * eps)
        rest = rows - (rows @ Q.T) @ Q
        assert (jnp.linalg.norm(rest, axis=1) <= 200 * eps * jnp.linalg.norm(rows, axis=1)).all()


def test_dependent_and_zero_rows_come_out_zero():
    rows = jnp.array([[0.0, 0, 0], [3, 4, 0], [-6, -8, 0], [1e-30, 0, 0], [0, 0, 1]])
    Q = orthonormal(rows)
    np.testing.assert_array_equal(jnp.any(Q != 0, axis=1), [False, True, False, True, True])
    np.testing.assert_allclose(Q[1], [0.6, 0.8, 0], rtol=1e-6)


def test_new_rows_are_orthogonal_to_the_basis():
    basis = jnp.eye(5)[:2]
    Q = orthonormal(jnp.array([[1.0, 1, 1, 0, 0], [2.0, 1, 0, 0, 0]]), basis)
    np.testing.assert_allclose(Q, [[0, 0, 1, 0, 0], [0, 0, 0, 0, 0]], atol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_standard_error_in_any_units(scale):
    x = jnp.array([1.0, 2.0, 4.0]) * scale
    np.testing.assert_allclose(standard_error(x), np.std([1, 2, 4], ddof=1) / 3**0.5 * scale, 1e-5)
    assert jnp.isinf(standard_error(x[:1]))


def test_what_is_not_finite_is_refused_or_marked():
    for bad in (jnp.nan, jnp.inf):
        with pytest.raises(ValueError, match="not finite"):
            estimate(jnp.asarray(bad), jnp.asarray(0.0), 1)
        got = jax.jit(lambda x: estimate(x, jnp.asarray(0.0), 1)[:2])(bad)
        assert jnp.isnan(got[0])
        assert jnp.isinf(got[1])


def test_images_are_the_same_side_by_side():
    rows = jnp.arange(15.0).reshape(5, 3)
    for together in (1, 2, 5, 9):
        np.testing.assert_array_equal(images(lambda v: v[::-1], rows, together), rows[:, ::-1])
