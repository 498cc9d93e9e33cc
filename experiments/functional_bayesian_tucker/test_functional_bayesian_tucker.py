"""Truths of the experiment: dense references, limits, identities, exact sums, planted starts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from . import cost, gp, kalman, measure, problems, tucker


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def information(rng, size, rank):
    """Of every other coordinate; zeros elsewhere."""
    root = rng.normal(size=(size, rank, rank)) * (np.arange(size) % 2)[:, None, None]
    return root @ root.swapaxes(1, 2), np.einsum("jrs,js->jr", root, rng.normal(size=(size, rank)))


@pytest.mark.parametrize("smoothness", [0.5, 1.5])
def test_the_smoother_is_dense_regression(smoothness):
    """Also at coordinates without information, and where two coordinates coincide."""
    rng, scale = np.random.default_rng(0), (0.2, 1.3)
    times, given = np.sort(rng.uniform(size=30)), information(rng, 30, 2)
    times[8] = times[7]
    chain = kalman.chain(times, smoothness, *scale, 2)
    ours = jax.jit(kalman.posterior)(chain, *given)
    theirs = gp.regression(gp.matern(times, smoothness, *scale), *given)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-11)


def test_inserting_a_coordinate_without_information_changes_nothing():
    rng = np.random.default_rng(1)
    times, (precision, shift) = np.sort(rng.uniform(size=12)), information(rng, 12, 2)
    smooth = jax.jit(kalman.posterior)
    whole = smooth(kalman.chain(times, 1.5, 0.3, 1.0, 2), precision, shift)
    odd = slice(1, None, 2)
    few = smooth(kalman.chain(times[odd], 1.5, 0.3, 1.0, 2), precision[odd], shift[odd])
    for a, b in zip(whole, few, strict=True):
        np.testing.assert_allclose(a[odd], b, atol=1e-12)


def test_without_a_process_every_coordinate_is_by_itself():
    """lengthscale 0: the posterior of N(0, variance I) by its own information."""
    rng = np.random.default_rng(2)
    precision, shift = information(rng, 9, 2)
    chain = kalman.chain(np.sort(rng.uniform(size=9)), 1.5, 0.0, 0.7, 2)
    mean, cov = jax.jit(kalman.posterior)(chain, precision, shift)
    np.testing.assert_allclose(cov, np.linalg.inv(precision + np.eye(2) / 0.7), atol=1e-12)
    np.testing.assert_allclose(mean, (np.asarray(cov) @ shift[..., None])[..., 0], atol=1e-12)


def test_steps_of_the_chain_compose():
    """Two steps are one of the sum: A_2 A_1 and A_2 Q_1 A_2^T + Q_2."""
    two = kalman.chain(np.array([0.0, 0.1, 0.35]), 1.5, 0.4, 2.0, 1)
    one = kalman.chain(np.array([0.0, 0.35]), 1.5, 0.4, 2.0, 1)
    (_, a, b), (_, p, q) = two.transition, two.noise
    np.testing.assert_allclose(b @ a, one.transition[1], rtol=1e-12)
    np.testing.assert_allclose(b @ p @ b.T + q, one.noise[1], rtol=1e-12)
    np.testing.assert_allclose(two.noise[0], 2 * np.eye(2), atol=1e-100)


def model(rng, sizes=(5, 4, 6), rank=2, count=50):
    """A state with factors and core at random, and data in two batches, the second half full."""
    modes, size = len(sizes), max(sizes)
    start = rng.normal(size=(modes, size, rank))
    state = tucker.begin(start, rng.normal(size=(rank,) * modes), 1 + count / 2, 0.3)
    place = np.stack([rng.integers(n, size=count) for n in sizes])
    value = rng.normal(size=count)
    return state, place, value, tucker.Data(*problems.batched(place, value, size, 30, 2))


def kron(rows):
    out = np.ones(1)
    for row in rows:
        out = np.kron(out, row)
    return out


def test_messages_are_those_of_every_observation():
    """b_n = W_(1) (u^2 x u^3), E[b_n b_n^T] with the factors' covariance, one by one."""
    state, place, value, data = model(np.random.default_rng(3))
    args = state.mean, state.square, 2
    precision, shift = tucker.messages(
        state.core, state.core_square, 1.7, *jax.jit(tucker.sums)(data, *args)[:2]
    )
    wide, tall = state.core.reshape(2, -1), np.zeros((6, 2, 2))
    long = np.zeros((6, 2))
    for n, y in enumerate(value):
        i, j, k = place[:, n]
        both = np.kron(state.square[1, j], state.square[2, k])
        tall[i] += 1.7 * wide @ both @ wide.T
        long[i] += 1.7 * y * wide @ kron([state.mean[1, j], state.mean[2, k]])
    np.testing.assert_allclose(precision, tall, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(shift, long, rtol=1e-11, atol=1e-12)


def test_a_sweep_of_core_and_noise_is_regression_on_products():
    """No damping, certain factors: the core is least squares, b half of the squared residual."""
    state, place, value, data = model(np.random.default_rng(4))
    sure = state._replace(square=tucker.outer(state.mean, state.mean))
    turned = tucker.Data(np.roll(data.place, -2, axis=0), data.value)
    last = sure._replace(mean=np.roll(sure.mean, -2, 0), square=np.roll(sure.square, -2, 0))
    found = jax.jit(tucker.sums)(turned, last.mean, last.square, 2)
    rules = tucker.Rules(0.0, 0.0)
    new = tucker.noise(tucker.weigh(sure, found, 1.0, rules, True), found, rules)
    rows = np.array([kron(u[i] for u, i in zip(state.mean, at, strict=True)) for at in place.T])
    best, residual, *_ = np.linalg.lstsq(rows, value, rcond=None)
    np.testing.assert_allclose(new.core.reshape(-1), best, rtol=1e-9)
    np.testing.assert_allclose(new.rest, 1 + residual[0] / 2, rtol=1e-9)


def test_predictions_have_the_moments_of_independent_factors():
    """Variance of w . (u^1 x u^2 x u^3) by drawing factors: within 5 % of 40,000 draws."""
    rng = np.random.default_rng(5)
    state, place, *_ = model(rng)
    mean, variance = tucker.predict(jax.tree.map(jnp.asarray, state), place[:, :2])
    for n in range(2):
        draws = [
            state.mean[k, i] + np.sqrt(0.3) * rng.normal(size=(40_000, 2))
            for k, i in enumerate(place[:, n])
        ]
        values = np.einsum("nr,ns,nt,rst->n", *draws, state.core)
        assert mean[n] == pytest.approx(values.mean(), abs=5 * values.std() / 200)
        assert variance[n] == pytest.approx(values.var(), rel=0.05)


def test_cp_is_the_superdiagonal_core():
    state, place, *_ = model(np.random.default_rng(6))
    state = state._replace(core=tucker.diagonal(3, 2))
    mean, _ = tucker.predict(jax.tree.map(jnp.asarray, state), place)
    u = [state.mean[k][place[k]] for k in range(3)]
    np.testing.assert_allclose(mean, (u[0] * u[1] * u[2]).sum(1), rtol=1e-12)


def test_from_the_truth_inference_stays_there():
    """Noise-free entries of random functions: a start at the truth keeps an error far below 1."""
    rng, sizes, rank = np.random.default_rng(7), (12, 12, 12), 2
    times = problems.coordinates(rng.uniform(size=(3, 12)), sizes)
    normal, core = rng.normal(size=(3, 12, rank)), rng.normal(size=(rank,) * 3)
    place = problems.entries(rng.uniform(size=12**3), sizes, 600)
    value = problems.tensor(times, normal, core, place, smoothness=1.5, lengthscale=0.3)
    truth = gp.draw(normal, times, 1.5, 0.3)
    raw = np.einsum("nr,ns,nt,rst->n", *[u[i] for u, i in zip(truth, place, strict=True)], core)
    data = tucker.Data(*problems.batched(place[:, :400], value[:400], 12, 400, 1))
    state = tucker.begin(truth, core * np.mean(value / raw), 1 + 1e-4, 1e-8)
    chains, rules = kalman.chain(times, 1.5, 0.3, 1.0, rank), tucker.Rules(0.0, 0.0)

    @jax.jit
    def sweep(state, data):
        return tucker.epoch(state, data, chains, rules, True, 400, 1)

    after = sweep(sweep(state, data), data)
    mean, _ = tucker.predict(after, place[:, 400:])
    assert np.sqrt(np.mean((mean - value[400:]) ** 2)) < 0.05


def test_the_design_is_six_disjoint_grids():
    rng = np.random.default_rng(8)
    case = problems.blocks(rng.uniform(size=(2, 90)), rng.uniform(size=8100), 6)
    assert (case.inside.sum(), case.train.sum()) == (1350, 675)
    assert set(case.inside.sum(0)) == set(case.inside.sum(1)) == {15}
    assert not (case.train & ~case.inside).any()
    assert (np.diff(case.times) > 0).all()


def test_products_are_counted():
    a, b = jax.ShapeDtypeStruct((3, 4), float), jax.ShapeDtypeStruct((4, 5), float)
    assert cost.multiply_adds(jnp.matmul, a, b) == 60

    def often(a, b):
        return jax.lax.scan(lambda c, _: (c, a @ b), 0, length=7)[1]

    assert cost.multiply_adds(often, a, b) == 420
    assert cost.dense(20) / cost.dense(10) == pytest.approx(8, rel=0.02)


def test_the_start_is_chosen_by_its_noise():
    tau = np.array([[1.0, 3.0, 2.0]])[:, None, None, None, :, None] * np.ones((1, 1, 2, 2, 1, 4))
    rmse = np.broadcast_to([0.1, 0.2, 0.3], (1, 1, 2, 2, 3))
    assert (measure.best({"tau": tau, "rmse": rmse}, "rmse") == 0.2).all()
