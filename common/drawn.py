"""What a figure draws: every series of every panel as arrays, and the same as a CSV table.

Shapes: N points.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib import collections, colors, container, contour, lines, patches, quiver, ticker
from matplotlib.axes import Axes
from matplotlib.category import StrCategoryFormatter
from matplotlib.figure import Figure


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
    for kind, read in READERS.items():
        if isinstance(artist, kind):
            yield from read(ax, artist)
            return
    if isinstance(artist, collections.Collection):
        raise ValueError(f"{type(artist).__name__} has no rule in common/drawn.py: add one")


def _line(ax: Axes, line: lines.Line2D) -> Iterator[dict[str, Any]]:
    """A line of data; axhline and axvline hold one number and a fraction of the panel."""
    if isinstance(line, lines.AxLine):
        raise ValueError("axline has no rule in common/drawn.py: draw it with plot or law")
    x, y = (_flat(v) for v in line.get_data(orig=False))  # categories as numbers
    in_x, in_y = line.get_transform().contains_branch_seperately(ax.transData)
    if in_x and in_y:
        yield {"kind": "line", "x": x, "y": y}
    elif in_x:
        yield {"kind": "guide", "x": x[:1]}
    elif in_y:
        yield {"kind": "guide", "y": y[:1]}


def _errorbar(ax: Axes, group: container.ErrorbarContainer) -> Iterator[dict[str, Any]]:
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
    yield fields


def _bars(ax: Axes, group: container.BarContainer) -> Iterator[dict[str, Any]]:
    upright = group.orientation != "horizontal"
    boxes = [p.get_bbox() for p in group.patches]
    centre = [(b.x0 + b.x1) / 2 if upright else (b.y0 + b.y1) / 2 for b in boxes]
    base = [b.y0 if upright else b.x0 for b in boxes]
    end = [b.y1 if upright else b.x1 for b in boxes]
    length = group.datavalues if group.datavalues is not None else end
    x, y = (centre, length) if upright else (length, centre)
    yield {"kind": "bars", "x": x, "y": y, "low": base, "high": end}


def _stem(ax: Axes, group: container.StemContainer) -> Iterator[dict[str, Any]]:
    x, y = group.markerline.get_data()
    yield {"kind": "stem", "x": x, "y": y}


def _steps(ax: Axes, patch: patches.StepPatch) -> Iterator[dict[str, Any]]:
    y, edges, _ = patch.get_data()
    yield {"kind": "steps", "x": edges[:-1], "y": y, "low": edges[:-1], "high": edges[1:]}


def _arrows(ax: Axes, field: Any) -> Iterator[dict[str, Any]]:
    for part, value in (("arrow-x", field.U), ("arrow-y", field.V)):
        yield {"kind": part, "x": field.X, "y": field.Y, "value": value}


def _points(ax: Axes, points: Any) -> Iterator[dict[str, Any]]:
    at: Any = np.ma.filled(np.ma.asarray(points.get_offsets(), dtype=float), np.nan)
    yield {"kind": "points", "x": at[:, 0], "y": at[:, 1], "value": _flat(points.get_array())}


def _segments(ax: Axes, group: collections.LineCollection) -> Iterator[dict[str, Any]]:
    for i, path in enumerate(group.get_segments()):
        yield {"kind": "segment", "x": path[:, 0], "y": path[:, 1], "value": [i] * len(path)}


def _fills(ax: Axes, group: Any) -> Iterator[dict[str, Any]]:
    """fill_between draws: start, first edge [n], end, second edge backwards [n], close."""
    for path in group.get_paths():
        n = (len(path.vertices) - 3) // 2
        first, second = path.vertices[1 : n + 1], path.vertices[n + 2 : 2 * n + 2][::-1]
        yield {"kind": "band", "x": first[:, 0], "low": first[:, 1], "high": second[:, 1]}


def _cells(ax: Axes, mesh: Any) -> Iterator[dict[str, Any]]:
    """Values at the middle of their cells, or at the corners where shading is gouraud."""
    at = mesh.get_coordinates()
    if mesh._shading != "gouraud":
        at = (at[:-1, :-1] + at[1:, :-1] + at[:-1, 1:] + at[1:, 1:]) / 4
    value = _flat(mesh.get_array())
    yield {"kind": "cells", "x": at[..., 0].ravel(), "y": at[..., 1].ravel(), "value": value}


def _contours(ax: Axes, levels: Any) -> Iterator[dict[str, Any]]:
    for level, path in zip(levels.levels, levels.get_paths(), strict=False):
        x, y = path.vertices.T
        yield {"kind": "contour", "x": x, "y": y, "value": np.full(len(x), level)}


def _image(ax: Axes, image: Any) -> Iterator[dict[str, Any]]:
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
    yield {"kind": "image", "x": grid[0].ravel(), "y": grid[1].ravel(), "value": value}


def _flat(values: Any) -> Any:
    return (
        None if values is None else np.ma.filled(np.ma.asarray(values, dtype=float), np.nan).ravel()
    )


READERS: dict[type, Callable[[Axes, Any], Iterator[dict[str, Any]]]] = {  # the first that fits
    container.ErrorbarContainer: _errorbar,
    container.BarContainer: _bars,
    container.StemContainer: _stem,
    lines.Line2D: _line,
    patches.StepPatch: _steps,
    contour.ContourSet: _contours,
    quiver.Quiver: _arrows,
    collections.QuadMesh: _cells,
    collections.FillBetweenPolyCollection: _fills,
    collections.PathCollection: _points,
    collections.LineCollection: _segments,
    mpl.image.AxesImage: _image,
}

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


def table(series: Sequence[Series]) -> str:
    """Long format, one row a point; floats round-trip; a named tick stands for its number."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for s in series:
        head = (s.panel, s.ax.get_title(), s.ax.get_xlabel(), s.ax.get_ylabel(), s.name, s.kind)
        names: list[dict] = [tick_names(s.ax.xaxis), tick_names(s.ax.yaxis), {}, {}, {}]
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


def tick_names(axis: Any) -> dict[float, str]:
    """Position -> name, where the ticks carry names instead of numbers."""
    formatter = axis.get_major_formatter()
    if isinstance(formatter, StrCategoryFormatter):
        return {float(at): name for name, at in axis.units._mapping.items()}
    if isinstance(formatter, ticker.FixedFormatter):
        return dict(zip(map(float, axis.get_ticklocs()), formatter.seq, strict=False))
    return {}
