"""Networks as the figures have them, and what is read from each: degrees, paths, clustering.

Shapes: N nodes, d dimensions, E edges.
"""

from collections.abc import Callable

import jax
import numpy as np

from . import kernels, network

NAMED = {"local": 0.0, "mixed": 0.1, "global": 1.0}  # share of edges that end anywhere


def gaussian(key, x: np.ndarray, kappa: np.ndarray, width: float) -> np.ndarray:
    """Edges of a Gaussian kernel on the unit torus.  -> [E, 2]"""
    return network.edges(key, x, kappa, kernels.on_torus(kernels.gaussian(width), x.shape[1]))


def two_kinds(key, n: int, classes, link: Callable, labelled: bool) -> list[np.ndarray]:
    """Half of the nodes of each class of kappa, on the unit square; not labelled: all of the mean.

    link(key, x, kappa) -> edges.  -> mean and variance of the degree [class], clustering []
    """
    kappa = np.repeat(classes, n // 2)
    told = kappa if labelled else np.full_like(kappa, kappa.mean())
    first, second = jax.random.split(key)
    a = network.adjacency(link(second, network.positions(first, len(kappa), 2), told), len(kappa))
    degree = a.sum(axis=0).reshape(2, -1)
    return [degree.mean(axis=1), degree.var(axis=1), np.array(network.clustering(a))]


def small(key, p: float, *, n: int, kappa: float, near: int, sources: int) -> list[float]:
    """A ring of evenly spaced nodes: edges to the `near` nearest of each, a share p to any.

    -> mean path from so many sources, share of edges to the nearest, clustering
    """
    x, reach = (np.arange(n)[:, None] + 0.5) / n, (near // 2 + 0.5) / n
    pairs = network.edges(key, x, np.full(n, kappa), kernels.mixed(kernels.box(reach), p))
    a = network.adjacency(pairs, n)
    local = kernels.distance(x[pairs[:, 0]], x[pairs[:, 1]]) < reach
    path = network.path_length(a, np.arange(sources) * n // sources)
    return [path, local.mean(), network.clustering(a)]


def drawing(key, n: int, kappa: float, width: float) -> dict[str, np.ndarray]:
    """Networks on the same nodes of the unit square, few edges anywhere, more, all."""
    x, local = network.positions(key, n, 2), kernels.on_torus(kernels.gaussian(width), 2)
    found = {"place": x}
    for i, (name, p) in enumerate(NAMED.items()):
        each = jax.random.fold_in(key, i)
        found[f"drawn_{name}"] = network.edges(each, x, np.full(n, kappa), kernels.mixed(local, p))
    return found
