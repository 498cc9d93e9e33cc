"""Perceptrons with ReLU, with or without biases, from PyTorch's default start; weights float32.

Without biases the logits are homogeneous: f(a theta) = a^L f(theta), L layers.

Shapes: B batch, D inputs, C classes.
"""

import math
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from common import keys
from common.nn import layers


def init(key, sizes, *, biased):
    """U(-1, 1) / sqrt(fan-in), in one draw.  -> {"w": [[N, M], ...], "b": [[M], ...] or []}"""
    shapes = [(n, (n, m)) for n, m in pairwise(sizes)]
    shapes += [(n, (m,)) for n, m in pairwise(sizes)] if biased else []
    counts = [math.prod(shape) for _, shape in shapes]
    drawn = 2 * keys.uniform(key, (sum(counts),), jnp.float32) - 1
    parts = jnp.split(drawn, np.cumsum(counts)[:-1])
    scaled = [
        part.reshape(shape) / jnp.float32(n) ** 0.5
        for part, (n, shape) in zip(parts, shapes, strict=True)
    ]
    count = len(sizes) - 1
    return {"w": scaled[:count], "b": scaled[count:]}


def apply(params, x):
    """Logits.  x [B, D] -> [B, C]"""
    biases = params["b"] or [jnp.zeros(w.shape[1], w.dtype) for w in params["w"]]
    pairs = list(zip(params["w"], biases, strict=True))
    return layers.apply(pairs, x, activation=jax.nn.relu)
