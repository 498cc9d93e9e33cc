"""Truths of the experiment: closed forms, brute force, limits, identities."""

import jax
import jax.numpy as jnp
import numpy as np

from common import keys

from . import drawn, nets, outliers, search, stability, trex


def linear(x):
    """Slopes 4, -2, 1: the boundary is at 4 x - 2 y + z = 3."""
    return x @ jnp.array([4.0, -2.0, 1.0]) - 3


def test_the_closest_point_moves_along_the_steepest_coordinate():
    """L1 to a plane w.x = c is what is missing over max |w|, and one coordinate moves."""
    x = jnp.array([[0.3, 0.5, 0.2], [0.5, 0.6, 0.4]])
    rows = jnp.array([[0.95, 0.1, 0.9]])
    found = search.base(linear, x, rows, 400, 0.02)
    assert (linear(found) >= -1e-5).all()
    np.testing.assert_allclose(search.cost(found, x), -linear(x) / 4, rtol=0.05)


def test_the_nearest_row_is_one_that_qualifies():
    rows = jnp.array([[0.1, 0.0], [0.5, 0.0], [0.9, 0.0]])
    x = jnp.zeros((1, 2))
    near = lambda lacking: search.nearest(x, rows, jnp.array(lacking))[0, 0]  # noqa: E731
    np.testing.assert_allclose(near([0.2, 0, 0]), 0.5)
    np.testing.assert_allclose(near([0.4, 0.3, 0.2]), 0.9)  # none: the least lacking


def test_stability_of_a_line_is_its_value_less_the_mean_deviation():
    """m = w.x: E R = w.x - sigma |w| (2 / pi)^(1/2); without noise R is m."""
    w, x = jnp.array([0.3, -0.4]), jnp.array([1.0, 0.5])
    m = lambda x: x @ w  # noqa: E731
    z = 0.1 * jax.random.normal(jax.random.key(0), (200_000, 2))
    law = m(x) - 0.1 * 0.5 * np.sqrt(2 / np.pi)
    np.testing.assert_allclose(stability.relaxed(m, x, z), law, atol=5e-4)
    np.testing.assert_allclose(stability.relaxed(m, x, 0 * z), m(x), rtol=1e-6)


def test_the_walk_stops_at_the_first_step_beyond_its_level():
    """On m = x_1 every step is eta: a level is reached within one, and the rest stays."""
    start, none = jnp.array([[0.2, 0.7]]), jnp.zeros((1, 1))
    levels = jnp.array([0.1, 0.345, 0.5, 3.0])
    ends = trex.ascend(lambda x, _: x[0], start, none, levels, 0.01, 60)[:, 0]
    np.testing.assert_allclose(ends[:, 0], [0.2, 0.35, 0.5, 0.8], atol=0.0101)
    assert (ends[1:3, 0] >= levels[1:3]).all()
    np.testing.assert_allclose(ends[:, 1], 0.7)


def test_local_outlier_factor_is_its_definition():
    """Loops over sorted distances, as in the definition; rows that do not count are left out."""
    rng, k = np.random.default_rng(0), 4
    rows, points = rng.random((40, 3)), np.concatenate([rng.random((5, 3)), [[3.0, 3, 3]]])
    kept = rows[10:]

    def near(p):
        gaps = sorted((np.linalg.norm(p - o), i) for i, o in enumerate(kept))
        return [pair for pair in gaps if pair[0] > 0][:k]

    width = [near(o)[-1][0] for o in kept]
    density = lambda p: k / sum(max(width[i], gap) for gap, i in near(p))  # noqa: E731
    law = [np.mean([density(kept[i]) for _, i in near(p)]) / density(p) for p in points]
    found = outliers.factor(jnp.array(points), jnp.array(rows), jnp.arange(40) >= 10, k)
    np.testing.assert_allclose(found, law, rtol=1e-4)
    assert found[-1] > 1.5


def test_the_mean_error_and_slope_of_a_drawn_model_are_as_told():
    """E g(x + z) over many z; |grad g| <= frequency |a| with equality where all sines are 1."""
    a, b = jnp.array([0.3, -0.2]), jnp.array([0.4, 2.0])
    w = 1.5 * jnp.array([[0.6, 0.8], [-0.8, 0.6]])
    x = jnp.array([0.2, -0.5])
    z = 0.4 * jax.random.normal(jax.random.key(1), (200_000, 2))
    mean = drawn.wave(x + z, a, w, b).mean()
    np.testing.assert_allclose(-drawn.mean_error(x, a, w, b, 0.4), mean, atol=1e-3)
    steepest = jnp.linalg.solve(w, jnp.pi / 2 - b)
    slope = jnp.linalg.norm(jax.grad(drawn.wave)(steepest, a, w, b))
    np.testing.assert_allclose(slope, 1.5 * jnp.linalg.norm(a), rtol=1e-5)
    u = jnp.array([0.6, 0.8])
    np.testing.assert_allclose(jax.grad(drawn.model)(0 * x, u, 0.7), 0.7 * u, rtol=1e-6)


def test_rows_that_are_left_out_change_nothing():
    """The loss does not hang on their labels; a tenth is left out by those networks alone."""
    uniform, y = keys.uniform(jax.random.key(2), (4, 5000)), jnp.arange(5000) % 2.0
    lesson = nets.lessons(uniform, y, 1, 2, 0.1, False)
    np.testing.assert_array_equal(lesson.weight[:3], 1)
    np.testing.assert_allclose(lesson.weight[3:].mean(1), 0.9, atol=0.02)
    params = [(jnp.ones((2, 1)), jnp.zeros(1))]
    x = keys.normal(jax.random.key(3), (5000, 2))
    gone = lesson.weight[3] == 0
    both = [nets.loss(params, x, label, lesson.weight[3]) for label in (y, jnp.where(gone, 9, y))]
    np.testing.assert_allclose(*both)
