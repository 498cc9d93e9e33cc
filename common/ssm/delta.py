"""The delta rule and products of Householder matrices (DeltaNet, DeltaProduct), gated or not.

S_t = g_t (I - beta_t k_t k_t^T) S_(t-1) + beta_t k_t v_t^T,   o_t = S_t^T q_t

one step of gradient descent on |S^T k - v|^2 / 2 (Schlag et al. 2021, 2102.11174); DeltaProduct
takes several a token (Siems et al. 2025, 2502.10297). Where |k| = 1, beta = 2 is a reflection.

Shapes: T steps, K keys, V values; ... any leading axes (batch, heads), the same for all.
"""

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import at_least, real_arrays

Array = jax.Array


def delta_rule(
    q: Array,
    k: Array,
    v: Array,
    beta: Array,
    *,
    log_gate: Array | None = None,
    start: Array | None = None,
    chunk: int = 0,
) -> tuple[Array, Array]:
    """Outputs [..., T, V] and the last state [..., K, V].

    q, k [..., T, K], v [..., T, V], beta [..., T], log_gate [..., T] (0 or below), start
    [..., K, V]. One step after the other, or with `chunk`, which divides T, so many at once by
    products of matrices (the WY form of a product of Householder matrices): the same numbers.
    """
    q, k, v, beta = real_arrays(q=q, k=k, v=v, beta=beta)
    sizes = shapes.check("k", k, "... T K")
    at_least(1, **{"number of steps T of k": sizes["T"]})
    shapes.check("q", q, "... T K", sizes)
    sizes |= shapes.check("v", v, "... T V", {"T": sizes["T"]})
    shapes.check("beta", beta, "... T", {"T": sizes["T"]})
    at_least(0, chunk=chunk)
    if chunk and sizes["T"] % chunk:
        raise ValueError(f"chunk={chunk} does not divide {sizes['T']} steps")
    if start is None:
        start = jnp.zeros((*k.shape[:-2], sizes["K"], sizes["V"]), v.dtype)
    log_gate = jnp.zeros_like(beta) if log_gate is None else log_gate
    start, log_gate = real_arrays(start=start, log_gate=log_gate)
    shapes.check("start", start, "... K V", {"K": sizes["K"], "V": sizes["V"]})
    shapes.check("log_gate", log_gate, "... T", {"T": sizes["T"]})
    size = chunk or 1
    parts = [jnp.moveaxis(_split(x, size, -2), -3, 0) for x in (q, k, v)]
    parts += [jnp.moveaxis(_split(x, size, -1), -2, 0) for x in (beta, log_gate)]
    state, outputs = jax.lax.scan(_together if chunk else _alone, start, tuple(parts))
    outputs = jnp.moveaxis(outputs, 0, -3)
    return outputs.reshape(*outputs.shape[:-3], sizes["T"], sizes["V"]), state


def _split(x, size, axis):
    axis = x.ndim + axis
    return x.reshape(*x.shape[:axis], x.shape[axis] // size, size, *x.shape[axis + 1 :])


def _alone(state, part):
    """One step.  -> state, outputs [..., 1, V]"""
    q, k, v, beta, log_gate = part
    state = jnp.exp(log_gate)[..., None] * state
    wanted = beta[..., None] * (v - k @ state)  # [..., 1, V]
    state = state + jnp.swapaxes(k, -1, -2) * wanted
    return state, q @ state


def _together(state, part):
    """A chunk: u_t = beta_t (v_t - k_t^T S before it), a unit triangle's solution for all t.

    With G_t the product of gates up to t, S_t = G_t S_0 + sum_(s <= t) G_t / G_s k_s u_s^T.
    """
    q, k, v, beta, log_gate = part
    total = jnp.cumsum(log_gate, axis=-1)
    size = total.shape[-1]
    later = jnp.tril(jnp.ones((size, size), bool))
    apart = jnp.where(later, total[..., :, None] - total[..., None, :], -jnp.inf)
    ratio = jnp.exp(apart)  # at most 1
    keys = jnp.swapaxes(k, -1, -2)
    decayed = jnp.exp(total)[..., None]
    left = beta[..., None] * jnp.tril((k @ keys) * ratio, -1) + jnp.eye(size, dtype=v.dtype)
    right = beta[..., None] * (v - decayed * (k @ state))
    u = jax.scipy.linalg.solve_triangular(left, right, lower=True, unit_diagonal=True)
    outputs = decayed * (q @ state) + ((q @ keys) * ratio) @ u
    last = jnp.exp(total[..., -1:] - total)[..., None]
    return decayed[..., -1:, :] * state + keys @ (last * u), outputs


def delta_product(q: Array, k: Array, v: Array, beta: Array, **options) -> tuple[Array, Array]:
    """n steps of the delta rule a token, whose last one is asked.  -> as delta_rule

    q [..., T, K], k [..., T, n, K], v [..., T, n, V], beta [..., T, n]; log_gate [..., T] acts once
    a token, `chunk` counts steps.
    """
    q, k, v, beta = real_arrays(q=q, k=k, v=v, beta=beta)
    sizes = shapes.check("k", k, "... T n K")
    at_least(1, **{"number of steps T of k": sizes["T"], "n of k": sizes["n"]})
    shapes.check("q", q, "... T K", {"T": sizes["T"], "K": sizes["K"]})
    shapes.check("v", v, "... T n V", {"T": sizes["T"], "n": sizes["n"]})
    shapes.check("beta", beta, "... T n", {"T": sizes["T"], "n": sizes["n"]})
    n = sizes["n"]
    asked = jnp.zeros_like(k).at[..., -1, :].set(q)
    gate = options.pop("log_gate", None)
    if gate is not None:
        gate = jnp.zeros_like(beta).at[..., 0].set(gate)
        options["log_gate"] = gate.reshape(*gate.shape[:-2], -1)
    asked, k, v = (x.reshape(*x.shape[:-3], sizes["T"] * n, x.shape[-1]) for x in (asked, k, v))
    outputs, state = delta_rule(asked, k, v, beta.reshape(*beta.shape[:-2], -1), **options)
    return outputs[..., n - 1 :: n, :], state
