"""One-connections of a graph; closed form against inverse; ranks; constraints; a fibre."""

from typing import Any

import numpy as np
from matplotlib.patches import FancyArrowPatch

from common import plot

from . import listing

DRAWN = ((0, 1), (1, 2), (2, 1), (2, 3), (0, 3))  # the graph of the first figure
PLACES = np.array([[0.0, 0.5], [1.0, 1.0], [2.0, 1.0], [3.0, 0.5]])
BINS = np.linspace(-17.5, -13.5, 33)
ZERO = 1e-17  # where an error of 0 is drawn
DOTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_one_connections": one_connections(arrays, cfg),
        "fig2_closed_form": closed_form(arrays, cfg),
        "fig3_share": share(arrays, cfg),
        "fig4_gap": gap(arrays, cfg),
        "fig5_constraints": constraints(arrays, cfg),
        "fig6_fibre": fibre(arrays, cfg),
    }


def name(symbol: str, *vertices) -> str:
    return symbol + "".join(map(str, vertices)).translate(DOTS)


def one_connections(arrays, cfg):
    """The graph, and each one-connection from 0 to 3 with its term."""
    mask = np.zeros((4, 4), bool)
    for edge in DRAWN:
        mask[edge] = True
    listed = listing.one_connections(mask, 0, 3)
    panels: list[tuple[str, Any]] = [("graph", DRAWN)]
    for used, count in listed:
        loops = sum(i == j for i, j in used)
        sign = "−" if (count - loops) % 2 else "+"
        term = " ".join(name("λ", *edge) for edge in used if edge[0] != edge[1])
        panels.append((f"{sign} {term}", tuple(used)))
    terms = "  ".join(title for title, _ in panels[1:])
    fig, axes = plot.figure(
        1, len(panels), size=(11, 1.9),
        caption=f"[(I − Λ)⁻¹]₀₃ = ({terms}) / (1 − λ₁₂ λ₂₁): one-connections from 0 to 3, a path"
        " (solid) and cycles (dashed) through all other vertices. A self-loop, drawn as a ring, has"
        " the weight −1 and is a cycle too, so it counts +1.",
    )  # fmt: skip
    for ax, (title, used) in zip(axes, panels, strict=True):
        panel(ax, title, used, path=set() if title == "graph" else on_path(used))
    return fig


def on_path(used) -> set:
    """Edges from 0 on."""
    following, at, found = dict(used), 0, set()
    while at in following:
        found.add((at, following[at]))
        at = following[at]
    return found


def panel(ax, title, used, path):
    ax.set(title=title, xlim=(-0.4, 3.4), ylim=(-0.15, 1.6), xticks=[], yticks=[])
    ax.set_aspect("equal")
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.plot(*PLACES.T, linestyle="", marker="o", color="0.85", markersize=15, label="vertices")
    for i, j in used:
        solid = not path or (i, j) in path
        look: Any = {"color": plot.COLOURS[0 if solid else 1], "linestyle": "-" if solid else "--"}
        if i == j:
            ax.plot(*PLACES[i], marker="o", markersize=21, fillstyle="none", **look, label="loop")
            continue
        bend = -0.25 if (j, i) in DRAWN else (0.35 if (i, j) == (0, 3) else 0)
        ax.add_patch(
            FancyArrowPatch(
                PLACES[i], PLACES[j], arrowstyle="-|>", mutation_scale=11, shrinkA=8, shrinkB=8,
                connectionstyle=f"arc3,rad={bend}", linewidth=1.4, **look,
            )
        )  # fmt: skip
    for vertex, place in enumerate(PLACES):
        ax.text(*place, str(vertex), ha="center", va="center")


def scaled_error(left, right):
    """Largest difference over the largest entry.  [..., n, n] twice -> [...]"""
    return abs(left - right).max(axis=(-2, -1)) / abs(right).max(axis=(-2, -1))


