"""A grid over settings: every cell an ordinary run; a finished cell is not computed again."""

import itertools
import math
import sys
from collections import Counter

from common.claims import digest
from launch.compute import run
from launch.compute.computing import Predict
from launch.errors import UserError, clip
from launch.paths import results, shown
from launch.read import report
from launch.read.cards import number
from launch.record import store
from launch.settings import Job, job
from launch.terminal import table
from launch.values import LONG

MOST = 10_000  # cells
CLOSING = {"(": ")", "[": "]", "{": "}"}


def grid(items: list[str]) -> list[list[str]]:
    """['lr=1,2', 'width=8'] -> [['lr=1', 'width=8'], ['lr=2', 'width=8']].

    What stands in brackets or quotes stays together.  Errors: UserError for a key or a value that
    stands twice, what is not closed, too many cells.
    """
    axes: dict[str, list[str]] = {}
    for item in items:
        key, equals, text = item.partition("=")
        if len(item) > LONG:
            raise UserError(f"{clip(item)!r} is longer than the {LONG:,} characters that are taken")
        if not equals:
            raise UserError(f"{clip(item)!r} is not key=a,b,c")
        if key in axes:
            raise UserError(f"{clip(key)} stands twice; give its values in one, KEY=a,b,c")
        axes[key] = [f"{key}={value}" for value in _values(item, text)]
        if twice := next((v for v, n in Counter(axes[key]).items() if n > 1), ""):
            raise UserError(f"{clip(twice)} stands twice in {clip(item)!r}")
    cells = math.prod(map(len, axes.values()))
    if cells > MOST:
        raise UserError(f"{cells:,} cells; a sweep has at most {MOST:,}")
    return [list(cell) for cell in itertools.product(*axes.values())]


def _values(item: str, text: str) -> list[str]:
    """Parts between the commas that stand in no bracket and no quotes."""
    found, open_ = [""], ""
    for mark in text:
        inside = open_[-1:]
        if mark == "," and not inside:
            found.append("")
            continue
        found[-1] += mark
        if mark == inside:
            open_ = open_[:-1]
        elif inside in ("'", '"'):
            continue
        elif mark in "'\"([{":
            open_ += CLOSING.get(mark, mark)
        elif mark in ")]}":
            raise UserError(f"{clip(item)!r} closes what it did not open, with {mark!r}")
    if open_:
        raise UserError(f"{clip(item)!r} lacks {open_[-1]!r} at its end")
    return found


def sweep(slug: str, preset: str, items: list[str], *, predict: Predict, dry: bool = False) -> dict:
    """Run every cell; the table of verdicts and values, also written beside the runs.

    A cell that fails under its settings has an "error", and the others go on.
    """
    cells = [(c, job(slug, preset, c)) for c in grid(items)]  # mistakes show before work
    rows = []
    for overrides, cell in cells:
        who = run.identity(slug, cell.config)
        done = store.find(slug, preset, who, done=True)
        row: dict = {"cell": overrides, "cached": done is not None}
        if not dry:
            try:
                row |= _computed(cell, predict)
            except UserError as error:
                row["error"] = str(error)
                print(f"{' '.join(overrides)}: {error}", file=sys.stderr)
        rows.append(row)
    value = {"experiment": slug, "preset": preset, "grid": items, "cells": rows}
    if not dry:
        file = results() / "runs" / slug / f"sweep-{digest([*items, preset])}.json"
        store.write_json(file, value)
        value["file"] = shown(file)
    return value


def _computed(cell: Job, predict: Predict) -> dict:
    folder = run.execute(cell, reuse=True, note="sweep", predict=predict)
    claims = {
        v.id: {"state": v.state, "estimate": v.estimate, "low": v.low, "high": v.high}
        for v in report.write(folder)
    }
    return {"folder": shown(folder), "claims": claims}


def failed(found: dict) -> list[dict]:
    """The cells that have an error."""
    return [row for row in found["cells"] if "error" in row]


def _what(row: dict, ran: bool) -> str:
    if "error" in row:
        return "FAILED"
    return "kept" if row["cached"] else "computed" if ran else "to compute"


def text(found: dict) -> str:
    """Cells down, claims across."""
    rows = []
    claims = sorted({i for r in found["cells"] for i in r.get("claims", {})})
    for r in found["cells"]:
        values = [r.get("claims", {}).get(i, {}) for i in claims]
        cells = [f"{v.get('state', '')} {number(v.get('estimate'))}" for v in values]
        rows.append([" ".join(r["cell"]), _what(r, "file" in found), *cells])
    lines = [table(rows, ["cell", "", *claims])]
    if bad := failed(found):
        lines.append(f"{len(bad)} of {len(rows)} cells failed; the first: {bad[0]['error']}")
    if "file" in found:
        lines.append(f"written: {found['file']}")
    else:
        lines.append(f"{len(rows)} cells; nothing was run (--dry-run)")
    return "\n".join(lines)
