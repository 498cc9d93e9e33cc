"""Dense Gaussian processes on the host, the reference: kernels, regression, draws.

Shapes: D coordinates, R processes.
"""

import numpy as np


def matern(times, smoothness: float, lengthscale: float, variance: float = 1.0):
    """Covariance of the values, smoothness 1/2 or 3/2.  times [..., D] -> [..., D, D]"""
    gaps = np.abs(times[..., :, None] - times[..., None, :])
    a = (2 * smoothness) ** 0.5 * gaps / lengthscale
    return variance * np.exp(-a) * (1.0 if smoothness == 0.5 else 1 + a)


def regression(kernel, precision, shift):
    """Means [D, R] and covariances [D, R, R] of R independent processes, given information.

    kernel [D, D], precision [D, R, R], shift [D, R]: as in `kalman.posterior`; (1 + K L)^-1 K.
    """
    size, rank = shift.shape
    prior, at = np.kron(kernel, np.eye(rank)), np.arange(size)
    information = np.zeros((size, rank, size, rank))
    information[at, :, at] = precision
    information = information.reshape(size * rank, -1)
    cov = np.linalg.solve(np.eye(size * rank) + prior @ information, prior)
    mean = (cov @ shift.reshape(-1)).reshape(size, rank)
    return mean, cov.reshape(size, rank, size, rank)[at, :, at]


def draw(normal, times, smoothness: float, lengthscale: float):
    """Functions of variance 1 at the coordinates.  normal [..., D, R], times [..., D] -> as normal

    JITTER of the kernel's diagonal is for coordinates that nearly coincide.
    """
    kernel = matern(times, smoothness, lengthscale) + JITTER * np.eye(times.shape[-1])
    return np.linalg.cholesky(kernel) @ normal


JITTER = 1e-10
