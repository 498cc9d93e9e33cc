"""Truths of the experiment: dense matrices, convexity, finite populations, stability thresholds."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import batches, measure, model, search, spectra, wigner

LAYERS = (5, 4, 3)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def problem(examples=8, key=0):
    keys = jax.random.split(jax.random.key(key), 3)
    x = jax.random.normal(keys[0], (examples, LAYERS[0]))
    y = jax.random.randint(keys[1], (examples,), 0, LAYERS[-1])
    return model.init(jax.random.uniform(keys[2], (model.count(LAYERS),)), LAYERS), x, y


@jax.jit
def dense(w, batch):
    return jax.hessian(partial(model.loss, layers=LAYERS))(w, batch)


@partial(jax.jit, static_argnames="steps")
def quadrature(start, w, batch, kind, steps=43):
    return spectra.quadrature(start, w, batch, kind, layers=LAYERS, steps=steps)


def signs(size):
    return jnp.sign(jax.random.uniform(jax.random.key(7), (size,)) - 0.5)


def test_secular_equation_against_the_dense_spiked_matrix():
    thetas = jnp.array([0.4, 1.5, 3.0])
    e = wigner.noise(jax.random.key(0), 1, 30)[0]
    top, overlap = jax.jit(wigner.spiked)(e, thetas)
    for theta, value, square in zip(thetas, top, overlap, strict=True):
        values, vectors = np.linalg.eigh(np.asarray(e.at[0, 0].add(theta)))
        np.testing.assert_allclose([value, square], [values[-1], vectors[0, -1] ** 2], rtol=1e-8)


def test_without_noise_the_spike_stays_where_it_is():
    top, overlap = jax.jit(wigner.spiked)(jnp.zeros((9, 9)), jnp.array([0.5, 2.0]))
    np.testing.assert_allclose(top, [0.5, 2.0], rtol=1e-12)
    np.testing.assert_allclose(overlap, 1, rtol=1e-12)


def test_wigner_matrices_have_the_semicircles_moments():
    d = np.linalg.eigvalsh(wigner.noise(jax.random.key(1), 4, 200))
    np.testing.assert_allclose([(d**2).mean(), (d**4).mean()], [1, 2], rtol=0.05)


def test_padding_does_not_count():
    w, x, y = problem()
    loss = jax.jit(partial(model.loss, layers=LAYERS))
    padded = loss(w, model.weighted(x, y, 3))
    singles = [loss(w, model.weighted(x[i : i + 1], y[i : i + 1], 1)) for i in range(3)]
    np.testing.assert_allclose(padded, np.mean(singles), rtol=1e-12)


def test_extremal_nodes_are_the_dense_eigenvalues():
    w, x, y = problem()
    batch = model.weighted(x, y, 6)
    nodes, weights, _ = quadrature(signs(w.size), w, batch, spectra.HESSIAN)
    values = np.linalg.eigvalsh(dense(w, batch))
    np.testing.assert_allclose([nodes[0], nodes[-1]], [values[0], values[-1]], atol=1e-10)
    np.testing.assert_allclose(weights.sum(), 1)
    gauss = quadrature(signs(w.size), w, batch, spectra.GAUSS_NEWTON)[0]
    assert gauss[0] > -1e-10  # positive semidefinite, where the Hessian is not
    assert values[0] < -1e-3


def test_the_gauss_newton_matrix_of_a_linear_model_is_its_hessian():
    keys = jax.random.split(jax.random.key(3), 2)
    w, x = jax.random.normal(keys[0], (18,)), jax.random.normal(keys[1], (7, 5))
    batch = model.weighted(x, jnp.arange(7) % 3, 7)
    find = jax.jit(partial(spectra.quadrature, layers=(5, 3), steps=18))
    h, g = (find(signs(18), w, batch, kind)[0] for kind in (0, 1))
    np.testing.assert_allclose([h[0], h[-1]], [g[0], g[-1]], atol=1e-10)
    assert g[-1] > 0.01


def test_batches_of_whole_permutations_average_to_the_full_hessian():
    """So that their mean largest eigenvalue is at least the full one, without sampling error."""
    w, x, y = problem()
    orders = np.stack([np.random.default_rng(0).permutation(8) for _ in range(2)])
    index = batches.partition(orders, 4, 10)
    np.testing.assert_array_equal(np.bincount(index.ravel()), np.full(8, 2))
    hessians = np.stack([dense(w, model.weighted(x[rows], y[rows], 4)) for rows in index])
    whole = dense(w, model.weighted(x, y, 8))
    np.testing.assert_allclose(hessians.mean(0), whole, atol=1e-12)
    tops = np.linalg.eigvalsh(hessians)[:, -1]
    assert tops.mean() > np.linalg.eigvalsh(whole)[-1] + 1e-3


def test_effective_batch_is_the_variance_of_a_mean_without_replacement():
    rng = np.random.default_rng(0)
    values = rng.normal(size=64)
    means = [rng.permutation(values)[:16].mean() for _ in range(20_000)]
    b = measure.effective({"sizes": np.array([16]), "samples": np.array(64)})[0]
    np.testing.assert_allclose(np.var(means), values.var(ddof=1) / b, rtol=0.05)


def searched(lrs_sgd, lrs_adam, steps):
    w, x, y = problem()
    how = {"layers": LAYERS, "rows": 8, "warmup": 5, "steps": steps, "records": 1}
    lrs = jnp.array([*lrs_sgd, *lrs_adam])
    group = search.Member(lrs, jnp.arange(len(lrs)) >= len(lrs_sgd))
    found = jax.jit(partial(search.losses, **how))(w, (x, y), jnp.arange(8), 8, group)
    return w, model.weighted(x, y, 8), found


def test_full_batch_sgd_is_gradient_descent():
    w, batch, found = searched([0.1], [1e-3], steps=3)
    loss = jax.jit(partial(model.loss, batch=batch, layers=LAYERS))
    for _ in range(3):
        w = w - 0.1 * jax.grad(loss)(w)
    np.testing.assert_allclose(found[-1, 0], loss(w), rtol=1e-12)


def test_adams_first_step_after_the_warm_up_is_a_sign_step():
    """Constant gradients fill both averages, so that m^ / sqrt(v^) is the gradient's sign."""
    w, batch, found = searched([0.1], [1e-3], steps=1)
    loss = jax.jit(partial(model.loss, batch=batch, layers=LAYERS))
    drop = 1e-3 * jnp.abs(jax.grad(loss)(w)).sum()
    np.testing.assert_allclose(
        found[-1, 1], loss(w - 1e-3 * jnp.sign(jax.grad(loss)(w))), rtol=1e-7
    )
    np.testing.assert_allclose(loss(w) - found[-1, 1], drop, rtol=0.02)


