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
    bias: float = 0.0  # of every seed alike (a grid): widens the interval, more seeds do not help
    swap: float = 0.0  # tau: what one swapped pair takes from 1


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
    needed: int | None  # seeds that would decide (power 0.8), when inconclusive
    reason: str = ""  # why no data of this many seeds could pass


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
    if not (scale > 0).any():
        raise Invalid("the right-hand side is zero in every instance: nothing is compared")
    return np.abs(a - b).max(-1) / np.where(scale > 0, scale, 1.0)


def _identity_mutants(c: Criterion, values: np.ndarray) -> dict[str, np.ndarray]:
    flat = values.reshape(*values.shape[:2], -1)
    scale = np.abs(flat[:, 1]).max(-1)
    perturbed, dropped, turned = flat.copy(), flat.copy(), flat.copy()
    perturbed[:, 0, 0] += 10 * (c["bound"] + np.finfo(float).eps) * np.where(scale > 0, scale, 1.0)
    dropped[np.arange(len(flat)), 0, np.abs(flat[:, 0]).argmax(-1)] = 0.0
    turned[:, 0] = turned[:, 0, ::-1] if flat.shape[-1] > 1 else np.roll(turned[:, 0], 1, axis=0)
    mutants = {"perturb one operand": perturbed, "drop a term": dropped, "transpose": turned}
    # turning round what is equal to within the bound (a norm that is 1 everywhere) changes nothing
    least = c["bound"] * np.where(scale > 0, scale, 1.0)
    if not (np.abs(turned - flat).max((1, 2)) > least).any():
        del mutants["transpose"]
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
    even, odd = v.copy(), v.copy()
    even[::2], odd[1::2] = even[::2, ::-1], odd[1::2, ::-1]
    return {"swap labels": v[:, ::-1], "permute labels across seeds": [even, odd]}


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
    # One swapped pair takes 4 / (k (k - 1)) from tau. Near 1 tau is skewed: at level alpha the t
    # interval would pass 8 % wrongly, at alpha / 2 at most 5 %; and where swaps are rare, seeds
    # without any prove no more than a Poisson count of them does (simulated in test_criteria.py).
    step = 4 / (k * (k - 1))
    tau = stats.kendall_tau(y)
    part = Part("tau", tau, c["tau_min"], np.inf, resolution=step, strict=0.5, swap=step)
    return [effect, part]


def _trend_mutants(c, v):
    flat = np.broadcast_to(_unscaled(c, _scaled(c, v).mean(1, keepdims=True)), v.shape)
    return {"reverse x": v[:, ::-1], "shuffle x": _shuffled(v), "flatten": flat}


def _exponent_parts(c, v):
    _width(v, 2)
    if np.any(v <= 0):
        raise Invalid("exponent needs positive x and y")
    x = v[:, 0]
    if x.shape[1] < 3 or np.any(x.max(-1) < 9.999 * x.min(-1)):
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
    best = np.flatnonzero(y == (y.max() if c["find"] == "argmax" else y.min()))
    inside = best[0] > 0 and best[-1] < len(x) - 1  # a plateau that reaches an end is no peak
    return float(x[best].mean()) if inside else np.nan


def _location_parts(c, v):
    _width(v, 2)
    if v.shape[2] < 3:
        raise Invalid(f"location needs 3 points or more, got {v.shape[2]}")
    v = np.take_along_axis(v, np.argsort(v[:, :1], axis=-1, kind="stable"), axis=-1)
    found = np.array([_found(c, x, y) for x, y in v])
    if np.isnan(found).any() or c["find"] == "crossing":  # none found is a fail, no missing seed
        return [Part("location", found, c["lo"], c["hi"])]
    gaps = [
        np.diff(x)[max(i - 1, 0) : i + 1] for x, i in zip(v[:, 0], _nearest(v, found), strict=True)
    ]
    half = max(float(g.max()) for g in gaps) / 2  # a grid point stands for what is round it
    return [Part("location", found, c["lo"], c["hi"], bias=half)]


