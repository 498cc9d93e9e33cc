"""The network's energy and the product of two squared-error losses, on every state."""

import itertools

import numpy as np
from jax import Array


def both(xi: Array, weight: float = 1.0) -> tuple[Array, Array]:
    """K + 2 H / N and the sum of L+ L-, L+- = |xi -+ s|^2 / (2 N).  xi [K, N] -> [2^N] each"""
    K, N = xi.shape
    s = np.array(list(itertools.product((-1.0, 1.0), repeat=N)))
    energy = -((s @ xi.T) ** 2).sum(axis=1) / (2 * N)
    near = ((s[:, None] - xi) ** 2).sum(axis=-1) / (2 * N)
    far = ((s[:, None] + xi) ** 2).sum(axis=-1) / (2 * N)
    return K + 2 * energy / N, (near * weight * far).sum(axis=1)
