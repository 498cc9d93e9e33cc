"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

NEAREST and RANDOM are places in the axis of ways, Z in that of variables, KELVIN in that of scales.
"""

import numpy as np

from common import stats

NEAREST, RANDOM, Z, KELVIN = 0, 1, 0, 0


def single(arrays):
    """W_1 of z from 23 to 52 bits over that among 52 bits.  -> [S]"""
    return (arrays["single"] / arrays["floor"][:, None])[:, NEAREST, Z]


def at(arrays, bits):
    """W_1 of z at a number of bits.  -> [S, way]"""
    return arrays["w1"][:, :, list(arrays["bits"]).index(bits), Z]


def six(arrays):
    """W_1 of z to nearest at 6 bits over that among 52 bits.  -> [S]"""
    return at(arrays, 6)[:, NEAREST] / arrays["floor"][:, Z]


def seven_ways(arrays):
    """W_1 of z at 7 bits, to nearest and stochastic.  -> [S, 2]"""
    return at(arrays, 7)


def six_ways(arrays):
    """The same at 6 bits.  -> [S, 2]"""
    return at(arrays, 6)


def five_ways(arrays):
    """The same at 5 bits.  -> [S, 2]"""
    return at(arrays, 5)


def cycle(arrays, way):
    """Amplitude of the year at 0.5 m over the exact one, kelvin.  -> [S]"""
    return arrays["amplitude"][:, way, KELVIN, 0] / arrays["exact"][:, 0]


def cycle_nearest(arrays):
    """Of rounding to nearest.  -> [S]"""
    return cycle(arrays, NEAREST)


def cycle_stochastic(arrays):
    """Of the mean of stochastic columns.  -> [S]"""
    return cycle(arrays, RANDOM)


def bias_nearest(arrays):
    """Size of the error of the last year's mean, kelvin, least of all depths.  -> [S]"""
    return np.abs(arrays["bias"][:, NEAREST, KELVIN]).min(-1)


def bias_stochastic(arrays):
    """Error of the last year's mean, kelvin, mean over depths.  -> [S]"""
    return arrays["bias"][:, RANDOM, KELVIN].mean(-1)


def ladder(arrays):
    """Bits and the range of the year to nearest at 0.5 m over the exact one.  -> [S, 2, K]"""
    return stats.beside(arrays["soil_bits"], arrays["swing"][:, 1:] / arrays["swing"][:, :1])


def expectation(arrays):
    """Largest error of a mean in standard errors, of all numbers and both sources.  -> [S]"""
    return np.abs(arrays["z"]).max((1, 2))
