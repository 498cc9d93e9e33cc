"""Truths of the experiment: closed forms, stationarity, dense references, recurrences."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.nn import collapse

from . import measure, model, network, problems, theory

COUNTS = np.array([200, 100, 50, 50])
SMALL = np.array([20, 10, 5, 2])


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def normal(key, *shape):
    return np.asarray(jax.random.normal(jax.random.key(key), shape))


def minimum(depth, counts=SMALL, decay=0.01, dim=7):
    """(Params, Problem) at the closed form."""
    s, squares = (f(counts, decay, depth) for f in (theory.singular_values, theory.lengths))
    labels = np.repeat(np.eye(len(counts)), counts, axis=1)
    params = problems.planted(normal(depth, depth, dim, len(counts)), squares, s, labels)
    return params, model.Problem(jnp.array(counts), decay, 0.0)


@pytest.mark.parametrize(
    ("depth", "s", "squares"),
    [
        (1, [3.73392, 3.13050, 2.62127, 2.62127], [0.06971, 0.0980, 0.13742, 0.13742]),
        (3, [1.93740, 1.77545, 1.62631, 1.62631], [0.018768, 0.031522, 0.052898, 0.052898]),
    ],
)
def test_closed_form_for_the_authors_setting(depth, s, squares):
    """Computed apart with the authors' hyper-parameters."""
    np.testing.assert_allclose(theory.singular_values(COUNTS, 5e-4, depth), s, rtol=1e-5)
    np.testing.assert_allclose(theory.lengths(COUNTS, 5e-4, depth), squares, rtol=1e-4)


def test_one_layer_has_a_formula_and_a_threshold():
    counts, decay = np.array([200, 100, 50, 20]), np.sqrt(35) / 370
    want = np.sqrt(np.maximum(np.sqrt(counts) - counts.sum() * decay, 0))
    np.testing.assert_allclose(theory.singular_values(counts, decay, 1), want, atol=1e-12)
    np.testing.assert_allclose(theory.critical_decay(20, 370, 1), np.sqrt(20) / 370)


@pytest.mark.parametrize("depth", [1, 2, 3, 6, 9])
def test_the_root_minimises_the_cost(depth):
    """Against a fine grid, on both sides of the threshold."""
    ratio = theory.threshold(depth) * np.array([0.01, 0.3, 0.9, 0.99, 1.01, 1.3])
    x = np.concatenate([[0.0], np.geomspace(1e-4, 1e3, 200_001)])
    cost = 1 / (x**depth + 1) + ratio[:, None] * x
    found = theory.root(ratio, depth)
    np.testing.assert_allclose(found, x[cost.argmin(1)], rtol=1e-3, atol=0.02)
    assert (theory.cost(found, ratio, depth) <= cost.min(1) + 1e-12).all()
    assert (found > 0).tolist() == [True] * 4 + [False] * 2


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_the_critical_penalty_is_where_the_price_meets_the_threshold(depth):
    decay = theory.critical_decay(20, 370, depth)
    assert theory.price(370, decay, depth) / 20 == pytest.approx(theory.threshold(depth))


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_the_closed_form_is_a_stationary_point_of_the_predicted_loss(depth):
    params, problem = minimum(depth)
    value, grad = jax.jit(jax.value_and_grad(model.loss))(params, problem)
    assert value == pytest.approx(theory.losses(SMALL, 0.01, depth).sum(), rel=1e-12)
    grad = grad._replace(bias=jnp.zeros(4))  # switched off
    assert max(jnp.abs(g).max() for g in jax.tree.leaves(grad)) < 1e-14


@pytest.mark.parametrize("depth", [1, 3])
def test_descent_stays_at_the_closed_form(depth):
    params, _ = minimum(depth)
    how = {"counts": tuple(SMALL), "lr": 0.1, "momentum": 0.9, "steps": 50}
    value, rows = jax.jit(partial(model.settle, **how))(params, 0.01)
    assert value == pytest.approx(theory.losses(SMALL, 0.01, depth).sum(), rel=1e-12)
    np.testing.assert_allclose(rows, theory.rows(SMALL, 0.01, depth), rtol=1e-10)


