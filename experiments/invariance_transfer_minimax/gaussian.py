"""Stable predictors of linear-Gaussian mechanisms on the stable graph, from exact moments.

Shapes: V variables, M mutable variables (roots once intervened on), N subsets.
"""

import numpy as np


def moments(A: np.ndarray, weights: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Covariance of x = B^T x + noise, B the weights on the edges of A.  weights [V, V], spread [V]

    -> [V, V]
    """
    out = np.linalg.inv(np.eye(len(A)) - A * weights)
    return out.T @ np.diag(spread**2) @ out


def predictors(C: np.ndarray, y: int, given: np.ndarray) -> np.ndarray:
    """Coefficients of E[Y | those given], 0 at all others.  C [V, V], given bool [N, V] -> [N, V]

    In units of standard deviations, so that they compare.
    """
    unit = np.sqrt(np.diag(C))
    R = C / np.outer(unit, unit)
    both = given[:, :, None] & given[:, None, :]
    filled = np.where(both, R, np.eye(len(C)))
    return np.linalg.solve(filled, np.where(given, R[:, y], 0.0)[..., None])[..., 0]


def distinct(rows: np.ndarray, tol: float) -> int:
    """How many rows differ from all before by more than tol.  rows [N, V]"""
    apart = abs(rows[:, None] - rows).max(axis=-1) > tol
    return int((apart | ~np.tri(len(rows), k=-1, dtype=bool)).all(axis=1).sum())
