"""A grid over settings: every cell an ordinary run; a finished cell is not computed again."""

import itertools
import re

from common.claims import digest
from launch.compute import run
from launch.compute.computing import Predict
from launch.errors import UserError
from launch.paths import results, shown
from launch.read import report
from launch.read.cards import number
from launch.record import store
from launch.settings import job
from launch.terminal import table


def grid(items: list[str]) -> list[list[str]]:
    """['lr=1,2', 'width=8'] -> [['lr=1', 'width=8'], ['lr=2', 'width=8']]; (…) stays together."""
    axes = []
    for item in items:
        key, equals, text = item.partition("=")
        if not equals:
            raise UserError(f"{item!r} is not key=a,b,c")
        values = re.findall(r"(?:\([^)]*\)|[^,()])+", text) or [text]
        axes.append([f"{key}={v}" for v in values])
    return [list(cell) for cell in itertools.product(*axes)]


def sweep(slug: str, preset: str, items: list[str], *, predict: Predict, dry: bool = False) -> dict:
    """Run every cell; the table of verdicts and values, also written beside the runs."""
    cells = [(c, job(slug, preset, c)) for c in grid(items)]  # mistakes show before work
    rows = []
    for overrides, cell in cells:
        who = run.identity(slug, cell.config)
        done = store.find(slug, preset, who, done=True)
        row: dict = {"cell": overrides, "cached": done is not None}
        if not dry:
            folder = run.execute(cell, reuse=True, note="sweep", predict=predict)
            row["folder"] = shown(folder)
            row["claims"] = {
                v.id: {"state": v.state, "estimate": v.estimate, "low": v.low, "high": v.high}
                for v in report.write(folder)
            }
        rows.append(row)
    value = {"experiment": slug, "preset": preset, "grid": items, "cells": rows}
    if not dry:
        file = results() / "runs" / slug / f"sweep-{digest([*items, preset])}.json"
        store.write_json(file, value)
        value["file"] = shown(file)
    return value


def _what(row: dict, ran: bool) -> str:
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
    if "file" in found:
        lines.append(f"written: {found['file']}")
    else:
        lines.append(f"{len(rows)} cells; nothing was run (--dry-run)")
    return "\n".join(lines)
