"""The soil's constants, the year above it, and what is read from temperatures. NumPy alone.

Shapes: N steps of a year.
"""

import numpy as np

KAPPA, DZ, LEVELS = 7e-7, 0.5, 20  # m^2/s, m
MEAN, SWING = 280.0, 10.0  # of the surface, K
DAY, YEAR = 86_400, 365  # s, days
CELSIUS, REACH = 273.15, 2.0  # K; the start lies within REACH of 0 degrees Celsius


def courant(dt: float) -> float:
    """c, the share of a curvature that a step adds."""
    return KAPPA * dt / DZ**2


def surface(dt: float) -> np.ndarray:
    """Temperature of the surface at the steps of a year, K.  -> [N]"""
    steps = round(YEAR * DAY / dt)
    return MEAN + SWING * np.sin(2 * np.pi * np.arange(steps) / steps)


def dead_band(dt: float, bits):
    """Curvatures T_{i-1} - 2 T_i + T_{i+1} whose increments are lost between 256 and 512 K, K."""
    return 2.0 ** (8 - bits) / 2 / courant(dt)


def harmonic(T, axis: int):
    """Amplitude of the first harmonic of records that fill a year; 0 of what stands still."""
    T = np.moveaxis(T, axis, -1)
    wave = np.exp(2j * np.pi * np.arange(T.shape[-1]) / T.shape[-1])
    return 2 * np.abs(((T - T[..., :1]) * wave).mean(-1))
