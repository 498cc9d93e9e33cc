"""K-means and EM, the SDP's rivals, and the error that all are measured by.

Shapes: n points, p coordinates, K clusters, R restarts, T steps.
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from . import likelihood

Array = jax.Array


def misclassified(labels: Array, truth: np.ndarray, clusters: int) -> Array:
    """Share of points outside the best match of the clusters.  int [n], int [n] -> []"""
    ways = np.array(list(itertools.permutations(range(clusters))))
    return (jnp.asarray(ways)[:, truth] != labels).mean(1).min()


def kmeans(draws: Array, X: Array, clusters: int, *, steps: int) -> Array:
    """Lloyd's steps from K-means++ centres, the best of R starts.  U[0, 1) [R, K], [n, p] -> [n]"""

    def one(draws):
        centres = jax.lax.fori_loop(0, steps, lambda _, c: means(X, c), spread(draws, X))
        square = squares(X, centres)
        return square.argmin(1), square.min(1).sum()

    labels, cost = jax.vmap(one)(draws)
    return labels[cost.argmin()]


def spread(draws: Array, X: Array) -> Array:
    """Centres among the points, each with probability of its square to the others.

    U[0, 1) [K], [n, p] -> [K, p].  Source: Arthur & Vassilvitskii 2007.
    """
    nearest, centres = jnp.ones(len(X)), []
    for draw in draws:
        mass = jnp.cumsum(nearest)
        centres.append(X[(mass <= draw * mass[-1]).sum()])
        nearest = squares(X, jnp.stack(centres)).min(1)
    return jnp.stack(centres)


def means(X: Array, centres: Array) -> Array:
    """One step of Lloyd; a centre without points stays.  centres [K, p] -> [K, p]"""
    one = jax.nn.one_hot(squares(X, centres).argmin(1), len(centres), dtype=X.dtype)
    count = one.sum(0)[:, None]
    return jnp.where(count > 0, one.T @ X / jnp.maximum(count, 1), centres)


def squares(X: Array, centres: Array) -> Array:
    """Squared distances.  [n, p], [K, p] -> [n, K]"""
    return ((X[:, None] - centres) ** 2).sum(-1)


def spectral(Z: Array, clusters: int) -> Array:
    """The top K eigenvectors; K-means on them rounds the K-means SDP.  [n, n] -> [n, K]"""
    return jnp.linalg.eigh(Z)[1][:, -clusters:]


class Mixed(NamedTuple):
    """What EM estimates."""

    share: Array  # [K]
    means: Array  # [K, p]
    covariances: Array  # [K, p, p]


def em(X: Array, begun: Mixed, *, steps: int, ridge: float) -> Array:
    """Labels of each of T + 1 E-steps, full covariances.  -> int [T + 1, n]"""

    def step(mixed, _):
        weights = responsibilities(X, mixed)
        return maximised(X, weights, ridge), weights.argmax(1)

    return jax.lax.scan(step, begun, length=steps + 1)[1]


def responsibilities(X: Array, mixed: Mixed) -> Array:
    """The E-step.  -> [n, K]"""
    root, size = likelihood.factors(mixed.covariances)
    square = (jnp.einsum("kpq,kiq->kip", root, X - mixed.means[:, None]) ** 2).sum(2)
    return jax.nn.softmax(jnp.log(mixed.share)[:, None] - (square + size[:, None]) / 2, axis=0).T


def maximised(X: Array, weights: Array, ridge: float) -> Mixed:
    """The M-step.  weights [n, K]"""
    total = jnp.maximum(weights.sum(0), 1e-3)  # of a cluster that no point is in
    centres = weights.T @ X / total[:, None]
    away = X - centres[:, None]  # [K, n, p]
    scatter = jnp.einsum("kip,ik,kiq->kpq", away, weights, away) / total[:, None, None]
    return Mixed(total / len(X), centres, scatter + ridge * jnp.eye(X.shape[1]))


def random_centres(draws: Array, X: Array, clusters: int, ridge: float) -> Mixed:
    """K points as means, the covariance of all.  draws [n], the K least are taken."""
    pooled = maximised(X, jnp.ones((len(X), 1)), ridge).covariances
    share = jnp.full(clusters, 1 / clusters)
    return Mixed(share, X[draws.argsort()[:clusters]], jnp.repeat(pooled, clusters, axis=0))
