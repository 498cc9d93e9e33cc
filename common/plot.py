"""One figure style; a figure saved as PNG, SVG, the numbers it draws (CSV) and words (alt text).

Series differ by marker and dashes as well as by colour, so they stay apart in grey. Nothing here
uses pyplot: figures belong to the caller and disappear with it. Saving the same figure gives the
same bytes in every process.

Shapes: S seeds, N points.
"""

import csv
import io
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib import collections, colors, container, contour, lines, patches, quiver, ticker
from matplotlib.axes import Axes
from matplotlib.category import StrCategoryFormatter
from matplotlib.figure import Figure

# Okabe and Ito (2008): told apart with every common colour blindness; yellow is too pale for lines
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5))) * 2
LAW = {"color": "0.45", "linestyle": (0, (6, 3)), "linewidth": 1.2, "marker": "", "zorder": 1.5}

mpl.rcParams.update(
    {
        "axes.grid": True,
        "axes.prop_cycle": cycler(
            color=COLOURS, marker=MARKERS, linestyle=DASHES, markevery=[0.12] * len(COLOURS)
        ),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": 10,
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "grid.color": "0.9",
        "grid.linewidth": 0.6,
        "image.cmap": "cividis",
        "legend.fontsize": 8,
        "legend.framealpha": 0.85,
        "lines.linewidth": 1.4,
        "lines.markersize": 4.5,
        "savefig.dpi": 130,
        "svg.hashsalt": "reprise",
    }
)


def figure(
    rows: int = 1, cols: int = 1, *, size: tuple[float, float] | None = None, caption: str = ""
) -> tuple[Figure, Any]:
    """(figure, axes): one Axes, or an array of them as pyplot.subplots gives. size in inches.

    The caption stays with the figure as its label (`fig.get_label()`).
    """
    fig = Figure(figsize=size or (4.8 * cols, 3.6 * rows), layout="constrained")
    fig.set_label(caption)
    return fig, fig.subplots(rows, cols)


def style(i: int, *, line: bool = True) -> dict[str, Any]:
    """Colour, marker and dashes of the i-th series: for one meaning over several panels.

    line=False leaves the dashes out, as `scatter` and `errorbar(fmt="none")` want.
    """
    n = i % len(COLOURS)
    chosen: dict[str, Any] = {"color": COLOURS[n], "marker": MARKERS[n]}
    return chosen | {"linestyle": DASHES[n], "markevery": 0.12} if line else chosen


def band(ax: Axes, x: Any, values: Any, *, label: str, **kwargs: Any) -> None:
    """The seeds' median as a line and their whole range as a band.  x [N], values [S, N]

    Median and range mean the same on a linear and on a logarithmic axis.
    """
    values = np.asarray(values)
    (line,) = ax.plot(x, np.median(values, axis=0), label=label, **kwargs)
    spread = ax.fill_between(x, values.min(axis=0), values.max(axis=0), color=line.get_color())
    spread.set(alpha=0.2, linewidth=0, label=f"_{label}, range of seeds")


def law(ax: Axes, x: Any, y: Any, *, label: str, **kwargs: Any) -> None:
    """A law of the paper, dashed and grey.  x [N], y [N]"""
    options: dict[str, Any] = LAW | kwargs
    ax.plot(x, y, label=label, **options)


class Series(NamedTuple):
    """What one artist draws; arrays [N], or None for what it has not."""

    panel: str  # "1", "2", …; an inset of panel 1 is "1.1"
    ax: Axes
    kind: str
    name: str
    x: Any = None
    y: Any = None
    low: Any = None
    high: Any = None
    value: Any = None  # of a colour map, a contour's level, a segment's number


def save(fig: Figure, folder: Path | str, name: str) -> dict[str, Path]:
    """Write name.png, .svg, .csv and .json (caption and alt text) into an existing folder.

    -> {"png": path, …}.  Errors: ValueError if the figure draws no data.
    """
    series = list(drawn(fig))
    if not any(np.size(s.y) + np.size(s.value) for s in series if s.kind != "guide"):
        raise ValueError(f"figure {name!r} draws no data")
    kinds = ("png", "svg", "csv", "json")
    files = {kind: Path(folder) / f"{name}.{kind}" for kind in kinds}
    parts = {kind: Path(folder) / f".{name}.{os.getpid()}.{kind}" for kind in kinds}
    alt = alt_text(fig)
    for s in series:
        _finish(s)
    fig.savefig(parts["png"], metadata={"Software": None})
    fig.set_layout_engine("none")  # the first layout stays: solving it again moves things a little
    about = {"Title": fig.get_label() or name, "Description": alt, "Date": None, "Creator": None}
    fig.savefig(parts["svg"], metadata=about)
    parts["csv"].write_text(_csv(series))
    words = {"caption": fig.get_label(), "alt": alt}
    parts["json"].write_text(json.dumps(words, indent=1, ensure_ascii=False) + "\n")
    for kind in kinds:  # whole or absent: others may be reading them
        parts[kind].replace(files[kind])
    return files


