"""Probes against normal equations, SciPy's minimum, distances written out; what they ignore."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax

from common.nn import probes


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def data(seed=0, n=60, d=5, classes=3):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    return rng.standard_normal((n, d)) + 1.5 * np.eye(d)[labels], labels


def test_ridge_solves_the_normal_equations_with_a_free_intercept():
    x, labels = data()
    y, n = np.eye(3)[labels], len(x)
    wide = np.hstack([x, np.ones((n, 1))])
    penalty = np.diag([0.3] * 5 + [0.0])
    want = np.linalg.solve(wide.T @ wide / n + penalty, wide.T @ y / n)
    found = probes.ridge(x, labels, 3, penalty=0.3)
    np.testing.assert_allclose(np.vstack([found.w, found.b]), want, rtol=1e-10)


def test_linear_finds_scipys_minimum():
    x, labels = data(1)

    def cost(flat):
        w, b = flat[:15].reshape(5, 3), flat[15:]
        return -log_softmax(x @ w + b, 1)[np.arange(60), labels].mean() + 0.05 * (w**2).sum()

    want = minimize(cost, np.zeros(18), tol=1e-12).x[:15].reshape(5, 3)
    found, slope = probes.linear(x, labels, 3, penalty=0.1)
    np.testing.assert_allclose(found.w, want, atol=1e-5)
    assert float(slope) < 1e-8


def test_nearest_by_distances_written_out():
    x, labels = data(2)
    asked = data(3, n=20)[0]
    distance = np.linalg.norm(asked[:, None] - x, axis=2)
    votes = np.eye(3)[labels][np.argsort(distance, 1)[:, :7]].sum(1)
    np.testing.assert_array_equal(probes.nearest(x, labels, asked, 3, k=7), votes.argmax(1))
    np.testing.assert_array_equal(probes.nearest(x, labels, x, 3, k=1), labels)
    mean = np.bincount(labels).argmax()
    assert set(np.asarray(probes.nearest(x, labels, asked, 3, k=60))) == {mean}


def test_nearest_far_from_the_origin_in_float32():
    """Squares of 1e4 would hide distances of 1e-2 in float32."""
    grid = np.float32(1e4) + np.arange(8, dtype=np.float32)[:, None] / 64
    found = probes.nearest(grid, np.arange(8), grid, 8, k=1)
    np.testing.assert_array_equal(found, np.arange(8))


def test_no_probe_sees_units_or_shifts_of_standardised_features():
    x = data(4)[0]
    x[:, 3] = 2.0  # constant
    other = x * np.array([1e-6, 1e6, 3, 5, 1]) + np.array([7, -1, 0, 0, 2])
    one, two = (np.asarray(probes.standardised(v)[0]) for v in (x, other))
    np.testing.assert_allclose(one, two, atol=1e-7)
    np.testing.assert_array_equal(one[:, 3], 0)
    np.testing.assert_allclose(one.std(0)[[0, 1, 2, 4]], 1, rtol=1e-12)
    train, test = probes.standardised(x, x[:10])
    np.testing.assert_array_equal(train[:10], test)


def test_a_constant_of_float32_is_constant():
    found = probes.standardised(np.full((7, 1), 0.1, np.float32))[0]
    np.testing.assert_array_equal(found, 0)


def test_separable_classes_are_told_by_all():
    labels = np.arange(30) % 3
    x = 10 * np.eye(3)[labels] + 0.1 * np.random.default_rng(5).standard_normal((30, 3))
    (train,) = probes.standardised(x)
    for probe in (probes.ridge(train, labels, 3), probes.linear(train, labels, 3)[0]):
        np.testing.assert_array_equal(probes.told(probe, train), labels)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x, y: probes.ridge(x, y, 3, penalty=0.0), "penalty must be positive"),
        (lambda x, y: probes.ridge(x, y[:4], 3), "labels must have shape"),
        (lambda x, y: probes.ridge(x, y * 1.0, 3), "labels must be integers"),
        (lambda x, y: probes.linear(x, y + 3, 3), "labels must lie from 0 to 2"),
        (lambda x, y: probes.linear(x, y, 3, steps=0), "steps"),
        (lambda x, y: probes.nearest(x, y, x[:, :2], 3), "questions must have shape"),
        (lambda x, y: probes.nearest(x, y, x, 3, k=61), "k must be at most"),
        (lambda x, y: probes.standardised(x, x[:, :2]), "others must have shape"),
        (lambda x, y: probes.told(probes.ridge(x, y, 3), x[:, 1:]), "features must have shape"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(*data())


def test_probes_run_in_a_program_over_seeds():
    x, labels = data(6)
    both = jax.jit(jax.vmap(lambda s: probes.told(probes.ridge(x * s, labels, 3), x)))
    np.testing.assert_array_equal(
        both(jnp.array([1.0, 2]))[0], probes.told(probes.ridge(x, labels, 3), x)
    )
