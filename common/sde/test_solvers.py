"""Rules of sampling on Gaussian data, whose flow and laws are known at every time."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.sde import conditional, gaussian, mixture, path, processes, solvers

MEAN, STD = 1.5, 0.6
PATHS = {
    "vp": processes.vp(),
    "subvp": processes.subvp(),
    "ve": processes.ve(),
    "ou": gaussian.ou(end=5.0),
    "edm": gaussian.edm(sigma_max=20.0),
}
FLOW_MATCHING = gaussian.sde(lambda t: 1 - t, lambda t: t, end=1.0, eps=1e-3)


def denoiser(sde):
    """D(x, t) of the data N(MEAN, STD^2)."""

    def d(x, t, tau=None):
        alpha, sigma = sde.marginal(t)
        gain = alpha * STD**2 / (alpha**2 * STD**2 + sigma**2)
        return MEAN + gain * (x - alpha * MEAN)

    return d


def flow(sde, x, t, s):
    """Where the probability flow of N(MEAN, STD^2) takes x from t to s."""
    (a, b), (c, d) = sde.marginal(jnp.float64(t)), sde.marginal(jnp.float64(s))
    spread = jnp.sqrt((c**2 * STD**2 + d**2) / (a**2 * STD**2 + b**2))
    return c * MEAN + spread * (x - a * MEAN)


def snr_grid(sde, steps):
    """Times equal in log(alpha / sigma), from 0.9 of the end to where sigma / alpha is 0.05."""
    times = np.geomspace(sde.end, 1e-7, 4000)
    alpha, sigma = (np.asarray(v, float) for v in sde.marginal(jnp.asarray(times)))
    level = np.log(alpha / sigma)
    inside = (times <= 0.9 * sde.end) & (level <= np.log(20))
    return np.interp(np.linspace(*level[inside][[0, -1]], steps + 1), level, times)


@pytest.mark.parametrize(("rule", "order"), [
    (solvers.exponential(), 1),
    (solvers.exponential(2), 2),
    (solvers.euler, 1),
    (solvers.heun(PATHS["vp"]), 2),
])  # fmt: skip
def test_inversion_goes_where_the_flow_came_from(rule, order):
    """DDIM inversion and its like: data to noise at the rule's order, and there and back."""
    sde, x, off = PATHS["vp"], np.linspace(-1.0, 3, 9), []
    with jax.enable_x64(True):
        for steps in (40, 80):
            grid = snr_grid(sde, steps)[::-1]
            solve = partial(solvers.solve, jax.random.key(0), sde, denoiser(sde))
            noise = solve(x, grid, rule).x
            off.append(float(jnp.abs(noise - flow(sde, x, grid[0], grid[-1])).max()))
            back = solve(noise, grid[::-1], rule).x
            assert float(jnp.abs(back - x).max()) < 3 * off[-1]
    assert np.log2(off[0] / off[1]) == pytest.approx(order, abs=0.3)


def test_rules_with_noise_do_not_go_back():
    sde, x = PATHS["vp"], jnp.zeros(3)
    grid = np.linspace(0.1, 0.9, 5)
    noisy = solvers.exponential(eta=0.5), solvers.heun(sde, churn=0.1), solvers.euler_maruyama()
    for rule in (*noisy, solvers.joined(solvers.euler, solvers.langevin(1, 0.1))):
        with pytest.raises(ValueError, match="times must fall"):
            solvers.solve(jax.random.key(0), sde, denoiser(sde), x, grid, rule)
    grid[2] = 0.9  # up and down
    with pytest.raises(ValueError, match="times must fall"):
        solvers.solve(jax.random.key(0), sde, denoiser(sde), x, grid, solvers.euler)


