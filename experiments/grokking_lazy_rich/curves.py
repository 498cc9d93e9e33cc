"""Numbers read off loss curves at every record, and the curves as they are drawn.

Shapes: S records; a pair is (training, test). Losses are means of (f - y)^2; E y^2 = 3 is the loss
of a network that gives 0.
"""

import numpy as np

POWER = 3.0
LEARNT = 0.1  # of E y^2: what counts as fitted, and as generalised
BASE = 3  # place of the base case among the alphas
POINTS = 40  # of the correlation over the drop
FIRST = 16  # records that are all drawn: steps 1, 2, 3, … are far apart in their logarithm


def time_to(at, loss, level=LEARNT):
    """Step at which loss / E y^2 first falls below the level, the last step where it never does.

    Interpolated in log(step) and log(loss).  at [S], loss [..., S] -> [...]
    """

    def one(loss):
        low = np.flatnonzero(loss < level * POWER)
        if not low.size or low[0] == 0:
            return at[0] if low.size else at[-1]
        i = low[0]
        y = np.log(loss[i - 1 : i + 1] / (level * POWER))
        return at[i - 1] * (at[i] / at[i - 1]) ** (y[0] / (y[0] - y[1]))

    return np.apply_along_axis(one, -1, loss).astype(float)


def value_at(at, values, step):
    """Values at a step, interpolated in logarithms.  [S], [..., S], [...] -> [...]"""
    flat = zip(np.log(step).ravel(), np.log(values).reshape(-1, len(at)), strict=True)
    return np.exp([np.interp(t, np.log(at), v) for t, v in flat]).reshape(np.shape(step))


def times(at, train, test):
    """T_train and T_test; the last step where there is none.  [..., S] -> [..., 2]"""
    return np.stack([time_to(at, train), time_to(at, test)], axis=-1)


def at_fit(at, train, test):
    """Both losses at T_train.  [..., S] -> [..., 2]"""
    fit = time_to(at, train)
    return np.stack([value_at(at, train, fit), value_at(at, test, fit)], axis=-1)


def ends(train, test):
    """Both losses at the last step.  [..., S] -> [..., 2]"""
    return np.stack([train[..., -1], test[..., -1]], axis=-1)


def early(at, train, test, linear):
    """Largest relative distance of a test loss from the linearisation's, to T_train.

    [..., S] -> [...]
    """
    before = at <= time_to(at, train)[..., None]
    return np.where(before, np.abs(test / linear - 1), 0).max(-1)


def drop(at, train, test, align):
    """Log alignment and minus log test loss from T_train to T_test, evenly spaced in log(step).

    [seed, S] -> [seed, 2, point]
    """
    steps = np.geomspace(time_to(at, train), time_to(at, test), POINTS, axis=1)
    both = zip(steps, align, test, strict=True)
    rows = [[np.interp(np.log(t), np.log(at), v) for v in (np.log(a), -np.log(b))]
            for t, a, b in both]  # fmt: skip
    return np.array(rows, np.float32)


def drawn_at(records: int) -> np.ndarray:
    """Indices of the records that are drawn: the first ones, then every second up to the last."""
    every = np.arange(records)
    return every[(every < FIRST) | ((records - 1 - every) % 2 == 0)]


def drawn(values):
    """Three digits at the records that are drawn, for figures.  [..., S] -> [..., S']"""
    return values[..., drawn_at(values.shape[-1])].astype(np.float16)
