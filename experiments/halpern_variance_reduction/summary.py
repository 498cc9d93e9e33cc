"""What is kept of whole histories: when an accuracy is reached and for how much. NumPy alone.

Shapes: S seeds, N sizes, K steps, R records.
"""

import numpy as np


def reached(residual, spent, level: float, charge):
    """First place with residual <= level and the evaluations until then; never: K and `charge`.

    residual, spent [S, N, K], charge [N] -> int [S, N] twice
    """
    under = residual <= level
    first, ever = under.argmax(-1), under.any(-1)
    paid = np.take_along_axis(spent, first[..., None], -1)[..., 0]
    return np.where(ever, first, residual.shape[-1]), np.where(ever, paid, charge)


def over_bound(residual, step: float, burn: int):
    """Largest of k = burn, ... of residual over 2 / (eta (k + 3)).  [S, N, K] -> [S, N]"""
    k = np.arange(residual.shape[-1])
    return (residual * step * (k + 3) / 2)[..., burn:].max(-1)


def leaving(residual, estimate, level: float):
    """Residual where the estimate first is <= level, at the end if never.  [S, N, K] -> [S, N]"""
    under = estimate <= level
    first = np.where(under.any(-1), under.argmax(-1), residual.shape[-1] - 1)
    return np.take_along_axis(residual, first[..., None], -1)[..., 0]


def between(error, at):
    """Root mean square over the steps after the record before.  [S, N, K], at [R] -> [S, N, R]"""
    square = np.concatenate([np.zeros_like(error[..., :1]), np.cumsum(error**2, -1)], -1)
    edges = np.concatenate([[0], at + 1])
    return np.sqrt(np.diff(square[..., edges], axis=-1) / np.diff(edges))


def side_by_side(rows):
    """Rows [..., K_i] of several lengths, the shorter ones with their last entry on.

    -> [..., i, K]
    """
    longest = max(row.shape[-1] for row in rows)
    at = [np.minimum(np.arange(longest), row.shape[-1] - 1) for row in rows]
    return np.stack([row[..., i] for row, i in zip(rows, at, strict=True)], axis=-2)
