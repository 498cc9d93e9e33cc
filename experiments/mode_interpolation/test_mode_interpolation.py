"""Truths of the experiment: closed forms, limits, quadratures, planted samples."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from . import ddpm, density, detector, measure, model, training

SCHEDULE = ddpm.schedule(0.001, 0.2, 1000, 400)
MODES = (1.0, 2.0, 4.0, 5.0)


def test_levels_above_those_kept_are_noise_alone():
    """The full schedule's abar_t, t = 400, bounds the likelihood ratio of the starts."""
    full = np.prod(1 - np.linspace(0.001, 0.2, 1000)[:400])
    assert SCHEDULE.signal[-1] ** 2 == pytest.approx(full, rel=1e-5)
    assert np.exp(5.3 * 6 * SCHEDULE.signal[-1]) < 1.008
    whole = ddpm.schedule(0.001, 0.2, 1000, 1000)
    assert np.isfinite(whole.signal).all()
    assert whole.signal[-1] > 0
    np.testing.assert_array_equal(whole.noise[:400], SCHEDULE.noise)


@pytest.mark.parametrize("level", [0, 5, 300])
def test_the_exact_denoiser_is_a_quadrature_of_bayes_rule(level):
    signal, noise = (float(v[level]) for v in SCHEDULE[1:])
    x0, x = np.linspace(0.5, 5.5, 20_001), signal * np.array([0.7, 1.5, 2.9, 3.1, 5.2])
    prior = sum(np.exp(-((x0 - m) ** 2) / (2 * 0.05**2)) for m in MODES)
    log = -((x[:, None] - signal * x0) ** 2) / (2 * noise**2)
    weight = np.exp(log - log.max(1, keepdims=True)) * prior
    expected = (weight * x0).sum(1) / weight.sum(1)
    eps = jax.jit(partial(ddpm.exact(SCHEDULE, MODES, 0.05), level=level))(jnp.float32(x))
    here = jax.tree.map(lambda v: v[level], SCHEDULE)
    tolerance = 1e-5 + 1e-6 / signal
    np.testing.assert_allclose(ddpm.estimate(here, x, np.asarray(eps)), expected, atol=tolerance)


def test_midway_the_exact_slope_is_that_of_two_modes():
    """sqrt(abar) Var(x_0 | x) / (1 - abar) = sqrt(abar) (D^2 (1 - abar) / 4 v + s^2) / v."""
    levels = np.arange(6)
    x = np.float32([1.5, 3.0])[:, None] * SCHEDULE.signal[levels]
    eps = ddpm.exact(SCHEDULE, MODES, 0.05)
    of = jax.jit(lambda x, t: ddpm.slopes(eps, SCHEDULE, x, t[None])[1][0])
    slope = np.stack([of(x[:, i], t) for i, t in enumerate(levels)], 1)
    signal, v = SCHEDULE.signal[levels], SCHEDULE.signal[levels] ** 2 * 0.05**2
    square = SCHEDULE.noise[levels] ** 2
    v = v + square
    law = signal / v * (np.array([[1.0], [4.0]]) * square / (4 * v) + 0.05**2)
    np.testing.assert_allclose(slope, law, rtol=1e-3)


def test_the_mean_of_a_step_is_the_posterior_mean_at_the_prediction():
    """Ho, Jain, Abbeel 2020, eq. 7, in float64."""
    level, x, eps = 7, 0.8, -0.3
    beta = np.linspace(0.001, 0.2, 1000)
    abar = np.cumprod(1 - beta)
    x0 = (x - np.sqrt(1 - abar[level]) * eps) / np.sqrt(abar[level])
    expected = np.sqrt(abar[level - 1]) * beta[level] * x0
    expected += np.sqrt(1 - beta[level]) * (1 - abar[level - 1]) * x
    here = jax.tree.map(lambda v: v[level], SCHEDULE)
    found = ddpm.mean(here, x, eps)
    np.testing.assert_allclose(found, expected / (1 - abar[level]), rtol=1e-4)


def gaussian(mean, std):
    """eps(x, level) of N(mean, std^2)."""

    def eps(x, level):
        here = ddpm.at(SCHEDULE, level)
        return here.noise * (x - here.signal * mean) / ((here.signal * std) ** 2 + here.noise**2)

    return eps


def recursion(mean, std):
    """Mean and variance of the chain's x_0 for one Gaussian: every step is affine."""
    beta = np.linspace(0.001, 0.2, 1000)[:400]
    abar, at, var = np.cumprod(1 - beta), 0.0, 1.0
    for t in range(399, -1, -1):
        v = abar[t] * std**2 + 1 - abar[t]
        slope = (1 - beta[t] / v) / np.sqrt(1 - beta[t])
        at = slope * at + beta[t] * np.sqrt(abar[t]) * mean / v / np.sqrt(1 - beta[t])
        var = slope**2 * var + (beta[t] if t else 0.0)
    return at, np.sqrt(var)


