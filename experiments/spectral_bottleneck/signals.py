"""Band-limited signals on a grid, their spectral centroid and their power by frequency.

Frequencies are fractions of Nyquist's. Shapes: N points, M = N/2 + 1 frequencies, B bins.
"""

import jax.numpy as jnp
import numpy as np

from common.reals import namespace


def nyquist(points: int) -> float:
    """Nyquist's angular frequency, per unit of a coordinate in [-1, 1]."""
    return np.pi * points / 2


def grid(points: int):
    """Coordinates of the samples.  -> [N, 1]"""
    return jnp.linspace(-1, 1, points)[:, None]


def band(turns, low: float, high: float, points: int) -> np.ndarray:
    """Unit magnitudes in [low, high] but at 0, over the largest value.  turns [..., M] -> [..., N]

    turns: phases over 2 pi.
    """
    frequency = np.linspace(0, 1, points // 2 + 1)
    inside = (frequency >= low) & (frequency <= high) & (frequency > 0)
    signal = np.fft.irfft(np.where(inside, np.exp(2j * np.pi * turns), 0), points)
    return signal / np.abs(signal).max(-1, keepdims=True)


def centroid(signal) -> np.ndarray:
    """Mean frequency weighted by magnitudes (not powers), as the authors' code has it.

    signal [..., N] -> [...]
    """
    magnitude = np.abs(np.fft.rfft(signal))
    return (magnitude * np.linspace(0, 1, magnitude.shape[-1])).sum(-1) / magnitude.sum(-1)


def power(signal, bins: int):
    """Share of the variance in equal bins of frequency up to 1, no window.  [..., N] -> [..., B]

    N / 2 is a multiple of the bins; the sum of all is the variance (Parseval).
    """
    xp = namespace(signal)
    size = xp.square(xp.abs(xp.fft.rfft(signal)))[..., 1:] / signal.shape[-1] ** 2
    twice = np.where(np.arange(size.shape[-1]) < size.shape[-1] - 1, 2.0, 1.0)  # Nyquist's is one
    return (size * twice).reshape(*size.shape[:-1], bins, -1).sum(-1)
