"""Five pictures: kernels and their fast part, spectra, errors against N, the probe."""

import numpy as np

from common import plot

from . import measure

NAMES = {
    "legs": "LegS", "inv": "Inv", "lin": "Lin", "real": "Real", "quad": "quadratic",
    "inverse2": "Inv, n + 1", "slow": "Lin, Im × 0.01", "fast": "Lin, Im × 100",
    "random": "random Im",
}  # fmt: skip
KINDS = ("legs", "inv", "lin", "real", "quad", "inverse2")  # of `spectra`
FIXED = (1, 5, 20)  # frequencies of `fixed`


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_kernels": kernels(arrays, cfg),
        "fig2_fast": fast(arrays, cfg),
        "fig3_spectra": spectra(arrays, cfg),
        "fig4_errors": errors(arrays, cfg),
        "fig5_probe": probe(arrays, cfg),
    }


def kernels(arrays, cfg):
    """Kernels of LegS, mean and range of those of S4D-LegS; a row a size."""
    fig, axes = plot.figure(
        len(cfg.drawn), 4, size=(12, 2.3 * len(cfg.drawn)),
        caption="Kernels of LegS and of S4D-LegS: means over short times tend to LegS, the range of"
        " a fast oscillation (band) does not shrink.",
    )  # fmt: skip
    time = arrays["time"]
    for row, n, envelope in zip(axes, cfg.drawn, arrays["envelope"], strict=True):
        for i, ax in enumerate(row):
            low, mean, high = envelope[:, i]
            look = plot.style(0) | {"marker": ""}
            ax.fill_between(time, low, high, color=look["color"], alpha=0.3, linewidth=0)
            ax.plot(time, mean, label=f"S4D-LegS, N = {n}", **look)
            plot.law(ax, time, arrays["exact"][i], label="LegS", color="k", zorder=3)
            ax.set(title=f"K{'₀₁₂₃'[i]}, N = {n}", xlabel="t (units of time)")
        row[0].set_ylabel("kernel")
    axes[0, 0].legend()
    return fig


def fast(arrays, cfg):
    """K_0 near t = 1 in units of the fastest period."""
    fig, ax = plot.figure(
        size=(7.0, 3.8),
        caption="K₀ of S4D-LegS just after t = 1, time in periods 2π²/N²: an oscillation of one"
        " size at every N. Grids of a fixed step do not see it.",
    )
    for i, n in enumerate(cfg.drawn):
        legs, own = arrays["fast"][i]
        ax.plot(arrays["periods"], own - legs, label=f"N = {n}", **plot.style(i))
    plot.law(ax, arrays["periods"], 0 * legs, label="LegS")
    ax.set(xlabel="(t − 1) N² / 2π²", ylabel="K₀ of S4D-LegS less e⁻ᵗ")
    ax.legend()
    return fig


def spectra(arrays, cfg):
    """Initial eigenvalues: in the plane, by rank, and the largest against N."""
    fig, (plane, rank, top) = plot.figure(
        1, 3, size=(13, 3.8), caption=f"Initial eigenvalues, N = {cfg.shown}: S4D-Inv is the law of"
        " the large frequencies of LegS (N²/π and a third of it), not of the small ones.",
    )  # fmt: skip
    for i, (kind, (re, im)) in enumerate(zip(KINDS, arrays["spectra"], strict=True)):
        plane.scatter(re, im, s=14, label=NAMES[kind], **plot.style(i, line=False))
        if kind != "real":
            rank.plot(1 + np.arange(len(im)), np.sort(im)[::-1], label=NAMES[kind], **plot.style(i))
    plane.set(xscale="symlog", yscale="symlog", xlabel="Re λ", ylabel="Im λ (one of each pair)")
    rank.set(xscale="log", yscale="log", xlabel="rank, from the largest", ylabel="Im λ")
    rank.set_ylim(bottom=0.1)  # Lin begins at 0
    n = arrays["size"]
    for i, label in enumerate(("largest", "second")):
        look = plot.style(i) | {"markevery": 1}
        top.plot(n, arrays["largest"][:, i] / n**2 * np.pi, label=f"LegS, {label}", **look)
        look = plot.style(i + 2) | {"markevery": 1}
        top.plot(n, arrays["lawful"][:, i] / n**2 * np.pi, label=f"Inv, {label}", **look)
        plot.law(top, n, np.full(len(n), 1 / (2 * i + 1)), label=("1", "1/3")[i])
    top.set(xscale="log", xlabel="states N", ylabel="Im λ / (N²/π)", ylim=(0, 1.1))
    ticks(top, n)
    for ax in (plane, rank, top):
        ax.legend(fontsize=7)
    return fig


