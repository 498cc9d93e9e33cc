"""Rows that keep the rank of an identity block and of a Gaussian block: counts, no matrices."""

import numpy as np
from scipy.special import gammaincinv


def kept(u, v, d, share):
    """Median budgets at which a block has d rows, and at which both blocks have their rank.

    Rows of many small q_i come as Poisson events, in the share of their block of all scores: the
    d-th of the Gaussian block at a Gamma time; the identity is whole with its last coordinate.
    u, v [seed, repetition, d] uniform, d [d], share of the Gaussian block [weights, p, d]
    -> [seed, weights, p, d] each
    """
    block = gammaincinv(d, u)[:, None, None]
    last = (-np.log(-np.expm1(np.log(v) / d)) * d)[:, None, None]
    first = block / share[:, :, None]
    whole = np.maximum(first, last / (1 - share)[:, :, None])
    return np.median(first, axis=3), np.median(whole, axis=3)
