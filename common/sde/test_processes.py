"""Each process against itself seen another way: moment ODEs, Fokker-Planck, the finite chain."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.sde import mixture, processes

SDES = {"vp": processes.vp(), "subvp": processes.subvp(), "ve": processes.ve()}


@pytest.fixture(params=SDES, autouse=True)
def sde(request):
    with jax.enable_x64(True):
        yield SDES[request.param]


def test_marginals_solve_the_moment_equations(sde):
    """d scale/dt = f'(x) scale and d std^2/dt = 2 f'(x) std^2 + g^2, by automatic derivatives."""
    t = jnp.linspace(0.01, 1.0, 50)
    scale, std = sde.marginal(t)
    d_scale, d_std = jax.vmap(jax.jacfwd(sde.marginal))(t)
    slope = jax.vmap(jax.jacfwd(sde.drift), in_axes=(None, 0))(jnp.array(1.0), t)
    np.testing.assert_allclose(d_scale, slope * scale, rtol=1e-10, atol=1e-12)
    d_variance, g2 = 2 * std * d_std, sde.diffusion(t) ** 2
    np.testing.assert_allclose(d_variance, 2 * slope * std**2 + g2, rtol=1e-9)


def test_exact_score_satisfies_fokker_planck(sde):
    """d log p/dt = -div v - v . score along the probability flow v, at random points and times."""
    mix = mixture.ring(5, radius=1.5, std=0.4, dtype=jnp.float64)
    score = mixture.exact_score(mix, sde)
    flow = processes.probability_flow(sde, score)

    def residual(x, t):
        def log_p(t):
            return mixture.log_density(mix, x[None], *sde.marginal(t))[0]

        def velocity(x):
            return flow(x[None], t)[0]

        right = -jnp.trace(jax.jacfwd(velocity)(x)) - velocity(x) @ score(x[None], t)[0]
        return jax.grad(log_p)(t), right

    keys = jax.random.split(jax.random.key(0))
    x, t = jax.random.normal(keys[0], (40, 2)), jax.random.uniform(keys[1], (40,), minval=0.05)
    left, right = jax.jit(jax.vmap(residual))(x, t)
    np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-9)


def test_chain_tends_to_the_marginal(sde):
    """Multiplying out n steps of the forward chain gives the SDE's moments at t = 1, order 1/n."""

    @partial(jax.jit, static_argnums=0)
    def moments(n):
        def step(carry, i):
            decay, gain, _ = sde.chain(i * 1.0, n)
            return (decay * carry[0], decay**2 * carry[1] + gain**2), None

        return jax.lax.scan(step, (jnp.array(1.0), jnp.array(0.0)), jnp.arange(n))[0]

    scale, std = sde.marginal(jnp.array(1.0))
    errors = [np.abs(np.array(moments(n)) - np.array([scale, std**2])) for n in (500, 1000)]
    if sde.prior_std > 1:  # the VE chain is exact at its own times, sigma_(-1) = 0 included
        np.testing.assert_allclose(errors, 0, atol=1e-9)
    else:
        assert np.all(errors[1] < 0.02)
        assert errors[1][0] < 0.6 * errors[0][0]


def test_prior_density_and_draws(sde):
    x = processes.prior_sample(jax.random.key(0), sde, (20_000, 3), jnp.float64)
    assert float(jnp.std(x)) == pytest.approx(sde.prior_std, rel=0.02)
    entropy = 1.5 * np.log(2 * np.pi * np.e * sde.prior_std**2)
    assert float(-processes.prior_logp(sde, x).mean()) == pytest.approx(entropy, abs=0.03)


def test_a_time_for_each_sample_broadcasts(sde):
    """t [B] gives row by row what t [] gives, in drift, score combination and perturbation."""
    x = jax.random.normal(jax.random.key(1), (4, 2, 3))
    t = jnp.array([0.1, 0.4, 0.7, 1.0])
    field = processes.reverse(sde, lambda x, t: -x / (1 + processes.expand(t, x)))
    rows = jnp.stack([field(x[i : i + 1], t[i])[0] for i in range(4)])
    np.testing.assert_allclose(field(x, t), rows, rtol=1e-12)
    x_t, z, std = processes.perturb(jax.random.key(2), sde, x, t)
    scale = processes.expand(sde.marginal(t)[0], x)
    np.testing.assert_allclose((x_t - std * z) / scale, x, atol=1e-9)


def test_short_vp_chain_is_refused():
    with pytest.raises(ValueError, match="more than 20"):
        processes.vp().chain(jnp.array(3.0), 20)
