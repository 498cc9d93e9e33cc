"""Figures, drawn from the arrays of any preset."""

import numpy as np

from common import plot

from . import measure

OURS, PLAIN = plot.style(0), plot.style(1)
TARGETS = {
    "annealed, a = 0": measure.FIRST,
    "annealed, a = 1/2": measure.LAST,
    "guided": measure.GUIDED,
    "product": measure.PRODUCT,
    "reward": measure.REWARD,
}
PLANES = {
    "nine": ("fig4", "Nine modes of two widths, annealed: the wide ones should nearly vanish."),
    "classes": ("fig5", "Guidance to the class of the three modes on the left."),
    "forty": ("fig6", "Forty modes of two widths, annealed."),
}


def figures(arrays, cfg):
    """Densities on a line, ESS, error against K, and one figure a study in the plane."""
    made = {}
    if "mass" in arrays:
        made |= {"fig1": densities(arrays), "fig2": effective(arrays, cfg)}
    if "rmse" in arrays:
        made["fig3"] = errors(arrays, cfg)
    for name, (figure, caption) in PLANES.items():
        if f"{name}_x" in arrays:
            made[figure] = clouds(arrays, name, caption)
    return made


def densities(arrays):
    """Histograms beside the exact density, and the mass of x < 0."""
    fig, axes = plot.figure(
        2,
        3,
        size=(11.0, 6.4),
        caption="Targets on a line: corrected particles follow the exact density, the same SDE"
        " without weights does not.",
    )
    edges, flat = arrays["edges"], axes.ravel()
    x, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    bare = {"marker": "", "drawstyle": "steps-mid"}
    for ax, (title, i) in zip(flat, TARGETS.items(), strict=False):
        plot.law(ax, x, arrays["exact_histogram"][i] / width, label="exact")
        ax.plot(x, arrays["histogram"][i] / width, label="corrected", **OURS | bare)
        ax.plot(x, arrays["histogram_plain"][i] / width, label="plain", **PLAIN | bare)
        ax.set(title=title, xlabel="x", ylabel="density", xlim=(-4, 4))
    flat[0].legend()
    at, index = np.arange(len(TARGETS)), list(TARGETS.values())
    flat[-1].plot(at, arrays["exact_mass"][index], label="exact", **EXACT)
    for look, end, shift in ((OURS, "", -0.12), (PLAIN, "_plain", 0.12)):
        mean = arrays["mass" + end].mean(axis=2)[:, index]
        look = look | {"linestyle": "", "markevery": 1}
        for seed, row in enumerate(mean):
            name = ("plain" if end else "corrected") + ", a seed's mean"
            flat[-1].plot(at + shift, row, label=name if not seed else f"_{name} {seed}", **look)
    flat[-1].set_xticks(at, [name.replace(", ", ",\n") for name in TARGETS], fontsize=7)
    flat[-1].set(title="mass of x < 0", ylabel="mass", ylim=(0, 1.05))
    flat[-1].legend(loc="lower right")
    return fig


EXACT = {"color": "0.3", "marker": "_", "markersize": 22, "linestyle": "", "markevery": 1}


def effective(arrays, cfg):
    """ESS of weights that are never resampled, for every kind of noise."""
    caption = "Annealing without resampling: effective sample size against the noise that is left."
    fig, ax = plot.figure(caption=caption)
    for i, a in enumerate(arrays["noises"]):
        plot.band(ax, arrays["sigma"], arrays["ess"][:, i], label=f"a = {a:g}", **plot.style(i))
    ax.axhline(cfg.below, **plot.LAW | {"label": "resampling elsewhere"})
    ax.set(xscale="log", yscale="log", xlabel="σ (noise to the left, data to the right)")
    ax.set(ylabel="ESS / K", title=f"q^β, β = {cfg.beta:g}")
    ax.invert_xaxis()
    ax.legend()
    return fig


def errors(arrays, cfg):
    """Error of a mass against the number of particles."""
    fig, ax = plot.figure(
        caption="Error of the left mass: weights alone follow K^(-1/2); with resampling single runs"
        " may lose a mode, so their median is shown."
    )
    number = arrays["number"]
    plot.band(ax, number, arrays["rmse"], label="guided, weights alone: rmse", **OURS)
    plot.band(ax, number, arrays["rmse_plain"], label="guided, no weights: rmse", **PLAIN)
    law = np.median(arrays["rmse"][:, 0]) * (number / number[0]) ** -0.5
    plot.law(ax, number, law, label="K^(-1/2)")
    if "few_mass" in arrays and "mass" in arrays:
        mass = np.concatenate([arrays["few_mass"], arrays["mass"][:, :1]], axis=1)
        error = np.median(np.abs(mass - arrays["exact_mass"][0]), axis=2)
        at = np.append(arrays["few"], cfg.count)
        label = "annealed, resampled: median"
        plot.band(ax, at, error, label=label, **plot.style(2) | {"markevery": 1})
    ax.set(xscale="log", yscale="log", xlabel="particles K", ylabel="error of the mass of x < 0")
    ax.legend()
    return fig


def clouds(arrays, name, caption):
    """Particles of the first run beside the exact target, and the distances of all runs."""
    tv = {"corrected": arrays[f"{name}_tv"], "plain": arrays[f"{name}_tv_plain"]}
    fig, axes = plot.figure(1, 4, size=(13.0, 3.5), caption=caption)
    points = arrays[f"{name}_x"]
    limits = [(points[..., i].min() - 1, points[..., i].max() + 1) for i in range(2)]
    for i, (ax, title) in enumerate(zip(axes, ("corrected", "plain", "exact"), strict=False)):
        colour = "0.4" if title == "exact" else plot.style(i)["color"]
        ax.scatter(*points[i].T, s=4, color=colour, alpha=0.5, label=title)
        ax.set(title=title, xlabel="$x_1$", ylabel="$x_2$", xlim=limits[0], ylim=limits[1])
        ax.set_aspect("equal")
        ax.grid(False)
    for i, (label, value) in enumerate(tv.items()):
        seeds = np.broadcast_to(np.arange(len(value))[:, None], value.shape).ravel()
        look = plot.style(i) | {"linestyle": "", "markevery": 1, "alpha": 0.7}
        axes[3].plot(seeds + 0.2 * i - 0.1, value.ravel(), label=f"{label}, runs", **look)
    left = np.median(arrays[f"{name}_ancestors"])
    axes[3].set(
        title=f"mode masses ({left:.0f} ancestors left)",
        xlabel="seed",
        ylabel="total variation to exact",
    )
    axes[3].set_ylim(0, 1.4 * max(value.max() for value in tv.values()))
    axes[3].set_xticks(np.arange(len(tv["plain"])))
    axes[3].legend(loc="upper right")
    return fig
