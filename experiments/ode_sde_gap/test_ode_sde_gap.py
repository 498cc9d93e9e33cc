"""Truths: the equation, exact laws, what samplers must give, closed forms of losses."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.sde import mixture

from . import exact, fokker_planck, potential, sampling, shapes2d


@pytest.fixture
def double():
    with jax.enable_x64(True):
        yield


def test_a_gaussian_solves_the_equation_and_another_noise_does_not(double):
    """log N(x; 0, v I), v = v_0 e^-2t + (1 - e^-2t) / 2, in the plane."""

    def u(x, t):
        v = 2.0 * jnp.exp(-2 * t) + 0.5 * (1 - jnp.exp(-2 * t))
        return -0.5 * jnp.sum(x**2, axis=1) / v - jnp.log(2 * np.pi * v)

    x = jnp.array([[0.3, -1.0], [2.0, 0.5], [0.0, 0.0]])
    t = jnp.array([0.1, 0.7, 3.0])
    np.testing.assert_allclose(fokker_planck.residual(u, x, t), 0, atol=1e-13)
    rate, rest = fokker_planck.sides(u, x, t, g2=2.0)
    v = 2.0 * jnp.exp(-2 * t) + 0.5 * (1 - jnp.exp(-2 * t))
    expected = -(0.5 * jnp.sum(x**2, axis=1) / v**2 - 1 / v)  # half of |grad|^2 + lap is missing
    np.testing.assert_allclose(rate - rest, expected, rtol=1e-10)


def test_a_function_of_time_alone_has_the_trivial_residual(double):
    """u = 2 t - c: no residual and hardly a boundary term, the minimum to beware of."""
    u = lambda x, t: 2 * t - 40.0 + 0 * x[:, 0]  # noqa: E731
    found = fokker_planck.penalty(u, jax.random.key(0), points=50, edge=10, end=10.0, box=3.5)
    assert 0 < float(found) < 1e-15


LAW = {"means": (-1.0, 0.8), "std": 0.4, "end": 3.0}


def test_the_grid_carries_one_law_to_the_other_with_second_order(double):
    law = exact.known(**LAW)
    edges = lambda m: np.linspace(-exact.HALF, exact.HALF, m + 1)  # noqa: E731
    errors = []
    for m in (200, 400):
        times = jnp.linspace(3.0, 0.0, m + 1)
        mass = np.asarray(exact.diffused(law, law.score, times, m, 1.0))
        assert mass.sum() == pytest.approx(1, abs=1e-6)
        cdf = jnp.mean(jax.scipy.stats.norm.cdf(edges(m)[:, None], jnp.array(LAW["means"]), 0.4), 1)
        errors.append(np.abs(np.append(0, mass.cumsum()) - np.asarray(cdf)).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.3)


def test_quantiles_invert_the_distribution_function(double):
    law, u = exact.known(**LAW), jnp.linspace(0.01, 0.99, 9)
    x = law.quantiles(u, 0.0)
    back = jnp.mean(jax.scipy.stats.norm.cdf(x[:, None], jnp.array(LAW["means"]), 0.4), axis=1)
    np.testing.assert_allclose(back, u, atol=1e-12)


def test_the_residual_of_the_perturbed_density_is_its_closed_form(double):
    """Against the equation itself, at one time, by derivatives."""
    law = exact.known(**LAW)
    wave, delta, phase = 2.0, 0.03, 0.7
    x = law.quantiles((jnp.arange(50) + 0.5) / 50, 0.6)[:, None]
    t = jnp.full(50, 0.6)

    def u(x, t):
        return law.log_density(x, t) + delta * jnp.sin(wave * x[:, 0] + phase)

    slope, bend = (delta * wave * f(wave * x[:, 0] + phase) for f in (jnp.cos, jnp.sin))
    closed = -(x[:, 0] + law.score(x[:, 0], 0.6)) * slope - 0.5 * slope**2 + 0.5 * wave * bend
    np.testing.assert_allclose(fokker_planck.residual(u, x, t), closed, rtol=1e-8, atol=1e-10)


def test_both_samplers_with_the_exact_score_end_in_the_mixture():
    mix = mixture.ring(3, radius=1.5, std=0.4)
    score = mixture.exact_score(mix, exact.process(6.0))
    key = jax.random.key(0)
    sde, flow = sampling.both(key, score, samples=4000, end=6.0, nfe=120)
    second = float(jnp.sum(mix.means**2) / 3 + 2 * 0.16)
    for x in (sde, flow):
        assert float(jnp.mean(jnp.sum(x**2, axis=1))) == pytest.approx(second, rel=0.05)
        np.testing.assert_allclose(x.mean(axis=0), 0, atol=0.1)


def test_the_grid_ends_in_tenths():
    times = sampling.grid(10.0, 200)
    steps = -np.diff(times)
    assert (len(steps), times[0], times[-1]) == (290, 10.0, 0.0)
    np.testing.assert_allclose(steps[:190], 0.05, rtol=1e-9)
    np.testing.assert_allclose(steps[190:], 0.005, rtol=1e-9)


@pytest.mark.parametrize("name", shapes2d.DRAWS)
def test_mixtures_stand_for_their_laws(name):
    x = np.asarray(shapes2d.DRAWS[name](jax.random.key(0), 40_000))
    y = np.asarray(mixture.sample(jax.random.key(1), shapes2d.mixture(name), 40_000))
    np.testing.assert_allclose(x.mean(0), y.mean(0), atol=0.06)
    np.testing.assert_allclose(np.cov(x.T), np.cov(y.T), atol=0.12)


def test_matching_is_least_at_the_score_of_the_data():
    """For data at the origin the score is -x / std^2 and the loss zero."""
    sde, x0 = exact.process(10.0), jnp.zeros((500, 2))

    def quadratic(params, x, t):
        return params * x / sde.marginal(t)[1][:, None] ** 2

    loss = partial(potential.matching, key=jax.random.key(0), sde=sde, x0=x0, end=10.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(potential, "score", quadratic)
        assert float(loss(-1.0)) == pytest.approx(0, abs=1e-6)
        assert float(loss(-0.5)) > 0.1


def test_samples_that_left_the_box_are_counted():
    x = np.array([[0.0, 0.0], [4.0, 0.0], [1.0, -3.6], [1.0, 1.0]])
    found = sampling.compared(x[[0, 3]], x[[0, 3]], x, x[[0, 3]], box=3.5, matched=10)
    assert found["left_out_sde"] == 0.5
    assert found["w2_sde"] == 0.0
