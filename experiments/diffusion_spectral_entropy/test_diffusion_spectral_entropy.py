"""Truths of the experiment: limits, closed forms, the random walk, planted categories."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from common import keys

from . import clouds, clusters, entropy, network, quadrature


def cloud(count=40, width=3, seed=0):
    return np.random.default_rng(seed).standard_normal((count, width))


def of_cloud(x, sigma, power=1):
    kernel = entropy.gaussian(entropy.squared_distances(x), sigma)
    return entropy.entropy(entropy.eigenvalues(kernel), power)


def test_the_spectrum_is_that_of_the_random_walk():
    """Deg^-1 G by the nonsymmetric solver, distances one by one."""
    x = cloud()
    pairs = np.linalg.norm(x[:, None] - x, axis=-1)
    kernel = np.exp(-(pairs**2) / (2 * 0.7**2))
    walk = np.sort(np.linalg.eigvals(kernel / kernel.sum(axis=1, keepdims=True)).real)
    squares = entropy.squared_distances(x)
    found = entropy.eigenvalues(entropy.gaussian(squares, 0.7))
    np.testing.assert_allclose(found, walk, atol=1e-12)
    np.testing.assert_allclose(found[-1], 1, atol=1e-12)
    np.testing.assert_allclose(entropy.mean_distance(squares), pairs.sum() / (40 * 39))


@pytest.mark.parametrize("power", [1, 2, 5])
def test_entropy_of_narrow_and_wide_kernels(power):
    """K = I has log2 N bits, K = 1 1^T / N none."""
    np.testing.assert_allclose(of_cloud(cloud(), 1e-3, power), np.log2(40), rtol=1e-12)
    np.testing.assert_allclose(of_cloud(cloud(), 1e6, power), 0, atol=1e-8)


def test_entropy_of_copies_counts_them():
    """k points, each there m times and far from the others: k eigenvalues 1, at any power."""
    x = np.repeat(1e3 * np.eye(6), 5, axis=0)
    for power in (1, 3):
        np.testing.assert_allclose(of_cloud(x, 1.0, power), np.log2(6), rtol=1e-12)


def test_entropy_of_two_points():
    """Eigenvalues 1 and (1 - g) / (1 + g)."""
    g = np.exp(-1 / 2)
    p = 1 / (1 + (1 - g) / (1 + g))
    want = -p * np.log2(p) - (1 - p) * np.log2(1 - p)
    np.testing.assert_allclose(of_cloud(np.array([[0.0], [1.0]]), 1.0), want, rtol=1e-12)


def test_information_on_copies_is_that_of_subsets():
    """Categories that are single places: their entropy is 0, that of a subset counts its places."""
    places, labels = np.repeat(1e3 * np.eye(4), 3, axis=0), np.repeat(np.arange(4), 3)
    kernel = entropy.gaussian(entropy.squared_distances(places), 1.0)
    heights = np.random.default_rng(0).random((4, 2, 12))

    def counted(row):
        share = np.bincount(labels[np.argsort(row)[:3]], minlength=4) / 3
        # eigenvalues are 1 for every place that is there, whatever its share
        return np.log2((share > 0).sum())

    want = np.mean([counted(row) for category in heights for row in category])
    np.testing.assert_allclose(entropy.information(kernel, labels, heights), want, rtol=1e-12)


def test_one_category_has_no_information():
    kernel = entropy.gaussian(entropy.squared_distances(cloud()), 1.0)
    heights = np.random.default_rng(1).random((1, 3, 40))
    found = entropy.information(kernel, np.zeros(40, int), heights)
    np.testing.assert_allclose(found, 0, atol=1e-12)


def test_histogram_of_distinct_corners_and_of_one_coordinate():
    corners = np.array(np.meshgrid(*[[0.0, 1.0]] * 4)).reshape(4, -1).T
    np.testing.assert_allclose(entropy.histogram(np.repeat(corners, 3, axis=0)), 4)
    share = np.array([0.75, 0.25])
    found = entropy.histogram(np.array([[0.0], [0.1], [0.2], [1.0]]))
    np.testing.assert_allclose(found, -(share * np.log2(share)).sum())


def test_quadrature_finds_the_entropy_of_the_eigenvalues():
    """Within four standard errors of 64 probes, taken from the spread of single ones."""
    x = cloud(80, 4, seed=2)
    with jax.enable_x64(True):
        fn = jax.jit(partial(quadrature.entropy, steps=30, probes=1))
        found = np.array([fn(key, x, 0.8) for key in jax.random.split(jax.random.key(0), 64)])
    error = found.std(ddof=1) / 8
    assert error < 0.05
    assert abs(found.mean() - of_cloud(x, 0.8)) < 4 * error


def test_permuted_labels_keep_their_counts():
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(5), 20)
    which, order = rng.random(100), rng.random(100)
    np.testing.assert_array_equal(clouds.corrupted(labels, which, order, 0.0), labels)
    half = clouds.corrupted(labels, which, order, 0.5)
    np.testing.assert_array_equal(np.bincount(half), 20)
    assert 20 < (half != labels).sum() <= 50  # 40 on average: a fifth stays by chance


def test_branches_are_walks_from_points_of_earlier_ones():
    rng = np.random.default_rng(4)
    steps, parents = rng.random((4, 10, 3)), rng.random(4)
    branches = clouds.tree(steps, parents).reshape(4, 10, 3)
    np.testing.assert_allclose(np.diff(branches, axis=1), 2 * steps[:, 1:] - 1)
    for i, branch in enumerate(branches[1:], 1):
        start = branch[0] - (2 * steps[i, 0] - 1)
        assert np.isclose(branches[:i], start).all(axis=-1).any()


def test_clusters_are_the_planted_ones():
    """Blobs far apart, up to names."""
    x = clouds.blobs(cloud(60, 5), 30 * np.eye(5), 5, 1.0)
    found = clusters.spectral(entropy.squared_distances(x), 5, 8).reshape(5, 12)
    assert (found == found[:, :1]).all()
    assert len(set(found[:, 0])) == 5


def plain(params, x):
    """The last hidden layer, one layer after the other."""
    for weights, bias in params[:-1]:
        x = np.maximum(x @ np.asarray(weights) + bias, 0)
    return x


def test_what_is_taught_and_what_is_observed():
    """Labels with and without noise; features before and after are a plain pass of the tests."""
    rng = np.random.default_rng(5)
    images = jnp.asarray(rng.integers(0, 256, (60, 4, 4)).astype(np.uint8))
    y, y_test = np.tile(np.arange(10), 4), np.tile(np.arange(10), 2)
    drawn = keys.split((1,), ("train", "labels", "tests", "batches", "weights"))
    tx = optax.adamw(1e-2)

    @jax.jit
    def both(each, y, y_test):
        how = {"fractions": (0.0, 1.0), "samples": 30, "per_class": 1, "pixels": 16}
        member, state = network.start(each, y, y_test, hidden=(8, 6), tx=tx, **how)
        given = np.array([0, 2]), images, y_test
        return member, state, network.learn_beside(state, member, *given, batch=10, tx=tx)

    one = {name: key[0] for name, key in drawn.items()}
    member, start, (end, seen) = both(one, y, y_test)
    np.testing.assert_array_equal(member.labels[0], y[member.train])
    np.testing.assert_array_equal(*map(np.bincount, member.labels))
    assert (member.labels[0] != member.labels[1]).any()
    np.testing.assert_array_equal(y_test[member.tests], np.arange(10))
    x = (np.asarray(images)[40 + member.tests].reshape(10, -1) / 255 - 0.1307) / 0.3081
    for i in range(2):
        for record, state in enumerate((start, end)):
            want = plain(jax.tree.map(lambda a, i=i: a[i], state.params), x)
            np.testing.assert_allclose(seen["features"][i, record], want, atol=1e-4)
