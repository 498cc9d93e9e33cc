"""The one reader of records: what is wrong with one is a line with file, line and key.

`read_json` ends a verb that was asked for this record. `peek` and `lines` pass a bad one over, say
so once on stderr, and go on with the others; a cache is made again without a word.
"""

import os
import sys
from pathlib import Path
from typing import Any

from common import files
from launch.errors import UserError
from launch.record import records, typed
from launch.record.checks import Wrong

AGAIN = "; delete the folder and run again"
ADVICE = {"job.json": "; what was computed is beside it", "run.json": AGAIN, "verdicts.json": AGAIN}
_said: set[Path] = set()


def read_json(file: Path) -> dict:
    """A record.  Errors: UserError in one line if it is missing or damaged; Unreadable."""
    if not files.exists(file):
        raise UserError(f"no {file.name} in {file.parent}")
    try:
        return typed.read(files.content(file), _kind(file))
    except files.Damaged as error:
        raise UserError(f"{error}{ADVICE.get(file.name, '')}") from None
    except Wrong as wrong:
        raise UserError(f"{told(file, wrong)}{ADVICE.get(file.name, '')}") from None


def peek(file: Path) -> dict:
    """A record; {} where there is none or it is passed over."""
    if not os.path.lexists(file):
        return {}
    try:
        return typed.read(files.content(file), _kind(file))
    except files.FileError as error:
        what = str(error)
    except Wrong as wrong:
        what = told(file, wrong)
    if records.kind(file) not in records.MADE_AGAIN:
        pass_over(file, what)
    return {}


def lines(file: Path) -> list[dict]:
    """The good records of a file of JSON lines, oldest first."""
    if not os.path.lexists(file):
        return []
    try:
        found, bad = typed.read_lines(files.content(file), _kind(file))
    except files.FileError as error:
        pass_over(file, str(error))
        return []
    if bad:
        more = f" (and {len(bad) - 1} more there)" if bad[1:] else ""
        pass_over(file, f"{told(file, bad[0])}{more}")
    return found


def _kind(file: Path) -> Any:
    return records.KINDS.get(records.kind(file), dict[str, Any])


def told(file: Path, wrong: Wrong) -> str:
    """'FILE is damaged, line 3: config.seeds must be a list, not null'"""
    at = f", line {wrong.line}" if wrong.line else ""
    return f"{file} is damaged{at}: {wrong}"


def passed(file: Path) -> bool:
    """Whether something of a file was passed over: what was made of it is not to be kept."""
    return file in _said


def pass_over(file: Path, what: str) -> None:
    """Say once in this process that something is left out of what is shown."""
    if file not in _said:
        _said.add(file)
        print(f"passed over: {what}", file=sys.stderr)
