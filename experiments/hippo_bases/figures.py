"""Kernels, what states recall, the delay over windows and bands, and laws in N."""

import numpy as np

from common import plot

from . import measure

NAMES = {"legt": "LegT", "fout": "FouT", "legs": "LegS", "foud": "FouD"}
RECALLED = ("LegT", "FouT", "LegS")
BEHIND = {"linestyle": "-", "linewidth": 3.5, "color": "0.8"}  # a law under what follows it


def figures(arrays, cfg):
    """From any preset's arrays.  -> {name: Figure}"""
    names = [NAMES[name] for name in cfg.bases]
    return {
        "fig1_bases": kernels(arrays, names, cfg.states),
        "fig2_random": random_kernels(arrays, names, cfg.states),
        "fig3_recalled": recalled(arrays, cfg),
        "fig4_windows": windows(arrays, names),
        "fig5_bands": bands(arrays, names),
        "fig6_sizes": sizes(arrays, names),
    }


def kernels(arrays, names, states):
    """K_0 .. K_5 of every basis, the limits behind them."""
    fig, axes = plot.figure(
        2,
        2,
        caption=f"Basis kernels K_0 to K_5 of {states} states. Grey, behind: the limit of many"
        " states, of LegS and FouD exact. Shaded: the window.",
    )
    for ax, name, found, limit in zip(
        axes.flat, names, arrays["kernels"], arrays["kernel_limits"], strict=True
    ):
        for n, (k, p) in enumerate(zip(found, limit, strict=True)):
            look = plot.style(n) | {"marker": ""}
            plot.law(ax, arrays["lags"], p, label="limit" if n == 5 else "_limit", **BEHIND)
            ax.plot(arrays["lags"], k, label=f"K_{n}", **look)
        window(ax, name)
        ax.set(title=name, xlabel="lag t (windows, or time constants)", ylabel="K_n(t)")
    axes.flat[0].legend(ncols=2)
    return fig


def window(ax, name):
    if name in ("LegT", "FouT"):
        ax.axvspan(0, 1, color="0.93", zorder=0)


def random_kernels(arrays, names, states):
    """C K(t) for one random C."""
    fig, axes = plot.figure(
        2,
        2,
        caption=f"The kernel of a random C with entries of variance 1/N, N = {states}, and its"
        " standard deviation over C (dashed): flat up to the end of a window and zero beyond it"
        " (above; the highest frequencies of FouT echo), or decaying (below).",
    )
    for i, (ax, name) in enumerate(zip(axes.flat, names, strict=True)):
        k, t = arrays["random_kernels"][i], arrays["lags"]
        ax.plot(t, k, label="C K(t)", **(plot.style(i) | {"marker": ""}))
        plot.law(ax, t, arrays["spread"][i], label="standard deviation", zorder=3)
        plot.law(ax, t, -arrays["spread"][i], label="_minus", zorder=3)
        window(ax, name)
        ax.set(title=name, xlabel="lag t (windows, or time constants)", ylabel="C K(t)")
        ax.set_ylim(-4, 5)
        ax.legend(loc="upper right")
    return fig


def recalled(arrays, cfg):
    """The input over the last window, and what the states at its end say of it."""
    fig, axes = plot.figure(
        3,
        1,
        size=(7.5, 6.5),
        caption=f"A signal of up to {cfg.bands[measure.HIGH] * cfg.states:g} cycles a window, and"
        f" what {cfg.states} states at its end recall of it.",
    )
    past = arrays["past"]
    lag = (np.arange(len(past)) + 0.5) / len(past)
    for i, (ax, name) in enumerate(zip(axes, RECALLED, strict=True)):
        plot.law(ax, lag, past, label="the past", **BEHIND)
        look = plot.style(i) | {"marker": ""}
        ax.plot(lag, arrays["recalled"][i], label=f"recalled by {name}", **look)
        reach = 1.3 * np.abs(past).max()
        ax.set(ylabel="input", ylim=(-reach, reach), title=name)
        ax.legend(loc="upper right", ncols=2)
    axes[-1].set(xlabel="lag t (windows, or time constants)")
    return fig


