"""Algorithm 2: Halpern iteration on an inexact resolvent, solved with variance reduction.

u_{k+1} = lambda_k u_0 + (1 - lambda_k) v_k, lambda_k = 1 / (k + 2), v_k near J(u_k), the zero of
Phi(v) = v + eta F(v) - u_k, eta = sqrt(n) / (2 L); (u_k - J(u_k)) / eta = F(J(u_k)).

Shapes: D unknowns, K outer iterations.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import keys

from .operators import FiniteSum

BLOCK = 64  # inner turns that draw their random numbers together


class State(NamedTuple):
    k: jax.Array
    u: jax.Array  # [D]
    v: jax.Array  # [D], the last resolvent
    spent: jax.Array  # evaluations of components


class Seen(NamedTuple):
    place: jax.Array  # (x_1, y_1) of v_k
    residual: jax.Array  # |F(v_k)|: the one that is small, u_{k+1} holds lambda_k F(u_0) besides
    spent: jax.Array


class Inner(NamedTuple):
    z: jax.Array  # [D]
    w: jax.Array  # snapshot [D]
    phi: jax.Array  # Phi(w) [D]
    spent: jax.Array


def start(u0) -> State:
    """u0 [..., D]"""
    count = np.zeros(u0.shape[:-1], int)
    return State(count, u0, u0, count)


def outer(f: FiniteSum, key, u0, state: State, counts) -> tuple[State, Seen]:
    """Outer iterations of counts [K] times BLOCK inner ones.  -> state, seen [K, ...]"""

    def iterate(state, count):
        state = step(f, key, u0, count, state)
        place = state.v[:: len(state.v) // 2]
        return state, Seen(place, jnp.linalg.norm(f.mean(state.v)), state.spent)

    return jax.lax.scan(iterate, state, counts)


def step(f: FiniteSum, key, u0, count, state: State) -> State:
    """One outer iteration.  u0 [D]"""
    key, eta = jax.random.fold_in(key, state.k), jnp.sqrt(f.count) / (2 * f.lipschitz)
    v, cost = solve(f, key, state.u, eta, count)
    weight = 1 / (state.k + 2)
    u = weight * u0 + (1 - weight) * v
    return State(state.k + 1, u, v, state.spent + cost)


def solve(f: FiniteSum, key, centre, eta, count):
    """Zero of v + eta F(v) - centre by loopless variance-reduced extragradient.

    count x BLOCK turns of algorithm 1 of Alacaoglu & Malitsky 2022.  -> (v [D], evaluations)
    """
    chance = 2 / f.count
    tau = 0.9 * jnp.sqrt(chance) / (1 + eta * f.lipschitz)

    def phi(v):
        return v + eta * f.mean(v) - centre

    def inner(numbers, s: Inner) -> Inner:
        i = (numbers[:1] * f.count).astype(int)
        mixed = (1 - chance) * s.z + chance * s.w
        half = mixed - tau * s.phi
        z = mixed - tau * (s.phi + half - s.w + eta * f.changes(i, half, s.w)[0])
        fresh = numbers[1] < chance
        return Inner(
            z,
            jnp.where(fresh, z, s.w),
            jnp.where(fresh, phi(z), s.phi),
            s.spent + 2 + jnp.where(fresh, f.count, 0),
        )

    def block(at, s: Inner) -> Inner:  # random bits a turn would cost more than the turn
        numbers = keys.uniform(jax.random.fold_in(key, at), (BLOCK, 2))
        return jax.lax.fori_loop(0, BLOCK, lambda turn, s: inner(numbers[turn], s), s)

    first = Inner(centre, centre, phi(centre), jnp.asarray(f.count))
    last = jax.lax.fori_loop(0, count, block, first)
    return last.z, last.spent


def blocks(n: int, outer: int) -> np.ndarray:
    """Of outer iterations 0, 1, ...: n (1 + 0.3 ln((k + 2) sqrt(n) / 8)) turns.  -> [outer]"""
    turns = n * (1 + 0.3 * np.log((np.arange(outer) + 2) * np.sqrt(n) / 8))
    return np.ceil(turns / BLOCK).astype(int)
