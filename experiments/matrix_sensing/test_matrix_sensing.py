"""Tests of truth: dense sums, gradients, closed forms, conserved quantities, planted curves."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import descent, measure, problems, sensing

N, R = 6, 2


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def normal(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


def flow(step, state, steps):
    return jax.jit(lambda s: jax.lax.fori_loop(0, steps, lambda _, s: step(s), s))(state)


def test_target_has_the_stated_spectrum():
    m = np.asarray(sensing.target(normal(0, N, R + 1), 3.0))
    spectrum = np.linalg.eigvalsh(m)[::-1]
    np.testing.assert_allclose(spectrum, [1, 2 / 3, 1 / 3] + [0] * (N - R - 1), atol=1e-14)


@pytest.mark.parametrize("assembled", [False, True])
def test_the_operator_is_the_sum_over_measurements(assembled):
    """A*A(E) = 1/m sum <A_i, E> A_i, and with symmetric parts for symmetric E."""
    m = 40
    a = sensing.gaussian(jax.random.key(1), m, N)
    each = np.sqrt(m) * np.asarray(a).reshape(m, N, N)
    e = normal(2, 3, N, N)
    dense = np.einsum("ijk,bjk,ilp->blp", each, e, each) / m
    rows = a.T @ a if assembled else a
    np.testing.assert_allclose(sensing.normal(rows, e, assembled=assembled), dense, rtol=1e-12)

    e = e + e.mT
    parts = (each + each.transpose(0, 2, 1)) / 2
    dense = np.einsum("ijk,bjk,ilp->blp", parts, e, parts) / m
    h = sensing.half(a.reshape(m, N, N))
    rows = h.T @ h if assembled else h
    np.testing.assert_allclose(sensing.half_normal(rows, e, assembled=assembled), dense, rtol=1e-12)


def test_the_operator_is_the_identity_on_average():
    """The mean over 4,000 draws lies within 5 standard errors of E in every entry."""
    e = normal(3, 1, N, N)
    keys = jax.random.split(jax.random.key(4), 4000)
    draws = jax.vmap(lambda key: sensing.normal(sensing.gaussian(key, 10, N), e)[0])(keys)
    error = np.asarray(draws.mean(0) - e[0]) / np.asarray(draws.std(0) / np.sqrt(len(keys)))
    assert np.abs(error).max() < 5


def test_fewer_measurements_are_the_first_ones_rescaled():
    a = sensing.gaussian(jax.random.key(5), 8, N)
    few = sensing.first(a, 5, 8)
    np.testing.assert_allclose(few[:5] * np.sqrt(5), a[:5] * np.sqrt(8), rtol=1e-14)
    assert not few[5:].any()


def test_half_keeps_inner_products_and_inverts():
    e, f = (normal(seed, 4, N, N) for seed in (6, 7))
    e, f = e + e.mT, f + f.mT
    products = jnp.sum(sensing.half(e) * sensing.half(f), axis=-1)
    np.testing.assert_allclose(products, jnp.sum(e * f, axis=(-2, -1)), rtol=1e-13)
    np.testing.assert_allclose(sensing.unhalf(sensing.half(e), N), e, rtol=1e-14)


def measured_loss(a, m):
    return lambda product: jnp.sum((a @ (product - m)[0].reshape(-1)) ** 2)


def test_the_symmetric_step_follows_the_gradient_of_the_measured_loss():
    """X: of 1/4 |A(X X^T - M)|^2, by automatic differentiation."""
    a, x = sensing.gaussian(jax.random.key(8), 30, N), normal(10, 1, N, 3)
    m = sensing.target(normal(9, N, R), 2.0)[None]
    loss, h = measured_loss(a, m), sensing.half(a.reshape(-1, N, N))
    slope = jax.grad(lambda x: loss(x @ x.mT) / 4)(x)
    step = descent.symmetric_step(x, m, partial(sensing.half_normal, h), 0.1)
    np.testing.assert_allclose(step, x - 0.1 * slope, rtol=1e-12)


def test_the_asymmetric_step_follows_the_gradients_of_the_measured_loss():
    """(F, G): of 1/2 |A(F G^T - M)|^2, by automatic differentiation."""
    a = sensing.gaussian(jax.random.key(8), 30, N)
    m = sensing.target(normal(9, N, R), 2.0)[None]
    factors, loss = (normal(11, 1, N, 3), normal(12, 1, N, 3)), measured_loss(a, m)
    slopes = jax.grad(lambda fg: loss(fg[0] @ fg[1].mT) / 2)(factors)
    step = descent.asymmetric_step(factors, m, partial(sensing.normal, a), 0.1)
    for new, old, slope in zip(step, factors, slopes, strict=True):
        np.testing.assert_allclose(new, old - 0.1 * slope, rtol=1e-12)


@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_one_noise_direction_decays_as_the_law(scale):
    """n = k = 1, M = 0: s <- s - lr s^3, so the squared error s^4 -> 1 / (4 lr^2 t^2)."""
    step = partial(descent.symmetric_step, target=jnp.zeros((1, 1, 1)), sense=lambda e: e, lr=0.1)
    x = flow(step, jnp.full((1, 1, 1), scale), 200_000)
    law = measure.law(np.array(200_000.0), 1, 0.1)
    np.testing.assert_allclose(descent.squared_error(x, x, 0.0)[0], law, rtol=6e-3)


def test_the_asymmetric_rate_is_the_imbalance_left_in_the_spare_columns():
    """Squared error falls as (1 - lr lambda)^(2 t), lambda the least square of F's singular values
    once G has died there: the derivation behind the alpha^2 law."""
    n, width, lr = 8, 3, 0.1
    m = sensing.target(normal(13, n, R), 1.0)[None]
    start = 0.1 * normal(14, 1, n, width), 0.03 * normal(15, 1, n, width)
    step = partial(descent.asymmetric_step, target=m, sense=lambda e: e, lr=lr)
    early = flow(step, start, 1500)
    late = flow(step, early, 100)
    fall = [descent.squared_error(*factors, m)[0] for factors in (early, late)]
    least = np.linalg.svd(np.asarray(late[0][0]), compute_uv=False)[-1] ** 2
    np.testing.assert_allclose(fall[1] / fall[0], (1 - lr * least) ** 200, rtol=1e-3)


def test_imbalance_is_conserved_to_first_order_in_the_step_size():
    """F^T F - G^T G at a fixed time drifts in proportion to lr: halving lr halves the drift."""
    m = sensing.target(normal(16, N, R), 1.0)[None]
    start = 0.5 * normal(17, 1, N, 3), 0.2 * normal(18, 1, N, 3)

    def drift(lr, steps):
        step = partial(descent.asymmetric_step, target=m, sense=lambda e: e, lr=lr)
        f, g = flow(step, start, steps)
        return np.linalg.norm(
            (f.mT @ f - g.mT @ g) - (start[0].mT @ start[0] - start[1].mT @ start[1])
        )

    assert drift(0.01, 1000) / drift(0.005, 2000) == pytest.approx(2, rel=0.05)
    assert drift(0.005, 2000) < 0.05


def test_rebalancing_keeps_the_product_and_levels_f():
    f, g = 0.1 * normal(19, 2, N, 3), normal(20, 2, N, 3)
    level, other = descent.rebalance((f, g), 0.7)
    np.testing.assert_allclose(level @ other.mT, f @ g.mT, atol=1e-14)
    np.testing.assert_allclose(level.mT @ level, [0.49 * np.eye(3)] * 2, atol=1e-14)


def test_a_column_of_zeros_stays_zero_and_changes_nothing():
    a, m = sensing.gaussian(jax.random.key(21), 30, N), sensing.target(normal(22, N, R), 1.0)[None]
    narrow = 0.3 * normal(23, 1, N, R), 0.1 * normal(24, 1, N, R)
    wide = jax.tree.map(lambda x: jnp.pad(x, ((0, 0), (0, 0), (0, 2))), narrow)
    step = partial(descent.asymmetric_step, target=m, sense=partial(sensing.normal, a), lr=0.1)
    for thin, fat in zip(flow(step, narrow, 50), flow(step, wide, 50), strict=True):
        np.testing.assert_allclose(fat[..., :R], thin, rtol=1e-9)
        assert not fat[..., R:].any()


def test_starts_have_the_stated_scales_and_widths():
    """Within 5 standard errors of the mean square of n k entries; zeros beyond the width k."""
    n, rank = 400, 2
    slow = problems.symmetric_members(0.5, rank, (0, 4), 3.0)
    fast = problems.asymmetric_members((0.1, 0.4), rank, 4, 3.0)

    @jax.jit
    def starts(key):
        draw = problems.draws(key, n, 8)
        unequal, equal = (
            problems.asymmetric(draw, fast, rank, 6, imbalance=3.0, balanced=balanced).start
            for balanced in (False, True)
        )
        return problems.symmetric(draw, slow, rank, 8).start, unequal, equal

    x, (f, g), same = starts(jax.random.key(25))
    for k, found, square in (
        (2, x[0], 0.25 / 2),
        (6, x[1], 0.25 / 6),
        (6, f[0], 0.01 / n),
        (6, g[1], 0.16 / 9 / n),
        (2, f[2], 0.16 / n),
    ):
        assert not found[:, k:].any()
        assert np.mean(found[:, :k] ** 2) == pytest.approx(square, rel=5 * np.sqrt(2 / (n * k)))
    np.testing.assert_array_equal(*same)


def test_members_have_the_stated_targets():
    fast = problems.asymmetric_members((0.1, 0.4), R, 2, 3.0)
    spectra = np.linalg.eigvalsh(problems.targets(normal(27, N, 5), R, fast))
    np.testing.assert_allclose(spectra[:, -1], 1)
    np.testing.assert_allclose(spectra[:, -R], [1, 1, 1, 1 / 3])


def test_rates_are_read_off_planted_curves():
    """The slow exponential of a sum of two, above a floor; nothing from a curve out of sight."""
    steps = np.arange(1, 20_001, 100)
    planted = 0.5 * np.exp(-2e-2 * steps) + 1e-5 * np.exp(-1.5e-3 * steps) + 1e-29
    curves = np.stack([planted, np.ones_like(planted)])
    rates = measure.rate(steps, curves)
    assert rates[0] == pytest.approx(1.5e-3, rel=1e-3)
    assert np.isnan(rates[1])
    assert measure.straightness(steps, 1e-4 * np.exp(-1e-3 * steps)) == pytest.approx(1)
    assert measure.straightness(steps, 25.0 / steps**2) < 0.95
