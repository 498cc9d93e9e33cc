"""Hamiltonian Monte Carlo of the gas in the plane, one chain; no tuning: steps are told.

Shapes: N particles.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from common import keys


class Rules(NamedTuple):
    beta: Array
    step: Array
    coupling: float = 1.0  # 0: particles in the trap alone
    leapfrogs: int = 10


def energy(x: Array, rules: Rules) -> Array:
    """beta (N sum r^2 / 2 - sum log |x_i - x_j|).  x [N, 2]"""
    N = len(x)
    pairs = ((x[:, None] - x) ** 2).sum(axis=-1) + jnp.eye(N)  # log 1 = 0 with itself
    return rules.beta * (N * (x**2).sum() / 2 - rules.coupling * jnp.log(pairs).sum() / 4)


def move(key: Array, x: Array, rules: Rules) -> tuple[Array, Array]:
    """Leapfrogs and a decision.  -> x, whether it was taken"""
    force = jax.grad(energy)
    first, second = jax.random.split(key)
    p = keys.normal(first, x.shape)
    start = energy(x, rules) + (p**2).sum() / 2

    def leap(_, state):
        x, p, g = state
        p = p - rules.step / 2 * g
        x = x + rules.step * p
        g = force(x, rules)
        return x, p - rules.step / 2 * g, g

    y, p, _ = jax.lax.fori_loop(0, rules.leapfrogs, leap, (x, p, force(x, rules)))
    end = energy(y, rules) + (p**2).sum() / 2
    taken = jnp.log(jax.random.uniform(second)) < start - end
    return jnp.where(taken, y, x), taken


def sampled(key: Array, start: Array, rules: Rules, moves: int) -> tuple[Array, Array]:
    """sum r^2 after every move, and the share taken.  -> [moves], []"""

    def one(x, i):
        x, taken = move(jax.random.fold_in(key, i), x, rules)
        return x, ((x**2).sum(), taken)

    seen, taken = jax.lax.scan(one, start, jnp.arange(moves))[1]
    return seen, taken.mean()
