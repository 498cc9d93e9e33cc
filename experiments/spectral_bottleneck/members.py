"""The trainings of a seed: which band, which first-layer frequency, which noise.

Shapes: S seeds, N points; members are all trainings of all seeds, those of a seed in a row.
"""

from typing import NamedTuple

import jax
import numpy as np

BOTH, NONE = (1.0, 1.0), (0.0, 0.0)
NOISES = (NONE, BOTH, (1.0, 0.0), (0.0, 1.0))  # SIREN, WINNER, S0 alone, S1 alone


class Member(NamedTuple):
    """The place of its band, omega_1, factors of S0 and S1."""

    band: int
    first: float
    noise: tuple[float, float]


def groups(omega: float, tuned: float, swept: list[float], bands: int) -> dict[str, list[Member]]:
    """By array: methods on the first band, three of them on the others, a sweep of omega_1."""
    three = ((omega, NONE), (tuned, NONE), (omega, BOTH))
    alone = [(omega, noise) for noise in NOISES[2:]]
    return {
        "fit": [Member(0, *method) for method in (*three, *alone)],
        "bands": [Member(i, *method) for i in range(1, bands) for method in three],
        "sweep": [Member(0, first, NONE) for first in swept],
    }


def arranged(groups: dict[str, list[Member]], drawn, scale, signal):
    """What every member starts from.  drawn [S, …], scale [S, band, 2], signal [S, band, N]

    -> drawn [member, …], noise [member, 2], omega_1 [member], signal [member, N]
    """
    each = [member for group in groups.values() for member in group]
    band = [member.band for member in each]
    noise = scale[:, band] * np.array([member.noise for member in each], scale.dtype)
    first = np.tile([member.first for member in each], len(scale)).astype(np.float32)
    many = jax.tree.map(lambda x: np.repeat(x, len(each), axis=0), drawn)
    return many, noise.reshape(-1, 2), first, signal[:, band].reshape(-1, signal.shape[-1])
