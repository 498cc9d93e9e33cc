"""Truths of the experiment: closed forms, dense references, limits, identities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.polynomial import chebyshev as reference
from scipy import special

from . import chebyshev, kernel, measure, tucker


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def terms(m=9, columns=5):
    r = np.random.default_rng(0)
    return jnp.asarray(r.normal(size=columns)), list(
        map(jnp.asarray, r.normal(size=(3, m, columns)))
    )


def test_coefficients_are_those_of_the_polynomial():
    c = np.random.default_rng(0).normal(size=(7, 2))
    values = reference.chebval(np.asarray(chebyshev.points(7)), c).T
    np.testing.assert_allclose(chebyshev.coefficients(jnp.asarray(values)), c, atol=1e-14)


def test_polynomials_are_those_of_numpy():
    x = np.linspace(-1, 1, 11)
    found = chebyshev.polynomials(jnp.asarray(x), 6)
    np.testing.assert_allclose(found, reference.chebvander(x, 5), atol=1e-14)


def test_coefficients_of_a_gaussian_are_bessel_functions():
    """exp(-t^2 x^2) = sum_j a_2j T_2j, a_2j = 2 (-1)^j exp(-t^2/2) I_j(t^2/2), half at j = 0."""
    t = 5.0
    values = kernel.gaussians(chebyshev.points(129), jnp.zeros(1), jnp.full(1, t))
    found = chebyshev.coefficients(values)[:40:2, 0]
    j = np.arange(20)
    law = 2.0 * (-1) ** j * special.ive(j, t**2 / 2)
    law[0] /= 2
    np.testing.assert_allclose(found, law, atol=1e-14)


@pytest.mark.parametrize(("m", "t"), [(33, 5.0), (129, 13.0), (129, 30.0)])
def test_the_law_is_twice_the_tail_of_bessel_functions(m, t):
    tail = 2 * 2 * special.ive(np.arange((m + 1) // 2, 400), t**2 / 2).sum()
    np.testing.assert_allclose(measure.law(m, t), tail, rtol=0.1)


def test_the_law_bounds_the_error():
    """All aliased coefficients have one sign at most twice their size."""
    x, t = np.linspace(-1, 1, 2000), jnp.full(1, 6.0)
    values = kernel.gaussians(chebyshev.points(33), jnp.zeros(1), t)
    found = chebyshev.polynomials(jnp.asarray(x), 33) @ chebyshev.coefficients(values)
    error = abs(found - kernel.gaussians(jnp.asarray(x), jnp.zeros(1), t)).max()
    assert 0.3 < error / measure.law(33, 6.0) <= 1


def test_the_quadrature_is_one_over_r():
    t, w = kernel.quadrature(41, 0.25)
    r = np.geomspace(2e-3, np.sqrt(3), 50)
    found = (w * np.exp(-((t * r[:, None]) ** 2))).sum(axis=1)
    np.testing.assert_allclose(found * r, 1, atol=4e-8)


def test_full_is_the_sum_of_outer_products():
    weights, factors = terms()
    whole = sum(
        w * np.einsum("i,j,k->ijk", *(np.asarray(f)[:, n] for f in factors))
        for n, w in enumerate(weights)
    )
    np.testing.assert_allclose(tucker.full(weights, factors), whole, atol=1e-13)


@pytest.mark.parametrize("way", ["full", "reduced"])
def test_without_a_cut_the_format_is_the_tensor(way):
    weights, factors = terms()
    tensor = tucker.full(weights, factors)
    form = tucker.hosvd(tensor, 0.0) if way == "full" else tucker.rhosvd(weights, factors, 0.0)
    back = jnp.einsum("ijk,ai,bj,ck->abc", form.core, *form.bases)
    np.testing.assert_allclose(back, tensor, atol=1e-12)


@pytest.mark.parametrize("tol", [0.5, 0.1])
def test_a_cut_errs_by_no_more_than_the_tolerance(tol):
    weights, factors = terms(columns=30)
    fall = 0.4 ** jnp.arange(9.0)[:, None]
    tensor = tucker.full(weights, [fall * f for f in factors])
    form = tucker.hosvd(tensor, tol)
    back = jnp.einsum("ijk,ai,bj,ck->abc", form.core, *form.bases)
    assert jnp.linalg.norm(back - tensor) <= tol * jnp.linalg.norm(tensor)
    assert (form.ranks < 9).any()
    np.testing.assert_array_equal(
        form.ranks, measure.ranks(np.asarray(tucker.singular_values(tensor)), tol)
    )


def test_wide_matrices_have_the_singular_values_of_the_dense_decomposition():
    matrix = np.random.default_rng(3).normal(size=(6, 50))
    u, s = tucker.left(jnp.asarray(matrix))
    np.testing.assert_allclose(s, np.linalg.svd(matrix, compute_uv=False), rtol=1e-12)
    np.testing.assert_allclose(u @ jnp.diag(s**2) @ u.T, matrix @ matrix.T, atol=1e-12)


def test_the_format_on_a_slice_is_the_polynomial():
    weights, factors = terms(m=6)
    form = tucker.rhosvd(weights, factors, 0.0)
    x, y, z = np.linspace(-0.9, 0.8, 4), np.linspace(-0.5, 1, 3), np.full(1, 0.3)
    c = np.asarray(tucker.full(weights, factors))
    basis = [chebyshev.polynomials(jnp.asarray(v), 6) for v in (x, y, z)]
    found = tucker.on_slice(form, *basis)
    np.testing.assert_allclose(found, reference.chebgrid3d(x, y, z, c)[..., 0], atol=1e-12)
