"""Sequence models of mixers: a block (norm, mixer, GLU), blocks in depth, inputs to outputs.

All are mixers themselves: they have a form for whole sequences and one for a step.

Shapes: T steps, D channels, I inputs, O outputs; ... any leading axes.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from common.nn import layers
from common.reals import at_least
from common.ssm.mixers import Mixer

Array = jax.Array


def block(
    mixer: Mixer, width: int, *, norm: Callable = layers.rms_norm, dtype: Any = float
) -> Mixer:
    """u + GLU(GELU(mixer(norm(u)))), GLU(h) = (W h) sigmoid(V h): the block of S4 and S5, pre-norm.

    norm(x, scale): `layers.rms_norm` or `layers.layer_norm`.
    """
    at_least(1, width=width)

    def init(key):
        first, second = jax.random.split(key)
        wanted = dict.fromkeys(("value", "gate"), ((width, width), width ** (-0.5)))
        glu = layers.normals(second, wanted, dtype)
        return {"mixer": mixer.init(first), "norm": jnp.ones(width, dtype)} | glu

    def after(params, u, y):
        y = jax.nn.gelu(y)
        return u + (y @ params["value"]) * jax.nn.sigmoid(y @ params["gate"])

    def apply(params, u):
        return after(params, u, mixer.apply(params["mixer"], norm(u, params["norm"])))

    def begin(params, lead=()):
        return mixer.begin(params["mixer"], lead)

    def step(params, state, u):
        state, y = mixer.step(params["mixer"], state, norm(u, params["norm"]))
        return state, after(params, u, y)

    return Mixer(init, apply, begin, step)


def stack(one: Mixer, depth: int) -> Mixer:
    """`depth` of them in a row, with parameters of their own, compiled once: a scan over depth."""
    at_least(1, depth=depth)

    def init(key):
        return jax.vmap(one.init)(jax.random.split(key, depth))

    def apply(params, u):
        return jax.lax.scan(lambda u, p: (one.apply(p, u), None), u, params)[0]

    def begin(params, lead=()):
        return jax.vmap(lambda p: one.begin(p, lead))(params)

    def step(params, state, u):
        def through(u, layer):
            state, y = one.step(*layer, u)
            return y, state

        y, state = jax.lax.scan(through, u, (params, state))
        return state, y

    return Mixer(init, apply, begin, step)


def model(
    mixer: Mixer,
    width: int,
    inputs: int,
    outputs: int,
    *,
    norm: Callable = layers.rms_norm,
    dtype: Any = float,
) -> Mixer:
    """outputs of norm(mixer(inputs)), linear maps at both ends.  [..., T, I] -> [..., T, O]

    A class of the whole sequence: the mean of the outputs over T. Tokens: `jax.nn.one_hot`.
    """
    at_least(1, width=width, inputs=inputs, outputs=outputs)

    def init(key):
        first, second = jax.random.split(key)
        wanted = {"in": ((inputs, width), inputs**-0.5), "out": ((width, outputs), width**-0.5)}
        ends = layers.normals(second, wanted, dtype)
        return {"mixer": mixer.init(first), "norm": jnp.ones(width, dtype)} | ends

    def after(params, y):
        return norm(y, params["norm"]) @ params["out"]

    def apply(params, u):
        return after(params, mixer.apply(params["mixer"], u @ params["in"]))

    def begin(params, lead=()):
        return mixer.begin(params["mixer"], lead)

    def step(params, state, u):
        state, y = mixer.step(params["mixer"], state, u @ params["in"])
        return state, after(params, y)

    return Mixer(init, apply, begin, step)
