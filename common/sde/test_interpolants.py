"""Interpolants against sampled conditional means, densities transported and exact minimisers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from common import ode
from common.sde import interpolants as si
from common.sde import simulate

RHO0 = si.Normals(
    jnp.array([0.5, 0.5]), jnp.array([[-3.0], [3.0]]), jnp.array([[[0.25]], [[0.25]]])
)
RHO1 = si.Normals(
    jnp.array([0.2, 0.5, 0.3]),
    jnp.array([[-6.0], [0.0], [6.0]]),
    jnp.array([[[0.5]], [[0.33]], [[0.5]]]),
)
PATHS = {
    "linear": si.linear(si.brownian()),
    "smooth": si.linear(si.bump()),
    "trigonometric": si.trigonometric(si.brownian()),
    "encoding_decoding": si.encoding_decoding(),
    "no_noise": si.linear(si.nothing()),
}


@pytest.mark.parametrize("name", PATHS)
def test_ends_are_the_two_laws(name):
    x = jnp.linspace(-7, 7, 29)[:, None]
    for t, rho in ((0.0, RHO0), (1.0, RHO1)):
        log = si.fields(PATHS[name], RHO0, RHO1, x, t).log_density
        each = zip(*(np.asarray(a, float) for a in rho), strict=True)
        p = sum(w * norm.pdf(x[:, 0], m[0], c[0, 0] ** 0.5) for w, m, c in each)
        np.testing.assert_allclose(np.exp(log), p, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("name", ["linear", "smooth", "trigonometric", "encoding_decoding"])
@pytest.mark.parametrize("t", [0.2, 0.45, 0.8])
def test_the_density_is_carried_by_the_velocity_and_the_score_is_its_gradient(name, t):
    """Continuity: d/dt log p = -b' - b s along x, by finite differences in float64."""
    with jax.enable_x64(True):
        rho = [jax.tree.map(lambda a: a.astype(jnp.float64), r) for r in (RHO0, RHO1)]
        x, h = jnp.linspace(-5, 5, 21, dtype=jnp.float64)[:, None], 1e-5
        log = lambda x, t: si.fields(PATHS[name], *rho, x, t).log_density  # noqa: E731
        now = si.fields(PATHS[name], *rho, x, t)
        rate = (log(x, t + h) - log(x, t - h)) / (2 * h)
        slope = (log(x + h, t) - log(x - h, t)) / (2 * h)
        b = [si.fields(PATHS[name], *rho, x + d, t).velocity for d in (h, -h)]
        divergence = (b[0] - b[1])[:, 0] / (2 * h)
        np.testing.assert_allclose(now.score[:, 0], slope, rtol=1e-5, atol=1e-5)
        expected = -divergence - now.velocity[:, 0] * slope
        np.testing.assert_allclose(rate, expected, rtol=1e-4, atol=1e-4)


