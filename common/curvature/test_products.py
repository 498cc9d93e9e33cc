"""Products against jax.hessian, closed forms and each other."""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from common.curvature.dense import columns, dense
from common.curvature.products import (
    fisher_vp,
    flat,
    ggn_vp,
    hvp,
    mc_fisher_vp,
    restrict,
    select,
)


def model(params, batch):
    return jnp.tanh(batch["x"] @ params["w"]) @ params["v"] + params["b"]


def criterion(outputs, batch):
    return jnp.mean(jax.nn.logsumexp(outputs, -1) - (outputs * batch["y"]).sum(-1))


def loss(params, batch):
    return criterion(model(params, batch), batch)


def problem(examples=11):
    keys = jax.random.split(jax.random.key(0), 5)
    params = {
        "w": jax.random.normal(keys[0], (3, 4)),
        "v": jax.random.normal(keys[1], (4, 5)),
        "b": jax.random.normal(keys[2], (5,)),
    }
    y = jax.nn.one_hot(jax.random.randint(keys[3], (examples,), 0, 5), 5)
    return params, {"x": jax.random.normal(keys[4], (examples, 3)), "y": y}


def reference(fn, params):
    """jax.hessian of fn in the flat parameters."""
    vector, unravel = ravel_pytree(params)
    return jax.jit(jax.hessian(lambda v: fn(unravel(v))))(vector)


def matrix(make, params):
    """The dense matrix of the product that `make` builds at params."""

    @jax.jit
    def build(params):
        matvec, size, _ = flat(make(params), params)
        return dense(matvec, size, chunk=8)

    return build(params)


@pytest.mark.parametrize("x64", [False, True])
def test_hvp_is_the_dense_hessian(x64):
    with jax.enable_x64(x64):
        params, batch = problem()
        got = matrix(lambda p: hvp(loss, p, batch), params)
        chex.assert_type(got, jnp.float64 if x64 else jnp.float32)
        want = reference(lambda p: loss(p, batch), params)
        np.testing.assert_allclose(got, want, atol=1e-13 if x64 else 2e-6)


@pytest.mark.parametrize("chunk", [1, 4, 11, 50])
def test_chunked_products_equal_whole_ones(chunk):
    with jax.enable_x64(True):
        params, batch = problem()
        v = jax.tree.map(jnp.cos, params)
        for make in (
            lambda chunk: hvp(loss, params, batch, chunk=chunk)(v),
            lambda chunk: ggn_vp(model, criterion, params, batch, chunk=chunk)(v),
        ):
            parts, whole = jax.jit(lambda make=make: (make(chunk), make(None)))()
            chex.assert_trees_all_close(parts, whole, rtol=1e-12, atol=1e-14)


def test_chunk_must_be_positive():
    params, batch = problem()
    with pytest.raises(ValueError, match="chunk must be an integer of 1"):
        hvp(loss, params, batch, chunk=0)(params)


def test_ggn_is_the_sum_over_examples_of_jacobian_products():
    with jax.enable_x64(True):
        params, batch = problem()
        vector, unravel = ravel_pytree(params)
        J = jax.jacobian(lambda v: model(unravel(v), batch))(vector)  # [B, C, P]
        p = jax.nn.softmax(model(params, batch))
        B = jax.vmap(jnp.diag)(p) - p[:, :, None] * p[:, None, :]
        want = jnp.einsum("bcp,bcd,bdq->pq", J, B, J) / len(p)
        got = matrix(lambda p: ggn_vp(model, criterion, p, batch), params)
        np.testing.assert_allclose(got, want, atol=1e-14)
        assert jnp.linalg.eigvalsh(got)[0] > -1e-14


def test_hessian_is_gauss_newton_where_the_model_is_linear():
    with jax.enable_x64(True):
        params, batch = problem()
        linear = lambda p, b: b["x"] @ p["w"] @ jnp.ones((4, 5)) + p["b"]  # noqa: E731
        H = lambda p: hvp(lambda q, b: criterion(linear(q, b), b), p, batch)  # noqa: E731
        G = lambda p: ggn_vp(linear, criterion, p, batch)  # noqa: E731
        np.testing.assert_allclose(matrix(H, params), matrix(G, params), atol=1e-14)


def test_linear_regression_has_the_gram_matrix_as_hessian():
    with jax.enable_x64(True):
        x = jax.random.normal(jax.random.key(1), (20, 4))
        batch = (x, jnp.ones(20))
        fit = lambda w, b: jnp.mean((b[0] @ w - b[1]) ** 2) / 2  # noqa: E731
        got = dense(hvp(fit, jnp.zeros(4), batch, chunk=6), 4)
        np.testing.assert_allclose(got, x.T @ x / 20, atol=1e-14)


