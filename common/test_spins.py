"""Spins against couplings written out, site after site, and against laws of Boltzmann."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common import spins

N, P = 12, 3


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def drawn(seed=0):
    r = np.random.default_rng(seed)
    return r.normal(size=(N, P)), r.choice([-1.0, 1.0], size=N)


def pairs(x, s1):
    return x @ s1


def cubes(x, s1, s2, s3):
    """Of the fourth elementary polynomial: e_3 of the others."""
    return jnp.sum(x * (s1**3 - 3 * s1 * s2 + 2 * s3) / 6)


def test_pairs_are_the_dense_couplings_without_their_diagonal():
    x, s = drawn()
    found = spins.relaxed(jnp.asarray(x), jnp.asarray(s), pairs, 3)
    J = x @ x.T - np.diag((x**2).sum(axis=1))
    for _ in range(3):
        for i in range(N):
            s[i] = np.sign(J[i] @ s)
    np.testing.assert_array_equal(found, s)


def test_sums_of_powers_are_those_over_all_triples():
    x, s = drawn(1)
    found = spins.relaxed(jnp.asarray(x), jnp.asarray(s), cubes, 2, powers=(1, 2, 3))
    three = np.array([(i, j, k) for i in range(N) for j in range(i) for k in range(j)])
    for _ in range(2):
        for i in range(N):
            others = three[(three != i).all(axis=1)]
            s[i] = np.sign((x[i] * (x * s[:, None])[others].prod(axis=1)).sum())
    np.testing.assert_array_equal(found, s)


def test_a_spin_without_a_field_stays():
    x, s = np.zeros((N, P)), drawn(2)[1]
    np.testing.assert_array_equal(spins.relaxed(jnp.asarray(x), jnp.asarray(s), pairs, 2), s)


def test_no_temperature_is_the_limit_of_a_low_one():
    x, s = map(jnp.asarray, drawn(3))
    u = jnp.asarray(np.random.default_rng(4).uniform(size=(4, N)))
    cold = spins.relaxed(x, s, pairs, 4, heat=(1e9, u))
    np.testing.assert_array_equal(cold, spins.relaxed(x, s, pairs, 4))


def test_one_spin_in_a_field_has_the_law_of_boltzmann():
    beta, h, many = 0.7, 0.9, 20_000
    u = jnp.asarray(np.random.default_rng(5).uniform(size=(many, 1, 1)))

    def one(u):
        return spins.relaxed(
            jnp.ones((1, 1)), jnp.ones(1), lambda x, s: h + 0 * s[0], 1, heat=(beta, u)
        )

    up = (np.asarray(jax.vmap(one)(u)) > 0).mean()
    np.testing.assert_allclose(up, 1 / (1 + np.exp(-2 * beta * h)), atol=4 * 0.5 / many**0.5)