class Powers(ticker.LogFormatterSciNotation):
    """10⁻⁸ as plain text: parsing it as mathematics costs half of a figure's time."""

    def __call__(self, x: float, pos: Any = None) -> str:
        text = super().__call__(x, pos)
        power = re.fullmatch(r"\$\\mathdefault\{(.*)10\^\{(-?\d+)\}\}\$", text)
        if power is None:
            return text
        raised = power[2].translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
        return power[1].replace(r"\times", "×") + "10" + raised


def _finish(s: Series) -> None:
    """What only a whole panel shows: no grid over images, plain log labels, markers that can be."""
    if s.kind in ("image", "cells"):
        s.ax.grid(False)
    for axis in (s.ax.xaxis, s.ax.yaxis):
        if type(axis.get_major_formatter()) is ticker.LogFormatterSciNotation:
            axis.set_major_formatter(Powers())
            axis.set_minor_formatter(Powers(labelOnlyBase=False))
    for line in s.ax.lines:
        if np.isfinite(line.get_transform().transform(line.get_xydata())).all(1).sum() < 2:
            line.set_markevery(None)  # spacing by distance needs a distance


# --- what a figure draws -------------------------------------------------------------------------


def drawn(fig: Figure) -> Iterator[Series]:
    """Every series of every panel and inset; colour bars and annotations are left out."""
    panels = [ax for ax in fig.axes if ax.get_label() != "<colorbar>"]
    for i, ax in enumerate(panels, start=1):
        yield from _panel(ax, str(i))


def _panel(ax: Any, panel: str) -> Iterator[Series]:
    parts: set[Any] = set()
    count = 0
    for artist in [*ax.containers, *ax.get_children()]:
        if artist in parts:
            continue
        if isinstance(artist, container.Container):
            parts.update(_parts(artist))
        for fields in _numbers(ax, artist):
            count += 1
            yield Series(panel, ax, name=_name(artist, count), **fields)
    for i, inset in enumerate(ax.child_axes, start=1):
        yield from _panel(inset, f"{panel}.{i}")


def _parts(group: Any) -> Iterator[Any]:
    for part in group:
        yield from part if isinstance(part, (tuple, list)) else (part,)


def _name(artist: Any, count: int) -> str:
    bars = isinstance(artist, container.BarContainer) and len(artist)
    for owner in (artist, artist[0]) if bars else (artist,):  # hist labels its first bar
        label = str(owner.get_label() or "")
        if label and not label.startswith(("_child", "_nolegend", "_container")):
            return label.removeprefix("_")
    bar = getattr(artist, "colorbar", None)
    return (bar.ax.get_ylabel() or bar.ax.get_xlabel() if bar else "") or f"unlabelled {count}"


def _numbers(ax: Axes, artist: Any) -> Iterator[dict[str, Any]]:
    """The arrays of one artist, by its type; errors name a type that this cannot read."""
    match artist:
        case container.ErrorbarContainer():
            yield _errorbar(artist)
        case container.BarContainer():
            yield _bars(artist)
        case container.StemContainer():
            x, y = artist.markerline.get_data()
            yield {"kind": "stem", "x": x, "y": y}
        case lines.Line2D():
            yield from _line(ax, artist)
        case patches.StepPatch():
            values, edges, _ = artist.get_data()
            yield {
                "kind": "steps",
                "x": edges[:-1],
                "y": values,
                "low": edges[:-1],
                "high": edges[1:],
            }
        case contour.ContourSet():
            yield from _contours(artist)
        case quiver.Quiver():
            for part, value in (("arrow-x", artist.U), ("arrow-y", artist.V)):
                yield {"kind": part, "x": artist.X, "y": artist.Y, "value": value}
        case collections.QuadMesh():
            yield _cells(artist)
        case collections.FillBetweenPolyCollection():
            yield from map(_fill, artist.get_paths())
        case collections.PathCollection():
            at: Any = np.ma.filled(np.ma.asarray(artist.get_offsets(), dtype=float), np.nan)
            yield {
                "kind": "points",
                "x": at[:, 0],
                "y": at[:, 1],
                "value": _flat(artist.get_array()),
            }
        case collections.LineCollection():
            for i, path in enumerate(artist.get_segments()):
                yield {
                    "kind": "segment",
                    "x": path[:, 0],
                    "y": path[:, 1],
                    "value": [i] * len(path),
                }
        case collections.Collection():
            raise ValueError(f"{type(artist).__name__} has no rule in common/plot.py: add one")
        case mpl.image.AxesImage():
            yield _image(artist)


