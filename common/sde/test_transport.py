"""Transport and discrepancies against closed forms, brute force and their own null laws."""

from itertools import permutations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import kstest, norm

from common.sde import discrepancies, distances, transport

RNG = np.random.default_rng(0)


def test_the_best_assignment_is_the_best_of_all_permutations():
    x, y = RNG.normal(size=(6, 2)), RNG.normal(size=(6, 2)) + 1
    every = [np.mean(np.sum((x - y[list(p)]) ** 2, axis=1)) for p in permutations(range(6))]
    assert transport.exact_w2(x, y) == pytest.approx(min(every), rel=1e-12)


def test_masses_are_carried_as_by_copies_of_points_and_by_quantiles():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(7, 2)), rng.normal(size=(5, 2)) + 1
    a, b = np.array([1, 4, 0, 2, 3, 1, 1]), np.array([3, 2, 1, 5, 1])  # twelve each
    copies = transport.exact_w2(np.repeat(x, a, axis=0), np.repeat(y, b, axis=0))
    assert transport.weighted_w2(x, a, y, b) == pytest.approx(copies, rel=1e-7)
    bins = np.arange(60.0)[:, None]  # in one dimension: the quantile functions
    p, q = rng.random(60), rng.random(60) + (bins[:, 0] > 40)
    cuts = np.unique(np.concatenate([np.cumsum(p) / p.sum(), np.cumsum(q) / q.sum()]))
    middle, share = np.append(0, cuts[:-1]) + np.diff(cuts, prepend=0) / 2, np.diff(cuts, prepend=0)
    at = [np.searchsorted(np.cumsum(m) / m.sum(), middle) for m in (p, q)]
    wanted = float(np.sum(share * (at[0] - at[1]) ** 2))
    assert transport.weighted_w2(bins, p, bins, 7 * q) == pytest.approx(wanted, rel=1e-6)


def test_in_one_dimension_transport_sorts():
    x, y = RNG.normal(size=(300, 1)), 2 * RNG.normal(size=(300, 1))
    sorted_cost = np.mean((np.sort(x, 0) - np.sort(y, 0)) ** 2)
    assert transport.exact_w2(x, y) == pytest.approx(sorted_cost, rel=1e-10)
    theta = jnp.ones((1, 1))
    assert float(distances.sliced_w2(x, y, theta)) == pytest.approx(sorted_cost, rel=1e-4)


def test_entropic_transport_tends_to_the_exact_one_and_to_the_product():
    x, y = RNG.normal(size=(60, 2)), RNG.normal(size=(60, 2)) + 0.5
    exact = transport.exact_w2(x, y)
    with jax.enable_x64(True):
        small = transport.sinkhorn(x, y, 0.01, iterations=3000)
        large = transport.sinkhorn(x, y, 1e5)
    assert exact <= float(small.cost) < 1.05 * exact
    assert float(small.error) < 0.02
    assert float(large.cost) == pytest.approx(
        float(transport.squared_distances(jnp.asarray(x), jnp.asarray(y)).mean()), rel=1e-3
    )


def test_entropic_transport_of_gaussians_has_the_known_cross_covariance():
    """N(0, 1) to N(0, 4), cost |x - y|^2: E xy = (sqrt(16 + e^2 / 4) - e / 2) / 2."""
    grid = norm.ppf((np.arange(400) + 0.5) / 400)[:, None]
    epsilon = 2.0
    plan = transport.sinkhorn(grid, 2 * grid, epsilon, iterations=500)
    half = epsilon / 2  # |x - y|^2 / epsilon = (|x|^2 + |y|^2 - 2 x y) / epsilon
    cross = 0.5 * (np.sqrt(4 * 4 + half**2) - half)
    v = float(np.mean(grid**2))
    assert float(plan.cost) == pytest.approx(5 * v - 2 * cross * v, rel=0.02)


def test_the_divergence_of_equal_samples_is_nothing_and_of_a_shift_its_square():
    x = RNG.normal(size=(80, 2))
    shift = np.array([3.0, 0.0])
    with jax.enable_x64(True):
        assert float(transport.sinkhorn_divergence(x, x, 0.5)) == pytest.approx(0, abs=1e-6)
        moved = transport.sinkhorn_divergence(x, x + shift, 0.5, iterations=2000)
    assert float(moved) == pytest.approx(9.0, rel=1e-3)


