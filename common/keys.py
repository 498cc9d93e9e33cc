"""Random numbers of a seed: named streams, and draws that compile quickly.

Bits of shape (64, 10) take a compiler three times as long as 640 of them in a row; with JAX's
partitionable threefry they are the same bits, and the first n of a longer draw.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from common.reals import at_least


def normal(key: jax.Array, shape: Sequence[int], dtype=float) -> jax.Array:
    """N(0, 1), the numbers of jax.random.normal.  key [] -> shape"""
    return jax.random.normal(key, (math.prod(shape),), dtype).reshape(shape)


def uniform(key: jax.Array, shape: Sequence[int], dtype=float) -> jax.Array:
    """U[0, 1), the numbers of jax.random.uniform.  key [] -> shape"""
    return jax.random.uniform(key, (math.prod(shape),), dtype).reshape(shape)


def split(seeds, names: Sequence[str]) -> dict[str, jax.Array]:
    """One key a name and seed: jax.random.split of the seed's key.  seeds int [S] -> name -> [S]"""
    return dict(zip(names, _split(np.asarray(seeds), len(names)), strict=True))


def fold(seeds, *data: int) -> jax.Array:
    """The keys of seeds int [S], with integers folded in one after the other.  -> [S]

    Errors: ValueError for data that are no integers from 0 to 2^32 - 1 (crc32 of a name is one).
    """
    for number in data:
        at_least(0, data=number)
        if number >= 2**32:
            raise ValueError(f"data must be integers below 2^32, not {number!r}")
    return _fold(np.asarray(seeds), tuple(map(np.uint32, data)))


def draws(
    keys: Mapping[str, jax.Array], shapes: Mapping[str, Sequence[int]], draw: Callable = normal
) -> dict[str, np.ndarray]:
    """The named draws of every seed, all in one program.  keys: name -> [S]

    -> name -> [S, *shape], on the host
    """
    most = max(math.prod(shape) for shape in shapes.values())
    flat = np.asarray(_draws([keys[name] for name in shapes], most, draw))
    return {
        name: flat[i, :, : math.prod(shape)].reshape(-1, *shape)
        for i, (name, shape) in enumerate(shapes.items())
    }


@partial(jax.jit, static_argnums=1)
def _split(seeds, count):
    keys = jax.vmap(lambda seed: jax.random.split(jax.random.key(seed), count))(seeds)
    return [keys[:, i] for i in range(count)]


@jax.jit
def _fold(seeds, data):
    def one(seed):
        key = jax.random.key(seed)
        for number in data:
            key = jax.random.fold_in(key, number)
        return key

    return jax.vmap(one)(seeds)


@partial(jax.jit, static_argnums=(1, 2))
def _draws(keys, size, draw):
    return jax.vmap(jax.vmap(lambda key: draw(key, (size,))))(jnp.stack(keys))
