"""Errors by confounding, augmentation and alpha; all methods; where errors lie; sample sizes."""

import numpy as np

from common import plot

from . import measure

NAMES = measure.NAMES
METRIC = "‖h − f‖² / (‖h − f‖² + ‖f‖²)"
BAR = {"marker": "", "linestyle": "-"}
RAW = "‖h − f‖² / ‖f‖²"


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_kappa": by_kappa(arrays, cfg),
        "fig2_gamma": by_gamma(arrays, cfg),
        "fig3_alpha": by_alpha(arrays, cfg),
        "fig4_methods": methods(arrays, cfg),
        "fig5_directions": directions(arrays, cfg),
        "fig6_samples": samples(arrays, cfg),
    }


def both(arrays, name, caption):
    """The metric and the raw error of four methods along a sweep."""
    fig, axes = plot.figure(1, 2, size=(9.5, 3.8), caption=caption)
    for ax, kind, label in zip(axes, ("error", "gap"), (METRIC, RAW), strict=True):
        for i, method in enumerate(NAMES[: measure.CV]):
            values = np.maximum(arrays[f"{name}_{kind}"][:, i], 1e-9)
            plot.band(ax, arrays[name], values, label=method, **plot.style(i) | {"markevery": 1})
        ax.set(yscale="log", ylabel=label)
        ax.legend(fontsize=7)
    return fig, axes


def by_kappa(arrays, cfg):
    """Errors by strength of confounding."""
    fig, axes = both(
        arrays, "kappa",
        "Mean error over the models of a seed by strength of confounding (bands: seeds); IVL at"
        " α = 0.01. Without confounding only DA+IV, which lacks a dimension, is wrong.",
    )  # fmt: skip
    for ax in axes:
        ax.set_xlabel("strength of confounding κ")
    axes[0].axhline(0.5, color="0.4", linestyle=":", label="_h = 0")
    return fig


def by_gamma(arrays, cfg):
    """Errors by strength of the augmentation."""
    fig, axes = both(
        arrays, "gamma",
        "The same by strength of the augmentation. In the population IVL is DA+ERM at a γ ten times"
        " as large; where it is small G is a weak instrument. Dotted: h = 0.",
    )  # fmt: skip
    for ax in axes:
        ax.set(xlabel="strength of the augmentation γ", xscale="log")
    axes[0].axhline(0.5, color="0.4", linestyle=":", label="_h = 0")
    return fig