@pytest.mark.parametrize("name", PATHS)
def test_four_predictions_are_one(name):
    sde, x = PATHS[name], jnp.linspace(-2.0, 3.0, 5)
    here = path.at(sde, 0.4 * sde.end)
    d = denoiser(sde)(x, 0.4 * sde.end)
    s = -(x - here.alpha * MEAN) / (here.alpha**2 * STD**2 + here.sigma**2)
    field = processes.probability_flow(sde, lambda x, t: s)(x, jnp.float32(0.4 * sde.end))
    np.testing.assert_allclose(path.score(d, x, here), s, rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(path.velocity(d, x, here), field, rtol=2e-3, atol=2e-3)
    for back, value in (
        (path.from_score, s),
        (path.from_noise, path.noise(d, x, here)),
        (path.from_velocity, path.velocity(d, x, here)),
    ):
        np.testing.assert_allclose(back(value, x, here), d, rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize("name", ["vp", "ve", "subvp"])
def test_a_gaussian_path_has_the_drift_and_diffusion_of_its_sde(name):
    known = PATHS[name]
    made = gaussian.sde(
        lambda t: known.marginal(t)[0], lambda t: known.marginal(t)[1], end=1.0, eps=1e-3
    )
    x = jnp.array([[0.3], [-2.0]])
    for t in (0.05, 0.5, 1.0):
        np.testing.assert_allclose(made.drift(x, t), known.drift(x, t), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(made.diffusion(t), known.diffusion(t), rtol=1e-4)


def test_an_ornstein_uhlenbeck_process_has_its_stationary_law_and_its_chain_the_path():
    sde = gaussian.ou(rate=1.0, noise=1.0, end=10.0)
    assert float(sde.diffusion(3.0)) == pytest.approx(1.0, rel=1e-5)
    assert sde.prior_std == pytest.approx(0.5**0.5, rel=1e-6)
    variance = 0.0
    for i in range(8):
        link = sde.chain(jnp.float32(i), 8)
        variance = float(link.decay) ** 2 * variance + float(link.gain) ** 2
    assert variance == pytest.approx(sde.prior_std**2, rel=1e-5)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(
    ("rule", "order"),
    [
        (lambda sde: solvers.exponential(), 1),
        (lambda sde: solvers.exponential(order=2), 2),
        (solvers.heun, 2),
        (lambda sde: solvers.euler, 1),
    ],
    ids=["ddim", "dpmpp_2m", "heun", "euler"],
)
def test_the_flow_is_met_with_the_order_of_the_rule(name, rule, order):
    sde = PATHS[name]
    with jax.enable_x64(True):
        x = jnp.linspace(-1.0, 2.0, 4)[:, None]
        errors = []
        for steps in (40, 80):
            times = snr_grid(sde, steps)
            end = solvers.solve(jax.random.key(0), sde, denoiser(sde), x, times, rule(sde))
            errors.append(float(jnp.abs(end.x - flow(sde, x, times[0], times[-1])).max()))
        assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.3)


@pytest.mark.parametrize("name", ["vp", "ou", "edm"])
@pytest.mark.parametrize(
    ("rule", "bias"),
    [
        (lambda sde: solvers.exponential(eta=1.0), 0.05),
        (lambda sde: solvers.exponential(order=2, eta=1.0), 0.01),
        (lambda sde: solvers.exponential(eta=0.5), 0.05),
        (lambda sde: solvers.euler_maruyama(), 0.05),
        (lambda sde: solvers.heun(sde, churn=0.1), 0.01),
        (lambda sde: solvers.joined(solvers.exponential(), solvers.langevin(2, 0.2)), 0.06),
    ],
    ids=["ancestral", "sde_2m", "eta_half", "euler_maruyama", "churn", "corrected"],
)
def test_a_stochastic_rule_ends_in_the_law_of_the_data(name, rule, bias):
    sde, count = PATHS[name], 40_000
    times = snr_grid(sde, 150)
    (a, b), (c, d) = (sde.marginal(jnp.float32(t)) for t in (times[0], times[-1]))
    spread = lambda a, b: float(jnp.sqrt(a**2 * STD**2 + b**2))  # noqa: E731
    key, start = jax.random.split(jax.random.key(1))
    x = a * MEAN + spread(a, b) * jax.random.normal(start, (count, 1))
    end = solvers.solve(key, sde, denoiser(sde), x, times, rule(sde)).x
    floor = 4 * spread(c, d) / count**0.5
    assert float(end.mean()) == pytest.approx(float(c) * MEAN, abs=floor + bias * STD)
    assert float(end.std()) == pytest.approx(spread(c, d), abs=floor + bias * STD)


def test_flow_matching_starts_from_noise_alone_and_ends_in_data():
    x = jax.random.normal(jax.random.key(0), (5, 1))
    times = jnp.linspace(1.0, 0.0, 101)
    end = solvers.solve(
        jax.random.key(0), FLOW_MATCHING, denoiser(FLOW_MATCHING), x, times, solvers.exponential(2)
    )
    np.testing.assert_allclose(end.x, MEAN + STD * x, atol=2e-3)


def test_calls_are_counted_and_states_kept():
    sde = PATHS["edm"]
    times = solvers.karras(10, sigma_max=20.0)
    x = 20.0 * jnp.ones((2, 1))
    run = partial(solvers.solve, jax.random.key(0), sde, denoiser(sde), x, times)
    assert int(run(solvers.heun(sde)).nfe) == 19
    assert int(run(solvers.exponential()).nfe) == 10
    assert int(run(solvers.joined(solvers.exponential(), solvers.langevin(3, 0.1))).nfe) == 40
    kept = run(solvers.heun(sde), last=solvers.exponential(), keep=True)
    assert int(kept.nfe) == 19
    assert kept.states.shape == (10, 2, 1)
    np.testing.assert_array_equal(kept.states[-1], kept.x)
    np.testing.assert_allclose(kept.x, run(solvers.heun(sde)).x, rtol=1e-5)


def test_an_embedding_computed_before_the_loop_changes_nothing():
    sde = PATHS["vp"]
    x, times = jnp.ones((3, 1)), solvers.uniform(sde, 12)
    plain = solvers.solve(jax.random.key(0), sde, denoiser(sde), x, times, solvers.heun(sde))
    exact = denoiser(sde)
    embedded = solvers.solve(
        jax.random.key(0),
        sde,
        lambda x, t, tau: exact(x, tau / 3),
        x,
        times,
        solvers.heun(sde),
        embed=lambda t: 3 * t,
    )
    np.testing.assert_allclose(embedded.x, plain.x, rtol=1e-4)


def test_inpainting_keeps_what_is_known_and_correlates_the_rest():
    """Data on the line x_1 = x_2: what is painted in follows what is known."""
    sde = processes.vp()
    line = mixture.Mixture(
        jnp.full(41, 1 / 41),
        jnp.linspace(-1, 1, 41)[:, None] * jnp.ones((1, 2)),
        jnp.full(41, 0.05),
    )
    known = jnp.array([[-0.6, 0.0], [0.5, 0.0]]).repeat(300, axis=0)
    rule = solvers.inpainted(
        solvers.joined(solvers.exponential(eta=1.0), solvers.langevin(2, 0.1)),
        known,
        jnp.array([True, False]),
    )
    x = jax.random.normal(jax.random.key(0), known.shape)
    denoise = path.denoiser(sde, mixture.exact_score(line, sde))
    end = solvers.solve(jax.random.key(1), sde, denoise, x, solvers.uniform(sde, 300), rule).x
    np.testing.assert_allclose(end[:, 0], known[:, 0], atol=0.2)
    assert float(end[:300, 1].mean()) == pytest.approx(-0.6, abs=0.15)
    assert float(end[300:, 1].mean()) == pytest.approx(0.5, abs=0.15)


def test_guidance_of_weight_one_and_nought_is_one_of_the_two():
    one, two = (lambda x, t: x + 1), (lambda x, t: x - 2)
    for weight, expected in ((0.0, -2.0), (1.0, 1.0), (2.0, 4.0)):
        assert float(conditional.guided(one, two, weight)(jnp.zeros(()), 0.0)) == expected


def test_what_cannot_be_solved_is_named():
    sde, x, key = PATHS["vp"], jnp.ones((2, 1)), jax.random.key(0)
    for bad in ([1.0], [0.5, 0.5], [1.0, 0.5, 0.7], [1.0, jnp.nan]):
        with pytest.raises(ValueError, match="times"):
            solvers.solve(key, sde, denoiser(sde), x, jnp.array(bad), solvers.euler)
    with pytest.raises(ValueError, match="denoise"):
        solvers.solve(key, sde, lambda x, t: x[:1], x, jnp.array([1.0, 0.5]), solvers.euler)
    with pytest.raises(ValueError, match="order"):
        solvers.exponential(order=3)
    with pytest.raises(ValueError, match="eta"):
        solvers.exponential(eta=2.0)


def test_a_network_meets_the_embedding_of_the_time_that_churn_raised():
    sde, x = PATHS["vp"], jnp.ones((3, 1))
    run = partial(solvers.solve, jax.random.key(0), sde)
    times, rule = solvers.uniform(sde, 12), solvers.heun(sde, churn=0.1)
    embedded = run(
        lambda x, t, tau: denoiser(sde)(x, tau / 3), x, times, rule, embed=lambda t: 3 * t
    )
    plain = run(denoiser(sde), x, times, rule)
    np.testing.assert_allclose(embedded.x, plain.x, rtol=1e-4)


def test_networks_of_16_bits_and_times_of_64_keep_the_type_of_the_state():
    sde, x = PATHS["vp"], jnp.ones((3, 1), jnp.float32)
    low = lambda x, t: denoiser(sde)(x, t).astype(jnp.bfloat16)  # noqa: E731
    rule = solvers.exponential(order=2)
    with jax.enable_x64(True):
        times = jnp.linspace(1.0, 0.01, 40)
        found = solvers.solve(jax.random.key(0), sde, low, x, times, rule).x
        exact = solvers.solve(jax.random.key(0), sde, denoiser(sde), x, times, rule).x
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, exact, atol=0.02)


def test_langevin_corrects_also_where_no_noise_is_left():
    """A step e of the score is rate (D - x) at sigma = 0: nothing, as D(x, 0) = x."""
    sde, x = PATHS["edm"], jnp.array([[0.3], [2.0]])
    rule = solvers.langevin(3, 0.2)
    end = solvers.solve(jax.random.key(0), sde, denoiser(sde), x, jnp.array([1.0, 0.0]), rule).x
    np.testing.assert_allclose(end, x, rtol=1e-6)
