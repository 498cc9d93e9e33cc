"""The batches of every size: which share a program, which rows they hold.

Shapes: S seeds, B sizes (the last is all data), N examples, n batches of a size, C rows of a padded
batch, E batches of all seeds and of the sizes that share a program.
"""

from typing import NamedTuple

import numpy as np


class Group(NamedTuple):
    """The sizes that share a program: rows of their padded batches, places on the axis of sizes,
    rows that count."""

    capacity: int
    places: list[int]
    sizes: list[int]


def grouped(rows, capacities) -> list[Group]:
    """Every size with the least capacity that holds it, the largest first.  rows [B]"""
    fits = [min((c for c in capacities if c >= size), default=size) for size in rows]
    groups = []
    for capacity in sorted(set(fits), reverse=True):
        places = [i for i, fit in enumerate(fits) if fit == capacity]
        groups.append(Group(capacity, places, [rows[i] for i in places]))
    return groups


def partition(orders, size: int, most: int):
    """Batches without replacement: every row of `orders` cut into pieces.

    orders [epochs, N], each a permutation -> index [n, size].  Over a whole permutation the mean of
    the batch Hessians is the full one, which removes the noise of first order from the mean of
    their eigenvalues.
    """
    pieces = orders.shape[1] // size
    return np.reshape(orders[:, : pieces * size], (-1, size))[:most]


def elements(orders, group: Group, most: int):
    """The batches of a group, seed after seed, for `spectra.of_batch`, and their numbers.

    orders [S, B, epochs, N]
    -> (place of a batch in its size [E], seed [E], size [E], rows [E, C]), n of every size
    """
    seeds, index = len(orders), []
    for place, size in zip(group.places, group.sizes, strict=True):
        rows = np.stack([partition(order[place], size, most) for order in orders])
        index.append(np.pad(rows, ((0, 0), (0, 0), (0, group.capacity - size))))
    counts = [rows.shape[1] for rows in index]
    each = np.concatenate([np.arange(n) for n in counts]), np.repeat(group.sizes, counts)
    nth, sizes = (np.tile(a, seeds) for a in each)
    rows = np.concatenate(index, axis=1).reshape(-1, group.capacity)
    return (nth, np.repeat(np.arange(seeds), sum(counts)), sizes, rows), counts


def by_size(values, seeds: int, counts) -> list:
    """values [kind, E, .] -> of every size [S, kind, n, .], n in `counts`"""
    values = np.moveaxis(values.reshape(len(values), seeds, -1, values.shape[-1]), 0, 1)
    return np.split(values, np.cumsum(counts)[:-1], axis=2)
