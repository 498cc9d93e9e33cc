"""trend: a curve rises or falls, in its ends and in its ranks.  values [seed, x]"""

import numpy as np

from common.criteria.kind import (
    Criterion,
    Drawn,
    Invalid,
    Kind,
    Part,
    log_problems,
    scaled,
    show,
    shuffled,
    step,
    unscaled,
)
from common.stats import kendall_tau


def _curves(c: Criterion, v: np.ndarray) -> np.ndarray:
    """The values on the scale of the decision, turned so that they should rise."""
    return (-1.0 if c["sign"] == "-" else 1.0) * scaled(c, v)


def _numbers(c: Criterion, y: np.ndarray) -> list[np.ndarray]:
    return [y[..., -1] - y[..., 0], kendall_tau(y)]


def _parts(c, v):
    k = v.shape[1]
    if k < 5:
        raise Invalid(f"trend needs 5 points along x, got {k}")
    effect, tau = _numbers(c, _curves(c, v))
    least = float(scaled(c, c["min_effect"]))
    ends = Part("effect", effect, least, np.inf, resolution=step(c), show=show(c))
    # One swapped pair takes 4 / (k (k - 1)) from tau. Near 1 tau is skewed: at level alpha the t
    # interval would pass 8 % wrongly, at alpha / 2 at most 5 %; and where swaps are rare, seeds
    # without any prove no more than a Poisson count of them does (simulated in test_criteria.py).
    swap = 4 / (k * (k - 1))
    ranks = Part("tau", tau, c["tau_min"], np.inf, resolution=swap, strict=0.5, swap=swap)
    return [ends, ranks]


def _mutants(c, v):
    flat = np.broadcast_to(unscaled(c, scaled(c, v).mean(1, keepdims=True)), v.shape)
    return {"reverse x": v[:, ::-1], "shuffle x": shuffled(v), "flatten": flat}


TREND = Kind(
    keys=("sign", "tau_min", "min_effect"),
    optional=("scale", "resolution"),
    ndim=(2, 2),
    parts=_parts,
    mutants=_mutants,
    contains=lambda c, x: x >= c["min_effect"],
    drawn=Drawn(_curves, _numbers, share=24.0),  # the difference of two ends has the whole step
)


def problems(c: Criterion) -> list[str]:
    found = [] if -1 <= c["tau_min"] < 1 else ["tau_min must be in [-1, 1)"]
    return found + log_problems(c, c["min_effect"])
