"""Empirical kernels against dense Jacobians, finite differences, closed forms and XLA's counts."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from common.curvature.lanczos import eigsh
from common.curvature.products import flat
from common.ntk.empirical import METHODS, costs, ntk, ntk_vp
from common.ntk.jacobians import jacobians
from common.ntk.structure import dense_layers


def network(params, x):
    """Dense layers of three kinds, a bias, a convolution."""
    h = jnp.tanh(x @ (params["w"] / jnp.sqrt(3)) + params["b"])
    h = jax.nn.relu(jnp.einsum("nk,mk->nm", h, params["u"]))
    h = jax.lax.conv_general_dilated(h[:, None], params["c"], (1,), "SAME")[:, 0]
    return h @ params["v"].T * 0.7


def problem(examples=7, others=5):
    keys = jax.random.split(jax.random.key(0), 6)
    shapes = {"w": (3, 4), "u": (5, 4), "v": (2, 5), "c": (1, 1, 3), "b": (4,)}
    drawn = {n: jax.random.normal(k, s) for k, (n, s) in zip(keys, shapes.items(), strict=False)}
    return drawn, *(jax.random.normal(keys[5], (n, 3)) for n in (examples, others))


def reference(apply, params, x1, x2):
    """[n, n', O, O] from jax.jacrev of all outputs in the flat parameters."""
    vector, unravel = ravel_pytree(params)

    @jax.jit
    def dense(x):
        return jax.jacrev(lambda v: apply(unravel(v), x))(vector)

    return jnp.einsum("nop,mqp->nmoq", dense(x1), dense(x2))


def traced(kernel):
    return jnp.trace(kernel, axis1=2, axis2=3) / kernel.shape[-1]


def smallest(apply, params, x, method, full=True):
    """Memory for blocks of two examples."""
    return 4 * costs(apply, params, x, full=full)[method].bytes


@pytest.mark.parametrize(
    ("method", "full", "blocked", "x64"),
    [(m, not blocked, blocked, True) for m in METHODS for blocked in (False, True)]
    + [("structured", True, True, True), ("structured", False, False, False)],
)
def test_kernels_are_those_of_the_dense_jacobian(method, full, blocked, x64):
    with jax.enable_x64(x64):
        params, x1, x2 = problem()
        memory = smallest(network, params, x1, method) if blocked else 2**20

        @jax.jit
        def both(params, x1, x2):
            how = {"full": full, "memory": memory, "method": method}
            return ntk(network, params, x1, **how), ntk(network, params, x1, x2, **how)

        for got, x in zip(both(params, x1, x2), (x1, x2), strict=True):
            dense = reference(network, params, x1, x)
            dense = dense if full else traced(dense)
            chex.assert_type(got, jnp.float64 if x64 else jnp.float32)
            assert jnp.abs(got - dense).max() < (1e-12 if x64 else 3e-6) * jnp.abs(dense).max()


def test_finite_differences():
    with jax.enable_x64(True):
        params, x, _ = problem(examples=4)
        params = {k: 0.5 * v for k, v in params.items()}
        vector, unravel = ravel_pytree(params)
        call = jax.jit(jax.vmap(lambda v: network(unravel(v), x)))
        step = 1e-5 * jnp.eye(vector.size)
        dense = (call(vector + step) - call(vector - step)) / 2e-5
        want = jnp.einsum("pno,pmq->nmoq", dense, dense)
        got = jax.jit(partial(ntk, network, full=True))(params, x)
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("method", [None, *METHODS])
def test_linear_network_in_closed_form(method):
    """f = V W x: Theta = (x . x') V V^T + (W x . W x') I."""
    with jax.enable_x64(True):
        key = jax.random.split(jax.random.key(1), 3)
        w, v, x = (jax.random.normal(k, s) for k, s in zip(key, [(4, 3), (2, 4), (6, 3)]))  # noqa: B905
        call = partial(ntk, lambda p, x: x @ p[0].T @ p[1].T, full=True, method=method)
        want = (x @ x.T)[..., None, None] * (v @ v.T)
        want += ((x @ w.T) @ (w @ x.T))[..., None, None] * jnp.eye(2)
        np.testing.assert_allclose(jax.jit(call)((w, v), x), want, rtol=1e-11, atol=1e-11)


def shared(params, x):
    """Tied weights, a weight on two positions of an example, and one inside a scan."""
    h = jnp.tanh(jnp.tanh(x @ params["tied"]) @ params["tied"])
    h = (h.reshape(-1, 2, 2) @ params["places"]).reshape(-1, 4)
    h = jax.lax.scan(lambda h, _: (jnp.sin(h @ params["loop"]), None), h, length=2)[0]
    return h @ params["once"]


def test_shared_weights_are_not_taken_for_dense_layers():
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(2), 5)
        names = {"tied": (4, 4), "places": (2, 2), "loop": (4, 4), "once": (4, 2)}
        params = {
            n: jax.random.normal(k, s) for k, (n, s) in zip(keys, names.items(), strict=False)
        }
        x = jax.random.normal(keys[4], (5, 4))
        names = [sorted(params)[d.leaf] for d in dense_layers(shared, params, x[:1])]
        assert names == ["once"]
        got = jax.jit(partial(ntk, shared, full=True, method="structured"))(params, x)
        want = reference(shared, params, x, x)
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-11)


