"""Overlaps by dilution, the diagram, learning, and what the spins of one network follow."""

import numpy as np

from common import plot

from . import measure

LEVELS = ("m₁", "m₂", "m₃")


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_overlaps": overlaps(arrays, cfg),
        "fig2_phases": phases(arrays, cfg),
        "fig3_learning": learning(arrays, cfg),
        "fig4_spins": spins(arrays, cfg),
    }


def overlaps(arrays, cfg):
    """Networks, equations and closed forms, and least over largest overlap."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 3.9),
        caption="Overlaps with three diluted patterns at T = 0: a hierarchy up to d = 0.618, beyond"
        " it signals that become equal. Points: networks, range of seeds.",
    )  # fmt: skip
    d = np.linspace(0.05, 0.99, 200)
    end = 0.5 * (np.sqrt(5) - 1)
    laws = np.where((d < end)[:, None], (1 - d[:, None]) * d[:, None] ** np.arange(3), 0)
    laws = np.where((d < end)[:, None], laws, measure.parallel_law(d))
    for k, name in enumerate(LEVELS):
        look = plot.style(k) | {"linestyle": "", "markevery": None}
        plot.band(left, arrays["d"], arrays["overlap"][..., k], label=name, **look)
        plot.law(left, d, laws[:, k], label="law" if k == 0 else f"_law {k}")
    m = arrays["overlap"][:, measure.FIRST :]
    beyond = arrays["d"][measure.FIRST :]
    look = plot.style(3) | {"markevery": 1}
    plot.band(right, beyond, m.min(-1) / m.max(-1), label="networks", **look)
    late = d[d > end]
    law = measure.parallel_law(late)
    plot.law(right, late, law[:, 2] / law[:, 0], label="closed form")
    left.axvline(end, color="0.4", linestyle=":", label="end")
    left.set(xlabel="dilution d", ylabel="overlap")
    right.set(xlabel="dilution d", ylabel="least over largest overlap", ylim=(0, 1))
    for ax in (left, right):
        ax.legend(fontsize=8)
    return fig


def phases(arrays, cfg):
    """How far overlaps are from the hierarchy, and how many levels are lit, in (d, T)."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 4),
        caption="Mean-field equations of three patterns from the hierarchical start. Left: largest"
        " difference from the law; right: levels that are lit. Lines: ends of both.",
    )  # fmt: skip
    d, t, m = arrays["phase_d"], arrays["phase_t"], arrays["phase"]
    law = (1 - d[:, None]) * d[:, None] ** np.arange(3)
    off = np.log10(np.maximum(abs(m - law[:, None]).max(-1), 1e-5))
    shown = left.pcolormesh(d, t, off.T, cmap="viridis", shading="nearest")
    fig.colorbar(shown, ax=left, label="log₁₀ difference from the law")
    left.axvline(0.5 * (np.sqrt(5) - 1), color="w", linestyle=":", label="1 − 2d + d³ = 0")
    lit = (abs(m) > 1e-3).sum(-1)
    shown = right.pcolormesh(d, t, lit.T, cmap="cividis", vmin=0, vmax=3, shading="nearest")
    fig.colorbar(shown, ax=right, label="levels", ticks=range(4))
    for k in range(3):
        right.plot(d, law[:, k], color="w", linestyle=("-", "--", ":")[k], label=f"(1−d)d^{k}")
    for ax in (left, right):
        ax.set(xlabel="dilution d", ylabel="temperature T", ylim=(t[0], t[-1]))
        ax.grid(visible=False)
        ax.legend(fontsize=7, facecolor="0.4", labelcolor="w")
    return fig


def learning(arrays, cfg):
    """Overlaps by examples with and without labels, and the first one by rho."""
    sizes = arrays["learn_n"]
    fig, axes = plot.figure(
        1, len(sizes) + 1, size=(4.2 * (len(sizes) + 1), 3.8),
        caption="Overlaps learned from noisy examples with and without labels: equal at large N."
        " Right: qualities r collapse in rho. Bands: seeds.",
    )  # fmt: skip
    for i, (ax, n) in enumerate(zip(axes, sizes, strict=False)):
        for k, name in enumerate(LEVELS):
            for way, label in enumerate(("labels", "no labels")):
                look = plot.style(k) | {"linestyle": ("-", "--")[way], "markevery": 1}
                values = arrays["learned"][:, i, way, :, k]
                plot.band(ax, arrays["examples"], values, label=f"{name}, {label}", **look)
        d = float(arrays["learn_d"])
        for k in range(3):
            ax.axhline((1 - d) * d**k, color="0.4", linestyle=":", label=f"_stored {k}")
        ax.set(xlabel="examples M", ylabel="overlap", title=f"N = {n}")
    axes[0].legend(fontsize=6)
    last, rho = axes[-1], arrays["collapse_rho"]
    for i, r in enumerate(arrays["collapse_r"]):
        look = plot.style(i) | {"markevery": 1}
        plot.band(last, rho, arrays["collapse"][:, i, :, 0], label=f"r = {r:g}", **look)
    plot.law(last, rho, arrays["collapse_law"][:, 0], label="equations")
    last.set(xlabel="dataset entropy ρ", ylabel="m₁", title="with labels")
    last.legend(fontsize=8)
    return fig


def spins(arrays, cfg):
    """Which patterns the first spins of one network agree with."""
    fig, ax = plot.figure(
        size=(10, 2.2),
        caption="Spins of one network in the hierarchy: agreement with each of three patterns,"
        " blank entries white. Where the first is blank the second is followed, then the third.",
    )  # fmt: skip
    raster = arrays["raster"]
    order = np.lexsort((raster[:, 2], raster[:, 1], raster[:, 0]))[::-1]
    ax.imshow(raster[order].T, cmap="RdBu", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    ax.set(xlabel="spin, sorted", ylabel="pattern")
    ax.set_yticks(range(3), ["1", "2", "3"])
    ax.grid(visible=False)
    return fig