def test_two_gaussians_by_their_moments():
    a, b = (m @ m.T + np.eye(3) for m in RNG.normal(size=(2, 3, 3)))
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(values)) @ vectors.T
    inner = np.linalg.eigvalsh(root @ b @ root)
    expected = 14 + np.trace(a) + np.trace(b) - 2 * np.sqrt(inner).sum()
    with jax.enable_x64(True):
        found = transport.bures_w2(np.zeros(3), a, np.array([1.0, 2, 3]), b)
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_energy_and_kernel_distances_of_shifted_normals():
    n = 4000
    x, y = RNG.normal(size=(n, 1)), RNG.normal(size=(n, 1)) + 1.0
    mean_gap = lambda mu: 2 * norm.pdf(mu / 2**0.5) * 2**0.5 + mu * (2 * norm.cdf(mu / 2**0.5) - 1)  # noqa: E731
    expected = 2 * (mean_gap(1.0) - mean_gap(0.0))
    assert float(discrepancies.energy(x, y)) == pytest.approx(expected, rel=0.1)
    h = 0.8
    k = lambda mu: h / np.sqrt(h**2 + 2) * np.exp(-(mu**2) / 2 / (h**2 + 2))  # noqa: E731
    found = discrepancies.mmd(x, y, jnp.array([h]))
    assert float(found) == pytest.approx(2 * (k(0) - k(1)), rel=0.1)


def test_unbiased_statistics_are_zero_on_average_where_laws_agree():
    draws = RNG.normal(size=(200, 2, 30, 2))
    energies = jax.vmap(discrepancies.energy)(draws[:, 0], draws[:, 1])
    assert abs(float(energies.mean())) < 4 * float(energies.std()) / 200**0.5


def test_kolmogorov_is_scipys():
    x = RNG.normal(size=500)
    found = discrepancies.kolmogorov(jnp.asarray(x), jax.scipy.stats.norm.cdf)
    assert float(found) == pytest.approx(kstest(x, norm.cdf).statistic, abs=1e-6)


def test_permutations_give_uniform_probabilities_under_one_law_and_small_ones_else():
    def p_value(k, shift):
        a, b, c = jax.random.split(k, 3)
        x, y = jax.random.normal(a, (25, 1)), jax.random.normal(b, (25, 1)) + shift
        return discrepancies.permutation_test(c, discrepancies.energy, x, y, 39)[1]

    keys = jax.random.split(jax.random.key(0), 200)
    same = np.asarray(jax.vmap(lambda k: p_value(k, 0.0))(keys))
    assert kstest(same, "uniform").pvalue > 1e-3
    assert float(jax.vmap(lambda k: p_value(k, 3.0))(keys[:20]).max()) == pytest.approx(1 / 40)


def test_a_distance_stands_above_its_floor_only_where_laws_differ():
    x, y = RNG.normal(size=(4000, 2)), RNG.normal(size=(4000, 2))
    theta = distances.directions(jax.random.key(0), 50, 2)
    w2 = lambda a, b: distances.sliced_w2(a, b, theta)  # noqa: E731
    same = discrepancies.apart(w2, x, y)
    assert abs(float(same.value - same.floor)) < 4 * float(same.error + same.floor_error)
    moved = discrepancies.apart(w2, x, y + 0.5)
    assert float(moved.value - moved.floor) == pytest.approx(0.25, rel=0.25)


def test_the_standard_error_of_the_floor_is_what_floors_vary_by():
    """A distance that hangs on each piece alone: pieces met twice would hide half its variance."""
    draws = RNG.normal(size=(400, 2, 80, 1))
    level = lambda a, b: a.mean() + b.mean()  # noqa: E731
    found = jax.vmap(lambda d: discrepancies.apart(level, *d))(draws)
    assert float((found.floor_error**2).mean()) == pytest.approx(float(found.floor.var()), rel=0.25)


def test_a_distance_that_is_no_number_is_no_evidence():
    x = RNG.normal(size=(5, 1))
    nothing = lambda a, b: a.mean() * jnp.nan  # noqa: E731
    assert np.isnan(discrepancies.permutation_test(jax.random.key(0), nothing, x, x, 9)[1])


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: transport.exact_w2(x, x[:2]), "y"),
        (lambda x: transport.exact_w2(x[:0], x[:0]), "x"),
        (lambda x: transport.sinkhorn(x, x, 0.0), "epsilon"),
        (lambda x: discrepancies.energy(x[:1], x), "x"),
        (lambda x: discrepancies.kolmogorov(x[:0, 0], lambda x: x), "n"),
        (lambda x: discrepancies.apart(discrepancies.energy, x, x, 1), "parts"),
        (lambda x: transport.sinkhorn(x * np.nan, x, 1.0), "x"),
    ],
)
def test_what_cannot_be_measured_is_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name}"):
        call(RNG.normal(size=(4, 2)))


def test_near_gaussians_keep_the_digits_of_their_distance_in_float32():
    """W2^2 of C and s^2 C about one mean is (1 - s)^2 tr C, here 1e-6 of the traces."""
    root = RNG.normal(size=(4, 4))
    c = root @ root.T + np.eye(4)
    found = transport.bures_w2(np.zeros(4), c, np.zeros(4), 1.001**2 * c)
    assert float(found) == pytest.approx(1e-6 * np.trace(c), rel=0.02)
