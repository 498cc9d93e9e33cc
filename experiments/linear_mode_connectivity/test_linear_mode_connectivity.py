"""Truths of the experiment: networks in larger arrays, the theorem, planted orders, barriers."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.nn import layers

from . import alignment, matching, measure, model, nets

SIZES = (7, 6, 6, 4)


def net(seed, sizes=SIZES):
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal((n, m)), rng.standard_normal(m)) for n, m in pairwise(sizes)]


def orders(seed):
    rng = np.random.default_rng(seed)
    return np.array([rng.permutation(6), rng.permutation(6)])


def turned(params, order):
    """Matrix products in place of indices."""
    p, q = (np.eye(6)[i] for i in order)
    (w, b), (v, c), (u, d) = params
    return [(w @ p.T, p @ b), (p @ v @ q.T, q @ c), (q @ u, d)]


def test_a_narrow_network_in_wide_arrays_trains_as_one_in_its_own():
    """Hand-written heavy ball with L2 on the narrow network, the same batches."""
    x = np.random.default_rng(0).random((20, 7)).astype(np.float32)
    y = np.arange(20, dtype=np.int32) % 10
    tx = model.optimiser(0.1, 0.9, 1e-2)
    state = jax.jit(partial(model.begin, sizes=(7, 9, 9, 10), tx=tx))(3, 4)
    key = jax.random.wrap_key_data(state.key)
    narrow = nets.cut(state.params, 4)
    end, _ = jax.jit(partial(model.train, batch=5, steps=6, tx=tx))(state, 0, x, y)
    slope, speed = jax.jit(jax.grad(model.cross_entropy)), jax.tree.map(jnp.zeros_like, narrow)
    for step in range(6):
        chosen = jax.random.randint(jax.random.fold_in(key, step), (5,), 0, 20)
        grads = slope(narrow, x[chosen], y[chosen])
        speed = jax.tree.map(lambda v, g, w: 0.9 * v + g + 1e-2 * w, speed, grads, narrow)
        narrow = jax.tree.map(lambda w, v: w - 0.1 * v, narrow, speed)
    for a, b in zip(jax.tree.leaves(nets.cut(end.params, 4)), jax.tree.leaves(narrow), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    outside = nets.filled(nets.cut(jax.tree.map(np.asarray, end.params), 4), 9)
    for a, b in zip(jax.tree.leaves(end.params), jax.tree.leaves(outside), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_begin_at_he_variance_of_the_true_width():
    tx = model.optimiser(0.1, 0.9, 0.0)
    state = jax.jit(partial(model.begin, sizes=(64, 80, 80, 10), tx=tx))(0, 50)
    for (w, _), fan_in in zip(nets.cut(state.params, 50), (64, 50, 50), strict=True):
        np.testing.assert_allclose(np.var(w) * fan_in / 2, 1, rtol=0.15)


def test_the_theorem_and_where_it_ends():
    a, b, order = net(1), net(2), orders(3)
    found = alignment.identities(a, b, order, 0.0)
    want = [((w - v) ** 2).sum() for (w, _), (v, _) in zip(a, turned(b, order), strict=True)]
    np.testing.assert_allclose(found["squared"], np.stack([want, want], 1), rtol=1e-12)
    np.testing.assert_allclose(found["values"][:, 0], found["values"][:, 1], rtol=1e-12)
    soft = alignment.identities(a, b, order, 0.5)
    assert (np.abs(soft["squared"][:, 0] / soft["squared"][:, 1] - 1) > 0.01).any()
    assert (soft["values"][:, 0] < soft["values"][:, 1]).all()


def test_distances_are_those_of_the_weights():
    a, b, order = net(4), net(5), orders(6)
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(turned(b, order)), strict=True)
    want = sum(((x - y) ** 2).sum() for x, y in pairs) ** 0.5
    np.testing.assert_allclose(alignment.distance(a, b, order), want, rtol=1e-12)


def test_alignment_is_one_with_itself_and_its_sum_the_trace_of_polar_factors():
    """Sum over all i, j of (u_i . u'_j)(v_i . v'_j) is <U V^T, U' V'^T>."""
    a, b = (alignment.directions(net(seed)) for seed in (7, 8))
    same = alignment.aligned(a, a, (0.0, 0.4))
    np.testing.assert_allclose(same[..., 0], same[..., 1], rtol=1e-12)
    found = alignment.aligned(a, b, (0.0,))[:, 0, 0]
    want = [((x.u @ x.v.T) * (y.u @ y.v.T)).sum() for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(found, want, atol=1e-12)


def test_small_and_large_directions_make_the_weights():
    a = net(9)
    both = [alignment.part(a, *span) for span in ((0.0, 0.3), (0.3, 2.0))]
    for (w, _), (small, _), (large, _) in zip(a, *both, strict=True):
        np.testing.assert_allclose(small + large, w, atol=1e-12)
        assert np.linalg.norm(small, 2) < 0.3 * np.linalg.norm(w, 2)


def test_every_search_finds_a_planted_order():
    a, order = net(10), orders(11)
    b = turned(a, order)
    back = np.argsort(order, axis=1)
    x = np.random.default_rng(12).standard_normal((40, 7))
    np.testing.assert_array_equal(matching.by_activations(a, b, x), back)
    np.testing.assert_array_equal(matching.by_directions(a, b, 0.0, 2.0), back)
    both = jax.tree.map(lambda *leaves: np.stack(leaves)[None], a, b)
    found = matching.best_of(both, [(0, 1)], restarts=2)
    np.testing.assert_array_equal(found["orders"][0, 0], back)
    np.testing.assert_allclose(found["overlap"], sum((p**2).sum() for p in jax.tree.leaves(a)))


def test_the_estimator_keeps_the_least_loss():
    """Pushed from b's own order to that of another network, but told that the first was best."""
    a, order = net(13), orders(14)
    b, many = turned(a, order), partial(jax.tree.map, lambda p: p[None])
    back = np.argsort(order, axis=1)
    told = iter([0.0, 1.0, 2.0])

    def slope(matched, step):
        return np.array([next(told)]), jax.tree.map(lambda p: 100 * p, many(net(15)))

    found = matching.straight_through(many(a), many(b), back[None], slope, 3, 1.0, 0.9)
    np.testing.assert_array_equal(found[0], back)


def test_the_slope_half_way_is_half_of_that_of_the_middle():
    a, b = (layers.init(jax.random.key(i), (7, 6, 6, 10)) for i in (0, 1))
    x, y = np.random.default_rng(16).random((1, 7)), np.array([2])
    loss, grads = jax.jit(partial(model.midpoint, batch=3))(a, b, 0, 0, x, y)  # one example thrice
    middle = jax.tree.map(lambda p, q: (p + q) / 2, a, b)
    want, slope = jax.jit(jax.value_and_grad(model.cross_entropy))(middle, x, y)
    np.testing.assert_allclose(loss, want, rtol=1e-5)
    for g, h in zip(jax.tree.leaves(grads), jax.tree.leaves(slope), strict=True):
        np.testing.assert_allclose(g, h / 2, atol=1e-6)


@pytest.mark.parametrize(("height", "want"), [(0.8, 0.8), (-0.3, 0.0)])
def test_barrier_of_a_bump_on_a_slope(height, want):
    t = np.linspace(0, 1, 5)
    curves = np.zeros((5, 2, 2))
    curves[:, measure.TEST, measure.LOSS] = 2 + 3 * t + height * (t == 0.5)
    np.testing.assert_allclose(measure.barriers({"t": t}, curves), want, atol=1e-12)
