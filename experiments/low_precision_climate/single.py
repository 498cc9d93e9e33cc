"""Numbers that are rounded stochastically many times, and how far their mean may be off.

Shapes: N numbers, W words of each.
"""

import jax.numpy as jnp
import numpy as np

from common import rounding


def error(x, bits: int, words):
    """Mean of all roundings less the number.  x float32 [N], words uint32 [N, W] -> [N]"""
    many = jnp.broadcast_to(x[:, None], words.shape)
    return (rounding.stochastic(many, bits, words) - many).mean(-1, dtype=float)


def spread(x, bits: int, count: int):
    """Standard error of such a mean: a step, times that of a share of ups.  NumPy, [...]"""
    step = 2.0 ** (np.floor(np.log2(np.abs(x))) - bits)
    share = np.abs(x) / step % 1
    return step * np.sqrt(share * (1 - share) / count)
