"""Losses and derivatives against Gaussians, where fields, Laplacians and minima are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.sde import calculus, gaussian, matching, path, processes

STD = 0.7


def denoiser(sde, shift=0.0):
    def d(x, t):
        alpha, sigma = (v[:, None] for v in sde.marginal(t))
        return alpha * STD**2 / (alpha**2 * STD**2 + sigma**2) * x + shift

    return d


@pytest.mark.parametrize("sde", [processes.vp(), gaussian.edm(sigma_max=5.0)], ids=["vp", "edm"])
@pytest.mark.parametrize("weight", [matching.noise, matching.score, matching.edm(STD)])
def test_the_loss_is_least_at_the_posterior_mean_by_its_variance(sde, weight):
    n, t = 40_000, jnp.full(40_000, 0.4)
    key, draw = jax.random.split(jax.random.key(0))
    x0 = STD * jax.random.normal(draw, (n, 1))
    best = matching.denoising(key, sde, denoiser(sde), x0, t, weight)
    off = matching.denoising(key, sde, denoiser(sde, 0.2), x0, t, weight)
    at = path.at(sde, 0.4)
    variance = STD**2 * at.sigma**2 / (at.alpha**2 * STD**2 + at.sigma**2)
    assert float(best.mean() / (weight(at) * variance)) == pytest.approx(1, abs=0.04)
    assert float((off - best).mean() / (weight(at) * 0.04)) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("sde", [processes.vp(), gaussian.ou()], ids=["vp", "ou"])
def test_weights_are_the_errors_of_what_is_predicted(sde):
    key, t = jax.random.key(1), jnp.array([0.2, 0.6, 0.9])
    x0 = jax.random.normal(jax.random.key(2), (3, 4))
    x, z, sigma = processes.perturb(key, sde, x0, t)
    d, at = denoiser(sde)(x, t), path.at(sde, t)
    target = at.alpha_rate[:, None] * x0 + at.sigma_rate[:, None] * z
    for weight, error in (
        (matching.noise, path.noise(d, x, at) - z),
        (matching.score, path.score(d, x, at) + z / sigma),
        (matching.velocity, path.velocity(d, x, at) - target),
    ):
        found = matching.denoising(key, sde, denoiser(sde), x0, t, weight)
        np.testing.assert_allclose(found, jnp.sum(error**2, axis=1), rtol=1e-3)


def test_flow_matching_is_least_at_the_conditional_velocity():
    """x_0 ~ N(0, 1), x_1 ~ N(0, STD^2), independent: v = E[x_1 - x_0 | x_t] is linear in x_t."""
    n, at = 40_000, 0.3
    x0 = jax.random.normal(jax.random.key(0), (n, 1))
    x1 = STD * jax.random.normal(jax.random.key(1), (n, 1))
    slope = (at * STD**2 - (1 - at)) / ((1 - at) ** 2 + at**2 * STD**2)
    t = jnp.full(n, at)
    loss = lambda a: matching.flow(lambda x, t: a * x, x0, x1, t).mean()  # noqa: E731
    assert float(jax.grad(loss)(slope)) == pytest.approx(0, abs=0.03)
    assert float(loss(slope)) == pytest.approx(
        1 + STD**2 - slope**2 * ((1 - at) ** 2 + at**2 * STD**2), rel=0.03
    )


def test_implicit_matching_finds_the_score_and_its_probes_the_divergence():
    x = STD * jax.random.normal(jax.random.key(0), (40_000, 2))
    loss = lambda a, key=None: matching.implicit(lambda x: a * x, x, key).mean()  # noqa: E731
    assert float(jax.grad(loss)(-1 / STD**2)) == pytest.approx(0, abs=0.03)
    np.testing.assert_allclose(loss(-0.5, jax.random.key(1)), loss(-0.5), rtol=1e-5)


A = jnp.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0], [-2.0, 0.3, 4.0]])


def test_derivatives_of_known_functions():
    x = jax.random.normal(jax.random.key(0), (5, 3))
    np.testing.assert_allclose(
        calculus.divergence(lambda x: x @ A.T, x), jnp.full(5, 4.0), rtol=1e-5
    )
    cube = lambda x: x**3  # noqa: E731
    np.testing.assert_allclose(calculus.divergence(cube, x), 3 * (x**2).sum(1), rtol=1e-5)
    np.testing.assert_allclose(calculus.jacobian(lambda x: x @ A.T, x)[2], A, rtol=1e-6)
    value, grad, lap = calculus.laplacian(lambda x: jnp.exp(-jnp.sum(x**2, axis=1)), x)
    square = jnp.sum(x**2, axis=1)
    np.testing.assert_allclose(value, jnp.exp(-square), rtol=1e-6)
    np.testing.assert_allclose(grad, -2 * x * value[:, None], rtol=1e-5)
    np.testing.assert_allclose(lap, (4 * square - 6) * value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("law", ["rademacher", "gaussian"])
def test_estimates_of_the_divergence_have_the_variance_of_their_law(law):
    x = jnp.zeros((4000, 3))
    found = calculus.hutchinson(jax.random.key(0), lambda x: x @ A.T, x, 4, law)
    symmetric = 0.5 * (A + A.T)
    off = symmetric - jnp.diag(jnp.diag(symmetric)) if law == "rademacher" else symmetric
    variance = 2 * float(jnp.sum(off**2)) / 4
    assert float(found.value.mean()) == pytest.approx(4.0, abs=4 * (variance / 4000) ** 0.5)
    assert float(found.value.var()) == pytest.approx(variance, rel=0.12)
    assert float((found.error**2).mean()) == pytest.approx(variance, rel=0.12)


def test_images_have_a_divergence_too():
    x = jax.random.normal(jax.random.key(0), (2, 3, 3, 1))
    np.testing.assert_allclose(calculus.divergence(lambda x: 2 * x, x), [18.0, 18.0], rtol=1e-6)


def test_noise_levels_are_lognormal():
    levels = jnp.log(matching.lognormal(jax.random.key(0), 20_000))
    assert float(levels.mean()) == pytest.approx(-1.2, abs=0.04)
    assert float(levels.std()) == pytest.approx(1.2, abs=0.03)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: calculus.divergence(lambda x: x[:1], x), "field"),
        (lambda x: calculus.laplacian(lambda x: x, x), "value"),
        (lambda x: calculus.divergence(lambda x: x, x[:0]), "x"),
        (lambda x: calculus.probes(jax.random.key(0), x, 2, "cauchy"), "law"),
        (lambda x: matching.flow(lambda x, t: x, x, x[:1], jnp.ones(2)), "x1"),
        (lambda x: matching.flow(lambda x, t: x[:, :1], x, x, jnp.ones(2)), "field"),
    ],
)
def test_what_does_not_fit_is_named(call, name):
    with pytest.raises(ValueError, match=rf"^{name}"):
        call(jnp.ones((2, 3)))
