"""Closed forms against dense algebra, limits, orders of convergence and planted curves."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.sde import path, processes, solvers

from . import exact, gaussian, jumps, measure, model, sampling, study

VP = processes.vp()
RNG = np.random.default_rng(0)
SAMPLE = RNG.normal(size=(40, 6)) @ np.diag([2.0, 1.0, 0.5, 0.2, 0.0, 0.0]) + np.arange(6.0)
MODEL = gaussian.fit(SAMPLE)


def at(t):
    """In float64."""
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, path.at(VP, np.asarray(t, float)))


def denoiser(x, t):
    return gaussian.denoise(jax.tree.map(np.float32, MODEL), x, path.at(VP, t))


def test_denoiser_is_the_conditional_mean():
    """mean + alpha C (alpha^2 C + sigma^2 I)^-1 (x - alpha mean) with the dense covariance."""
    here, x = at(0.4), RNG.normal(size=(3, 6))
    dense = np.cov(SAMPLE.T, bias=True)
    mixed = here.alpha**2 * dense + here.sigma**2 * np.eye(6)
    want = np.linalg.solve(mixed, (x - here.alpha * MODEL.mean).T).T @ dense * here.alpha
    np.testing.assert_allclose(gaussian.denoise(MODEL, x, here), MODEL.mean + want, rtol=1e-10)
    assert (MODEL.values[-2:] < 1e-12).all()
    assert (MODEL.values >= 0).all()


def test_states_solve_the_flow():
    """Central differences of the closed form are f - g^2 s / 2 with the dense score; the endpoint
    estimate along the way is xi_k c_k, and the null space shrinks as sigma."""
    t, step, start = 0.3, 1e-5, at(1.0)
    x = RNG.normal(size=(2, 6))
    low, here, high = (gaussian.states(MODEL, x, at(t + d), start) for d in (-step, 0, step))
    now, dense = at(t), np.cov(SAMPLE.T, bias=True)
    mixed = now.alpha**2 * dense + now.sigma**2 * np.eye(6)
    score = -np.linalg.solve(mixed, (here - now.alpha * MODEL.mean).T).T
    beta = 0.1 + t * 19.9
    np.testing.assert_allclose((high - low) / (2 * step), -0.5 * beta * (here + score), rtol=1e-6)
    c = (x - start.alpha * MODEL.mean) @ MODEL.basis
    estimate = (gaussian.denoise(MODEL, here, now) - MODEL.mean) @ MODEL.basis
    np.testing.assert_allclose(estimate, gaussian.xi(MODEL, now, start) * c, atol=1e-10)
    null = gaussian.psi(MODEL, now, start)[-1]
    assert null == pytest.approx(now.sigma / start.sigma, rel=1e-9)


def test_gain_limits():
    """sqrt(lambda) from T, 1 at the end where lambda > 0, sigma's ratio on the null space."""
    times, end = np.array([1.0, 1e-3]), at(1e-3)
    gain = gaussian.gain(MODEL, at(times), end)
    np.testing.assert_allclose(gain[1], 1.0)
    np.testing.assert_allclose(gain[0, :4], np.sqrt(MODEL.values[:4]), rtol=2e-3)
    assert gain[0, -1] == pytest.approx(end.sigma, rel=1e-3)


def test_a_feature_is_half_done_at_a_third_of_the_noise():
    """xi_k = xi_k(0) / 2 where alpha^2 lambda = sigma^2 / 3, not where they are equal."""
    times = np.linspace(1.0, 1e-6, 4001)
    some = MODEL._replace(values=np.array([20.0, 5.0, 1.0, 0.2, 0.1, 0.05]))
    found = study.half_time(times, gaussian.xi(some, at(times), at(1.0)))
    want = gaussian.time_of(np.sqrt(3.0 * some.values), 0.1, 20.0)
    np.testing.assert_allclose(found, want, atol=2e-4)
    ratio = at(want).sigma / at(want).alpha
    np.testing.assert_allclose(ratio, np.sqrt(3.0 * some.values), rtol=1e-9)


def test_ddim_of_the_gaussian_converges_to_the_closed_form():
    """First order: half the step, half the error; also after a late start from the closed form."""
    x = RNG.normal(size=(4, 6)).astype(np.float32)
    want = gaussian.states(MODEL, x, at(1e-3), at(1.0))

    def error(steps):
        times = solvers.uniform(VP, steps)
        got = sampling.trajectory(jax.random.key(0), VP, denoiser, x, times, solvers.exponential())
        return float(np.abs(got[-1] - want).max())

    coarse, fine = error(100), error(200)
    assert coarse / fine == pytest.approx(2.0, rel=0.1)
    assert fine < 0.1


