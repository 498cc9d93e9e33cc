"""What a user did that cannot work: one line saying what, where, and what to do."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Printed as one line, exit status 2, no traceback."""


def nearest(name: str, known: Iterable[str]) -> str:
    """' (did you mean X?)', or the names there are."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, 1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
