"""Total sensitivities, distortion against the budget, rows that are enough, rows that keep rank."""

import numpy as np

from common import plot

from . import measure

SCHEMES = {
    "sensitivity": "sensitivities", "uniform": "uniform", "leverage": "leverage scores",
    "root": "leverage^(p/2), one round", "lewis": "Lewis weights",
}  # fmt: skip
FAMILIES = {
    "gaussian": "Gaussian rows", "identity": "copies of the identity",
    "polynomial": "polynomials on a grid", "sparse": "half dense, half sparse",
}  # fmt: skip
TOTAL = "total sensitivity S"


def figures(arrays, cfg):
    """From any preset's arrays.  -> {name: Figure}"""
    return {
        "fig1_total": total(arrays, cfg),
        "fig2_budget": budget(arrays, cfg),
        "fig3_rows": rows(arrays, cfg),
        "fig4_rank": rank(arrays, cfg),
    }


def ticked(ax, x):
    """Both axes logarithmic, the abscissa marked at x."""
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(x, [f"{k:g}" for k in x])
    ax.set_xticks([], minor=True)


def total(arrays, cfg):
    """Totals against d, a panel for every p."""
    p, d = arrays["exponents"], arrays["dims"]
    fig, axes = plot.figure(
        1, len(p), size=(3.1 * len(p), 3.8),
        caption=f"Total sensitivity against d, n = {cfg.rows} rows, and its range over seeds. Every"
        " total lies between d and d^(p/2); Gaussian rows have the least order for p < 2 and the"
        " largest for p > 2. Dashed: their limit for many rows.",
    )  # fmt: skip
    fine = np.geomspace(d.min(), d.max(), 30)
    for j, ax in enumerate(axes):
        for i, name in enumerate(cfg.families):
            plot.band(ax, d, arrays["total"][:, :, i, j].T, label=FAMILIES[name], **plot.style(i))
        plot.law(ax, fine, measure.gaussian_total(fine, p[j]), label="E|a|ᵖ / E|g|ᵖ")
        plot.law(ax, fine, fine ** (p[j] / 2), label="d^(p/2)", linestyle=":")
        ax.set_title(f"p = {p[j]:g}")
        ax.set_xlabel("columns d")
        ticked(ax, d)
    axes[0].set_ylabel(TOTAL)
    axes[0].legend(fontsize="small")
    return fig


def budget(arrays, cfg):
    """Median distortion against the budget: schemes at the first p, sensitivities at every p."""
    fig, axes = plot.figure(
        1, 2, size=(9.6, 4.0),
        caption=f"Median distortion over x against the budget m; {cfg.n} Gaussian rows of"
        f" {cfg.dim} columns beside {cfg.dim} coordinates that {cfg.copies} row each holds; range"
        " over seeds. Uniform sampling misses a coordinate (1) or counts a kept one many times.",
    )  # fmt: skip
    m, median = arrays["budgets"], np.median(arrays["distortion"], axis=1)
    for i, name in enumerate(cfg.schemes):
        plot.band(axes[0], m, median[:, i], label=SCHEMES[name], **plot.style(i))
    above = range(len(cfg.schemes), median.shape[1])
    for i, (case, p) in enumerate(zip([0, *above], arrays["ps"], strict=True)):
        plot.band(axes[1], m, median[:, case], label=f"p = {p:g}", **plot.style(i))
    for ax in axes:
        level = np.median(median[:, 0, 0])
        plot.law(ax, m, level * (m / m[0]) ** -0.5, label="m^(−1/2)")
        ticked(ax, m)
        ax.set_xlabel("budget m, expected rows before capping")
        ax.legend(fontsize="small")
    axes[0].set(title=f"p = {arrays['ps'][0]:g}", ylabel="distortion")
    axes[1].set_title(f"by {SCHEMES[cfg.schemes[0]]}")
    return fig


def rows(arrays, cfg):
    """Budgets at which the median distortion is 1/2, against d."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9.6, 4.2),
        caption="Rows at which the median distortion is 1/2, against d, and their range over seeds."
        f" Left: Gaussian rows, p < 2; guides of S^(2/p) and Sd. Right: p = {cfg.high:g}, Gaussian"
        " rows (S of order d^(p/2)) and copies of the identity (S = d).",
    )  # fmt: skip
    d = arrays["low_dims"]
    for i, p in enumerate(arrays["low"]):
        found = measure.rows_low(arrays, i)[:, 1]
        plot.band(left, d, found, label=f"p = {p:g}", **plot.style(i))
        begin, size = np.median(found[:, 0]), measure.gaussian_total(d, p)
        rate = size ** (2 / p), size * d
        for law, name, line in zip(rate, (f"S^(2/{p:g})", "Sd"), ("--", ":"), strict=True):
            look = {"linestyle": line, "color": plot.COLOURS[i], "alpha": 0.6}
            plot.law(left, d, begin * law / law[0], label=f"{name}, p = {p:g}", **look)
    d = arrays["high_dims"]
    each = ("high_distortion", "Gaussian rows"), ("copies_distortion", "copies of the identity")
    for i, (name, label) in enumerate(each):
        found = measure.each_needed(arrays[name], d, arrays["high_ratios"])
        plot.band(right, d, found, label=label, **plot.style(i + 2))
    kept = 2 / 3 * measure.gaussian_total(d, arrays["high"])
    plot.law(right, d, kept, label="2S/3, asked for by one Gaussian row", linestyle=":")
    for ax, x in ((left, arrays["low_dims"]), (right, d)):
        ticked(ax, x)
        ax.set_xlabel("columns d")
        ax.legend(fontsize="small")
    left.set_ylabel("rows m for distortion 1/2")
    right.set_title(f"p = {cfg.high:g}")
    left.set_title("p < 2")
    return fig


def rank(arrays, cfg):
    """Rows until the Gaussian block, and until both blocks, have their rank."""
    d, p = arrays["rank_dims"], arrays["rank_ps"]
    chosen = (0, len(p) // 2)
    fig, axes = plot.figure(
        1, 2, size=(9.6, 4.2),
        caption="Median rows until a Gaussian block beside an identity block of as many columns has"
        " d rows, and until both blocks have their rank. Dashed: (d − 1/3)(1 + d/S) for the"
        " Gaussian block's S; dotted: the paper's S^(2/p) for that of the whole.",
    )  # fmt: skip
    for ax, at in zip(axes, chosen, strict=True):
        for i, name in enumerate(cfg.weights):
            label = SCHEMES[name].removesuffix(" scores")
            plot.band(ax, d, arrays["first"][:, i, at], label=f"{label}: Gaussian block",
                      **plot.style(2 * i))  # fmt: skip
            plot.band(ax, d, arrays["whole"][:, i, at], label=f"{label}: both blocks",
                      **plot.style(2 * i + 1))  # fmt: skip
        block = arrays["block"][at]
        plot.law(ax, d, measure.rank_law(d, block), label="(d − 1/3)(1 + d/S)")
        plot.law(ax, d, (d + block) ** (2 / p[at]), label="S^(2/p)", linestyle=":")
        ticked(ax, d)
        ax.set(title=f"p = {p[at]:g}", xlabel="columns d of a block")
        ax.legend(fontsize="small")
    axes[0].set_ylabel("rows")
    return fig