def test_the_density_of_a_gaussian_chain_follows_its_two_moments_and_its_tails():
    nodes, (at, std) = density.grid(-6, 6, 1201), recursion(1.3, 0.2)
    law = jax.jit(lambda: density.law(gaussian(1.3, 0.2), SCHEDULE, nodes))()
    x, mass = (np.asarray(v, float) for v in law)
    assert mass.sum() == pytest.approx(1, abs=1e-4)
    assert (x * mass).sum() == pytest.approx(at, abs=1e-4)
    assert np.sqrt((mass * (x - at) ** 2).sum()) == pytest.approx(std, rel=1e-3)
    assert mass[x > at + 5.5 * std].sum() == pytest.approx(norm.sf(5.5), rel=0.1)  # 2e-8


def test_samples_have_the_law_of_the_density():
    at, std = recursion(1.3, 0.2)
    eps = ddpm.between(gaussian(1.3, 0.2), density.grid(-6, 6, 301))  # linear: nothing is lost
    draw = partial(ddpm.sample, eps=eps, schedule=SCHEDULE, count=20_000, window=(0, 1), shown=3)
    made = jax.jit(draw)(jax.random.key(0))
    gap = np.sort(made.x) - norm.ppf((np.arange(20_000) + 0.5) / 20_000, at, std)
    assert np.abs(gap[200:-200]).max() < 0.02
    np.testing.assert_allclose(made.trace[0], made.x[:3], atol=1e-5)  # the last mean is x_0 itself
    np.testing.assert_allclose(made.variance, 0)


def test_a_summary_of_planted_mass():
    x, mass = [1.1, 0.9, 1.5, 2.0, 3.0, 9.0], [0.2, 0.2, 0.1, 0.4, 0.05, 0.05]
    law = density.Law(jnp.float32(x), jnp.float32(mass))
    found = density.summary(law, (1.0, 2.0, 4.0), 0.3)
    np.testing.assert_allclose(found["far"], 0.2, rtol=1e-6)
    np.testing.assert_allclose(found["gaps"], [0.1, 0.05], rtol=1e-6)
    np.testing.assert_allclose(found["weights"], [0.4, 0.4, 0.0], rtol=1e-6)
    np.testing.assert_allclose(found["widths"][:2], [0.1, 0.0], atol=1e-6)


def test_spread_mass_has_the_density_of_the_stretched_variable():
    """y = sinh(3 z), z uniform in [-1, 1]: p(y) = 1 / (6 cosh(3 z)); points up to 0.12 apart."""
    z, nodes = np.linspace(-1, 1, 401)[None], density.grid(-8, 8, 161)
    found = density.spread(np.sinh(3 * z)[:, ::-1], np.full((1, 401), 1 / 400), nodes)
    np.testing.assert_allclose(found[0], 1 / (6 * np.sqrt(1 + nodes**2)), rtol=0.01)


def test_three_tied_layers_are_one_layer_thrice():
    tied = model.init(jax.random.key(0), width=8, tied=True)
    untied = tied | {"layers": jax.tree.map(lambda p: jnp.repeat(p, 3, 0), tied["layers"])}
    x = jnp.linspace(-1, 1, 5)
    np.testing.assert_allclose(model.apply(tied, x, 3), model.apply(untied, x, 3), rtol=1e-6)
    shapes = jax.tree.map(jnp.shape, model.init(jax.random.key(0), width=8, tied=False))
    assert shapes == jax.tree.map(jnp.shape, untied)


def test_the_loss_of_a_net_without_weights_is_the_variance_of_the_noise():
    structure = {"width": 8, "tied": True}
    tx = training.optimiser(0.0, 10, cosine=False)
    state = training.begin(jax.random.key(0), tx=tx, **structure)
    state = state._replace(weights=jnp.zeros_like(state.weights))
    unravel = training.unraveller(**structure)
    data = training.dataset(jax.random.key(1), MODES, std=0.05, count=4000)
    np.testing.assert_allclose(np.sort(data)[::1000], np.array(MODES) - 0.17, atol=0.06)
    how = {"tx": tx, "schedule": SCHEDULE, "batch": 20_000, "unravel": unravel}
    value = jax.jit(lambda s: training.step(s, 0, data, **how)[1])(state)
    assert float(value) == pytest.approx(1, abs=0.05)


def test_the_detector_on_planted_scores():
    rng = np.random.default_rng(0)
    inside, outside = rng.normal(0, 1, 4000), rng.normal(1.5, 1, 3000)
    area = norm.cdf(1.5 / np.sqrt(2))
    assert detector.auroc(inside, outside) == pytest.approx(area, abs=0.015)
    score, x = np.concatenate([inside, outside]), np.repeat([1.0, 1.5], [4000, 3000])
    order = rng.permutation(7000)
    judged = detector.judged(x[order], score[order], MODES, 0.3, np.array([0.5, 0.96]))
    assert judged["positives"] == 3000
    expected = norm.sf(norm.ppf([0.5, 0.96]) - 1.5)
    np.testing.assert_allclose(judged["removed"], expected, atol=0.05)
    assert detector.hallucinated([np.nan, 1.29, 1.31], MODES, 0.3).tolist() == [True, False, True]


def test_broad_modes_alone_score_one():
    """A network whose modes are Gaussian and broad has no excess."""
    wide = 0.12
    far = 2 * norm.sf(0.3 / wide)
    arrays = {
        "far": np.array([[far]]),
        "widths": np.full((1, 1, 4), wide),
        "exact_far": np.array(2e-8),
        "reach": np.array(0.3),
    }
    np.testing.assert_allclose(measure.excess(arrays), 1, rtol=1e-6)
