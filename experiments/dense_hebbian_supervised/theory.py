"""Replica-symmetric equations at high load, and the learning curve at low load.

P-body interactions, Gamma = c_P gamma with gamma = K / N^(P-1): c_P = (P-1)! for sums over distinct
indices, (2P-3)!! for plain powers. rho = (1 - r^2) / (M r^2), the entropy of the examples.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import erf

TURNS = 400
FLOOR = 1e-12  # of a variance


class Overlaps(NamedTuple):
    m: Array  # with the archetype
    n: Array  # with the mean of its examples over r


def noise(P: int, distinct: bool) -> float:
    """c_P: variance of the other patterns' field over gamma."""
    return float(math.factorial(P - 1) if distinct else math.prod(range(1, 2 * P - 2, 2)))


def frozen(Gamma: Array, rho: Array, P: int) -> Overlaps:
    """At T = 0 from m = n = 1: m = erf(g / sqrt(2 V)), g = (1 + rho)^(-P/2) n^(P-1)."""

    def turn(_, o):
        g = (1 + rho) ** (-P / 2) * o.n ** (P - 1)
        V = jnp.maximum(g**2 * rho + Gamma, FLOOR)
        m = erf(g / jnp.sqrt(2 * V))
        n = m + rho * g * jnp.sqrt(2 / (jnp.pi * V)) * jnp.exp(-(g**2) / (2 * V))
        return Overlaps((m + o.m) / 2, (n + o.n) / 2)

    return jax.lax.fori_loop(0, TURNS, turn, Overlaps(jnp.ones(()), jnp.ones(())))


def warm(T: Array, Gamma: Array, P: int) -> Array:
    """m at a temperature, rho = 0, from m = q = 1.

    Averages by the trapezoidal rule on [-8, 8]: Gauss and Hermite lose a steep tanh, below T = 0.1.
    """
    y = np.linspace(-8, 8, 401)
    w = np.exp(-(y**2) / 2)
    w = w / w.sum()

    def turn(_, state):
        m, q = state
        t = jnp.tanh((m ** (P - 1) + jnp.sqrt(Gamma * q ** (P - 1)) * y) / T)
        return (m + w @ t) / 2, (q + w @ t**2) / 2

    return jax.lax.fori_loop(0, TURNS, turn, (jnp.ones(()), jnp.ones(())))[0]


def limit(rho: Array, P: int, halvings: int = 40) -> Array:
    """The largest Gamma with a retrieval state at T = 0, by bisection."""

    def halve(_, ends):
        low, high = ends
        middle = (low + high) / 2
        alive = frozen(middle, rho, P).m > 0.3
        return jnp.where(alive, middle, low), jnp.where(alive, high, middle)

    return jax.lax.fori_loop(0, halvings, halve, (jnp.zeros(()), jnp.ones(())))[0]


def limit_law(P: int) -> float:
    """max over x of erf(x)^(2P-2) / (2 x^2): the same at rho = 0."""
    x = np.linspace(0.5, 5, 200_001)
    return float(np.max(np.vectorize(math.erf)(x[::100]) ** (2 * P - 2) / (2 * x[::100] ** 2)))


def learned(rho: Array) -> Array:
    """m = erf(1 / sqrt(2 rho)) as Gamma tends to 0."""
    return erf(1 / jnp.sqrt(2 * rho))
