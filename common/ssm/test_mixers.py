"""Layers in their forms against each other, dense references, and what is told of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm

from common.nn import layers
from common.ssm import block, discrete, hippo, mixers, selective

WIDTH, T = 6, 24
MIXERS = {
    "s4d": lambda dtype, chunk: mixers.s4d(
        WIDTH, 8, kind="legs", rule=discrete.bilinear_diagonal, chunk=chunk, dtype=dtype
    ),
    "s5": lambda dtype, chunk: mixers.s5(WIDTH, 8, blocks=2, chunk=chunk, dtype=dtype),
    "s6": lambda dtype, chunk: mixers.s6(WIDTH, 5, rank=2, chunk=chunk, dtype=dtype),
    "delta": lambda dtype, chunk: mixers.delta_net(
        WIDTH, 2, 4, steps=3, top=2.0, chunk=chunk, dtype=dtype
    ),
}
MIXERS["model"] = lambda dtype, chunk: block.model(
    block.stack(block.block(mixers.s4d(WIDTH, 8, dtype=dtype), WIDTH, dtype=dtype), 3),
    WIDTH, WIDTH, 4, dtype=dtype,
)  # fmt: skip


def stepped(mixer, params, u):
    """One step after the other.  u [B, T, D]"""
    state = mixer.begin(params, u.shape[:1])
    advance = lambda state, u: mixer.step(params, state, u)  # noqa: E731
    return jnp.moveaxis(jax.lax.scan(advance, state, jnp.moveaxis(u, 1, 0))[1], 0, 1)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 2e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize("name", MIXERS)
def test_all_at_once_in_chunks_and_step_by_step(name, dtype, tolerance):
    with jax.enable_x64(dtype == np.float64):
        whole, parts = (MIXERS[name](dtype, chunk) for chunk in (0, 8))
        key = jax.random.key(3)
        params = whole.init(key)
        assert {x.dtype for x in jax.tree.leaves(params)} == {np.dtype(dtype)}
        u = jax.random.normal(key, (2, T, WIDTH), dtype)
        forms = whole.apply, parts.apply, lambda p, u: stepped(whole, p, u)
        size = lambda form: lambda p: jnp.sum(form(p, u) ** 2)  # noqa: E731
        found = [jax.jit(form)(params, u) for form in forms]
        slopes = [jax.tree.leaves(jax.jit(jax.grad(size(form)))(params)) for form in forms]
    assert found[0].dtype == dtype
    assert np.abs(found[0]).max() > 0.1
    for y, slope in zip(found[1:], slopes[1:], strict=True):
        np.testing.assert_allclose(y, found[0], atol=tolerance * np.abs(found[0]).max())
        for got, want in zip(slope, slopes[0], strict=True):
            np.testing.assert_allclose(got, want, atol=20 * tolerance * np.abs(want).max())


@pytest.mark.parametrize("name", MIXERS)
def test_the_future_is_not_seen(name):
    mixer = MIXERS[name](float, 0)
    params = mixer.init(jax.random.key(0))
    u = jax.random.normal(jax.random.key(1), (T, WIDTH))
    apply = jax.jit(mixer.apply)
    moved = apply(params, u.at[10:].add(1.0)) - apply(params, u)
    scale = np.abs(moved).max()
    assert np.abs(moved[:10]).max() < 1e-5 * scale


def test_s5_is_the_dense_model_of_legs_normal_part():
    """Held inputs through e^(step A) of the real matrix, whose eigenvectors s5 has."""
    with jax.enable_x64(True):
        mixer = mixers.s5(2, 6, steps=(0.05, 0.05))
        params = mixer.init(jax.random.key(0))
        wanted = {"b": ((1, 6, 2), 2**-0.5), "c": ((2, 1, 6), 6**-0.5), "skip": ((2,), 1.0)}
        drawn = layers.normals(jax.random.split(jax.random.key(0))[1], wanted)
        u = np.random.default_rng(0).normal(size=(16, 2))
        got = jax.jit(mixer.apply)(params, jnp.asarray(u))
    h = hippo.legs(6)
    normal = h.a + h.p @ h.p.T
    b, c = np.asarray(drawn["b"][0]), np.asarray(drawn["c"][:, 0])
    move = expm(0.05 * normal)
    gain = np.linalg.solve(normal, move - np.eye(6)) @ b
    x, want = np.zeros(6), []
    for v in u:
        x = move @ x + gain @ v
        want.append(c @ x + np.asarray(drawn["skip"]) * v)
    np.testing.assert_allclose(got, want, atol=1e-12)


def test_the_selective_scan_adds_up_or_forgets():
    """A = 0: a cumulative sum; delta -> infinity with B = 1 / delta: the last input alone."""
    rng = np.random.default_rng(0)
    u, ones = jnp.asarray(rng.normal(size=(7, 3))), jnp.ones((7, 1))
    y, last = selective.selective_scan(u, jnp.full((7, 3), 0.5), jnp.zeros((3, 1)), ones, 2 * ones)
    np.testing.assert_allclose(y, np.cumsum(u, axis=0), rtol=1e-5)
    np.testing.assert_allclose(last[:, 0], 0.5 * np.sum(u, axis=0), rtol=1e-5)
    far = jnp.full((7, 3), 1e3)
    y, _ = selective.selective_scan(u, far, -jnp.ones((3, 1)), ones / 1e3, ones)
    np.testing.assert_allclose(y, u, rtol=1e-6)


def test_the_selective_scan_converges_to_its_equation():
    """x' = -a x + u(t) with a small step: first order in it, as Euler's rule for B is."""
    errors = []
    for n in (200, 400):
        t = jnp.arange(1, n + 1)[:, None] / n
        step = jnp.full((n, 1), 1 / n)
        y, _ = selective.selective_scan(t, step, jnp.full((1, 1), -2.0), t**0, t**0)
        errors.append(float(abs(y[-1, 0] - (2 - 1 + np.exp(-2)) / 4)))  # of x' = -2 x + t
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.02)


def test_a_chunked_selective_scan_holds_less_for_its_gradient():
    """[T, D, N] of states once and not thrice: temporary bytes of the compiled gradient."""
    shape, states = (4096, 16), 32

    def bytes_of(chunk):
        def loss(u):
            weights = jnp.ones((shape[0], states))
            a = -jnp.ones((shape[1], states))
            return selective.selective_scan(u, 0.1 * u**2, a, weights, weights, chunk=chunk)[
                0
            ].sum()

        compiled = jax.jit(jax.grad(loss)).lower(jnp.ones(shape)).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert bytes_of(64) < bytes_of(0) / 8


def test_a_block_without_its_gate_is_the_identity_and_depth_composes():
    mixer = block.block(MIXERS["s4d"](float, 0), WIDTH)
    params = mixer.init(jax.random.key(0))
    u = jax.random.normal(jax.random.key(1), (T, WIDTH))
    closed = params | {"value": jnp.zeros((WIDTH, WIDTH))}
    np.testing.assert_array_equal(mixer.apply(closed, u), u)
    deep = block.stack(mixer, 2)
    both = deep.init(jax.random.key(2))
    one, two = (jax.tree.map(lambda x, i=i: x[i], both) for i in range(2))
    np.testing.assert_allclose(
        deep.apply(both, u), mixer.apply(two, mixer.apply(one, u)), atol=1e-6
    )


def test_what_the_blocks_keep_in_size():
    """norm makes every token of root mean square 1, mean 0 by layer_norm."""
    x = 3 + 5 * jax.random.normal(jax.random.key(0), (4, 64))
    by_rms, by_layer = (f(x, jnp.ones(64)) for f in (layers.rms_norm, layers.layer_norm))
    np.testing.assert_allclose(np.mean(by_rms**2, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.mean(by_layer, axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(np.var(by_layer, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(("call", "word"), [
    (lambda: mixers.s4d(4, 7), "even"),
    (lambda: mixers.s4d(0, 8), "width"),
    (lambda: mixers.s5(4, 8, blocks=3), "blocks=3"),
    (lambda: mixers.s6(4, 0), "states"),
    (lambda: mixers.delta_net(4, 0, 2), "heads"),
    (lambda: block.stack(mixers.s4d(4, 8), 0), "depth"),
    (lambda: selective.selective_scan(*[jnp.ones((4, 2))] * 2, jnp.ones((2, 3)),
                                      *[jnp.ones((4, 3))] * 2, chunk=3), "chunk=3"),
    (lambda: selective.selective_scan(*[jnp.ones((4, 2))] * 2, jnp.ones((3, 3)),
                                      *[jnp.ones((4, 3))] * 2), "a must"),
    (lambda: layers.rms_norm(jnp.ones((2, 3)), jnp.ones(2)), "x must"),
])  # fmt: skip
def test_what_is_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call()
