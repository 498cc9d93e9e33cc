"""Densities of edge lengths: functions of the distance r that fall with it.

On the unit torus distances are those to the nearest image; a density has the integral 1 over it.
Shapes: d dimensions.
"""

from collections.abc import Callable

import numpy as np

Radial = Callable[[np.ndarray], np.ndarray]


def distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """To the nearest image on the unit torus.  [..., d] -> [...]"""
    away = abs(x - y)
    return np.sqrt((np.minimum(away, 1 - away) ** 2).sum(axis=-1))


def gaussian(width: float) -> Radial:
    """exp(-r^2 / 2 width^2)"""
    return lambda r: np.exp(-(r**2) / (2 * width**2))


def laplace(scale: float) -> Radial:
    """exp(-r / scale)"""
    return lambda r: np.exp(-r / scale)


def power(scale: float, a: float) -> Radial:
    """(1 + r^2 / scale^2)^(-a/2), r^-a far away"""
    return lambda r: (1 + (r / scale) ** 2) ** (-a / 2)


def box(reach: float) -> Radial:
    """1 / (2 reach) up to `reach` on the ring."""
    return lambda r: np.where(r < reach, 1 / (2 * reach), 0.0)


def on_torus(shape: Radial, d: int, points: int = 512) -> Radial:
    """The density proportional to `shape`: its mean over a grid of points^d cells is 1."""
    axis = np.minimum(np.arange(points), points - np.arange(points)) / points
    r = axis if d == 1 else np.hypot(axis[:, None], axis)
    mass = shape(r).mean()
    return lambda r: shape(r) / mass


def mixed(local: Radial, p: float) -> Radial:
    """A share p of uniform edges: (1 - p) f + p."""
    return lambda r: (1 - p) * local(r) + p


def by_median(median: float, a: float | None) -> Radial:
    """Gaussian (a None) or power law in the plane, half of whose edges are shorter than `median`.

    Gaussian: median^2 = 2 log 2 width^2. Power law, P(longer than r) = (1 + r^2/scale^2)^(1 - a/2).
    """
    if a is None:
        return gaussian(median / np.sqrt(2 * np.log(2)))
    return power(median / np.sqrt(2 ** (2 / (a - 2)) - 1), a)
