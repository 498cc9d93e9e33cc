"""Truths of the experiment: networks written out, the divergence, first order at the teacher."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.special import erf, rel_entr, softmax

from common.nn import convnet

from . import connect, distil, images, measure, model
from .distil import Member, Shown, Student

HOW = {"image": (8, 8, 2), "stages": ((3,), (4, 5)), "hidden": (6,), "bottleneck": 4}
init = jax.jit(partial(model.init, **HOW, outputs=7, dtype=float))


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def networks(count=3):
    return [init(jax.random.key(seed)) for seed in range(count)]


def pictures(count=10, seed=0):
    return np.random.default_rng(seed).standard_normal((count, 8, 8, 2))


def test_encoder_is_the_convolutional_one():
    """XLA's convolution and window, against one product of nine shifts."""
    (params,), x = networks(1), pictures()
    found = jax.jit(model.embed)(params.encoder, x)
    np.testing.assert_allclose(found, convnet.embed(params.encoder, x), atol=1e-12)
    assert found.shape == (10, convnet.features(HOW["image"], HOW["stages"]))


def test_head_in_numpy():
    """GELU by the error function, sphere, prototypes of unit length: logits are cosines."""
    (params,) = networks(1)
    features = np.random.default_rng(1).standard_normal((5, 20))
    (w, b), (last, c) = [tuple(map(np.asarray, layer)) for layer in params.head]
    z = features @ w + b
    u = 0.5 * z * (1 + erf(z / np.sqrt(2))) @ last + c
    columns = np.asarray(params.prototypes)
    want = u @ columns / np.linalg.norm(u, axis=1)[:, None] / np.linalg.norm(columns, axis=0)
    np.testing.assert_allclose(model.said(params, features), want, atol=1e-12)


def test_divergence_by_scipy_and_at_its_minimum():
    a, b = np.random.default_rng(2).standard_normal((2, 6, 9))
    want = rel_entr(softmax(a, 1), softmax(b, 1)).sum(1).mean()
    np.testing.assert_allclose(model.divergence(a, b), want, rtol=1e-12)
    np.testing.assert_allclose(model.divergence(a, a + 3.0), 0, atol=1e-15)


def test_slope_near_the_teacher_is_first_order():
    """|H (other - teacher)| alpha, H v by differentiating the gradient; 0 at alpha = 0."""
    drawn, x = jax.tree.map(lambda *a: jnp.stack(a), *networks()), pictures()
    teacher, other, third = networks()
    found = jax.jit(partial(distil.slopes, alphas=(0.0, 1e-6), own=True))(drawn, x)
    way = jax.tree.map(jnp.subtract, other, teacher)
    slope = jax.grad(lambda p: model.loss(p, teacher, x))
    bent = jax.jit(lambda: jax.jvp(slope, (teacher,), (way,))[1])()
    np.testing.assert_allclose(found[1], 1e-6 * optax.tree.norm(bent), rtol=1e-4)
    assert found[0] < 1e-14
    far = distil.slopes(drawn, x, alphas=(0.0,), own=False)
    want = jax.grad(model.loss)(teacher, third, x)
    np.testing.assert_allclose(far[0], optax.tree.norm(want), rtol=1e-10)


def test_first_update_of_adamw_is_the_sign():
    """One batch of all images: every parameter goes lr against its gradient's sign."""
    teacher, start, _ = networks()
    pool, tx = np.concatenate([pictures(16), pictures(16, 1)]), distil.optimiser(1e-3, 0.0)
    student = Student(start, tx.init(start), jnp.zeros((), int), jnp.zeros(()))
    seen_images, y = pictures(50, 2), np.arange(50) % 10
    shown = Shown(images.chunked(seen_images, 16), y)
    how = {"sizes": (20, 5, 20, 5), "looked": 4, "batch": 16, "tx": tx}
    slope = jax.grad(model.loss)(start, teacher, pool[16:])
    sure = jax.tree.map(lambda g: np.abs(g) > 1e-5, slope)
    key = jax.random.key_data(jax.random.key(3))
    learn = jax.jit(partial(distil.learn, **how))
    end, seen = learn(student, Member(teacher, start, 16, key), np.array([0, 1]), pool, shown)
    for g, a, b, here in zip(*map(jax.tree.leaves, (slope, end.params, start, sure)), strict=True):
        np.testing.assert_allclose((a - b)[here], -1e-3 * np.sign(g)[here], rtol=2e-3)
    tests = seen_images[20:24]
    np.testing.assert_allclose(seen["kl"][0], model.loss(start, teacher, tests), rtol=1e-10)
    np.testing.assert_allclose(seen["peak"][1], model.loss(start, teacher, pool[16:]), rtol=1e-10)
    before, after = (model.embed(p.encoder, tests) for p in (start, end.params))
    drift = np.linalg.norm(after - before) / np.linalg.norm(before)
    np.testing.assert_allclose(seen["drift"], [0, drift], rtol=1e-8)


def test_equal_orders_have_one_end():
    """No barrier, and the loss along the line is that of the end."""
    (params,), y = networks(1), np.arange(32) % 10
    key = jax.random.key_data(jax.random.key(0))
    train = pictures(32), y
    how = {"ts": np.linspace(0, 1, 3), "lr": 0.1, "momentum": 0.9, "batch": 8, "epochs": 2}
    along = jax.jit(partial(connect.along, **how))
    same = along(params.encoder, jnp.stack([key, key]), train, train)
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
