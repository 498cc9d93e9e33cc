"""Truths of the experiment: dense pairs, shortest paths of SciPy, closed forms, limits."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra, shortest_path

from . import ebcm, epidemic, kernels, network, theory


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize(("d", "width"), [(1, 0.05), (2, 0.15)])
def test_edges_are_those_of_independent_pairs(d, width):
    """By distance, expected counts are sums of p, and variances sums of p (1 - p)."""
    rng, n, repeats = np.random.default_rng(d), 80, 300
    x, kappa = rng.random((n, d)), rng.choice([2.0, 12.0], n)
    density = kernels.on_torus(kernels.gaussian(width), d)
    u, v = np.triu_indices(n, 1)
    r = kernels.distance(x[u], x[v])
    p = np.minimum(kappa[u] * kappa[v] * density(r) / (n * kappa.mean()), 1)
    assert p.max() > 0.9
    edge = np.quantile(r, np.linspace(0, 1, 7))
    bins = [(a <= r) & (r <= b) for a, b in pairwise(edge)]
    seen = np.zeros((repeats, n, n))
    for i, key in enumerate(jax.random.split(jax.random.key(d), repeats)):
        seen[i][tuple(network.edges(key, x, kappa, density).T)] = 1
    for some in bins:
        counts, mean = seen[:, u, v][:, some].sum(axis=1), p[some].sum()
        spread = (p * (1 - p))[some].sum()
        assert abs(counts.mean() - mean) < 4 * np.sqrt(spread / repeats) + 1e-9
        assert abs(counts.var() - spread) < 5 * spread * np.sqrt(2 / repeats) + 0.02


def test_degrees_are_mixed_poisson_and_clustering_has_its_closed_form():
    n, classes = 6000, np.array([3.0, 9.0])
    one, two = jax.random.split(jax.random.key(3))
    density = kernels.on_torus(kernels.gaussian(0.08), 2)
    pairs = network.edges(one, network.positions(two, n, 2), np.repeat(classes, n // 2), density)
    a = network.adjacency(pairs, n)
    degree = a.sum(axis=0)
    np.testing.assert_allclose(degree.mean(), 6, rtol=0.03)
    np.testing.assert_allclose(degree.var(), 6 + 9, rtol=0.08)
    law = theory.clustering(n, classes, [0.5, 0.5], 1 / (6 * np.pi * 0.08**2))
    np.testing.assert_allclose(network.clustering(a), law, rtol=0.25)


def test_paths_and_triangles_are_those_of_the_dense_graph():
    """Unconnected pairs are left out."""
    n = 150
    key, density = jax.random.key(0), kernels.box(0.06)
    pairs = network.edges(key, np.arange(n)[:, None] / n, np.full(n, 2.5), density)
    a, sources = network.adjacency(pairs, n), np.arange(0, n, 2)
    far = shortest_path(a.astype(float), unweighted=True, indices=sources)
    law = far[np.isfinite(far) & (far > 0)].mean()
    np.testing.assert_allclose(network.path_length(a, sources), law)
    dense = a.toarray()
    assert dense.max() == 1
    walks = np.linalg.matrix_power(dense, 2)
    law = np.trace(walks @ dense) / (walks.sum() - np.trace(walks))
    np.testing.assert_allclose(network.clustering(a), law)


def test_epidemics_are_shortest_paths_of_their_delays():
    n, key = 300, jax.random.key(1)
    pairs = network.edges(key, np.random.default_rng(0).random((n, 2)), np.full(n, 5.0),
                          kernels.on_torus(kernels.gaussian(0.1), 2))  # fmt: skip
    s, t = epidemic.directed(pairs, n, epidemic.room(n, 5.0))
    first = np.arange(n) < 5
    caught, _ = epidemic.spread(key, s, t, first, beta=1.0, gamma=0.5, horizon=1e9)
    one, two = jax.random.split(key)
    lasts = np.asarray(jax.random.exponential(one, (n,), jnp.float32)) / 0.5
    delay = np.asarray(jax.random.exponential(two, s.shape, jnp.float32))
    open_ = (delay < lasts[s]) & (s != t)
    graph = csr_array((delay[open_].astype(float), (s[open_], t[open_])), (n, n))
    law = dijkstra(graph, indices=np.flatnonzero(first), min_only=True)
    np.testing.assert_allclose(caught, law, rtol=1e-5)
    assert 10 < np.isfinite(law).sum() < n


def test_along_one_edge_an_epidemic_is_a_race_of_two_clocks():
    """Passed with beta / (beta + gamma), after 1 / (beta + gamma) in the mean."""
    pairs = np.arange(40_000).reshape(-1, 2)
    s, t = epidemic.directed(pairs, 40_000, 40_000)
    first = np.arange(40_000) % 2 == 0
    how = {"beta": 2.0, "gamma": 1.0, "horizon": 1e9}
    caught = np.asarray(epidemic.spread(jax.random.key(2), s, t, first, **how)[0])[~first]
    np.testing.assert_allclose(np.isfinite(caught).mean(), 2 / 3, atol=0.015)
    np.testing.assert_allclose(caught[np.isfinite(caught)].mean(), 1 / 3, atol=0.012)


def test_the_laws_are_the_known_numbers():
    """kappa = 4, beta = gamma = 1; M by quadrature; two kinds of nodes have K = 5 at the mean 4."""
    M = [theory.gaussian(), theory.laplace()]
    density = [lambda y: np.exp(-(y**2) / 2) / np.sqrt(2 * np.pi), lambda y: np.exp(-abs(y)) / 2]
    for (m, _), f in zip(M, density, strict=True):
        law = quad(lambda y, f=f: f(y) * np.cosh(0.4 * y), -40, 40, limit=200)[0]
        np.testing.assert_allclose(m(0.4), law, rtol=1e-8)
    speeds = [theory.speed(1.0, 1.0, 4.0, *m)[0] for m in M]
    np.testing.assert_allclose(speeds, [4.385607681, 6.660381354], rtol=1e-8)
    np.testing.assert_allclose(theory.untouched(1.0, 1.0, [4.0], [1.0]), 0.203188, atol=1e-6)
    assert theory.excess([2.0, 6.0], [0.5, 0.5]) == 5


def test_without_space_the_equations_are_those_of_a_network():
    """Uniform rho: two equations for Theta and R, and psi(Theta) of the fixed point at the end."""
    C, rho, kappa = 16, 1e-4, np.array([2.0, 6.0])
    half = np.full(2, 0.5)
    kernel = ebcm.transform(kernels.gaussian(1.0), 10.0, C)
    case = ebcm.Case(kernel, jnp.zeros(C), jnp.full(C, rho), kappa, half)
    how = {"beta": 1.5, "gamma": 1.0, "span": 0.5, "every": 25}
    v, S, I = jax.jit(lambda: ebcm.solved(case, records=60, **how))()

    def slope(t, y):
        theta, recovered = y
        left = lambda power: (half * kappa**power * np.exp(-kappa * (1 - theta))).sum()  # noqa: E731
        phi = (1 - rho) * left(1) / 4
        S = (1 - rho) * left(0)
        return -1.5 * theta + (1 - theta) + 1.5 * phi, 1 - S - recovered

    how = {"t_eval": np.linspace(0, 30, 61), "rtol": 1e-9, "atol": 1e-12}
    found = solve_ivp(slope, (0, 30), (1.0, 0.0), **how)
    np.testing.assert_allclose(1 - v[:, 3], found.y[0], atol=1e-6)
    np.testing.assert_allclose(1 - S[:, 3] - I[:, 3], found.y[1], atol=1e-6)
    law = (1 - rho) * theory.untouched(1.5, 1.0, kappa, half)
    np.testing.assert_allclose(S[-1, 3], law, atol=2e-4)


def test_a_convolution_has_no_rounding_ahead_of_the_front():
    """Against the sum itself: the same where it is not tiny, and zero where it is."""
    C, L = 512, 100.0
    x = (np.arange(C) - C // 2) * L / C
    f = np.exp(-(x**2) / 2)
    u = 1 / (1 + np.exp(np.clip(3 * (abs(x) - 10), None, 600)))
    away = abs(x[:, None] - x)
    law = np.exp(-(np.minimum(away, L - away) ** 2) / 2) @ u / f.sum()
    found = np.asarray(ebcm.convolved(ebcm.transform(kernels.gaussian(1.0), L, C), jnp.asarray(u)))
    np.testing.assert_allclose(found[law > 1e-10], law[law > 1e-10], rtol=1e-4)
    assert (found[law < 5e-15] == 0).all()
    assert (law < 5e-15).sum() > 100


def test_the_front_of_an_exponential_is_exact():
    x = (np.arange(400) - 200) * 0.5
    v = np.exp(-1.3 * (abs(x) - np.array([[5.2], [40.1]])))
    np.testing.assert_allclose(ebcm.front(v, 200.0, 1.0), [5.2, 40.1], rtol=1e-12)


def test_half_of_the_edges_are_shorter_than_the_median():
    """In the plane; over log r."""
    ends = np.log([1e-8, 0.02, 1.0, 1e6])
    for a in (None, 3.0, 4.0):
        f = kernels.by_median(0.02, a)
        parts = [
            quad(lambda s, f=f: np.exp(2 * s) * f(np.exp(s)), *two)[0] for two in pairwise(ends)
        ]
        np.testing.assert_allclose(parts[0] / sum(parts), 0.5, atol=2e-4)


def test_foci_are_joined_over_the_border_and_over_corners():
    filled = np.zeros((6, 6), bool)
    filled[[0, 5, 2, 3], [1, 0, 2, 3]] = True  # over the border and diagonally; diagonally
    assert epidemic.foci(filled) == 2
    filled[0, 5] = filled[5, 5] = True  # beside (5, 0)
    assert epidemic.foci(filled) == 2
    filled[3, 5] = True
    assert epidemic.foci(filled) == 3
