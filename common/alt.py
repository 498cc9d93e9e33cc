"""A figure in words: what a person would say of it in a breath, written from what it draws."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from common.drawn import Series, drawn, tick_names

LENGTH = 300  # characters
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
MAPS = ("image", "cells", "contour", "arrow-x", "arrow-y")
VERBS = {  # of one series, of several
    "rises": "rise",
    "falls": "fall",
    "stays level": "stay level",
    "rises and falls": "rise and fall",
    "dips and comes back": "dip and come back",
    "scatters": "scatter",
    "is one value": "are single values",
    "has no finite value": "have no finite value",
}
FLAT = 0.05  # of a panel's height: what moves less is called level


def alt_text(fig: Figure) -> str:
    """Panels, axes and the course of the main series, in at most LENGTH characters.

    As much detail as fits: values of the series, else their names, else their number.
    """
    panels: dict[str, list[Series]] = {}
    for s in drawn(fig):
        panels.setdefault(s.panel, []).append(s)
    whole = list(panels.values())
    for series_words in (_with_values, _with_names, _with_examples, _with_counts):
        text = _told(whole, series_words)
        if len(text) <= LENGTH:
            return text
    return _clipped(_sentence(f"{_panels(len(whole))}: {_listed(map(_axes, whole))}"))


def _told(panels: Sequence[list[Series]], series_words: Callable) -> str:
    """One sentence a panel; axes that all panels share are said once."""
    shared = len(panels) > 1 and len({_axes(p) for p in panels}) == 1
    said = [_sentence(f"{_panels(len(panels))} of {_axes(panels[0])}")] if shared else []
    for panel in panels:
        ax = panel[0].ax
        title = ax.get_title() or ("Inset" if "." in panel[0].panel else "")
        heads = [title] if shared else [title, _axes(panel)]
        head = ", ".join(h for h in heads if h) or f"panel {panel[0].panel}"
        course = series_words(panel)
        said.append(_sentence(f"{head}: {course}" if course else head))
    return " ".join(said)


def _sentence(text: str) -> str:
    word = text[:2].isascii() and text[:2].isalpha()  # symbols keep their case
    return (text[:1].upper() if word else text[:1]) + text[1:] + "."


def _axes(panel: list[Series]) -> str:
    """'loss against step (log-log)'."""
    ax = panel[0].ax
    x, y = (" ".join((label or "").split()) for label in (ax.get_xlabel(), ax.get_ylabel()))
    scales = (ax.get_xscale() != "linear", ax.get_yscale() != "linear")
    scale = {(True, True): " (log-log)", (True, False): " (log)", (False, True): " (log)"}
    if y and x:
        return f"{y} against {x}{scale.get(scales, '')}"
    return f"{y or x}{scale.get(scales, '')}"


def _main(panel: list[Series]) -> list[Series]:
    """Without guides, bands, bare error bars, and series without a name where others have one."""
    other = ("guide", "band", "segment", *MAPS)
    plain = [s for s in panel if s.kind not in other and s.y is not None]
    named = [s for s in plain if not s.name.startswith("unlabelled")]
    return named or plain


def _maps(panel: list[Series]) -> str:
    """The colour maps of a panel, in words."""
    said = [
        f"{_own_name(s)}{s.kind} of {np.size(s.x)} points{_span(s.value)}"
        for s in panel
        if s.kind in ("image", "cells")
    ]
    return _listed(dict.fromkeys(said))


def _own_name(s: Series) -> str:
    known = s.name.startswith("unlabelled") or s.name == s.ax.get_title()
    return "" if known else f"{s.name}, "


def _span(values: Any) -> str:
    numbers = np.array([v for v in values if not isinstance(v, str)], dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    return f" from {numbers.min():.3g} to {numbers.max():.3g}" if numbers.size else ""


def _with_values(panel: list[Series]) -> str:
    """Every main series with where it starts and ends."""
    said = [f"{s.name} {_course(s)}{_ends(s)}" for s in _main(panel)]
    return "; ".join([*filter(None, [_maps(panel)]), *said])


def _with_names(panel: list[Series]) -> str:
    """Main series by their course."""
    groups = _groups(panel)
    said = [f"{_listed(s.name for s in g)} {_verb(course, g)}" for course, g in groups.items()]
    return "; ".join([*filter(None, [_maps(panel)]), *said])


def _with_examples(panel: list[Series]) -> str:
    """The largest groups by course, named by their first and last member."""
    said = []
    for course, group in _groups(panel).items():
        few = len(group) <= 2
        names = _listed(s.name for s in group) if few else f"{group[0].name} to {group[-1].name}"
        said.append(f"{names} {_verb(course, group)}")
    return "; ".join([*filter(None, [_maps(panel)]), *said])


def _with_counts(panel: list[Series]) -> str:
    """How many series take which course."""
    said = [f"{_count(len(g))} {_verb(c, g)}" for c, g in _groups(panel).items()]
    if said and not _maps(panel):
        number, _, course = said[0].partition(" ")
        said[0] = f"{number} series {course}"
    return ", ".join([*filter(None, [_maps(panel)]), *said])


def _verb(course: str, group: list[Series]) -> str:
    return course if len(group) == 1 else VERBS[course]


def _groups(panel: list[Series]) -> dict[str, list[Series]]:
    groups: dict[str, list[Series]] = {}
    for s in _main(panel):
        groups.setdefault(_course(s), []).append(s)
    return groups


def _finite(s: Series) -> np.ndarray:
    y = np.array([] if s.y is None else s.y, dtype=float)
    return y[np.isfinite(y)]


def _course(s: Series) -> str:
    """Direction from start to end, on the panel's own scale; the order is that of drawing."""
    y = _finite(s)
    if s.kind in ("points", "bars", "steps") or _categories(s) or _scattered(s):
        return "scatters" if y.size > 1 else "is one value"
    if y.size < 2:
        return "is one value" if y.size else "has no finite value"
    first, last, low, high = (_height(s, v) for v in (y[0], y[-1], y.min(), y.max()))
    if high - low < FLAT:
        return "stays level"
    if abs(last - first) < FLAT:
        return "rises and falls" if high - max(first, last) > FLAT else "dips and comes back"
    return "rises" if last > first else "falls"


