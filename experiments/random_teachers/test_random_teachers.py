"""Truths of the experiment: networks written out, the divergence, first order at the teacher."""

from functools import partial

import jax
import numpy as np
import pytest
from scipy.special import erf, rel_entr, softmax

from common.nn import convnet

from . import connect, distil, images, measure, model
from .distil import Member, Shown, Student

HOW = {"hidden": (5,), "bottleneck": 4, "outputs": 7, "dtype": float}
init = jax.jit(partial(model.init, image=(4, 4, 2), stages=((3,),), **HOW))
loss, embed = jax.jit(model.loss), jax.jit(convnet.embed)
slope = jax.jit(jax.grad(model.loss))


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def networks(count=3):
    return [init(jax.random.key(seed)) for seed in range(count)]


def pictures(count=10, seed=0, side=4):
    return np.random.default_rng(seed).standard_normal((count, side, side, 2))


def test_head_in_numpy():
    """GELU by the error function, sphere, prototypes of unit length: logits are cosines."""
    (params,) = networks(1)
    features = np.random.default_rng(1).standard_normal((5, 12))
    (w, b), (last, c) = [tuple(map(np.asarray, layer)) for layer in params.head]
    z = features @ w + b
    u = 0.5 * z * (1 + erf(z / np.sqrt(2))) @ last + c
    columns = np.asarray(params.prototypes)
    want = u @ columns / np.linalg.norm(u, axis=1)[:, None] / np.linalg.norm(columns, axis=0)
    np.testing.assert_allclose(jax.jit(model.said)(params, features), want, atol=1e-12)


def test_divergence_by_scipy_and_at_its_minimum():
    a, b = np.random.default_rng(2).standard_normal((2, 6, 9))
    want = rel_entr(softmax(a, 1), softmax(b, 1)).sum(1).mean()
    np.testing.assert_allclose(model.divergence(a, b), want, rtol=1e-12)
    np.testing.assert_allclose(model.divergence(a, a + 3.0), 0, atol=1e-15)


def test_slope_near_the_teacher_is_first_order():
    """|H (other - teacher)| alpha, H v by differentiating the gradient; 0 at alpha = 0."""
    (teacher, other, third), x = networks(), pictures()
    drawn = jax.tree.map(lambda *a: np.stack(a), teacher, other, third)
    found = jax.jit(partial(distil.slopes, alphas=(0.0, 1e-6), own=True))(drawn, x)
    way = jax.tree.map(np.subtract, other, teacher)
    bent = jax.jit(lambda p: jax.jvp(lambda q: jax.grad(model.loss)(q, p, x), (p,), (way,))[1])
    np.testing.assert_allclose(found[1], 1e-6 * length(bent(teacher)), rtol=1e-4)
    assert found[0] < 1e-14
    far = jax.jit(partial(distil.slopes, alphas=(0.0,), own=False))(drawn, x)
    np.testing.assert_allclose(far[0], length(slope(teacher, third, x)), rtol=1e-10)


def length(tree):
    return np.sqrt(sum((np.asarray(a) ** 2).sum() for a in jax.tree.leaves(tree)))


def test_first_update_of_adamw_is_the_sign():
    """One batch of all images: every parameter goes lr against its gradient's sign."""
    teacher, start, _ = networks()
    pool, tx = np.concatenate([pictures(16), pictures(16, 1)]), distil.optimiser(1e-3, 0.0)
    student = Student(start, jax.jit(tx.init)(start), np.zeros((), int), np.zeros(()))
    seen_images, y = pictures(50, 2), np.arange(50) % 10
    shown = Shown(images.chunked(seen_images, 16), y)
    how = {"sizes": (20, 5, 20, 5), "looked": 4, "batch": 16, "tx": tx}
    slopes = slope(start, teacher, pool[16:])
    key = jax.random.key_data(jax.random.key(3))
    learn = jax.jit(partial(distil.learn, **how))
    end, seen = learn(student, Member(teacher, start, 16, key), np.array([0, 1]), pool, shown)
    for g, a, b in zip(*map(jax.tree.leaves, (slopes, end.params, start)), strict=True):
        g, change = np.asarray(g), np.asarray(a) - np.asarray(b)
        sure = np.abs(g) > 1e-5  # of them Adam's epsilon takes less than a thousandth
        np.testing.assert_allclose(change[sure], -1e-3 * np.sign(g[sure]), rtol=2e-3)
    tests = seen_images[20:24]
    np.testing.assert_allclose(seen["kl"][0], loss(start, teacher, tests), rtol=1e-10)
    np.testing.assert_allclose(seen["peak"][1], loss(start, teacher, pool[16:]), rtol=1e-10)
    before, after = (embed(p.encoder, tests) for p in (start, end.params))
    drift = np.linalg.norm(after - before) / np.linalg.norm(before)
    np.testing.assert_allclose(seen["drift"], [0, drift], rtol=1e-8)


def test_equal_orders_have_one_end():
    """No barrier, and the loss along the line is that of the end."""
    (params,), y = networks(1), np.arange(32) % 10
    key = jax.random.key_data(jax.random.key(0))
    train = pictures(32), y
    how = {"ts": np.linspace(0, 1, 3), "lr": 0.1, "momentum": 0.9, "batch": 8, "epochs": 2}
    along = jax.jit(partial(connect.along, **how))
    same = along(params.encoder, np.stack([key, key]), train, train)
    np.testing.assert_allclose(same, same[0], rtol=1e-12)
    assert same[0] < np.log(10)
    arrays = {"segment": np.array([[[1.0, 2.5, 2.0], same]]), "segment_at": how["ts"]}
    np.testing.assert_allclose(measure.barriers(arrays), [[1.0, 0.0]], atol=1e-12)


def test_images_keep_their_brightness_and_place():
    x = np.random.default_rng(4).random((2, 28, 28))
    small = images.fitted(x, 16, 1)
    assert small.shape == (2, 16, 16, 1)
    np.testing.assert_allclose(4 * small.sum((1, 2, 3)), x.sum((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(small[0, 1, 1, 0], x[0, :2, :2].mean(), rtol=1e-6)
    large = images.fitted(x[:, :8, :8], 16, 3)
    np.testing.assert_allclose(large[0, 5, 6], np.full(3, x[0, 2, 3]), rtol=1e-6)
    framed = images.fitted(x, 32, 1)[..., 0]
    np.testing.assert_allclose(framed[:, 2:-2, 2:-2], x, rtol=1e-6)
    assert framed[:, :2].sum() == 0
