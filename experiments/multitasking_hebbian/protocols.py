"""Networks that learn from examples: of class means with labels, of every example without.

Shapes: N spins, K patterns, M examples of each, of which the first m count.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from . import dynamics, patterns

COLD = 1e6  # beta of T = 0


class Network(NamedTuple):
    """Where it begins, and what it learns from."""

    xi: Array  # patterns [N, K]
    spins: Array  # [N], hierarchical
    order: Array  # uniform numbers of the sweeps [sweeps, N], of no effect at T = 0
    noise: Array  # uniform numbers of the examples [N, K, M]


def begun(draw: tuple[Array, ...], n: int, d: float) -> Network:
    """The first n spins of a draw: of patterns, blank spins, sweeps, examples."""
    uniform, rest, order, noise = draw
    xi = patterns.diluted(uniform[:n], d)
    spins = patterns.hierarchical(xi, jnp.where(rest[:n] < 0.5, -1.0, 1.0))
    return Network(xi, spins, order[:, :n], noise[:n])


def overlaps(net: Network, x: Array, weights: Array) -> Array:
    """Signed overlaps with the patterns after the sweeps.  -> [K]"""
    found = dynamics.relaxed(x, weights, net.spins, net.order, COLD)
    return net.xi.T @ found / len(net.xi)


def supervised(net: Network, eta: Array, m: Array) -> Array:
    """Couplings of the means of examples.  eta [N, K, M] -> [K]"""
    known = jnp.arange(eta.shape[-1]) < m
    return overlaps(net, (eta * known).sum(-1) / m, jnp.full(eta.shape[1], 1 / len(eta)))


def unsupervised(net: Network, eta: Array, m: Array) -> Array:
    """Couplings of every example.  eta [N, K, M] -> [K]"""
    known = jnp.tile(jnp.arange(eta.shape[-1]) < m, eta.shape[1])
    return overlaps(net, eta.reshape(len(eta), -1), known / (m * len(eta)))
