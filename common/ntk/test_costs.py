"""The cheapest way by XLA's own counts; memory, ensembles, mistakes, devices."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from common.curvature.lanczos import eigsh
from common.curvature.products import flat
from common.ntk.empirical import costs, ntk, ntk_vp
from common.ntk.jacobians import jacobians
from common.ntk.test_empirical import network, problem, reference


def mlp(params, x):
    for w in params[:-1]:
        x = jax.nn.relu(x @ w)
    return x @ params[-1]


def smooth(params, x):
    return jnp.tanh(x @ params[0]) @ params[1]


def convnet(params, x):
    x = x.reshape(len(x), 6, 6, 1)
    for kernel in params[:-1]:
        how = {"padding": "SAME", "dimension_numbers": ("NHWC", "HWIO", "NHWC")}
        x = jax.nn.relu(jax.lax.conv_general_dilated(x, kernel, (1, 1), **how))
    return x.mean((1, 2)) @ params[-1]


def table(params, x):
    """Only one row in 400 is read: products meet few of the parameters."""
    return params[0][jnp.floor(jnp.abs(x[:, 0])).astype(int)] @ params[1]


CASES = [
    (mlp, [(36, 48), (48, 48), (48, 6)], True, "structured"),
    (mlp, [(36, 48), (48, 48), (48, 6)], False, "structured"),
    (convnet, [(3, 3, 1, 8), (3, 3, 8, 8), (8, 6)], False, "structured"),
    (table, [(400, 6), (6, 6)], True, "products"),
]


@pytest.mark.parametrize(("apply", "shapes", "full", "best"), CASES)
def test_the_cheapest_method_by_xlas_own_count(apply, shapes, full, best):
    """The counts are within a factor of the compiler's, and order the methods as it does."""
    n = 24
    params = [jax.ShapeDtypeStruct(s, jnp.float32) for s in shapes]
    x1, x2 = (jax.ShapeDtypeStruct((m, 36), jnp.float32) for m in (n, n + 1))
    counted = costs(apply, params, x1, x2, full=full)
    measured = {}
    for method in counted:
        call = partial(ntk, apply, full=full, method=method)
        measured[method] = jax.jit(call).lower(params, x1, x2).cost_analysis()["flops"]
    assert min(counted, key=lambda m: counted[m].flops) == best
    assert measured[best] <= 1.05 * min(measured.values())
    if apply is not table:
        for method, flops in measured.items():
            assert 0.5 < counted[method].flops / flops < 1.6, method


def test_memory_of_the_jacobians_is_bounded():
    shapes = [(64, 512), (512, 512), (512, 4)]
    params = [jax.ShapeDtypeStruct(s, jnp.float32) for s in shapes]
    x = jax.ShapeDtypeStruct((64, 64), jnp.float32)
    most = 2**26
    whole = 64 * costs(mlp, params, x)["jacobian"].bytes
    assert whole > 4 * most
    temporary = {}
    for memory in (most, 2**30):
        call = partial(ntk, mlp, method="jacobian", memory=memory)
        compiled = jax.jit(call).lower(params, x).compile()
        temporary[memory] = compiled.memory_analysis().temp_size_in_bytes
    assert temporary[2**30] > 0.8 * whole
    assert temporary[most] < 2.2 * most  # the compiler may hold a transposed copy


def test_products_with_vectors_and_their_lanczos():
    with jax.enable_x64(True):
        params, x1, x2 = problem()
        dense = reference(network, params, x1, x2)
        v = jax.random.normal(jax.random.key(3), (5, 2))
        got = jax.jit(lambda p: ntk_vp(network, p, x1, x2)(v))(params)
        np.testing.assert_allclose(got, jnp.einsum("nmoq,mq->no", dense, v), rtol=1e-11)

        @jax.jit
        def top(params):
            matvec, size, _ = flat(ntk_vp(network, params, x1), jnp.zeros((7, 2)))
            return eigsh(jax.random.key(4), matvec, size, steps=14, k=3).values

        square = reference(network, params, x1, x1).swapaxes(1, 2).reshape(14, 14)
        np.testing.assert_allclose(top(params), jnp.linalg.eigvalsh(square)[:-4:-1], rtol=1e-10)


