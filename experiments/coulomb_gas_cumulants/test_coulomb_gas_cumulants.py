"""Truths of the experiment: closed forms, exact sums, symmetries, limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from blackjax.mcmc import integrators

from common import keys

from . import exact, formula, hmc, statistics


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("q", [2, 3, 4, 5])
def test_cumulants_of_squares_are_factorials(q):
    """N^(q-2) kappa_q = (q-1)!/2 (1 + 1/N) exactly, and (q-1)!/2 by formula."""
    N, half = 60, {2: 0.5, 3: 1.0, 4: 3.0, 5: 12.0}[q]
    r, log_w = exact.law(N)
    found = exact.cumulants(r**2, log_w)[q - 2] * float(N) ** (q - 2)
    np.testing.assert_allclose(found, half * (1 + 1 / N), rtol=1e-7)
    np.testing.assert_allclose(formula.cumulant(statistics.square, q, 2.0), half, rtol=1e-12)


def test_the_variance_is_the_integral_in_three_dimensions():
    """d = 3, r^2: (1/beta) int r^2 (2r)^2 = 4 / (5 beta); kappa_3 = 8 / (3 beta^2)."""
    np.testing.assert_allclose(formula.cumulant(statistics.square, 2, 2.0, 3), 0.4, rtol=1e-10)
    np.testing.assert_allclose(formula.cumulant(statistics.square, 3, 2.0, 3), 2 / 3, rtol=1e-10)


def test_the_exact_law_of_all_beta_is_kostlans_at_two():
    N = 40
    r, log_w = exact.law(N)
    np.testing.assert_allclose(exact.radial(N, 2.0), exact.cumulants(r**2, log_w)[:2], rtol=1e-7)


def test_the_droplet_of_a_tilted_parabola_is_a_smaller_disc():
    found = formula.droplet(jnp.array(0.44), statistics.square, 2.0)
    np.testing.assert_allclose(found, 1 / 1.2, rtol=1e-12)


def test_the_rate_of_squares_is_its_closed_form():
    s = 0.5
    law = (np.log(1 + s) + 1 / (1 + s) - 1) / 2
    np.testing.assert_allclose(formula.rate(jnp.array(s), statistics.square, 2.0), law, rtol=1e-10)


def test_the_mean_of_the_untilted_gas_is_the_droplets():
    np.testing.assert_allclose(
        formula.mean(jnp.zeros(()), statistics.quartic, 2.0), 1 / 3, rtol=1e-10
    )


def test_the_generating_function_of_squares_is_a_product_of_gammas():
    N, s = 30, np.array([-0.2, 0.5])
    r, log_w = exact.law(N)
    found = exact.generating(r**2, log_w, s)
    np.testing.assert_allclose(found[:, 0], -N * (N + 1) / 2 * np.log1p(s), rtol=1e-6)
    np.testing.assert_allclose(found[:, 1], -N * (N + 1) / 2 / (1 + s), rtol=1e-6)


def test_a_bump_vanishes_smoothly_outside():
    r = jnp.array([0.0, 0.6, 0.7])
    np.testing.assert_allclose(statistics.bump(r, 0.0, 0.6), [1, 0, 0])
    assert jax.grad(lambda r: statistics.bump(r, 0.0, 0.6))(0.61) == 0


def test_the_energy_is_the_sum_over_pairs():
    x = np.random.default_rng(0).normal(size=(5, 2))
    pairs = sum(np.log(np.linalg.norm(x[i] - x[j])) for i in range(5) for j in range(i))
    law = 2.0 * (5 * (x**2).sum() / 2 - pairs)
    np.testing.assert_allclose(hmc.energy(jnp.asarray(x), hmc.Rules(2.0, 0.1)), law, rtol=1e-12)


def test_a_move_ends_where_blackjax_does():
    rules, key = hmc.Rules(2.0, 0.02), jax.random.key(3)
    x = jnp.asarray(np.random.default_rng(4).normal(size=(6, 2)) / 2)
    density = lambda x: -hmc.energy(x, rules)  # noqa: E731
    leap = jax.jit(integrators.velocity_verlet(density, lambda p, position=None: (p**2).sum() / 2))
    p = keys.normal(jax.random.split(key)[0], x.shape)
    state = integrators.new_integrator_state(density, x, p)
    for _ in range(rules.leapfrogs):
        state = leap(state, rules.step)
    found, taken = jax.jit(lambda k, x: hmc.move(k, x, rules))(key, x)
    assert taken
    np.testing.assert_allclose(found, state.position, rtol=1e-10)


def test_without_interaction_chains_are_normal():
    """Each coordinate has variance 1 / (beta N): sum r^2 has the mean 2 / beta.

    Moves of a quarter period: those of half a period turn x over and keep r^2.
    """
    rules = hmc.Rules(jnp.array(2.0), jnp.array(0.055), 0.0)
    start = jnp.asarray(np.random.default_rng(1).normal(size=(64, 4, 2)))
    run = jax.jit(jax.vmap(lambda k, x: hmc.sampled(k, x, rules, 200)))
    seen, taken = run(jax.random.split(jax.random.key(0), 64), start)
    np.testing.assert_allclose(seen[:, 20:].mean(), 1.0, rtol=0.05)
    assert taken.mean() > 0.9
