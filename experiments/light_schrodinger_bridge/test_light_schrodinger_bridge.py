"""Truths: integrals over a grid, the authors' drift by differentiation, Gaussian closed forms."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import multivariate_normal as normal

from common.sde import transport

from . import evaluation, measure, potential, problems, reference
from .potential import Potential

EPS = 0.3
SIDE = np.linspace(-6, 6, 121)  # NumPy: float64 whatever is on


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def mixture(components=3, d=2):
    rng = np.random.default_rng(0)
    a, r, s = rng.normal(size=components), rng.normal(size=(2, components, d)), 0.3
    return Potential(jnp.array(0.3 * a), jnp.array(r[0]), jnp.array(s * r[1]))


def grid():
    return np.stack(np.meshgrid(SIDE, SIDE), axis=-1).reshape(-1, 2)


def integral(values):
    return values.sum(axis=-1) * (SIDE[1] - SIDE[0]) ** 2


def test_the_normaliser_and_the_potential_by_their_definitions():
    """v is the mixture written out; c(x) = int exp(<x, y> / eps) v(y) dy over a grid."""
    theta, y, x = mixture(), grid(), np.array([[0.4, -0.3], [-0.2, 0.6]])
    a, r, s = np.asarray(theta.a), np.asarray(theta.r), EPS * np.exp(theta.log_s)
    apart = ((y[:, None] - r) ** 2 / s).sum(-1)
    v = (np.exp(a / EPS - apart / 2) / (2 * np.pi * np.sqrt(s.prod(-1)))).sum(-1)
    near = v > 1e-12
    log_v, log_c = jax.jit(
        lambda: (potential.log_v(theta, y, EPS), potential.log_c(theta, x, EPS))
    )()
    np.testing.assert_allclose(log_v[near], np.log(v[near]), rtol=1e-8)
    want = integral(np.exp(x @ y.T / EPS) * v)
    np.testing.assert_allclose(np.exp(log_c), want, rtol=1e-8)


def test_the_plan_is_the_tilted_potential_with_its_moments():
    """pi(y | x) = exp(<x, y> / eps) v(y) / c(x); moments and cost by integrals over a grid."""
    theta, y, x = mixture(), grid(), np.array([[0.4, -0.3]])
    many = np.broadcast_to(x, y.shape)

    @jax.jit
    def found():
        p = potential.plan(theta, x, EPS)
        log_pi = potential.log_density(potential.plan(theta, many, EPS), many, y)
        tilted = potential.log_v(theta, y, EPS) - potential.log_c(theta, x, EPS)
        return log_pi, tilted, *potential.moments(p, x), potential.square_cost(p, x, x)

    log_pi, tilted, mean, cov, cost = (np.asarray(z) for z in found())
    density = np.exp(log_pi)
    np.testing.assert_allclose(density, np.exp(y @ x[0] / EPS + tilted), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(mean[0], integral(density * y.T), rtol=1e-6)
    second = integral(density * y.T[:, None] * y.T[None])
    np.testing.assert_allclose(cov[0], second - np.outer(mean[0], mean[0]), atol=1e-6)
    np.testing.assert_allclose(cost[0], integral(density * ((y - x) ** 2).sum(1)), rtol=1e-6)


def test_draws_have_the_plan_s_moments():
    theta, n = mixture(), 40_000
    rng = np.random.default_rng(1)
    x, z, u = jnp.full((n, 2), 0.3), rng.normal(size=(n, 2)), rng.uniform(size=n)
    p = potential.plan(theta, x, EPS)
    mean, cov = (m[0] for m in potential.moments(potential.plan(theta, x[:1], EPS), x[:1]))
    y = jax.jit(potential.draw)(p, x, u, z)
    np.testing.assert_allclose(y.mean(0), mean, atol=4 * float(jnp.sqrt(jnp.trace(cov) / n)))
    np.testing.assert_allclose(jnp.cov(y.T), cov, atol=0.03)


def test_the_drift_is_the_authors():
    """eps grad log [N(x | 0, eps (1 - t) I) sum_k alpha_k N(r_k | 0, eps S_k) Z_k], with
    Z_k = |A_k|^-1/2 exp(h_k' A_k^-1 h_k / 2), at three times."""
    theta = mixture()
    alpha, s, zero = jnp.exp(theta.a / EPS), jnp.exp(theta.log_s), jnp.zeros(2)

    def log(x, t):
        total, wide = 0.0, EPS * (1 - t)
        for k in range(3):
            a_k = t / wide + 1 / (s[k] * EPS)  # diagonal
            h_k = x / wide + theta.r[k] / (s[k] * EPS)
            at_r = normal.pdf(theta.r[k], zero, EPS * jnp.diag(s[k]))
            total += alpha[k] * at_r * jnp.exp(0.5 * jnp.sum(h_k**2 / a_k - jnp.log(a_k)))
        return normal.logpdf(x, zero, wide * jnp.eye(2)) + jnp.log(total)

    @jax.jit
    def both(x, t):
        want = EPS * jax.vmap(jax.grad(log), in_axes=(0, None))(x, t)
        return potential.drift(theta, x, t, EPS), want

    for t in (0.0, 0.5, 0.95):
        ours, want = both(jnp.array([[0.2, -0.1], [-0.3, 0.15]]), t)
        np.testing.assert_allclose(ours, want, rtol=1e-6)


def test_two_gaussians_have_the_entropic_plan():
    """The closed S makes the second marginal right, with the known cross-covariance, and is where
    the expected loss is least; that loss is the mean of the sampled one."""
    eps, s0, s1 = np.array([0.1, 1.0, 10.0]), 1.5, 2.0
    s = problems.gaussian_scale(eps, s0, s1)
    np.testing.assert_allclose(eps * s + s**2 * s0**2, s1**2)
    np.testing.assert_allclose(s0**2 * s, 0.5 * (np.sqrt(4 * s0**2 * s1**2 + eps**2) - eps))
    near = np.log(s)[:, None] + np.array([-1e-3, 0, 1e-3])
    value = problems.gaussian_loss(np.zeros((3, 3, 1)), near[..., None], eps[:, None], s0, s1)
    assert (value[:, 1:2] < value[:, ::2]).all()
    r, log_s = jnp.array([[0.3, -0.2]]), jnp.array([[0.1, -0.4]])
    x, y = problems.gaussians((), jax.random.key(0), eps, 200_000, stds=(s0, s1))
    found = potential.loss(Potential(jnp.zeros(1), r, log_s), x, y[1], 1.0)
    want = problems.gaussian_loss(np.asarray(r[0]), np.asarray(log_s[0]), 1.0, s0, s1)
    assert float(found) == pytest.approx(float(want), rel=0.01)


def test_bures_distance_against_the_trace_form():
    rng = np.random.default_rng(2)
    m, roots = rng.normal(size=(2, 4)), rng.normal(size=(2, 4, 4))
    covs = roots @ roots.mT + 0.1 * np.eye(4)
    value, vectors = np.linalg.eigh(covs[0])
    root = vectors * np.sqrt(value) @ vectors.T
    inner = np.sqrt(np.linalg.eigvalsh(root @ covs[1] @ root)).sum()
    want = 0.5 * ((m[0] - m[1]) ** 2).sum() + 0.5 * np.trace(covs.sum(0)) - inner
    found = evaluation.bures((m[0], covs[0]), (m[1], covs[1]))
    assert float(found) == pytest.approx(want, rel=1e-9)


def test_uvp_of_one_gaussian():
    """0 for the true plan; the independent plan is at |S x|^2 / 2 and unequal widths, per axis."""
    d, s, eps = 3, 0.6, 0.4
    true = Potential(jnp.zeros(1), jnp.ones((1, d)), jnp.full((1, d), np.log(s)))
    x = jax.random.normal(jax.random.key(0), (50_000, d))
    x = (x - x.mean(0)) @ jnp.linalg.inv(jnp.linalg.cholesky(jnp.cov(x.T, bias=True))).T
    same, independent = jax.jit(partial(evaluation.uvp, true, true, coupling=1.0))(x[:2000], eps)
    assert abs(float(same)) < 1e-9
    wide = eps * s + s**2
    gap = 0.5 * s**2 + 0.5 * (np.sqrt(wide) - np.sqrt(eps * s)) ** 2
    assert float(independent) == pytest.approx(100 * gap / (0.5 * wide), rel=0.05)


def test_kl_is_the_excess_loss_on_the_same_samples():
    """With x and y of the pairs in the loss too, both sides agree to rounding."""
    true, theta = mixture(), Potential(*(0.7 * p for p in mixture()))
    draws = np.random.default_rng(3).normal(size=(500, 5))
    x, y = problems.pairs(true, jnp.asarray(draws), jnp.array([EPS]))
    found = jax.jit(evaluation.divergence)(true, theta, (x, y[0]), x, y[0], EPS, 1.0)
    (kl, excess), (error, _) = np.asarray(found)
    assert kl == pytest.approx(excess, rel=1e-9)
    assert error < kl / 3


def test_the_swiss_roll_has_its_second_moment_along_a_spiral():
    """E|y|^2 = (E angle^2 + 2 0.8^2) / 7.5^2, angle uniform from 1.5 pi to 4.5 pi."""
    y = reference.rolled(np.full(5, 0.3), 2**14)[1]
    a, b = 1.5 * np.pi, 4.5 * np.pi
    want = ((b**3 - a**3) / (3 * (b - a)) + 2 * 0.8**2) / 7.5**2
    assert (y**2).sum(1).mean() == pytest.approx(want, rel=1e-3)


def test_sinkhorn_between_assignment_and_independence():
    """On a line the best assignment is the sorted one; eps to 0 and to infinity are the limits."""
    x, y = 0.3 * np.random.default_rng(4).normal(size=(2, 30, 1)) + 0.1
    least = ((np.sort(x[:, 0]) - np.sort(y[:, 0])) ** 2).mean()
    assert transport.exact_w2(x, y) == pytest.approx(least)
    assert reference.sinkhorn(x, y, 1e-4, 20_000) == pytest.approx(least, rel=0.01)
    independent = ((x[:, None] - y) ** 2).sum(-1).mean()
    assert reference.sinkhorn(x, y, 1e4, 10) == pytest.approx(independent, rel=1e-3)


def test_measures_on_planted_arrays():
    kl = np.zeros((1, 1, 2, 1, 2, 2))
    kl[0, 0, :, 0, 0, 0], kl[..., 1, :] = (5.0, 10.0), (3.0, 4.0)  # apart by 1 and 2 errors of 5
    assert measure.identity_z({"kl": kl}) == pytest.approx(np.sqrt(2.5))
    arrays = {"uvp": np.array([[[1.0, 2, 9], [3, 1, 9], [7, 8, 9]]])}
    arrays |= {"dim": np.array([2, 16, 64]), "eps": np.array([0.1, 1, 10])}
    assert (measure.uvp_low(arrays), measure.uvp_high(arrays)) == ([3], [8])
    arrays = {"cost": np.array([[2.2, 8.0]]), "assigned": np.array([[1.0, 3.0]])}
    assert measure.cost_over_transport(arrays) == pytest.approx([1.1])
    arrays |= {"sinkhorn": np.array([[1.1, 2.0]]), "sinkhorn_assigned": np.ones(1)}
    assert measure.entropic_ratio(arrays) == pytest.approx([np.log(2)])
