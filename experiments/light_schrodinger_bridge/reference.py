"""Even samples, and the cost of an entropic plan between two, on the host.

Shapes: n points of each sample, D dimensions.
"""

import numpy as np
from scipy.special import ndtri
from scipy.stats import qmc

from . import problems


def even(shift, n: int):
    """A Sobol set moved by shift [D] in [0, 1), a uniform one: costs scatter a tenth as much.

    Every point is uniform (Cranley and Patterson 1976).  n: a power of two -> [n, D] in (0, 1)
    """
    points = (qmc.Sobol(len(shift), scramble=False).random(n) + shift) % 1
    return np.clip(points, 1e-9, 1 - 1e-9)


def normals(d: int, n: int):
    """N(0, I) on such a set, the same in every seed.  -> float32 [n, d]"""
    return ndtri(even(np.zeros(d), n)).astype(np.float32)


def rolled(shift, n: int):
    """N(0, I) in the plane and the swiss roll, from such a set.  shift [5] -> x, y [n, 2]"""
    uniform = even(shift, n)
    return ndtri(uniform[:, :2]), problems.spiral(ndtri(uniform[:, 2:4]), uniform[:, 4:])


def sinkhorn(x, y, eps: float, sweeps: int) -> float:
    """Mean |x - y|^2 of the plan that minimises E|x - y|^2 / 2 - eps H.  x, y [n, D]

    In float64 the kernel may be formed once, which spares the logarithms of common.sde.transport:
    its smallest entries vanish, its largest of each row and column do not.
    """
    x, y = x.astype(float), y.astype(float)
    cost = np.maximum((x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * x @ y.T, 0)
    kernel, n = np.exp(-cost / (2 * eps)), len(x)
    v = np.ones(n)
    for _ in range(sweeps):
        u = 1 / n / (kernel @ v)
        v = 1 / n / (u @ kernel)
    return float((u[:, None] * kernel * v * cost).sum())
