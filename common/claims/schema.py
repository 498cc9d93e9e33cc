"""claims.toml: its schema, and what is refused before anything runs."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from common.claims.statement import LEVELS, PRESETS, SEEDS, SOURCES, THEMES, Claim, ClaimError
from common.criteria import lint as criterion_lint
from common.criteria.kind import unknown
from common.criteria.lint import is_number

SCHEMA = 1
PAPER_KEYS = ("title", "authors", "venue", "arxiv", "code", "hardware", "shards", "theme")
OPTIONAL_KEYS = ("verdict_seeds", "core_hours")


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
    paper = _paper(path, raw.get("paper", {}))
    claims = _claims(path, raw.get("claim", []))
    for claim in claims:
        lint(claim, where=f"{path}: claim {claim.id!r}")
    return paper, claims


def _paper(path: Path, paper: Any) -> dict:
    """The [paper] table, verdict_seeds filled in."""
    here = f"{path}: [paper]"
    if not isinstance(paper, dict):
        raise ClaimError(f"{here} must be a table")
    missing = [k for k in PAPER_KEYS if not isinstance(paper.get(k), str) or not paper[k].strip()]
    if missing:
        raise ClaimError(f"{here} lacks {', '.join(missing)}")
    for key in paper:
        _known(here, "key", key, (*PAPER_KEYS, *OPTIONAL_KEYS))
    _known(here, "theme", paper["theme"], THEMES)
    if not is_number(paper.get("core_hours", 1)) or paper.get("core_hours", 1) <= 0:
        raise ClaimError(f"{here} core_hours is a positive number")
    if paper.setdefault("verdict_seeds", SEEDS[0]) not in SEEDS:
        raise ClaimError(f"{here} verdict_seeds is 5, 10 or 20")
    return paper


def _claims(path: Path, tables: Any) -> list[Claim]:
    """The claims, each once; not linted yet."""
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise ClaimError(f"{path}: every claim begins with [[claim]], two brackets")
    if not tables:
        raise ClaimError(f"{path}: no [[claim]]")
    claims = [_claim(path, table) for table in tables]
    ids = [c.id for c in claims]
    twice = sorted(str(i) for i in ids if ids.count(i) > 1)
    if twice:
        raise ClaimError(f"{path}: id {twice[0]!r} stands twice; ids are permanent")
    return claims


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
        raise ClaimError(f"{where}: {unknown(what, name, allowed)}")


def lint(claim: Claim, where: str = "") -> None:
    """Refuse a check that cannot fail, or that nobody could judge.  Errors: ClaimError."""
    where = where or f"claim {claim.id!r}"
    _fields(where, claim)
    said = criterion_lint.problem(claim.criterion)
    said = said or criterion_lint.trivial_problem(claim.criterion, claim.trivial)
    if said:
        raise ClaimError(f"{where}: {said}")


def too_few(claim: Claim, seeds: int) -> str:
    """Why this many seeds cannot decide the claim; empty when they can."""
    return criterion_lint.too_few(claim.criterion, seeds)


def _fields(where: str, claim: Claim) -> None:
    """The types of the fields, so that what follows can rely on them."""
    said = [*_texts(claim), *_tables(claim)]
    if said:
        raise ClaimError(f"{where}: {said[0]}")
    _known(where, "source of the paper's value", str(claim.paper.get("from")), SOURCES)
    for preset, level in claim.level.items():
        _known(f"{where}: level", "preset", preset, PRESETS)
        _known(f"{where}: level of {preset}", "level", level, LEVELS)


def _texts(claim: Claim) -> Iterator[str]:
    if not isinstance(claim.id, str) or not re.fullmatch(r"[a-z][a-z0-9_-]*", claim.id):
        yield "an id is lower case letters, digits, _ and -"
    for key in ("text", "where", "measure", "why"):
        value = getattr(claim, key)
        if not isinstance(value, str) or not value.strip():
            yield f"{key} must be text"
    if len(str(claim.why).split()) < 4:
        yield "`why` must give the reason of every threshold"
    if not isinstance(claim.figure, str) or not re.match(r"fig|$", claim.figure):
        yield f"figure is the name of a figure, 'fig…', not {claim.figure!r}"
    if not isinstance(claim.headline, bool):
        yield f"headline is true or false, not {claim.headline!r}"


def _tables(claim: Claim) -> Iterator[str]:
    if not isinstance(claim.criterion, dict):
        yield "criterion is { kind = …, … }"
    if not isinstance(claim.paper, dict) or "value" not in claim.paper:
        yield "paper is { value = …, from = … }"
    if not isinstance(claim.level, dict) or not claim.level:
        yield "level is { smoke = …, laptop = …, paper = … }"
    if claim.falsifier is not None and not _is_falsifier(claim.falsifier):
        yield "a falsifier is { name = …, override = ['key=value'] }"


def _is_falsifier(table: Any) -> bool:
    if not isinstance(table, dict) or set(table) != {"name", "override"} or not table["name"]:
        return False
    items = table["override"]
    plain = isinstance(items, list) and all(isinstance(i, str) and "=" in i for i in items)
    return plain and bool(items)
