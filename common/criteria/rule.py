"""The verdict rule: what can be decided, on which side of its region a part lies, what mutants do.

All parts inside at level alpha: pass. Any part wholly outside at alpha / parts: fail. Otherwise
inconclusive.
"""

from typing import Any, NamedTuple

import numpy as np

from common import stats
from common.criteria.bounds import AT_LEAST, AT_MOST, EQUALS
from common.criteria.correlation import CORRELATION
from common.criteria.exponent import EXPONENT
from common.criteria.identity import IDENTITY
from common.criteria.kind import INSTANCES, SEEDS, Criterion, Invalid, Kind, Part, tau_limit
from common.criteria.location import LOCATION
from common.criteria.order import GREATER, ORDERING
from common.criteria.rate import RATE
from common.criteria.trend import TREND
from common.reals import reals
from common.stats import ALPHA

KINDS: dict[str, Kind] = {
    "identity": IDENTITY,
    "equals": EQUALS,
    "at_least": AT_LEAST,
    "at_most": AT_MOST,
    "greater": GREATER,
    "ordering": ORDERING,
    "trend": TREND,
    "exponent": EXPONENT,
    "rate": RATE,
    "location": LOCATION,
    "correlation": CORRELATION,
}


class Decision(NamedTuple):
    state: str  # pass, fail, inconclusive
    estimate: float
    low: float
    high: float
    parts: list[dict]  # every part: name, estimate, low, high, region
    per_seed: list[float]  # of the first part
    needed: int | None  # seeds that would decide (power 0.8), when inconclusive
    reason: str = ""  # why no data of this many seeds could pass


def checked(c: Criterion, values: Any, seeds: int | None = None) -> np.ndarray:
    """The values as float64 if they can be decided.  Errors: Invalid.

    `seeds` is the number of seeds that ran: a measure may not drop one.  A rate has `per_seed`
    outcomes a seed, an identity any number of instances.
    """
    kind = KINDS[c["kind"]]
    values = _numbers(values)
    low, high = kind.ndim
    if not low <= values.ndim <= high:
        raise Invalid(f"{c['kind']} needs {low} axes ([seed, …]), got shape {list(values.shape)}")
    if len(values) < kind.least:
        raise Invalid(f"{c['kind']} needs {kind.least} seeds or more, got {len(values)}")
    if not values.size:
        raise Invalid(f"{c['kind']} cannot be decided on shape {list(values.shape)}")
    wanted = (seeds or 0) * c.get("per_seed", 1)
    if wanted and kind.rows != INSTANCES and len(values) != wanted:
        raise Invalid(f"measure returned {len(values)} values for {seeds} seeds, not {wanted}")
    bad = [i for i, v in enumerate(values) if not np.isfinite(v).all()]
    if bad:
        raise Invalid(f"not finite at seed number {bad[0]} of {len(values)}")
    return values


def _numbers(values: Any) -> np.ndarray:
    """As float64.  Errors: Invalid."""
    try:
        if np.ma.is_masked(values):
            raise ValueError("some are masked")
        return np.asarray(reals("values", values, finite=False), float)
    except Exception as error:  # whatever a measure returned: an array that is deleted, say
        raise Invalid(f"measure did not return an array of numbers: {error}") from None


def decide(c: Criterion, values: np.ndarray, seeds: int | None = None) -> Decision:
    """The verdict rule.  values [seed, …]; `seeds` as in `checked`.  Errors: Invalid."""
    values = checked(c, values, seeds)
    kind, alpha = KINDS[c["kind"]], c.get("alpha", ALPHA)
    parts = kind.parts(c, values)
    if any(np.isinf(p.values).any() for p in parts):
        raise Invalid("differences of the values leave the range of numbers")
    sides = [_side(kind, p, alpha) for p in parts]
    failing = [_side(kind, p, alpha / len(parts)) == "outside" for p in parts]
    if all(s == "inside" for s in sides):
        state, explains = "pass", [True]
    elif any(failing):
        state, explains = "fail", failing
    else:
        state, explains = "inconclusive", [s != "inside" for s in sides]
    shown = [_record(kind, p, alpha, s) for p, s in zip(parts, sides, strict=True)]
    first = explains.index(True)
    main = shown[first]
    needed = None
    if state == "inconclusive" and kind.rows == SEEDS:
        open_parts = [p for p, s in zip(parts, sides, strict=True) if s != "inside"]
        each = [_seeds_that_decide(p, alpha) for p in open_parts]
        needed = None if None in each else max(n for n in each if n)
    per_seed = [parts[first].show(v) for v in parts[first].values]
    reason = "" if state == "pass" else _out_of_reach(kind, parts, alpha)
    return Decision(
        state, main["estimate"], main["low"], main["high"], shown, per_seed, needed, reason
    )


def _out_of_reach(kind: Kind, parts: list[Part], alpha: float) -> str:
    """What to say where even perfect data of this many seeds could not pass; else empty."""
    for p in parts:
        if not p.swap:
            continue
        n = p.values.size
        best = p._replace(values=np.ones(n))
        if _side(kind, best, alpha) != "inside":
            limit = kind.interval(best, alpha).low
            return f"{n} seeds cannot pass: perfect ones show {p.name} >= {limit:.3f} only"
    return ""


def surviving_mutants(c: Criterion, values: np.ndarray) -> tuple[list[str], list[str]]:
    """Names of all automatic mutants of the data, and of those that pass (there must be none)."""
    values = checked(c, values)
    names, passing = [], []
    for name, mutant in KINDS[c["kind"]].mutants(c, values).items():
        names.append(name)
        if all(_passes(c, m) for m in (mutant if isinstance(mutant, list) else [mutant])):
            passing.append(name)
    return names, passing


def _passes(c: Criterion, values: np.ndarray) -> bool:
    try:
        return decide(c, values).state == "pass"
    except Invalid:
        return False


def _seeds_that_decide(p: Part, alpha: float) -> int | None:
    n = stats.seeds_that_decide(
        p.values, p.low, p.high, alpha * p.strict, resolution=p.resolution, bias=p.bias
    )
    while n and p.swap and p.values.mean() > p.low and tau_limit(p, alpha, n) < p.low:
        n = n + 1 if n < 1000 else None
    return n


def _side(kind: Kind, p: Part, alpha: float) -> str:
    if np.isnan(p.values).any():
        return "outside"  # location: not found at some seed
    _, low, high = kind.interval(p, alpha)
    if p.open:
        return "inside" if low > p.low else "outside" if high <= p.low else "across"
    if low >= p.low and high <= p.high:
        return "inside"
    return "outside" if high < p.low or low > p.high else "across"


def _record(kind: Kind, p: Part, alpha: float, side: str) -> dict:
    interval = kind.interval(p, alpha)
    region = [p.show(p.low) if np.isfinite(p.low) else None, None]
    region[1] = p.show(p.high) if np.isfinite(p.high) else None
    shown = {k: p.show(v) for k, v in interval._asdict().items()}
    return {"name": p.name, **shown, "region": region, "side": side}
