"""Models that stand in for LegS, all diagonal: its normal part (S4D-LegS) and PTD.

Shapes: N states, W frequencies.
"""

from typing import NamedTuple

import numpy as np

from common.ssm import hippo, transfer
from common.ssm.hippo import Diagonal, Hippo
from common.ssm.transfer import Perturbed


def normal(h: Hippo, share: float = 0.5) -> Diagonal:
    """The normal part A + B B^T / 2, driven by a share of B."""
    return hippo.whole(hippo.diagonal(h, share))


def perturbed(h: Hippo, normals: np.ndarray, epsilon: float, noise: str = "gaussian") -> Perturbed:
    """PTD with |E| = epsilon in the direction of the normals [N, N], or of their lower triangle."""
    direction = np.tril(normals) if noise == "triangular" else normals
    return transfer.perturbed(h.a, h.b, transfer.of_norm(direction, epsilon))


def difference(h: Hippo, model: Diagonal | Perturbed, omega: np.ndarray) -> np.ndarray:
    """What a model's states at i w differ by from those of LegS.  omega [W] -> [W, N] complex"""
    return transfer.modal(model, omega) - transfer.states(h.a, h.b, omega)


class Largest(NamedTuple):
    """Of the difference, over all frequencies."""

    norm: float  # largest |.|_2 of all states
    first: float  # largest |.| of the first state
    at: float  # the frequency of that


def largest(h: Hippo, model: Diagonal | Perturbed, count: int) -> Largest:
    """The uniform error, on a grid with every resonance and `count` frequencies more."""
    omega = transfer.frequencies(model.values, count=count)
    off = np.abs(difference(h, model, omega))
    at = off[:, 0].argmax()
    return Largest(float(np.linalg.norm(off, axis=1).max()), float(off[at, 0]), float(omega[at]))


def condition(n: int, eigenvectors: str = "legs") -> float:
    """log10 of |V|_F |V^-1|_F, columns of length one: LegS in integers, or its normal part."""
    if eigenvectors == "legs":
        return transfer.legs_condition(n)
    vectors = normal(hippo.legs(n)).vectors
    return float(np.log10(np.linalg.norm(vectors) * np.linalg.norm(np.linalg.inv(vectors))))