def test_rows_are_changed_at_their_node_alone():
    """A push at a node is the sampler begun there from the pushed state; setting a run to its own
    state changes nothing."""
    x, key = RNG.normal(size=(2, 6)).astype(np.float32), jax.random.key(0)
    rule, times = solvers.exponential(), np.asarray(solvers.uniform(VP, 20))
    states = np.asarray(sampling.trajectory(key, VP, denoiser, x, times, rule))
    node, push = 8, np.full((1, 1, 6), 0.3, np.float32)
    rows = jumps.joined(
        (
            jumps.kicked(x, times[node : node + 1], push),
            jumps.begun_late(x, times[[3, 20]], states[[3, 20]]),
        )
    )
    ends = sampling.run_rows(key, VP, denoiser, rows, times, rule).reshape(-1, 2, 6)
    pushed = solvers.solve(key, VP, denoiser, states[node] + push[0, 0], times[node:], rule).x
    np.testing.assert_allclose(ends[0], pushed, rtol=1e-5, atol=1e-5)
    for end in ends[1:]:
        np.testing.assert_allclose(end, states[-1], rtol=1e-5, atol=1e-5)
    first = jumps.kicked(x, times[:1], push)
    begun = sampling.run_rows(key, VP, denoiser, first, times, rule).reshape(2, 2, 6)[0]
    want = solvers.solve(key, VP, denoiser, x + 0.3, times, rule).x
    np.testing.assert_allclose(begun, want, rtol=1e-6)


def test_the_selected_sde_is_that_sde():
    ve = processes.ve()
    for first, want in ((True, VP), (False, ve)):
        got = exact.either(jnp.array(first), VP, ve)
        np.testing.assert_allclose(jnp.stack(got.marginal(0.3)), jnp.stack(want.marginal(0.3)))
        assert float(got.diffusion(0.3)) == pytest.approx(float(want.diffusion(0.3)))
        assert float(got.prior_std) == want.prior_std


def test_loss_of_the_isotropic_denoiser():
    """With F = 0 the denoiser is skip x, exact for N(0, s^2): the loss then is 1 at every time."""
    params = jax.tree.map(jnp.zeros_like, model.init(jax.random.key(0), 4, 8, 4))
    x0 = 0.7 * jax.random.normal(jax.random.key(1), (20_000, 4))
    z = jax.random.normal(jax.random.key(2), x0.shape)
    for t in (0.01, 0.3, 0.9):
        found = model.loss(params, VP, 0.49, x0, jnp.full(len(x0), t), z)
        assert float(found) == pytest.approx(1.0, rel=0.03)
    x, times = 0.5 * x0[:3], jnp.array([0.1, 0.3, 0.9])
    some = model.init(jax.random.key(3), 4, 8, 4)
    together = model.denoiser(some, VP, 0.49)(x, times)
    alone = [model.denoiser(some, VP, 0.49)(x[i : i + 1], times[i])[0] for i in range(3)]
    np.testing.assert_allclose(together, jnp.stack(alone), rtol=1e-5, atol=1e-6)


def test_shares_of_known_curves():
    """A line has one component, a circle two equal ones, a random walk 6 / pi^2 / k^2."""
    angle = np.linspace(0, 2 * np.pi, 101)[:-1, None, None]
    one, other = np.eye(5)[:2]
    np.testing.assert_allclose(study.explained(angle * one), [[1, 0]], atol=1e-12)
    circle = np.cos(angle) * one + np.sin(angle) * other
    np.testing.assert_allclose(study.explained(circle), [[0.5, 0.5]], atol=1e-12)
    walk = RNG.normal(size=(200, 1, 3000)).cumsum(0)
    want = 6 / np.pi**2 / np.array([[1, 4]])
    np.testing.assert_allclose(study.explained(walk), want, rtol=0.05)
    arc = at(np.linspace(1.0, 1e-6, 50))
    states = arc.alpha[:, None, None] * one + arc.sigma[:, None, None] * other
    along, miss = study.plane(states, 0.0 * one, arc)
    assert miss.max() < 1e-12
    assert np.abs(along[0, :, 0] - arc.sigma).max() < 1e-2
    assert study.rotation_error(states, arc).max() < 0.01


def test_measures_on_planted_arrays():
    ratios = np.array([1.0, 2.0, 10.0, 20.0])
    error = np.array([[[9, 1, 2, 9], [1, 4, 5, 1], [1, 8, 4, 1.0]]])
    assert measure.early_theory({"ratios": ratios, "error": error}).tolist() == [0.5]
    distance = np.array([[[1, 1, 3, 9], [2, 4, 4, 1.0]]])
    assert measure.late_start({"jump_distance": distance}).tolist() == [0.75]
    assert measure.late_quality({"frechet": np.array([[2.0, 1, 1, 3, 1]])}).tolist() == [1.5]
    solved = np.arange(2 * 2 * 2 * 3 * 4.0).reshape(2, 2, 2, 3, 4)
    pair = measure.closed_form({"flow_solved": solved, "flow_formula": -solved})
    assert pair.shape == (24, 2, 4)
    assert (pair[:, 0] == -pair[:, 1]).all()
    equal = {"half_time": np.full((1, 5), 0.2), "values": np.arange(9.0)[::-1]}
    assert np.ptp(measure.commitment(equal)[:, 1]) == 0
