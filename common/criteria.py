"""The kinds of criterion: what each estimates per seed, its pass region, its automatic mutants.

A kind turns what `measure` returned into parts; a part is one number a seed and a region. All parts
inside at level alpha: pass. Any part wholly outside at alpha / parts: fail. Otherwise inconclusive.
Values [seed, …] as the table of WORKSPACE.md states them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from common import stats
from common.stats import ALPHA

Criterion = dict[str, Any]


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


class Kind(NamedTuple):
    keys: tuple[str, ...]  # of the criterion, required
    optional: tuple[str, ...]
    least: int  # seeds
    ndim: tuple[int, int]  # fewest and most axes of the values
    parts: Callable[[Criterion, np.ndarray], list[Part]]
    mutants: Callable[[Criterion, np.ndarray], dict[str, Any]]  # name: values, or several
    contains: Callable[[Criterion, float], bool]  # is this (trivial) score inside the region


class Decision(NamedTuple):
    state: str  # pass, fail, inconclusive
    estimate: float
    low: float
    high: float
    parts: list[dict]  # every part: name, estimate, low, high, region
    per_seed: list[float]  # of the first part
    needed: int | None  # seeds that would decide, when inconclusive


# ---- scales -------------------------------------------------------------------------------------


def _scaled(c: Criterion, x):
    """Values on the scale of the decision: logarithms where declared."""
    if c.get("scale") != "log":
        return np.asarray(x, float)
    if np.any(np.asarray(x) <= 0):
        raise Invalid("scale = 'log' needs positive values")
    return np.log(x)


def _show(c: Criterion) -> Callable:
    return (lambda v: float(np.exp(v))) if c.get("scale") == "log" else float


def _unscaled(c: Criterion, x):
    return np.exp(x) if c.get("scale") == "log" else x


# ---- kinds --------------------------------------------------------------------------------------


def _errors(values: np.ndarray) -> np.ndarray:
    """Largest relative error of every instance.  [instance, 2, …] -> [instance]"""
    a, b = values[:, 0].reshape(len(values), -1), values[:, 1].reshape(len(values), -1)
    scale = np.abs(b).max(-1)
    return np.abs(a - b).max(-1) / np.where(scale > 0, scale, 1.0)


def _identity_mutants(c: Criterion, values: np.ndarray) -> dict[str, np.ndarray]:
    flat = values.reshape(*values.shape[:2], -1)
    scale = np.abs(flat[:, 1]).max(-1)
    perturbed, dropped, turned = flat.copy(), flat.copy(), flat.copy()
    perturbed[:, 0, 0] += 10 * (c["bound"] + np.finfo(float).eps) * np.where(scale > 0, scale, 1.0)
    dropped[np.arange(len(flat)), 0, np.abs(flat[:, 0]).argmax(-1)] = 0.0
    turned[:, 0] = turned[:, 0, ::-1] if flat.shape[-1] > 1 else np.roll(turned[:, 0], 1, axis=0)
    mutants = {"perturb one operand": perturbed, "drop a term": dropped, "transpose": turned}
    return {k: m for k, m in mutants.items() if not np.array_equal(m, flat)}


def _equals_parts(c, v):
    low, high = _scaled(c, [c["value"] - c["tol"], c["value"] + c["tol"]])
    return [Part("value", _scaled(c, v), low, high, resolution=_step(c), show=_show(c))]


def _equals_mutants(c, v):
    low, high = _scaled(c, [c["value"] - c["tol"], c["value"] + c["tol"]])
    moved = 2 * (high - low)
    return {
        "shift up two widths": _unscaled(c, _scaled(c, v) + moved),
        "shift down two widths": _unscaled(c, _scaled(c, v) - moved),
    }


def _half_line(at_least: bool) -> Kind:
    def parts(c, v):
        bound = float(_scaled(c, c["bound"]))
        low, high = (bound, np.inf) if at_least else (-np.inf, bound)
        return [Part("value", _scaled(c, v), low, high, resolution=_step(c), show=_show(c))]

    def mutants(c, v):
        return {"reflect": _unscaled(c, 2 * _scaled(c, c["bound"]) - _scaled(c, v))}

    def contains(c, x):
        return x >= c["bound"] if at_least else x <= c["bound"]

    return Kind(("bound",), ("scale", "resolution"), 5, (1, 1), parts, mutants, contains)


def _edge(c: Criterion) -> float:
    """What A - B (or log A/B) must exceed."""
    return float(np.log(c.get("ratio", 1.0))) if c.get("scale") == "log" else c.get("delta", 0.0)


def _greater_parts(c, v):
    _width(v, 2)
    difference = _scaled(c, v[:, 0]) - _scaled(c, v[:, 1])
    name = "ratio" if c.get("scale") == "log" else "difference"
    return [Part(name, difference, _edge(c), np.inf, True, _step(c), _show(c))]


def _greater_mutants(c, v):
    alternate = v.copy()
    alternate[::2] = alternate[::2, ::-1]
    return {"swap labels": v[:, ::-1], "permute labels across seeds": alternate}


def _greater_contains(c, x):
    return float(_scaled(c, x)) > _edge(c)


def _ordering_parts(c, v):
    if v.shape[1] < 2:
        raise Invalid("ordering needs two or more values a seed")
    gaps = np.diff(v, axis=1) * (-1 if c.get("sign") == "-" else 1)
    return [
        Part(f"step {i + 1}", gaps[:, i], 0.0, np.inf, True, _step(c)) for i in range(gaps.shape[1])
    ]


def _trend_parts(c, v):
    if v.shape[1] < 5:
        raise Invalid(f"trend needs 5 points along x, got {v.shape[1]}")
    sign = -1.0 if c["sign"] == "-" else 1.0
    y = sign * _scaled(c, v)
    k = v.shape[1]
    least = float(_scaled(c, c["min_effect"]))
    effect = Part("effect", y[:, -1] - y[:, 0], least, np.inf, resolution=_step(c), show=_show(c))
    # One swapped pair changes tau by 4 / (k (k - 1)). Near 1 tau is skewed: at level alpha the t
    # interval would pass 8 % wrongly, at alpha / 2 at most 5 % (simulated in test_claims.py).
    step = 4 / (k * (k - 1))
    tau = Part("tau", stats.kendall_tau(y), c["tau_min"], np.inf, resolution=step, strict=0.5)
    return [effect, tau]


def _trend_mutants(c, v):
    flat = np.broadcast_to(_unscaled(c, _scaled(c, v).mean(1, keepdims=True)), v.shape)
    return {"reverse x": v[:, ::-1], "shuffle x": _shuffled(v), "flatten": flat}


def _exponent_parts(c, v):
    _width(v, 2)
    if np.any(v <= 0):
        raise Invalid("exponent needs positive x and y")
    x = v[:, 0]
    if np.any(x.max(-1) < 9.999 * x.min(-1)):
        raise Invalid("exponent needs x over a decade or more")
    slopes = stats.loglog_slope(x, v[:, 1])
    return [Part("slope", slopes, c["value"] - c["tol"], c["value"] + c["tol"])]


def _exponent_mutants(c, v):
    lx, ly = np.log(v[:, 0]), np.log(v[:, 1])
    fit = stats.line(lx, ly)
    rest = ly - fit.slope[:, None] * lx - fit.intercept[:, None]
    middle = ly.mean(-1, keepdims=True)
    rival = middle + c["rival"] * (lx - lx.mean(-1, keepdims=True)) + rest
    flat, reverse = middle + rest, ly[:, ::-1]
    ys = {"flat": flat, "reverse x": reverse, "slope of the rival theory": rival}
    return {k: np.stack([v[:, 0], np.exp(y)], 1) for k, y in ys.items()}


def _equals_contains(c, x):
    return abs(x - c["value"]) <= c["tol"]


def _found(c: Criterion, x: np.ndarray, y: np.ndarray) -> float:
    """Where the curve peaks (strictly inside) or first crosses; nan when it does not.  x, y [x]"""
    if c["find"] == "crossing":
        above = y > c["crossing"]
        at = np.flatnonzero(above[1:] != above[:-1])
        if not at.size:
            return np.nan
        i = at[0]
        return float(x[i] + (c["crossing"] - y[i]) * (x[i + 1] - x[i]) / (y[i + 1] - y[i]))
    i = int(np.argmax(y if c["find"] == "argmax" else -y))
    return float(x[i]) if 0 < i < len(x) - 1 else np.nan


def _location_parts(c, v):
    _width(v, 2)
    found = np.array([_found(c, x, y) for x, y in v])
    if np.isnan(found).any():  # none found is a fail, not a missing seed
        return [Part("location", found, c["lo"], c["hi"])]
    grid = np.diff(v[:, 0], axis=1)
    step = 0.0 if c["find"] == "crossing" else float(np.abs(grid).max())
    return [Part("location", found, c["lo"], c["hi"], resolution=step)]


def _location_mutants(c, v):
    return {
        "monotone data": np.stack([v[:, 0], np.sort(v[:, 1], axis=-1)], 1),
        "shuffle x": [np.stack([v[:, 0], y], 1) for y in _shuffled(v[:, 1])],
    }


def _correlation_parts(c, v):
    _width(v, 2)
    if v.shape[2] < 10:
        raise Invalid(f"correlation needs 10 points a seed, got {v.shape[2]}")
    z = stats.fisher_z(v[:, 0], v[:, 1])
    return [Part("r", z, float(np.arctanh(c["r_min"])), np.inf, show=lambda z: float(np.tanh(z)))]


SHUFFLES = 3  # a mutant by shuffling passes only if all of them do: one may by coincidence


def _shuffled(v: np.ndarray) -> list[np.ndarray]:
    """Every row in another order, always the same ones."""
    rngs = [np.random.default_rng(i) for i in range(SHUFFLES)]
    return [np.stack([row[rng.permutation(len(row))] for row in v]) for rng in rngs]


def _step(c: Criterion) -> float:
    return float(c.get("resolution", 0.0))


def _width(v: np.ndarray, k: int) -> None:
    if v.shape[1] != k:
        raise Invalid(f"axis 1 must have length {k}, got shape {list(v.shape)}")


KINDS: dict[str, Kind] = {
    "identity": Kind(
        ("bound",),
        (),
        3,
        (2, 9),
        lambda c, v: [Part("largest error", _errors(v), -np.inf, c["bound"])],
        _identity_mutants,
        lambda c, x: x <= c["bound"],
    ),
    "equals": Kind(
        ("value", "tol"),
        ("scale", "resolution"),
        5,
        (1, 1),
        _equals_parts,
        _equals_mutants,
        _equals_contains,
    ),
    "at_least": _half_line(True),
    "at_most": _half_line(False),
    "greater": Kind(
        (),
        ("delta", "ratio", "scale", "resolution"),
        5,
        (2, 2),
        _greater_parts,
        _greater_mutants,
        _greater_contains,
    ),
    "ordering": Kind(
        (),
        ("sign", "resolution"),
        5,
        (2, 2),
        _ordering_parts,
        lambda c, v: {"reverse": v[:, ::-1], "rotate": np.roll(v, 1, axis=1)},
        lambda c, x: x > 0,
    ),
    "trend": Kind(
        ("sign", "tau_min", "min_effect"),
        ("scale", "resolution"),
        5,
        (2, 2),
        _trend_parts,
        _trend_mutants,
        lambda c, x: x >= c["min_effect"],
    ),
    "exponent": Kind(
        ("value", "tol", "rival"),
        (),
        5,
        (3, 3),
        _exponent_parts,
        _exponent_mutants,
        _equals_contains,
    ),
    "rate": Kind(
        (),
        ("at_least", "at_most"),
        10,
        (1, 1),
        lambda c, v: [Part("rate", v, c.get("at_least", 0.0), c.get("at_most", 1.0))],
        lambda c, v: {"flip": 1.0 - v},
        lambda c, x: c.get("at_least", 0.0) <= x <= c.get("at_most", 1.0),
    ),
    "location": Kind(
        ("find", "lo", "hi"),
        ("crossing",),
        5,
        (3, 3),
        _location_parts,
        _location_mutants,
        lambda c, x: c["lo"] <= x <= c["hi"],
    ),
    "correlation": Kind(
        ("r_min",),
        (),
        5,
        (3, 3),
        _correlation_parts,
        lambda c, v: {"shuffle one side": [np.stack([v[:, 0], y], 1) for y in _shuffled(v[:, 1])]},
        lambda c, x: x >= c["r_min"],
    ),
}


# ---- the rule -----------------------------------------------------------------------------------


def checked(c: Criterion, values: np.ndarray) -> np.ndarray:
    """The values as float64 if they can be decided.  Errors: Invalid."""
    kind = KINDS[c["kind"]]
    try:
        values = np.asarray(values, float)
    except (TypeError, ValueError) as error:
        raise Invalid(f"measure did not return an array of numbers: {error}") from None
    low, high = kind.ndim
    if not low <= values.ndim <= high:
        raise Invalid(f"{c['kind']} needs {low} axes ([seed, …]), got shape {list(values.shape)}")
    if len(values) < kind.least:
        raise Invalid(f"{c['kind']} needs {kind.least} seeds or more, got {len(values)}")
    bad = [i for i, v in enumerate(values) if not np.isfinite(v).all()]
    if bad:
        raise Invalid(f"not finite at seed number {bad[0]} of {len(values)}")
    if c["kind"] == "rate" and not np.isin(values, (0, 1)).all():
        raise Invalid("rate needs outcomes 0 or 1")
    return values


def decide(c: Criterion, values: np.ndarray) -> Decision:
    """The verdict rule.  values [seed, …].  Errors: Invalid."""
    values = checked(c, values)
    alpha = c.get("alpha", ALPHA)
    parts = KINDS[c["kind"]].parts(c, values)
    sides = [_side(c, p, alpha) for p in parts]
    if all(s == "inside" for s in sides):
        state = "pass"
    elif any(_side(c, p, alpha / len(parts)) == "outside" for p in parts):
        state = "fail"
    else:
        state = "inconclusive"
    shown = [_record(c, p, alpha, s) for p, s in zip(parts, sides, strict=True)]
    # the first part that is not inside explains the verdict; all inside: the first
    first = next((i for i, s in enumerate(sides) if s != "inside"), 0)
    main = shown[first]
    needed = None
    if state == "inconclusive" and c["kind"] not in ("identity", "rate"):
        p = parts[first]
        needed = stats.seeds_that_decide(p.values, p.low, p.high, alpha)
    per_seed = [parts[first].show(v) for v in parts[first].values]
    return Decision(state, main["estimate"], main["low"], main["high"], shown, per_seed, needed)


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


def _interval(c: Criterion, p: Part, alpha: float) -> stats.Interval:
    if c["kind"] == "identity":  # no sampling error: the worst instance decides
        worst = float(p.values.max())
        return stats.Interval(worst, worst, worst)
    if c["kind"] == "rate":
        return stats.clopper_pearson(int(p.values.sum()), p.values.size, alpha)
    return stats.t_interval(p.values, alpha * p.strict, p.resolution)


def _side(c: Criterion, p: Part, alpha: float) -> str:
    if np.isnan(p.values).any():
        return "outside"  # location: not found at some seed
    _, low, high = _interval(c, p, alpha)
    if p.open:
        return "inside" if low > p.low else "outside" if high <= p.low else "across"
    if low >= p.low and high <= p.high:
        return "inside"
    return "outside" if high < p.low or low > p.high else "across"


def _record(c: Criterion, p: Part, alpha: float, side: str) -> dict:
    interval = _interval(c, p, alpha)
    region = [p.show(p.low) if np.isfinite(p.low) else None, None]
    region[1] = p.show(p.high) if np.isfinite(p.high) else None
    shown = {k: p.show(v) for k, v in interval._asdict().items()}
    return {"name": p.name, **shown, "region": region, "side": side}
