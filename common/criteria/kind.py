"""What a kind of criterion is made of, and what kinds share.

A kind turns what `measure` returned into parts; a part is one number a seed and a region. Each kind
has a module: its region, its interval, its automatic mutants, how its numbers are drawn again, and
what is refused in its statement (`problems`) or with so many seeds.
"""

import difflib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from common import stats
from common.stats import Interval

Criterion = dict[str, Any]
SEEDS, OUTCOMES, INSTANCES = "seeds", "outcomes", "instances"  # what the first axis counts
UNIFORM = 12.0  # rounding to a step has the variance step^2 / 12


class Invalid(ValueError):
    """The measured values cannot be decided: a seed is missing, not finite, or misshapen."""


class Part(NamedTuple):
    """One number a seed and where it must lie; `show` maps back to the scale of the statement."""

    name: str
    values: np.ndarray  # [seed]
    low: float
    high: float
    open: bool = False  # the bound itself does not pass
    resolution: float = 0.0
    show: Callable = float
    strict: float = 1.0  # factor on alpha, for values too skewed for the t interval at its level
    bias: float = 0.0  # of every seed alike (a grid): widens the interval, more seeds do not help
    swap: float = 0.0  # tau: what one swapped pair takes from 1


class Drawn(NamedTuple):
    """How numbers of fresh seeds are drawn where they are not the normal ones themselves."""

    curves: Callable[[Criterion, np.ndarray], np.ndarray]  # what is normal, [seed, d]
    numbers: Callable[[Criterion, np.ndarray], list[np.ndarray]]  # [..., d] -> of each part [...]
    share: float = UNIFORM  # resolution^2 / share is the least variance of a coordinate


def _mean_interval(p: Part, alpha: float) -> Interval:
    """Student-t interval of the mean, widened by what more seeds do not mend."""
    mean, low, high = stats.t_interval(p.values, alpha * p.strict, p.resolution)
    if p.swap:
        low = min(low, tau_limit(p, alpha, p.values.size))
    return Interval(mean, low - p.bias, high + p.bias)


def tau_limit(p: Part, alpha: float, n: int) -> float:
    """Lower limit of tau from the number of swapped pairs, taken as a Poisson count, in n seeds."""
    swaps = (1 - p.values).mean() / p.swap * n
    return 1 - p.swap * float(stats.poisson_upper(swaps, alpha)) / n


class Kind(NamedTuple):
    """What decides; `lint` has what is refused before anything is measured."""

    keys: tuple[str, ...]  # of the criterion, required
    optional: tuple[str, ...]
    ndim: tuple[int, int]  # fewest and most axes of the values
    parts: Callable[[Criterion, np.ndarray], list[Part]]
    mutants: Callable[[Criterion, np.ndarray], dict[str, Any]]  # name: values, or several
    contains: Callable[[Criterion, float], bool]  # is this (trivial) score inside the region
    least: int = 5  # rows
    rows: str = SEEDS
    interval: Callable[[Part, float], Interval] = _mean_interval
    drawn: Drawn | None = None


def scaled(c: Criterion, x):
    """Values on the scale of the decision: logarithms where declared."""
    x = np.asarray(x, float)
    if c.get("scale") != "log":
        return x
    if np.any(x <= 0):
        raise Invalid("scale = 'log' needs positive values")
    return np.log(x)


def unscaled(c: Criterion, x):
    """The inverse of `scaled`."""
    return np.exp(x) if c.get("scale") == "log" else x


def show(c: Criterion) -> Callable:
    """From the scale of the decision to that of the statement, one number."""
    return (lambda v: float(np.exp(v))) if c.get("scale") == "log" else float


def step(c: Criterion) -> float:
    """The step of a discrete measurement, 0 where it is none."""
    return float(c.get("resolution", 0.0))


def width(v: np.ndarray, k: int) -> None:
    """Refuse values whose axis 1 has not length k.  Errors: Invalid."""
    if v.shape[1] != k:
        raise Invalid(f"axis 1 must have length {k}, got shape {list(v.shape)}")


SHUFFLES = 3  # a mutant by shuffling passes only if all of them do: one may by coincidence


def shuffled(v: np.ndarray) -> list[np.ndarray]:
    """Every row in another order, always the same ones."""
    rngs = [np.random.default_rng(i) for i in range(SHUFFLES)]
    return [np.stack([row[rng.permutation(len(row))] for row in v]) for rng in rngs]


def unknown(what: str, name: str, allowed: Iterable[str]) -> str:
    """What to say of a name that is not among the allowed ones."""
    near = difflib.get_close_matches(name, list(allowed), 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(allowed)}"
    return f"unknown {what} {name!r}; {hint}"


def log_problems(c: Criterion, *edges: float) -> list[str]:
    """What is wrong with edges [..] of a region on the scale of the decision."""
    bad = c.get("scale") == "log" and any(edge <= 0 for edge in edges)
    return ["scale = 'log' needs positive edges"] if bad else []
