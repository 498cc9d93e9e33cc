"""Traces, errors in Lyapunov times, horizons against data and exponents, ranks, the systems."""

import numpy as np

from common import plot

from . import measure

LABELS = ("AR", "nVAR", "ESN", "N-BEATS", "GRU")
METRICS = ("sMAPE", "NRMSE", "MASE", "VPT")


def figures(arrays, cfg):
    """Name -> Figure, whichever the methods of the run allow."""
    made = {"fig6_exponents": systems(arrays, cfg)}
    if "metrics" in arrays:
        made |= {
            "fig1_traces": traces(arrays, cfg),
            "fig2_errors": errors(arrays),
            "fig3_data": data(arrays),
            "fig4_lyapunov": scatter(arrays),
            "fig5_ranks": ranks(arrays),
        }
    return made


def methods(arrays):
    """(position, label, style) of every method that ran; the style is the method's own."""
    return [(i, LABELS[m], plot.style(int(m))) for i, m in enumerate(arrays["model"])]


def horizons(arrays):
    """Median VPT over systems.  -> [seed, model, length]"""
    return np.median(arrays["metrics"][..., measure.VPT], axis=1)


def traces(arrays, cfg):
    """The first system, by the best, the middle and the worst method with the most data."""
    order = np.argsort(horizons(arrays)[:, :, -1].mean(0))[::-1]
    chosen = dict.fromkeys(order[[0, len(order) // 2, -1]])
    name = cfg.systems[0]
    caption = f"First forecast of the first seed, x of {name}, L = {arrays['length'][-1]}."
    fig, axes = plot.figure(len(chosen), 1, size=(8.5, 1.9 * len(chosen) + 0.5), caption=caption)
    truth = arrays["truth"]
    time = (1 + np.arange(len(truth))) / arrays["tau"][0]
    shown = time <= 12
    for ax, i in zip(np.atleast_1d(axes), chosen, strict=True):
        label = LABELS[arrays["model"][i]]
        ax.plot(time[shown], truth[shown], color="0.45", label="truth", marker="", linestyle="-")
        style = plot.style(1) | {"marker": ""}
        ax.plot(time[shown], arrays["trace"][i][shown].clip(-4, 4), label=label, **style)
        ax.set(ylabel="x (standard\ndeviations)", ylim=(-3.2, 3.2))
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    np.atleast_1d(axes)[-1].set_xlabel("time (Lyapunov times)")
    return fig


def errors(arrays):
    """sMAPE of the running forecast, least and most data."""
    caption = "sMAPE against time: median and quartiles over systems (means over seeds and starts)."
    fig, axes = plot.figure(1, 2, size=(10.5, 3.8), caption=caption)
    for ax, which in zip(axes, (0, -1), strict=True):
        for i, label, style in methods(arrays):
            curves = arrays["smape"][:, :, i, which].mean(0)
            low, middle, high = np.quantile(curves, (0.25, 0.5, 0.75), axis=0)
            ax.plot(arrays["time"], middle, label=label, **style)
            spread = ax.fill_between(arrays["time"], low, high, color=style["color"])
            spread.set(alpha=0.12, linewidth=0, label=f"_{label}, quartiles of systems")
        plot.law(
            ax, arrays["time"], np.full(len(arrays["time"]), 30.0), label="30 (paper, recalled)"
        )
        ax.set(title=f"L = {arrays['length'][which]}", ylim=(0, None))
        ax.set(xlabel="time (Lyapunov times)", ylabel="sMAPE (%, 0 to 200)")
    axes[1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return fig


def data(arrays):
    """Horizon against the amount of data."""
    caption = "Valid prediction time, median over systems; bands are the range of seeds."
    fig, ax = plot.figure(size=(7.2, 4.0), caption=caption)
    for i, label, style in methods(arrays):
        curve = horizons(arrays)[:, i]
        plot.band(ax, arrays["length"], curve, label=label, **style | {"markevery": 1})
    ends = arrays["length"][[0, -1]]
    plot.law(ax, ends, np.full(2, 24.0), label="paper, best at full scale", marker="_")
    plot.law(ax, ends, np.full(2, 3.0), label="bound of c1", linestyle=(0, (1, 2)))
    ax.set(xscale="log", yscale="log", xlabel="training samples L")
    ax.set_ylabel("valid prediction time (Lyapunov times)")
    ax.set_xticks(arrays["length"], [str(n) for n in arrays["length"]])
    ax.set_xticks([], minor=True)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return fig


def scatter(arrays):
    """Horizon against the exponent, most data."""
    caption = "Every point is a system (mean over seeds); r is the rank correlation."
    fig, ax = plot.figure(size=(7.4, 4.0), caption=caption)
    rate = arrays["exponents"][:, :, 0].mean(0)
    for i, label, style in methods(arrays):
        vpt = arrays["metrics"][:, :, i, -1, measure.VPT].mean(0)
        label += f", r = {measure.spearman(vpt, rate):+.2f}" if len(rate) > 2 else ""
        ax.plot(
            rate, np.maximum(vpt, 0.01), label=label, **style | {"linestyle": "", "markevery": 1}
        )
    ax.set(xscale="log", yscale="log", xlabel="largest Lyapunov exponent (1 / system's time unit)")
    ax.set_ylabel("valid prediction time (Lyapunov times)")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), title=f"L = {arrays['length'][-1]}")
    return fig


def ranks(arrays):
    """Rank of every method by every metric and amount of data."""
    caption = "Rank of the methods (1 is best), by medians over systems, mean over seeds."
    value = measure.ranking(arrays)
    better = (value[:, None] > value[:, :, None]).sum(2).mean(0) + 1.0  # [model, length, metric]
    table = better.reshape(len(better), -1)
    fig, ax = plot.figure(
        size=(1.6 + 0.55 * table.shape[1], 1.4 + 0.4 * len(table)), caption=caption
    )
    image = ax.imshow(table, aspect="auto", vmin=1, vmax=max(len(table), 2))
    image.set_label("rank")
    for (i, j), rank in np.ndenumerate(table):
        colour = "white" if rank < 0.55 * (1 + len(table)) else "black"
        ax.text(j, i, f"{rank:.1f}", ha="center", va="center", fontsize=7, color=colour)
    names = [f"{m}, {n}" for n in arrays["length"] for m in METRICS]
    ax.set_xticks(np.arange(table.shape[1]), names, rotation=60, ha="right")
    ax.set_yticks(np.arange(len(table)), [label for _, label, _ in methods(arrays)])
    ax.set(xlabel="metric, training samples L", ylabel="method")
    return fig


def systems(arrays, cfg):
    """Our exponents over those of the database; growth of nVAR's error on Lorenz where it ran."""
    caption = "Largest exponent over the database's: mean and range of seeds; 15 % are shaded."
    grows = 0 in arrays["system"] and measure.MODELS.index("nvar") in arrays.get("model", ())
    width = 2.4 + 0.45 * len(cfg.systems)
    if not grows:
        fig, ax = plot.figure(size=(width, 4.0), caption=caption)
    else:
        caption += " nVAR's error on Lorenz, most data: geometric mean over starts, range of seeds."
        fig, (ax, other) = plot.figure(1, 2, size=(width + 6.0, 4.0), caption=caption)
        growth(other, arrays)
    ratio = arrays["exponents"][:, :, 0] / arrays["rate"]
    at, middle = np.arange(ratio.shape[1]), ratio.mean(0)
    ends = np.abs([ratio.min(0) - middle, ratio.max(0) - middle])
    ax.errorbar(at, middle, ends, fmt="o", capsize=3, markevery=1, label="ours")
    edges, one = np.array([-0.5, len(at) - 0.5]), np.ones(2)
    plot.law(ax, edges, one, label="database")
    near = (1 - measure.NEAR) * one, (1 + measure.NEAR) * one
    ax.fill_between(edges, *near, color="0.6", alpha=0.2, linewidth=0, label="within 15 %")
    ax.set_xticks(at, [n.replace("_", " ") for n in cfg.systems], rotation=50, ha="right")
    ax.set(xlabel="system", ylabel="largest exponent / database's", ylim=(0, 1.4))
    ax.legend(loc="lower right")
    return fig


def growth(ax, arrays):
    """Mean log error of nVAR on Lorenz, most data, beside the exponent's growth."""
    error = measure.of_system(arrays, "log_error")[:, measure.place(arrays, "nvar")]
    plot.band(ax, arrays["time"], np.exp(error), label="nVAR", **plot.style(1))
    time = arrays["time"][arrays["time"] <= 8]
    first = np.searchsorted(time, measure.ALIGNED)
    plot.law(ax, time, np.exp(np.median(error[:, first]) + time - time[first]), label="exp(λ t)")
    ax.axhline(measure.SATURATED, color="0.45", linewidth=1, label="end of the fit")
    ax.set(yscale="log", xlabel="time (Lyapunov times)", ylabel="error (standard deviations)")
    ax.set_ylim(None, 5)
    ax.legend(loc="lower right")
