"""A working copy of an experiment that knows its parent."""

import re
import shutil
from pathlib import Path

from launch import provenance, store
from launch.errors import UserError
from launch.fingerprint import fingerprint
from launch.paths import EXPERIMENTS, folder, shown
from launch.report import load_claims


def fork(slug: str, new: str) -> Path:
    """Copy experiments/<slug> to experiments/<new> with lineage.json; claims start untested.

    Errors: UserError if the name is taken or no Python name.
    """
    parent = folder(slug)
    target = EXPERIMENTS / new
    if not re.fullmatch(r"[a-z][a-z0-9_]*", new):
        raise UserError(f"{new!r} cannot name a fork: lower case letters, digits and _ only")
    if target.exists():
        raise UserError(f"{shown(target)} exists; choose another name")
    _, claims = load_claims(slug)
    draft = EXPERIMENTS / f".{new}.tmp"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(parent, draft, ignore=shutil.ignore_patterns("__pycache__", "lineage.json"))
    test = draft / f"test_{slug}.py"
    if test.exists():
        test.write_text(test.read_text().replace(f"experiments.{slug}", f"experiments.{new}"))
        test.rename(draft / f"test_{new}.py")
    store.write_json(
        draft / "lineage.json",
        {
            "parent": slug,
            "commit": provenance.git("rev-parse", "HEAD").strip(),
            "compute": fingerprint(slug)["compute"],
            "claims": {c.id: {"claim": c.hash, "thresholds": c.thresholds} for c in claims},
        },
    )
    draft.rename(target)
    return target


def text(made: Path) -> str:
    """What to do with it."""
    name = made.name
    return (
        f"forked: {shown(made)}\n"
        f"its claims are untested until ./lab verify {name} --seeds 2000-2004\n"
        f"next: edit {name}/config.py or run.py, then ./lab run {name}:smoke"
    )