def _nearest(v: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.abs(v[:, 0] - found[:, None]).argmin(-1)


def _location_mutants(c, v):
    y = v[:, 1]
    flat = c["find"] == "crossing"  # sorted data still cross; data on one side do not
    none = np.full_like(y, c["crossing"] + 1) if flat else np.sort(y, axis=-1)
    x = np.sort(v[:, 0], axis=-1)
    return {
        "no crossing" if flat else "monotone data": np.stack([x, none], 1),
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
        ("at_least", "at_most", "per_seed"),
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


def checked(c: Criterion, values: Any, seeds: int | None = None) -> np.ndarray:
    """The values as float64 if they can be decided.  Errors: Invalid.

    `seeds` is the number of seeds that ran: a measure may not drop one.  A rate has `per_seed`
    outcomes a seed, an identity any number of instances.
    """
    kind = KINDS[c["kind"]]
    try:
        if np.iscomplexobj(values) or np.ma.is_masked(values):
            raise TypeError("complex or masked values")
        values = np.asarray(values, float)
    except (TypeError, ValueError) as error:
        raise Invalid(f"measure did not return an array of numbers: {error}") from None
    low, high = kind.ndim
    if not low <= values.ndim <= high:
        raise Invalid(f"{c['kind']} needs {low} axes ([seed, …]), got shape {list(values.shape)}")
    if len(values) < kind.least:
        raise Invalid(f"{c['kind']} needs {kind.least} seeds or more, got {len(values)}")
    if not values.size or (c["kind"] == "identity" and values.shape[1] != 2):
        raise Invalid(f"{c['kind']} cannot be decided on shape {list(values.shape)}")
    wanted = (seeds or 0) * c.get("per_seed", 1)
    if wanted and c["kind"] != "identity" and len(values) != wanted:
        raise Invalid(f"measure returned {len(values)} values for {seeds} seeds, not {wanted}")
    bad = [i for i, v in enumerate(values) if not np.isfinite(v).all()]
    if bad:
        raise Invalid(f"not finite at seed number {bad[0]} of {len(values)}")
    if c["kind"] == "rate" and not np.isin(values, (0, 1)).all():
        raise Invalid("rate needs outcomes 0 or 1")
    return values


def decide(c: Criterion, values: np.ndarray, seeds: int | None = None) -> Decision:
    """The verdict rule.  values [seed, …]; `seeds` as in `checked`.  Errors: Invalid."""
    values = checked(c, values, seeds)
    alpha = c.get("alpha", ALPHA)
    parts = KINDS[c["kind"]].parts(c, values)
    sides = [_side(c, p, alpha) for p in parts]
    failing = [_side(c, p, alpha / len(parts)) == "outside" for p in parts]
    if all(s == "inside" for s in sides):
        state, explains = "pass", [True]
    elif any(failing):
        state, explains = "fail", failing
    else:
        state, explains = "inconclusive", [s != "inside" for s in sides]
    shown = [_record(c, p, alpha, s) for p, s in zip(parts, sides, strict=True)]
    first = explains.index(True)
    main = shown[first]
    needed = None
    if state == "inconclusive" and c["kind"] not in ("identity", "rate"):
        open_parts = [p for p, s in zip(parts, sides, strict=True) if s != "inside"]
        each = [_seeds_that_decide(p, alpha) for p in open_parts]
        needed = None if None in each else max(n for n in each if n)
    per_seed = [parts[first].show(v) for v in parts[first].values]
    reason = "" if state == "pass" else _out_of_reach(c, parts, alpha)
    return Decision(
        state, main["estimate"], main["low"], main["high"], shown, per_seed, needed, reason
    )


def _out_of_reach(c: Criterion, parts: list[Part], alpha: float) -> str:
    """What to say where even perfect data of this many seeds could not pass; else empty."""
    for p in parts:
        if not p.swap:
            continue
        n = p.values.size
        best = p._replace(values=np.ones(n))
        if _side(c, best, alpha) != "inside":
            limit = _interval(c, best, alpha).low
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


def _interval(c: Criterion, p: Part, alpha: float) -> stats.Interval:
    if c["kind"] == "identity":  # no sampling error: the worst instance decides
        worst = float(p.values.max())
        return stats.Interval(worst, worst, worst)
    if c["kind"] == "rate":
        return stats.clopper_pearson(int(p.values.sum()), p.values.size, alpha)
    mean, low, high = stats.t_interval(p.values, alpha * p.strict, p.resolution)
    if p.swap:
        low = min(low, _tau_limit(p, alpha, p.values.size))
    return stats.Interval(mean, low - p.bias, high + p.bias)


def _tau_limit(p: Part, alpha: float, n: int) -> float:
    """Lower limit of tau from the number of swapped pairs, taken as a Poisson count, in n seeds."""
    swaps = (1 - p.values).mean() / p.swap * n
    return 1 - p.swap * float(stats.poisson_upper(swaps, alpha)) / n


def _seeds_that_decide(p: Part, alpha: float) -> int | None:
    n = stats.seeds_that_decide(
        p.values, p.low, p.high, alpha * p.strict, resolution=p.resolution, bias=p.bias
    )
    while n and p.swap and p.values.mean() > p.low and _tau_limit(p, alpha, n) < p.low:
        n = n + 1 if n < 1000 else None
    return n


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
