"""claims.toml: the schema, what is refused before anything runs, and the words of a verdict."""

import difflib
import hashlib
import json
import math
import re
import tomllib
from dataclasses import MISSING, asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from common.criteria import KINDS, Decision, Invalid, decide, surviving_mutants
from common.stats import ALPHA

SCHEMA = 1
LEVELS = ("none", "exact", "reduced", "substitute", "theory")
PRESETS = ("smoke", "laptop", "paper")
SOURCES = (
    "table",
    "abstract",
    "theorem",
    "figure",
    "read-off",
    "code",
    "derived",
    "text",
    "recalled",
)
PAPER_KEYS = ("title", "authors", "venue", "arxiv", "code", "hardware", "shards", "theme")
THEMES = (
    "curvature", "dynamics", "diffusion", "generative", "sequence", "transport", "pde",
    "approximation", "optimization", "statmech", "causality", "structured", "physics",
)  # fmt: skip
SEEDS = (5, 10, 20)  # how many verdict seeds a paper may have: [paper] verdict_seeds, default 5

WORDS = {
    ("pass", "exact"): "REPRODUCED",
    ("pass", "reduced"): "HOLDS AT REDUCED SCALE",
    ("pass", "substitute"): "HOLDS ON SUBSTITUTE DATA",
    ("pass", "theory"): "CONFIRMED NUMERICALLY",
    ("fail", "exact"): "NOT REPRODUCED",
    ("fail", "reduced"): "DOES NOT HOLD AT REDUCED SCALE",
    ("fail", "substitute"): "DOES NOT HOLD ON SUBSTITUTE DATA",
    ("fail", "theory"): "COUNTEREXAMPLE",
}
HERE = "DOES NOT HOLD HERE"  # a theory claim that fails on other seeds: no counterexample yet
SIGNS = {
    "pass": "✓",
    "fail": "✗",
    "inconclusive": "~",
    "untested": "·",
    "invalid": "!",
    "error": "!",
}


class ClaimError(ValueError):
    """claims.toml is wrong: one line saying what, where, and what to do."""


@dataclass(frozen=True)
class Claim:
    """One statement of a paper and how it is decided. Fields as in WORKSPACE.md."""

    id: str
    text: str
    where: str
    paper: dict
    measure: str
    criterion: dict
    why: str
    level: dict
    trivial: float | str
    headline: bool = False
    falsifier: dict | None = None
    note: str = ""
    figure: str = ""  # the figure that shows it: "fig2", or a whole name "fig2_widths"

    @property
    def thresholds(self) -> str:
        """Hash of what decides: a verdict made under another one does not count."""
        keep = ("id", "measure", "criterion", "level", "trivial", "falsifier")
        return digest({k: getattr(self, k) for k in keep})

    @property
    def hash(self) -> str:
        """Hash of the whole claim but its note and where it is shown."""
        return digest({k: v for k, v in asdict(self).items() if k not in ("note", "figure")})


@dataclass(frozen=True)
class Verdict:
    """What was decided of one claim, from one run's arrays."""

    id: str
    state: str  # pass fail inconclusive invalid untested error
    level: str
    reason: str = ""  # why invalid or untested
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    parts: list = field(default_factory=list)
    per_seed: list = field(default_factory=list)
    n: int = 0
    needed: int | None = None
    mutants: list = field(default_factory=list)  # automatic mutants that were refused
    repeats: float | None = None  # chance that as many fresh seeds give this state (common/repeats)
    official: bool = True  # on the paper's verdict seeds, at the preset as it stands

    @property
    def word(self) -> str:
        if (self.state, self.level) == ("fail", "theory") and not self.official:
            return HERE
        return WORDS.get((self.state, self.level), self.state.upper())