def closed_form(arrays, cfg):
    """Errors by number of vertices, and entries against entries."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 4),
        caption="(I − Λ)⁻¹ of random digraphs with cycles, one-connections against inv: share of"
        " graphs by largest difference over the largest entry, and the entries themselves. Equal"
        " to the last bit: at 10⁻¹⁷.",
    )  # fmt: skip
    error = np.maximum(scaled_error(arrays["closed"], arrays["inverse"]), ZERO)
    for i, n in enumerate(arrays["sizes"]):
        rows = np.sort(np.log10(error[:, i].ravel()))
        share = np.arange(1, len(rows) + 1) / len(rows)
        left.plot(rows, share, label=f"n = {n}", **plot.style(i), drawstyle="steps-post")
    left.set(xlabel="log₁₀ of the scaled error", ylabel="share of graphs", ylim=(0, 1.03))
    left.legend(fontsize=7)
    x, y = arrays["inverse"][0].ravel(), arrays["closed"][0].ravel()
    ends = [x.min(), x.max()]
    right.plot(x, y, linestyle="", marker="o", markersize=3, label="entries", markevery=1)
    plot.law(right, ends, ends, label="equal")
    right.set(xlabel="entry of the inverse", ylabel="one-connections / linear subgraphs")
    right.set(xscale="symlog", yscale="symlog")
    right.legend()
    return fig


def full(arrays):
    """Share of full rank by edges: x, simple, others.  Shares are nan where there are none."""
    edges = np.arange(arrays["other_edges"].max() + 1)
    good = arrays["gap"][:, arrays["drawn"]] > arrays["tol"]
    simple = [good[:, arrays["edges"] == e].mean() for e in edges]
    own, other = arrays["other_gap"] > arrays["tol"], arrays["other_edges"]
    rest = [own[other == e].mean() if (other == e).any() else np.nan for e in edges]
    return edges, np.array(simple), np.array(rest)


def share(arrays, cfg):
    """Fraction of graphs with full rank."""
    fig, ax = plot.figure(
        size=(6.8, 4),
        caption="Share of graphs whose Jacobian has full rank at the best of some random points, by"
        " number of edges: all simple graphs, and random ones that are not simple, with at"
        " least as many equations as parameters. Two edges are one doubled pair.",
    )  # fmt: skip
    edges, simple, rest = full(arrays)
    ax.set_axisbelow(True)
    seen = np.isfinite(rest)
    ax.bar(edges - 0.2, simple, 0.38, label="simple, all", color=plot.COLOURS[0])
    ax.bar(
        edges[seen] + 0.2, rest[seen], 0.38, label="not simple", color=plot.COLOURS[1], hatch="//"
    )
    ax.axhline(1.0, color="0.4", linestyle=":", label="theorem, simple")
    ax.set(xlabel="edges |D| + |B|", ylabel="share of full rank", ylim=(0, 1.35), xticks=edges)
    ax.legend(ncols=3, loc="upper center")
    return fig


def gap(arrays, cfg):
    """Distribution of the smallest relative singular value."""
    fig, ax = plot.figure(
        size=(6.8, 4),
        caption="Smallest singular value of the Jacobian over the largest, best of"
        f" {cfg.points} points that all graphs share, simple graphs of as many vertices as the"
        " others: share below a value. Zeros of graphs that are not simple are rounding.",
    )  # fmt: skip
    rows, cyclic = arrays["gap"][:, arrays["drawn"]], arrays["cyclic"]
    lots = {
        "simple, no cycle": rows[:, ~cyclic],
        "simple, directed cycle": rows[:, cyclic],
        "not simple": arrays["other_gap"],
    }
    for i, (label, values) in enumerate(lots.items()):
        values = np.sort(values.ravel())
        at = np.unique(np.linspace(0, len(values) - 1, 200).astype(int))
        ax.plot(values[at], (at + 1) / len(values), label=label, **plot.style(i))
    ax.axvline(float(arrays["tol"]), color="0.4", linestyle=":", label="full rank above")
    ax.set(xscale="log", xlabel="s_k / s₁", ylabel="share of graphs below", ylim=(0, 1.03))
    ax.legend(loc="center")
    return fig


def formula(coefficient, pairs) -> str:
    """σ₀₁σ₁₂ − σ₀₂σ₁₁ from coefficients [T] and entries [T, 2, 2]."""
    text = ""
    for c, entries in zip(coefficient, pairs, strict=True):
        if c:
            sign = (" − " if c < 0 else " + ") if text else ("−" if c < 0 else "")
            size = "" if abs(c) == 1 else str(abs(c))
            text += sign + size + "".join(name("σ", *e) for e in entries)
    return text


def constraints(arrays, cfg):
    """A table of what was found in degree 2, with values on and off the model."""
    model, value = arrays["listed_model"], np.maximum(arrays["listed_value"], ZERO)
    fig, ax = plot.figure(
        size=(8.2, 0.28 * len(model) + 1.8),
        caption="Polynomials of degree 2 found, first seed: largest value at fresh points of the"
        " model and at random covariances, both normalised (of their multidegree). All others of"
        f" degree up to {cfg.degree} vanish likewise; saturated graphs have none.",
    )  # fmt: skip
    row = -np.arange(len(model))
    for i, label in enumerate(("on the model", "elsewhere")):
        look = plot.style(i) | {"linestyle": "", "markevery": 1}
        ax.plot(value[:, i], row, label=label, **look)
    words = zip(arrays["listed_coefficient"], arrays["listed_pair"], model, strict=True)
    ax.set_yticks(
        row, [f"{cfg.models[k].replace('_', ' ')}:  {formula(c, p)}" for c, p, k in words]
    )
    ax.set(xscale="log", xlabel="largest value, normalised", xlim=(ZERO / 3, 3))
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return fig


def fibre(arrays, cfg):
    """Cycle products of both solutions, and how many starts find them."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9.6, 3.9),
        caption="Parameters of the cycle 0 → 1 → 2 → 0 with one covariance. Left: cycle product of"
        " what was drawn, and of the solutions found; law: itself and its reciprocal. Right:"
        " distinct solutions by number of starts, mean over cases and range of seeds.",
    )  # fmt: skip
    given, product = arrays["given"], arrays["product"]
    own = abs(product - given[..., None]) < 1e-6
    for i, (label, mask) in enumerate((("the one drawn", own), ("the other", ~own))):
        x = np.broadcast_to(given[..., None], product.shape)[mask]
        look = plot.style(i) | {"linestyle": "", "markevery": 1}
        left.plot(x, product[mask], label=label, **look)
    for side in (-1, 1):
        c = side * np.geomspace(0.02, 0.75, 60)
        plot.law(left, c, 1 / c, label="1 / c" if side > 0 else "_1 / c, negative")
    left.set(yscale="symlog", xlabel="cycle product c drawn", ylabel="cycle product of a solution")
    left.legend()
    counts = np.cumsum(arrays["found"], axis=2, dtype=float).mean(axis=1)
    starts = np.arange(1, counts.shape[1] + 1)
    plot.band(right, starts, counts, label="found", **plot.style(0))
    plot.law(right, starts[[0, -1]], [2, 2], label="two")
    right.set(xscale="log", xlabel="starts", ylabel="distinct solutions", ylim=(0, 2.2))
    right.legend(loc="lower right")
    return fig
