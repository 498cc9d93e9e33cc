"""Clouds whose entropy is known or ordered, out of given random numbers.

Shapes: N points, D coordinates, B branches of L points, K blobs.
"""

import numpy as np


def embedded(normal, uniform, constant, dim, noise):
    """`dim` normal coordinates, one number in all the others, noise U[-1, 1] on all.

    normal, uniform (of U[0, 1)) [N, D] -> [N, D]
    """
    varies = np.arange(normal.shape[1]) < dim
    return np.where(varies, normal, constant) + noise * (2 * uniform - 1)


def blobs(normal, centres, count, scale):
    """Equal clusters N(scale * centre, I).  normal [N, D], centres [>= K, D] -> [N, D]"""
    size = len(normal) // count
    return normal[: size * count] + scale * np.repeat(centres[:count], size, axis=0)


def tree(steps, parents):
    """Random walks of steps U(-1, 1), each from a random point of the earlier ones.

    steps [B, L, D] and parents [B], of U[0, 1) -> [B L, D], a branch after the other
    """
    walks = np.cumsum(2.0 * steps - 1, axis=1)
    count, length = steps.shape[:2]
    points = walks.reshape(count * length, -1)
    for branch in range(1, count):
        earlier = branch * length
        points[earlier : earlier + length] += points[int(parents[branch] * earlier)]
    return points


def corrupted(labels, which, order, fraction):
    """Labels of which a random part is permuted.  int [N]; which, order [N], of U[0, 1)"""
    chosen = np.argsort(which)[: round(fraction * len(labels))]
    changed = labels.copy()
    changed[chosen] = labels[chosen[np.argsort(order[: len(chosen)])]]
    return changed
