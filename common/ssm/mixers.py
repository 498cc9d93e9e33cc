"""Layers that mix a sequence over time, in their forms: all at once, and one step for generation.

S4D: one model a channel (Gu et al. 2022, 2206.11893), by its kernel. S5: one model for all channels
(Smith et al. 2023, 2208.04933), by a scan. S6: the selective scan (Gu & Dao 2023, 2312.00752).
Delta: DeltaNet and DeltaProduct (2406.06484, 2502.10297). What the field trains more slowly and
without decay, eigenvalues and steps, stands under "ssm" in the parameters.

Shapes: T steps, D channels, P pairs of states, N states, H heads; ... any leading axes.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import keys
from common.nn import layers
from common.reals import at_least
from common.ssm import delta, discrete, hippo, kernels, selective

Array = jax.Array


class Mixer(NamedTuple):
    """y = apply(params, u): what steps give one after the other from `begin` on."""

    init: Callable  # key -> params
    apply: Callable  # params, u [..., T, D] -> [..., T, D]
    begin: Callable  # params, leading axes -> state before the first step
    step: Callable  # params, state, u [..., D] -> state, y [..., D]


def s4d(
    width: int,
    states: int,
    *,
    kind: str = "lin",
    steps: tuple[float, float] = (1e-3, 1e-1),
    rule: Callable = discrete.zoh_diagonal,
    chunk: int = 0,
    dtype: Any = float,
) -> Mixer:
    """A diagonal model a channel, B = 1, its values those of `hippo.initial(kind, states)`.

    steps: between which the steps of the channels are drawn, evenly in the logarithm.
    chunk: by products in chunks of so many steps instead of an FFT, faster forward on a CPU.
    """
    at_least(1, width=width)
    values = hippo.initial(kind, states)
    shape = (width, states // 2)

    def init(key):
        first, second = jax.random.split(key)
        drawn = layers.normals(
            second, {"c": ((*shape, 2), 0.5**0.5), "skip": ((width,), 1.0)}, dtype
        )
        return {"ssm": _modes(first, values, shape, (width,), steps, dtype)} | drawn

    def parts(params):
        ssm = params["ssm"]
        log_a, gain = rule(_values(ssm), jnp.exp(ssm["log_step"])[:, None])
        return log_a, _complex(params["c"]) * gain

    def apply(params, u):
        v = jnp.swapaxes(u, -1, -2)
        log_a, c = parts(params)
        if chunk:
            y = kernels.chunked(log_a, c, v, chunk=chunk)
        else:
            y = kernels.convolve(kernels.vandermonde(log_a, c, u.shape[-2]), v)
        return jnp.swapaxes(y, -1, -2) + params["skip"] * u

    def begin(params, lead=()):
        return jnp.zeros((*lead, *shape), params["c"].dtype) + 0j

    def step(params, x, u):
        log_a, c = parts(params)
        x, y = kernels.step(log_a, c, x, u)
        return x, y + params["skip"] * u

    return Mixer(init, apply, begin, step)


def s5(
    width: int,
    states: int,
    *,
    blocks: int = 1,
    steps: tuple[float, float] = (1e-3, 1e-1),
    rule: Callable = discrete.zoh_diagonal,
    chunk: int = 0,
    dtype: Any = float,
) -> Mixer:
    """One model with as many inputs and outputs as channels, of `blocks` copies of LegS's normal
    part; B and C begin as real normal matrices (of variance 1 / fan-in) in its eigenvectors."""
    at_least(1, width=width, blocks=blocks)
    if states % (2 * blocks):
        raise ValueError(f"states={states} must be an even number for each of blocks={blocks}")
    each = hippo.diagonal(hippo.legs(states // blocks))
    values, pairs = np.tile(each.values, blocks), states // 2

    def init(key):
        first, second = jax.random.split(key)
        size = states // blocks
        drawn = layers.normals(second, {
            "b": ((blocks, size, width), width**-0.5),
            "c": ((width, blocks, size), states**-0.5),
            "skip": ((width,), 1.0),
        }, dtype)  # fmt: skip
        turn = each.vectors
        b = jnp.einsum("np,bnd->bpd", turn.conj(), drawn["b"]).reshape(pairs, width)
        c = jnp.einsum("dbn,np->dbp", drawn["c"], turn).reshape(width, pairs)
        ssm = _modes(first, values, (pairs,), (pairs,), steps, dtype) | {"b": _pair(b, dtype)}
        return {"ssm": ssm, "c": _pair(c, dtype), "skip": drawn["skip"]}

    def parts(params):
        ssm = params["ssm"]
        log_a, gain = rule(_values(ssm), jnp.exp(ssm["log_step"]))
        return log_a, gain[:, None] * _complex(ssm["b"]), _complex(params["c"])

    def apply(params, u):
        log_a, b, c = parts(params)  # real products: a complex one of a real u costs twice
        both = jnp.concatenate([b.real, b.imag])
        inputs = jnp.einsum("...td,pd->...pt", u, both)
        inputs = jax.lax.complex(*jnp.split(inputs, 2, axis=-2))
        x = kernels.linear(jnp.exp(log_a)[:, None], inputs, chunk=chunk)
        x = jnp.concatenate([x.real, x.imag], axis=-2)
        out = 2 * jnp.concatenate([c.real, -c.imag], axis=1)
        return jnp.einsum("...pt,dp->...td", x, out) + params["skip"] * u

    def begin(params, lead=()):
        return jnp.zeros((*lead, pairs), params["c"].dtype) + 0j

    def step(params, x, u):
        log_a, b, c = parts(params)
        x = jnp.exp(log_a) * x + u @ b.T
        return x, 2 * (x @ c.T).real + params["skip"] * u

    return Mixer(init, apply, begin, step)


def _modes(key, values, shape, step_shape, steps, dtype):
    """Eigenvalues -e^log_decay + i frequency, and the logarithms of steps."""
    low, high = map(math.log, steps)
    return {
        "log_decay": jnp.broadcast_to(jnp.log(-values.real), shape).astype(dtype),
        "frequency": jnp.broadcast_to(values.imag, shape).astype(dtype),
        "log_step": low + (high - low) * keys.uniform(key, step_shape, dtype),
    }


def _values(ssm):
    return jax.lax.complex(-jnp.exp(ssm["log_decay"]), ssm["frequency"])


def _complex(pair):
    """[..., 2] -> [...]: optimisers and checkpoints see real numbers."""
    return jax.lax.complex(pair[..., 0], pair[..., 1])


def _pair(x, dtype):
    return jnp.stack([x.real, x.imag], axis=-1).astype(dtype)


def s6(
    width: int,
    states: int,
    *,
    rank: int = 0,
    steps: tuple[float, float] = (1e-3, 1e-1),
    chunk: int = 0,
    dtype: Any = float,
) -> Mixer:
    """The selective scan with A = -1 .. -N in every channel, and B, C and the step linear in u.

    rank: of the step's matrix, width / 16 if 0.
    """
    rank = rank or -(-width // 16)
    at_least(1, width=width, states=states, rank=rank)
    low, high = map(math.log, steps)

    def init(key):
        first, second = jax.random.split(key)
        wanted = {
            "rank": ((width, rank), width**-0.5),
            "step": ((rank, width), rank**-0.5),
            "b": ((width, states), width**-0.5),
            "c": ((width, states), width**-0.5),
        }
        drawn = jnp.exp(low + (high - low) * keys.uniform(first, (width,), dtype))
        log_decay = jnp.broadcast_to(jnp.log(jnp.arange(1.0, states + 1)), (width, states))
        ssm = {
            "log_decay": log_decay.astype(dtype),
            "step_bias": drawn + jnp.log(-jnp.expm1(-drawn)),  # softplus gives the step drawn
        }
        return {"ssm": ssm, "skip": jnp.ones(width, dtype)} | layers.normals(second, wanted, dtype)

    def parts(params, u):
        ssm = params["ssm"]
        delta = jax.nn.softplus(u @ params["rank"] @ params["step"] + ssm["step_bias"])
        return delta, -jnp.exp(ssm["log_decay"]), u @ params["b"], u @ params["c"]

    def apply(params, u):
        y, _ = selective.selective_scan(u, *parts(params, u), chunk=chunk)
        return y + params["skip"] * u

    def begin(params, lead=()):
        return jnp.zeros((*lead, width, states), params["b"].dtype)

    def step(params, x, u):
        x, y = selective.selective_step(x, u, *parts(params, u))
        return x, y + params["skip"] * u

    return Mixer(init, apply, begin, step)


def delta_net(
    width: int,
    heads: int,
    head: int,
    *,
    steps: int = 1,
    top: float = 1.0,
    chunk: int = 0,
    dtype: Any = float,
) -> Mixer:
    """The delta rule, `steps` times a token (DeltaProduct); q and k of length 1 after SiLU.

    top: of beta = top sigmoid; 2 lets a step reflect, which permutations need. chunk: of tokens.
    """
    at_least(1, width=width, heads=heads, head=head, steps=steps)

    def init(key):
        sizes = {"q": heads * head, "k": heads * steps * head, "v": heads * steps * head,
                 "beta": heads * steps}  # fmt: skip
        wanted = {name: ((width, n), width**-0.5) for name, n in sizes.items()}
        wanted["out"] = ((heads * head, width), (heads * head) ** -0.5)
        return layers.normals(key, wanted, dtype)

    def parts(params, u):
        """q [..., H, T, K], k, v [..., H, T, n, K], beta [..., H, T, n] of u [..., T, D]"""
        q, k, v = (jax.nn.silu(u @ params[name]) for name in ("q", "k", "v"))
        beta = top * jax.nn.sigmoid(u @ params["beta"])
        q, beta = (x.reshape(*x.shape[:-1], heads, -1) for x in (q, beta))
        k, v = (x.reshape(*x.shape[:-1], heads, steps, head) for x in (k, v))
        q, k = (x * jax.lax.rsqrt(jnp.sum(x**2, -1, keepdims=True) + 1e-12) for x in (q, k))
        return [jnp.moveaxis(x, u.ndim - 1, u.ndim - 2) for x in (q, k, v, beta)]

    def run(params, state, u):
        y, state = delta.delta_product(*parts(params, u), start=state, chunk=chunk * steps)
        y = jnp.swapaxes(y, -2, -3)
        return state, y.reshape(*y.shape[:-2], -1) @ params["out"]

    def begin(params, lead=()):
        return jnp.zeros((*lead, heads, head, head), params["q"].dtype)

    def apply(params, u):
        return run(params, begin(params, u.shape[:-2]), u)[1]

    def step(params, state, u):
        q, k, v, beta = parts(params, u[..., None, :])
        y, state = delta.delta_product(q, k, v, beta, start=state)
        return state, y[..., 0, :].reshape(*u.shape[:-1], -1) @ params["out"]

    return Mixer(init, apply, begin, step)