def test_no_neighbour_of_the_closed_form_is_lower():
    params, problem = minimum(3)
    shapes, tree = jax.tree.flatten(params)
    loss = jax.jit(lambda p: model.loss(p, problem))
    lowest = loss(params)
    for key in range(20):
        steps = [0.02 * normal(100 * key + i, *a.shape) for i, a in enumerate(shapes)]
        moved = [a + step for a, step in zip(shapes, steps, strict=True)]
        assert loss(jax.tree.unflatten(tree, moved)) > lowest


def test_the_closed_form_is_collapsed_at_every_split():
    """All metrics vanish there, for the splits' own targets; layers share singular values."""
    params, problem = minimum(3)
    got = jax.jit(model.metrics)(params, problem, model.targets(SMALL, 0.01, 3))
    for name in ("nc1", "nc2", "dual", "nc3", "energy"):
        np.testing.assert_allclose(got[name], 0, atol=1e-13, err_msg=name)
    shape = jax.jit(model.shape_of)(params, problem)
    s = -np.sort(-theory.singular_values(SMALL, 0.01, 3))
    np.testing.assert_allclose(shape["singular"], np.tile(s, (3, 1)), rtol=1e-12)


def test_with_a_bias_the_simplex_is_stationary_and_spares_one_share():
    """One layer, balanced: W = s E U^T, H = h U E^T Y, b = 1 / K, E an orthonormal basis of 1^T."""
    counts, decay, K = np.full(4, 10), 0.01, 4
    s, h = (f(counts, decay, 1)[0] for f in (theory.singular_values, theory.lengths))
    E = np.linalg.svd(collapse.simplex(K))[0][:, : K - 1]
    U = np.linalg.qr(normal(0, 6, K - 1))[0]
    labels = np.repeat(np.eye(K), counts, axis=1)
    params = model.Params(np.sqrt(h) * U @ E.T @ labels, (), s * E @ U.T, np.full(K, 1 / K))
    problem = model.Problem(jnp.array(counts), decay, 1.0)
    value, grad = jax.jit(jax.value_and_grad(model.loss))(params, problem)
    assert max(jnp.abs(g).max() for g in jax.tree.leaves(grad)) < 1e-14
    assert value == pytest.approx(0.75 * theory.losses(counts, decay, 1).sum(), rel=1e-12)
    targets = model.targets(counts, decay, 1, simplex=True)
    got = jax.jit(model.metrics)(params, problem, targets)
    np.testing.assert_allclose([got["nc3"][0], got["nc2"][0], got["dual"][0]], 0, atol=1e-7)


def test_nc1_against_dense_covariances():
    """Four classes in seven dimensions: Sigma_B has rank three."""
    H, labels = normal(0, 7, SMALL.sum()), np.repeat(np.eye(4), SMALL, axis=1)
    mu = H @ labels.T / SMALL
    between = (mu - H.mean(1, keepdims=True)) @ (mu - H.mean(1, keepdims=True)).T / 4
    within = (H - mu @ labels) @ (H - mu @ labels).T / SMALL.sum()
    want = np.trace(within @ np.linalg.pinv(between, rcond=1e-10)) / 4
    np.testing.assert_allclose(collapse.variability(H, labels), want, rtol=1e-9)


def test_distance_of_the_two_frames_and_scale_invariance():
    simplex, orthogonal = collapse.simplex(4), collapse.frame(np.ones(4))
    want = np.sqrt(2 - 2 * np.sqrt(3 / 4))
    np.testing.assert_allclose(collapse.distance(simplex, 7 * orthogonal), want)
    np.testing.assert_allclose(np.diag(simplex), 3 / 4)


def test_features_that_no_layer_sees_follow_the_heavy_ball_recurrence():
    """h_t = (1 + mu - lr lambda) h_{t-1} - mu h_{t-2}; late rate lr lambda / (1 - mu)."""
    lr, mu, decay = 0.1, 0.9, 2e-3
    H = normal(0, 3, SMALL.sum())
    params = model.Params(H, (jnp.zeros((3, 3)),), jnp.zeros((4, 3)), jnp.zeros(4))
    problem = model.Problem(jnp.array(SMALL), decay, 0.0)
    step = jax.jit(lambda s: model.step(s, problem, lr=lr, momentum=mu))
    state, before, last = model.begin(params), 1.0, 1.0
    for _ in range(300):
        state = step(state)
        before, last = last, (1 + mu - lr * decay) * last - mu * before
    np.testing.assert_allclose(state.params.features, last * H, rtol=1e-10)
    assert -np.log(last) / 300 == pytest.approx(lr * decay / (1 - mu), rel=0.05)


