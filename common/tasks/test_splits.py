"""Splits by their counts, rotations against NumPy's and SciPy's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

from common.tasks import splits

KEY = jax.random.key(0)
LABELS = np.repeat(np.arange(10), 30)
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("count", "fraction", "size"),
    [(12769, 0.4, 5107),
     (100, 0.29, 29), (9, 0.0, 0), (9, 1.0, 9), (7, 0.5, 3), (60000, 0.1, 6000)],
)  # fmt: skip
def test_a_split_has_its_size_and_loses_nothing(count, fraction, size):
    part, rest = splits.split(KEY, count, fraction)
    assert part.shape == (size,)
    np.testing.assert_array_equal(np.sort(np.concatenate([part, rest])), np.arange(count))
    assert size in (0, count) or not np.array_equal(part, np.arange(size))


def test_a_split_is_the_same_in_a_program():
    for got, want in zip(
        jax.jit(lambda key: splits.split(key, 100, 0.29))(KEY),
        splits.split(KEY, 100, 0.29),
        strict=True,
    ):
        np.testing.assert_array_equal(got, want)


def test_a_share_is_the_same_in_float64_where_its_product_falls_short():
    assert 0.29 * 100 < 29
    with jax.enable_x64(True):
        assert splits.split(KEY, 100, 0.29)[0].shape == (29,)


def test_a_split_is_uniform():
    parts = jax.vmap(lambda k: splits.split(k, 6, 0.5)[0])(jax.random.split(KEY, 4000))
    chosen = (1 << np.asarray(parts)).sum(1)
    assert scipy.stats.chisquare(np.unique(chosen, return_counts=True)[1]).pvalue > 1e-3
    assert len(np.unique(chosen)) == 20  # three of six


def test_a_balanced_part_has_as_many_of_every_class_and_none_twice():
    labels = RNG.permutation(LABELS)
    part = np.asarray(jax.jit(lambda k: splits.balanced(k, labels, 7, 10))(KEY))
    np.testing.assert_array_equal(labels[part], np.tile(np.arange(10)[:, None], 7))
    assert len(np.unique(part)) == 70
    whole = splits.balanced(KEY, labels, 30, 10)
    np.testing.assert_array_equal(np.sort(np.ravel(whole)), np.arange(300))
    hits = jax.vmap(lambda k: splits.balanced(k, labels, 7, 10))(jax.random.split(KEY, 3000))
    share = np.bincount(np.ravel(hits), minlength=300) / 3000  # 7 / 30
    assert np.abs(share - 7 / 30).max() < 4.5 * (7 / 30 * 23 / 30 / 3000) ** 0.5


def test_tasks_of_classes_part_the_examples():
    tasks = splits.class_order(KEY, 10, 5)
    assert tasks.shape == (5, 2)
    np.testing.assert_array_equal(np.sort(np.ravel(tasks)), np.arange(10))
    mask = np.asarray(splits.class_incremental(LABELS, tasks))
    np.testing.assert_array_equal(mask.sum(0), 1)
    for of_task, classes in zip(mask, np.asarray(tasks), strict=True):
        np.testing.assert_array_equal(np.unique(LABELS[of_task]), np.sort(classes))
    some = splits.class_incremental(LABELS, jnp.array([[3], [8]]))
    np.testing.assert_array_equal(some, [LABELS == 3, LABELS == 8])


def test_class_orders_differ_with_the_key():
    orders = jax.vmap(lambda k: splits.class_order(k, 4, 2).ravel())(jax.random.split(KEY, 4000))
    counts = np.unique(np.asarray(orders), axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_a_permutation_of_steps_is_the_same_for_all_and_can_be_undone():
    x = RNG.normal(size=(4, 9, 2)).astype(np.float32)
    order = np.asarray(splits.permuted(KEY, np.arange(9)[None]))[0]
    shuffled = np.asarray(splits.permuted(KEY, x))
    np.testing.assert_array_equal(shuffled[:, np.argsort(order)], x)
    assert not np.array_equal(order, np.arange(9))


def test_quarters_of_a_turn_are_exact():
    images = RNG.normal(size=(3, 9, 9)).astype(np.float32)
    for image in (images, images[:, :8, :8]):
        for degrees in (-90, 0, 90, 180, 270, 360, 810):
            turned = np.rot90(image, degrees // 90, axes=(1, 2))
            np.testing.assert_array_equal(splits.rotated(image, degrees), turned)


@pytest.mark.parametrize("shape", [(8, 8), (7, 10)])
def test_other_turns_are_scipys(shape):
    images = RNG.normal(size=(2, *shape)).astype(np.float32)
    angles = np.array([10.0, 45, 80, -30, 200, 359, 90])
    domains = jax.jit(jax.vmap(splits.rotated, (None, 0)))(images, angles)
    for domain, angle in zip(domains, angles, strict=True):
        turned = scipy.ndimage.rotate(
            images.astype(float), angle, axes=(1, 2), reshape=False, order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(domain, turned, atol=1e-5)


def test_a_turn_and_back_is_near_and_keeps_what_is_smooth():
    y, x = np.mgrid[-20:21, -20:21]
    blob = np.exp(-((x - 4) ** 2 + (y + 3) ** 2) / 30)[None]
    back = splits.rotated(splits.rotated(blob, 33.0), -33.0)
    bend = 2 / 15  # |f_xx| + |f_yy| at most; between pixels a line is off by 1/8 of it, twice
    np.testing.assert_allclose(back, blob, atol=2 * bend / 8)


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.29, 1.0])
@pytest.mark.parametrize("kind", splits.NOISES)
def test_noise_touches_exactly_its_share(kind, fraction):
    noisy, touched = map(np.asarray, splits.label_noise(KEY, LABELS, fraction, 10, kind))
    assert touched.sum() == round(300 * fraction)
    np.testing.assert_array_equal(noisy[~touched], LABELS[~touched])
    assert ((noisy >= 0) & (noisy < 10)).all()
    if kind == "permuted":
        np.testing.assert_array_equal(np.bincount(noisy, minlength=10), 30)
    if kind == "other":
        np.testing.assert_array_equal(touched, noisy != LABELS)


def test_noise_is_uniform_over_its_classes():
    labels = np.full(6000, 2)
    uniform = splits.label_noise(KEY, labels, 1.0, 5, "uniform")[0]
    assert scipy.stats.chisquare(np.bincount(uniform, minlength=5)).pvalue > 1e-3
    other = np.bincount(splits.label_noise(KEY, labels, 1.0, 5, "other")[0], minlength=5)
    assert other[2] == 0
    assert scipy.stats.chisquare(np.delete(other, 2)).pvalue > 1e-3


def test_a_permutation_of_labels_is_uniform_over_the_chosen():
    """Three labels, two of them chosen: 0 1 2, and the three swaps, as 3 : 1 : 1 : 1."""
    noise = jax.vmap(lambda k: splits.label_noise(k, jnp.arange(3), 2 / 3, 3)[0])
    found, counts = np.unique(noise(jax.random.split(KEY, 6000)), axis=0, return_counts=True)
    assert found.tolist() == [[0, 1, 2], [0, 2, 1], [1, 0, 2], [2, 1, 0]]
    assert scipy.stats.chisquare(counts, [3000, 1000, 1000, 1000]).pvalue > 1e-3


def test_fractions_are_a_batch_and_more_noise_touches_more_of_the_same():
    shares = jnp.linspace(0, 1, 11)
    noisy = jax.jit(jax.vmap(lambda f: splits.label_noise(KEY, LABELS, f, 10)))
    touched = np.asarray(noisy(shares)[1])
    np.testing.assert_array_equal(touched.sum(1), np.arange(0, 301, 30))
    assert (touched[1:] >= touched[:-1]).all()


IMAGES = np.zeros((1, 3, 3))


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: splits.split(KEY, 0, 0.5), "count"),
        (lambda: splits.split(KEY, 5, -0.1), "fraction"),
        (lambda: splits.split(KEY, 5, 1.1), "fraction"),
        (lambda: splits.split(KEY, 5, np.nan), "fraction"),
        (lambda: splits.balanced(KEY, LABELS, 31, 10), "labels"),
        (lambda: splits.balanced(KEY, LABELS, 0, 10), "per_class"),
        (lambda: splits.balanced(KEY, LABELS, 3, 9), "labels"),
        (lambda: splits.balanced(KEY, LABELS, 3, 0), "classes"),
        (lambda: splits.class_order(KEY, 10, 3), "tasks"),
        (lambda: splits.class_order(KEY, 10, 0), "tasks"),
        (lambda: splits.class_incremental(LABELS, jnp.array([[1, 2], [2, 3]])), "tasks"),
        (lambda: splits.class_incremental(LABELS, jnp.arange(3)), "tasks"),
        (lambda: splits.class_incremental(LABELS / 2, jnp.array([[1]])), "labels"),
        (lambda: splits.permuted(KEY, jnp.arange(3)), "x must"),
        (lambda: splits.rotated(IMAGES[0], 3.0), "images"),
        (lambda: splits.rotated(IMAGES, jnp.zeros(2)), "degrees"),
        (lambda: splits.label_noise(KEY, LABELS, 1.5, 10), "fraction"),
        (lambda: splits.label_noise(KEY, LABELS, 0.5, 9), "labels"),
        (lambda: splits.label_noise(KEY, -LABELS, 0.5, 10), "labels"),
        (lambda: splits.label_noise(KEY, LABELS * 0, 0.5, 1, "other"), "classes"),
        (lambda: splits.label_noise(KEY, LABELS, 0.5, 10, "flip"), "kind"),
    ],
)
def test_refusals(call, named):
    with pytest.raises(ValueError, match=named):
        call()
