"""Adam on the loss from fresh batches: all eps of a seed side by side, on the same noise.

Shapes: E values of eps, K components, D dimensions, T records.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from common import loops

from . import potential
from .potential import Potential


class Study(NamedTuple):
    """What is trained, and how."""

    marginals: Callable  # see `problems`
    eps: tuple[float, ...]
    lrs: tuple[float, ...]  # of every eps
    components: int
    init_scale: float  # S at the start
    steps: int
    decay: bool  # of the step size, to 0 along a cosine; else constant
    batch: int
    coupling: float


class State(NamedTuple):
    theta: Potential  # [E, ...]
    opt: Any
    step: jax.Array


ADAM = optax.flatten(optax.scale_by_adam())  # one vector: fewer kernels


def begin(known, key, study: Study) -> State:
    """Centres at samples of p1, equal weights.  known: see `problems`"""
    eps = jnp.asarray(study.eps)
    _, r = study.marginals(known, key, eps, study.components)
    a = jnp.broadcast_to(-eps[:, None] * jnp.log(study.components), r.shape[:2])
    theta = Potential(a, r, jnp.full_like(r, jnp.log(study.init_scale)))
    return State(theta, ADAM.init(theta), jnp.zeros((), int))


def advance(known, key, state: State, strides, study: Study) -> tuple[State, Potential]:
    """On by strides [T] of steps.  -> state, potentials after each [T, E, ...]"""
    eps, lrs = jnp.asarray(study.eps), jnp.asarray(study.lrs)
    slope = jax.vmap(jax.grad(potential.loss), in_axes=(0, None, 0, 0, None))

    def step(state):
        draws = jax.random.fold_in(key, state.step)
        x, y = study.marginals(known, draws, eps, study.batch)
        grads = slope(state.theta, x, y, eps, study.coupling)
        moves, opt = ADAM.update(grads, state.opt)
        rate = lrs * rate_at(state.step / study.steps, study.decay)
        theta = jax.tree.map(lambda p, m: p - jax.vmap(jnp.multiply)(rate, m), state.theta, moves)
        return State(theta, opt, state.step + 1)

    return loops.trajectory(step, lambda state: state.theta, state, strides)


def rate_at(done, decay: bool):
    """Factor of the step size when `done` of the steps are made."""
    return 0.5 * (1 + jnp.cos(jnp.pi * done)) if decay else 1.0
