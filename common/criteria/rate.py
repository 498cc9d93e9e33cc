"""rate: a probability, from outcomes 0 or 1.  values [seed x per_seed]"""

import numpy as np

from common.criteria.kind import OUTCOMES, Criterion, Invalid, Kind, Part
from common.stats import ALPHA, Interval, clopper_pearson


def _parts(c, v):
    if not np.isin(v, (0, 1)).all():
        raise Invalid("rate needs outcomes 0 or 1")
    return [Part("rate", v, c.get("at_least", 0.0), c.get("at_most", 1.0))]


def _interval(p: Part, alpha: float) -> Interval:
    return clopper_pearson(int(p.values.sum()), p.values.size, alpha)


RATE = Kind(
    keys=(),
    optional=("at_least", "at_most", "per_seed"),
    ndim=(1, 1),
    parts=_parts,
    mutants=lambda c, v: {"flip": 1.0 - v},
    contains=lambda c, x: c.get("at_least", 0.0) <= x <= c.get("at_most", 1.0),
    least=10,
    rows=OUTCOMES,
    interval=_interval,
)


def problems(c: Criterion) -> list[str]:
    bounds = [c[k] for k in ("at_least", "at_most") if k in c]
    found = [] if len(bounds) == 1 else ["rate takes one of at_least, at_most"]
    if not isinstance(c.get("per_seed", 1), int) or c.get("per_seed", 1) < 1:
        found.append("per_seed is the number of outcomes a seed, 1 or more")
    if c.get("at_least", 0.5) < 0.5 or c.get("at_most", 0.5) > 0.5:
        found.append("a rate region must leave one side of 1/2, or a flip passes")
    if not all(0 <= bound <= 1 for bound in bounds):
        found.append("a rate is a probability")
    return found


def too_few(c: Criterion, seeds: int) -> str:
    """Why the most extreme outcome of this many seeds would not itself be significant."""
    alpha, per_seed = c.get("alpha", ALPHA), c.get("per_seed", 1)
    p = c["at_least"] if "at_least" in c else 1 - c["at_most"]
    outcomes = seeds * per_seed
    if p ** min(outcomes, 10**9) <= alpha:
        return ""
    need = int(np.ceil(np.log(alpha) / np.log(p) / per_seed)) if p < 1 else 0
    most = f"{need} seeds would do" if need else "no number of seeds shows a rate of 1"
    return f"{outcomes} outcomes cannot reach p < {alpha} for a rate of {p:g}; {most}"
