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


def draw(key, sizes: Sequence[int], omega: float):
    """A SIREN's layers, and standard normal numbers for its first two weight matrices.

    -> (layers, (like W_1, like W_2))
    """
    first, second = jax.random.split(key)
    plain = siren.init(first, sizes, omega=omega)
    normal = layers.normals(second, {i: (plain[i][0].shape, 1.0) for i in (0, 1)})
    return plain, (normal[0], normal[1])


def noisy(drawn, noise, omega: float):
    """The layers with noise of these scales.  noise [2]: S0, S1; zeros give the plain SIREN."""
    plain, normal = drawn
    each = zip(plain, normal, noise, strict=False)
    return [*((w + s / omega * z, b) for (w, b), z, s in each), *plain[2:]]