def _line(ax: Axes, line: lines.Line2D) -> Iterator[dict[str, Any]]:
    """A line of data; axhline and axvline hold one number and a fraction of the panel."""
    if isinstance(line, lines.AxLine):
        raise ValueError("axline has no rule in common/plot.py: draw it with plot or law")
    x, y = (_flat(v) for v in line.get_data(orig=False))  # categories as numbers
    in_x, in_y = line.get_transform().contains_branch_seperately(ax.transData)
    if in_x and in_y:
        yield {"kind": "line", "x": x, "y": y}
    elif in_x:
        yield {"kind": "guide", "x": x[:1]}
    elif in_y:
        yield {"kind": "guide", "y": y[:1]}


def _errorbar(group: container.ErrorbarContainer) -> dict[str, Any]:
    parts: Any = group
    line, _, bars = parts
    fields: dict[str, Any] = {"kind": "error bars"}
    ends = np.array(bars[-1].get_segments()) if bars else None  # y errors are drawn last
    if line is not None:
        x, y = line.get_data(orig=False)
        fields |= {"x": x, "y": y}
    elif ends is not None:
        fields |= {"x": ends[:, 0, 0]}
    if ends is not None:
        axis = 1 if group.has_yerr else 0
        fields |= {"low": ends[:, 0, axis], "high": ends[:, 1, axis]}
    return fields


def _bars(group: container.BarContainer) -> dict[str, Any]:
    upright = group.orientation != "horizontal"
    boxes = [p.get_bbox() for p in group.patches]
    centre = [(b.x0 + b.x1) / 2 if upright else (b.y0 + b.y1) / 2 for b in boxes]
    base = [b.y0 if upright else b.x0 for b in boxes]
    end = [b.y1 if upright else b.x1 for b in boxes]
    length = group.datavalues if group.datavalues is not None else end
    x, y = (centre, length) if upright else (length, centre)
    return {"kind": "bars", "x": x, "y": y, "low": base, "high": end}


def _fill(path: Any) -> dict[str, Any]:
    """fill_between draws: start, first edge [n], end, second edge backwards [n], close."""
    n = (len(path.vertices) - 3) // 2
    first, second = path.vertices[1 : n + 1], path.vertices[n + 2 : 2 * n + 2][::-1]
    return {"kind": "band", "x": first[:, 0], "low": first[:, 1], "high": second[:, 1]}


def _cells(mesh: Any) -> dict[str, Any]:
    """Values at the middle of their cells, or at the corners where shading is gouraud."""
    at = mesh.get_coordinates()
    if mesh._shading != "gouraud":
        at = (at[:-1, :-1] + at[1:, :-1] + at[:-1, 1:] + at[1:, 1:]) / 4
    value = _flat(mesh.get_array())
    return {"kind": "cells", "x": at[..., 0].ravel(), "y": at[..., 1].ravel(), "value": value}


def _contours(levels: Any) -> Iterator[dict[str, Any]]:
    for level, path in zip(levels.levels, levels.get_paths(), strict=False):
        x, y = path.vertices.T
        yield {"kind": "contour", "x": x, "y": y, "value": np.full(len(x), level)}


def _image(image: Any) -> dict[str, Any]:
    """Pixel centres; the value is a number, or #rrggbb where colours themselves were given."""
    pixels = np.ma.filled(np.ma.asarray(image.get_array()), 0)
    rows, cols = pixels.shape[:2]
    left, right, bottom, top = image.get_extent()
    if image.origin == "upper":
        bottom, top = top, bottom
    x = left + (np.arange(cols) + 0.5) * (right - left) / cols
    y = bottom + (np.arange(rows) + 0.5) * (top - bottom) / rows
    grid = np.meshgrid(x, y)
    if pixels.ndim == 3:
        flat = pixels.reshape(-1, pixels.shape[2]) / (255 if pixels.dtype == np.uint8 else 1)
        value: Any = [colors.to_hex(np.clip(p, 0, 1)) for p in flat]
    else:
        value = _flat(image.get_array())
    return {"kind": "image", "x": grid[0].ravel(), "y": grid[1].ravel(), "value": value}


