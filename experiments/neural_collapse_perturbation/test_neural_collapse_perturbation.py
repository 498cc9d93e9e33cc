"""Truths of the experiment: stationarity, closed forms, the proof behind np1, derivatives."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.nn import collapse

from . import model, network, problems, theory

K, N_K, D = 3, 8, 7
LABELS = collapse.blocks((N_K,) * K)
MOST = 20_000
minimise = jax.jit(partial(model.minimise, tol=1e-13, most=MOST))


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def normals(seed=0, draws=2):
    rng = np.random.default_rng(seed)
    sizes = problems.shapes(draws, D, K, N_K)
    return {name: rng.standard_normal((1, *shape)) for name, shape in sizes.items()}


def random_start(seed=0, noise=0.7):
    return jnp.asarray(problems.random(normals(seed), LABELS, 1, (noise,))[0, 0, 0])


PENALTY = model.Penalty(*map(np.float64, (0.05, 0.01, 0.1)))


def test_the_minimiser_is_stationary_and_below_its_start():
    """Against automatic derivatives of the objective, in both arguments."""
    H0 = random_start()
    H, turns = minimise(H0, LABELS, PENALTY)
    W = model.optimal(H, LABELS, PENALTY.last)
    slopes = jax.jit(jax.grad(model.objective, argnums=(0, 1)))(W, H, H0, LABELS, PENALTY)
    assert int(turns) < MOST
    assert all(float(jnp.abs(slope).max()) < 1e-10 for slope in slopes)
    first = model.objective(model.optimal(H0, LABELS, 0.05), H0, H0, LABELS, PENALTY)
    assert float(model.objective(W, H, H0, LABELS, PENALTY)) < float(first)


def test_turns_on_moments_are_turns_on_features():
    """H*(W) and W*(H) on all features, dense, as many times."""
    H0 = np.asarray(random_start(1))
    H, turns = minimise(H0, LABELS, PENALTY)
    last, features, vicinity = map(float, PENALTY)
    W = LABELS @ H0.T @ np.linalg.inv(H0 @ H0.T + N_K * last * np.eye(D))
    for _ in range(int(turns)):
        inverse = np.linalg.inv(W.T @ W + (features + vicinity) * np.eye(D))
        dense = inverse @ (W.T @ LABELS + vicinity * H0)
        W = LABELS @ dense.T @ np.linalg.inv(dense @ dense.T + N_K * last * np.eye(D))
    np.testing.assert_allclose(H, dense, atol=1e-9)


def test_the_field_is_the_gradient_on_the_central_path():
    """-K n times the gradient of f with H_0 let go and W optimal (envelope theorem)."""
    H, free = random_start(2), PENALTY._replace(vicinity=0.0)

    @jax.jit
    @jax.grad
    def slope(H):
        return model.objective(model.optimal(H, LABELS, free.last), H, H, LABELS, free)

    np.testing.assert_allclose(model.field(H, LABELS, free), -K * N_K * slope(H), atol=1e-10)


def test_a_minimiser_is_one_implicit_step_of_the_flow():
    """H - H_0 = field(H) / beta."""
    H0 = random_start(3)
    H, _ = minimise(H0, LABELS, PENALTY)
    step = model.field(H, LABELS, PENALTY) / PENALTY.vicinity
    np.testing.assert_allclose(H - H0, step, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_why_the_ratio_falls(seed):
    """d log tr Sigma_W + 2 lambda_H <= 0 <= d log tr Sigma_B + 2 lambda_H, by derivatives."""
    H = random_start(seed, noise=(0.1, 0.5, 1.0, 3.0)[seed])

    @jax.jit
    def rates(H):
        parts = lambda H: jnp.stack([jnp.trace(s) for s in collapse.scatter(H, LABELS)])  # noqa: E731
        value, change = jax.jvp(parts, (H,), (model.field(H, LABELS, PENALTY),))
        return change / value

    within, between = rates(H)
    assert float(within) + 2 * PENALTY.features < 0 < float(between) + 2 * PENALTY.features


@pytest.mark.parametrize("start", [1.0, 3.0])
@pytest.mark.parametrize("penalties", [(0.05, 0.01, 0.1), (0.005, 0.05, 0.01), (0.05, 0.005, 1.0)])
def test_collapsed_minimum_in_closed_form(start, penalties):
    """Length and singular value of the minimiser of exactly collapsed features."""
    base = problems.frame(normals(5), LABELS)[0]
    penalty = model.Penalty(*map(np.float64, penalties))
    H, _ = minimise(start * base @ LABELS, LABELS, penalty)
    want = theory.near(start, *penalties)
    np.testing.assert_allclose(H, want.length * base @ LABELS, atol=1e-8)
    W = model.optimal(H, LABELS, penalty.last)
    np.testing.assert_allclose(np.linalg.svd(W)[1], want.weight, rtol=1e-8)


def test_two_forms_of_the_reduction_of_nc1():
    """(along mu_0 / mu)^2, by stationarity 1 / (1 + w / (beta mu_0))^2."""
    for start, *penalties in ((1.0, 0.05, 0.01, 0.1), (3.0, 0.005, 0.05, 0.01)):
        at = theory.near(start, *penalties)
        want = (at.along * start / at.length) ** 2
        np.testing.assert_allclose(theory.reduction(start, *penalties), want, rtol=1e-8)


@pytest.mark.parametrize(("low", "high"), [(0.005, 0.05), (0.02, 0.03)])
def test_last_layer_decay_raises_nc1_and_feature_decay_lowers_it(low, high):
    for start in (1.0, 3.0):
        for beta in (0.01, 0.1, 1.0):
            both, last, features = (
                theory.reduction(start, *p, beta) for p in ((low, low), (high, low), (low, high))
            )
            assert features < both < last


def test_first_order_near_collapse_by_finite_noise():
    """Errors of a tenth of the noise: a thousandth within classes, a hundredth in all."""
    draw, sizes, row = normals(6), (1e-3, 1e-2), np.array([[0.05, 0.01, 0.1]])
    starts = problems.near_collapse(draw, LABELS, (1.0,), sizes, centred=True)
    args = problems.members(draw, LABELS, starts, row, mislabelled=False)
    H, _ = jax.lax.map(lambda a: minimise(*a), args)
    found = np.asarray(H).reshape(1, 2, 1, D, K * N_K)
    how = {"length": 1.0, "centred": True}
    near = problems.compared(found, draw, LABELS, sizes, row, **how)
    ratio = near["near_error"][0, 0, 1] / near["near_error"][0, 0, 0]
    np.testing.assert_allclose(np.log10(ratio), [3, 2], atol=0.1)
    np.testing.assert_allclose(near["near_shrink"][0, 0, 0], near["near_law"][0], rtol=1e-4)


def test_wrong_labels_are_the_same_labels_in_another_order():
    starts = problems.random(normals(), LABELS, 2, (1.0,))
    _, fitted, _ = problems.members(normals(), LABELS, starts, np.ones((2, 3)), mislabelled=True)
    assert fitted.shape == (4, K, K * N_K)
    np.testing.assert_array_equal(fitted.sum(axis=2), N_K)
    np.testing.assert_array_equal(fitted.sum(axis=1), 1)
    assert (fitted[0] == fitted[1]).all()
    assert (fitted[0] != fitted[2]).any()
    assert (fitted[0] != LABELS).any()


def test_decay_acts_on_its_own_group():
    """Where all ReLUs are off the outputs do not depend on weights, and decay is left alone."""
    shapes = network.sizes(4, 3, 2, 2)
    net = network.init(np.random.default_rng(0).standard_normal(network.count(shapes)), shapes)
    net = net._replace(biases=[b - 100 for b in net.biases[:-1]] + net.biases[-1:])
    x, y = np.zeros((4, 4)), collapse.blocks((2, 2))
    slopes = jax.jit(jax.grad(network.loss))(net, x, y, jnp.array([0.3, 0.7])).weights
    for slope, weight, decay in zip(slopes, net.weights, (0.3, 0.3, 0.7), strict=True):
        np.testing.assert_allclose(slope, decay * weight, atol=1e-12)


def test_rises_are_counted_until_rounding():
    falling = np.geomspace(1, 1e-20, 5)
    values = np.stack([np.append(falling, [1e-30, 2e-30]), np.append(falling, [1e-19, 1e-30])])
    np.testing.assert_array_equal(problems.rises(values), [0, 1])
