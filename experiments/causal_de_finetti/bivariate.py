"""Pairs (X, Y) in environments of two samples each, and the decision which causes which.

Shapes: E environments.  Samples [E, 2 samples, 2 variables].
"""

import jax.numpy as jnp
from jax import Array

from . import kernels

NONE, RIGHT, LEFT = 0, 1, 2  # no edge, X -> Y, Y -> X


def sampled(
    mode: Array, gains: Array, means: Array, noise: Array, curved: Array, c: Array
) -> Array:
    """D = A N + c (A - I) N^2 where curved, N Laplace about means of the environment.

    gains [2]: of the cause and of the effect's own noise; means [E, 2 samples, 2], uniform in
    (-1, 1); noise [E, 2, 2] uniform in (0, 1); curved [E, 2] of 0 and 1 -> [E, 2, 2]
    """
    u = noise - 0.5
    N = means - jnp.sign(u) * jnp.log1p(-2 * jnp.abs(u))
    a, b = gains
    right, left = jnp.array([[1.0, 0.0], [a, b]]), jnp.array([[b, a], [0.0, 1.0]])
    A = jnp.stack([jnp.eye(2), right, left])[mode]
    bent = c * curved[..., None] * (N**2 @ (A - jnp.eye(2)).T)
    return N @ A.T + bent


def tested(d: Array) -> Array:
    """p-values of X1, Y2 | X2, of Y1, X2 | Y2 and of X1, Y1.  d [E, 2, 2] -> [3]"""
    x1, y1, x2, y2 = d[:, 0, 0], d[:, 0, 1], d[:, 1, 0], d[:, 1, 1]
    right, left = kernels.conditional(x1, y2, x2), kernels.conditional(y1, x2, y2)
    return jnp.stack([right, left, kernels.independent(x1, y1)])


def decided(p: Array, alpha: float) -> Array:
    """X -> Y if the first holds and the others do not, and so on; else the largest p.  p [3]"""
    high = p >= alpha
    right = high[0] & ~high[1] & ~high[2]
    left = ~high[0] & high[1] & ~high[2]
    largest = jnp.array([RIGHT, LEFT, NONE])[p.argmax()]
    return jnp.where(right, RIGHT, jnp.where(left, LEFT, jnp.where(high.all(), NONE, largest)))


def guessed(p: Array, alpha: float, coin: Array) -> Array:
    """The baseline: an edge if X1 and Y1 are dependent, its direction by a coin in (0, 1)."""
    return jnp.where(p[2] >= alpha, NONE, jnp.where(coin < 0.5, RIGHT, LEFT))
