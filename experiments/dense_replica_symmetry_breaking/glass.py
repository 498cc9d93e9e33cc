"""The Ising P-spin glass, which is all that many patterns are to a dense network.

xi(q) = Gamma q^P / P, Gamma = P J^2 / 2; xi' = Gamma q^(P-1), theta = q xi' - xi.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import log_ndtr

GRID = np.linspace(-10, 10, 2001)  # of a normal variable, trapezoidal: steep tanh need no nodes


def mean(values: Array) -> Array:
    """Over a normal variable on the grid.  [..., grid] -> [...]"""
    w = np.exp(-(GRID**2) / 2)
    return values @ (w / w.sum())


def log_cosh(x: Array) -> Array:
    """log 2 cosh x"""
    return jnp.abs(x) + jnp.log1p(jnp.exp(-2 * jnp.abs(x)))


def broken(D: Array, Gamma: Array, P: int) -> Array:
    """Energy at T = 0 with one step of breaking, q_0 = 0, q_1 = 1, beta x = D: largest over D."""
    s2 = Gamma
    free = D * s2 / 2 + (jnp.log(2.0) + log_ndtr(D * jnp.sqrt(s2))) / D
    return -(free - D / 2 * Gamma * (1 - 1 / P))


def ground(Gamma: Array, P: int) -> Array:
    """The largest of `broken`, on a fine grid of D sqrt(Gamma) with a parabola through the top."""
    D = np.linspace(0.8, 12.0, 5601) / jnp.sqrt(Gamma)
    return top(broken(D, Gamma, P))


def top(values: Array) -> Array:
    """Maximum of a curve on even points, by a parabola through the highest three."""
    i = jnp.clip(jnp.argmax(values), 1, len(values) - 2)
    a, b, c = values[i - 1], values[i], values[i + 1]
    return b - (a - c) ** 2 / (8 * (a - 2 * b + c))


def symmetric(Gamma: Array) -> Array:
    """The same without breaking: -sqrt(2 Gamma / pi)."""
    return -jnp.sqrt(2 * Gamma / jnp.pi)


def free_energy(T: Array, Gamma: Array, P: int, turns: int = 300) -> Array:
    """f without breaking on the branch q > 0, from q = 1."""

    def turn(_, q):
        return mean(jnp.tanh(jnp.sqrt(Gamma * q ** (P - 1)) * GRID / T) ** 2)

    q = jax.lax.fori_loop(0, turns, turn, jnp.ones(()))
    slope = Gamma * q ** (P - 1)
    rest = (Gamma - Gamma * q**P) / P - slope * (1 - q)
    return -T * mean(log_cosh(jnp.sqrt(slope) * GRID / T)) - rest / (2 * T)


def entropy(T: float, Gamma: float, P: int, step: float = 1e-3) -> Array:
    """-df/dT by central differences."""
    return (free_energy(T - step, Gamma, P) - free_energy(T + step, Gamma, P)) / (2 * step)


def advantage(q: Array, T: Array, Gamma: Array, P: int) -> Array:
    """d(-beta f)/dx at x = 1, q_0 = 0, q_1 = q: positive where breaking raises f.  q [n] -> [n]"""
    slope = Gamma * q ** (P - 1)
    h = jnp.sqrt(slope)[:, None] * GRID / T
    tilted = slope / (2 * T**2)  # log E cosh
    log_2cosh = log_cosh(h)
    weight = jnp.exp(log_2cosh - jnp.log(2.0) - tilted[:, None])
    theta = Gamma * (1 - 1 / P) * q**P
    return mean(weight * (log_2cosh - jnp.log(2.0))) - tilted - theta / (2 * T**2)


def transition(Gamma: float, P: int, halvings: int = 24) -> Array:
    """T below which some q is of advantage, by bisection between 0.4 J and 0.9 J."""
    J, q = jnp.sqrt(2 * Gamma / P), np.linspace(0.3, 0.999, 200)

    def halve(_, ends):
        low, high = ends
        middle = (low + high) / 2
        lower = (advantage(q, middle, Gamma, P) > 0).any()
        return jnp.where(lower, middle, low), jnp.where(lower, high, middle)

    return jax.lax.fori_loop(0, halvings, halve, (0.4 * J, 0.9 * J))[0]
