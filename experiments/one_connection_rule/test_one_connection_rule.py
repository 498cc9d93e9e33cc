"""Truths of the experiment: listings, exact rationals, closed forms, dense references."""

from fractions import Fraction
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import connections, fibre, graphs, listing, ranks, search


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


sums = jax.jit(connections.one_connections)


def integers(n, seed=0):
    """Weights -2 to 2 of a digraph, half of them 0."""
    r = np.random.default_rng(seed)
    mask = (r.random((n, n)) < 0.6) & ~np.eye(n, dtype=bool)
    return np.where(mask, r.integers(1, 3, (n, n)) * r.choice([-1, 1], (n, n)), 0)


def inverse(matrix):
    """By elimination in exact rationals, and the determinant."""
    n = len(matrix)
    rows = [[Fraction(int(x)) for x in row] + [Fraction(i == j) for j in range(n)]
            for i, row in enumerate(matrix)]  # fmt: skip
    det = Fraction(1)
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k])
        if pivot != k:
            rows[k], rows[pivot], det = rows[pivot], rows[k], -det
        det *= rows[k][k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in set(range(n)) - {k}:
            rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[n:] for row in rows], det


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_sums_over_subsets_are_those_of_listed_one_connections(n):
    """Of the graph with self-loops -1, signs (-1)^cycles; the denominator by listing too."""
    lam = integers(n)
    looped = lam - np.eye(n, dtype=int)
    up, down = sums(jnp.asarray(lam))
    for i in range(n):
        for j in range(n):
            terms = listing.one_connections(lam != 0, i, j)
            total = sum((-1) ** c * np.prod([looped[e] for e in used]) for used, c in terms)
            assert total == up[i, j]
    apart = np.zeros((n + 2, n + 2), bool)  # a path of one edge elsewhere: cycles on all of these
    apart[:n, :n], apart[n, n + 1] = lam != 0, True
    looped = np.pad(looped, (0, 2), constant_values=1)
    terms = listing.one_connections(apart, n, n + 1)
    assert sum((-1) ** c * np.prod([looped[e] for e in used]) for used, c in terms) == down


@pytest.mark.parametrize("seed", range(5))
def test_the_formula_is_exact_in_rationals(seed):
    lam = integers(5, seed)
    up, down = sums(jnp.asarray(lam))
    expected, det = inverse(np.eye(5, dtype=int) - lam)
    assert det == int(down)
    assert expected == [[Fraction(int(x), int(down)) for x in row] for row in np.asarray(up)]


def test_the_doubled_graph_holds_the_covariance():
    r = np.random.default_rng(0)
    lam, omega = r.normal(size=(2, 4, 4)) * 0.5
    lam, omega = lam * (1 - np.eye(4)), omega + omega.T
    up, down = sums(jnp.asarray(connections.doubled(lam, omega)))
    T = np.linalg.inv(np.eye(4) - lam)
    np.testing.assert_allclose(up[:4, 4:] / down, T.T @ omega @ T, rtol=1e-10)
    np.testing.assert_allclose(down, np.linalg.det(np.eye(4) - lam) ** 2, rtol=1e-10)


def test_one_trek_by_hand():
    """0 -> 1, 0 -> 2, 1 <-> 2: sigma_12 = l01 l02 w00 + w12."""
    lam, omega = np.zeros((3, 3)), np.diag([2.0, 1.0, 1.0])
    lam[0, 1], lam[0, 2], omega[1, 2], omega[2, 1] = 0.5, 3.0, 0.25, 0.25
    assert listing.trek_sums(lam, omega)[1, 2] == 0.5 * 3.0 * 2.0 + 0.25


def test_numbers_of_graphs():
    """4^P simple graphs; of those with 3 vertices two have a cycle."""
    every = graphs.every_simple(3)
    assert len(every.directed) == 64
    assert graphs.cyclic(every.directed).sum() == 2
    other = graphs.not_simple(np.random.default_rng(0).random((200, 21)), 4)
    pair = other.directed.astype(int) + other.directed.swapaxes(1, 2) + other.bidirected
    assert (pair.max(axis=(1, 2)) >= 2).all()
    assert (graphs.edges(other) <= 6).all()


