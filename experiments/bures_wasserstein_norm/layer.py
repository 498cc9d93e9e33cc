"""Normalisation of a batch of positive definite matrices: Bures-Wasserstein, affine-invariant.

Shapes: N matrices of a batch, n their side.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from common.spd import affine, bures
from common.spd.functions import even, exponential, logarithm, powered


class Bias(NamedTuple):
    """What a layer learns: a metric, a mean and a deviation.  M = exp(log_m), G = exp(log_g)."""

    log_m: jax.Array  # [n, n]
    log_g: jax.Array  # [n, n]
    spread: jax.Array  # []


def begin(n: int, spread: float) -> Bias:
    """M = I and G = I but for 1e-7, as in the code: plain `eigh` has no derivative at a tie."""
    return Bias(jnp.zeros((n, n)), 1e-7 * jnp.diag(jnp.arange(1.0, n + 1)), jnp.asarray(spread))


def flat(X, M, theta):
    """X^theta where the metric of M is that of I: M^-1/2 X^theta M^-1/2."""
    root = powered(M, -0.5)
    return even(root @ powered(X, theta) @ root)


def unflat(X, M, theta):
    """The inverse of `flat`."""
    root = powered(M, 0.5)
    return powered(even(root @ X @ root), 1 / theta)


def to_identity(B, V):
    """Transport of tangents from B to I: times sqrt(2 / (b_i + b_j)) in B's eigenbasis."""
    values, U = jnp.linalg.eigh(B)
    return even(U @ (U.mT @ V @ U * jnp.sqrt(2 / (values[:, None] + values))) @ U.mT)


def from_identity(G, V):
    """Transport of tangents from I to G: times sqrt((g_i + g_j) / 2) in G's eigenbasis."""
    values, U = jnp.linalg.eigh(G)
    return even(U @ (U.mT @ V @ U * jnp.sqrt((values[:, None] + values) / 2)) @ U.mT)


def centred(X, B):
    """Tangents at I of the batch moved from its mean B: half of each plus I is the root of X."""
    return to_identity(B, bures.log(B, X))


def bures_statistics(X, bias: Bias, theta, *, steps: int, about: str = "mean"):
    """Mean of the flat batch and variance about it, or about I.  X [N, n, n] -> [n, n], []"""
    X = flat(X, exponential(even(bias.log_m)), theta)
    B = jax.lax.stop_gradient(bures.mean(X, steps=steps))
    away = about == "identity"
    roots = powered(X, 0.5) - jnp.eye(X.shape[-1]) if away else centred(X, B) / 2
    return B, jnp.mean(jnp.sum(roots**2, (-2, -1))) / theta**2


def bures_norm(X, statistics, bias: Bias, theta, *, tiny: float):
    """Centred, scaled, moved to G, in the metric of M deformed by theta (section 3)."""
    (B, variance), M = statistics, exponential(even(bias.log_m))
    V = centred(flat(X, M, theta), B) * bias.spread / jnp.sqrt(variance + tiny)
    G = flat(exponential(even(bias.log_g)), M, theta)
    return unflat(bures.exp(G, from_identity(G, V)), M, theta)


def affine_statistics(X, *, steps: int):
    """Karcher mean and variance of the affine-invariant metric (Brooks et al. 2019)."""
    B = jax.lax.stop_gradient(affine.mean(X, steps=steps))
    back = powered(B, -0.5)
    return B, jnp.mean(jnp.sum(logarithm(even(back @ X @ back)) ** 2, (-2, -1)))


def affine_norm(X, statistics, bias: Bias, *, tiny: float):
    """B^-1/2 X B^-1/2 to the power s / sqrt(variance + tiny), then G^1/2 . G^1/2."""
    B, variance = statistics
    back, root = powered(B, -0.5), powered(exponential(even(bias.log_g)), 0.5)
    power = bias.spread / jnp.sqrt(variance + tiny)
    return even(root @ powered(even(back @ X @ back), power) @ root)