def _scattered(s: Series) -> bool:
    """Points in no order of x."""
    return s.x is not None and bool((np.diff(np.asarray(s.x, dtype=float)) < 0).any())


def _categories(s: Series) -> bool:
    """Whether x stands for names: nothing rises or falls along those."""
    return any(not name[:1].isdigit() for name in tick_names(s.ax.xaxis).values() if name)


def _height(s: Series, value: float) -> float:
    """Where a value stands in its panel, 0 at the bottom and 1 at the top."""
    at = s.ax.transAxes.inverted().transform(s.ax.transData.transform((s.ax.get_xlim()[0], value)))
    return float(np.clip(at[1], 0.0, 1.0)) if np.isfinite(at[1]) else 0.0


def _ends(s: Series) -> str:
    y = _finite(s)
    if y.size < 2:
        return f" ({y[0]:.3g})" if y.size else ""
    match _course(s):
        case "scatters":
            return f" from {y.min():.3g} to {y.max():.3g}"
        case "stays level":
            return f" at {np.median(y):.3g}"
        case "rises and falls":
            return f" (at most {y.max():.3g})"
        case "dips and comes back":
            return f" (at least {y.min():.3g})"
    return f" from {y[0]:.3g} to {y[-1]:.3g}"


def _count(n: int) -> str:
    return COUNTS[n] if n < len(COUNTS) else str(n)


def _panels(n: int) -> str:
    return f"{_count(n)} panel{'' if n == 1 else 's'}"


def _listed(items: Iterable[str]) -> str:
    """a, b and c; each once."""
    names = list(dict.fromkeys(items))
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _clipped(text: str) -> str:
    """At most LENGTH characters, whole words."""
    if len(text) <= LENGTH:
        return text
    return text[: LENGTH - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"
