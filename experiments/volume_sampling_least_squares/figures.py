"""Points in the square; stability; quantiles of errors; points needed; errors; the law of k."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from common import plot

from . import measure

KINDS = "i.i.d.", "volume sampling", "repeated DPP"
NAMES = {"legendre": "uniform", "hermite": "Gaussian"}
LABELS = {"kink": "|t| + eᵗ", "runge": "1 / (1 + 25 t²)"}
RATIO = "‖u − û‖ / ‖u − Pu‖"


def figures(arrays, cfg):
    """From any preset's arrays.  -> {name: Figure}"""
    return {
        "fig1_samples": samples(arrays, cfg),
        "fig2_stability": stability(arrays, cfg),
        "fig3_quantiles": quantiles(arrays, cfg),
        "fig4_points": needed(arrays, cfg),
        "fig5_error": error(arrays, cfg),
        "fig6_interpolation": interpolation(arrays, cfg),
    }


def samples(arrays, cfg):
    """One sample of every kind."""
    m = cfg.picture[0] ** 2
    fig, axes = plot.figure(
        1, 3, size=(10.2, 4.0),
        caption=f"One sample of every kind in the square, n = {2 * m}, tensor Legendre polynomials,"
        f" m = {m}. Points of one DPP keep apart: the first m of volume sampling, each m of the"
        " repeated DPP.",
    )  # fmt: skip
    for ax, name, at in zip(axes, KINDS, arrays["picture"], strict=True):
        for i, part in ((0, at[:m]), (2, at[m:])):
            look = plot.style(i) | {"linestyle": "", "markevery": 1}
            ax.plot(*part.T, **look, label=f"points {'1 to m' if i == 0 else 'm + 1 to 2 m'}")
        ax.set(title=name, xlabel="x₁", xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect="equal")
    axes[0].set_ylabel("x₂")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return fig


