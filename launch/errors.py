"""How a verb ends early: one line saying what, where, and what to do."""

import difflib
from collections.abc import Iterable
from pathlib import Path

MOST = 12  # names that a message lists
STOPPED = 85  # exit status: saved, run the same command again


class UserError(Exception):
    """Printed as one line, exit status 2, no traceback."""


class Failed(UserError):
    """An experiment failed under settings of one's own; exit status 1. The folder has more."""


class Interrupted(Exception):
    """The run stopped as asked and is saved in `folder`; exit status STOPPED."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder


def nearest(name: str, known: Iterable[str]) -> str:
    """'did you mean X?', or the names there are, the first of many."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, 1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(known) - MOST} more" if len(known) > MOST else ""
    return f"known: {', '.join(known[:MOST])}{more}"