def _flat(values: Any) -> Any:
    return (
        None if values is None else np.ma.filled(np.ma.asarray(values, dtype=float), np.nan).ravel()
    )


# --- numbers and words ---------------------------------------------------------------------------

COLUMNS = (
    "panel",
    "title",
    "x_label",
    "y_label",
    "series",
    "kind",
    "x",
    "y",
    "low",
    "high",
    "value",
)


def _csv(series: Sequence[Series]) -> str:
    """Long format, one row a point; floats round-trip; a named tick stands for its number."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for s in series:
        head = (s.panel, s.ax.get_title(), s.ax.get_xlabel(), s.ax.get_ylabel(), s.name, s.kind)
        names: list[dict] = [_tick_names(s.ax.xaxis), _tick_names(s.ax.yaxis), {}, {}, {}]
        columns = [
            [named.get(float(v), repr(float(v))) if not isinstance(v, str) else v for v in values]
            for values, named in zip(_filled(s), names, strict=True)
        ]
        writer.writerows((*head, *row) for row in zip(*columns, strict=True))
    return out.getvalue()


def _filled(s: Series) -> list[Any]:
    fields = s[4:]
    size = max(np.size(f) for f in fields if f is not None)
    return [[""] * size if f is None else f for f in fields]


def _tick_names(axis: Any) -> dict[float, str]:
    """Position -> name, where the ticks carry names instead of numbers."""
    formatter = axis.get_major_formatter()
    if isinstance(formatter, StrCategoryFormatter):
        return {float(at): name for name, at in axis.units._mapping.items()}
    if isinstance(formatter, ticker.FixedFormatter):
        return dict(zip(map(float, axis.get_ticklocs()), formatter.seq, strict=False))
    return {}


def alt_text(fig: Figure) -> str:
    """The figure in words, from its data: axes, and for every series its size, range and course."""
    said: list[str] = []
    panel = ""
    for s in drawn(fig):
        if s.panel != panel:
            panel = s.panel
            said.append(_axes_words(s))
        said.append(_series_words(s))
    return " ".join(said)


def _axes_words(s: Series) -> str:
    def words(label: str, scale: str) -> str:
        return (label or "no label") + (f" ({scale} scale)" if scale != "linear" else "")

    title = f", {s.ax.get_title()}" if s.ax.get_title() else ""
    x, y = words(s.ax.get_xlabel(), s.ax.get_xscale()), words(s.ax.get_ylabel(), s.ax.get_yscale())
    return f"{'Inset' if '.' in s.panel else 'Panel'} {s.panel}{title}: {y} against {x}."


def _series_words(s: Series) -> str:
    """One sentence on a series."""
    if s.kind == "guide":
        at = [f"{axis} = {v[0]:.3g}" for axis, v in (("x", s.x), ("y", s.y)) if v is not None]
        return f"{s.name}: a line at {' and '.join(at)}."
    if s.kind in ("image", "cells", "contour", "arrow-x", "arrow-y"):
        values = [v for v in s.value if not isinstance(v, str)]
        spread = f" with values {_range(values)}" if values else ""
        return f"{s.name}: {s.kind} of {np.size(s.x)} points{spread}."
    if s.y is None:
        return f"{s.name}: {s.kind} of {np.size(s.x)} points between {min(s.low):.3g}" + (
            f" and {max(s.high):.3g}."
        )
    return f"{s.name}: {np.size(s.y)} points, x {_range(s.x)}, y {_range(s.y)}, {_course(s.y)}."


def _range(values: Any) -> str:
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    return f"from {finite.min():.3g} to {finite.max():.3g}" if finite.size else "nowhere finite"


def _course(y: Any) -> str:
    """Start, end and direction; the order is the order of drawing."""
    y = np.asarray(y, dtype=float)
    y = y[np.isfinite(y)]
    if y.size < 2:
        return "a single value" if y.size else "no value"
    steps = np.diff(y)
    way = "rising" if y[-1] > y[0] else "falling" if y[-1] < y[0] else "ending where it starts"
    if (steps == 0).all():
        way = "constant"
    elif not ((steps >= 0).all() or (steps <= 0).all()):
        way += ", not steadily"
    return f"starting at {y[0]:.3g} and ending at {y[-1]:.3g}, {way}"