def digest(value: Any) -> str:
    """The first 16 hex digits of the sha256 of a JSON-able value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def load(path: str | Path) -> tuple[dict, list[Claim]]:
    """The [paper] table and the claims of a claims.toml, linted.  Errors: ClaimError."""
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ClaimError(f"{path}: not valid TOML: {error}") from None
    for key in raw:
        _known(str(path), "table", key, ("schema", "paper", "claim"))
    if raw.get("schema") != SCHEMA:
        raise ClaimError(f"{path}: schema = {SCHEMA} expected, got {raw.get('schema')!r}")
    paper, tables = raw.get("paper", {}), raw.get("claim", [])
    if not isinstance(paper, dict):
        raise ClaimError(f"{path}: [paper] must be a table")
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise ClaimError(f"{path}: every claim begins with [[claim]], two brackets")
    missing = [k for k in PAPER_KEYS if not isinstance(paper.get(k), str) or not paper[k].strip()]
    if missing:
        raise ClaimError(f"{path}: [paper] lacks {', '.join(missing)}")
    for key in paper:
        _known(f"{path}: [paper]", "key", key, (*PAPER_KEYS, "verdict_seeds"))
    _known(f"{path}: [paper]", "theme", paper["theme"], THEMES)
    if paper.setdefault("verdict_seeds", SEEDS[0]) not in SEEDS:
        raise ClaimError(f"{path}: [paper] verdict_seeds is 5, 10 or 20")
    claims = [_claim(path, table) for table in tables]
    if not claims:
        raise ClaimError(f"{path}: no [[claim]]")
    ids = [c.id for c in claims]
    twice = {i for i in ids if ids.count(i) > 1}
    if twice:
        raise ClaimError(f"{path}: id {sorted(twice)[0]!r} stands twice; ids are permanent")
    for claim in claims:
        lint(claim, where=f"{path}: claim {claim.id!r}")
    return paper, claims


def _claim(path: Path, table: dict) -> Claim:
    where = f"{path}: claim {table.get('id', '?')!r}"
    fields = Claim.__dataclass_fields__
    for key in table:
        _known(where, "key", key, fields)
    required = [k for k, f in fields.items() if f.default is MISSING]
    missing = [k for k in required if k not in table]
    if missing:
        raise ClaimError(f"{where} lacks {', '.join(missing)}")
    return Claim(**table)


def _known(where: str, what: str, name: str, allowed: Any) -> None:
    if name not in allowed:
        near = difflib.get_close_matches(name, list(allowed), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(allowed)}"
        raise ClaimError(f"{where}: unknown {what} {name!r}; {hint}")


def lint(claim: Claim, where: str = "") -> None:
    """Refuse a check that cannot fail, or that nobody could judge.  Errors: ClaimError."""
    where = where or f"claim {claim.id!r}"
    _lint_fields(where, claim)
    c = claim.criterion
    _known(where, "criterion kind", str(c.get("kind")), KINDS)
    kind = KINDS[c["kind"]]
    for key in c:
        _known(where, "criterion key", key, ("kind", "alpha", *kind.keys, *kind.optional))
    missing = [k for k in kind.keys if k not in c]
    if missing:
        raise ClaimError(f"{where}: criterion {c['kind']!r} lacks {', '.join(missing)}")
    if c.get("scale", "linear") not in ("linear", "log"):
        raise ClaimError(f"{where}: scale is 'linear' or 'log', not {c['scale']!r}")
    if c.get("sign", "+") not in ("+", "-"):
        raise ClaimError(f"{where}: sign is '+' or '-', not {c['sign']!r}")
    for key, value in c.items():
        if key not in ("kind", "scale", "sign", "find") and not _number(value):
            raise ClaimError(f"{where}: {key} must be a finite number, not {value!r}")
    if c.get("tol", 1) <= 0 or not 0 < c.get("alpha", ALPHA) <= ALPHA:
        raise ClaimError(f"{where}: tol must be > 0 and 0 < alpha <= {ALPHA}")
    _lint_kind(where, c)
    _lint_region(where, c)
    _lint_trivial(where, claim)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _lint_fields(where: str, claim: Claim) -> None:
    """The types of the fields, so that what follows can rely on them."""
    if not isinstance(claim.id, str) or not re.fullmatch(r"[a-z][a-z0-9_-]*", claim.id):
        raise ClaimError(f"{where}: an id is lower case letters, digits, _ and -")
    for key in ("text", "where", "measure", "why"):
        value = getattr(claim, key)
        if not isinstance(value, str) or not value.strip():
            raise ClaimError(f"{where}: {key} must be text")
    if not isinstance(claim.figure, str) or not re.match(r"fig|$", claim.figure):
        raise ClaimError(f"{where}: figure is the name of a figure, 'fig…', not {claim.figure!r}")
    if not isinstance(claim.headline, bool):
        raise ClaimError(f"{where}: headline is true or false, not {claim.headline!r}")
    if not isinstance(claim.criterion, dict):
        raise ClaimError(f"{where}: criterion is {{ kind = …, … }}")
    if not isinstance(claim.paper, dict) or "value" not in claim.paper:
        raise ClaimError(f"{where}: paper is {{ value = …, from = … }}")
    _known(where, "source of the paper's value", str(claim.paper.get("from")), SOURCES)
    if not isinstance(claim.level, dict) or not claim.level:
        raise ClaimError(f"{where}: level is {{ smoke = …, laptop = …, paper = … }}")
    for preset, level in claim.level.items():
        _known(f"{where}: level", "preset", preset, PRESETS)
        _known(f"{where}: level of {preset}", "level", level, LEVELS)
    if len(claim.why.split()) < 4:
        raise ClaimError(f"{where}: `why` must give the reason of every threshold")
    f = claim.falsifier
    if f is not None:
        good = isinstance(f, dict) and set(f) == {"name", "override"} and f["name"]
        override = f["override"] if good and isinstance(f, dict) else None
        good = isinstance(override, list) and bool(override)
        if not good or not all(isinstance(o, str) and "=" in o for o in override or ()):
            raise ClaimError(f"{where}: a falsifier is {{ name = …, override = ['key=value'] }}")


def _lint_region(where: str, c: dict) -> None:
    """Refuse a region that no data reach or that all do."""
    problems = {
        "lo must be below hi": c.get("lo", 0) >= c.get("hi", 1),
        "tau_min must be in [-1, 1)": not -1 <= c.get("tau_min", 0) < 1,
        "r_min must be in (-1, 1)": not -1 < c.get("r_min", 0) < 1,
        "a rate is a probability": not all(0 <= c.get(k, 0) <= 1 for k in ("at_least", "at_most")),
        "bound of an identity must not be negative": c["kind"] == "identity" and c["bound"] < 0,
        "resolution must not be negative": c.get("resolution", 0) < 0,
        "resolution is of the linear scale": "resolution" in c and c.get("scale") == "log",
    }
    if c["kind"] == "exponent":
        problems["a flat line lies inside the region"] = abs(c["value"]) <= c["tol"]
    if c.get("scale") == "log":
        edges = [c[k] for k in ("bound", "ratio", "min_effect") if k in c]
        edges += [c["value"] - c["tol"]] if "tol" in c else []
        problems["scale = 'log' needs positive edges"] = any(e <= 0 for e in edges)
    for problem, there in problems.items():
        if there:
            raise ClaimError(f"{where}: {problem}")


def _lint_kind(where: str, c: dict) -> None:
    if c["kind"] == "rate":
        bounds = [k for k in ("at_least", "at_most") if k in c]
        if len(bounds) != 1:
            raise ClaimError(f"{where}: rate takes one of at_least, at_most")
        if not isinstance(c.get("per_seed", 1), int) or c.get("per_seed", 1) < 1:
            raise ClaimError(f"{where}: per_seed is the number of outcomes a seed, 1 or more")
        if c.get("at_least", 0.5) < 0.5 or c.get("at_most", 0.5) > 0.5:
            raise ClaimError(f"{where}: a rate region must leave one side of 1/2, or a flip passes")
    if c["kind"] == "location":
        _known(where, "find", str(c["find"]), ("argmax", "argmin", "crossing"))
        if c["find"] == "crossing" and "crossing" not in c:
            raise ClaimError(f"{where}: find = 'crossing' needs crossing = the value crossed")
    if c["kind"] == "greater" and (("ratio" in c) != (c.get("scale") == "log") or "delta" in c):
        if "delta" in c and c.get("scale") != "log" and "ratio" not in c:
            return
        raise ClaimError(f"{where}: greater takes delta, or scale = 'log' with ratio")
    if c["kind"] == "exponent" and KINDS["exponent"].contains(c, c["rival"]):
        raise ClaimError(f"{where}: the rival slope {c['rival']} lies inside the pass region")


def _lint_trivial(where: str, claim: Claim) -> None:
    trivial = claim.trivial
    if trivial == "none":  # a do-nothing method scores nothing at all
        if claim.criterion["kind"] != "location":
            raise ClaimError(f"{where}: trivial = 'none' is for location only; give a number")
        return
    if not _number(trivial):
        raise ClaimError(f"{where}: trivial must be a number, not {trivial!r}")
    as_ratio = claim.criterion["kind"] == "greater" and claim.criterion.get("scale") == "log"
    if as_ratio and float(trivial) <= 0:
        raise ClaimError(f"{where}: trivial must be a positive ratio, not {trivial!r}")
    if KINDS[claim.criterion["kind"]].contains(claim.criterion, float(trivial)):
        raise ClaimError(
            f"{where}: cannot fail: the trivial score {trivial} lies inside the pass region"
        )


def too_few(claim: Claim, seeds: int) -> str:
    """Why this many seeds cannot decide the claim; empty when they can."""
    c = claim.criterion
    kind = KINDS[c["kind"]]
    alpha = c.get("alpha", ALPHA)
    if c["kind"] == "rate":
        # the most extreme outcome must itself be significant
        p = c["at_least"] if "at_least" in c else 1 - c["at_most"]
        outcomes = seeds * c.get("per_seed", 1)
        if p**outcomes > alpha:
            need = int(np.ceil(np.log(alpha) / np.log(p) / c.get("per_seed", 1))) if p < 1 else 0
            most = f"{need} seeds would do" if need else "no number of seeds shows a rate of 1"
            return f"{outcomes} outcomes cannot reach p < {alpha} for a rate of {p:g}; {most}"
    # a run may return several instances or outcomes a seed: the count is checked on the values too
    if c["kind"] not in ("identity", "rate") and seeds < kind.least:
        return f"{c['kind']} needs {kind.least} seeds or more, got {seeds}"
    return ""


def judge(claim: Claim, level: str, values: Any, *, seeds: int | None = None) -> Verdict:
    """The verdict of one claim on what its measure returned.  values [seed, …]; seeds that ran.

    Never raises for bad values: a missing seed, a NaN or a mutant that passes is INVALID.
    """
    if level == "none":
        return Verdict(claim.id, "untested", level, "not decided at this preset")
    try:
        decision: Decision = decide(claim.criterion, values, seeds)
        names, passing = surviving_mutants(claim.criterion, values)
    except Invalid as error:
        return Verdict(claim.id, "invalid", level, str(error))
    result = Verdict(
        claim.id,
        decision.state,
        level,
        reason=decision.reason,
        estimate=decision.estimate,
        low=decision.low,
        high=decision.high,
        parts=decision.parts,
        per_seed=decision.per_seed,
        n=len(values),
        needed=decision.needed,
        mutants=[n for n in names if n not in passing],
    )
    if decision.state == "pass" and passing:
        reason = f"the check cannot fail: it also passes when the data are mutated ({passing[0]})"
        return Verdict(**(asdict(result) | {"state": "invalid", "reason": reason}))
    return result
