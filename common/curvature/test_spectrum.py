"""The whole spectrum of a small flax network against its dense Hessian; bad input; 8 devices."""

import os
import subprocess
import sys

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from common.curvature import slq
from common.curvature.spectrum import spectrum
from common.curvature.test_lanczos import symmetric


def network():
    net = nn.Sequential([nn.Dense(6), nn.tanh, nn.Dense(3)])
    x, y = jax.random.normal(jax.random.key(0), (40, 5)), jnp.arange(40) % 3
    params = net.init(jax.random.key(1), x)

    def loss(params, batch):
        logits = jnp.asarray(net.apply(params, batch[0]))
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), batch[1][:, None], 1).mean()

    return loss, params, (x, y)


def test_a_flax_network_against_its_dense_hessian():
    loss, params, batch = network()
    found = spectrum(jax.random.key(0), loss, params, batch, k=5, steps=40, probes=60)
    vector, unravel = ravel_pytree(params)
    H = np.asarray(jax.hessian(lambda v: loss(unravel(v), batch))(vector))
    exact = np.linalg.eigvalsh(H)
    assert found.parameters == len(H) == 57
    np.testing.assert_allclose(found.top, exact[::-1][:5], atol=1e-3 * exact[-1])
    np.testing.assert_allclose(found.smallest, exact[0], atol=1e-3)
    assert abs(found.trace - exact.sum()) < 4 * found.trace_error < 0.5 * exact.sum()
    np.testing.assert_allclose(found.frobenius, np.linalg.norm(H), rtol=0.1)
    np.testing.assert_allclose(np.trapezoid(found.density, found.grid), 1, atol=0.01)
    assert found.matvecs > 60 * 40
    assert 0 < found.share <= 1
    assert "57 parameters" in str(found)


def test_bad_input_is_named():
    loss, params, batch = network()
    key = jax.random.key(0)
    with pytest.raises(ValueError, match="finite scalar, not nan"):
        spectrum(key, lambda p, b: loss(p, b) * jnp.nan, params, batch)
    with pytest.raises(ValueError, match="finite scalar"):
        spectrum(key, lambda p, b: jnp.zeros(3), params, batch)
    with pytest.raises(ValueError, match="floating-point"):
        spectrum(key, loss, {"step": jnp.arange(3)}, batch)
    with pytest.raises(ValueError, match="mean over the batch"):
        spectrum(key, lambda p, b: 40 * loss(p, b) * len(b[0]), params, batch, chunk=10)
    with pytest.raises(ValueError, match="not finite at params"):  # sqrt at 0: value 0, slope inf
        spectrum(key, lambda p, b: jnp.sqrt(jnp.sum(p**2)), jnp.zeros(4), None)


def test_few_steps_and_a_spectrum_without_range():
    quadratic = lambda p, b: jnp.mean((b @ p) ** 2)  # noqa: E731
    x = jax.random.normal(jax.random.key(3), (80, 50))
    found = spectrum(jax.random.key(0), quadratic, jnp.ones(50), x, steps=10)
    np.testing.assert_allclose(found.top, np.linalg.eigvalsh(x.T @ x / 40)[::-1][:10], rtol=1e-2)
    with pytest.raises(ValueError, match="give sigma"):
        slq.density(jnp.zeros((2, 5)), jnp.full((2, 5), 0.2), jnp.linspace(0, 1, 3))


def test_the_kernel_width_does_not_depend_on_luck():
    """Two seeds, and few or many probes: the same width to a few percent."""
    A = symmetric(np.r_[np.linspace(-1, 1, 200), 5.0])
    widths = []
    for seed, probes in [(0, 2), (1, 2), (2, 20)]:
        quad = slq.slq(jax.random.key(seed), lambda v: A @ v, 201, steps=20, probes=probes)
        widths.append(float(slq.resolution(quad.nodes)))
    np.testing.assert_allclose(widths, np.pi / 80 * 6, rtol=0.03)


def test_cumulative_counts_eigenvalues_without_a_kernel():
    eigenvalues = np.r_[np.linspace(-1, 1, 200), 5.0]
    A = symmetric(eigenvalues)
    quad = slq.slq(jax.random.key(0), lambda v: A @ v, 201, steps=30, probes=20)
    grid = jnp.array([-2.0, -0.5, 0.0, 0.7, 3.0, 6.0])
    got = slq.cumulative(*quad, grid)
    want = (eigenvalues <= np.asarray(grid)[:, None]).mean(1)
    np.testing.assert_allclose(got.estimate, want, atol=0.03)
    assert got.estimate[-1] == pytest.approx(1)


def test_logdet_by_quadrature_and_its_domain():
    eigenvalues = np.linspace(1, 30, 100)
    A = symmetric(eigenvalues)
    quad = slq.slq(jax.random.key(0), lambda v: A @ v, 100, steps=25, probes=40)
    got = slq.spectral_function(jnp.log, *quad, 100)
    assert abs(got.estimate - np.log(eigenvalues).sum()) < 4 * got.error
    assert got.matvecs == 1000
    quad = slq.slq(jax.random.key(0), lambda v: -(A @ v), 100, steps=25, probes=4)
    with pytest.raises(ValueError, match="not finite"):
        slq.spectral_function(jnp.log, *quad, 100)


ON_EIGHT = """
import jax, jax.numpy as jnp, numpy as np
from common import sharding
from common.curvature.lanczos import eigsh
from common.curvature.products import flat, fisher_vp, hvp, over_mesh
from common.curvature.slq import slq
from common.curvature.test_spectrum import network
jax.config.update("jax_enable_x64", True)
assert jax.device_count() == 8
mesh = sharding.make_mesh()
loss, params, batch = network()
params = jax.tree.map(jnp.float64, params)
batch = (jnp.float64(batch[0]), batch[1])
key = jax.random.key(2)

def both(product, **kw):
    matvec, size, _ = flat(product, params)
    pairs = eigsh(key, matvec, size, steps=30, k=4, **kw)
    return pairs.values, pairs.residuals, slq(key, matvec, size, steps=12, probes=3, **kw)

alone = jax.jit(lambda b: both(hvp(loss, params, b)))(batch)
placed = sharding.put(batch, mesh, "data")
split = sharding.sharded(mesh, "data")  # of vectors [57]: uneven over 8 devices
chunked = lambda b: over_mesh(mesh, lambda p, part: hvp(loss, p, part, chunk=2), params, b)
for other in (
    jax.jit(lambda b: both(hvp(loss, params, b), sharding=split))(placed),
    jax.jit(lambda b: both(chunked(b), sharding=split))(placed),
):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-10), alone, other)
one = lambda k: slq(k, flat(hvp(loss, params, batch), params)[0], 57, steps=12, probes=1).nodes
keys = jax.random.split(key, 3)
spread = sharding.vmap_over(mesh, one)(keys)
np.testing.assert_allclose(spread, jax.lax.map(one, keys), atol=1e-10)
try:
    over_mesh(mesh, lambda p, part: None, params, jnp.ones(12))
except ValueError as error:
    assert "12 examples do not split over 8 devices" in str(error)
else:
    raise AssertionError
"""


def test_on_eight_devices_the_numbers_are_those_of_one():
    flags = "--xla_force_host_platform_device_count=8"
    env = os.environ | {"XLA_FLAGS": flags, "PJRT_NPROC": "32", "JAX_PLATFORMS": "cpu"}
    env["JAX_COMPILATION_CACHE_DIR"] = str(jax.config.jax_compilation_cache_dir)
    env["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.05"
    done = subprocess.run(
        [sys.executable, "-c", ON_EIGHT], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