def test_descent_stops_at_its_target():
    w, x, y = problem()
    batch = model.weighted(x, y, 8)
    loss = jax.jit(partial(model.loss, batch=batch, layers=LAYERS))
    how = {"layers": LAYERS, "lr": 0.05, "steps": 500, "target": 0.9}
    end = jax.jit(partial(model.descend, **how))(w, batch)
    assert loss(w) > 0.9 >= loss(end) > 0.88


def test_largest_rates_of_planted_divergences():
    lrs = np.geomspace(0.01, 1, 9)
    peak = np.where(lrs > 0.2, 50.0, 1.0)
    arrays = {"lrs": np.stack([lrs, lrs]), "peak": np.broadcast_to(peak, (2, 1, 1, 2, 9))}
    found = measure.largest_rate(arrays, measure.SGD)
    assert found.shape == (1, 1)
    assert lrs[lrs < 0.2].max() < found[0, 0] < lrs[lrs > 0.2].min()
    never = {"lrs": arrays["lrs"], "peak": np.ones((2, 1, 1, 2, 9))}
    assert np.isnan(measure.largest_rate(never, measure.SGD)).all()


def test_planted_noise_scale_is_read_off_below_and_above_the_threshold():
    sizes, samples = np.array([8, 16, 32, 64, 128]), np.array(1e9)
    scale, outlier = 1 / np.sqrt(sizes), 0.2  # above the threshold from 32 on
    edge = np.where(outlier < scale, 2 * scale, outlier + scale**2 / outlier)
    mean, full = np.zeros((1, 2, 2, 5)), np.zeros((1, 2, 2))
    mean[0, 0, 0], full[0, 0, 0] = -edge, -outlier
    arrays = {"sizes": sizes, "samples": samples, "mean": mean, "full": full}
    np.testing.assert_allclose(measure.noise_law(arrays)[0, 1], scale, rtol=1e-6)
    np.testing.assert_allclose(measure.noise_law(arrays)[0, 0], sizes, rtol=1e-6)
