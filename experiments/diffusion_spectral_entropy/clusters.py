"""Categories of points by spectral clustering, as scikit-learn's with assign_labels="cluster_qr".

Shapes: N points, k clusters.
"""

import numpy as np
from scipy import linalg


def spectral(squares, count, neighbours):
    """Clusters of the graph of nearest neighbours, a point itself among them.

    squares [N, N], of distances -> int [N] from 0 to count - 1
    """
    nearest = np.argpartition(squares, neighbours - 1, axis=1)[:, :neighbours]
    graph = np.zeros(squares.shape)
    np.put_along_axis(graph, nearest, 1.0, axis=1)
    graph = (graph + graph.T) / 2
    np.fill_diagonal(graph, 0.0)
    root = 1 / np.sqrt(graph.sum(axis=1))
    last = len(graph) - 1
    walk = graph * root[:, None] * root
    vectors = linalg.eigh(walk, subset_by_index=(last - count + 1, last))[1]
    return assigned(vectors * root[:, None])


def assigned(vectors):
    """Pivoted QR picks k rows, the closest rotation to them makes coordinates memberships.

    vectors [N, k] -> int [N]. Source: Damle, Minden & Ying 2019.
    """
    count = vectors.shape[1]
    pivots = linalg.qr(vectors.T, pivoting=True, mode="r")[1]
    left, _, right = linalg.svd(vectors[pivots[:count]].T)
    return np.abs(vectors @ (left @ right)).argmax(axis=1)
