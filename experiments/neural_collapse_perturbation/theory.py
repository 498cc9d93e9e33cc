"""Near collapse in closed form: H_0 = mu_0 Q Y + dH_0, orthonormal Q, class sums of dH_0 zero.

At dH_0 = 0 the minimiser is H = mu Q Y, W = w Q^T with w = mu / (mu^2 + lambda_W) and the positive
mu that minimises (w mu - 1)^2 + lambda_H mu^2 + beta (mu - mu_0)^2 + lambda_W w^2. To first order
W stays and dH = beta (W^T W + lambda_H + beta)^-1 dH_0.
"""

from typing import NamedTuple

import numpy as np


class Near(NamedTuple):
    length: float  # mu
    weight: float  # w
    along: float  # shrink factor of dH_0 on the row space of W
    across: float  # and on its complement


def near(start: float, last: float, features: float, vicinity: float) -> Near:
    """Of mu_0, lambda_W, lambda_H, beta."""
    mu = length(start, last, features, vicinity)
    w, rest = mu / (mu**2 + last), features + vicinity
    return Near(mu, w, vicinity / (w**2 + rest), vicinity / rest)


def length(start: float, last: float, features: float, vicinity: float) -> float:
    """mu: the best positive root of the derivative, times (mu^2 + lambda_W)^2 a quintic.

    With w optimal the objective is lambda_W / (mu^2 + lambda_W) + lambda_H mu^2
    + beta (mu - mu_0)^2.
    """
    square = np.poly1d([1.0, 0.0, last]) ** 2
    slope = np.poly1d([features + vicinity, -vicinity * start]) * square - np.poly1d([last, 0.0])
    roots = slope.roots
    mu = roots.real[(np.abs(roots.imag) < 1e-9 * np.abs(roots)) & (roots.real > 0)]
    cost = last / (mu**2 + last) + features * mu**2 + vicinity * (mu - start) ** 2
    return float(mu[cost.argmin()])


def reduction(start: float, last: float, features: float, vicinity: float) -> float:
    """NC1(H) / NC1(H_0), which sees the row space of W alone: (along mu_0 / mu)^2.

    As mu (w^2 + lambda_H + beta) = w + beta mu_0, it is 1 / (1 + w / (beta mu_0))^2: a larger last
    layer means more collapse.
    """
    return (1 + near(start, last, features, vicinity).weight / (vicinity * start)) ** -2
