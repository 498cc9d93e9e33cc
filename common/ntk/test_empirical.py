"""Empirical kernels against dense Jacobians, finite differences, closed forms and XLA's counts."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from common.ntk.empirical import METHODS, costs, ntk
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
