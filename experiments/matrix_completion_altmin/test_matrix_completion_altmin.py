"""Truths of the experiment: dense references, closed forms, limits, identities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import altmin, cost, instances, measure, solvers

N, K = 40, 3


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def problem(p, key=0, condition=2.0):
    r = np.random.default_rng(key)
    factors, uniform = r.normal(size=(2, N, K)), r.uniform(size=(N, N))
    return instances.made(jnp.asarray(factors), condition, jnp.asarray(uniform), p)


def parts(p=0.5):
    """A regression with noise: basis, mask, target."""
    r = np.random.default_rng(1)
    basis = np.linalg.qr(r.normal(size=(N, K)))[0]
    return jnp.asarray(basis), problem(p).seen, jnp.asarray(r.normal(size=(N, N)))


def go(p, error=(0.0, 0.0, 0.0), T=10):
    """Exact solves with errors added."""
    instance, r = problem(p), np.random.default_rng(2)
    start = altmin.begin(jnp.asarray(r.normal(size=(N, K))), instance, p, 3.0)
    both = jnp.stack([instance.seen.T, instance.seen])
    error = altmin.Error(*map(jnp.asarray, error), jnp.asarray(r.normal(size=(T, 2, N, K))))
    return altmin.run(instance, start, solvers.exact, lambda sweep: both, T, error)


def test_singular_values_are_those_asked_for():
    s = np.linalg.svd(problem(0.5).matrix, compute_uv=False)
    np.testing.assert_allclose(s[:K], [1, 0.75, 0.5], rtol=1e-12)
    np.testing.assert_allclose(s[K:], 0, atol=1e-14)


def test_exact_solves_are_least_squares_row_by_row():
    basis, seen, target = parts()
    found = solvers.exact(basis, seen, target, jnp.zeros((N, K)))
    for j in range(0, N, 7):
        on = np.asarray(seen[j]) > 0
        w = np.linalg.lstsq(np.asarray(basis)[on], np.asarray(target)[j, on], rcond=None)[0]
        np.testing.assert_allclose(found[j], w, rtol=1e-9)


@pytest.mark.parametrize("sketch", [False, True])
def test_as_many_steps_as_unknowns_are_exact_from_any_start(sketch):
    basis, seen, target = parts()
    start = jnp.asarray(np.random.default_rng(5).normal(size=(N, K)))
    inverse = solvers.sketched(solvers.embedding(jax.random.key(0), 20, N)) if sketch else None
    found = solvers.conjugate(K, 1.0, inverse)(basis, seen, target, start)
    np.testing.assert_allclose(found, solvers.exact(basis, seen, target, start), atol=1e-9)


def test_a_solution_is_not_left():
    basis, seen, target = parts()
    exact = solvers.exact(basis, seen, target, jnp.zeros((N, K)))
    np.testing.assert_allclose(
        solvers.conjugate(2, 1.0)(basis, seen, target, exact), exact, atol=1e-12
    )


def test_a_sketch_with_a_bucket_an_entry_is_the_normal_matrix():
    """S of orthonormal columns: P^T P = B_j, and one preconditioned step is exact."""
    basis, seen, target = parts()
    inverse = solvers.sketched(jnp.eye(N))
    inverted = np.linalg.inv(solvers.normal(basis, seen))
    np.testing.assert_allclose(inverse(basis, seen), inverted, rtol=1e-6)
    found = solvers.conjugate(1, 1.0, inverse)(basis, seen, target, jnp.zeros((N, K)))
    exact = solvers.exact(basis, seen, target, jnp.zeros((N, K)))
    np.testing.assert_allclose(found, exact, atol=1e-8)


def test_all_entries_seen_one_sweep_is_the_matrix():
    seen = go(1.1, T=1)
    assert seen.error[0] < 1e-11
    assert seen.distance[0] < 1e-11


def test_a_fixed_error_on_all_entries_is_the_error():
    """Only the last solve's and the basis of the one before are left: delta sqrt(2)."""
    error = go(1.1, (0.0, 0.0, 1e-6), T=6).error
    np.testing.assert_allclose(error[-1], np.sqrt(2) * 1e-6, rtol=0.1)


def test_an_aligned_error_on_a_linear_map_multiplies_the_rate():
    plain, along = (go(0.6, (0.0, e, 0.0), T=14).error for e in (0.0, 0.2))
    ratio = measure.rates(np.asarray(along)) / measure.rates(np.asarray(plain))
    np.testing.assert_allclose(ratio, 1.2**2, rtol=0.05)


def test_sweeps_and_half_way_are_read_between_the_points():
    error = 10.0 ** -np.arange(1.5, 12.0)
    np.testing.assert_allclose(measure.sweeps(error), 7.5)
    assert measure.sweeps(np.ones(9)) == 9
    final = np.ones((1, 1, 3, 4))
    final[0, 0, 1, :1], final[0, 0, 2, :3] = 0, 0  # shares 0, 1/4, 3/4
    arrays = {"ratios": np.array([2.0, 3.0, 4.0]), "final": final}
    np.testing.assert_allclose(measure.half_way(arrays), [[3.5]])


def test_multiplications_are_those_of_the_loops():
    seen = np.random.default_rng(0).uniform(size=(5, 7)) < 0.4
    many = sum(int(line.sum()) * (4 + 2) + 8 / 3 + 4 for line in (*seen, *seen.T))
    np.testing.assert_allclose(cost.exact(seen, 2), many)
    np.testing.assert_allclose(
        cost.conjugate(seen, 2, 3), sum(int(line.sum()) * 16 + 30 for line in (*seen, *seen.T))
    )
