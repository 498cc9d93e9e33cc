"""What is forecast: keys of a seed, the truth of its systems, the data of one amount of training.

Shapes: S systems, B starts of forecasts, N samples, L training samples, C context, H horizon,
D = 3 channels.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from . import flows

STREAMS = START, MODEL, BATCHES, SHUFFLE = range(4)  # of random numbers of a seed
CHANNELS = 3


class Data(NamedTuple):
    """What a method learns from and is judged on; standardised by the training section."""

    train: np.ndarray  # [seed, S, L, D]
    context: np.ndarray  # [seed, S, B, C, D]
    future: np.ndarray  # [seed, S, B, H, D]
    mean: np.ndarray  # [seed, S, D]
    std: np.ndarray  # [seed, S, D]


def places(names) -> np.ndarray:
    """Where the systems stand in the table.  -> int [S]"""
    return np.array([list(flows.SYSTEMS).index(name) for name in names])


def key_of(seed, stream: int, place=0):
    """Key of a stream of a seed, for the system of that place in the table."""
    key = jax.random.split(jax.random.key(seed), len(STREAMS))[stream]
    return jax.random.fold_in(key, place)


def truth(seed, *, names, dt, substeps: int, nudge: float, before: int, samples: int):
    """`samples` states of all systems after `before` of them.  dt [S, 1] -> [S, N, D]"""
    keys = jax.vmap(lambda place: key_of(seed, START, place))(places(names))
    moved = jax.vmap(lambda key: jax.random.normal(key, (CHANNELS,)))(keys)
    x = flows.constants(names, "start") * (1 + nudge * moved)
    x = flows.trajectory(flows.together(names), x, dt, substeps, before + samples)
    return jnp.swapaxes(x[before:], 0, 1)


def order(seed, length: int):
    """Of a training series that is shuffled.  -> int [length]"""
    return jax.random.permutation(key_of(seed, SHUFFLE), length)


def prepare(series, orders=None, *, end, length, starts, gap, context, horizon) -> Data:
    """The last `length` samples before `end`, and `starts` forecasts from there on, `gap` apart.

    series [seed, S, N, D]; orders [seed, L]: in which the training samples come
    """
    train = series[:, :, end - length : end]
    mean, std = train.mean(axis=2), train.std(axis=2)
    series = (series - mean[:, :, None]) / std[:, :, None]
    train = series[:, :, end - length : end]
    if orders is not None:
        train = np.stack([u[:, order] for u, order in zip(train, orders, strict=True)])
    at = end + gap * np.arange(starts)[:, None]
    before = series[:, :, at - context + np.arange(context)]
    return Data(train, before, series[:, :, at + np.arange(horizon)], mean, std)