def test_tied_parameters():
    with jax.enable_x64(True):
        params = {"w": jax.random.normal(jax.random.key(2), (3, 3))}
        x = jax.random.normal(jax.random.key(3), (7, 3))
        tied = lambda p, b: jnp.mean((jnp.tanh(b @ p["w"]) @ p["w"].T - b) ** 2)  # noqa: E731
        got = matrix(lambda p: hvp(tied, p, x), params)
        np.testing.assert_allclose(got, reference(lambda p: tied(p, x), params), atol=1e-13)


def test_flax_parameters():
    import flax.linen as nn

    with jax.enable_x64(True):
        net = nn.Sequential([nn.Dense(4), nn.softplus, nn.Dense(2)])
        x = jax.random.normal(jax.random.key(4), (6, 3))
        params = jax.tree.map(jnp.float64, net.init(jax.random.key(5), x))
        square = lambda p, b: jnp.mean(jnp.asarray(net.apply(p, b)) ** 2)  # noqa: E731
        v = jax.tree.map(jnp.ones_like, params)
        chex.assert_trees_all_equal_structs(hvp(square, params, x)(v), params)
        got = matrix(lambda p: hvp(square, p, x), params)
        np.testing.assert_allclose(got, reference(lambda p: square(p, x), params), atol=1e-13)


def test_products_work_inside_jit_vmap_and_scan():
    params, batch = problem()

    @jax.jit
    def twice(params, v):
        product = hvp(loss, params, batch)
        return jax.lax.scan(lambda v, _: (product(v), None), v, length=2)[0]

    v = jax.tree.map(jnp.ones_like, params)
    product = jax.jit(hvp(loss, params, batch))
    chex.assert_trees_all_close(twice(params, v), product(product(v)), rtol=1e-4, atol=1e-5)
    many = jax.jit(jax.vmap(product))(jax.tree.map(lambda a: jnp.stack([a, 2 * a]), v))
    chex.assert_trees_all_close(many, jax.tree.map(lambda a: jnp.stack([a, 2 * a]), product(v)),
                                rtol=1e-4, atol=1e-5)  # fmt: skip


def test_dense_of_any_chunk_is_the_symmetric_part():
    A = jnp.arange(49.0).reshape(7, 7)
    for chunk in (1, 3, 7, 100):
        np.testing.assert_allclose(dense(lambda v: A @ v, 7, chunk=chunk), (A + A.T) / 2)


def test_columns_are_the_columns_asked_for():
    A = jnp.arange(49.0).reshape(7, 7)
    index = jnp.array([5, 0, 3])
    np.testing.assert_allclose(columns(lambda v: A @ v, 7, index, chunk=2), A[:, index].T)


def losses(params, batch):
    """Of every example [B]."""
    outputs = model(params, batch)
    return jax.nn.logsumexp(outputs, -1) - (outputs * batch["y"]).sum(-1)


def per_example(params, batch):
    """Gradients [B, P] of `losses`, one example at a time."""
    vector, unravel = ravel_pytree(params)
    one = jax.grad(lambda v, x: losses(unravel(v), jax.tree.map(lambda a: a[None], x))[0])
    return jnp.stack(
        [one(vector, jax.tree.map(lambda a, i=i: a[i], batch)) for i in range(len(batch["x"]))]
    )


@pytest.mark.parametrize("chunk", [None, 1, 4, 11, 50])
@pytest.mark.parametrize("centred", [False, True])
def test_fisher_and_gradient_covariance_of_per_example_gradients(chunk, centred):
    with jax.enable_x64(True):
        params, batch = problem()
        got = matrix(lambda p: fisher_vp(losses, p, batch, chunk=chunk, centred=centred), params)
        g = np.asarray(per_example(params, batch))
        want = np.cov(g.T, bias=True) if centred else g.T @ g / len(g)
        np.testing.assert_allclose(got, want, atol=1e-14)


def test_the_covariance_keeps_its_digits_behind_a_large_mean_gradient():
    """Gradients 1e4 + noise in float32: F - g g^T would lose all of the covariance 1e-2."""
    x = 1e4 + 0.1 * jax.random.normal(jax.random.key(0), (500, 1))
    product = fisher_vp(lambda w, b: b @ w, jnp.ones(1), x, centred=True)
    np.testing.assert_allclose(product(jnp.ones(1)), np.var(np.float64(x)), rtol=0.02)


