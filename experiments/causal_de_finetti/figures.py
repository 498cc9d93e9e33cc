"""Accuracy of pairs, distances of graphs, information, and p-values."""

import numpy as np

from common import plot

from . import measure

PAPER = {100: 0.70, 200: 0.82, 300: 0.87, 400: 0.90, 500: 0.91}
FAR = {2000: 0.314, 4000: 0.211, 6000: 0.183, 8000: 0.191, 10_000: 0.091}


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_pairs": pairs(arrays, cfg),
        "fig2_graphs": graphs(arrays, cfg),
        "fig3_information": information(arrays, cfg),
        "fig4_tests": tests(arrays, cfg),
    }


def beside(ax, at, values):
    """The paper's values where the preset has their sizes."""
    known = [x for x in at if int(x) in values]
    if known:
        plot.law(ax, known, [values[int(x)] for x in known], label="paper")


def pairs(arrays, cfg):
    """Share decided rightly by number of environments."""
    fig, ax = plot.figure(
        caption="Cause and effect, or neither, from environments of two samples: independences"
        " across samples, and dependence with a coin for the direction. Bands: seeds."
    )
    at = arrays["environments"]
    for i, (key, name) in enumerate((("decided", "de Finetti"), ("guessed", "coin"))):
        look = plot.style(i) | {"markevery": 1}
        plot.band(ax, at, measure.accuracy(arrays, key), label=name, **look)
    beside(ax, at, PAPER)
    ax.axhline(1 / 3, color="0.4", linestyle=":", label="always no edge")
    ax.set(xlabel="environments", ylabel="share decided rightly", ylim=(0, 1.02), xticks=at)
    ax.legend()
    return fig


def graphs(arrays, cfg):
    """Distance by number of environments, and by graph at the most."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9.5, 3.9),
        caption="Graphs of three binary variables: normalised Hamming distance to the truth by"
        " number of environments, and at the most of them by the number of the graph.",
    )  # fmt: skip
    look = plot.style(0) | {"markevery": 1}
    plot.band(left, arrays["many"], measure.distances(arrays), label="de Finetti", **look)
    beside(left, arrays["many"], FAR)
    left.axhline(0.25, color="0.4", linestyle=":", label="PC, paper")
    left.set(xlabel="environments", ylabel="normalised Hamming distance", ylim=(0, None))
    left.legend()
    truth, last = arrays["truth"].ravel(), arrays["distance"][:, -1].ravel()
    kinds = np.unique(truth)
    means = [last[truth == k].mean() for k in kinds]
    right.bar(kinds, means, color=plot.style(1)["color"], label="mean")
    right.set(xlabel="graph", ylabel="normalised Hamming distance", xticks=kinds)
    return fig


def information(arrays, cfg):
    """Information across samples by the spread of the priors, and of random priors."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9.5, 3.9),
        caption="Exact information where X causes Y. Left: I(Y₁; X₂ | Y₂) against the spread of the"
        " mechanisms' priors, 0 for i.i.d. data. Right: random priors.",
    )  # fmt: skip
    left.plot(arrays["spread"], arrays["tilted"], label="I(Y₁; X₂ | Y₂)", **plot.style(0))
    left.axhline(0, color="0.4", linestyle=":", label="I(X₁; Y₂ | X₂)")
    left.set(xlabel="spread of both priors", ylabel="information (nats)")
    left.legend()
    for i, key in enumerate(("forward", "backward")):
        values = np.sort(np.maximum(abs(arrays[key]).ravel(), 1e-18))
        name = ("I(X₁; Y₂ | X₂)", "I(Y₁; X₂ | Y₂)")[i]
        share = np.arange(1, len(values) + 1) / len(values)
        right.plot(values, share, label=name, **plot.style(i))
    right.set(xscale="log", xlabel="information (nats), at least 1e-18", ylabel="share of priors")
    right.legend()
    return fig


def tests(arrays, cfg):
    """Distribution of p-values under the true and the reversed structure."""
    fig, axes = plot.figure(
        1, 2, size=(9.5, 3.7),
        caption="p-values of both conditional independences at the most environments, all seeds:"
        " one is uniform and the other near 0, by which variable is the cause.",
    )  # fmt: skip
    p, mode = arrays["p"][:, -1], arrays["mode"]
    bins = np.linspace(0, 1, 21)
    for ax, (kind, title) in zip(axes, ((1, "X causes Y"), (2, "Y causes X")), strict=True):
        for i, name in enumerate(("X₁, Y₂ | X₂", "Y₁, X₂ | Y₂")):
            counts, _ = np.histogram(p[mode == kind][:, i], bins)
            look = plot.style(i) | {"marker": None}
            ax.step(bins[:-1], counts, where="post", label=name, **look)
        ax.axvline(float(cfg.alpha), color="0.4", linestyle=":", label="α")
        ax.set(xlabel="p", ylabel="data sets", title=title)
        ax.legend(fontsize=8)
    return fig
