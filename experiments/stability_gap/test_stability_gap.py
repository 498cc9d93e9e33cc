"""Truths of the experiment: balanced streams, exact gradients and projections, known metrics."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.optimize import nnls

from common.nn import layers

from . import learning, measure, methods, streams


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


LABELS = np.repeat(np.arange(10), 30)
slope = jax.jit(jax.grad(methods.cross_entropy))
replay = jax.jit(partial(methods.replay, weight=0.3))


def heights(*shape):
    return np.asarray(jax.random.uniform(jax.random.key(0), shape))


def network(sizes=(5, 7, 10)):
    return layers.init(jax.random.key(1), sizes)


def same(found, expected):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-12), found, expected)


def examples(*lead):
    x = jax.random.normal(jax.random.key(2), (*lead, 5))
    return x, jax.random.randint(jax.random.key(3), lead, 0, 10)


@pytest.mark.parametrize("kind", streams.KINDS)
def test_tasks_share_nothing_and_are_balanced_from_their_first_examples_on(kind):
    orders = streams.tasks(heights(2, 300), LABELS, 20, 5, kind)
    for seed in orders:
        assert len(np.unique(seed)) == 200
        for k, task in enumerate(seed):
            own = [2 * k, 2 * k + 1] if kind == "classes" else range(10)
            for part in (task[: 3 * len(own)], task):
                counts = np.bincount(LABELS[part], minlength=10)
                assert set(np.flatnonzero(counts)) == set(own)
                assert len(set(counts[own])) == 1


def test_an_epoch_shows_every_example_once():
    orders = streams.tasks(heights(1, 300), LABELS, 20, 5, "classes")
    assert streams.epochs(12, 8, 40) == 3
    chosen = streams.batches(heights(1, 5, 3, 40), orders, 12, 8)
    for k in range(5):
        for epoch in chosen[0, k, :10].reshape(2, 40):
            assert set(epoch) == set(orders[0, k])


def test_memory_gives_every_old_task_alike_and_nothing_twice():
    orders = streams.tasks(heights(1, 300), LABELS, 20, 5, "classes")
    drawn = streams.recalled(heights(1, 5, 400, 40), orders, np.arange(5), 10)
    for known in range(1, 5):
        share = 40 // known
        for batch in drawn[0, known]:
            assert len(set(batch)) == 10
        counts = np.bincount(LABELS[drawn[0, known].ravel()], minlength=10)
        assert (counts[2 * known :] == 0).all()
        expected = 4000 / (2 * known)
        assert np.abs(counts[: 2 * known] - expected).max() < 5 * expected**0.5
        assert len(np.unique(drawn[0, known])) == share * known


def test_replay_gradient_is_that_of_the_weighted_loss():
    params, (x, y) = network(), examples(2, 6)

    given = (x[0], y[0]), (x[1], y[1])
    new, old = (slope(params, *part) for part in given)
    found, norms = replay(params, *given, 1)
    same(found, jax.tree.map(lambda a, b: 0.3 * a + 0.7 * b, new, old))
    first, alone = replay(params, *given, 0)
    same(first, jax.tree.map(lambda a: 0.3 * a, new))
    np.testing.assert_allclose([norms[0], 0], alone, atol=1e-12)


def test_descent_is_pytorch_momentum_from_rest_in_every_stage():
    """v <- 0.9 v + g, p <- p - lr v, v = 0 at first; a stage that is not kept is left again."""
    x, y = examples(12)
    images = learning.Images(x.reshape(12, 1, 5), y)
    index = np.arange(12).reshape(3, 2, 2)
    params, keep = network(), np.array([True, False, False])
    how = {"known": np.zeros(3, int), "keep": keep, "tx": optax.sgd(0.1, 0.9)}
    look = np.zeros((3, 1, 1), int)
    learn = jax.jit(partial(learning.by_replay, weight=1.0, **how))
    found = learn(params, index, index, images, look)
    start = params
    for stage in range(3):
        p, v = start, jax.tree.map(jnp.zeros_like, start)
        for step in range(2):
            g = slope(p, *images.at(index[stage, step]))
            np.testing.assert_allclose(found[1][stage, step, 0], optax.tree.norm(g), rtol=1e-5)
            v = jax.tree.map(lambda a, b: 0.9 * a + b, v, g)
            p = jax.tree.map(lambda a, b: a - 0.1 * b, p, v)
        start = p if stage == 0 else start


@pytest.mark.parametrize("k", [1, 4])
def test_quadratic_problem_is_nonnegative_least_squares(k):
    root, target = np.asarray(jax.random.normal(jax.random.key(k), (2, 9, k)))
    target = target[:, 0]
    found = methods.nonnegative(jnp.asarray(root.T @ root), jnp.asarray(-root.T @ target))
    np.testing.assert_allclose(found, nnls(root, target)[0], atol=1e-8)


def test_projection_leaves_no_old_loss_rising():
    """G (g + G^T v) >= 0 up to the ridge; with one old task and margin 0 the closed form."""
    g, *stored = jax.random.normal(jax.random.key(4), (5, 40))
    stored = jnp.stack(stored)
    assert (stored @ g < 0).any()
    assert (stored @ methods.projected(g, stored, 0.0)).min() > -1e-2
    old = stored[0] * -jnp.sign(stored[0] @ g)
    expected = g - (old @ g) / (old @ old + methods.RIDGE) * old
    np.testing.assert_allclose(methods.projected(g, old[None], 0.0), expected, rtol=1e-10)
    np.testing.assert_array_equal(methods.projected(g, -old[None], 0.5), g)


def test_metrics_of_accuracies_written_down():
    accuracy = np.zeros((1, 3, 4, 3))
    accuracy[0, 0, :, 0] = 1.0
    accuracy[0, 1, :, 0], accuracy[0, 1, :, 1] = (0.4, 0.5, 0.7, 0.8), (0.2, 0.9, 0.9, 0.9)
    accuracy[0, 2] = [[0.6, 0.9, 0.1], [0.7, 0.3, 0.6], [0.8, 0.5, 0.7], [0.9, 0.7, 0.8]]
    np.testing.assert_allclose(measure.task_ends(accuracy), 0.8)
    np.testing.assert_allclose(measure.worst(accuracy), 0.35)
    np.testing.assert_allclose(measure.worst_case(accuracy), 0.8 / 3 + 2 / 3 * 0.35)
    np.testing.assert_allclose(measure.forgetting(accuracy), 0.15)
    np.testing.assert_allclose(measure.dips(accuracy), [[0.6, 0.2, 0.6]])
    np.testing.assert_allclose(measure.recoveries(accuracy), [[0.4, 0.3, 0.4]])
    np.testing.assert_allclose(measure.windowed(accuracy, 2), (0.6 + 0.6 + 0.0) / 3, atol=1e-12)
    np.testing.assert_allclose(measure.windowed(accuracy, 100), (0.6 + 0.6 + 0.0) / 3, atol=1e-12)
    arrays = {"accuracy": accuracy, "gem": accuracy}
    np.testing.assert_allclose(measure.early_share(arrays), 1.0)
    np.testing.assert_allclose(measure.gem_hidden_drop(arrays), (0.4 + 0.2 + 0.4) / 3)
