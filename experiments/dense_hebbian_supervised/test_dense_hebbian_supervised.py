"""Truths of the experiment: sums over indices, closed forms, moments, limits."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import dynamics, examples, images, measure, theory

N, K = 7, 3


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def energy(x, s, P, distinct):
    """By the definition, every product of P spins."""
    xs = np.asarray(x) * s[:, None]
    if distinct:
        sums = sum(xs[list(each)].prod(axis=0) for each in itertools.combinations(range(N), P))
        return -math.factorial(P - 1) / N ** (P - 1) * sums.sum()
    return -(xs.sum(axis=0) ** P).sum() / (P * N ** (P - 1))


@pytest.mark.parametrize(
    ("P", "distinct"), [(2, True), (4, True), (2, False), (4, False), (6, False)]
)
def test_the_field_is_half_of_what_a_flip_costs(P, distinct):
    r = np.random.default_rng(P)
    x, s = r.normal(size=(N, K)), r.choice([-1.0, 1.0], size=N)
    field = (dynamics.distinct if distinct else dynamics.plain)(P, N)
    rest = np.arange(N) != 2
    sums = [((x[rest] * s[rest, None]) ** k).sum(axis=0) for k in (1, 2, 3)]
    up, down = s.copy(), s.copy()
    up[2], down[2] = 1, -1
    half = (energy(x, down, P, distinct) - energy(x, up, P, distinct)) / 2
    np.testing.assert_allclose(field(jnp.asarray(x[2]), *map(jnp.asarray, sums)), half, rtol=1e-10)


def test_relaxed_spins_are_in_a_minimum():
    r = np.random.default_rng(1)
    x, s = jnp.asarray(r.normal(size=(N, K))), jnp.asarray(r.choice([-1.0, 1.0], size=N))
    found = np.asarray(dynamics.relaxed(x, s, dynamics.distinct(4, N), 20))
    for i in range(N):
        flipped = found.copy()
        flipped[i] *= -1
        assert energy(x, flipped, 4, True) >= energy(x, found, 4, True) - 1e-12


@pytest.mark.parametrize("distinct", [True, False])
def test_noise_is_the_variance_of_the_field(distinct):
    """Of random patterns on random spins: c_P gamma, with (N-1)(N-2)(N-3)/N^3 of it at finite N."""
    size, many, P = 40, 30_000, 4
    x = jnp.asarray(np.random.default_rng(2).choice([-1.0, 1.0], size=(size, many)))
    field = (dynamics.distinct if distinct else dynamics.plain)(P, size)
    s1 = x[1:].sum(axis=0)
    each = jax.vmap(lambda a, b: field(a[None], b[None], jnp.full(1, size - 1.0), b[None]))(
        x[0], s1
    )
    law = theory.noise(P, distinct) / size**3
    law *= math.perm(size - 1, 3) / size**3 if distinct else 1
    np.testing.assert_allclose(np.var(np.asarray(each)), law, rtol=0.05 if distinct else 0.15)


def test_means_of_examples_have_the_entropy_of_the_definition():
    """E x xi = 1 / sqrt(1 + rho), E x^2 = 1."""
    r = np.random.default_rng(3)
    xi = examples.archetypes(jnp.asarray(r.uniform(size=(40_000, 1))))
    x = examples.means(xi[..., None], jnp.asarray(r.uniform(size=(40_000, 1, 9))), 0.5, 9)
    rho = (1 - 0.25) / (9 * 0.25)
    np.testing.assert_allclose((x * xi).mean(), 1 / np.sqrt(1 + rho), atol=0.01)
    np.testing.assert_allclose((x**2).mean(), 1, atol=0.02)
    many = examples.many(xi, jnp.asarray(r.normal(size=(40_000, 1))), rho)
    np.testing.assert_allclose((many * xi).mean(), 1 / np.sqrt(1 + rho), atol=0.01)
    np.testing.assert_allclose((many**2).mean(), 1, atol=0.02)


def test_without_load_the_equations_are_the_learning_curve():
    for P in (4, 6):
        found = theory.frozen(1e-9, 0.4, P).m
        np.testing.assert_allclose(found, math.erf(1 / np.sqrt(0.8)), atol=1e-6)


def test_the_limit_is_the_closed_form():
    for P in (3, 4):
        np.testing.assert_allclose(
            theory.limit(jnp.zeros(()), P, 16), theory.limit_law(P), rtol=5e-3
        )


def test_cold_equations_tend_to_the_frozen_ones():
    np.testing.assert_allclose(theory.warm(0.05, 0.1, 4), theory.frozen(0.1, 0.0, 4).m, atol=2e-3)


def test_misfiled_examples_are_dealt_evenly():
    xi = jnp.asarray(np.random.default_rng(4).choice([-1.0, 1.0], size=(5, 3)))
    found = np.asarray(examples.misfiled(xi, 6))
    np.testing.assert_allclose(
        found.mean(axis=2), np.asarray(xi.mean(axis=1))[:, None].repeat(3, 1)
    )


def test_binary_images_are_balanced():
    r = np.random.default_rng(5)
    x = images.binary(r.uniform(size=(200, 28, 28)), r.uniform(size=(200, 28, 28)), 20)
    assert x.shape == (200, 20)
    assert abs(x.mean()) < 0.1


def test_the_overlap_of_digits_is_that_of_the_dense_network():
    arrays = {"digits": np.arange(12.0).reshape(1, 2, 6)}
    np.testing.assert_array_equal(measure.digits(arrays), [[6, 7, 8, 9, 10, 11]])
