"""Algorithm 1: Halpern iteration with a recursive (PAGE) estimate of the operator.

u_{k+1} = lambda_k u_0 + (1 - lambda_k) (u_k - eta F~_k), lambda_k = 2 / (k + 4); with probability
p_k F~_k = F(u_k), else F~_k = F~_{k-1} + mean over a batch of F_i(u_k) - F_i(u_{k-1}).

Shapes: D unknowns, B places for a batch, of which ceil(sqrt n) are taken.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .operators import FiniteSum


class Method(NamedTuple):
    """Numbers, so that one program serves all methods."""

    step: float  # eta L
    exact: bool  # F itself at every step: Halpern's iteration
    recursive: bool  # PAGE; False: a fresh mini-batch at every step, no variance reduction


class State(NamedTuple):
    """k, u_k and what was known before it."""

    k: jax.Array
    u: jax.Array  # u_k [D]
    before: jax.Array  # u_{k-1} [D]
    operator: jax.Array  # F(u_{k-1}) [D], outside of what is counted
    estimate: jax.Array  # F~_{k-1} [D]
    spent: jax.Array  # evaluations of components


class Seen(NamedTuple):
    place: jax.Array  # two coordinates of u_k, of a game one of each player
    residual: jax.Array  # |F(u_k)|
    estimate: jax.Array  # |F~_k|
    error: jax.Array  # |F~_k - F(u_k)|
    spent: jax.Array  # up to F~_k


def anchor(k):
    """lambda_k."""
    return 2 / (k + 4)


def refresh(k, n):
    """p_k = 4 / (min(k, sqrt n) + 5)."""
    return 4 / (jnp.minimum(k, jnp.sqrt(n)) + 5)


def start(u0) -> State:
    """u0 [..., D]; the first step takes F itself."""
    count, none = np.zeros(u0.shape[:-1], int), np.zeros_like(u0)
    return State(count, u0, u0, none, none, count)


def step(f: FiniteSum, method: Method, numbers, u0, state: State) -> State:
    """F~_k, and with it u_{k+1}.  uniform numbers [K, 1 + B] for all steps, u0 [D]"""
    k, u, operator = state.k, state.u, f.mean(state.u)
    coin, places = numbers[k, 0], numbers[k, 1:]
    batch = jnp.ceil(jnp.sqrt(f.count))
    i = (places * f.count).astype(int)
    share = (jnp.arange(len(i)) < batch) / batch
    again = (k == 0) | (coin < refresh(k, f.count))
    full = method.exact | (method.recursive & again)
    recursion = state.estimate + share @ f.changes(i, u, state.before)
    batched = jnp.where(method.recursive, recursion, share @ f.components(i, u))
    cost = jnp.where(method.recursive, 2, 1) * batch.astype(int)
    estimate = jnp.where(full, operator, batched)
    spent = state.spent + jnp.where(full, f.count, cost)
    weight, eta = anchor(k), method.step / f.lipschitz
    ahead = weight * u0 + (1 - weight) * (u - eta * estimate)
    return State(k + 1, ahead, u, operator, estimate, spent)


def look(state: State) -> Seen:
    size = jnp.linalg.norm
    error = size(state.estimate - state.operator)
    place = state.before[:: len(state.before) // 2]
    return Seen(place, size(state.operator), size(state.estimate), error, state.spent)
