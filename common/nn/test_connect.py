"""Permutations leave functions, matching finds planted ones, barriers of known losses."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.nn import connect, convnet, layers

SIZES = (4, 6, 5, 3)
SPEC = connect.perceptron(SIZES)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def net(seed, sizes=SIZES):
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal((n, m)), rng.standard_normal(m))
            for n, m in itertools.pairwise(sizes)]  # fmt: skip


def orders(seed):
    rng = np.random.default_rng(seed)
    return {"1": rng.permutation(6), "2": rng.permutation(5)}


def overlap(a, b):
    return sum((x * y).sum() for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


def test_the_function_stays():
    x, params = np.random.default_rng(0).standard_normal((9, 4)), net(1)
    want = layers.apply(params, x, activation=jnp.tanh)
    found = layers.apply(connect.permuted(params, SPEC, orders(2)), x, activation=jnp.tanh)
    np.testing.assert_allclose(found, want, rtol=1e-12)


def test_a_permuted_copy_is_brought_back():
    a = net(3)
    b = connect.permuted(a, SPEC, orders(4))
    found = connect.weight_matching(a, b, SPEC, seed=5)
    back = connect.permuted(b, SPEC, found.orders)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(back), strict=True):
        np.testing.assert_array_equal(x, y)
    np.testing.assert_allclose(found.overlap, overlap(a, a), rtol=1e-12)


def test_one_hidden_layer_is_matched_exactly():
    """One assignment: the best of all 120 permutations."""
    sizes = (3, 5, 2)
    a, b, spec = net(6, sizes), net(7, sizes), connect.perceptron(sizes)
    every = (
        connect.permuted(b, spec, {"1": np.array(p)}) for p in itertools.permutations(range(5))
    )
    best = max(overlap(a, c) for c in every)
    found = connect.weight_matching(a, b, spec)
    np.testing.assert_allclose(found.overlap, best, rtol=1e-12)
    assert found.sweeps == 2


def test_no_single_layer_gains_at_the_end():
    a, b = net(8), net(9)
    found = connect.weight_matching(a, b, SPEC, seed=1)
    for name, size in (("1", 6), ("2", 5)):
        for i, j in itertools.combinations(range(size), 2):
            swapped = found.orders[name].copy()
            swapped[[i, j]] = swapped[[j, i]]
            other = connect.permuted(b, SPEC, found.orders | {name: swapped})
            assert overlap(a, other) <= found.overlap + 1e-9


def test_matching_does_not_see_units_of_the_weights():
    a, b = net(10), net(11)
    small = jax.tree.map(lambda x: x * 1e-20, (a, b))
    want, found = (connect.weight_matching(*pair, SPEC).orders for pair in ((a, b), small))
    for name in want:
        np.testing.assert_array_equal(want[name], found[name])


def test_activations_bring_a_permuted_layer_back():
    x = np.random.default_rng(12).standard_normal((50, 6))
    x[:, 2] = 1.0  # never changes
    order = np.random.default_rng(13).permutation(6)
    (found,) = connect.activation_matching([x], [3 * x[:, order] + 1])
    np.testing.assert_array_equal(order[found], np.arange(6))


def test_the_segment_and_the_barrier_of_a_double_well():
    """L = (w^2 - 1)^2 of w from -1 to 1: 1 in the middle; of a parabola none."""
    ts = np.linspace(0, 1, 11)
    well = connect.segment(lambda w: (w**2 - 1) ** 2, jnp.array(-1.0), jnp.array(1.0), ts)
    np.testing.assert_allclose(connect.barrier(well, ts), 1.0, rtol=1e-12)
    bowl = connect.segment(lambda w: w**2, jnp.array(-1.0), jnp.array(3.0), ts)
    assert float(connect.barrier(bowl, ts)) == 0
    slope = np.stack([3 * ts + 2, 3 * ts + 2 + (ts == 0.5)])
    np.testing.assert_allclose(connect.barrier(slope, ts), [0, 1], atol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a: connect.permuted(a, SPEC, {"3": np.arange(3)}), "orders has '3'"),
        (lambda a: connect.permuted(a, SPEC, {"1": np.zeros(6, int)}), "each of 6 units once"),
        (lambda a: connect.permuted(a, SPEC[:2], {}), "spec must have the tree"),
        (lambda a: connect.permuted(a, connect.perceptron((1, 1, 1, 1))[::-1], {}), "spec names"),
        (lambda a: connect.weight_matching(a, a[:2], SPEC), "b must have the tree"),
        (lambda a: connect.weight_matching([a[0][0][:, :4]], [a[0][0][:, :4]], [("1", "1")]),
         "two axes of one array"),
        (lambda a: connect.segment(lambda p: 0.0, a, net(1, (4, 6, 5, 2)), [0.0]), "b must have"),
        (lambda a: connect.barrier([1.0, 2, 3], [0.0, 0.5, 0.9]), "begin at 0 and end at 1"),
        (lambda a: connect.barrier([1.0, 2, 3], [0.0, 1.0]), "ts must have shape"),
        (lambda a: connect.activation_matching([a[0][0]], [a[1][0]]), "b must have shape"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(net(0))


def test_a_convolution_against_sums_written_out():
    """One stage of two convolutions of a 4 x 4 image, then the maximum of 2 x 2."""
    params = convnet.init(jax.random.key(0), (4, 4, 1), ((2, 3),), (5, 2))
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 4, 4, 1))
    stage = [(w, rng.standard_normal(w.shape[-1])) for w, _ in params["convolutions"][0]]
    h = x
    for w, b in stage:
        wide = np.pad(h, ((0, 0), (1, 1), (1, 1), (0, 0)))
        h = np.stack([[np.einsum("bijc,ijcm->bm", wide[:, i : i + 3, j : j + 3], w) + b
                       for j in range(4)] for i in range(4)]).transpose(2, 0, 1, 3)  # fmt: skip
        h = np.maximum(h, 0)
    want = h.reshape(2, 2, 2, 2, 2, 3).max((2, 4)).reshape(2, -1)
    np.testing.assert_allclose(convnet.embed([stage], x), want, rtol=1e-12)
    assert want.shape[1] == convnet.features((4, 4, 1), ((2, 3),)) == 12
    assert convnet.apply(params, x).shape == (2, 2)


def test_a_convolution_moves_with_the_image_and_keeps_the_variance():
    params = convnet.init(jax.random.key(2), (16, 16, 3), ((32,), (64,)), (10,))
    x = np.random.default_rng(3).standard_normal((200, 16, 16, 3))
    ((w, _),) = params["convolutions"][1]
    assert abs(float(jnp.var(w)) * 9 * 32 / 2 - 1) < 0.05  # 18,432 draws
    x[:, :4] = x[:, 8:] = 0  # far from both ends, also after the move
    flat = convnet.embed(params["convolutions"], x).reshape(200, 4, 4, 64)
    moved = convnet.embed(params["convolutions"], np.roll(x, 4, axis=1)).reshape(200, 4, 4, 64)
    np.testing.assert_allclose(moved[:, 1:], flat[:, :-1], atol=1e-12)


def test_both_forms_of_a_convolution_are_one_function():
    rng = np.random.default_rng(4)
    x, w = rng.standard_normal((2, 6, 8, 3)), rng.standard_normal((3, 3, 3, 5))
    np.testing.assert_allclose(convnet._shifted(x, w), convnet._native(x, w), rtol=1e-11)


def test_images_that_do_not_halve_are_refused():
    with pytest.raises(ValueError, match="image must halve 2 times"):
        convnet.init(jax.random.key(0), (14, 14, 1), ((4,), (4,)), (10,))
