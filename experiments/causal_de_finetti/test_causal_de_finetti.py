"""Truths of the experiment: null distributions, references of SciPy, identities, perfect data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from . import bivariate, exact, graphs, kernels


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def test_p_values_of_independent_samples_are_uniform():
    x, y = np.random.default_rng(0).normal(size=(2, 200, 60))
    p = np.asarray(jax.jit(jax.vmap(kernels.independent))(x, y))
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_dependence_without_correlation_is_seen():
    x = np.random.default_rng(1).normal(size=100)
    assert kernels.independent(jnp.asarray(x), jnp.asarray(x**2)) < 1e-3


def test_conditioning_on_the_common_cause_leaves_nothing():
    r = np.random.default_rng(2)
    z = r.normal(size=(60, 80))
    x, y = z + 0.5 * r.normal(size=z.shape), z + 0.5 * r.normal(size=z.shape)
    given = np.asarray(jax.jit(jax.vmap(kernels.conditional))(x, y, z))
    plain = np.asarray(jax.jit(jax.vmap(kernels.independent))(x, y))
    assert (plain < 0.05).mean() > 0.9
    assert (given < 0.05).mean() < 0.25


def test_the_tail_is_that_of_a_gamma_variable():
    k, scale = 2.5, 0.7
    found = kernels.tail(jnp.array(3.0), jnp.array(k * scale), jnp.array(k * scale**2))
    np.testing.assert_allclose(found, stats.gamma.sf(3.0, k, scale=scale), rtol=1e-10)


def test_counts_have_the_p_value_of_scipy():
    r = np.random.default_rng(3)
    a = r.integers(2, size=400)
    b = np.where(r.uniform(size=400) < 0.6, a, r.integers(2, size=400))
    table = np.array([[(a == i)[b == j].sum() for j in (0, 1)] for i in (0, 1)])
    known = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").pvalue
    np.testing.assert_allclose(graphs.g_test(a, b, []), known, rtol=1e-8)


def test_strata_add_up():
    """Given a constant the statistic is the same, with twice the degrees of freedom."""
    a, b = np.random.default_rng(4).integers(2, size=(2, 300))
    one = stats.chi2.isf(graphs.g_test(a, b, []), 1)
    two = stats.chi2.isf(graphs.g_test(a, b, [np.zeros_like(a)]), 2)
    np.testing.assert_allclose(one, two, rtol=1e-6)


def test_four_graphs_touch_every_variable():
    assert len(graphs.GRAPHS) == 4
    assert sorted(map(len, graphs.GRAPHS)) == [2, 2, 2, 3]


def test_graphs_are_found_from_many_environments():
    r = np.random.default_rng(5)
    for truth in graphs.GRAPHS:
        theta = 1 - (1 - r.uniform(size=(40_000, 3))) ** (1 / 3)
        d = graphs.sampled(truth, theta, r.uniform(size=(40_000, 2, 3)))
        assert graphs.distance(graphs.found(d, 1e-6), truth) == 0


@pytest.mark.parametrize("points", [1, 3])
def test_the_exact_law_is_that_of_the_generative_process(points):
    """Sums to 1, samples exchangeable; one information vanishes, both do for one mechanism."""
    r = np.random.default_rng(6)
    w = r.dirichlet(np.ones(points), size=2)
    p = exact.joint(r.uniform(size=points), w[0], r.uniform(size=(points, 2)), w[1])
    np.testing.assert_allclose(p.sum(), 1)
    np.testing.assert_allclose(p, p.transpose(2, 3, 0, 1), atol=1e-15)
    assert abs(exact.information(p, 0, 3, 2)) < 1e-14
    assert (exact.information(p, 1, 2, 3) > 1e-8) == (points > 1)


def test_decisions_follow_the_rule():
    cases = {(0.5, 0.01, 0.01): 1, (0.01, 0.5, 0.01): 2, (0.5, 0.5, 0.5): 0, (0.01, 0.02, 0.03): 0}
    for p, mode in cases.items():
        assert bivariate.decided(jnp.array(p), 0.05) == mode


def test_samples_of_an_environment_share_their_mean():
    """Laplace noise of scale 1 about it: variance 2; no edge leaves N as it is."""
    r = np.random.default_rng(7)
    means = np.repeat(r.uniform(-1, 1, size=(20_000, 1, 2)), 2, axis=1)
    zero, noise = np.zeros((20_000, 2)), r.uniform(size=means.shape)
    d = bivariate.sampled(0, jnp.ones(2), jnp.asarray(means), jnp.asarray(noise), zero, 1.0)
    np.testing.assert_allclose(np.var(d - means), 2, rtol=0.05)
    np.testing.assert_allclose(np.cov(d[:, 0, 0], d[:, 1, 0])[0, 1], 1 / 3, rtol=0.1)