def test_the_monte_carlo_fisher_tends_to_the_gauss_newton_matrix():
    """Targets drawn from the softmax: their Fisher has G as its mean (Martens 2020, section 9)."""
    with jax.enable_x64(True):
        params, batch = problem()

        def nll(outputs, targets):
            return jax.nn.logsumexp(outputs, -1) - (outputs * targets).sum(-1)

        def sample(key, outputs):
            return jax.nn.one_hot(jax.random.categorical(key, outputs), 5)

        G = matrix(lambda p: ggn_vp(model, criterion, p, batch), params)
        far = []
        for draws in (50, 5000):
            fisher = partial(mc_fisher_vp, jax.random.key(3), model, sample, nll, draws=draws)
            F = matrix(lambda p, fisher=fisher: fisher(p, batch), params)
            far.append(float(jnp.abs(F - G).max() / jnp.abs(G).max()))
        assert far[1] < 0.05 < 10 * far[1] < 3 * far[0] < 5
        part = matrix(lambda p: fisher(p, batch, chunk=3), params)
        np.testing.assert_allclose(part, F, atol=1e-14)


def test_a_summed_loss_over_chunks():
    with jax.enable_x64(True):
        params, batch = problem()
        total = lambda p, b: losses(p, b).sum()  # noqa: E731
        got = matrix(lambda p: hvp(total, p, batch, chunk=4, summed=True), params)
        np.testing.assert_allclose(got, reference(lambda p: total(p, batch), params), atol=1e-12)


def test_selected_leaves_and_a_subspace_are_parts_of_the_whole():
    with jax.enable_x64(True):
        params, batch = problem()
        H = reference(lambda p: loss(p, batch), params)
        part, whole = select(params, lambda path: path == "v")
        chex.assert_trees_all_equal(whole(part), params)
        got = matrix(lambda p: hvp(lambda q, b: loss(whole(q), b), p, batch), part)
        np.testing.assert_allclose(got, H[5:25, 5:25], atol=1e-13)  # leaves in order b, v, w
        U = jnp.linalg.qr(jax.random.normal(jax.random.key(1), (len(H), 3)))[0].T
        small = dense(restrict(lambda v: H @ v, U), 3)
        np.testing.assert_allclose(small, U @ H @ U.T, atol=1e-13)
        with pytest.raises(ValueError, match="their paths are b, v, w"):
            select(params, lambda path: "dense" in path)


def test_flat_casts_between_the_krylov_and_the_product_precision():
    with jax.enable_x64(True):
        params, batch = problem()
        params = jax.tree.map(jnp.float32, params)
        batch = jax.tree.map(jnp.float32, batch)
        matvec, size, _ = flat(hvp(loss, params, batch), params, dtype=jnp.float64)
        out = matvec(jnp.ones(size))
        chex.assert_type(out, jnp.float64)
        H = reference(lambda p: loss(p, batch), params)
        np.testing.assert_allclose(out, H.sum(1), atol=1e-5)


def test_a_zero_hessian_is_zero():
    product = hvp(lambda w, b: jnp.mean(b @ w), jnp.ones(3), jnp.ones((4, 3)))
    np.testing.assert_array_equal(dense(product, 3), np.zeros((3, 3)))


def test_many_chunks_of_16_bit_numbers_are_added_up_in_32():
    x = jax.random.normal(jax.random.key(2), (2048, 3))
    half = lambda p, b: 0.5 * jnp.mean((b.astype(p.dtype) @ p) ** 2)  # noqa: E731
    p = jnp.ones(3, jnp.bfloat16)
    got = hvp(half, p, x, chunk=1)(p)
    chex.assert_type(got, jnp.bfloat16)
    np.testing.assert_allclose(np.float32(got), np.float32(x.T @ (x @ p) / 2048), rtol=0.02)


def test_what_is_no_example_does_not_pass_for_one():
    weighted = lambda p, b: jnp.mean(b[1] * (b[0] @ p) ** 2)  # noqa: E731
    product = hvp(weighted, jnp.ones(4), (jnp.ones((8, 4)), 2.0), chunk=4)
    with pytest.raises(ValueError, match="close over what is no example"):
        product(jnp.ones(4))
    with pytest.raises(ValueError, match="leading axis"):
        hvp(weighted, jnp.ones(4), None, chunk=4)(jnp.ones(4))
    params, batch = problem()
    with pytest.raises(ValueError, match=r"must have shape \(11,\), not \(\)"):
        fisher_vp(lambda p, b: losses(p, b).mean(), params, batch)
    with pytest.raises(ValueError, match="share a path"):
        select({"a/b": 1.0, "a": {"b": 2.0}}, lambda path: True)
