"""How well a score tells hallucinations from samples within the modes. NumPy alone.

Shapes: n samples, R shares kept.
"""

import numpy as np


def hallucinated(x, modes, reach: float):
    """Farther than `reach` from every mode; what is not finite counts.  x [n] -> bool [n]"""
    return ~(np.abs(np.asarray(x)[:, None] - np.asarray(modes)) <= reach).any(1)


def auroc(inside, outside) -> float:
    """Chance that a hallucination [m] has the larger score than a sample [n], ties half."""
    order = np.sort(inside)
    below = np.searchsorted(order, outside, "left") + np.searchsorted(order, outside, "right")
    return float(below.mean() / (2 * len(order)))


def removed(score, wrong, kept):
    """Share of the hallucinations above the threshold that keeps `kept` [R] of samples within the
    modes: thresholds from every second sample, shares from the others.  score, wrong [n] -> [R]"""
    limits = np.quantile(score[::2][~wrong[::2]], kept)
    return (score[1::2][wrong[1::2]][:, None] > limits).mean(0)


def judged(x, score, modes, reach: float, kept) -> dict[str, np.ndarray]:
    """Of one seed's samples: positives, auroc [], removed [R]."""
    wrong = hallucinated(x, modes, reach)
    return {
        "positives": wrong.sum(),
        "auroc": np.array(auroc(score[~wrong], score[wrong])),
        "removed": removed(score, wrong, kept),
    }


def examples(x, trace, modes, count: int):
    """Traces of the samples farthest from the modes, and of the first ones near a mode.

    x [n], trace [T, n] -> [2, T, count]
    """
    off = np.abs(x[:, None] - np.asarray(modes)).min(1)
    near = np.flatnonzero(off <= np.quantile(off, 0.5))[:count]
    return np.stack([trace[:, np.argsort(-off)[:count]], trace[:, near]])
