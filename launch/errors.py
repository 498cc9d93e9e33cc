"""How a verb ends early: one line saying what, where, and what to do."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

MOST = 12  # names that a message lists
LONG = 1600  # characters of a message
WORD = 60  # of a word that is compared with others
# what moves a cursor, ends a line, reorders it, or is no character at all
CONTROL = re.compile(
    "[\0-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
TRACEBACK = "--traceback"  # with any verb: where an error came from
STOPPED = 85  # exit status: saved, run the same command again


class UserError(Exception):
    """Printed as one line, exit status 2, no traceback."""


class Failed(UserError):
    """An experiment failed under settings of one's own; exit status 1. The folder has more."""


class Interrupted(Exception):
    """The run stopped as asked and is saved in `folder`; exit status STOPPED."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder


def plain(text: str, keep: str = "") -> str:
    """Text with its control characters but those of `keep` as escapes."""

    def escape(found: re.Match) -> str:
        mark = found[0]
        return mark if mark in keep else mark.encode("unicode_escape").decode()

    return CONTROL.sub(escape, text)


def clip(text: object, most: int = WORD) -> str:
    """A text for a line: no control characters, its middle left out where it is long."""
    said = str(text)
    if len(said) > most:
        end = most // 3
        said = f"{said[: most - end]}… ({len(said):,} characters) …{said[-end:]}"
    return plain(said)


def nearest(name: str, known: Iterable[str]) -> str:
    """'did you mean X?', or the names there are, the first of many."""
    known = sorted(known)
    close = difflib.get_close_matches(name[:WORD], known, 1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(known) - MOST} more" if len(known) > MOST else ""
    return f"known: {', '.join(known[:MOST])}{more}"
