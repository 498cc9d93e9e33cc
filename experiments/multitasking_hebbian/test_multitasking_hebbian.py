"""Truths of the experiment: closed forms, limits, exhaustive minima, symmetries."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import dynamics, losses, measure, patterns, theory

COLD = 1e6


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def test_states_have_the_chances_of_independent_entries():
    xi = theory.states(3)
    p = np.asarray(theory.chances(xi, 0.3))
    np.testing.assert_allclose(p.sum(), 1)
    np.testing.assert_allclose(p @ xi**2, 0.7)
    np.testing.assert_allclose((p * xi[:, 0] ** 2) @ xi[:, 1] ** 2, 0.49)


def test_the_end_for_three_patterns_is_the_golden_ratio():
    np.testing.assert_allclose(theory.ends(3), (np.sqrt(5) - 1) / 2, rtol=1e-12)
    d = theory.ends(5)
    np.testing.assert_allclose(1 - 2 * d + d**5, 0, atol=1e-12)


def test_two_patterns_have_the_hierarchy_at_every_dilution():
    for d in (0.1, 0.5, 0.9):
        law = theory.hierarchy(2, d)
        np.testing.assert_allclose(theory.stored(law * 1.001, d, 1e5, 200), law, atol=1e-9)


def test_one_pattern_is_the_curie_weiss_equation():
    """m = (1 - d) tanh(beta m): zero above T = 1 - d."""
    m = theory.stored(jnp.array([0.6]), 0.2, 2.0, 500)
    np.testing.assert_allclose(m, 0.8 * np.tanh(2.0 * m), rtol=1e-12)
    np.testing.assert_allclose(theory.stored(jnp.array([0.6]), 0.2, 1.2, 2000), 0, atol=1e-9)


@pytest.mark.parametrize("d", [0.7, 0.9])
def test_the_closed_form_solves_the_equations(d):
    law = measure.parallel_law(np.array([d]))[0]
    found = theory.stored(jnp.asarray(law * [1.0, 1.001, 1.002]), d, 1e4, 500)
    np.testing.assert_allclose(found, law, atol=2e-3)


def test_perfect_examples_are_the_patterns():
    law = theory.hierarchy(3, 0.3)
    np.testing.assert_allclose(theory.learned(law, 0.3, 1e-9, 100), law, atol=1e-9)


def test_one_pattern_learned_is_an_error_function():
    """Without dilution m = erf(1 / sqrt(2 rho))."""
    rho = 0.4
    found = theory.learned(jnp.ones(1), 0.0, rho, 300)
    np.testing.assert_allclose(found, math.erf(1 / np.sqrt(2 * rho)), rtol=1e-9)


def test_relaxed_spins_are_stable_and_lower_in_energy():
    r = np.random.default_rng(0)
    x = patterns.diluted(jnp.asarray(r.uniform(size=(60, 3))), 0.4)
    spins = jnp.asarray(r.choice([-1.0, 1.0], size=60))
    w = jnp.full(3, 1 / 60)
    found = dynamics.relaxed(x, w, spins, jnp.asarray(r.uniform(size=(20, 60))), COLD)
    coupling = np.asarray(x @ x.T) / 60
    np.fill_diagonal(coupling, 0)
    field = coupling @ np.asarray(found)
    assert (field * np.asarray(found) >= -1e-12).all()
    assert field @ found > (coupling @ np.asarray(spins)) @ spins


def test_a_heat_bath_of_one_spin_pair_has_the_boltzmann_law():
    """Two spins coupled by w: P(equal) = 1 / (1 + exp(-2 beta w))."""
    beta, many = 0.8, 4000
    u = jnp.asarray(np.random.default_rng(1).uniform(size=(many, 10, 2)))
    one = lambda u: dynamics.relaxed(jnp.ones((2, 1)), jnp.ones(1), jnp.ones(2), u, beta)  # noqa: E731
    equal = np.asarray(jax.vmap(one)(u)).prod(axis=1) > 0
    np.testing.assert_allclose(equal.mean(), 1 / (1 + np.exp(-2 * beta)), atol=4 * 0.4 / many**0.5)


def test_mixed_labels_keep_the_examples_and_balance_the_patterns():
    eta = jnp.arange(2 * 3 * 6.0).reshape(2, 3, 6)
    found = np.asarray(patterns.mixed(eta))
    np.testing.assert_array_equal(np.sort(found.ravel()), np.sort(np.asarray(eta).ravel()))
    np.testing.assert_allclose(found.mean(axis=2), [[8.5] * 3, [26.5] * 3])


def test_energy_and_losses_have_the_same_minima():
    xi = jnp.asarray(np.random.default_rng(2).choice([-1.0, 1.0], size=(2, 9)))
    a, b = (np.round(np.asarray(x), 12) for x in losses.both(xi))
    np.testing.assert_array_equal(a == a.min(), b == b.min())


def test_examples_needed_are_read_between_two_numbers():
    m = np.zeros((1, 1, 2, 3, 3))
    m[0, 0, 0, :, 0], m[0, 0, 1, :, 0] = [0.1, 0.5, 0.7], [0.1, 0.2, 0.3]
    arrays = {"learned": m, "rest": 0.9, "learn_d": 1 / 3, "examples": np.array([10, 20, 40])}
    np.testing.assert_allclose(measure.needed(arrays)[0, 0], [30, 80])
