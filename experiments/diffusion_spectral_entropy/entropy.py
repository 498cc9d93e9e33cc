"""Entropy of a cloud by its diffusion spectrum, information on categories, and the histogram's.

All in float64 on the host, entropies in bits.
Shapes: N points, D coordinates, C categories, R random subsets; leading axes [...] are free.
"""

import numpy as np


def squared_distances(x):
    """|x_i - x_j|^2.  x [N, D] -> [N, N], symmetric, 0 on the diagonal"""
    x = np.asarray(x, float)
    x = x - x.mean(axis=0)  # less is lost by the difference below
    norms = (x**2).sum(axis=1)
    found = np.maximum(norms[:, None] + norms - 2 * x @ x.T, 0.0)
    np.fill_diagonal(found, 0.0)
    return (found + found.T) / 2


def mean_distance(squares):
    """Mean |x_i - x_j| over pairs i != j.  squares [N, N] -> number"""
    count = len(squares)
    return float(np.sqrt(squares).sum() / (count * (count - 1)))


def gaussian(squares, sigma):
    """exp(-squares / (2 sigma^2)); where sigma is 0 its limit, 1 on the diagonal."""
    return np.exp(-squares / (2 * max(sigma, 1e-150) ** 2))


def eigenvalues(kernel):
    """Of Deg^-1/2 G Deg^-1/2, in [0, 1], the largest 1.  kernel G [..., N, N] -> [..., N] rising"""
    root = 1 / np.sqrt(kernel.sum(axis=-1))
    return np.linalg.eigvalsh(kernel * root[..., :, None] * root[..., None, :])


def entropy(weights, power=1):
    """-sum p log2 p, p the share of |weights|^power; 0 log 0 = 0.  [..., N] -> [...]"""
    p = np.abs(weights) ** power
    p = p / p.sum(axis=-1, keepdims=True)
    return -(p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=-1)


def information(kernel, labels, heights):
    """Diffusion spectral mutual information of a cloud with categories of its points.

    sum_b p(b) (mean entropy of random subsets of size |b| - entropy of b); subsets are those of
    the lowest heights.  kernel [N, N], labels int [N] from 0 on, heights [C, R, N] -> number
    """
    gained = 0.0
    for category, count in enumerate(np.bincount(labels)):
        if count:
            inside = np.flatnonzero(labels == category)
            random = np.argsort(heights[category], axis=-1)[:, :count]
            chosen = np.concatenate([inside[None], random])
            parts = kernel[chosen[:, :, None], chosen[:, None, :]]
            found = entropy(eigenvalues(parts))
            gained += count / len(labels) * (found[1:].mean() - found[0])
    return gained


def histogram(x):
    """Entropy of the joint histogram with two bins a coordinate.  x [N, D] -> number"""
    middle = (x.min(axis=0) + x.max(axis=0)) / 2
    cells = np.unique(np.packbits(x > middle, axis=1), axis=0, return_counts=True)[1]
    return float(entropy(cells.astype(float)))