def test_the_network_meets_the_model_and_spares_its_relu_layers_the_penalty():
    sizes = network.Sizes((5, 6, 6), classes=4, depth=2)
    net = network.init(normal(0, sizes.count()), sizes)
    x, problem = normal(1, SMALL.sum(), 5), model.Problem(jnp.array(SMALL), 0.3, 0.0)
    (v, a), (w, c) = net.encoder
    H = np.maximum(np.maximum(x @ v + a, 0) @ w + c, 0)
    out = H @ net.hidden[0].T @ net.head.T
    labels = np.repeat(np.eye(4), SMALL, axis=0)
    penalty = (H**2).sum() + (net.hidden[0] ** 2).sum() + (net.head**2).sum()
    want = ((out - labels) ** 2).sum() / (2 * len(x)) + 0.15 * penalty
    np.testing.assert_allclose(model.loss(network.unconstrained(net, x), problem), want)
    np.testing.assert_allclose(
        network.errors(net, x, problem), np.mean(out.argmax(1) != labels.argmax(1))
    )


def test_every_case_starts_where_its_seed_does():
    counts = ((10, 10, 10, 7), (20, 10, 5, 2))
    cases = problems.cases(*counts, bias=True)
    params = model.unpack(normal(0, 2, model.sizes(SMALL, 5, 2).count()), model.sizes(SMALL, 5, 2))
    state, problem, targets = problems.members(cases, params, 0.01, penalty=3.0)
    for lane, (case, seed) in enumerate((c, s) for c in range(3) for s in range(2)):
        np.testing.assert_array_equal(state.params.head[lane], params.head[seed])
        np.testing.assert_array_equal(problem.counts[lane], counts[case == 2])
        assert problem.decay[lane] == pytest.approx(0.03)
        assert problem.bias[lane] == (case == 0)
        want = theory.outputs(counts[case == 2], 0.01, 2)  # of the penalty that the theory is for
        if case:
            np.testing.assert_allclose(np.diag(targets.cross[lane]), want)


def test_subsets_are_the_first_of_every_class_in_each_order():
    labels, images = np.array([1, 0, 1, 0, 1]), np.arange(5)[:, None, None] * 4.0
    order = np.array([[4, 3, 2, 1, 0], [0, 1, 2, 3, 4]])
    x = problems.subsets(order, images, labels, (1, 2))
    np.testing.assert_array_equal(16 * x[..., 0], 4 * np.array([[3, 4, 2], [1, 0, 2]]))


def test_measures_of_planted_arrays():
    """A fall counts from the first record without errors; the gain is dropped less kept."""
    arrays = {
        "heads": np.array([1, 2]),
        "net_error": np.array([[[0.1, 0.0, 0.0], [0.1, 0.1, 0.0]]]),
        "net_nc2": np.array([[[9.0, 1.0, 0.2], [9.0, 8.0, 0.4], [9.0, 8.0, 0.1]]]),
    }
    np.testing.assert_allclose(measure.network_gain(arrays), [1.0])
    arrays["net_error"][0, 1, 0] = 0
    np.testing.assert_allclose(measure.network_gain(arrays), [0.2])
    law = theory.critical_decay(2, 37, 3)
    arrays = {"collapse": SMALL, "deep": np.array(3), "deep_decay": law * np.array([0.5, 1, 2])}
    arrays["deep_loss"] = np.array([[[0.0, 0.1, 0.3], [0.2, 0.1, 0.2]]])
    np.testing.assert_allclose(measure.deep_gain(arrays)[0, 0], [0.5, 1, 2])
    np.testing.assert_allclose(measure.deep_gain(arrays)[0, 1], 37 * np.array([0.2, 0, -0.1]))
