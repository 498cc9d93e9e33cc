"""Closed form of the global minima of the unconstrained feature model (bias-free theorems).

One scalar equation a class: the singular value s_k that all M layers share is
s_k^{2M} = N lambda x_k^M, x_k >= 0 minimising g_k(x) = 1 / (x^M + 1) + (b / n_k) x with
b = M N (N lambda^{M+1})^{1/M}; all penalties are one lambda.

Shapes: K classes; counts n [K] whose sum is N; lambda and M are numbers or broadcast against n.
"""

import numpy as np


def threshold(depth):
    """Largest b / n_k at which class k survives: (M - 1)^{(M - 1) / M} / M, 1 for M = 1."""
    return (depth - 1.0) ** ((depth - 1) / depth) / depth


def price(samples, decay, depth):
    """b: what a class must be large against.  samples N"""
    return depth * samples * (samples * decay ** (depth + 1)) ** (1 / depth)


def critical_decay(count, samples, depth):
    """The lambda at which a class of `count` examples among `samples` vanishes."""
    power = (threshold(depth) * count / (depth * samples)) ** depth / samples
    return power ** (1 / (depth + 1))


def largest_root(ratio, depth):
    """The largest x with ratio = M x^{M-1} / (x^M + 1)^2.  ratio = b / n [...] -> [...]

    By bisection in log x from the peak of the right side on, to float64's precision; meaningless
    where ratio exceeds that peak.
    """
    ratio = np.asarray(ratio, float)
    peak = max((depth - 1) / (depth + 1), 1e-300) ** (1 / depth)
    low = np.full(ratio.shape, np.log(peak))
    high = np.log(depth / ratio) / (depth + 1) + 1.0  # the right side is below M / x^{M+1}
    for _ in range(100):
        x = (low + high) / 2
        slope = np.log(depth) + (depth - 1) * x - 2 * np.logaddexp(depth * x, 0)
        beyond = slope < np.log(ratio)
        low, high = np.where(beyond, low, x), np.where(beyond, x, high)
    return np.exp((low + high) / 2)


def cost(x, ratio, depth):
    """g(x) = 1 / (x^M + 1) + ratio x, a class's share in units of n_k / 2N; g(0) = 1."""
    return 1 / (x**depth + 1) + ratio * x


def root(ratio, depth):
    """The minimiser of `cost` over x >= 0: the largest root below the threshold, 0 above it."""
    ratio = np.asarray(ratio, float)
    return np.where(ratio < threshold(depth), largest_root(ratio, depth), 0.0)


def roots(counts, decay, depth):
    """x_k of every class.  counts [..., K] -> [..., K]"""
    counts = np.asarray(counts, float)
    samples = counts.sum(-1, keepdims=True)
    return root(price(samples, decay, depth) / counts, depth)


def singular_values(counts, decay, depth):
    """s_k, shared by all M layers.  counts [..., K] -> [..., K]"""
    samples = np.sum(counts, axis=-1, keepdims=True)
    return np.sqrt((samples * decay) ** (1 / depth) * roots(counts, decay, depth))


def rows(counts, decay, depth):
    """Squared lengths of the rows of P = W_M ... W_1: s_k^{2M}.  -> [..., K]"""
    return singular_values(counts, decay, depth) ** (2 * depth)


def lengths(counts, decay, depth):
    """Squared lengths of the class features: s_k^{2M} / (s_k^{2M} + N lambda)^2.  -> [..., K]"""
    power = rows(counts, decay, depth)
    return power / (power + np.sum(counts, axis=-1, keepdims=True) * decay) ** 2


def outputs(counts, decay, depth):
    """Answer to an example of class k at its own output: s^{2M} / (s^{2M} + N lambda)."""
    power = rows(counts, decay, depth)
    return power / (power + np.sum(counts, axis=-1, keepdims=True) * decay)


def losses(counts, decay, depth):
    """Each class's share of the minimal objective: (n_k / 2N) g_k(x_k).  -> [..., K]

    With a free bias and balanced classes the all-ones direction costs nothing and the other K - 1
    are unchanged, so that K - 1 of these shares remain (derived here).
    """
    counts = np.asarray(counts, float)
    samples = counts.sum(-1, keepdims=True)
    ratio = price(samples, decay, depth) / counts
    return counts / (2 * samples) * cost(root(ratio, depth), ratio, depth)
