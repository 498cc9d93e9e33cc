"""Truths of the experiment: exact laws of the samplers, dense least squares, closed forms."""

from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import exact, fits, measure, sampling, spaces

FUNCTIONS = "kink", "runge"


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def key(seed):
    return jax.random.key(seed)


def small(N, m, seed=0):
    """A random measure of N points, its polynomials and a function."""
    rng = np.random.default_rng(seed)
    mass = rng.uniform(0.5, 1.5, N)
    mass /= mass.sum()
    x = rng.uniform(-1, 1, N)
    return spaces.orthonormal(spaces.polynomials("legendre", x, m), mass), mass, rng.normal(size=N)


@pytest.mark.parametrize(
    ("name", "D", "m"), [("legendre", 1, 20), ("hermite", 1, 20), ("hermite", 2, 8)]
)
def test_bases_are_orthonormal_and_residuals_meet_none(name, D, m):
    space, best = spaces.of(name, m, 400, D, FUNCTIONS)
    np.testing.assert_allclose(space.rows.T @ space.rows, np.eye(m), atol=1e-12)
    density = (space.rows**2).sum(1) / m  # of nu: sum nu w r^2 = |r|^2 = 1, and w r phi sums to 0
    np.testing.assert_allclose((density * space.rest**2).sum(1), 1)
    np.testing.assert_allclose((density * space.rest) @ space.unit, 0, atol=1e-10)
    assert (best > 0).all()


@pytest.mark.parametrize("name", ["legendre", "hermite"])
def test_quadratures_are_those_of_the_measures(name):
    """Moments 2, 4, 6 of the uniform and of the Gaussian measure."""
    x, mass = spaces.line(name, 200, 20)
    law = (1 / 3, 1 / 5, 1 / 7) if name == "legendre" else (1, 3, 15)
    np.testing.assert_allclose([mass @ x**k for k in (2, 4, 6)], law, rtol=1e-12)
    V = spaces.polynomials(name, x, 12)
    np.testing.assert_allclose(V.T * mass @ V, np.eye(12), atol=1e-11)


def test_the_first_exponents_are_those_of_total_degree():
    each = spaces.total_degree(10, 2)
    assert sorted(each) == sorted((i, j) for i in range(4) for j in range(4 - i))
    assert spaces.total_degree(5, 1) == [(k,) for k in range(5)]


def test_an_inverse_distribution_function_meets_its_steps():
    weights = np.random.default_rng(1).uniform(size=23)
    weights[[3, 4, 22]] = 0
    u = np.random.default_rng(2).uniform(size=500)
    found = jax.vmap(sampling.inverse, (None, 0))(jnp.asarray(weights), u)
    above = np.cumsum(weights)
    np.testing.assert_array_equal(found, np.searchsorted(above, u * above[-1], side="right"))


def test_blocks_have_the_law_of_the_projection_dpp():
    """All ordered pairs of five points, 20,000 draws: det[K] / m! of each; five standard errors."""
    phi, mass, _ = small(5, 2)
    rows = jnp.asarray(np.sqrt(mass)[:, None] * phi)
    at = sampling.streams(key(0), rows, 20_000)
    pairs = np.array(list(permutations(range(5), 2)))
    K = np.asarray(rows @ rows.T)
    law = np.linalg.det(K[pairs[:, :, None], pairs[:, None, :]]) / 2
    assert law.sum() == pytest.approx(1)
    seen = np.bincount(np.asarray(at[1]) @ [5, 1], minlength=25)[pairs @ [5, 1]] / 20_000
    assert (np.abs(seen - law) < 5 * np.sqrt(law / 20_000)).all()
    marginal = np.bincount(np.asarray(at[0]).ravel(), minlength=5) / 40_000
    assert (np.abs(marginal - np.diag(K) / 2) < 5 * np.sqrt(1 / 4 / 40_000)).all()


def test_points_of_a_block_differ_to_high_degree():
    """Gram-Schmidt keeps its orthogonality: 60 points of 400 candidates, unisolvent."""
    space, _ = spaces.of("legendre", 60, 400, 1, FUNCTIONS)
    at = np.asarray(sampling.block(jnp.asarray(space.rows), jax.random.uniform(key(1), (60,))))
    assert len(set(at)) == 60
    assert np.linalg.matrix_rank(space.rows[at]) == 60


