"""Truths: the weighted Fokker-Planck equation, the paper's own forms, Gaussian closed forms."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.sde import smc

from . import corrector, estimates, exact, targets


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def normal(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


def test_the_weights_solve_the_weighted_fokker_planck_equation():
    """d log p/dtau + div v + <v, grad log p> - zeta^2/2 (lap + |grad|^2) log p - dw/dtau is the
    same everywhere, for two experts in the plane and a reward that grows."""
    powers, rise = jnp.array([-0.7, 1.6]), 0.3
    means, stds = (
        jnp.array([[[-1.0, 0.5], [1.5, 0.0]], [[0.0, 0.0], [1.0, 1.0]]]),
        jnp.array([0.5, 0.8]),
    )

    def log_q(x, tau):  # two experts of two equal modes, variance 2 - tau of the noise
        variance = stds**2 + 2.0 - tau
        square = jnp.sum((x - means) ** 2, axis=2)
        return jax.nn.logsumexp(-0.5 * square / variance - jnp.log(variance), axis=1)

    def log_p(x, tau):  # the reward grows
        return powers @ log_q(x, tau) + rise * tau * corrector.reward(x[None])[0][0]

    def terms(x, tau, noise):
        value, slope = corrector.reward(x[None])
        s = jax.jacfwd(log_q)(x, tau)[:, None]
        velocity, rate = corrector.terms(s, powers, rise * tau * slope, noise)
        return velocity[0], rate[0] + rise * value[0]

    def residual(x, tau, noise):
        velocity, rate = terms(x, tau, noise)
        gradient, change = jax.grad(log_p, (0, 1))(x, tau)
        divergence = jnp.trace(jax.jacfwd(lambda x: terms(x, tau, noise)[0])(x))
        laplacian = jnp.trace(jax.jacfwd(jax.grad(log_p))(x, tau))
        diffused = 0.5 * noise * (laplacian + gradient @ gradient)
        return change + divergence + velocity @ gradient - diffused - rate

    everywhere = jax.jit(jax.vmap(residual, in_axes=(0, None, None)))
    for noise in (0.4, 1.0):
        left = everywhere(2 * normal(0, 30, 2), 0.8, noise)
        np.testing.assert_allclose(left, left[0], atol=1e-9)


def test_the_terms_are_those_of_the_propositions():
    """Annealing for a = 0 and 1/2, guidance, and the product of two experts."""
    s, beta = np.asarray(normal(1, 2, 5, 3)), 2.5
    terms = jax.jit(lambda powers, noise: corrector.terms(s, powers, jnp.zeros((5, 3)), noise))
    for a in (0.0, 0.5):
        velocity, rate = terms(np.array([beta, 0.0]), targets.tempered(beta, a))
        np.testing.assert_allclose(velocity, (beta + (1 - beta) * a) * s[0], rtol=1e-12)
        np.testing.assert_allclose(rate, beta * (beta - 1) / 2 * (s[0] ** 2).sum(1), rtol=1e-12)
    velocity, rate = terms(np.array([1 - beta, beta]), 1.0)
    np.testing.assert_allclose(velocity, (1 - beta) * s[0] + beta * s[1], rtol=1e-12)
    apart = ((s[0] - s[1]) ** 2).sum(1)
    np.testing.assert_allclose(rate, beta * (beta - 1) / 2 * apart, rtol=1e-11)
    np.testing.assert_allclose(terms(np.ones(2), 1.0)[1], (s[0] * s[1]).sum(1), rtol=1e-10)


GAUSSIAN = targets.mix((1.0,), (0.0,), (0.5,))


SAMPLE = jax.jit(partial(corrector.simulate, count=4000))


def annealed(a, **changes):
    """Particles of q^2, q a Gaussian."""
    target = targets.annealed((GAUSSIAN,), 2.0, a, (5.0, 0.01))._replace(**changes)
    return SAMPLE(jax.random.key(2), jax.tree.map(jnp.asarray, target), jnp.full(10, 20))[0]


def test_the_mean_weight_is_the_ratio_of_normalising_constants():
    """integral q^beta of a Gaussian of variance u is proportional to u^((1 - beta) / 2)."""
    particles = annealed(0.0, below=0.5)
    expected = -0.5 * np.log((0.25 + 1e-4) / (0.25 + 25.0))
    assert float(smc.log_mean(particles)) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(("a", "plain"), [(0.0, 1 / 3), (0.5, 1 / 4)])
def test_widths_of_an_annealed_gaussian(a, plain):
    """Variance over that of q: 1 / (2 beta - 1) or 1 / beta^2 without weights, 1 / beta with."""
    found = annealed(a, weight=0.0)
    assert np.var(found.x) / 0.25 == pytest.approx(plain, rel=0.08)
    if a == 0.0:  # with a = 1/2 and beta = 2 the weights' variance is about to be infinite
        found = annealed(a, below=0.5)
        variance = np.asarray(found.x[:, 0] ** 2) @ estimates.weights(np.asarray(found.log_w))
        assert variance / 0.25 == pytest.approx(1 / 2, rel=0.1)


def test_quadrature_finds_the_masses_of_modes_far_apart():
    """Mode k holds w_k^beta s_k^(D (1 - beta)) of q^beta."""
    narrow, beta = targets.nine(), 2.0
    target = targets.annealed((narrow,), beta, 0.0, (20.0, 1e-3))
    found = estimates.masses(*exact.on_grid(target, 10.0, 201), narrow.means)
    expected = narrow.stds ** (2 * (1 - beta))
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-3)


def test_the_start_is_the_target_of_gaussians():
    """For single Gaussians prod_m q_m^c_m is Gaussian: mean and variance by completing squares."""
    pair = targets.mix((1.0,), (-1.0,), (2.0,)), targets.mix((1.0,), (3.0,), (1.0,))
    target = targets.target(pair, (-0.5, 1.5), (1.0, 0.1))
    x = corrector.start(jax.random.key(3), target, (40_000, 1))
    precision = -0.5 / 5 + 1.5 / 2
    mean = (-0.5 / 5 * -1 + 1.5 / 2 * 3) / precision
    assert float(x.mean()) == pytest.approx(mean, abs=5 / np.sqrt(40_000 * precision))
    assert float(x.var()) == pytest.approx(1 / precision, rel=0.04)


def test_sliced_distance_of_shifted_and_weighted_points():
    """A shift by d is |<d, theta>| along theta; doubled points are points of double weight."""
    x, shift = np.asarray(normal(4, 200, 2)), np.array([0.3, -0.4])
    w, theta = np.full(200, 1 / 200), np.pi * (np.arange(64) + 0.5) / 64
    expected = np.abs(np.cos(theta) * shift[0] + np.sin(theta) * shift[1]).mean()
    assert estimates.sliced(x, w, x + shift, 64) == pytest.approx(expected, rel=1e-10)
    y = np.asarray(normal(5, 100, 2))
    double = estimates.sliced(np.concatenate([x, x[:50]]), np.full(250, 1 / 250), y, 8)
    w = np.where(np.arange(200) < 50, 2, 1) / 250
    assert estimates.sliced(x, w, y, 8) == pytest.approx(double, rel=1e-10)


def test_the_error_of_blocks_of_coin_flips_is_binomial():
    x = np.where(np.asarray(normal(6, 1, 40, 1024)) < 0, -1.0, 1.0)
    w = np.ones_like(x)
    for size in (16, 256):
        assert estimates.block_rmse(x, w, 0.5, size)[0] == pytest.approx(
            0.5 / np.sqrt(size), rel=5 / np.sqrt(2 * x.size / size)
        )
