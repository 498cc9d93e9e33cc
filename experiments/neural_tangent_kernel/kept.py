"""What a run keeps of its networks: distances of kernels and functions, and rates of decay.

Shapes: W widths, S seeds, B members, b trained members, N points, k components, T records.
"""

import numpy as np

from common.stats import line

FLOOR = 0.05  # of a residual: what is left of it when its decay is no longer fitted


def norm(matrix):
    return np.sqrt((matrix.astype(float) ** 2).sum((-2, -1)))


def distances(found: dict[str, np.ndarray], starts, goal, limit) -> dict[str, np.ndarray]:
    """Of what `members.train` finds, stacked over widths and seeds, what is read of every network.

    starts [W, S, B, 8, 8]: kernels of all members; goal [S, N], limit [8, 8] ->
    start_apart, start_along [W, S, B]; moved, apart, end_apart [W, S, b];
    row_pair [2, S, b, 2, A]: see `run.run`
    """
    start, end = np.moveaxis(found["gram_pair"], 3, 0)
    first, last, predicted = np.moveaxis(found["trained"].astype(float), 3, 0)
    error = ((last - predicted) ** 2).sum(-1) / ((first - goal[:, None]) ** 2).sum(-1)
    return {
        "start_apart": norm(starts - limit) / norm(limit),
        "start_along": (starts * limit).sum((-2, -1)) / (limit**2).sum(),
        "moved": norm(end - start) / norm(start),
        "apart": found["apart"].max(-1),
        "end_apart": np.sqrt(error),
        "row_pair": found["row_pair"][[0, -1]],
    }


def rates(along):
    """Decay of the residual 1 - along a step, from a line through its logarithm.

    Fitted to the steps before the residual first falls below FLOOR, three at least.
    along [..., T, k] -> [..., k]
    """
    left = np.moveaxis(1 - along.astype(float), -2, -1)
    low = left < FLOOR
    ends = np.where(low.any(-1), low.argmax(-1), left.shape[-1])
    found = np.zeros(ends.shape)
    for at in np.ndindex(*ends.shape):
        y = left[at][: max(ends[at], 3)]
        found[at] = -line(np.arange(len(y)), np.log(np.maximum(y, 1e-6))).slope
    return found
