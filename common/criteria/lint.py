"""What is refused of a criterion before anything is measured.

Beside `rule.KINDS` and not within it: a verdict does not depend on what would have been refused.
"""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from common.criteria import bounds, correlation, exponent, identity, location, order, rate, trend
from common.criteria.kind import SEEDS, Criterion, Invalid, unknown
from common.criteria.rule import KINDS
from common.stats import ALPHA

WORDS = ("kind", "scale", "sign", "find")  # of a criterion; its other values are numbers


def _no_problems(c: Criterion) -> list[str]:
    return []


def _fewer_than_least(c: Criterion, seeds: int) -> str:
    """Of instances and outcomes a seed may have several: they are counted on the values."""
    kind = KINDS[c["kind"]]
    few = kind.rows == SEEDS and seeds < kind.least
    return f"{c['kind']} needs {kind.least} seeds or more, got {seeds}" if few else ""


class Lint(NamedTuple):
    problems: Callable[[Criterion], list[str]]
    too_few: Callable[[Criterion, int], str] = _fewer_than_least
    nothing: bool = False  # a do-nothing method may have no score at all


LINTS = {
    "identity": Lint(identity.problems),
    "equals": Lint(bounds.equals_problems),
    "at_least": Lint(bounds.half_line_problems),
    "at_most": Lint(bounds.half_line_problems),
    "greater": Lint(order.greater_problems),
    "ordering": Lint(_no_problems),
    "trend": Lint(trend.problems),
    "exponent": Lint(exponent.problems),
    "rate": Lint(rate.problems, rate.too_few),
    "location": Lint(location.problems, nothing=True),
    "correlation": Lint(correlation.problems),
}


def problem(c: Criterion) -> str:
    """Why nobody could decide by this criterion, or no data reach its region; empty when fine."""
    name = str(c.get("kind"))
    if name not in KINDS:
        return unknown("criterion kind", name, KINDS)
    said = _keys(c) or _values(c)
    return said or next(iter(LINTS[name].problems(c)), "")


def _keys(c: Criterion) -> str:
    kind = KINDS[c["kind"]]
    allowed = ("kind", "alpha", *kind.keys, *kind.optional)
    for key in c:
        if key not in allowed:
            return unknown("criterion key", key, allowed)
    missing = [k for k in kind.keys if k not in c]
    return f"criterion {c['kind']!r} lacks {', '.join(missing)}" if missing else ""


def _values(c: Criterion) -> str:
    """What is wrong with a value, whatever the kind."""
    if c.get("scale", "linear") not in ("linear", "log"):
        return f"scale is 'linear' or 'log', not {c['scale']!r}"
    if c.get("sign", "+") not in ("+", "-"):
        return f"sign is '+' or '-', not {c['sign']!r}"
    for key, value in c.items():
        if key not in WORDS and not is_number(value):
            return f"{key} must be a finite number, not {value!r}"
    if c.get("tol", 1) <= 0 or not 0 < c.get("alpha", ALPHA) <= ALPHA:
        return f"tol must be > 0 and 0 < alpha <= {ALPHA}"
    if c.get("resolution", 0) < 0:
        return "resolution must not be negative"
    if "resolution" in c and c.get("scale") == "log":
        return "resolution is of the linear scale"
    return ""


def is_number(value: Any) -> bool:
    """Whether a value of TOML is a finite number."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return abs(value) <= sys.float_info.max  # an integer may be larger than every float


def trivial_problem(c: Criterion, trivial: Any) -> str:
    """Why the check could not fail by the score of a do-nothing method; empty when it can."""
    if trivial == "none":
        fine = LINTS[c["kind"]].nothing
        return "" if fine else "trivial = 'none' is for location only; give a number"
    if not is_number(trivial):
        return f"trivial must be a number, not {trivial!r}"
    try:
        inside = KINDS[c["kind"]].contains(c, float(trivial))
    except Invalid:
        return f"trivial must be a positive ratio, not {trivial!r}"
    return f"cannot fail: the trivial score {trivial} lies inside the pass region" if inside else ""


def too_few(c: Criterion, seeds: int) -> str:
    """Why this many seeds cannot decide; empty when they can."""
    return LINTS[c["kind"]].too_few(c, seeds)
