"""Clouds of points on surfaces, pairs of them with mean 0, images as points.  NumPy alone.

Coordinates are multiples of 2^-20, so that sums, and means of 2^k points, are exact.
Shapes: n points, u [n, 3] uniform numbers of [0, 1).
"""

from collections.abc import Callable

import numpy as np

GRID = 2.0**20


def sphere(u):
    """Uniform on the unit sphere.  -> [n, 3]"""
    z, turn = 2 * u[:, 0] - 1, 2 * np.pi * u[:, 1]
    flat = np.sqrt(1 - z**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)


def torus(u, tube: float = 0.4):
    """Around the third axis at distance 1, uniform in both angles.  -> [n, 3]"""
    turn, inner = 2 * np.pi * u[:, 0], 2 * np.pi * u[:, 1]
    out = 1 + tube * np.cos(inner)
    return np.stack([out * np.cos(turn), out * np.sin(turn), tube * np.sin(inner)], axis=1)


def cube(u):
    """Uniform on the surface of [-1, 1]^3.  -> [n, 3]"""
    face = np.floor(6 * u[:, 0]).astype(int)
    rows, points = np.arange(len(u)), np.zeros((len(u), 3))
    points[rows, face // 2] = np.where(face % 2, 1.0, -1.0)
    for i in (1, 2):
        points[rows, (face // 2 + i) % 3] = 2 * u[:, i] - 1
    return points


def helix(u, turns: int = 2, tube: float = 0.2):
    """A tube around a helix along the third axis, of height 2.  -> [n, 3]"""
    turn, inner = 2 * np.pi * turns * u[:, 0], 2 * np.pi * u[:, 1]
    out, z = 1 + tube * np.cos(inner), 2 * u[:, 0] - 1 + tube * np.sin(inner)
    return np.stack([out * np.cos(turn), out * np.sin(turn), z], axis=1)


PAIRS: tuple[tuple[Callable, Callable], ...] = ((sphere, torus), (cube, helix))


def pairs(u):
    """Every pair with both clouds at mean 0.  u [pair, 2, n, 3] -> [pair, 2, n, 3]"""
    return np.stack([[centred(f(v)) for f, v in zip(*p, strict=True)]
                     for p in zip(PAIRS, u, strict=True)])  # fmt: skip


def centred(x):
    """On the grid and with mean 0, exactly where n is a power of two.  [n, d] -> [n, d]"""
    x = np.round(x * GRID) / GRID
    return x - x.mean(axis=0)


def spread(x, y):
    """Root mean square distance from the own mean, of both clouds.  [n, d] twice -> []"""
    return np.sqrt((x.var(axis=0).sum() + y.var(axis=0).sum()) / 2)


def images(pixels, labels, order, count: int):
    """`count` images of digit 0 and of digit 1, by the order of numbers [N], in 0 to 1.

    pixels [N, H, W] of 0 to 16 -> [2, count, H W]
    """
    ranked = np.argsort(order)
    chosen = [ranked[labels[ranked] == digit][:count] for digit in (0, 1)]
    return np.stack([pixels[at].reshape(count, -1) / 16.0 for at in chosen])


def nodes(count: int):
    """Directions of a Fibonacci lattice on half of the sphere, of equal weight.  -> [count, 3]"""
    i = np.arange(count)
    z, turn = (i + 0.5) / count, i * np.pi * (3 - np.sqrt(5))
    flat = np.sqrt(1 - z**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)
