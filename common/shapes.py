"""Shapes of arguments, checked where they come in: one line that names the argument.

Under jit this happens while tracing and costs nothing afterwards.
"""

from typing import Any

import numpy as np

Sizes = dict[str, int]


def check(name: str, x: Any, pattern: str, sizes: Sizes | None = None) -> Sizes:
    """The sizes of x by the letters of the pattern, joined to those known.

    pattern: letters, numbers, and "..." once for any axes, as in "N D" or "N ...".
    Errors: ValueError where the number of axes or a size that is known differs.
    """
    known, shape = dict(sizes or {}), np.shape(x)
    wanted = pattern.split()
    free = len(shape) - (len(wanted) - wanted.count("..."))
    if free < 0 or (free and "..." not in wanted):
        raise ValueError(_said(name, shape, pattern, known))
    at = wanted.index("...") if "..." in wanted else len(wanted)
    letters = [*wanted[:at], *["..."] * free, *wanted[at + 1 :]]
    for letter, size in zip(letters, shape, strict=True):
        if letter == "...":
            continue
        expected = int(letter) if letter.isdigit() else known.setdefault(letter, size)
        if expected != size:
            raise ValueError(_said(name, shape, pattern, known))
    return known


def like(name: str, x: Any, other_name: str, other: Any) -> None:
    """Refuse an x that has not the shape of another array.  Errors: ValueError."""
    if np.shape(x) != np.shape(other):
        shape, wanted = list(np.shape(x)), list(np.shape(other))
        raise ValueError(f"{name} must have the shape of {other_name}, {wanted}, not {shape}")


def _said(name: str, shape: tuple, pattern: str, known: Sizes) -> str:
    letters = pattern.split()
    values = [f"{k} = {known[k]}" for k in dict.fromkeys(letters) if k in known]
    where = f" with {', '.join(values)}" if values else ""
    return f"{name} must have shape [{', '.join(letters)}]{where}, not {list(shape)}"