def stability(arrays, cfg):
    """How the smallest eigenvalue of G is distributed."""
    smallest, q = arrays["smallest"], arrays["smallest_q"]
    m = cfg.sizes[len(cfg.sizes) // 2]
    kept = [np.where(x >= 1 - cfg.delta, x, np.nan) for x in smallest[measure.IID]]
    fig, ax = plot.figure(
        size=(8.2, 4.2),
        caption=f"Smallest eigenvalue of G over draws, m = {m}, {NAMES[cfg.measures[0]]} measure."
        " Markers: medians; shapes: all draws. Conditioned: the i.i.d. draws that are stable,"
        " where there are ten or more.",
    )  # fmt: skip
    place = np.arange(len(q))
    for i, (name, rows) in enumerate(
        zip((*KINDS, "i.i.d., conditioned"), (*smallest, kept), strict=True)
    ):
        rows = [row[np.isfinite(row)] for row in rows]
        shown = [j for j, row in enumerate(rows) if len(row) >= 10]
        at = place[shown] + 0.2 * (i - 1.5)
        look = plot.style(i) | {"linestyle": "", "markevery": 1}
        if not shown:
            continue
        parts = ax.violinplot([rows[j] for j in shown], at, widths=0.18, showextrema=False)
        for body in parts["bodies"]:
            body.set(facecolor=look["color"], alpha=0.35)
        ax.plot(at, [np.median(rows[j]) for j in shown], label=name, **look)
    plot.law(ax, place[[0, -1]] + [-0.4, 0.4], [1 - cfg.delta] * 2, label="1 − δ")
    ax.set_xticks(place, [str(k) for k in q])
    ax.set(xlabel="n / m", ylabel="λ_min(G)", ylim=(0, 1.05))
    ax.legend(loc="upper left")
    return fig


def quantiles(arrays, cfg):
    """Quantiles of the error against n, every kind, the largest m."""
    fig, axes = plot.figure(
        1, len(cfg.functions), size=(9.6, 4.2),
        caption=f"Median of the error over the best (thick, marked) and its 10 and 90 % quantiles"
        f" (band), median over seeds, m = {cfg.sizes[-1]}, {NAMES[cfg.measures[0]]} measure;"
        " thin lines: root of the mean square, which disasters make.",
    )  # fmt: skip
    q = arrays["q"]
    for f, (ax, name) in enumerate(zip(axes, cfg.functions, strict=True)):
        for kind in range(len(KINDS)):
            rows = np.sqrt(np.median(arrays["quantile"][:3, 0, -1, :, kind, :, f], axis=1))
            look = plot.style(kind)
            ax.plot(q, rows[1], label=KINDS[kind], **look)
            ax.fill_between(q, rows[0], rows[2], color=look["color"], alpha=0.15, linewidth=0)
            mean = np.sqrt(np.median(arrays["mean"][0, -1, :, kind, :, f], axis=0))
            thin = look | {"marker": "", "linewidth": 0.8}
            ax.plot(q, mean, label=f"{KINDS[kind]}, mean", **thin)
        ax.set(title=LABELS[name], xscale="log", yscale="log", xlabel="n / m", ylim=(0.95, 100))
        few = [k for k in (1, 2, 4, 8, 16) if k <= q[-1]]
        ax.set_xticks(few, [str(k) for k in few])
        ax.set_xticks([], minor=True)
        ax.legend()
    axes[0].set_ylabel(RATIO)
    return fig


def needed(arrays, cfg):
    """n at which 90 % of draws are stable, against m."""
    fig, axes = plot.figure(
        1, len(cfg.measures), size=(9.6, 4.0),
        caption=f"n / m at which {measure.SHARE:.0%} of draws have λ_min(G) ≥ {1 - cfg.delta:g},"
        f" median and range over seeds, searched up to {cfg.blocks}; dashed: n ∝ m log m, met by"
        " i.i.d. points at the first m.",
    )  # fmt: skip
    n, m = measure.needed(arrays), arrays["sizes"]
    for ax, name, each in zip(axes, cfg.measures, n, strict=True):
        for kind in range(len(KINDS)):
            plot.band(ax, m, each[:, :, kind].T, label=KINDS[kind], **plot.style(kind))
        first = np.median(each[0, :, measure.IID])
        plot.law(ax, m, first * np.log(m) / np.log(m[0]), label="∝ log m")
        ax.set(title=f"{NAMES[name]} measure", xscale="log", xlabel="m", ylim=(0, 1.1 * cfg.blocks))
        ax.set_xticks(m, [str(k) for k in m])
        ax.set_xticks([], minor=True)
        ax.legend()
    axes[0].set_ylabel("n / m for 90 % stable draws")
    return fig


def error(arrays, cfg):
    """Errors against m at n = 2 m."""
    fig, axes = plot.figure(
        len(cfg.measures), len(cfg.functions), size=(9.6, 6.4),
        caption="Error at n = 2 m against m: 95 % quantile, median and range over seeds;"
        " dashed: the best error.",
    )  # fmt: skip
    m = arrays["sizes"]
    upper = np.sqrt(arrays["quantile"][measure.UPPER][:, :, :, :, measure.TWICE])
    for i, j in np.ndindex(axes.shape):
        ax, best = axes[i, j], arrays["best"][i, :, j]
        for kind in range(len(KINDS)):
            values = upper[i, :, :, kind, j].T * best
            plot.band(ax, m, values, label=KINDS[kind], **plot.style(kind))
        plot.law(ax, m, best, label="best")
        title = f"{LABELS[cfg.functions[j]]}, {NAMES[cfg.measures[i]]} measure"
        ax.set(title=title, xscale="log", yscale="log", xlabel="m", ylabel="‖u − û‖, 95 %")
        ax.set_xticks(m, [str(k) for k in m])
        ax.set_xticks([], minor=True)
    axes[0, 0].legend()
    return fig


def interpolation(arrays, cfg):
    """Mean squared error of least interpolation at the first k points of a DPP."""
    fig, ax = plot.figure(
        size=(6.4, 4.2),
        caption="Mean of 1 + |c_k|² of least interpolation at the first k points of a DPP, m ="
        f" {cfg.sizes[-1]}, median and range over seeds; dashed: (m + 1) / (m + 1 − k), m + 1 at"
        " the last. From k = m − 1 on the mean converges slowly.",
    )  # fmt: skip
    m = cfg.sizes[-1]
    k = np.arange(1, m + 1)
    law = (m + 1) / (m + 1 - k)
    for i, j in np.ndindex(len(cfg.measures), len(cfg.functions)):
        label = f"{LABELS[cfg.functions[j]]}, {NAMES[cfg.measures[i]]}"
        values = arrays["energy"][i, -1, :, :, j] * law
        plot.band(ax, k, values, label=label, **plot.style(2 * i + j))
    plot.law(ax, k, law, label="(m + 1) / (m + 1 − k)")
    ax.set(yscale="log", xlabel="points k", ylabel="E (1 + |c_k|²)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend()
    return fig
