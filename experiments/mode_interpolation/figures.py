"""Figures, drawn from the arrays of any preset."""

import numpy as np

from common import plot

from . import measure

CURVES = (0, 5, 20)  # levels of `curve`


def figures(arrays, cfg):
    """Name -> Figure, whichever the arrays allow."""
    parts = {
        "fig1_density": ("density", density),
        "fig2_denoisers": ("curve", denoisers),
        "fig3_training": ("far", training),
        "fig4_detector": ("auroc", detector),
    }
    return {name: draw(arrays, cfg) for name, (array, draw) in parts.items() if array in arrays}


def density(arrays, cfg):
    """Learned, exact, and the data."""
    caption = "Density of the samples: mass between the modes, on a logarithmic axis."
    fig, ax = plot.figure(size=(8.0, 4.0), caption=caption)
    x, floor = arrays["nodes"].astype(float), 1e-11
    seen = (x > min(cfg.modes) - 1) & (x < max(cfg.modes) + 1)
    plot.band(
        ax, x[seen], np.maximum(arrays["density"][:, seen], floor), label="learned, all seeds",
        **plot.style(0) | {"marker": ""},
    )  # fmt: skip
    exact = np.maximum(arrays["exact_density"], floor)[seen]
    ax.plot(x[seen], exact, label="exact denoiser, same chain", **plot.style(1) | {"marker": ""})
    each = np.exp(-((x[:, None] - np.array(cfg.modes)) ** 2) / (2 * cfg.std**2)).mean(1)
    data = each[seen] / (cfg.std * np.sqrt(2 * np.pi))
    plot.law(ax, x[seen], np.maximum(data, floor), label="data")
    for mode in cfg.modes:
        ends = mode - cfg.reach, mode + cfg.reach
        ax.axvspan(*ends, color="0.93", label="_within six sd", zorder=0)
    ax.set(yscale="log", ylim=(floor, 20), xlabel="x", ylabel="density")
    ax.legend(loc="upper center", ncols=3, bbox_to_anchor=(0.5, 1.14))
    return fig


def denoisers(arrays, cfg):
    """Curves at three levels, and slopes."""
    caption = "Predicted x_0 of network and mixture at three levels; their largest slopes."
    fig, axes = plot.figure(1, 4, size=(14.0, 3.4), caption=caption)
    x = arrays["curve_x"]
    for i, (ax, level) in enumerate(zip(axes[:3], CURVES, strict=True)):
        plot.law(ax, x, arrays["exact_curve"][i], label="exact", marker="")
        ax.plot(x, arrays["curve"][i], label="learned", **plot.style(0) | {"marker": ""})
        ax.set(xlabel="x", ylabel="predicted $x_0$", title=f"level {level}")
        ax.legend()
    noise = arrays["noise"]
    wide = np.argmax(np.diff(cfg.modes))
    for i, (gap, name) in enumerate(((0, "first gap"), (wide, "widest gap"))):
        style = plot.style(i) | {"markevery": 1}
        plot.band(axes[3], noise, arrays["slope"][:, :, gap], label=f"learned, {name}", **style)
        dashes = (0, (6, 3)) if i else (0, (2, 2))
        exact = arrays["exact_slope"][:, gap]
        plot.law(axes[3], noise, exact, label=f"exact, {name}", linestyle=dashes)
    axes[3].set(yscale="log", xlabel="noise √(1 − ᾱ)", ylabel="largest slope of predicted $x_0$")
    axes[3].legend(fontsize=7, loc="center left", bbox_to_anchor=(0.0, 0.42))
    return fig


def training(arrays, cfg):
    """Mass and width along the training."""
    caption = "Mass farther than six sd from every mode, and the width of modes, in training."
    fig, (left, right) = plot.figure(1, 2, size=(9.6, 3.6), caption=caption)
    look, style = arrays["look"], plot.style(0) | {"markevery": 1}
    plot.band(left, look, arrays["far"], label="all gaps and outside", **style)
    for i, (low, high) in enumerate(zip(cfg.modes[:-1], cfg.modes[1:], strict=True)):
        other = plot.style(i + 1) | {"markevery": 1}
        middle = np.median(arrays["gaps"][:, :, i], axis=0)
        left.plot(look, middle, label=f"({low:g}, {high:g})", **other)
    plot.law(left, look, np.full(len(look), arrays["exact_far"]), label="exact denoiser")
    plot.band(right, look, arrays["widths"].mean(-1), label="learned", **style)
    plot.law(right, look, np.full(len(look), arrays["exact_widths"].mean()), label="exact denoiser")
    right.axhline(cfg.std, **plot.LAW | {"linestyle": (0, (1, 2)), "label": "data"})
    left.set(xscale="log", yscale="log", xlabel="updates", ylabel="mass")
    right.set(xscale="log", yscale="log", xlabel="updates", ylabel="standard deviation in modes")
    for ax in (left, right):
        ax.legend()
    return fig


def detector(arrays, cfg):
    """Ways of the predicted x_0, and what the filter removes."""
    caption = "Predicted x_0 over the last levels of samples in and between modes; the filter."
    fig, axes = plot.figure(1, 3, size=(12.0, 3.6), caption=caption)
    out, inside = arrays["traces"]
    for ax, ways, name in ((axes[0], inside, "within a mode"), (axes[1], out, "farthest from all")):
        for i, way in enumerate(ways.T):
            ax.plot(way, label=f"sample {i + 1}", **plot.style(i) | {"marker": ""})
        ax.axvspan(*cfg.window, color="0.93", label="_window", zorder=0)
        ax.set(title=name, xlabel="level", ylabel="predicted $x_0$", yticks=cfg.modes)
        ax.set(xlim=(len(ways), 0), ylim=(min(cfg.modes) - 0.5, max(cfg.modes) + 0.5))
    kept = arrays["share_kept"]
    plot.band(axes[2], kept, arrays["removed"], label="variance filter", **plot.style(0))
    plot.law(axes[2], kept, 1 - kept, label="at random")
    axes[2].plot([measure.RETAINED], [0.95], label="abstract", **plot.style(1) | {"linestyle": ""})
    axes[2].set(xlabel="samples within modes kept", ylabel="hallucinations removed")
    axes[2].legend()
    return fig
