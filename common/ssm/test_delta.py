"""The delta rule against products of matrices, and its two forms against each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from common.ssm import delta


def draw(length=24, k=5, v=3, lead=(2, 4), seed=0):
    rng = np.random.default_rng(seed)
    keys = rng.normal(size=(*lead, length, k))
    keys /= np.linalg.norm(keys, axis=-1, keepdims=True)
    q, values = rng.normal(size=(*lead, length, k)), rng.normal(size=(*lead, length, v))
    beta, gate = rng.uniform(0, 2, (*lead, length)), -rng.exponential(0.1, (*lead, length))
    return tuple(map(jnp.asarray, (q, keys, values, beta))), jnp.asarray(gate)


def test_the_state_is_the_product_of_its_matrices():
    """S_T = sum_t (prod_(s > t) A_s) beta_t k_t v_t^T + prod A S_0, by dense matrices."""
    with jax.enable_x64(True):
        (q, k, v, beta), gate = draw(lead=(), length=7)
        start = jnp.ones((5, 3))
        outputs, state = delta.delta_rule(q, k, v, beta, log_gate=gate, start=start)
        dense = np.asarray(start)
        for t in range(7):
            keep = np.exp(gate[t]) * (np.eye(5) - beta[t] * np.outer(k[t], k[t]))
            dense = keep @ dense + beta[t] * np.outer(k[t], v[t])
            np.testing.assert_allclose(outputs[t], dense.T @ q[t], atol=1e-12)
    np.testing.assert_allclose(state, dense, atol=1e-12)


@pytest.mark.parametrize(("wide", "tolerance"), [(False, 2e-4), (True, 1e-11)])
@pytest.mark.parametrize("chunk", [1, 6, 24])
def test_chunks_give_the_numbers_and_gradients_of_single_steps(wide, tolerance, chunk):
    with jax.enable_x64(wide):
        kind = jnp.float64 if wide else jnp.float32
        args, gate = jax.tree.map(lambda x: x.astype(kind), draw())

        def loss(args, gate, chunk):
            outputs, state = delta.delta_rule(*args, log_gate=gate, chunk=chunk)
            return jnp.sum(outputs**2) + jnp.sum(state**2), outputs

        slope = jax.grad(loss, argnums=(0, 1), has_aux=True)
        want, got = (jax.jit(lambda c=c: slope(args, gate, c))() for c in (0, chunk))
    for a, b in zip(*map(jax.tree.leaves, jax.device_get((want, got))), strict=True):
        np.testing.assert_allclose(b, a, atol=tolerance * np.abs(a).max())


def test_two_reflections_turn_a_plane():
    """beta = 2 and two unit keys at an angle: a rotation by twice of it, norms kept (Cartan)."""
    angle, turns = 2 * np.pi / 6, 1000
    keys = np.array([[1.0, 0], [np.cos(angle / 2), np.sin(angle / 2)]], np.float32)
    k = jnp.broadcast_to(jnp.asarray(keys), (turns, 2, 2))
    q = jnp.broadcast_to(jnp.eye(2)[0], (turns, 2))
    none, two = jnp.zeros((turns, 2, 1)), jnp.full((turns, 2), 2.0)
    outputs, state = delta.delta_product(q, k, none, two, start=jnp.eye(2)[:, :1], chunk=20)
    np.testing.assert_allclose(outputs[:, 0], np.cos(angle * np.arange(1, turns + 1)), atol=2e-4)
    assert float(jnp.linalg.norm(state)) == pytest.approx(1, abs=2e-5)


def test_a_token_of_one_step_is_the_delta_rule_and_gates_act_once_a_token():
    (q, k, v, beta), gate = draw(length=8)
    one = delta.delta_product(q, k[..., None, :], v[..., None, :], beta[..., None], log_gate=gate)
    for a, b in zip(one, delta.delta_rule(q, k, v, beta, log_gate=gate), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    twice = [jnp.stack([x, jnp.zeros_like(x)], axis=-2) for x in (k, v)]
    none = jnp.stack([beta, jnp.zeros_like(beta)], axis=-1)
    outputs, _ = delta.delta_product(q, *twice, none, log_gate=gate)
    np.testing.assert_allclose(outputs, one[0], atol=1e-6)


@pytest.mark.parametrize(("call", "word"), [
    (lambda a: delta.delta_rule(*a, chunk=5), "chunk"),
    (lambda a: delta.delta_rule(a[0], a[1], a[2][..., :3, :], a[3]), "v"),
    (lambda a: delta.delta_rule(*a, start=jnp.zeros((2, 4, 3, 3))), "start"),
    (lambda a: delta.delta_rule(*a, log_gate=jnp.zeros((2, 4, 3))), "log_gate"),
])  # fmt: skip
def test_what_is_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call(draw()[0])
