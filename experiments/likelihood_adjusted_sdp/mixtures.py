"""Gaussian mixtures with a covariance of its own for every cluster, all along the axes.

Shapes: n points, p coordinates, K clusters.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array


class Mixture(NamedTuple):
    """Clusters of equal numbers; a standard deviation of 0 leaves a coordinate out."""

    means: Array  # [K, p]
    std: Array  # [K, p]


def near(distance) -> Mixture:
    """Two clusters, diag(2, .3) and diag(.3, 2), `distance` apart on the diagonal."""
    along = jnp.full(2, distance / 2**0.5)
    return Mixture(jnp.stack([0 * along, along]), jnp.sqrt(jnp.array([[2, 0.3], [0.3, 2]])))


def crossed(dim, most: int) -> Mixture:
    """Two ellipses that cross; unit variances from the third of `dim` coordinates on, of `most`."""
    means, std = np.zeros((2, most)), np.ones((2, most))
    means[1, :2], std[:, :2] = 1.5, [[3, 0.3], [0.3, 3]]
    return Mixture(jnp.asarray(means), jnp.where(jnp.arange(most) < dim, jnp.asarray(std), 0.0))


def far() -> Mixture:
    """Two clusters 5 apart and a wide one at 40: centroids of which K-means takes the wrong two."""
    std = np.sqrt(np.array([[1, 0.2], [0.2, 2], [4, 4]]))
    return Mixture(jnp.array([[0.0, 0], [5, 0], [40, 0]]), jnp.asarray(std))


def truth(n: int, clusters: int) -> np.ndarray:
    """The labels of n points, in the order of the clusters.  -> int [n]"""
    return np.arange(n) * clusters // n


def sample(noise: Array, mixture: Mixture) -> Array:
    """Points, labelled by `truth`.  noise [n, p] of N(0, 1) -> [n, p]"""
    label = truth(len(noise), len(mixture.means))
    return mixture.means[label] + mixture.std[label] * noise


def covariances(mixture: Mixture) -> Array:
    """Of every cluster; 1 for coordinates that are left out.  -> [K, p, p]"""
    return jax.vmap(jnp.diag)(jnp.where(mixture.std > 0, mixture.std**2, 1.0))