def test_dense_layers_are_found_through_jit_scalings_and_transposes():
    params, x, _ = problem()
    for apply in (network, jax.jit(network)):
        found = [(sorted(params)[d.leaf], d.inputs) for d in dense_layers(apply, params, x[:1])]
        assert found == [("u", 4), ("v", 5), ("w", 3)]


def test_a_flax_module():
    nn = pytest.importorskip("flax.linen")

    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = nn.Conv(2, (3, 3))(x).reshape(len(x), -1)
            return nn.Dense(3)(nn.gelu(nn.Dense(4)(x)))

    x = jax.random.normal(jax.random.key(0), (4, 3, 3, 1))
    params = jax.jit(Net().init)(jax.random.key(1), x)
    assert len(dense_layers(Net().apply, params, x[:1])) == 2
    got = jax.jit(partial(ntk, Net().apply, full=True, method="structured"))(params, x)
    np.testing.assert_allclose(got, reference(Net().apply, params, x, x), rtol=1e-4, atol=1e-4)


def test_symmetric_positive_semidefinite_and_of_bounded_rank():
    """More examples than parameters of the one output."""
    with jax.enable_x64(True):
        params, x, _ = problem(examples=130)
        count = ravel_pytree(params)[0].size - params["v"][1].size
        one = lambda params, x: network(params, x)[:, :1]  # noqa: E731
        kernel = jax.jit(partial(ntk, one))(params, x)
        np.testing.assert_array_equal(kernel, kernel.T)
        values = jnp.linalg.eigvalsh(kernel)
        assert jnp.abs(values[:-count]).max() < 1e-12 * values[-1]
        assert values[-count // 2] > 1e-8 * values[-1]
        want = traced(reference(one, params, x, x))
        np.testing.assert_allclose(kernel, want, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("n", "outputs"), [(2100, 1), (90, 30)])
def test_strips_of_many_examples(n, outputs):
    """Enough examples that half of the symmetric product is left out; n = 4 strips and less."""
    with jax.enable_x64(True):
        w = jax.random.normal(jax.random.key(1), (3, outputs))
        x = jax.random.normal(jax.random.key(2), (n, 3))
        full = outputs > 1
        call = jax.jit(partial(ntk, lambda w, x: x @ w, full=full, method="jacobian"))
        want = (x @ x.T)[..., None, None] * jnp.eye(outputs) if full else x @ x.T
        np.testing.assert_allclose(call(w, x), want, rtol=1e-12, atol=1e-13)


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
from common.ntk.test_empirical import small, smooth
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
