"""Phases, laws of the estimate, divergence, corrections, shares, tails."""

import numpy as np

from common import plot

from . import measure, theory

PLAIN = {"markevery": 1}


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_phases": phases(arrays, cfg),
        "fig2_laws": histograms(arrays, cfg),
        "fig3_divergence": divergence(arrays, cfg),
        "fig4_corrections": corrections(arrays, cfg),
        "fig5_shares": shares(arrays, cfg),
        "fig6_tails": tails(arrays, cfg),
    }


def phases(arrays, cfg):
    """The three regimes, with what was simulated in them."""
    fig, ax = plot.figure(
        size=(6, 4.2),
        caption="Regimes of bandwidth h for n = exp(αd) data: Gaussian above h_CLT, stable down to"
        " h_G, condensed below; the least divergence at h_opt. Dots: simulated Σw².",
    )
    alpha = np.geomspace(0.07, 0.7, 40)
    lines = (
        ("h_CLT", lambda a: theory.border(a, 2.0)),
        ("h_G", theory.condensation),
        ("h_opt", theory.optimum),
    )
    for i, (name, fn) in enumerate(lines):
        ax.plot(alpha, [fn(a) for a in alpha], label=name, **plot.style(i) | {"marker": ""})
    own = np.full(len(arrays["ratio"]), arrays["alpha"])
    places = [np.broadcast_to(arrays["map_alpha"][:, None], arrays["map_h"].shape).ravel(), own]
    h = [arrays["map_h"].ravel(), arrays["ratio"] * arrays["h_g"]]
    value = [arrays["map_share"].ravel(), arrays["share"][:, -1].mean(axis=0)]
    dots = ax.scatter(*map(np.concatenate, (places, h)), c=np.concatenate(value), vmin=0, vmax=0.8)
    fig.colorbar(dots, ax=ax, label="E Σw²")
    ax.set(xscale="log", xlabel="α = log n / d", ylabel="bandwidth h")
    ticks = [0.1, 0.2, 0.3, 0.5]
    ax.set_xticks(ticks, [str(t) for t in ticks])
    ax.xaxis.minorticks_off()
    ax.legend()
    return fig


def stable(x, mu: float):
    """Density of the stable law of index mu, skewed to the right.  x [x] -> [x]"""
    step = 45 ** (1 / mu) / 4000
    t = step * (np.arange(4000) + 0.5)
    phase = x[:, None] * t - t**mu * np.tan(np.pi * mu / 2)
    return (np.cos(phase) * np.exp(-(t**mu))).sum(axis=1) * step / np.pi


def histograms(arrays, cfg):
    """The estimate in each regime, with a normal and a stable law of the same quartiles."""
    fig, axes = plot.figure(
        1, 3, size=(12, 3.6),
        caption="Estimate at the largest d of the tails, all seeds, scaled by median and quartiles;"
        " normal law and stable law of index (h/h_G)², scaled alike; below h_G its logarithm.",
    )  # fmt: skip
    names = ("condensed", "stable", "Gaussian")
    for ax, name, i in zip(axes, names, (0, measure.MIDDLE, measure.CLT), strict=True):
        shown = arrays["shown"][i]
        z = scaled(np.log(shown)) if i == 0 else scaled(shown)
        bins = np.linspace(-3, 6, 46)
        count = np.histogram(z, bins)[0] / len(z) / np.diff(bins)
        ax.stairs(count, bins, fill=True, color="0.8", label="simulated")
        x = np.linspace(-3, 6, 181)
        normal = 0.6745  # quartile of N(0, 1)
        law = np.exp(-0.5 * (x * normal) ** 2) * normal / np.sqrt(2 * np.pi)
        ax.plot(x, law, label="normal", **plot.style(0) | {"marker": ""})
        mu = float(arrays["tail_square"][i])
        if 1 < mu < 2:
            ax.plot(x, alike(x, mu), label=f"stable, {mu:g}", **plot.style(1) | {"marker": ""})
        what = "log of the estimate" if i == 0 else "estimate"
        ax.set(xlabel=f"{what}, less its median, in quartiles", ylabel="density")
        ax.set_title(f"{name}: (h/h_G)² = {mu:g}")
        ax.legend(fontsize=7)
    return fig


def scaled(x):
    """Median 0, half the distance of the quartiles 1."""
    low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
    return (x - middle) * 2 / (high - low)


def alike(x, mu: float):
    """The stable density with median 0 and half the distance of its quartiles 1."""
    wide = np.linspace(-12, 60, 1441)
    mass = np.cumsum(stable(wide, mu)) * (wide[1] - wide[0])
    low, middle, high = np.interp([0.25, 0.5, 0.75], mass, wide)
    unit = (high - low) / 2
    return stable(middle + unit * x, mu) * unit


