"""Baselines on games: anchored extragradient on F, and stochastic descent-ascent.

Shapes: D unknowns.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .operators import FiniteSum


class State(NamedTuple):
    """Three runs side by side."""

    k: jax.Array
    slow: jax.Array  # [D], anchored extragradient with 1 / (4 L)
    fast: jax.Array  # [D], the same with 1 / L_F
    stochastic: jax.Array  # [D], descent-ascent with 1 / (4 L)


class Seen(NamedTuple):
    place: jax.Array  # (x_1, y_1) of the three [3, 2]
    residual: jax.Array  # |F| of them [3]


def start(u0) -> State:
    """u0 [..., D]"""
    return State(np.zeros(u0.shape[:-1], int), u0, u0, u0)


def step(f: FiniteSum, own, numbers, u0, state: State) -> State:
    """One step of all.  own: L_F, uniform numbers [K, ...] for all steps, u0 [D]"""
    small, number = 1 / (4 * f.lipschitz), numbers[state.k, :1]
    return State(
        state.k + 1,
        anchored(f, small, u0, state.k, state.slow),
        anchored(f, 1 / own, u0, state.k, state.fast),
        descent_ascent(f, small, number, state.stochastic),
    )


def anchored(f: FiniteSum, size, u0, k, u):
    """Fast extragradient (Lee & Kim 2021): |F(u_k)| <= 2 |u_0 - u*| / (size k), size <= 1 / L_F.

    Two evaluations of F.  u0, u [D] -> [D]
    """
    beta = 1 / (k + 1)
    pulled = u + beta * (u0 - u)
    half = pulled - (1 - beta) * size * f.mean(u)
    return pulled - size * f.mean(half)


def descent_ascent(f: FiniteSum, size, number, u):
    """u - size F_i(u), one component.  uniform number [1], u [D] -> [D]"""
    i = (number * f.count).astype(int)
    return u - size * f.components(i, u)[0]


def look(f: FiniteSum, state: State) -> Seen:
    u = jnp.stack([state.slow, state.fast, state.stochastic])
    return Seen(u[:, :: u.shape[1] // 2], jnp.linalg.norm(jax.vmap(f.mean)(u), axis=1))
