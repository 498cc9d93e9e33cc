"""Whose turn the dear tests are: the changed papers, and a tenth of the others by date.

The record `results/checked.json` says with which key a paper last passed them:
    {slug: {"key": 16 hex, "date": "2026-11-29"}}
and the same of the tests marked dear, which are of launch/ and due when it changed.
A record that is missing, damaged or wrong makes papers due and costs time; it fails nothing.
"""

import datetime
import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

from launch.record import store

RECORD = Path(__file__).parents[1] / "results/checked.json"
CAP = 16  # papers a call
SHARE = 10  # every so many days each unchanged paper has its turn
DAY = "REPRISE_TODAY"  # the date, as 2026-11-29: one for all processes of a call, and for tests
LAUNCH = "launch/"  # in the record: the tests marked dear, which are of no paper
# what the tests of a paper depend on, beside the paper itself
MACHINERY = (
    *(f"launch/compute/{n}.py" for n in ("cluster", "computing", "processes", "run", "stop")),
    *("launch/make/fork.py", "launch/meshes.py", "launch/read/report.py"),
    *(f"common/{n}.py" for n in ("checkpoint", "plot", "scratch")),
)
PLACEMENT = ("common/partition.py", "common/sharding.py")


class Turn(NamedTuple):
    """due: [slug] in this call, changed first; waiting: changed, but beyond the cap; rested: not
    changed and not their day."""

    due: list[str]
    waiting: list[str]
    rested: list[str]

    @property
    def line(self) -> str:
        """What was passed over, in one line; '' if nothing was."""
        parts = [f"{len(self.rested)} unchanged since they passed"] if self.rested else []
        if self.waiting:
            parts += [f"{len(self.waiting)} over the {CAP} of a call ({', '.join(self.waiting)})"]
        return f"dear tests passed over: {'; '.join(parts)}; --all has them" if parts else ""


def turn(
    keys: dict[str, str], record: dict, day: datetime.date, *, everything=False, share=SHARE
) -> Turn:
    """Whose turn it is.  keys: {slug: what it is now}; share=0: the changed ones alone."""
    slugs = sorted(keys)
    if everything:
        return Turn(slugs, [], [])
    number = day.toordinal()
    changed = [s for s in slugs if entry(record, s).get("key") != keys[s]]
    cut = number * CAP % len(changed) if len(changed) > CAP else 0
    changed = changed[cut:] + changed[:cut]  # where nobody commits the record, others tomorrow
    same = [s for s in slugs if s not in changed]
    turns = [s for i, s in enumerate(same) if share and i % share == number % share]
    due = (changed + turns)[:CAP]
    return Turn(due, changed[CAP:], [s for s in same if s not in due])


def entry(record: dict, slug: str) -> dict:
    """What the record has of a paper; {} if that is nothing usable."""
    found = record.get(slug)
    return found if isinstance(found, dict) else {}


def passed(record: dict, found: dict[str, str], slugs: list[str], day: datetime.date) -> dict:
    """The record after papers passed.  found: {slug: key it passed with}; slugs: all there are."""
    kept = {s: entry(record, s) for s in slugs if entry(record, s)}
    for slug, now in found.items():
        if kept.get(slug, {}).get("key") != now:  # else the committed file need not change
            kept[slug] = {"key": now, "date": day.isoformat()}
    return kept


def today() -> datetime.date:
    """The date of this call; it stays the same over midnight, and in every worker."""
    now = datetime.datetime.now(datetime.UTC).date().isoformat()
    return datetime.date.fromisoformat(os.environ.setdefault(DAY, now))


def key(root: Path, slug: str, fingerprint: dict) -> str:
    """Hash of all that the dear tests of a paper depend on: what computes, draws and starts it."""
    found = hashlib.sha256(f"{fingerprint['compute']} {fingerprint['measure']}".encode())
    for name in (*MACHINERY, f"experiments/{slug}/figures.py", "requirements.txt"):
        file = root / name
        found.update(file.read_bytes() if file.exists() else b"")
    return found.hexdigest()[:16]


def launch_key(root: Path) -> str:
    """Hash of all that the tests marked dear are of: launch/ and what it saves and shares with."""
    found = hashlib.sha256()
    files = [*(root / "launch").rglob("*.py"), *(root / n for n in (*MACHINERY, *PLACEMENT))]
    for file in sorted({f for f in files if f.exists()}):
        found.update(file.read_bytes())
    return found.hexdigest()[:16]


def write(file: Path, record: dict) -> None:
    """One line a paper; whole or not at all."""
    lines = [f" {json.dumps(s)}: {json.dumps(record[s], sort_keys=True)}" for s in sorted(record)]
    store.write_text(file, "{\n" + ",\n".join(lines) + "\n}\n")
