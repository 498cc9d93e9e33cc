"""The released synthetic surface, and random Tucker tensors of smooth functions.

Shapes: K modes, D coordinates of each, R rank, N entries, B blocks of `side` coordinates a mode.
"""

from typing import NamedTuple

import numpy as np

from . import gp


class Blocks(NamedTuple):
    """Blocks of a surface: which coordinates are drawn together, and which entries are seen."""

    times: np.ndarray  # [2, D], increasing
    curves: np.ndarray  # f and g at them [2, D]
    inside: np.ndarray  # bool [D, D]: both coordinates of one block
    train: np.ndarray  # bool [D, D]


def blocks(uniform, order, count: int) -> Blocks:
    """f(x) g(z) on `count` random grids, half of whose entries are for training.

    uniform [2, D] in [0, 1); order [D^2]: the smaller half of those inside is for training
    """
    group = np.arange(uniform.shape[1]) // (uniform.shape[1] // count)
    rank = np.argsort(uniform, axis=1)
    x, z = np.take_along_axis(uniform, rank, axis=1)
    inside = group[rank[0]][:, None] == group[rank[1]]
    drawn = np.where(inside, order.reshape(inside.shape), np.inf)
    train = drawn <= np.sort(drawn, axis=None)[inside.sum() // 2 - 1]
    f = np.sin(2 * np.pi * x) ** 2 * np.cos(2 * np.pi * x)
    g = np.exp(-2 * z) * np.sin(1.5 * np.pi * z)
    return Blocks(np.stack([x, z]), np.stack([f, g]), inside, train)


def observed(case: Blocks):
    """Its training entries in one batch, as `batched`, and the coordinates."""
    at = np.stack(np.nonzero(case.train))
    y = case.curves[0][at[0]] * case.curves[1][at[1]]
    return batched(at, y, len(case.train), len(y), 1), case.times


def coordinates(uniform, sizes):
    """Increasing coordinates of every mode; a mode with fewer of them goes on beyond 1.

    uniform [K, D] in [0, 1) -> [K, D]
    """
    at = np.arange(uniform.shape[1])
    rows = [np.where(at < n, row, 2.0 + at) for n, row in zip(sizes, uniform, strict=True)]
    return np.sort(rows, axis=1)


def entries(order, sizes, count: int):
    """The first `count` entries of a tensor in a random order [prod sizes].  -> int [K, count]"""
    chosen = np.argsort(order)[:count]
    return np.stack(np.unravel_index(chosen, sizes))


def tensor(times, normal, core, place, *, smoothness: float, lengthscale: float):
    """Entries of core times random functions of the coordinates, of mean square 1.

    times [K, D], normal [K, D, R], core [R] * K, place int [K, N] -> [N]
    """
    each = gp.draw(normal, times, smoothness, lengthscale)
    total = np.tensordot(each[0][place[0]], core, 1)
    for u, at in zip(each[1:], place[1:], strict=True):
        total = np.einsum("nr,nr...->n...", u[at], total)
    return total / np.sqrt(np.mean(total**2))


def batched(place, value, size: int, batch: int, most: int):
    """Observations in `most` batches, filled up with none: place `size`, value 0.

    place int [K, N], value [N] -> [K, most, batch], [most, batch]
    """
    short = most * batch - len(value)
    place = np.pad(place, ((0, 0), (0, short)), constant_values=size)
    return place.reshape(len(place), most, batch), np.pad(value, (0, short)).reshape(most, batch)


def recovered(cases: list[Blocks], mean, square) -> dict[str, np.ndarray]:
    """What is kept of the surface's models of rank 1, named as in `run.run`.

    mean [S, prior, 2, D, 1], square [S, prior, 2, D, 1, 1]: of the factors
    """
    curves, train, inside = (np.stack([getattr(c, x) for c in cases]) for x in KEPT)
    mean, spread = mean[..., 0], np.sqrt(square[..., 0, 0] - mean[..., 0] ** 2)
    true, guess = (x[..., 0, :, None] * x[..., 1, None, :] for x in (curves, mean))
    held = np.stack([inside & ~train, ~inside], 1)[:, None]
    error = ((guess - true[:, None]) ** 2)[:, :, None] * held
    centred = [x - x.mean(-1, keepdims=True) for x in (mean, curves[:, None])]
    ours, theirs = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in centred)
    return {
        "block_rmse": np.sqrt(error.sum((-2, -1)) / held.sum((-2, -1))),
        "block_correlation": np.abs((ours * theirs).sum(-1)),
        "block_times": cases[0].times, "block_curves": curves[0], "block_true": true[0],
        "block_seen": 1 * train[0], "block_guess": guess[0],
        "block_mean": mean[0], "block_spread": spread[0],
    }  # fmt: skip


KEPT = ("curves", "train", "inside")