def by_alpha(arrays, cfg):
    """Error of IVL by alpha, its population, what was selected."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10.5, 3.8),
        caption="Mean error of IVL by α: a sample has a best α near (d − 1)/n (dotted), the"
        " population has not. Right: α selected in every model by the largest α offered; validation"
        " takes the largest (dashed).",
    )  # fmt: skip
    alpha = arrays["alpha"]
    plot.band(left, alpha, arrays["alpha_error"], label="IVL", **plot.style(3) | {"markevery": 2})
    plot.law(left, alpha, np.median(arrays["alpha_limit"], 0), label="IVL, population")
    for i in (measure.ERM, measure.DA, measure.IV):
        level = np.full(len(alpha), np.median(measure.mean(arrays, i)))
        left.plot(alpha, level, label=NAMES[i], **plot.style(i) | {"marker": ""})
    left.axvline((cfg.d - 1) / cfg.n, color="0.4", linestyle=":", label="_(d − 1)/n")
    left.set(xscale="log", yscale="log", xlabel="α", ylabel=METRIC)
    for i, name in ((0, "CV"), (2, "CV, wide range"), (1, "CC")):
        x, y = (arrays[k][..., i].ravel() for k in ("largest", "chosen"))
        right.plot(x, y, label=name, **plot.style(4 + i) | {"linestyle": "", "markevery": None})
    ends = np.array([cfg.low, cfg.wide])
    plot.law(right, ends, ends, label="the largest")
    right.set(xscale="log", yscale="log", xlabel="largest α offered", ylabel="α selected")
    for ax in (left, right):
        ax.legend(fontsize=7)
    return fig


def methods(arrays, cfg):
    """Box plots of all methods."""
    fig, axes = plot.figure(
        1, 2, size=(10.5, 4),
        caption="All models at κ = γ = 1: boxes are quartiles, whiskers 5 and 95 %. The metric"
        " bends large errors down: h = 0 has 1/2 (dotted; 1 when not normalised).",
    )  # fmt: skip
    gap = arrays["gap"].reshape(-1, len(NAMES))
    values = gap / (1 + gap), gap
    for ax, value, label, zero in zip(axes, values, (METRIC, RAW), (0.5, 1), strict=True):
        for i, name in enumerate(NAMES):
            low, q1, middle, q3, high = np.percentile(value[:, i], (5, 25, 50, 75, 95))
            bar = BAR | {"color": plot.style(i)["color"]}
            ax.plot([i, i], [low, high], label=f"_{name}, 5 and 95 %", **bar)
            thick = {"linewidth": 10, "alpha": 0.4, "solid_capstyle": "butt"}
            ax.plot([i, i], [q1, q3], label=f"_{name}, quartiles", **bar | thick)
            ax.plot([i], [middle], label=f"_{name}, median", **plot.style(i, line=False))
        ax.axhline(zero, color="0.4", linestyle=":", label="_h = 0")
        ax.set_xticks(range(len(NAMES)), NAMES, rotation=35, ha="right", fontsize=8)
        ax.set(yscale="log", ylabel=label)
    return fig


def directions(arrays, cfg):
    """Parts of the error along f and in its null space."""
    fig, ax = plot.figure(
        size=(6.6, 4.4),
        caption="The part of the error along f, which no augmentation can touch, and that in the"
        " null space of f: medians of all models, bars from 25 to 75 %. Crosses: population.",
    )
    gap, along = (arrays[k].reshape(-1, len(NAMES)) for k in ("gap", "along"))
    null = np.maximum(gap - along, 1e-12)
    for i, name in enumerate(NAMES[: measure.WIDE]):
        x, y = (np.percentile(v[:, i], (25, 50, 75)) for v in (along, null))
        look = plot.style(i, line=False)
        ax.plot([x[1]], [y[1]], label=name, linestyle="", **look)
        bar = BAR | {"color": look["color"]}
        ax.plot([x[0], x[2]], [y[1], y[1]], label=f"_{name}, along", **bar)
        ax.plot([x[1], x[1]], [y[0], y[2]], label=f"_{name}, null", **bar)
    limits = (arrays[k].reshape(-1, 2) for k in ("limit_along", "limit_gap"))
    x, all_of_it = limits
    y = np.median(all_of_it - x, 0)
    look = {"marker": "x", "linestyle": "", "color": "0.2", "markersize": 8, "zorder": 5}
    ax.plot(np.median(x, 0), y, label="DA+ERM, IVL: population", **look)
    ax.set(xscale="log", yscale="log", xlabel="part along f / ‖f‖²")
    ax.set_ylabel("part in the null space of f / ‖f‖²")
    ax.legend(fontsize=7)
    return fig


def samples(arrays, cfg):
    """Error of IVL less the population's, and spread over its law, by n."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9.5, 3.8),
        caption="IVL at α = 0.01 by size of the sample: error above the population's, and spread"
        " about h_α beside the first-order law (dashed); right, over it.",
    )  # fmt: skip
    n = arrays["size"]
    above = np.maximum(arrays["size_error"] - arrays["size_limit"][:, None], 1e-9)
    look = [plot.style(i) | {"markevery": 1} for i in range(3)]
    plot.band(left, n, above, label="error above the population's", **look[0])
    plot.band(left, n, arrays["size_gap"], label="‖h − h_α‖² / ‖f‖²", **look[1])
    plot.law(left, n, np.median(arrays["size_spread"]) / n, label="law, 1/n")
    left.set(yscale="log", ylabel="error")
    plot.band(right, n, arrays["size_ratio"], label="spread over the law", **look[1])
    right.axhline(1, color="0.4", linestyle="--", label="_1")
    right.set(ylabel="‖h − h_α‖² over its law")
    for ax in (left, right):
        ax.set(xscale="log", xlabel="rows n")
        ax.set_xticks(n, [str(x) for x in n])
        ax.xaxis.minorticks_off()
        ax.legend(fontsize=7)
    return fig
