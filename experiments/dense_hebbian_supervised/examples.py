"""Archetypes, noisy examples, and the class means that make the couplings.

Shapes: N spins, K classes, M examples of each.
"""

import jax.numpy as jnp
from jax import Array


def archetypes(uniform: Array) -> Array:
    """xi = +-1.  uniform [...] -> [...]"""
    return jnp.where(uniform < 0.5, -1.0, 1.0)


def means(source: Array, uniform: Array, r: float, M) -> Array:
    """The mean of the first M examples, source chi, over sqrt(R), R = r^2 (1 + rho).

    chi = +-1 of mean r.  source [N, K, 1 or most]: the archetype of each; uniform [N, K, most]
    -> [N, K]
    """
    chi = jnp.where(uniform < (1 + r) / 2, 1.0, -1.0)
    known = jnp.arange(uniform.shape[-1]) < M
    rho = (1 - r**2) / (M * r**2)
    return (source * chi * known).sum(axis=-1) / M / (r * jnp.sqrt(1 + rho))


def many(xi: Array, normal: Array, rho) -> Array:
    """The same as M grows at fixed rho: xi (1 + sqrt(rho) z) / sqrt(1 + rho)."""
    return xi * (1 + jnp.sqrt(rho) * normal) / jnp.sqrt(1 + rho)


def misfiled(xi: Array, most: int) -> Array:
    """Examples' archetypes dealt over the classes, one after the other.  -> [N, K, most]"""
    K = xi.shape[1]
    place = (jnp.arange(K)[:, None] - jnp.arange(most)) % K
    return xi[:, place]