def errors(arrays, cfg):
    """Errors at fixed frequencies against N: B/2 and B; drawn frequencies."""
    fig, (half, whole, drawn) = plot.figure(
        1, 3, size=(13, 3.8), caption="|K̂ₙ(iω) of S4D-LegS less that of LegS|: with B/2 it falls as"
        " 1/N (lines: n = 0, 3; laws: the identity), with all of B it does not fall.",
    )  # fmt: skip
    n = arrays["size"]
    for j, (ax, name) in enumerate(((half, "B/2"), (whole, "B"))):
        for k, w in enumerate(FIXED):
            for component in (0, 3):
                look = plot.style(2 * k + component // 3) | {"markevery": 1}
                value = arrays["fixed"][:, j, k, component]
                ax.plot(n, value, label=f"ω = {w}, n = {component}", **look)
        ax.set(title=name, ylabel="|ΔK̂ₙ(iω)|", ylim=(arrays["fixed"].min() / 2, 10))
    for i, (size, relative) in enumerate(zip(n, arrays["relative"], strict=True)):
        drawn.scatter(
            arrays["omega"], relative, s=12, label=f"N = {size}", **plot.style(i, line=False)
        )
        omega = np.geomspace(*cfg.band, 30)
        law = "ω / √(N² + ω²)" if i == 0 else "_"
        plot.law(drawn, omega, measure.remainder(size, omega), label=law)
    drawn.set(
        title="B/2, all draws", xlabel="ω (rad per unit of time)", ylabel="|ΔK̂ₙ| / |K̂ₙ of S4D-LegS|"
    )
    for ax in (half, whole, drawn):
        ax.set(xscale="log", yscale="log")
        ax.legend(fontsize=7, ncols=2)
    for ax in (half, whole):
        ax.set_xlabel("states N")
        ticks(ax, n)
    ticks(drawn, np.geomspace(*cfg.band, 3))
    return fig


def ticks(ax, x):
    ax.set_xticks(x, [f"{value:g}" for value in x])
    ax.xaxis.minorticks_off()


def probe(arrays, cfg):
    """Residuals by initialisation and lag, all seeds."""
    fig, ax = plot.figure(
        size=(8.5, 4.0),
        caption=f"Least squares of a bump (standard deviation {cfg.width:g} steps) at a lag, by"
        f" {cfg.states} states at the best step size; bars: medians, points: seeds.",
    )
    residual = arrays["residual"][:, 2:]
    width = 0.8 / len(cfg.lags)
    for k, lag in enumerate(cfg.lags):
        at = np.arange(len(cfg.others)) + width * (k - (len(cfg.lags) - 1) / 2)
        look = plot.style(k, line=False)
        median = np.median(residual[..., k], axis=0)
        ax.bar(
            at, median, width, color=look["color"], label=f"lag {lag}", hatch=("", "//", "..")[k]
        )
        for seed in residual[..., k]:
            ax.scatter(at, seed, s=8, color="k", zorder=3)
    ax.set_xticks(np.arange(len(cfg.others)), [NAMES[kind] for kind in cfg.others], rotation=20)
    ax.set(yscale="log", ylabel="residual / size of the target", ylim=(1e-4, 2))
    ax.legend()
    return fig
