"""Diluted patterns, noisy examples of them, and the states that follow one after the other.

Shapes: N spins, K patterns, M examples of each.
"""

import jax.numpy as jnp
from jax import Array


def diluted(uniform: Array, d) -> Array:
    """xi: +1 and -1 with probability (1 - d) / 2 each, else 0.  uniform [N, K] -> [N, K]"""
    return jnp.where(uniform < (1 - d) / 2, -1.0, jnp.where(uniform < 1 - d, 1.0, 0.0))


def examples(xi: Array, uniform: Array, r: float) -> Array:
    """eta = chi xi, chi = +-1 of mean r.  xi [N, K], uniform [N, K, M] -> [N, K, M]"""
    return xi[..., None] * jnp.where(uniform < (1 + r) / 2, 1.0, -1.0)


def mixed(eta: Array) -> Array:
    """Labels that say nothing: the m-th example of pattern k is of pattern k - m modulo K."""
    K, M = eta.shape[1:]
    place = jnp.arange(M)
    return eta[:, (jnp.arange(K)[:, None] - place) % K, place]


def hierarchical(xi: Array, rest: Array) -> Array:
    """Spins follow their first pattern that is not 0, or else `rest`.  [N, K], [N] -> [N]"""
    first = jnp.argmax(xi != 0, axis=1)
    chosen = jnp.take_along_axis(xi, first[:, None], axis=1)[:, 0]
    return jnp.where(chosen != 0, chosen, rest)
