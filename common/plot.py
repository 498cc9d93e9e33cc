"""One figure style; a figure saved as PNG with its words inside, as SVG, and as numbers (CSV).

Series differ by marker and dashes as well as by colour, so they stay apart in grey. Nothing here
uses pyplot or changes a global setting: figures belong to the caller, who makes them inside
`styled()`, as `./lab report` does. Saving the same figure gives the same bytes in every process.

Shapes: S seeds, N points.
"""

import io
import os
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common import png
from common.alt import alt_text
from common.drawn import Series, drawn, table

# Okabe and Ito (2008): told apart with every common colour blindness; yellow is too pale for lines
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5))) * 2
LAW = {"color": "0.45", "linestyle": (0, (6, 3)), "linewidth": 1.2, "marker": "", "zorder": 1.5}

STYLE: Any = {
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
    "savefig.dpi": 110,
    "svg.hashsalt": "reprise",
}


def styled() -> AbstractContextManager:
    """The settings of our figures, for as long as they are made; `save` enters it by itself."""
    return mpl.rc_context(STYLE)


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


KINDS = ("png", "svg", "csv")


def save(
    fig: Figure, folder: Path | str, name: str, *, kinds: Sequence[str] = KINDS
) -> dict[str, Path]:
    """Write name.png (caption and alt text inside), .svg and .csv into an existing folder.

    -> {"png": path, …}.  Errors: ValueError if the figure draws no data.
    """
    with styled():
        content = _content(fig, name, kinds)
    files = {kind: Path(folder) / f"{name}.{kind}" for kind in content}
    for kind, file in files.items():  # whole or absent: others may be reading them
        part = file.with_name(f".{name}.{os.getpid()}.{kind}")
        part.write_bytes(content[kind])
        part.replace(file)
    return files


def _content(fig: Figure, name: str, kinds: Sequence[str]) -> dict[str, bytes]:
    series = list(drawn(fig))
    if not any(np.size(s.y) + np.size(s.value) for s in series if s.kind != "guide"):
        raise ValueError(f"figure {name!r} draws no data")
    for s in series:
        _finish(s)
    pixels = io.BytesIO()
    fig.savefig(pixels, format="png", pil_kwargs={"compress_level": 1})
    fig.set_layout_engine("none")  # the first layout stays: solving it again moves things a little
    caption, alt = str(fig.get_label()), alt_text(fig)
    content = {"png": png.write(pixels.getvalue(), name=name, caption=caption, alt=alt)}
    if "svg" in kinds:
        about = {"Title": caption or name, "Description": alt, "Date": None, "Creator": None}
        drawing = io.BytesIO()
        fig.savefig(drawing, format="svg", metadata=about)
        content["svg"] = drawing.getvalue()
    if "csv" in kinds:
        content["csv"] = table(series).encode()
    return content


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
