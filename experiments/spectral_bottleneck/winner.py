"""WINNER: Gaussian noise on the first two weight matrices of a SIREN, by the target's centroid.

W_1 += N(0, (S0 / omega)^2), W_2 += N(0, (S1 / omega)^2).  Shapes: N points.
"""

from collections.abc import Sequence

import jax
import numpy as np

from common.nn import layers, siren

FITTED_AT = 150_000  # samples of the authors' clips


def rescaled(frequency, points: int):
    """A first-layer frequency fitted to their clips, for a grid of so many points."""
    return frequency * points / FITTED_AT


def scales(centroid, points: int) -> np.ndarray:
    """(S0, S1) for one-dimensional signals of one channel.  centroid [...] -> [..., 2]

    S0 = 3500 (1 - exp(-7 SC)) is an angular frequency per unit of a coordinate: rescaled.
    """
    s0 = rescaled(3500 * -np.expm1(-7 * centroid), points)
    return np.stack([s0, 3 * centroid], axis=-1)


def init(key, sizes: Sequence[int], noise, omega: float):
    """A SIREN's layers with the noise.  noise [2]: S0, S1; zeros give the plain SIREN.

    Weights of one key are the same whatever the noise.
    """
    first, second = jax.random.split(key)
    plain = siren.init(first, sizes, omega=omega)
    shapes = {i: (plain[i][0].shape, 1 / omega) for i in (0, 1)}
    drawn = layers.normals(second, shapes)
    noisy = [(plain[i][0] + noise[i] * drawn[i], plain[i][1]) for i in (0, 1)]
    return [*noisy, *plain[2:]]
