"""S4D as a stand-in for S4's matrix HiPPO-LegS: kernels K(t) = e^(tA) B and their transforms.

Shapes: N states, P = N / 2 pairs, W frequencies, T times.
"""

import numpy as np

from common.ssm import hippo, transfer
from common.ssm.hippo import Diagonal

FIRST = 4  # kernels K_0 .. K_3
PERIODS = 16  # times a period of the fastest mode


def transforms(d: Diagonal, omega: np.ndarray) -> np.ndarray:
    """First components of (i w - A)^-1 B of a diagonal model.  omega [W] -> [W, 4] complex"""
    return transfer.modal(hippo.whole(d), omega)[:, :FIRST]


def mean_square_error(d: Diagonal) -> float:
    """Root of the integral of (K_0 - e^-t)^2 over that of e^-2t, exactly: all are exponentials.

    The integral of sum_ij c_i c_j e^((l_i + l_j) t) over t > 0 is -sum_ij c_i c_j / (l_i + l_j).
    """
    both = hippo.whole(d)
    rates, weights = np.append(both.values, -1.0), np.append(both.vectors[0] * both.b, -1.0)
    square = -(weights @ (1 / (rates[:, None] + rates)) @ weights).real
    return float(np.sqrt(square / 0.5))


def kernels(d: Diagonal, time: np.ndarray) -> np.ndarray:
    """K_0 .. K_3 of a diagonal model.  time [T] -> [4, T]"""
    return 2 * ((d.vectors[:FIRST] * d.b) @ np.exp(np.outer(d.values, time))).real


def period(n: int) -> float:
    """Of the fastest mode, whose frequency tends to N^2 / pi."""
    return 2 * np.pi**2 / n**2


def envelope(d: Diagonal, end: float, count: int) -> np.ndarray:
    """Least, mean and greatest value of each kernel in `count` bins of [0, end].  -> [3, 4, count]

    A coarse grid of times aliases the fastest mode and shows false convergence: here are sixteen
    times a period, and in each bin at least a period and a half.
    """
    fastest = period(2 * len(d.values))
    width = max(end / count, 1.5 * fastest)
    turned = np.exp(np.outer(d.values, np.linspace(0, width, int(PERIODS * width / fastest) + 1)))
    heads = [d.vectors[:FIRST] * d.b * np.exp(d.values * end * i / count) for i in range(count)]
    each = np.stack([2 * (head @ turned).real for head in heads], axis=1)
    return np.stack([each.min(-1), each.mean(-1), each.max(-1)])


def largest(kind: str, n: int, count: int) -> np.ndarray:
    """The largest frequencies of an initialisation, falling.  -> [count]"""
    return np.sort(hippo.initial(kind, n).imag)[::-1][:count]
