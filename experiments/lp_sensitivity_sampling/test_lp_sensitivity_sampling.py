"""Truths of the experiment: duality by linear programmes, closed forms, enumerated circles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from common import sketches

from . import instances, measure, sampling, search
from .sensitivities import gaussian_total, moment, power, sensitivities, whitened


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def test_sensitivities_for_one_are_linear_programmes():
    """1 / sigma = min sum t, -t <= A y <= t, a y = 1."""
    A = normal(0, 40, 3)
    found = sensitivities(jnp.asarray(A), 4, 1.0, 80)
    for a, lower, upper in zip(A, found.lower, found.upper, strict=False):
        sides = np.block([[A, -np.eye(40)], [-A, -np.eye(40)]])
        cost, row = np.r_[np.zeros(3), np.ones(40)], np.r_[a, np.zeros(40)][None]
        best = linprog(cost, sides, np.zeros(80), row, [1], bounds=(None, None))
        np.testing.assert_allclose(lower, 1 / best.fun, rtol=1e-3)
        assert lower <= 1 / best.fun * (1 + 1e-12) <= upper * (1 + 1e-9) <= 1.05 / best.fun


@pytest.mark.parametrize("p", [1.5, 2.0, 3.0, 4.0])
def test_sensitivities_are_minima_and_leverages(p):
    A = normal(1, 30, 3)
    found = sensitivities(jnp.asarray(A), 3, p, 20)

    def total(z, start, free):
        return (abs(A @ (start + z @ free)) ** p).sum()

    np.testing.assert_allclose(found.lower, found.upper, rtol=1e-7)
    for a, sigma in zip(A, found.lower, strict=False):
        start, free = a / (a @ a), np.linalg.svd(a[None])[2][1:]
        best = minimize(total, np.zeros(2), (start, free), tol=1e-10)
        np.testing.assert_allclose(sigma, 1 / best.fun, rtol=1e-6)
    if p == 2:
        np.testing.assert_allclose(found.lower, sketches.leverage(jnp.asarray(A))[:3], rtol=1e-10)


@pytest.mark.parametrize("p", [1.5, 3.0])
def test_every_sensitivity_lies_between_multiples_of_the_lewis_weight(p):
    """w d^(p/2 - 1) <= sigma <= w for p < 2, and the other way round: the range of the total."""
    A = jnp.asarray(normal(2, 60, 4) * np.geomspace(1, 30, 60)[:, None])
    sigma, w = sensitivities(A, 60, p, 30).lower, sketches.lewis(A, p)
    ends = np.sort([w, w * 4 ** (p / 2 - 1)], axis=0)
    assert (ends[0] <= sigma * (1 + 1e-9)).all()
    assert (sigma <= ends[1] * (1 + 1e-9)).all()


def test_the_law_of_gaussian_totals():
    """d at p = 2 to first order in 1 / n; d(d + 2) / 3 at p = 4 without end; both forms agree."""
    d = np.array([2.0, 5.0, 17.0])
    np.testing.assert_allclose(measure.gaussian_total(d, 2.0, 50), d)
    np.testing.assert_allclose(measure.gaussian_total(d, 4.0), d * (d + 2) / 3)
    np.testing.assert_allclose(gaussian_total(d, 1.5), measure.gaussian_total(d, 1.5))
    np.testing.assert_allclose(moment(3.0), np.sqrt(8 / np.pi))


@pytest.mark.parametrize("e", [-0.5, -0.25, 0.0, 0.5, 1.0, 1.25])
def test_powers_by_square_roots(e):
    x = jnp.asarray(normal(3, 50) ** 2)
    np.testing.assert_allclose(jax.jit(power)(x, e), np.asarray(x) ** e, rtol=1e-13)


@pytest.mark.parametrize("p", [1.0, 1.5, 4.0])
def test_the_search_finds_what_a_circle_has(p):
    rows, random = jnp.asarray(normal(4, 30, 2)), jnp.asarray(normal(5, 8, 2))
    unit = random / jnp.linalg.norm(random, axis=1, keepdims=True)
    found = search.extremes(rows, p, unit, starts=8, steps=24).f
    angle = np.linspace(0, np.pi, 20_001)
    f = (abs(np.c_[np.cos(angle), np.sin(angle)] @ np.asarray(rows).T) ** p).sum(1)
    np.testing.assert_allclose([found.min(), found.max()], [f.min(), f.max()], rtol=1e-3)


@pytest.mark.parametrize("p", [1.0, 3.0])
def test_no_sample_is_better_than_one_kept_row_allows(p):
    """Distortion >= S / m - 1 in every draw, in the dual direction of a kept row; 1 if none."""
    d, draws = 6, jax.random.split(jax.random.key(0), 20)
    m = float(gaussian_total(d, p)) / 4
    options = {"starts": 4, "steps": 6}
    found = jax.vmap(lambda k: sampling.limit(k, d, p + np.zeros(2), np.array([m, 4 * d]), options))
    gauss, copies = found(draws)
    few = gauss[:, 0]
    assert ((few >= 3 - 1e-9) | (few == 1)).all()
    assert (few >= 3 - 1e-9).any()
    np.testing.assert_allclose(copies[:, 1] * 4 % 1, 0, atol=1e-12)  # |N / 4 - 1|


def test_endless_rows_are_the_limit_of_many():
    """The median distortion of samples of 4,000 Gaussian rows, and of rows without end."""
    b = whitened(jnp.asarray(normal(6, 4000, 4)))
    p, options, draws = 1.5, {"starts": 4, "steps": 12}, jax.random.split(jax.random.key(1), 60)
    gauss, _ = instances.scores("sensitivity", b, 1, p)
    m = 100 * (1 + 4 / float(gauss.sum()))  # the identity takes its share

    def finite(key):
        case = jnp.array([p]), gauss[None], jnp.ones(1)
        return sampling.mixed(key, b, case, 1, (m,), options).distortion[0, 0]

    def endless(key):
        return sampling.limit(key, 4, np.array([p]), np.array([100.0]), options)[0][0]

    pair = [np.median(jax.lax.map(one, draws)) for one in (jax.jit(finite), jax.jit(endless))]
    np.testing.assert_allclose(*pair, rtol=0.2)


def test_blocks_of_a_mixed_matrix_have_the_shares_of_the_law():
    """Exact sensitivities: d of copies of the identity, S_G of Gaussian rows; Lewis: d and d."""
    A = np.zeros((440, 6))
    A[:400, :3], A[400:, 3:] = 5 * normal(7, 400, 3), np.tile(np.eye(3), (14, 1))[:40]
    A[438:] = A[400:402] * 0
    found = sensitivities(jnp.asarray(A), 438, 1.5, 20).lower
    np.testing.assert_allclose(found[400:].sum(), 3, rtol=0.02)
    np.testing.assert_allclose(found[:400].sum(), gaussian_total(3, 1.5), rtol=0.03)
    w = sketches.lewis(jnp.asarray(A), 1.5)
    np.testing.assert_allclose([w[:400].sum(), w[400:].sum()], 3, rtol=1e-6)


def test_needed_rows_between_budgets():
    """Exact on a power law, also beyond the ends."""
    rows = np.array([10.0, 40.0, 90.0])
    for scale in (1.0, 2.0, 10.0):
        found = measure.needed(scale / np.sqrt(rows)[None, None], rows)
        np.testing.assert_allclose(found, (scale / measure.ENOUGH) ** 2)
