"""`./lab new`: a folder that keeps the whole contract and says where to write a paper into it."""

import re
import shutil
from pathlib import Path

from launch import paths

TEMPLATE = Path(__file__).with_name("template")
HOLDER = "NAME"  # what stands for the folder's name


def new(name: str) -> Path:
    """Write experiments/<name> from the template.  Errors: UserError if the name is taken or bad.

    It computes something small and true; each TODO in it is a place for the paper's own.
    """
    target = paths.unused(name)
    draft = paths.EXPERIMENTS / f".{name}.tmp"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for file in sorted(TEMPLATE.iterdir()):
        if file.is_file():
            text = re.sub(rf"\b{HOLDER}\b", name, file.read_text(encoding="utf-8"))
            (draft / file.name.replace(HOLDER, name)).write_text(text, encoding="utf-8")
    draft.rename(target)
    return target


def text(made: Path) -> str:
    """What to do with it."""
    name = made.name
    return (
        f"made: {paths.shown(made)}\n"
        f"./lab run {name}:smoke and ./lab test {name} work as it stands\n"
        f"next: write {name}/claims.toml, then whatever ./lab check {name} still names"
    )
