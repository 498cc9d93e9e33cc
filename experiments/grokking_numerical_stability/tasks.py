"""The tasks: addition modulo p of one-hot numbers, the parity of some of many bits.

Shapes: B training examples, T test examples, D inputs.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common.tasks import arithmetic, splits


class Data(NamedTuple):
    x: Any  # float32 [B, D]
    y: Any  # int [B]
    x_test: Any  # float32 [T, D]
    y_test: Any  # int [T]


def modular(key, *, p, fraction) -> Data:
    """All pairs, a fraction of them to train on.  D = 2 p"""
    pairs, answers = arithmetic.modular(p)
    x = jax.nn.one_hot(pairs, p, dtype=jnp.float32).reshape(p * p, 2 * p)
    train, test = splits.split(key, p * p, fraction)
    return Data(x[train], answers[train], x[test], answers[test])


def parity(key, *, bits, noise, train, test) -> Data:
    """Strings, no two the same, with the parity of the first bits.  D = bits + noise"""
    x, y = arithmetic.sparse_parity(key, train + test, bits, noise)
    x = x.astype(jnp.float32)
    return Data(x[:train], y[:train], x[train:], y[train:])
