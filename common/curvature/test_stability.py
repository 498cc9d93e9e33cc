"""Stability against the dense p^2 x p^2 operator, closed forms and enumerated batches."""

from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.curvature.stability import modes, radius, second_moment, spread, threshold


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


radius_of = jax.jit(radius, static_argnames="steps")


def gradients(n, p, seed=0):
    return np.random.default_rng(seed).normal(size=(n, p))


def operator(g, lr, batch):
    """E (I - lr H_B) x (I - lr H_B), dense [P P, P P]."""
    n, p = g.shape
    each = np.einsum("ni,nj->nij", g, g)
    h, eye = each.mean(0), np.eye(p)
    noise = sum(np.kron(e, e) for e in each) / n - np.kron(h, h)
    return np.kron(eye - lr * h, eye - lr * h) + lr**2 / batch * noise


def dense_radius(g, lr, batch):
    return np.abs(np.linalg.eigvals(operator(g, lr, batch))).max()


@partial(jax.jit, static_argnames="steps")
def lr_star(g, batch, steps=60):
    return threshold(modes(g), batch=batch, steps=steps)


@pytest.mark.parametrize(("n", "p", "steps"), [(8, 4, 60), (5, 5, 60), (3, 6, 60), (14, 11, 50)])
@pytest.mark.parametrize("batch", [1.0, 3.0, np.inf])
def test_threshold_is_where_the_dense_radius_leaves_one(n, p, steps, batch):
    """Dense, in a proper span, and by Lanczos: 50 steps in 66 dimensions."""
    g = gradients(n, p)
    lr, error = lr_star(g, batch, steps)
    assert error < 1e-10 * lr
    # outside the span the dense radius is 1: the span is left by a hair above the threshold
    assert dense_radius(g, 0.999 * lr, batch) <= 1 + 1e-9
    assert dense_radius(g, 1.001 * lr, batch) > 1 + 1e-4


@pytest.mark.parametrize("steps", [9, 60])
@pytest.mark.parametrize("lr", [0.02, 0.5])
def test_radius_is_the_dense_one(lr, steps):
    """9 Lanczos steps of 10, and all of them."""
    g = gradients(9, 4)
    got = radius_of(modes(g), lr, batch=2.0, steps=steps)
    np.testing.assert_allclose(got, dense_radius(g, lr, 2.0), rtol=1e-4 if steps == 9 else 1e-9)


def test_radius_at_the_threshold_is_one():
    at = modes(gradients(12, 6))
    for batch in (1.0, 4.0, np.inf):
        lr = lr_star(gradients(12, 6), batch).lr
        np.testing.assert_allclose(radius_of(at, lr, batch=batch), 1, rtol=1e-12)


def test_second_moment_is_the_dense_operator_in_the_eigenbasis():
    g = gradients(7, 4)
    h, basis = np.linalg.eigh(g.T @ g / 7)
    c = gradients(4, 4, 1)
    c = c + c.T
    got = second_moment(modes(g), 0.3, batch=2)(c)
    # coords are those of H's eigenvectors, whatever their signs: compare in the original basis
    _, vectors = jnp.linalg.eigh(g.T @ g / 7)
    want = operator(g, 0.3, 2) @ (vectors @ c @ vectors.T).ravel()
    np.testing.assert_allclose(vectors @ got @ vectors.T, want.reshape(4, 4), atol=1e-12)
    np.testing.assert_allclose(modes(g).curvature, h)
    np.testing.assert_allclose(np.abs(basis.T @ vectors), np.eye(4), atol=1e-10)


def test_wide_gradients_have_the_modes_of_their_span():
    """More parameters than examples: the same H, seen by rotation into N dimensions."""
    g = gradients(4, 9)
    r = np.linalg.qr(g.T)[1]
    wide, narrow = modes(jnp.asarray(g)), modes(jnp.asarray(r.T))
    np.testing.assert_allclose(wide.curvature, narrow.curvature, rtol=1e-12)
    np.testing.assert_allclose(wide.coords @ wide.coords.T, g @ g.T, atol=1e-12)
    np.testing.assert_allclose(lr_star(g, 1.0).lr, lr_star(r.T, 1.0).lr, rtol=1e-12)


