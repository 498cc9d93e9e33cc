"""What training showed at every step, as records: means over their steps, and only finite numbers.

Shapes: M members, R records, L layers.
"""

import numpy as np


def summary(seen: dict[str, np.ndarray], records: int) -> dict[str, np.ndarray]:
    """Every array [M, step, …] over the steps of a record [M, R, …]: the largest of max_logit, the
    mean of others; without what is not finite. And start [M]: the loss of the first step.
    """
    start = seen["loss"][:, 0]
    found = {}
    for name, values in seen.items():
        parts = values.reshape(len(values), records, -1, *values.shape[2:])
        found[name] = parts.max(2) if name == "max_logit" else parts.mean(2)
    return finite(found, start) | {"start": start}


def finite(found: dict[str, np.ndarray], start: np.ndarray) -> dict[str, np.ndarray]:
    """Arrays [M, R, …] with what is not finite replaced: the loss by the start [M], others by
    their last finite value, 0 before there was one. And diverged int [M]: whether there was any.
    """
    kept, diverged = {}, np.zeros(len(start), np.int32)
    for name, values in found.items():
        good = np.isfinite(values)
        kept[name] = np.where(good, values, start[:, None] if name == "loss" else last(values))
        diverged |= ~good.reshape(len(start), -1).all(1)
    return kept | {"diverged": diverged}


def last(values: np.ndarray) -> np.ndarray:
    """The newest finite value so far, 0 before there is one.  [M, R, …] -> same"""
    good = np.isfinite(values)
    number = np.arange(values.shape[1]).reshape(-1, *[1] * (values.ndim - 2))
    newest = np.maximum.accumulate(np.where(good, number, 0), axis=1)
    return np.take_along_axis(np.where(good, values, 0.0), newest, axis=1)
