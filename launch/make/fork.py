"""A working copy of an experiment that knows its parent."""

import re
import shutil
from pathlib import Path

from launch.make.check_text import mention
from launch.paths import EXPERIMENTS, folder, shown, unused
from launch.read.report import load_claims
from launch.record import git, store
from launch.record.fingerprint import fingerprint


def fork(slug: str, new: str) -> Path:
    """Copy experiments/<slug> to experiments/<new> with lineage.json; claims start untested.

    Errors: UserError if the name is taken or no Python name.
    """
    parent = folder(slug)
    target = unused(new)
    _, claims = load_claims(slug)
    draft = EXPERIMENTS / f".{new}.tmp"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(parent, draft, ignore=shutil.ignore_patterns("__pycache__", "lineage.json"))
    rename(draft, slug, new)
    store.write_json(
        draft / "lineage.json",
        {
            "parent": slug,
            "commit": git.commit(),
            "compute": fingerprint(slug)["compute"],
            "claims": {c.id: {"claim": c.hash, "thresholds": c.thresholds} for c in claims},
        },
    )
    draft.rename(target)
    return target


def rename(home: Path, old: str, new: str) -> None:
    """Commands and paths that a folder's texts hold name the new experiment; so does its test."""
    named = mention(old)
    for file in [*home.glob("*.py"), *home.glob("*.md")]:
        said = named.sub(rf"\g<1>{new}", file.read_text(encoding="utf-8"))
        if file.suffix == ".md" and "_" in old:  # else it may be a word of the language
            said = re.sub(rf"(?<![\w/.-]){old}\b", new, said)
        file.write_text(said, encoding="utf-8")
    test = home / f"test_{old}.py"
    if test.exists():
        test.rename(home / f"test_{new}.py")


def text(made: Path, parent: str) -> str:
    """What to do with it."""
    name = made.name
    return (
        f"forked: {shown(made)}\n"
        f"its claims are untested until ./lab verify {name} --seeds 2000-2004\n"
        f"next: edit {name}/config.py or run.py, ./lab run {name}:smoke, "
        f"then ./lab compare {name} {parent}"
    )
