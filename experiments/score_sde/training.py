"""One step of denoising score matching with Adam and an average of the weights (eq. 7).

Shapes: B batch, H x W x C pixels; n images of the data set.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from common.sde import processes

from . import loss


class Net(NamedTuple):
    """A network that predicts the noise: z = apply(params, x, embed(params, t))."""

    init: Callable
    embed: Callable
    apply: Callable


class State(NamedTuple):
    params: Any
    average: Any  # exponential moving average of params
    opt: Any
    key: Any  # the key's integers


def score_of(net: Net, sde, params):
    """(score(x, tau), embed(t)): s = -z / std, with all that depends on t alone in `embed`."""

    def embed(t):
        return sde.marginal(t)[1], net.embed(params, t)

    def score(x, tau):
        std, features = tau
        return -net.apply(params, x, features) / processes.expand(std, x)

    return score, embed


def optimiser(lr, warmup, clip):
    """Adam with linear warm-up and clipping by the global norm, as in the paper."""
    adam = optax.adam(optax.linear_schedule(0.0, lr, warmup), eps=1e-8)
    clipped = optax.chain(optax.clip_by_global_norm(clip), adam)
    return optax.flatten(clipped)  # one vector: fewer kernels to compile and to start


def begin(key, net: Net, tx) -> State:
    init_key, key = jax.random.split(key)
    params = net.init(init_key)
    return State(params, params, tx.init(params), jax.random.key_data(key))


def step(state: State, i, images, *, net: Net, sde, tx, batch, levels, ema, place, place_weights):
    """Step i on a random batch of images [n, H, W, C] -> (state, loss []).

    `place(x, *axes)` and `place_weights(tree)` say how a batch and a gradient lie on the mesh.
    """
    key = jax.random.fold_in(jax.random.wrap_key_data(state.key), i)
    draw, noise, diffuse = jax.random.split(key, 3)
    chosen = images[jax.random.randint(draw, (batch,), 0, len(images))]
    x0 = place(loss.dequantise(noise, chosen, levels), "data")

    def objective(params):
        score, embed = score_of(net, sde, params)
        return loss.dsm_loss(diffuse, sde, lambda x, t: score(x, embed(t)), x0)

    value, grad = jax.value_and_grad(objective)(state.params)
    updates, opt = tx.update(place_weights(grad), state.opt, state.params)
    params = optax.apply_updates(state.params, updates)
    decay = jnp.minimum(ema, (1.0 + i) / (10.0 + i))  # else the random start weighs too long
    average = optax.incremental_update(params, state.average, 1.0 - decay)
    return State(params, average, opt, state.key), value


def steps(state: State, first, images, *, count, **how):
    """`count` steps from number `first` on; `how` as in step.  -> (state, their mean loss [1])"""
    numbers = first + jnp.arange(count)
    state, values = jax.lax.scan(lambda s, i: step(s, i, images, **how), state, numbers)
    return state, values.mean(keepdims=True)