def test_the_jacobian_is_that_of_central_differences():
    columns = graphs.columns(graphs.named("instrument")[1], 3)
    point = graphs.points(np.random.default_rng(0).random((2, 3, 3)))
    lam, omega = map(np.asarray, jax.jit(ranks.parameters)(columns, point))

    def sigma(k, step):
        a, b, moved = columns.a[k], columns.b[k], [lam.copy(), omega.copy()]
        moved[1 - columns.directed[k]][a, b] += step
        if not columns.directed[k] and a != b:
            moved[1][b, a] += step
        T = np.linalg.inv(np.eye(3) - moved[0])
        return (T.T @ moved[1] @ T)[np.triu_indices(3)]

    law = np.stack([(sigma(k, 1e-6) - sigma(k, -1e-6)) / 2e-6 for k in range(6)], axis=1)
    np.testing.assert_allclose(jax.jit(ranks.jacobian)(columns, lam, omega), law, atol=1e-8)


def test_two_solutions_are_fixed_points_of_moebius_maps():
    """l01 = (s01 - l20 s12) / (s00 - l20 s02), and so on round the cycle."""
    lam = np.zeros((3, 3))
    lam[0, 1], lam[1, 2], lam[2, 0], omega = 0.5, -0.7, 0.4, np.array([1, 1.5, 0.8])
    T = np.linalg.inv(np.eye(3) - lam)
    s = T.T @ np.diag(omega) @ T
    np.testing.assert_allclose(fibre.covariance(jnp.array([0.5, -0.7, 0.4]), omega), s, atol=1e-14)
    first = np.array([[-s[1, 2], s[0, 1]], [-s[0, 2], s[0, 0]]])
    second = np.array([[-s[0, 2], s[1, 2]], [-s[0, 1], s[1, 1]]])
    third = np.array([[-s[0, 1], s[0, 2]], [-s[1, 2], s[2, 2]]])
    (a, b), (c, d) = third @ second @ first
    roots = np.roots([c, d - a, -b])
    np.testing.assert_allclose(sorted(roots), [0.4, 1.8787], atol=1e-4)
    start = fibre.starts(jnp.asarray(np.random.default_rng(1).random((40, 3))))
    solve = jax.jit(jax.vmap(lambda x: fibre.solve(jnp.asarray(s), x, jnp.ones(3), 50)))
    found, residual = solve(start)
    fine = np.asarray(residual) < fibre.FINE
    apart = abs(np.asarray(found)[fine, 2, None] - roots).min(axis=1)
    assert fine.any()
    assert apart.max() < 1e-7


def test_ideals_have_the_known_dimensions():
    """Chain: a hypersurface, multiples of one quadric. Fork: three quadrics, two tetrads."""
    pairs = np.array(search.entries(3))
    for monomials in search.spaces(3, 4):
        degree = np.bincount(pairs[monomials[0]].ravel(), minlength=3) - [1, 2, 1]
        rest = search.spaces(3, 3) if min(degree) >= 0 else []
        same = [m for m in rest if (np.bincount(pairs[m[0]].ravel(), minlength=3) == degree).all()]
        count = len(same[0]) if same else int((degree == 0).all())
        assert search.known("chain", monomials) == count
    quadrics = sum(search.known("fork", m) for m in search.spaces(4, 2))
    assert quadrics == 3 + 2


def test_adjugates_mod_p():
    a = np.random.default_rng(0).integers(-9, 9, (4, 4))
    minor = lambda i, j: np.delete(np.delete(a, i, 0), j, 1)  # noqa: E731
    law = [
        [(-1) ** (i + j) * round(np.linalg.det(minor(j, i))) for j in range(4)] for i in range(4)
    ]
    np.testing.assert_array_equal(search.adjugate(a % search.PRIME), np.array(law) % search.PRIME)


def test_echelon_form_of_a_known_space():
    whole = np.array([[1.0, 0, -1, 0], [0, 1, -1, 0]])
    mixed = np.array([[0.3, -2.0], [1.1, 0.7]]) @ whole
    np.testing.assert_allclose(search.reduced(mixed), whole, atol=1e-12)


def test_a_cycle_is_seen():
    for n, edges in ((3, ((0, 1), (1, 2), (2, 0))), (4, ((0, 1), (1, 0)))):
        mask = np.zeros((n, n), bool)
        mask[tuple(zip(*edges, strict=True))] = True
        assert graphs.cyclic(mask)
        for part in combinations(edges, len(edges) - 1):
            less = np.zeros_like(mask)
            less[tuple(zip(*part, strict=True))] = True
            assert not graphs.cyclic(less)
