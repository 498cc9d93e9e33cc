"""Integrators against the closed form of Gaussian data, scipy's RK45 and analytic densities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from common.ode import DOPRI5, HEUN, RK4
from common.sde import mixture, ode, processes

MEAN, STD = 0.3, 0.5
VP, VE = processes.vp(), processes.ve()


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


solve = jax.jit(ode.dopri5, static_argnums=0, static_argnames="per_sample")


def variance(sde, t):
    scale, std = sde.marginal(jnp.asarray(t))
    return (scale * STD) ** 2 + std**2


def gaussian_score(sde):
    def score(x, t):
        scale, std = (processes.expand(c, x) for c in sde.marginal(t))
        return -(x - scale * MEAN) / ((scale * STD) ** 2 + std**2)

    return score


def exact_flow(sde, x, t0, t1):
    """Gaussian data: the probability flow keeps the standardised coordinate."""
    a, b = sde.marginal(jnp.asarray(t0))[0] * MEAN, sde.marginal(jnp.asarray(t1))[0] * MEAN
    return b + jnp.sqrt(variance(sde, t1) / variance(sde, t0)) * (x - a)


@pytest.mark.parametrize(("tableau", "steps"), [(HEUN, 500), (RK4, 60), (DOPRI5, 20)])
def test_flow_is_exact_for_a_gaussian(tableau, steps):
    """Also with the times embedded before the loop."""
    x1 = jnp.array([[-1.5], [0.4], [2.0]])
    exact = exact_flow(VP, x1, 1.0, VP.eps)
    x = ode.flow(VP, gaussian_score(VP), x1, steps=steps, tableau=tableau)
    np.testing.assert_allclose(x, exact, atol=1e-4)
    score = lambda x, pair: -(x - pair[0] * MEAN) / ((pair[0] * STD) ** 2 + pair[1] ** 2)  # noqa: E731
    same = ode.flow(VP, score, x1, steps=steps, tableau=tableau, embed=VP.marginal)
    np.testing.assert_allclose(same, x, rtol=1e-12)


@pytest.mark.parametrize("sde", [VP, VE])
@pytest.mark.parametrize("per_sample", [False, True])
def test_dopri5_obeys_its_tolerance(sde, per_sample):
    field = processes.probability_flow(sde, gaussian_score(sde))
    x1 = sde.prior_std * jnp.array([[-1.5], [0.4], [2.0]])
    exact = exact_flow(sde, x1, 1.0, sde.eps)
    errors, calls = [], []
    for tol in (1e-4, 1e-7):
        end = solve(field, x1, 1.0, sde.eps, rtol=tol, atol=tol, per_sample=per_sample)
        assert bool(jnp.all(end.success))
        errors.append(float(jnp.abs(end.y - exact).max()))
        calls.append(int(end.nfe))
    assert errors[0] < 1e-2
    assert errors[1] < 1e-5
    # error ~ h^5 and h ~ 1/calls: a slope well under 4 would mean a wrong tableau or estimate
    assert np.log(errors[0] / errors[1]) / np.log(calls[1] / calls[0]) > 4


def test_dopri5_takes_scipys_steps():
    """Same controller as RK45, so the same number of calls and the same answer."""
    mix = mixture.ring(dtype=jnp.float64)
    field = processes.probability_flow(VP, mixture.exact_score(mix, VP))
    x = mixture.sample(jax.random.key(0), mix, 20)
    ours = solve(field, x, 1e-5, 1.0, rtol=1e-6, atol=1e-6)
    flat = jax.jit(lambda t, y: field(y.reshape(20, 2), t).ravel())
    scipys = solve_ivp(flat, (1e-5, 1.0), np.ravel(x), method="RK45", rtol=1e-6, atol=1e-6)
    assert int(ours.nfe) == scipys.nfev
    np.testing.assert_allclose(ours.y, scipys.y[:, -1].reshape(20, 2), atol=1e-9)


def test_per_sample_clocks_are_separate_solves():
    """Each sample of a per-sample solve ends where it ends alone, in the steps it takes alone."""
    field = processes.probability_flow(VE, mixture.exact_score(mixture.ring(dtype=jnp.float64), VE))
    x = jnp.array([[1.0, 0.1], [3.0, -4.0], [0.3, -0.2]])
    together = solve(field, x, 1e-3, 1.0, per_sample=True)
    alone = [solve(field, row[None], 1e-3, 1.0) for row in x]
    np.testing.assert_allclose(together.y, jnp.concatenate([a.y for a in alone]), rtol=1e-10)
    assert together.accepted.tolist() == [int(a.accepted) for a in alone]


def test_failure_is_flagged():
    """dy/dt = y^2 blows up at t = 1; a solve out of steps says so; neither passes for a result."""
    blows_up = solve(lambda y, t: y**2, jnp.ones((1, 1)), 0.0, 2.0)
    assert not bool(blows_up.success)
    assert float(blows_up.t) == pytest.approx(1.0, abs=1e-3)
    key, x = jax.random.key(0), jnp.ones((2, 1))
    short = jax.jit(lambda x: ode.log_likelihood(key, VP, gaussian_score(VP), x, max_steps=2))(x)
    assert not bool(short.success)
    assert bool(jnp.all(jnp.isnan(short.logp)))


@pytest.mark.parametrize(
    ("sde", "mismatch"),
    [(VP, 1e-4), (processes.subvp(), 2e-4), (VE, 5e-4)],
    ids=["vp", "sub", "ve"],
)
def test_likelihood_of_a_mixture(sde, mismatch):
    """Analytic log p_eps; what is left is that the prior is not p_1 (1.6e-5, 4.9e-5, 1.5e-4)."""
    mix = mixture.ring(dtype=jnp.float64)
    x = mixture.sample(jax.random.key(0), mix, 100)
    score = mixture.exact_score(mix, sde)

    @jax.jit
    def solve(x):
        return ode.log_likelihood(
            jax.random.key(1), sde, score, x, rtol=1e-8, atol=1e-8, exact=True
        )

    ours = solve(x)
    exact = mixture.log_density(mix, x, *sde.marginal(jnp.array(1e-5)))
    assert bool(ours.success)
    assert jnp.mean(jnp.abs(ours.logp - exact)) < mismatch
    # with the true p_1 in place of the prior nothing is left but the integration error
    p1 = mixture.log_density(mix, ours.latent, *sde.marginal(jnp.array(1.0)))
    corrected = ours.logp - processes.prior_logp(sde, ours.latent) + p1
    np.testing.assert_allclose(corrected, exact, atol=1e-6)


def test_hutchinson_standard_error_is_calibrated():
    """Squared z-scores average to one over 200 points, and the estimate is unbiased."""
    mix = mixture.ring(dtype=jnp.float64)
    x = mixture.sample(jax.random.key(2), mix, 200)

    @jax.jit
    def solve(x):
        score = mixture.exact_score(mix, VP)
        return ode.log_likelihood(jax.random.key(3), VP, score, x, probes=30, rtol=1e-6, atol=1e-6)

    ours = solve(x)
    z = (ours.logp - mixture.log_density(mix, x, *VP.marginal(jnp.array(1e-5)))) / ours.stderr
    assert float(jnp.mean(z**2)) == pytest.approx(1.0, abs=0.35)
    assert jnp.abs(jnp.mean(z)) < 4 / np.sqrt(200)
