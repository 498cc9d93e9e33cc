"""Truths: exact consequences of a scalar divisor, the optimisers of others, reshapes undone."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from common.nn import decoder

from . import audit, methods, tasks

HOW = {"gamma": 1.5, "steps": 5}
SET = {"arms": ("adamw", "sgd"), "gamma": 1.5, "ns_steps": 5, "nesterov": 0.9, "betas": (0.9, 0.99)}
SET |= {"eps": 1e-8, "adam_rate": 0.1, "decay": 0.0}


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def gaussian(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def trained(tx, weights, count=4):
    """Weights after steps on |W A - B|^2."""
    a, b = gaussian(5, 7), gaussian(6, 7, seed=1)
    slope = jax.grad(lambda w: jnp.mean((w["matrices"][0] @ a - b) ** 2))

    def step(carry, _):
        weights, state = carry
        updates, state = tx.update(slope(weights), state, weights)
        return (optax.apply_updates(weights, updates), state), None

    return jax.lax.scan(step, (weights, tx.init(weights)), length=count)[0][0]["matrices"][0]


def start():
    return {"matrices": [jnp.asarray(gaussian(6, 5, seed=2))], "rest": {}}


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_arms_are_optax_s_own(name):
    """SGD of averaged momentum is optax.sgd at (1 - mu) times the rate; AdamW is optax.adamw."""
    ours = methods.optimiser(SET["arms"].index(name), 0.3, 1.0, **SET | {"decay": 0.02})
    theirs = {
        "sgd": optax.chain(
            optax.trace(0.9, nesterov=True),
            optax.scale(0.1),
            optax.add_decayed_weights(0.02),
            optax.scale(-0.3),
        ),
        "adamw": optax.adamw(0.3, 0.9, 0.99, 1e-8, weight_decay=0.02),
    }[name]
    np.testing.assert_allclose(trained(ours, start()), trained(theirs, start()), rtol=1e-12)


def test_auon_is_sgd_at_a_smaller_rate_and_the_hybrid_is_muon():
    """One step of AuON is SGD's over R, known of equal entries: cosh(gamma / sqrt N)."""
    equal = jnp.asarray(np.sign(gaussian(6, 8)))
    found = methods.direction("auon", equal, **HOW)
    np.testing.assert_allclose(found, equal / np.cosh(1.5 / 48**0.5), rtol=1e-12)
    g = jnp.asarray(gaussian(64, 32))
    hybrid, muon = jax.jit(lambda g: audit.updates(g, ["hybrid5", "muon"], 1.5, 5))(g)
    np.testing.assert_allclose(hybrid, muon, rtol=3 * 1.5**2 / (2 * g.size))


def test_one_entry_has_the_largest_divisor():
    """R^2 <= 1 + sinh(gamma)^2 / N: cosh(gamma sqrt s)^2 is convex in s."""
    heavy = [gaussian(8, 8, seed=i) ** (2 * i + 1) for i in range(5)]
    found = audit.excesses([audit.one_hot(heavy[0]), *heavy], 1.5)
    bound = np.sqrt(1 + np.sinh(1.5) ** 2 / 64) - 1
    assert float(found[0]) == pytest.approx(bound, rel=1e-12)
    assert float(found[1:].max()) < bound


def test_operations_are_those_of_the_matrix_products():
    """Five steps of three products of n^3 multiplications and additions, and less for the rest."""
    sides = np.array([64, 512])
    muon = audit.operations("muon", sides, **HOW)
    products = 30 * sides**3.0
    assert (products < muon).all()
    assert (muon < products * (1 + 2 / sides)).all()
    sgd = audit.operations("auon", sides, **HOW) / sides**2
    assert sgd[0] == pytest.approx(sgd[1], rel=0.01)


def test_conditioned_matrices_have_their_singular_values():
    g = audit.conditioned(gaussian(2, 6, 9), 100.0)
    found = np.linalg.svd(g, compute_uv=False)
    np.testing.assert_allclose(found, np.geomspace(1, 0.01, 6)[None].repeat(2, 0), rtol=1e-10)
    sized = audit.momenta(g, 10.0, [0.1, 7.0])[:, 1:]
    np.testing.assert_allclose(np.linalg.norm(sized, axis=(-2, -1)), [[0.1, 7.0] * 2] * 2)
    np.testing.assert_allclose(np.linalg.svd(sized, compute_uv=False)[:, 3, 0], 7.0)


def test_a_stack_of_matrices_is_each_by_itself():
    stack = jnp.asarray(gaussian(2, 3, 6, 8) * np.array([1, 10, 100])[:, None, None])
    for name in ("auon", "auon_paper", "hybrid1"):
        of = jax.jit(partial(methods.direction, name, **HOW))
        found, single = of(stack), of(stack[1, 2])
        np.testing.assert_allclose(found[1, 2], single, rtol=1e-9)


def test_weights_of_the_decoder_are_only_reshaped():
    params = decoder.init(jax.random.split(jax.random.key(0)), vocab=7, width=8, layers=2, heads=2)
    weights = tasks.split(params)
    assert weights["matrices"]["qkv"].shape == (2, 3, 8, 8)
    # a query by hand: x @ the matrix, heads side by side
    x = gaussian(5, 8)
    by_head = np.einsum("td,dhk->thk", x, params["blocks"]["attention"]["qkv"][1, :, 0])
    found = x @ weights["matrices"]["qkv"][1, 0]
    np.testing.assert_allclose(found, by_head.reshape(5, 8), rtol=1e-12)
    back = tasks.joined(weights, 2)
    assert jax.tree.structure(back) == jax.tree.structure(params)
    jax.tree.map(np.testing.assert_array_equal, back, params)


def test_guessing_is_the_ceiling_and_images_are_means():
    task = tasks.images(2, (5,), 4)
    weights = {"matrices": [jnp.zeros((196, 5)), jnp.zeros((5, 10))], "rest": {}}
    x = np.arange(3 * 784, dtype=np.uint8).reshape(3, 28, 28)
    data = tasks.pooled(x, np.arange(3), 2, 1, x, np.arange(3))
    assert data.train[0].shape == (2, 196)
    assert data.valid[0].shape == (1, 1, 196)
    assert data.test[0][0, 0, 1] == pytest.approx(x[0, :2, 2:4].mean() / 255)
    value = tasks.evaluated(task, weights, data.test)
    assert float(value) == pytest.approx(np.log(10), rel=1e-6)
    broken = jax.tree.map(lambda w: w * np.nan, weights)
    assert float(tasks.evaluated(task, broken, data.test)) == pytest.approx(np.log(10))


def test_the_rate_is_constant_then_falls_to_its_end():
    rate = partial(methods.schedule, steps=100, constant=0.55, end=0.1)
    found = [float(rate(i)) for i in (0, 55, 77.5, 100)]
    np.testing.assert_allclose(found, [1, 1, 0.55, 0.1], rtol=1e-6)
