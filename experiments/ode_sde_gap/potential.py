"""The network of a potential u(x, t), whose gradient is the score; its two losses; Adam.

Shapes: B batch; x [B, 2], t [B]; W width.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from common.sde import processes

from . import fokker_planck

STEEP = 100.0  # softplus(100 z) / 100, nearly a ReLU (code)


class State(NamedTuple):
    params: Any
    opt: Any


def init(key, width):
    """Layers 3 -> W -> W -> W -> 1, entries uniform in +- 1 / sqrt(rows) as PyTorch's."""
    sizes = [3, width, width, width, 1]
    layers = []
    for k, n, m in zip(jax.random.split(key, 4), sizes[:-1], sizes[1:], strict=True):
        drawn = jax.random.uniform(k, ((n + 1) * m,), minval=-1.0) / n**0.5
        layers.append({"w": drawn[: n * m].reshape(n, m), "b": drawn[n * m :]})
    return layers


def potential(params, x, t):
    """u.  -> [B]"""
    h = jnp.concatenate([t[:, None], x], axis=1)
    for layer in params[:-1]:
        h = jax.nn.softplus(STEEP * (h @ layer["w"] + layer["b"])) / STEEP
    return (h @ params[-1]["w"] + params[-1]["b"])[:, 0]


def score(params, x, t):
    """grad_x u.  -> [B, 2]"""
    out, pull = jax.vjp(lambda x: potential(params, x, t), x)
    return pull(jnp.ones_like(out))[0]


def matching(params, key, sde, x0, end):
    """Mean of (s + z / std)^2 over both coordinates; t = end Beta(1, 2) + 1e-5.  -> []"""
    when, noise = jax.random.split(key)
    t = end * (1 - jnp.sqrt(jax.random.uniform(when, x0.shape[:1]))) + 1e-5
    x, z, std = processes.perturb(noise, sde, x0, t)
    return jnp.mean((score(params, x, t) + z / std) ** 2)


def begin(key, *, width, lr) -> State:
    params = init(key, width)
    return State(params, optax.adam(lr).init(params))


def steps(key, weight, state: State, first, stride, *, draw, sde, lr, batch, how, penalised):
    """`stride` steps from number `first` on -> (state, mean of the matching loss [1])

    Loss: matching + weight (R + BC); `how`: sizes of the penalty, left out unless `penalised`.
    """

    def step(i, carry):
        state, total = carry
        data, match, collocate = jax.random.split(jax.random.fold_in(key, first + i), 3)
        x0 = draw(data, batch)

        def loss(params):
            value = matching(params, match, sde, x0, sde.end)
            if not penalised:
                return value, value
            u = lambda x, t: potential(params, x, t)  # noqa: E731
            return value + weight * fokker_planck.penalty(u, collocate, end=sde.end, **how), value

        (_, value), grad = jax.value_and_grad(loss, has_aux=True)(state.params)
        updates, opt = optax.adam(lr).update(grad, state.opt)
        return State(optax.apply_updates(state.params, updates), opt), total + value

    state, total = jax.lax.fori_loop(0, stride, step, (state, jnp.zeros(())))
    return state, (total / jnp.maximum(stride, 1))[None]
