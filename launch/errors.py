"""What a user did that cannot work: one line saying what, where, and what to do."""

import difflib
from collections.abc import Iterable

MOST = 12  # names that a message lists


class UserError(Exception):
    """Printed as one line, exit status 2, no traceback."""


def nearest(name: str, known: Iterable[str]) -> str:
    """'did you mean X?', or the names there are, the first of many."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, 1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(known) - MOST} more" if len(known) > MOST else ""
    return f"known: {', '.join(known[:MOST])}{more}"
