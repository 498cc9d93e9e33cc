"""Truths of the experiment: closed forms, limits, sums over indices."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import glass, measure, network, retrieval


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def test_many_body_glasses_are_random_energies():
    """P to infinity: -sqrt(log 2) J."""
    np.testing.assert_allclose(glass.ground(jnp.array(30.0), 60), -np.sqrt(np.log(2)), rtol=1e-3)


def test_no_breaking_is_the_limit_of_small_beta_x():
    """D to 0: the average of |h|, -sqrt(2 Gamma / pi), and the maximum is above it."""
    Gamma = jnp.array(2.0)
    np.testing.assert_allclose(glass.broken(1e-5, Gamma, 4), glass.symmetric(Gamma), rtol=1e-4)
    assert glass.ground(Gamma, 4) > glass.symmetric(Gamma)


def test_energies_scale_with_the_root_of_the_load():
    one, four = (float(glass.ground(jnp.array(g), 4)) for g in (0.5, 2.0))
    np.testing.assert_allclose(four, 2 * one, rtol=1e-6)


def test_a_parabola_through_the_top_is_exact_for_parabolas():
    x = np.linspace(-1, 1, 21)
    np.testing.assert_allclose(glass.top(jnp.asarray(3 - (x - 0.137) ** 2)), 3, rtol=1e-12)


def test_the_free_energy_above_the_glass_is_that_of_the_annealed():
    """q = 0 at high T: f = -T log 2 - Gamma / (2 P T)."""
    f = glass.free_energy(jnp.array(2.0), jnp.array(2.0), 4)
    np.testing.assert_allclose(f, -2 * np.log(2) - 2.0 / (2 * 4 * 2.0), rtol=1e-8)


def test_entropy_is_log_2_at_high_temperature():
    np.testing.assert_allclose(glass.entropy(50.0, 2.0, 4), np.log(2), rtol=1e-3)


def test_breaking_is_no_advantage_where_replicas_do_not_overlap():
    found = glass.advantage(np.array([1e-4]), jnp.array(0.5), jnp.array(2.0), 4)
    np.testing.assert_allclose(found, 0, atol=1e-10)


def test_perfect_patterns_have_the_energy_of_the_signal():
    """Gamma to 0: m = 1 and -1/P."""
    np.testing.assert_allclose(retrieval.energy(jnp.array(1e-3), 4), -0.25, atol=1e-3)
    energy, m, _ = jax.jit(lambda: retrieval.broken(6.0, 1e-2, 4, 300))()
    np.testing.assert_allclose([energy, m], [-0.25, 1], atol=1e-3)


def test_the_overlap_is_lost_beyond_the_closed_form():
    """max erf(x)^6 / (2 x^2) = 0.19786"""
    held, lost = (retrieval.overlap(jnp.array(g), 4) for g in (0.196, 0.2))
    assert held > 0.9
    assert lost < 0.1


def test_the_dense_field_is_the_sum_over_distinct_spins():
    N, K = 7, 3
    xi = np.random.default_rng(0).choice([-1.0, 1.0], size=(N, K))
    triples = [xi[list(t)].prod(axis=0) for t in itertools.combinations(range(1, N), 3)]
    direct = math.factorial(3) / N**3 * (xi[0] * sum(triples)).sum()
    found = network.dense(N)(jnp.asarray(xi[0]), jnp.asarray(xi[1:].sum(axis=0)))
    np.testing.assert_allclose(found, direct, rtol=1e-12)


def test_one_pattern_is_kept():
    xi = jnp.asarray(np.random.default_rng(1).choice([-1.0, 1.0], size=(50, 1)))
    for field in (network.dense, network.plain, network.pair):
        assert network.ended(xi, field(50), 3) == 1


def test_crossings_are_read_between_points():
    x = np.array([0.0, 1.0, 2.0])
    assert measure.crossing(x, np.array([-1.0, -0.5, 0.5])) == 1.5
    assert measure.crossing(x, np.array([-1.0, -1.0, -1.0])) == 2
