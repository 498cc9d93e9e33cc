"""Exact references against each other: data sets, mixtures, and conditioned Gaussians."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common import sharding
from common.sde import conditional, empirical, gaussian, mixture, path, processes, solvers

MIX = mixture.Mixture(
    jnp.array([0.2, 0.5, 0.3]),
    jnp.array([[0.0, 1.0], [-1.0, 0.3], [2.0, -2.0]]),
    jnp.array([0.1, 0.5, 0.3]),
)
SDES = {"vp": processes.vp(), "edm": gaussian.edm(sigma_max=3.0)}


@pytest.mark.parametrize("sde", SDES.values(), ids=SDES)
@pytest.mark.parametrize("chunk", [1, 7, 100])
def test_a_data_set_is_a_mixture_of_points(sde, chunk):
    points = jax.random.normal(jax.random.key(0), (50, 3)) + 5
    x = jax.random.normal(jax.random.key(1), (8, 3)) + 4
    t = 0.4 * sde.end
    scale, noise = sde.marginal(t)
    dots = mixture.Mixture(jnp.full(50, 1 / 50), points, jnp.zeros(50))
    found = empirical.denoise(sde, points, x, t, chunk=chunk)
    np.testing.assert_allclose(found.mean, mixture.denoiser(dots, x, scale, noise), rtol=1e-4)
    expected = mixture.log_density(dots, x, scale, noise)
    np.testing.assert_allclose(found.log_density, expected, rtol=1e-4)
    weights = mixture.posterior(dots, x, scale, noise).weights
    spread = jnp.einsum("bk,bkd->bd", weights, (points - found.mean[:, None]) ** 2).mean(axis=1)
    np.testing.assert_allclose(found.variance, spread, rtol=1e-3, atol=1e-5)


def test_with_little_noise_the_nearest_point_is_found():
    points = jax.random.normal(jax.random.key(0), (500, 4))
    found = empirical.denoise(SDES["edm"], points, points[:5] + 0.01, 0.01, chunk=64)
    np.testing.assert_allclose(found.mean, points[:5], atol=1e-5)


def test_points_split_over_devices_give_the_same():
    mesh = sharding.make_mesh()
    points = jax.random.normal(jax.random.key(0), (64, 3))
    x = jax.random.normal(jax.random.key(1), (4, 3))
    whole = empirical.denoise(SDES["vp"], points, x, 0.3)
    spec = jax.sharding.PartitionSpec
    split = jax.shard_map(
        lambda points, x: empirical.denoise(
            SDES["vp"], points, x, 0.3, chunk=5, axis=sharding.DATA
        ),
        mesh=mesh,
        in_specs=(spec(sharding.DATA), spec()),
        out_specs=spec(),
        check_vma=False,
    )(points, x)
    for a, b in zip(split, whole, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_the_posterior_of_a_mixture_has_its_denoiser_as_mean_and_bayes_as_density():
    x = jnp.array([[0.3, -0.2], [1.0, -1.0]])
    found = mixture.posterior(MIX, x, 0.8, 0.6)
    mean = jnp.einsum("bk,bkd->bd", found.weights, found.means)
    np.testing.assert_allclose(mean, mixture.denoiser(MIX, x, 0.8, 0.6), rtol=1e-5)
    x0 = jnp.array([[0.1, 0.9]])  # p(x_0 | x) p(x) = p(x | x_0) p(x_0)
    prior = mixture.log_density(MIX, x0)[0]
    likelihood = processes.gaussian_logp(x - 0.8 * x0, 0.6)
    evidence = mixture.log_density(MIX, x, 0.8, 0.6)
    for b in range(2):
        law = mixture.Mixture(found.weights[b], found.means[b], found.stds)
        expected = likelihood[b] + prior - evidence[b]
        assert float(mixture.log_density(law, x0)[0]) == pytest.approx(float(expected), abs=1e-4)


@pytest.mark.parametrize("sde", [processes.vp(), gaussian.edm()], ids=["vp", "edm"])
def test_a_gaussian_conditioned_on_a_linear_observation_is_met_exactly(sde):
    """Mean and covariance of x_0 ~ N(0, C) given A x_0 + 0.1 z = y, by samples of the flow."""
    root = jnp.array([[1.0, 0.0], [0.8, 0.5]])
    c, a, y = root @ root.T, jnp.array([[1.0, -0.5]]), jnp.array([0.7])

    def denoise(x, t):
        alpha, sigma = sde.marginal(t)
        return alpha * x @ jnp.linalg.inv(alpha**2 * c + sigma**2 * jnp.eye(2)) @ c

    gain = c @ a.T / (a @ c @ a.T + 0.01)
    mean, covariance = gain[:, 0] * y, c - gain @ a @ c
    given = conditional.observed(sde, denoise, a, y, 0.1)
    times = solvers.uniform(sde, 10)[1]  # the posterior mean at one time, by the joint Gaussian law
    alpha, sigma = sde.marginal(times)
    x = jnp.array([[0.4, -1.0], [2.0, 0.1]])
    both = jnp.concatenate([alpha * jnp.eye(2), a])
    s = both @ c @ both.T + jnp.diag(jnp.array([sigma**2, sigma**2, 0.01]))
    seen = jnp.concatenate([x, jnp.broadcast_to(y, (2, 1))], axis=1)
    expected = seen @ jnp.linalg.solve(s, both @ c)
    np.testing.assert_allclose(given(x, times), expected, rtol=1e-3, atol=1e-4)
    start = processes.prior_sample(jax.random.key(0), sde, (4000, 2))
    grid = jnp.geomspace(sde.end, 1e-3, 60)
    end = solvers.solve(jax.random.key(1), sde, given, start, grid, solvers.exponential(2)).x
    np.testing.assert_allclose(end.mean(axis=0), mean, atol=0.05)
    np.testing.assert_allclose(np.cov(end.T), covariance, atol=0.05)


def test_shapes_that_do_not_fit_are_named():
    sde, x = SDES["vp"], jnp.ones((2, 3))
    with pytest.raises(ValueError, match="points"):
        empirical.denoise(sde, jnp.ones((4, 2)), x, 0.3)
    with pytest.raises(ValueError, match="points"):
        empirical.denoise(sde, jnp.ones((0, 3)), x, 0.3)
    with pytest.raises(ValueError, match="y"):
        conditional.observed(sde, lambda x, t: x, jnp.ones((2, 3)), jnp.ones(3), 0.1)
    assert path.at(sde, 0.3).alpha > 0
