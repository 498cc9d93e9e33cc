"""A field (x, t) -> R^D by a multi-layer perceptron with the time as a further input."""

from common.nn import layers

apply = layers.timed  # (params, x [B, D], t [] or [B]) -> [B, D]


def init(key, dim: int, width: int, depth: int):
    """Weights N(0, 2 / fan-in), biases 0, of `depth` hidden layers.  -> [(w, b), ...]"""
    return layers.init(key, [dim + 1, *[width] * depth, dim])