def test_orthogonal_gradients_of_equal_norms_meet_the_trace_bound():
    """A mode is met with probability 1/N and then multiplied by 1 - lr |g|^2: stable to 2/|g|^2."""
    g = 1.7 * np.linalg.qr(gradients(9, 5))[0].T
    np.testing.assert_allclose(lr_star(g, 1.0).lr, 2 / 1.7**2, rtol=1e-12)


def test_equal_gradients_are_the_same_for_every_batch():
    g = np.tile(gradients(1, 5), (4, 1))
    for batch in (1.0, 3.0, np.inf):
        np.testing.assert_allclose(lr_star(g, batch).lr, 2 / (g[0] @ g[0]), rtol=1e-10)


def test_full_gradient_is_stable_up_to_two_over_the_sharpness_and_the_limit_is_of_order_1_over_b():
    g = gradients(12, 6)
    full = 2 / np.linalg.eigvalsh(g.T @ g / 12)[-1]
    np.testing.assert_allclose(lr_star(g, np.inf).lr, full, rtol=1e-12)
    gaps = [1 - lr_star(g, b).lr / full for b in (1e4, 1e5)]
    assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.01)


def test_trace_bound_for_single_examples_and_growth_with_the_batch():
    for seed in range(5):
        g = gradients(8, 4, seed)
        found = [lr_star(g, b).lr for b in (1.0, 2.0, 8.0, 64.0)]
        assert found[0] * (g**2).sum() / 8 <= 2
        assert (np.diff(found) > 0).all()


def test_one_lanczos_step_is_the_bound_from_c_equal_to_the_identity():
    """lr (|H|_F^2 (1 - 1/B) + mean |g|^4 / B) <= 2 tr H."""
    g, batch = gradients(8, 4), 3.0
    h = g.T @ g / 8
    moment = (1 - 1 / batch) * (h**2).sum() + ((g**2).sum(1) ** 2).mean() / batch
    np.testing.assert_allclose(lr_star(g, batch, steps=1).lr, 2 * np.trace(h) / moment)


def test_batches_without_replacement_have_the_stated_noise():
    g, size = gradients(5, 3), 2
    every = [g[list(b)].T @ g[list(b)] / size for b in combinations(range(5), size)]
    _, vectors = jnp.linalg.eigh(g.T @ g / 5)
    c = np.diag([1.0, 2.0, 3.0])
    got = spread(modes(g), size * (5 - 1) / (5 - size))(c)
    want = np.mean([h @ vectors @ c @ vectors.T @ h for h in every], axis=0)
    np.testing.assert_allclose(vectors @ got @ vectors.T, want, atol=1e-12)


def test_simulated_errors_follow_the_second_moment():
    """|d|^2 after 5 linearised steps, 20,000 runs, against the trace of T^5(d0 d0^T)."""
    g, lr, rng = gradients(6, 3), 0.15, np.random.default_rng(2)
    d = np.ones((20_000, 3))
    for _ in range(5):
        x = g[rng.integers(0, 6, len(d))]
        d = d - lr * (x * d).sum(1, keepdims=True) * x
    c = np.ones((3, 3)).ravel()
    for _ in range(5):
        c = operator(g, lr, 1) @ c
    squares = (d**2).sum(1)
    error = squares.std() / np.sqrt(len(d))
    assert abs(squares.mean() - np.trace(c.reshape(3, 3))) < 5 * error


def test_flat_modes_and_a_single_mode():
    g = np.zeros((4, 3))
    g[:, 0] = [1.0, 2.0, 0.0, 1.0]  # lr E g^4 = 2 E g^2
    np.testing.assert_allclose(lr_star(g, 1.0).lr, 2 * 6 / 18, rtol=1e-12)


def test_many_thresholds_at_once():
    g = np.stack([gradients(8, 4, seed) for seed in range(3)])
    together = jax.jit(jax.vmap(lambda g: threshold(modes(g), batch=2.0).lr))(g)
    np.testing.assert_allclose(together, [lr_star(one, 2.0).lr for one in g], rtol=1e-10)