def test_covariances_that_do_not_commute():
    """In the plane: the flow of b turns rho_0 into rho_1 (mean and covariance)."""
    c0 = jnp.array([[[2.0, 0.9], [0.9, 1.0]]])
    c1 = jnp.array([[[0.5, -0.4], [-0.4, 1.5]]])
    one = jnp.ones(1)
    rho0 = si.Normals(one, jnp.array([[1.0, 0.0]]), c0)
    rho1 = si.Normals(one, jnp.array([[-2.0, 3.0]]), c1)
    ip = si.linear(si.brownian(0.5))
    x = (
        rho0.means
        + jax.random.normal(jax.random.key(0), (20_000, 2)) @ jnp.linalg.cholesky(c0[0]).T
    )
    velocity = lambda x, t: si.fields(ip, rho0, rho1, x, t).velocity  # noqa: E731
    end = np.asarray(ode.integrate(velocity, x, jnp.linspace(0, 1, 41)))
    np.testing.assert_allclose(end.mean(0), rho1.means[0], atol=0.05)
    np.testing.assert_allclose(np.cov(end.T), c1[0], atol=0.06)
    log = si.fields(ip, rho0, rho1, x[:5], 1.0).log_density
    np.testing.assert_allclose(
        log, multivariate_normal(rho1.means[0], c1[0]).logpdf(x[:5]), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
@pytest.mark.parametrize("forward", [True, False])
def test_every_level_of_noise_ends_in_the_same_law(epsilon, forward):
    ip, sign = PATHS["linear"], 1.0 if forward else -1.0
    start, goal = (RHO0, RHO1) if forward else (RHO1, RHO0)
    key, which, draw = jax.random.split(jax.random.key(2), 3)
    k = jax.random.choice(which, len(start.weights), (5_000,), p=start.weights)
    z = jax.random.normal(draw, (5_000, 1))
    x = start.means[k] + jnp.sqrt(start.covariances[k, 0]) * z

    def drift(x, t):
        now = si.fields(ip, RHO0, RHO1, x, t)
        return now.velocity + sign * epsilon * now.score

    times = jnp.linspace(0.0, 1.0, 401)
    times = times if forward else times[::-1]
    noise = lambda t: jnp.full_like(t, (2 * epsilon) ** 0.5)  # noqa: E731
    end = np.sort(np.asarray(simulate.simulate(key, drift, noise, x, times, heun=True))[:, 0])
    each = zip(*(np.asarray(a, float) for a in goal), strict=True)
    cdf = sum(w * norm.cdf(end, m[0], c[0, 0] ** 0.5) for w, m, c in each)
    gap = np.abs(cdf - (np.arange(5_000) + 0.5) / 5_000).max()
    assert gap < 2.0 / 5_000**0.5  # Kolmogorov: exceeded by chance with probability 7e-4


def test_losses_are_least_at_the_fields_and_their_excess_is_half_the_squared_error():
    ip, t = PATHS["linear"], 0.4
    keys = jax.random.split(jax.random.key(0), 5)
    n = 40_000

    def draw(rho, key):
        which, noise = jax.random.split(key)
        k = jax.random.choice(which, len(rho.weights), (n,), p=rho.weights)
        return rho.means[k] + jnp.sqrt(rho.covariances[k, 0]) * jax.random.normal(noise, (n, 1))

    x0, x1, z = draw(RHO0, keys[0]), draw(RHO1, keys[1]), jax.random.normal(keys[2], (n, 1))
    exact = lambda x, t: si.fields(ip, RHO0, RHO1, x, 0.4)  # noqa: E731
    at = jnp.full(n, t)

    def of(shift):
        b = lambda x, t: exact(x, t).velocity + shift * x  # noqa: E731
        s = lambda x, t: exact(x, t).score + shift  # noqa: E731
        return si.losses(ip, b, s, x0, x1, z, at)

    best, off = of(0.0), of(0.3)
    second = float(jnp.mean(si.between(ip, x0, x1, z, at)[0] ** 2))
    for gained, expected in (
        (off.velocity - best.velocity, 0.5 * 0.09 * second),
        (off.score - best.score, 0.5 * 0.09),
    ):
        error = 5 * float(gained.std()) / n**0.5
        assert float(gained.mean()) == pytest.approx(expected, abs=error)


def test_antithetic_pairs_keep_the_variance_finite_at_the_ends():
    ip = PATHS["linear"]
    keys = jax.random.split(jax.random.key(0), 3)
    x0, x1, z = (jax.random.normal(k, (5000, 1)) for k in keys)
    field = lambda x, t: jnp.sin(x)  # noqa: E731
    spread = {
        (anti, t): float(
            si.losses(ip, field, field, x0, x1, z, jnp.full(5000, t), antithetic=anti).score.var()
        )
        for anti in (True, False)
        for t in (1e-2, 1e-4)
    }
    assert spread[True, 1e-4] < 2 * spread[True, 1e-2]
    assert spread[False, 1e-4] > 50 * spread[False, 1e-2]


@pytest.mark.parametrize("name", PATHS)
def test_the_law_of_the_middle_has_the_moments_of_its_samples_and_the_density_of_its_fields(name):
    law = si.law(PATHS[name], RHO0, RHO1, 0.3)
    keys = jax.random.split(jax.random.key(3), 5)
    ends = []
    for rho, which, draw in ((RHO0, *keys[:2]), (RHO1, *keys[2:4])):
        k = jax.random.choice(which, len(rho.weights), (40_000,), p=rho.weights)
        z = jax.random.normal(draw, (40_000, 1))
        ends.append(rho.means[k] + jnp.sqrt(rho.covariances[k, 0]) * z)
    z = jax.random.normal(keys[4], (40_000, 1))
    x = np.asarray(si.between(PATHS[name], *ends, z, 0.3)[0][:, 0], float)
    w, m, v = (np.asarray(a, float).ravel() for a in law)
    mean, var = w @ m, w @ (v + m**2) - (w @ m) ** 2
    assert x.mean() == pytest.approx(mean, abs=4 * (var / 40_000) ** 0.5)
    assert x.var() == pytest.approx(var, rel=0.03)
    grid = jnp.linspace(-4, 4, 9)[:, None]
    density = norm.pdf(np.asarray(grid), m, np.sqrt(v)) @ w
    found = np.exp(si.fields(PATHS[name], RHO0, RHO1, grid, 0.3).log_density)
    np.testing.assert_allclose(found, density, rtol=1e-3, atol=1e-7)