def divergence(arrays, cfg):
    """KL by bandwidth, simulated, exact, and in the limit."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10.5, 3.9),
        caption="Divergence a dimension. Marks: simulated, median and range of seeds; grey: the"
        " exact law. Right: the exact law in dimensions that nobody can simulate.",
    )  # fmt: skip
    ratio, limit = arrays["ratio"], measure.branches(arrays)
    for i, d in enumerate(arrays["dim"]):
        look = plot.style(i) | PLAIN | {"linestyle": ""}
        plot.band(left, ratio, arrays["kl"][:, i], label=f"d = {d}", **look)
        name = "exact law" if i == 0 else f"_exact law, {d}"
        plot.law(left, ratio, arrays["law_kl"][i], label=name)
    every = [(arrays["dim"][-1], arrays["law_kl"][-1])]
    every += list(zip(arrays["far_dim"], arrays["far_kl"], strict=True))
    for i, (d, kl) in enumerate(every):
        right.plot(ratio, kl, label=f"d = {d}", **plot.style(i) | PLAIN)
    best = theory.optimum(float(arrays["alpha"])) / arrays["h_g"]
    for ax in (left, right):
        ax.plot(ratio, limit, color="black", linewidth=1.5, marker="", label="d → ∞")
        ax.axvline(1, color="0.4", linestyle=":", label="h_G")
        ax.axvline(best, color="0.4", linestyle="-.", label="h_opt, d → ∞")
        ax.set(xlabel="h / h_G", ylabel="KL / d")
        ax.legend(fontsize=7)
    return fig


def corrections(arrays, cfg):
    """How far from the limit."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10.5, 3.8),
        caption="Left: largest distance of KL / d from its limit over bandwidths. Right: what the"
        " limit's optimum gains on h_G. Median and range of seeds, and the exact law.",
    )  # fmt: skip
    limit = measure.branches(arrays)
    d = np.concatenate([arrays["dim"], arrays["far_dim"]])
    law = np.concatenate([arrays["law_kl"], arrays["far_kl"]])
    best = theory.optimum(float(arrays["alpha"])) / arrays["h_g"]
    at = [abs(arrays["ratio"] - one).argmin() for one in (best, 1.0)]
    look = plot.style(0) | PLAIN | {"linestyle": ""}
    plot.band(left, arrays["dim"], measure.deviation(arrays), label="simulated", **look)
    plot.law(left, d, abs(law - limit).max(axis=1), label="exact law")
    left.set(yscale="log", ylabel="largest deviation of KL / d")
    plot.band(right, arrays["dim"], measure.gain(arrays), label="simulated", **look)
    plot.law(right, d, law[:, at[1]] - law[:, at[0]], label="exact law")
    right.axhline(limit[at[1]] - limit[at[0]], color="black", linewidth=1, label="d → ∞")
    right.set(ylabel="KL(h_G) / d − KL(0.853 h_G) / d")
    for ax in (left, right):
        ax.set(xscale="log", xlabel="dimension d")
        ax.legend(fontsize=8)
    return fig


def shares(arrays, cfg):
    """Sum of squared weights by bandwidth, and sorted weights."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10.5, 3.9),
        caption="Left: E Σw², simulated (marks) and by the exact law (grey), with its limit."
        " Right: mean weights in falling order, from vectors in the smallest setting.",
    )  # fmt: skip
    square = arrays["ratio"] ** 2
    for i, d in enumerate(arrays["dim"]):
        look = plot.style(i) | PLAIN | {"linestyle": ""}
        plot.band(left, square, arrays["share"][:, i], label=f"d = {d}", **look)
        name = "exact law" if i == 0 else f"_exact law, {d}"
        plot.law(left, square, arrays["law_share"][i], label=name)
    x = np.linspace(0.3, 4, 200)
    left.plot(x, np.maximum(1 - x, 0), color="black", marker="", label="d → ∞")
    left.set(xlabel="(h / h_G)²", ylabel="E Σw²", xlim=(0.4, 2.6))
    rank = 1 + np.arange(arrays["vector_sorted"].shape[1])
    for i, mu in enumerate(arrays["vector_square"]):
        label = f"(h/h_G)² = {mu:g}"
        right.plot(rank, arrays["vector_sorted"][i], label=label, **plot.style(i) | PLAIN)
    right.set(xscale="log", yscale="log", xlabel="rank", ylabel="mean weight")
    for ax in (left, right):
        ax.legend(fontsize=7)
    return fig


def tails(arrays, cfg):
    """Tail exponents, and distance to the normal law."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10.5, 3.9),
        caption="Left: Hill's exponent over (h/h_G)², median and quartiles of seeds, and where the"
        " density's own tail puts it. Right: distance to N(0, 1), exact mean and variance.",
    )  # fmt: skip
    d = arrays["tail_dim"]
    hill, expected = measure.hill(arrays), measure.expected(arrays)
    for place, i in enumerate(range(5)[measure.BETWEEN]):
        mu = float(arrays["tail_square"][i])
        look = plot.style(place) | PLAIN | {"linestyle": ""}
        at = d + 0.7 * (place - 1)
        low, middle, high = np.quantile(hill[:, :, i] / mu, [0.25, 0.5, 0.75], axis=0)
        ends = [middle - low, high - middle]
        left.errorbar(at, middle, ends, capsize=2, label=f"(h/h_G)² = {mu:g}", **look)
    plot.law(
        left, d, expected[:, 1] / arrays["tail_square"][1], label="h_G² / h_G(α + log(1/p)/d)²"
    )
    left.axhline(1, color="black", linewidth=1, label="d → ∞")
    left.set(xlabel="dimension d", ylabel="exponent / (h/h_G)²")
    for place, i in enumerate((measure.MIDDLE, measure.CLT)):
        label = f"(h/h_G)² = {float(arrays['tail_square'][i]):g}"
        plot.band(right, d, arrays["ks"][:, :, i], label=label, **plot.style(place) | PLAIN)
    noise = 0.8687 / np.sqrt(cfg.tail_realisations)  # mean of Kolmogorov's law
    right.axhline(noise, color="0.4", linestyle=":", label="normal numbers")
    right.set(yscale="log", xlabel="dimension d", ylabel="Kolmogorov's distance")
    for ax in (left, right):
        ax.legend(fontsize=7)
    return fig
