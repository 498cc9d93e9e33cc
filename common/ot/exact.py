"""Exact transport between few points, on the host in float64: an assignment, a linear programme.

SciPy's `linear_sum_assignment` and HiGHS.  Shapes: n sources, m targets; cost [n, m], r [n], c [m].
"""

from typing import NamedTuple

import numpy as np

from common import shapes
from common.reals import at_least, reals
from common.sde.transport import programme


class Assignment(NamedTuple):
    """Who gets what, and the sum of the costs."""

    columns: np.ndarray  # int [n]
    total: float


class Exact(NamedTuple):
    """A vertex of the polytope and the potentials that prove it: x_i + y_j <= cost_ij."""

    plan: np.ndarray  # [n, m]
    value: float  # sum of plan * cost
    x: np.ndarray  # [n]
    y: np.ndarray  # [m]


def assignment(cost) -> Assignment:
    """The permutation of least total cost [n, n]; about n^3 work, n <= 5000.

    Errors: ValueError for a cost that is not square, empty or not finite.
    """
    from scipy.optimize import linear_sum_assignment

    cost = _cost(cost, "n n")
    rows, columns = linear_sum_assignment(cost)
    return Assignment(columns, float(cost[rows, columns].sum()))


def transport(cost, r, c) -> Exact:
    """The plan of least cost with masses r and c; seconds for 300 x 300.

    Errors: ValueError for shapes, masses that are negative, all 0 or of different sums, and what is
    not finite.
    """
    cost = _cost(cost, "n m")
    n, m = cost.shape
    shapes.check("r", r, str(n))
    shapes.check("c", c, str(m))
    r, c = (np.asarray(reals(name, np.asarray(mass)), float) for name, mass in (("r", r), ("c", c)))
    for name, mass in (("r", r), ("c", c)):
        if (mass < 0).any() or not mass.any():
            raise ValueError(f"{name} must hold masses, none negative and some positive")
    if abs(r.sum() - c.sum()) > 1e-6 * r.sum():
        raise ValueError("r and c must have the same mass")
    plan, value, x, y = programme(cost, r / r.sum(), c / c.sum())
    return Exact(plan * r.sum(), value * float(r.sum()), x, y)


def _cost(cost, pattern: str) -> np.ndarray:
    shapes.check("cost", cost, pattern)
    cost = np.asarray(reals("cost", np.asarray(cost)), float)
    at_least(1, **{"size of cost": cost.size})
    return cost
