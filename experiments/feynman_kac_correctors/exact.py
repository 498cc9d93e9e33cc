"""Targets by quadrature: a grid in float64 and NumPy, whose points are weighted particles too.

Shapes: E experts, D dimensions, G points of the grid.
"""

import itertools

import numpy as np


def on_grid(target, half: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of a cube, `count` along every side, and their shares of the target.

    half: of the cube's width.  -> x [G, D], p [G], which sum to one
    """
    axis = np.linspace(-half, half, count)
    x = np.array(list(itertools.product(axis, repeat=target.experts.means.shape[-1])))
    log = log_density(target, x)
    p = np.exp(log - log.max())
    return x, p / p.sum()


def log_density(target, x) -> np.ndarray:
    """log of prod_m q_m^c_m e^(b r) at the least noise, not normalised.  x [G, D] -> [G]"""
    log = target.reward * np.tanh(-x[:, 0])
    for power, *expert in zip(target.powers, *target.experts, strict=True):
        log = log + power * log_mixture(expert, x, target.sigmas[1])
    return log


def log_mixture(expert, x, noise) -> np.ndarray:
    """Log density of one mixture (weights, means, stds) after noise.  x [G, D] -> [G]"""
    total = np.full(len(x), -np.inf)
    for weight, mean, std in zip(*expert, strict=True):
        if weight:  # components that fill up a size have none
            variance = std**2 + noise**2
            square = ((x - mean) ** 2).sum(axis=1) / variance
            log = np.log(weight) - 0.5 * square - 0.5 * x.shape[1] * np.log(2 * np.pi * variance)
            total = np.logaddexp(total, log)
    return total
