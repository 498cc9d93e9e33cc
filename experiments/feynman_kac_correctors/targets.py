"""Mixtures and targets of the studies: NumPy arrays, which a program is told when it runs.

Shapes: E experts, C components, D dimensions.
"""

import numpy as np

from common.sde.mixture import Mixture

from .corrector import Target


def mix(weights, means, stds) -> Mixture:
    """One expert; means [C] are those of one dimension."""
    means = np.asarray(means, float)
    return Mixture(np.asarray(weights, float), means.reshape(len(means), -1), np.asarray(stds))


def target(experts, powers, sigmas, *, reward=0.0, noise=1.0) -> Target:
    """Experts of one size and their powers c, weighted and never resampled."""
    stacked = Mixture(*(np.stack(leaves) for leaves in zip(*experts, strict=True)))
    powers, sigmas = np.asarray(powers, float), np.asarray(sigmas)
    return Target(stacked, powers, reward, noise, sigmas, weight=1.0, below=0.0)


def tempered(beta: float, a: float) -> float:
    """zeta^2 of annealing: a = 0 target score, a = 1/2 tempered noise (prop. 3.2)."""
    return (beta + 2 * (1 - beta) * a) / beta


WIDTHS = mix((0.5, 0.5), (-2.0, 2.0), (0.3, 1.0))  # annealing moves mass to the narrow mode
PAIR = (  # unconditional and conditional
    mix((0.3, 0.7), (-2.0, 2.0), (0.5, 0.7)),
    mix((0.4, 0.6), (-1.5, 2.2), (0.45, 0.6)),
)
AGREED = (  # experts that agree on the left mode alone
    mix((0.5, 0.5), (-2.0, 2.0), (0.5, 0.5)),
    mix((0.5, 0.5), (-2.0, 3.2), (0.5, 0.5)),
)


def guided(experts, guidance: float, sigmas) -> Target:
    """q1^(1 - beta) q2^beta."""
    return target(experts, (1 - guidance, guidance), sigmas)


def annealed(experts, beta: float, a: float, sigmas) -> Target:
    """q^beta; further experts fill up a size."""
    powers = np.zeros(len(experts))
    powers[0] = beta
    return target(experts, powers, sigmas, noise=tempered(beta, a))


def line(beta: float, noises, guidance: float, reward: float, sigmas) -> list[Target]:
    """In one dimension: annealed with every kind of noise, guided, a product, rewarded."""
    return [
        *(annealed((WIDTHS, WIDTHS), beta, a, sigmas) for a in noises),
        guided(PAIR, guidance, sigmas),
        target(AGREED, (1, 1), sigmas),
        target((PAIR[0], PAIR[0]), (1, 0), sigmas, reward=reward),
    ]


def nine() -> Mixture:
    """Nine equal modes on {-6, 0, 6}^2, deviations 1/2 and 1 by turns."""
    axis = np.array([-6.0, 0.0, 6.0])
    means = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return mix(np.full(9, 1 / 9), means, np.where(np.arange(9) % 2, 1.0, 0.5))


def scattered(count: int) -> Mixture:
    """Equal modes spread over [-40, 40]^2 (Roberts' R2 sequence), variance 1 and 1/2 by turns."""
    golden = 1.32471795724474602596  # root of g^3 = g + 1
    means = 80 * (np.arange(1, count + 1)[:, None] / golden ** np.array([1, 2]) % 1) - 40
    stds = np.where(np.arange(count) % 2, 1.0, np.sqrt(0.5))
    return mix(np.full(count, 1 / count), means, stds)


CONTESTED = 2  # the mode of the class that lies beside the other class


def classes() -> tuple[Mixture, Mixture]:
    """All data, five modes of the plane, and the class of the first three."""
    means = np.array([(-2.5, -1.5), (-2.5, 1.5), (0.0, 0.0), (1.5, 1.0), (1.5, -1.0)])
    stds = np.array([0.5, 0.7, 0.6, 0.6, 0.6])
    one_class = np.array([1, 1, 1, 0, 0]) / 3
    return mix(np.full(5, 0.2), means, stds), mix(one_class, means, stds)
