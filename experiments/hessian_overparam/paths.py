"""Small batches then large ones, and the other way round, from one start and from two.

Three arms follow each other in every array, so that one program serves all: a small-first, b
large-first from the same start, c large-first from another.  Small steps cost little: arm a takes
the second ones in vain, as b and c do the first.

Shapes: S seeds; 3 S arms of all seeds.
"""

import jax
import numpy as np

from common.sharding import gather


def both_ways(small, large, orders, start, batch):
    """The ends of three segments: half way, after the other's batch size, from two starts.

    small(orders, params, batch) and large(params, batch) descend on all arms; orders, start [3 S],
    batch [S] -> params, params, batch, each [3 S], on the host
    """
    every = join(batch, batch, batch)
    small_first = arms(gather(small(orders, start, every)))[0]
    _, b, c = arms(start)
    half = gather(large(join(small_first, b, c), every))
    a, large_first, _ = arms(half)
    _, b, c = arms(gather(small(orders, half, every)))
    return join(small_first, a, a), join(large_first, b, c), every


def join(*trees):
    """Host arrays of several batches as one batch."""
    return jax.tree.map(lambda *parts: np.concatenate(parts), *trees)


def arms(tree):
    """The three arms [S] of a tree of arrays [3 S]."""
    size = len(jax.tree.leaves(tree)[0]) // 3
    return [jax.tree.map(lambda a, i=i: a[i * size : (i + 1) * size], tree) for i in range(3)]