def test_fits_are_those_of_weighted_least_squares():
    """By lstsq of sqrt(w) (u - v) at the points, and eigenvalues of G."""
    phi, mass, u = small(30, 4)
    space, best = spaces.space(phi, mass, u[None])
    at = np.random.default_rng(3).integers(0, 30, (3, 4))
    G, b = (
        fits.running(x, 0)
        for x in fits.moments(jnp.asarray(space.unit), jnp.asarray(space.rest), at)
    )
    found = fits.fit(G, b, 0.9)
    w, truth = 4 / (phi**2).sum(1), (u * mass) @ phi
    for q in (2, 3):
        points = at[:q].ravel()
        A, y = phi[points] * np.sqrt(w[points])[:, None], u[points] * np.sqrt(w[points])
        c, *_ = np.linalg.lstsq(A, y)
        np.testing.assert_allclose(G[q - 1], A.T @ A / len(points), atol=1e-12)
        error = 1 + ((c - truth) ** 2).sum() / best[0] ** 2
        np.testing.assert_allclose(found.error[q - 1, 0], error, rtol=1e-6)
        eigenvalues = np.linalg.eigvalsh(A.T @ A / len(points))
        np.testing.assert_allclose(found.inverse[q - 1], np.mean(1 / eigenvalues), rtol=1e-6)
        assert found.stable[q - 1] == (eigenvalues[0] >= 0.1)


def test_least_interpolation_is_that_of_the_pseudo_inverse():
    phi, mass, u = small(30, 5)
    space, best = spaces.space(phi, mass, u[None])
    at = np.random.default_rng(4).permutation(30)[:5]
    found = fits.interpolation(jnp.asarray(space.unit), jnp.asarray(space.rest), at)
    r = (u - phi @ ((u * mass) @ phi)) / best[0]
    for k in range(1, 6):
        c = np.linalg.pinv(phi[at[:k]]) @ r[at[:k]]
        np.testing.assert_allclose(found[0, k - 1], 1 + c @ c, rtol=1e-7)


def test_kinds_take_their_first_blocks_from_the_dpp():
    both = jnp.stack([jnp.zeros((4, 2)), jnp.ones((4, 2))])
    kinds = sampling.mixed(both, np.array([0, 1, 9]))
    np.testing.assert_array_equal(kinds[:, :, 0], [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]])


def test_a_dpp_block_and_independent_points_are_volume_sampling():
    """E over m points of the DPP and n - m of nu, all enumerated, against the density det G."""
    phi, mass, u = small(6, 2)
    nu = (phi**2).sum(1) * mass / 2
    w, c, total = 2 / (phi**2).sum(1), 0, 0
    for i, j in permutations(range(6), 2):
        for k in range(6):
            at = [i, j, k]
            p = np.linalg.det(phi[[i, j]]) ** 2 / 2 * mass[i] * mass[j] * nu[k]
            A, y = phi[at] * np.sqrt(w[at])[:, None], u[at] * np.sqrt(w[at])
            c, total = c + p * np.linalg.lstsq(A, y)[0], total + p
    assert total == pytest.approx(1)
    np.testing.assert_allclose(c, (u * mass) @ phi, atol=1e-12)
    found = exact.means(phi, mass, u, 3, "volume", "nu")
    np.testing.assert_allclose(found.coefficients, c, atol=1e-12)


def test_atoms_take_from_the_mean_inverse():
    """On few points E G^-1 < n / (n - m + 1): what is added is not negligible at n = m."""
    phi, mass, u = small(8, 2)
    found = exact.means(phi, mass, u, 2, "volume", "nu")
    p = inverse = 0
    for pair in permutations(range(8), 2):
        rows = phi[list(pair)]
        chance = np.linalg.det(rows) ** 2 / 2 * mass[list(pair)].prod()
        G = rows.T * (2 / (rows**2).sum(1)) @ rows / 2
        p, inverse = p + chance, inverse + chance * np.linalg.inv(G)
    assert p == pytest.approx(1)
    np.testing.assert_allclose(found.inverse, 2 * np.eye(2), atol=1e-10)
    assert np.trace(inverse) / 2 < 1.9


def test_adjugates():
    G = np.random.default_rng(5).normal(size=(3, 4, 4))
    law = np.linalg.det(G)[:, None, None] * np.linalg.inv(G)
    np.testing.assert_allclose(exact.adjugate(G), law, rtol=1e-9, atol=1e-12)


def test_points_needed_are_interpolated():
    share = np.array([[0.0, 0.5, 0.8, 1.0], [0.95, 1, 1, 1], [0, 0.1, 0.2, 0.3]])
    arrays = {"stable": share[None, None, None], "q": np.arange(1, 5)}
    np.testing.assert_allclose(measure.needed(arrays)[0, 0, 0], [3.5, 1, 4])
