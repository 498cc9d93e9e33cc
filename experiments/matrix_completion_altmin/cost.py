"""Multiplications of one sweep, counted from how many entries every row and column has seen."""

import numpy as np


def exact(seen: np.ndarray, k: int) -> float:
    """Normal equations of all rows and columns.  seen [n, n] of zeros and ones

    An entry adds k^2 to B_j and k to the right side; a system takes k^3 / 3 + k^2.
    """
    entries, systems = 2 * seen.sum(), sum(seen.shape)
    return entries * (k**2 + k) + systems * (k**3 / 3 + k**2)


def conjugate(seen: np.ndarray, k: int, steps: int) -> float:
    """Warm-started conjugate gradients: a residual and `steps` products with B_j, 2 k an entry."""
    entries, systems = 2 * seen.sum(), sum(seen.shape)
    return entries * 2 * k * (steps + 1) + systems * 5 * k * steps
