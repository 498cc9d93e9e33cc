"""Samplers on Gaussian data, where every update is affine and its moments follow exactly."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

from common.sde import distances, mixture, processes, samplers

MEAN, STD = 0.3, 0.5
ZERO = jnp.zeros(())
START = samplers.Step(ZERO, 10, ZERO, ZERO)  # the last step, t = 0
SDES = {
    "vp": processes.vp(eps=1e-8),
    "subvp": processes.subvp(eps=1e-8),
    "ve": processes.ve(sigma_max=5.0, eps=1e-8),
}


def gaussian_score(sde):
    def score(x, t):
        scale, std = (processes.expand(c, x) for c in sde.marginal(t))
        return -(x - scale * MEAN) / ((scale * STD) ** 2 + std**2)

    return score


@partial(jax.jit, static_argnums=(0, 1, 2))
def errors(update, sde, n):
    """Error of mean and variance after n steps: an update is x -> A x + b + c z, read off two x."""
    score, key, x = gaussian_score(sde), jax.random.key(0), jnp.array([[0.0], [1.0]])
    z = jax.random.normal(key, x.shape)

    def step(moments, node):
        i, t = node
        new, mean = update(key, sde, score, x, samplers.Step(i * 1.0, n, t, t))
        slope, noise = mean[1, 0] - mean[0, 0], (new - mean)[0, 0] / z[0, 0]
        return (slope * moments[0] + mean[0, 0], slope**2 * moments[1] + noise**2), None

    scale, std = sde.marginal(jnp.array(1.0))
    start = (scale * MEAN, (scale * STD) ** 2 + std**2)
    nodes = (jnp.arange(n)[::-1], jnp.linspace(1.0, sde.eps, n))
    mean, variance = jax.lax.scan(step, start, nodes)[0]
    return jnp.abs(jnp.stack([mean - MEAN, variance - STD**2]))


@pytest.mark.parametrize("name", SDES)
@pytest.mark.parametrize(
    "update", [samplers.reverse_diffusion, samplers.ancestral, samplers.flow_step]
)
def test_weak_order_one(name, update):
    with jax.enable_x64(True):
        coarse, fine = (np.array(errors(update, SDES[name], n)) for n in (400, 1600))
    assert np.all(fine < 0.02)
    order = np.log(coarse[1] / fine[1]) / np.log(4)
    assert order == pytest.approx(1.0, abs=0.15)


def test_euler_maruyama_weak_order_one():
    with jax.enable_x64(True):
        sde = SDES["vp"]
        coarse, fine = (np.array(errors(samplers.euler_maruyama, sde, n)) for n in (400, 1600))
    np.testing.assert_allclose(np.log(coarse / fine) / np.log(4), 1.0, atol=0.1)


def test_langevin_keeps_a_gaussian():
    """At one noise level its fixed point is N(m, v (1 + snr^2)): the step is 2 snr^2 v^2 / var x,
    and x - e (x - m)/v + sqrt(2 e) z has the variance v / (1 - e/(2 v))."""
    sde = SDES["ve"]
    score, snr = gaussian_score(sde), 0.4
    x = MEAN + 0.5 + jnp.zeros((20_000, 2))

    def body(x, key):
        return samplers.langevin(key, sde, score, x, START, snr=snr)[0], None

    x, _ = jax.jit(lambda x: jax.lax.scan(body, x, jax.random.split(jax.random.key(0), 100)))(x)
    assert float(jnp.mean(x)) == pytest.approx(MEAN, abs=0.02)
    assert float(jnp.var(x)) == pytest.approx((STD**2 + 0.01**2) * (1 + snr**2), rel=0.03)


def test_langevin_step_is_global_under_a_mesh():
    """With axis_name the step size is that of the whole batch, whichever shard a sample is on."""
    sde, step = SDES["ve"], START
    score = gaussian_score(sde)
    x = jnp.linspace(-3, 3, 8)[:, None]
    key = jax.random.key(3)

    def mean(x):
        return samplers.langevin(key, sde, score, x, step, axis_name="shards")[1]

    parts = jax.jit(jax.vmap(mean, axis_name="shards"))(x.reshape(2, 4, 1))
    size = np.unique(np.round((parts - x.reshape(2, 4, 1)) / score(x, 0.0).reshape(2, 4, 1), 6))
    assert len(size) == 1
    mesh = jax.make_mesh((1,), ("shards",), axis_types=(AxisType.Auto,))
    spec = P("shards")
    one = jax.jit(jax.shard_map(mean, mesh=mesh, in_specs=spec, out_specs=spec))(x)
    np.testing.assert_allclose(one, samplers.langevin(key, sde, score, x, step)[1], rtol=1e-6)


def test_predictor_corrector_samples_a_mixture():
    """Within the sampling noise of sliced W1; the prior itself is two orders of magnitude away."""
    mix, sde = mixture.ring(), processes.ve()
    keys = jax.random.split(jax.random.key(0), 4)
    score = mixture.exact_score(mix, sde)
    x1 = processes.prior_sample(keys[0], sde, (2000, 2))
    x = samplers.sample(keys[1], sde, score, x1, steps=100, corrector=samplers.langevin)
    y, z = (mixture.sample(k, mix, 2000) for k in jax.random.split(keys[2]))
    theta = distances.directions(keys[3], 32, 2)
    floor = distances.sliced_w1(y, z, theta)
    assert distances.sliced_w1(x, y, theta) < 3 * floor


def test_embed_is_only_a_precomputation():
    """Times embedded before the loop give the samples that times embedded in the score give."""
    sde = SDES["vp"]
    plain = gaussian_score(sde)

    def embedded(x, tau):
        scale, std = tau
        return -(x - scale * MEAN) / ((scale * STD) ** 2 + std**2)

    x1, key = jnp.linspace(-2, 2, 16)[:, None], jax.random.key(5)
    a = samplers.sample(key, sde, plain, x1, steps=30, corrector=samplers.langevin)
    b = samplers.sample(
        key, sde, embedded, x1, steps=30, corrector=samplers.langevin, embed=sde.marginal
    )
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_trajectory_and_final_mean():
    """The path has every state; the answer is the last update's mean, without its noise."""
    sde = SDES["vp"]
    score, key, x1 = gaussian_score(sde), jax.random.key(1), jnp.ones((5, 1))
    x, path = samplers.sample(key, sde, score, x1, steps=25, trajectory=True)
    assert path.shape == (25, 5, 1)
    before, t = path[-2], jnp.array(sde.eps)
    step = samplers.Step(jnp.array(0.0), 25, t, t)
    mean = samplers.reverse_diffusion(key, sde, score, before, step)[1]
    np.testing.assert_allclose(x, mean, rtol=1e-6)
    x, path = samplers.sample(key, sde, score, x1, steps=0, trajectory=True)
    np.testing.assert_array_equal(x, x1)
    assert path.shape == (0, 5, 1)
    with pytest.raises(ValueError, match="predictor"):
        samplers.sample(key, sde, score, x1, steps=25, predictor=None)
