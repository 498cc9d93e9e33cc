"""Truths of the experiment: rank bounds, exact parts, closed forms, planted spectra."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from common.curvature import outliers
from common.curvature.dense import dense
from common.curvature.products import flat, ggn_vp
from common.sharding import make_mesh

from . import clusters, measure, model, paths, problems, resnet, spectra


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def problem(sizes=(5, 4, 3), examples=7, key=0):
    keys = jax.random.split(jax.random.key(key), 3)
    x = jax.random.normal(keys[0], (examples, sizes[0]))
    y = jax.random.randint(keys[1], (examples,), 0, sizes[-1])
    return model.init(keys[2], sizes), (x, y)


def hessian(params, batch):
    vector, unravel = ravel_pytree(params)
    return jax.jit(jax.hessian(lambda v: model.loss(unravel(v), batch)))(vector)


@jax.jit
def gauss_newton(params, batch):
    product, size, _ = flat(ggn_vp(model.outputs, model.cross_entropy, params, batch), params)
    return dense(product, size)


def test_exact_spectra_of_several_points_against_dense_ones():
    """39 columns: two chunks and a part of one, whatever the devices."""
    params, batch = jax.tree.map(lambda *a: jnp.stack(a), problem(key=0), problem(key=1))
    H = jax.vmap(hessian)(params, batch)
    column = jax.jit(spectra.hessian_column)(params, batch, 17)
    np.testing.assert_allclose(column, H[:, 17], atol=1e-14)
    values = spectra.exact(make_mesh(), 16)(params, batch)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(H), atol=1e-13)


def test_rank_of_the_gauss_newton_part_is_at_most_examples_times_classes_less_one():
    params, batch = problem(sizes=(5, 4, 3), examples=6)  # 39 parameters, rank at most 6 (3 - 1)
    values = jnp.linalg.eigvalsh(gauss_newton(params, batch))[::-1]
    assert values[11] > 1e-8
    np.testing.assert_allclose(values[12:], 0, atol=1e-14)


def test_leading_spaces_against_dense_matrices():
    params, batch = problem()
    find = jax.jit(partial(spectra.leading, k=5, space=3, steps=39))
    got = find(jax.random.key(1), params, batch)
    H, G = hessian(params, batch), gauss_newton(params, batch)
    (h, u), (g, w) = np.linalg.eigh(H), np.linalg.eigh(G)
    np.testing.assert_allclose(got["top_h"], h[:-6:-1], atol=1e-12)
    np.testing.assert_allclose(got["top_g"], g[:-6:-1], atol=1e-12)
    np.testing.assert_allclose(got["overlap"], ((u[:, -3:].T @ w[:, -3:]) ** 2).sum() / 3)
    np.testing.assert_allclose(got["rest"], np.abs(np.linalg.eigvalsh(H - G)).max())
    assert got["residual"] < 1e-12


def test_a_linear_model_has_no_other_part():
    params, batch = problem(sizes=(5, 3))
    got = jax.jit(partial(spectra.leading, k=4, space=3, steps=18))(
        jax.random.key(0), params, batch
    )
    np.testing.assert_allclose([got["rest"], got["overlap"]], [0, 1], atol=1e-12)
    np.testing.assert_allclose(got["top_h"], got["top_g"], rtol=1e-10)


def test_silent_outputs_leave_the_smaller_network_and_zeros():
    params, (x, _) = problem(sizes=(5, 4, 6))
    batch = x, jnp.arange(len(x)) % 2
    quiet = model.silence(params, 2)
    (w, b) = params[-1]
    small = [*params[:-1], (w[:, :2], b[:2])]
    np.testing.assert_allclose(model.loss(quiet, batch), model.loss(small, batch))
    want = np.linalg.eigvalsh(hessian(small, batch))
    got = np.linalg.eigvalsh(hessian(quiet, batch))
    padded = np.sort(np.concatenate([want, np.zeros(len(got) - len(want))]))
    np.testing.assert_allclose(got, padded, atol=1e-14)


def test_initialisation_is_uniform_with_variance_a_third_of_the_inverse_fan_in():
    (w, b), (v, _) = model.init(jax.random.key(0), (400, 300, 2))
    assert jnp.abs(w).max() <= 1 / 20
    np.testing.assert_allclose([w.var(), v.var()], [1 / 1200, 1 / 900], rtol=0.1)
    assert b.std() > 0.02


def test_unpack_is_the_order_of_ravel_and_keeps_leading_axes():
    sizes = (5, 4, 3)
    params, _ = problem(sizes)
    vector = ravel_pytree(params)[0]
    assert vector.size == model.count(sizes)
    again = model.unpack(np.stack([vector, 2 * vector]), sizes)
    np.testing.assert_array_equal(ravel_pytree(again[1][0][1])[0], 2 * params[1][0].ravel())


def test_descent_lowers_the_loss_by_the_squared_gradient_to_first_order():
    params, batch = problem()
    squared = sum((g**2).sum() for g in jax.tree.leaves(jax.grad(model.loss)(params, batch)))
    errors = []
    for lr in (1e-3, 1e-4):
        loss = model.fit(params, batch, lr=lr, steps=3, records=3)["loss"]
        errors.append(abs((loss[0] - loss[1]) / lr / squared - 1))
    assert errors[1] < 0.11 * errors[0] + 1e-10


def test_noisy_descent_on_equal_examples_is_full_descent():
    params, (x, y) = problem()
    same = jnp.repeat(x[:1], 9, axis=0), jnp.repeat(y[:1], 9)
    noisy = model.descend_noisily(jax.random.key(0), params, same, lr=0.3, steps=5, size=2)
    full = model.descend(params, same, lr=0.3, steps=5)
    np.testing.assert_allclose(ravel_pytree(noisy)[0], ravel_pytree(full)[0], atol=1e-14)


def test_noisy_descent_draws_every_example_equally_often():
    params, (x, _) = problem(sizes=(5, 2), examples=4)
    one_step = lambda key, y: model.descend_noisily(  # noqa: E731
        key, params, (x, y), lr=1.0, steps=1, size=1
    )
    keys = jax.random.split(jax.random.key(0), 4000)
    y = jnp.array([0, 1, 0, 1])
    mean = jax.tree.map(lambda a: a.mean(0), jax.vmap(lambda k: one_step(k, y))(keys))
    want = model.descend(params, (x, y), lr=1.0, steps=1)
    np.testing.assert_allclose(ravel_pytree(mean)[0], ravel_pytree(want)[0], atol=0.05)


def test_a_convex_loss_has_no_barrier_and_its_segment_meets_both_ends():
    a, batch = problem(sizes=(5, 3))
    b, _ = problem(sizes=(5, 3), key=9)
    t = jnp.linspace(-0.2, 1.2, 29)
    loss = np.asarray(model.segment(a, b, batch, t))
    ends = [model.loss(a, batch), model.loss(b, batch)]
    np.testing.assert_allclose(loss[[4, 24]], ends, rtol=1e-12)
    arrays = {"segment_at": t, "segment": loss[None, None], "segment_start": np.ones(1)}
    assert measure.barriers(arrays)[0, 0] < 1e-12


def test_a_planted_barrier_is_measured():
    t = np.linspace(-0.2, 1.2, 29)
    hill = 1 + t + 3 * np.exp(-(((t - 0.5) / 0.1) ** 2))
    outside = 1 + t + 9.0 * (t < -0.1)
    arrays = {"segment_at": t, "segment": np.stack([hill, outside])[:, None]}
    got = measure.barriers(arrays | {"segment_start": np.array([2.0])})
    np.testing.assert_allclose(got, [[1.5], [0.0]], atol=1e-8)


def test_blobs_have_the_stated_variances_and_sizes():
    draw = partial(clusters.blobs, dim=200, samples=600, separation=2.0, most=10)
    x, y = draw(jax.random.key(0), 5)
    np.testing.assert_array_equal(np.bincount(y), [120] * 5)
    np.testing.assert_allclose(x.var(), 1, rtol=0.1)
    within = np.mean([x[y == k].var(0).mean() for k in range(5)])
    np.testing.assert_allclose(within, 1 / 5, rtol=0.03)


def test_pooling_keeps_the_ink():
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    images[0, 0, 0] = 255
    pooled = problems.flat_images(images, side=10)
    assert pooled.shape == (3, 100)
    np.testing.assert_allclose(9 * pooled.sum(1), images.sum((1, 2)) / 255)
    np.testing.assert_allclose(problems.flat_images(images, side=28), images.reshape(3, -1) / 255)


def test_arms_take_their_steps_in_the_stated_order():
    """Small steps double, large ones add 1: a = 2 x + 1, b = 2 (x + 1), c = 2 (z + 1)."""
    x, z = np.array([1.0, 5.0]), np.array([10.0, 20.0])
    small, large = lambda _, p, __: 2 * p, lambda p, _: p + 1
    left, right, every = paths.both_ways(small, large, None, np.concatenate([x, x, z]), x)
    np.testing.assert_array_equal(left, np.concatenate([2 * x, 2 * x + 1, 2 * x + 1]))
    np.testing.assert_array_equal(right, np.concatenate([x + 1, 2 * (x + 1), 2 * (z + 1)]))
    np.testing.assert_array_equal(every, [1, 5] * 3)


def test_measures_of_a_planted_spectrum():
    """Two widths, one seed: 10 outliers, and a bulk that grows with the parameters."""
    rng = np.random.default_rng(0)
    outliers = np.linspace(0.1, 1.0, 10)

    def spectrum(size, bulk):
        return np.sort(np.concatenate([outliers, bulk * rng.uniform(-1, 1, size - 10)]))

    start = [spectrum(size, 0.3) for size in (100, 200)]
    end = [spectrum(size, 1e-4) for size in (100, 200)]
    arrays = {
        "parameters": np.array([100, 200]),
        "eigenvalues": np.stack([np.concatenate(start), np.concatenate(end)])[None],
    }
    np.testing.assert_allclose(measure.bulk_at_end(arrays), [0.9])
    np.testing.assert_allclose(measure.count_spread(arrays), [0])
    np.testing.assert_allclose(measure.class_count(arrays), [10])
    np.testing.assert_allclose(measure.bulk_slope(arrays), [1])
    assert measure.negative_at_end(arrays) < 1e-4
    assert measure.negative_start_end(arrays)[0, 0] > 0.25
    assert measure.bulk_end_start(arrays)[0, 1] < 0.05


@pytest.mark.parametrize("centre", [-1.0, 0.0, 1.0])
def test_the_outer_eigenvalues_of_blobs_give_the_counts_of_whole_spectra(centre):
    """Whatever the signs: bulk of many scales about `centre`, its negative part or its positive."""
    rng = np.random.default_rng(1)
    bulk = np.exp(rng.normal(-6, 2, (2, 4, 300))) * rng.choice([-1, 1], (2, 4, 300))
    bulk = bulk if centre == 0 else centre * np.abs(bulk)
    values = np.sort(np.concatenate([bulk, rng.uniform(0.3, 1, (2, 4, 8))], axis=-1))
    kept = spectra.outer(values, 6)
    assert kept.shape[-1] < 60
    sizes = np.array([3, 6])
    arrays = {"clusters": sizes, "cluster_eigenvalues": kept, "cluster_parameters": np.array(308)}
    criteria = (
        (measure.clusters_above_fraction, lambda e, _: outliers.above_fraction(e)),
        (measure.clusters_above_bulk, lambda e, k: outliers.above_bulk(e, classes=k)),
        (measure.clusters_before_gap, lambda e, k: outliers.largest_ratio(e, classes=k)),
    )
    for count, whole in criteria:
        want = np.stack([whole(e, k) for e, k in zip(values, sizes, strict=True)], axis=-1)
        np.testing.assert_array_equal(count(arrays), want)


def small_resnet(widths, blocks):
    """A residual network in float64 and 4 images of two colours."""
    start = partial(resnet.init, colours=2, widths=widths, blocks=blocks, classes=3)
    shapes = jax.eval_shape(start, jax.random.key(0))
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda a: rng.normal(size=a.shape), shapes)
    params["blocks"] = params["blocks"][-1:]  # one, which has a shortcut layer
    return params, (rng.normal(size=(4, 4, 4, 2)), np.arange(4) % 3)


def test_number_of_parameters_is_that_of_the_literature():
    def count(widths, blocks):
        how = {"colours": 3, "classes": 10, "widths": widths, "blocks": blocks}
        params = jax.eval_shape(partial(resnet.init, **how), jax.random.key(0))
        return sum(a.size for a in jax.tree.leaves(params))

    # the scales and shifts of group normalisation are as many as those of batch normalisation
    assert count((64, 128, 256, 512), 2) == 11_173_962
    assert count((16, 32, 64), 3) == 272_474


@pytest.mark.parametrize("matrix", [0, 1, 2])
def test_spread_matrices_against_differences_of_the_outputs(matrix):
    """v^T A v from outputs at w and w +- e v alone: chunks, mesh and padding change nothing."""
    params, batch = small_resnet((1, 2), 1)
    v, e = jax.tree.map(np.cos, params), 3e-5
    points = jax.tree.map(lambda a, b: np.stack([a, a + e * b, a - e * b]), params, v)
    f = np.asarray(jax.jit(jax.vmap(lambda p: resnet.outputs(p, batch)))(points))  # [3, 4, 3]
    p = np.exp(f) / np.exp(f).sum(-1, keepdims=True)
    label, slope = np.eye(3)[batch[1]], (f[1] - f[2]) / (2 * e)
    losses = -np.log((p * label).sum(-1)).mean(-1)
    want = [
        (losses[1] + losses[2] - 2 * losses[0]) / e**2,
        ((p[0] * slope**2).sum(-1) - (p[0] * slope).sum(-1) ** 2).mean(),
        (((p[0] - label) * slope).sum(-1) ** 2).mean(),
    ][matrix]

    @jax.jit
    def image(params, v):
        matvec, size, _ = spectra.spread(make_mesh(), matrix, params, batch, chunk=2)
        return matvec(jnp.pad(v, (0, size - len(v))))

    flat_v = ravel_pytree(v)[0]
    np.testing.assert_allclose(image(params, flat_v)[: len(flat_v)] @ flat_v, want, rtol=1e-5)


def test_quadrature_of_a_covariance_spans_the_spectrum_of_its_gram_matrix():
    params, batch = small_resnet((1,), 0)
    losses = lambda p: model.cross_entropies(resnet.outputs(p, batch), batch)  # noqa: E731
    gradients = [a.reshape(4, -1) for a in jax.tree.leaves(jax.jit(jax.jacrev(losses))(params))]
    top = np.linalg.eigvalsh(sum(g @ g.T for g in gradients) / 4)[-1]
    how = {"mesh": make_mesh(), "matrix": 2, "chunk": 2, "steps": 6}
    seen = jax.jit(partial(spectra.quadrature, **how))(jax.random.key(1), params, batch)["nodes"]
    np.testing.assert_allclose([seen.min(), seen.max()], [0, top], rtol=1e-10, atol=1e-12)


def test_the_examples_of_a_residual_network_do_not_meet():
    params, (x, y) = small_resnet((1, 2), 1)
    logits = jax.jit(lambda x: resnet.outputs(params, (x, y)))
    changed = np.concatenate([x[:1], 3 * x[1:][::-1]])
    np.testing.assert_allclose(logits(x)[0], logits(changed)[0], atol=1e-12)
    assert np.abs(logits(x)[1] - logits(changed)[1]).max() > 1e-3


def test_coarse_spectra_are_within_half_a_per_cent_and_small():
    found = spectra.coarse(values := np.geomspace(1e-12, 1, 1001))
    np.testing.assert_allclose(found, values, rtol=2.0**-8)
    assert not (found.view(np.uint32) & 0xFFFF).any()
