"""On 8 forced host devices: particles stay split, and are those of one device."""

import os
import subprocess
import sys

import jax

ON_EIGHT = """
import jax, jax.numpy as jnp, numpy as np
from common import sharding
from common.sde import (empirical, mixture, ode, path, processes, samplers, simulate, smc,
                        solvers)
jax.config.update("jax_enable_x64", True)
assert jax.device_count() == 8
mesh, key = sharding.make_mesh(), jax.random.key(3)
sde, mix = processes.vp(), mixture.ring(5, std=0.3, dtype=jnp.float64)
score = mixture.exact_score(mix, sde)
denoise, grid = path.denoiser(sde, score), solvers.uniform(sde, 24)
particles = jax.random.normal(key, (64, 2), jnp.float64)
photos = jax.random.normal(jax.random.key(4), (40, 2), jnp.float64)

def solved(rule):
    return lambda x: solvers.solve(key, sde, denoise, x, grid, rule).x

def corrected(x):
    return samplers.sample(key, sde, score, x, steps=24, corrector=samplers.langevin)

def moved(x):
    times = jnp.linspace(0.0, 1.0, 11)
    return simulate.simulate(key, lambda x, t: -x, lambda t: 1.0, x, times)

def resampled(x):
    heavy = smc.weigh(smc.begin(x), -jnp.sum((x - 1) ** 2, axis=1))
    return smc.resample(key, heavy, below=1.0).x

many = {
    "ddim": solved(solvers.exponential()),
    "dpm-solver++": solved(solvers.exponential(2)),
    "ancestral": solved(solvers.exponential(eta=1.0)),
    "heun with churn": solved(solvers.heun(sde, churn=5.0)),
    "langevin": solved(solvers.joined(solvers.euler_maruyama(), solvers.langevin(1, 0.1))),
    "predictor and corrector": corrected,
    "simulate": moved,
    "resampled": resampled,
    "flow": lambda x: ode.log_likelihood(key, sde, score, x, exact=True).logp,
    "data set": lambda x: empirical.denoise(sde, photos, x, 0.3).mean,
}
placed = sharding.put(particles, mesh, "data")
for name, fn in many.items():
    fn = jax.jit(fn)
    one, eight = fn(particles), fn(placed)
    local = eight.addressable_shards[0].data.shape
    np.testing.assert_allclose(one, sharding.gather(eight), rtol=1e-9, atol=1e-9, err_msg=name)
    assert local[0] == 8, (name, local)
"""


def test_on_eight_devices_samples_are_those_of_one():
    env = os.environ | {"PJRT_NPROC": "32", "JAX_PLATFORMS": "cpu"}
    env["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
    env["JAX_COMPILATION_CACHE_DIR"] = str(jax.config.jax_compilation_cache_dir)
    env["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.05"
    done = subprocess.run(
        [sys.executable, "-c", ON_EIGHT], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
