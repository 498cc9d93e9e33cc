"""The four models, their basis kernels K(t) = e^(tA) B, and what is known of these.

Shapes: N states, T times, W kernels that are looked at. Float64, on the host.
"""

import numpy as np
from scipy.linalg import solve_continuous_lyapunov

from common.ssm import discrete, hippo, kernels

LOOKED = 6  # kernels K_0 .. K_5
END = 3  # of the grid: a window ends at 1, but few states of FouT echo for long
AFTER = 1.02  # what is later than this is beyond the window
MAKERS = {"legs": hippo.legs, "legt": hippo.legt, "fout": hippo.fout, "foud": hippo.foud}
FOURIER = ("fout", "foud")


def make(name: str, states: int, feedback: float = 1.0) -> hippo.Hippo:
    """The model of a window (or time constant) of 1; Fourier ones of an even number have one less.

    feedback: factor of the low rank part of A; 1 is the model, another one a control.
    """
    h = MAKERS[name](states - (name in FOURIER and states % 2 == 0))
    return h._replace(a=h.a + (1 - feedback) * h.p @ h.p.T)


def kernel(h: hippo.Hippo, step: float, count: int, rows: int | None = None) -> np.ndarray:
    """K at 0, step, 2 step, ..., all rows or the first ones.  -> [N, T]"""
    n = len(h.b)
    power = discrete.zoh(h.a, np.zeros(n), step)[0]
    return kernels.dense(power, h.b, np.eye(n)[:rows], count)


def sampled(h: hippo.Hippo, step: float, count: int) -> np.ndarray:
    """What the states hold of a held input's last values: A^l B of steps of length `step`.

    -> [N, T]
    """
    a, b = discrete.zoh(h.a, h.b, step)
    return kernels.dense(a, b, np.eye(len(b)), count)


def covariance(h: hippo.Hippo, growth: float = 0.0) -> np.ndarray:
    """Integral of e^(growth t) K K^T over t > 0: of the states under white noise.  -> [N, N]"""
    shifted = h.a + growth / 2 * np.eye(len(h.b))
    return solve_continuous_lyapunov(shifted, -np.outer(h.b, h.b))


def extremes(gram: np.ndarray) -> np.ndarray:
    """Least and greatest eigenvalue: both are 1 of the identity alone.  [N, N] -> [2]"""
    return np.linalg.eigvalsh((gram + gram.T) / 2)[[0, -1]]


def limit(name: str, time: np.ndarray) -> np.ndarray:
    """What K_0 .. K_5 are of many states, or at any number of them.  time [T] -> [W, T]"""
    return make(name, LOOKED + 1).basis(time)[:LOOKED]


def limits(name: str, states: int, fineness: int, *, feedback=1.0, alternating=False):
    """Distance in L2 of K_0 .. K_5 from their limits, and their energy beyond the window.

    fineness: times between two of k / N. alternating: signs (-1)^n before the limits.
    -> (distance [W], energy [W])
    """
    fine = fineness * states
    time = np.arange(END * fine + 1) / fine
    found = kernel(make(name, states, feedback), 1 / fine, len(time), LOOKED)
    sign = (-1.0) ** np.arange(LOOKED) if alternating else np.ones(LOOKED)
    square = (found - sign[:, None] * limit(name, time)) ** 2
    # the trapezoidal rule on both sides of the limit's jump at t = 1
    square[:, fine] = (square[:, fine] + found[:, fine] ** 2) / 2
    distance = np.sqrt(np.trapezoid(square, time, axis=1))
    late = time >= AFTER
    return distance, np.trapezoid(found[:, late] ** 2, time[late], axis=1)