def small():
    keys = jax.random.split(jax.random.key(5), 3)
    params = [jax.random.normal(k, s) for k, s in zip(keys, [(3, 4), (4, 2)], strict=False)]
    return params, jax.random.normal(keys[2], (19, 3))


def test_an_ensemble_and_a_derivative():
    """Under vmap and grad, also in blocks: the kernel of every member, and d Theta / d params."""
    with jax.enable_x64(True):
        params, x = small()
        few = 4 * costs(smooth, params, x)["structured"].bytes

        def total(scale, memory):
            moved = jax.tree.map(lambda a: scale * a, params)
            return ntk(smooth, moved, x[:3], method="structured", memory=memory).sum()

        both = jax.jit(jax.vmap(jax.value_and_grad(total), (0, None)), static_argnums=1)
        scales = jnp.array([0.5, 1.0, 1.0 + 1e-5, 1.0 - 1e-5])
        values, slopes = both(scales, 2**20)
        for a, b in zip(both(scales, few), (values, slopes), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11)
        np.testing.assert_allclose(slopes[1], (values[2] - values[3]) / 2e-5, rtol=1e-8)


def test_mistakes_are_told():
    params, x = small()
    with pytest.raises(ValueError, match="none of structured"):
        ntk(smooth, params, x, method="fast")
    with pytest.raises(ValueError, match="two examples take"):
        ntk(smooth, params, x, memory=10)
    with pytest.raises(ValueError, match="not finite, most of all in row 2"):
        ntk(lambda p, x: x @ p, params[0], x[:4].at[2].set(jnp.inf))


def test_jacobians_of_dense_layers_are_outer_products():
    params, x, _ = problem()
    factors = jax.jit(partial(jacobians, network))(params, x)
    vector, unravel = ravel_pytree(params)
    dense = jax.jit(jax.jacrev(lambda v: network(unravel(v), x)))(vector)
    k = sorted(params).index("w")
    want = jax.vmap(jax.vmap(lambda row: unravel(row)["w"]))(dense)
    got = jnp.einsum("nk,nom->nokm", factors.inputs[-1], factors.signals[-1])
    assert k == len(params) - 1
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


EIGHT = """
import jax, jax.numpy as jnp, numpy as np
from common.ntk.empirical import ntk, costs
from common.ntk.test_costs import small, smooth
from common.sharding import gather, make_mesh
assert jax.device_count() == 8
mesh = make_mesh()
params, x1 = small()
few = 4 * costs(smooth, params, x1)["structured"].bytes
for others in (None, x1[:5]):
    for full, memory in ((False, 2**20), (True, 2**20), (False, few)):
        how = {"full": full, "memory": memory}
        want = jax.jit(lambda p, a, b: ntk(smooth, p, a, b, **how))(params, x1, others)
        split = jax.jit(lambda p, a, b: ntk(smooth, p, a, b, mesh=mesh, **how))
        got = split(params, x1, others)
        np.testing.assert_allclose(gather(got), want, rtol=2e-5, atol=1e-5)
even = jax.jit(lambda p, a: ntk(smooth, p, a, mesh=mesh))(params, x1[:16])
assert even.addressable_shards[0].data.shape == (2, 16), even.sharding
"""


def test_rows_split_over_8_devices():
    root = Path(__file__).parents[2]
    env = os.environ | {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
        "PJRT_NPROC": "32",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(root),
        "JAX_COMPILATION_CACHE_DIR": str(jax.config.jax_compilation_cache_dir),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.05",
    }
    command = [sys.executable, "-P", "-c", EIGHT]
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