def windows(arrays, names):
    """RMSE of the delay against the window, for two bands."""
    fig, axes = plot.figure(
        1,
        2,
        caption="Held-out RMSE of a delay by the best linear output against the window (time"
        " constant of LegS, FouD) in lags; 1: the best constant. Shaded: windows of 1 to 1.25"
        " lags.",
    )
    for ax, band in zip(axes, (measure.LOW, measure.HIGH), strict=True):
        ax.axvspan(*measure.COVERED, color="0.93", zorder=0)
        for i, name in enumerate(names):
            rmse = arrays["rmse"][:, i, band]
            plot.band(ax, arrays["windows"], rmse, label=name, **plot.style(i))
        ax.set(title=f"signals of up to {arrays['bands'][band]:g} N cycles a lag")
        ax.set(xscale="log", yscale="log", xlabel="window / lag", ylabel="relative RMSE")
        ticks = [0.25, 0.5, 1, 2, 4]
        ax.set_xticks(ticks, [f"{x:g}" for x in ticks])
        ax.set_xticks([], minor=True)
    axes[0].legend()
    return fig


def bands(arrays, names):
    """RMSE of the delay against the band at each basis's best window."""
    fig, ax = plot.figure(
        size=(6.5, 4.2),
        caption="RMSE of a delay at the best window of each basis, against the band of the"
        " signals. Dashed: what C4 allows LegT, FouT, and asks of LegS, at a quarter.",
    )
    for i, name in enumerate(names):
        rmse = arrays["rmse"][:, i].min(axis=-1)
        plot.band(ax, arrays["bands"], rmse, label=name, **plot.style(i))
    for bound, word in ((0.02, "0.02"), (0.15, "0.15"), (0.5, "0.5")):
        plot.law(ax, arrays["bands"], np.full(len(arrays["bands"]), bound), label=f"_{word}")
    ax.set(yscale="log", xlabel="cycles a lag and state", ylabel="relative RMSE, best window")
    ax.legend()
    return fig


def sizes(arrays, names):
    """Distance of kernels from their limits and variance of outputs against N."""
    fig, (left, right) = plot.figure(
        1,
        2,
        caption="Left: distance of kernels from their limits in L2, root mean square over n ≤ 5."
        " Right: variance of an output with C ~ N(0, 1/N) under white noise; dashed: 1 and 1/2.",
    )
    lines = (measure.legt_limit, measure.fout_limit, measure.fout_sines)
    labels = (names[0], f"{names[1]}, constant and cosines", f"{names[1]}, sines")
    for i, (line, label) in enumerate(zip(lines, labels, strict=True)):
        n, distance = line(arrays)[0]
        left.plot(n, distance, label=label, **plot.style(i))
        power = -1.0 if line is measure.fout_sines else -0.5
        law = distance[-1] * (n / n[-1]) ** power
        plot.law(left, n, law, label={1: "N^-1/2", 2: "N^-1"}.get(i, "_law"))
    left.set(xscale="log", yscale="log", xlabel="states N", ylabel="distance in L2")
    left.set_xticks(arrays["sizes"], [str(n) for n in arrays["sizes"]])
    left.set_xticks([], minor=True)
    left.legend()
    for i, name in enumerate(names):
        variance = arrays["variance"][:, i]
        plot.band(right, arrays["covariances"], variance, label=name, **plot.style(i))
    for level in (0.5, 1.0):
        count = np.full(len(arrays["covariances"]), level)
        plot.law(right, arrays["covariances"], count, label=f"_{level}")
    right.set(xscale="log", ylim=(0, 1.4), xlabel="states N", ylabel="variance of the output")
    right.set_xticks(arrays["covariances"], [str(n) for n in arrays["covariances"]])
    right.set_xticks([], minor=True)
    right.legend(ncols=2)
    return fig
