"""Worst cases of laws, classes of subsets, subsets by rank, adversaries on their way."""

import numpy as np

from common import plot

from . import measure
from .laws import ceiling

KINDS = ("regenerated as in the code", "regenerated in raw units")
RATIO = "R(S) / R(no stable variable)"
PLAIN = {"color": "0.4", "linestyle": ":", "marker": ""}


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_laws": laws(arrays, cfg),
        "fig2_ranking": ranking(arrays, cfg),
        "fig3_classes": classes(arrays, cfg),
        "fig4_adversary": adversary(arrays, cfg),
    }


def laws(arrays, cfg):
    """Histogram of R(S) over random laws; the largest by P(Y = 1) beside the ceiling."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9.5, 3.9),
        caption="Exact worst-case risk of the whole stable set over that of none of it, random"
        " binary laws of Y → M, Y → X ← M. Left: with both edges into X, and without one. Right:"
        " the largest by P(Y = 1) (band: seeds), and the bound q + 1/(4q).",
    )  # fmt: skip
    shares = arrays["histogram"] / arrays["histogram"][:, :1].sum(axis=-1, keepdims=True)
    names = ("both edges", "no Y → X", "no M → X")
    for i, name in enumerate(names):
        look = plot.style(i) | {"marker": ""}
        left.step(arrays["bins"][:-1], shares[:, i].mean(axis=0), where="post", label=name, **look)
    left.axvline(1, label="_one", **PLAIN)
    left.set(xlabel=RATIO, ylabel="share of laws in 0.01", yscale="log", ylim=(5e-6, 2))
    left.legend(loc="upper left")
    middle = (arrays["chances"][1:] + arrays["chances"][:-1]) / 2
    look = plot.style(0) | {"markevery": 1}
    plot.band(right, middle, arrays["highest"], label="largest of random laws", **look)
    p = np.linspace(0.002, 0.998, 200)
    plot.law(right, p, ceiling(np.maximum(p, 1 - p)), label="q + 1/(4q)")
    right.axhline(1, label="_one", **PLAIN)
    right.set(xlabel="P(Y = 1)", ylabel=RATIO)
    right.legend(loc="upper center")
    return fig


def ranking(arrays, cfg):
    """Worst test error of subsets in the order of their estimates."""
    fig, axes = plot.figure(
        1, 2, size=(9.5, 4),
        caption="Largest error of test environments (of 10) of every subset, ranked in each seed by"
        " the adversary's error (line: median; band: seeds). Dashed: linear fit to the medians."
        " Left, tests by their own mean and variance; right, by those of training.",
    )  # fmt: skip
    for kind, ax in enumerate(axes):
        order = arrays["estimate"][:, kind].argsort(axis=-1)
        sorted_by = np.take_along_axis(arrays["worst"][:, kind], order, axis=-1)
        rank = np.arange(1, order.shape[1] + 1)
        look = plot.style(kind) | {"markevery": 4}
        plot.band(ax, rank, sorted_by, label="subsets", **look)
        fit = np.polyfit(rank, np.log(np.median(sorted_by, axis=0)), 1)
        plot.law(ax, rank, np.exp(np.polyval(fit, rank)), label="fit of logarithms")
        levels = (("pooled", "regression on all", "-."), ("constant", "a constant", ":"))
        for name, label, dashes in levels:
            level = np.median(arrays[name][:, kind])
            ax.axhline(level, color="0.2", linestyle=dashes, label=label)
        ax.set(xlabel="rank by estimated worst-case risk", title=KINDS[kind])
        ax.set_ylabel("largest test error / Var(Y)")
        ax.legend(loc="upper left", ncols=1 + kind)
    axes[0].set_yscale("log")
    axes[1].set_ylim(0, 1.3 * float(arrays["worst"][:, 1].max()))
    return fig


def classes(arrays, cfg):
    """Subsets and classes by number of variables."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9.5, 3.9),
        caption="Random graphs of mean degree 2, Y any node: classes of subsets beside all subsets"
        " (left), and their share (right); geometric means, bands: seeds. Cross: the simulation.",
    )  # fmt: skip
    d = arrays["sizes"]
    share = measure.left(arrays)
    look = plot.style(0) | {"markevery": 1}
    plot.band(left, d, share * 2.0**d, label="classes", **look)
    plot.law(left, d, 2.0**d, label="subsets, 2^d")
    left.plot(d, 2.0 ** (d / 2), label="2^(d/2)", **PLAIN)
    mark = {"marker": "x", "linestyle": "", "color": "0.1", "markersize": 8, "zorder": 5}
    left.plot([8], [int(arrays["classes"])], label="simulation", **mark)
    left.set(yscale="log", ylabel="number")
    plot.band(right, d, share, label="classes over subsets", **look)
    right.plot([8], [int(arrays["classes"]) / 256], label="simulation", **mark)
    right.set(ylim=(0, None), ylabel="classes / subsets")
    for ax in (left, right):
        ax.set(xlabel="stable variables d", xticks=d)
        ax.legend()
    return fig


def adversary(arrays, cfg):
    """Error on the way of the ascent in J."""
    fig, axes = plot.figure(
        1, 2, size=(9.5, 3.9),
        caption="Error of three predictors under the adversary's intervention, best of its starts,"
        " by steps of ascent (bands: seeds). Dotted: exact worst-case risk of the whole set.",
    )  # fmt: skip
    for kind, ax in enumerate(axes):
        for i, name in enumerate(("no stable variable", "the whole set", "X2 alone")):
            look = plot.style(i) | {"markevery": 2}
            plot.band(ax, arrays["ascent"], arrays["path"][:, kind, i], label=name, **look)
        ax.axhline(float(arrays["simulated"]), label="exact", **PLAIN)
        ax.set(xscale="log", yscale="log", xlabel="steps of the adversary", title=KINDS[kind])
        ax.set_ylabel("error / Var(Y)")
        ax.legend(loc="upper left")
    return fig
