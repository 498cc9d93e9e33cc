"""Mean-field equations of few patterns, exact as N grows: sums over the 3^K states of a site.

Shapes: K patterns.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import erf


def states(K: int) -> np.ndarray:
    """All xi of a site.  -> [3^K, K]"""
    return np.array(list(itertools.product((-1.0, 0.0, 1.0), repeat=K)))


def chances(xi: np.ndarray, d) -> Array:
    """Their probabilities.  xi [3^K, K] -> [3^K]"""
    return jnp.prod(jnp.where(xi == 0, d, (1 - d) / 2), axis=1)


def stored(start: Array, d, beta, turns: int) -> Array:
    """m = E xi tanh(beta xi . m), from a start, each turn halfway.  start [K] -> [K]"""
    xi = states(len(start))
    p = chances(xi, d)

    def turn(_, m):
        return (m + (p * jnp.tanh(beta * (xi @ m))) @ xi) / 2

    return jax.lax.fori_loop(0, turns, turn, start)


def learned(start: Array, d, rho, turns: int) -> Array:
    """At T = 0 from means of examples, xi (1 + sqrt(rho) z) with z normal.  start [K] -> m [K]

    n is the overlap with these means; m = E xi erf(a / (sqrt 2 s)), a = n . xi the field's mean and
    s^2 = rho sum n^2 xi^2 its variance; n - m = E xi z sqrt(rho) sign(field), by parts.
    """
    xi = states(len(start))
    p = chances(xi, d)

    def overlaps(n):
        a, s = xi @ n, jnp.sqrt(rho * (xi**2 @ n**2))
        u = jnp.where(s > 0, a / jnp.where(s > 0, s, 1), 0)
        density = jnp.where(s > 0, jnp.exp(-(u**2) / 2) / jnp.where(s > 0, s, 1), 0)
        m = (p * erf(u / jnp.sqrt(2))) @ xi
        return m, m + rho * n * ((p * density * jnp.sqrt(2 / jnp.pi)) @ xi**2)

    n = jax.lax.fori_loop(0, turns, lambda _, n: (n + overlaps(n)[1]) / 2, start)
    return overlaps(n)[0]


def hierarchy(K: int, d) -> Array:
    """(1 - d)(1, d, d^2, ...).  -> [K]"""
    return (1 - d) * d ** jnp.arange(K)


def ends(k: int) -> float:
    """The root of 1 - 2 d + d^k between 1/2 and 1, other than 1, by bisection."""
    low, high = 0.5, 1 - 1e-3
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - 2 * middle + middle**k > 0 else (low, middle)
    return low
