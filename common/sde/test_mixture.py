"""The mixture against automatic derivatives and simulation; distances against closed forms."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal, wasserstein_distance

from common.sde import distances, mixture, processes


@pytest.fixture(autouse=True)
def _double():
    with jax.enable_x64(True):
        yield


UNEVEN: Any = mixture.Mixture(
    np.array([0.2, 0.5, 0.3]),  # type: ignore[arg-type]
    np.array([[0.0, 1.0], [2.0, -1.0], [-1.0, 0.5]]),  # type: ignore[arg-type]
    np.array([0.1, 0.5, 1.0]),  # type: ignore[arg-type]
)


def test_log_density_from_the_definition():
    """The sum of component densities as scipy has them."""
    x = np.array(2 * jax.random.normal(jax.random.key(5), (20, 2)))
    parts = zip(UNEVEN.weights, UNEVEN.means, UNEVEN.stds, strict=True)
    dense = sum(
        w * multivariate_normal(0.7 * m, (0.7 * s) ** 2 + 0.4**2).pdf(x) for w, m, s in parts
    )
    np.testing.assert_allclose(
        mixture.log_density(UNEVEN, jnp.asarray(x), 0.7, 0.4), np.log(dense), rtol=1e-10
    )


def test_score_is_the_gradient_of_the_log_density():
    x = 2 * jax.random.normal(jax.random.key(0), (50, 2))
    grad = jax.jit(jax.vmap(jax.grad(lambda v: mixture.log_density(UNEVEN, v[None], 0.7, 0.4)[0])))
    np.testing.assert_allclose(mixture.score(UNEVEN, x, 0.7, 0.4), grad(x), rtol=1e-9, atol=1e-10)


def test_density_integrates_to_one_and_matches_the_draws():
    """On a grid: total mass one; entropy of the density equals minus the mean log of its draws."""
    axis = jnp.linspace(-6, 6, 400)
    grid = jnp.stack(jnp.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    log_p = np.asarray(jax.jit(mixture.log_density)(UNEVEN, grid))
    cell = (axis[1] - axis[0]) ** 2
    assert float(np.sum(np.exp(log_p)) * cell) == pytest.approx(1.0, abs=1e-4)
    entropy = float(-np.sum(np.exp(log_p) * log_p) * cell)
    x = jax.jit(lambda key: mixture.sample(key, UNEVEN, 40_000))(jax.random.key(1))
    assert float(-jax.jit(mixture.log_density)(UNEVEN, x).mean()) == pytest.approx(
        entropy, abs=0.02
    )


def test_noised_score_is_the_denoising_posterior():
    """Tweedie: scale E[x_0 | x_t] = x_t + std^2 score, so E[(scale x_0 - x_t) - std^2 score] = 0
    against any function of x_t; here against x_t itself and against the score."""
    sde = processes.subvp()
    t = jnp.array(0.3)

    @jax.jit
    def draw(key):
        data_key, noise_key = jax.random.split(key)
        x0 = mixture.sample(data_key, UNEVEN, 100_000)
        x_t, z, std = processes.perturb(noise_key, sde, x0, t)
        return x_t, z, std, mixture.exact_score(UNEVEN, sde)(x_t, t)

    x_t, z, std, s = draw(jax.random.key(2))
    residual = -std * z - std**2 * s
    for test in (x_t, s):
        product = jnp.sum(residual * test, axis=1)
        assert jnp.abs(product.mean()) < 4 * product.std() / np.sqrt(len(product))


def test_times_for_each_sample():
    x, t = jax.random.normal(jax.random.key(4), (3, 2)), jnp.array([0.1, 0.5, 0.9])
    score = jax.jit(mixture.exact_score(UNEVEN, processes.vp()))
    rows = jnp.concatenate([score(x[i : i + 1], t[i]) for i in range(3)])
    np.testing.assert_allclose(score(x, t), rows, rtol=1e-12)


def test_sliced_w1():
    """1-D against scipy; a shift by v costs the mean of |v . theta|, in the plane 2 |v| / pi."""
    x, y = np.random.default_rng(0).normal(size=(2, 300, 1))
    ours = distances.sliced_w1(x, y, jnp.ones((1, 1)))
    assert float(ours) == pytest.approx(wasserstein_distance(x[:, 0], y[:, 0]), rel=1e-9)
    points = jax.random.normal(jax.random.key(0), (100, 2))
    theta = distances.directions(jax.random.key(1), 20_000, 2, jnp.float64)
    shift = jnp.array([3.0, -1.0])
    moved = float(jax.jit(distances.sliced_w1)(points, points + shift, theta))
    assert moved == pytest.approx(2 * np.sqrt(10) / np.pi, rel=0.02)


def test_permutation_null_is_the_distribution_of_resamples():
    """Mean and spread agree with the distance of fresh pairs of samples of the same law."""
    theta = distances.directions(jax.random.key(1), 16, 2, jnp.float64)
    draws = jax.random.normal(jax.random.key(2), (200, 2, 200, 2))
    fresh = jax.jit(jax.vmap(lambda pair: distances.sliced_w1(pair[0], pair[1], theta)))(draws)
    null = distances.permutation_null(jax.random.key(3), draws[0, 0], draws[0, 1], theta, 400)
    assert float(null.mean()) == pytest.approx(float(fresh.mean()), rel=0.15)
    assert float(null.std()) == pytest.approx(float(fresh.std()), rel=0.3)


def test_frechet_of_known_moments():
    """Commuting covariances: |shift|^2 + sum (s_a - s_b)^2; zero between a sample and itself."""
    z = jax.random.normal(jax.random.key(0), (5000, 3))
    z = (z - z.mean(axis=0)) @ jnp.linalg.inv(jnp.linalg.cholesky(jnp.cov(z, rowvar=False))).T
    a, b = z * jnp.array([1.0, 2.0, 3.0]), z * jnp.array([2.0, 2.0, 1.0]) + jnp.array([1.0, 0, 0])
    assert float(distances.frechet(a, b)) == pytest.approx(1 + 1 + 0 + 4, rel=1e-6)
    assert float(distances.frechet(a, a)) == pytest.approx(0.0, abs=1e-9)
