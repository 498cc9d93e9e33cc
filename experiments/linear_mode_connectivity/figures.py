"""Lines between networks; distances; alignments; the heat map; three networks; widths."""

import numpy as np

from common import plot

from . import measure

WAYS = ("not matched", "weights", "activations", "small directions", "large directions")
METHODS = ("not matched", "weights", "straight-through")
SEEN = ("loss", "accuracy")


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_lines": lines(arrays),
        "fig2_distance": distances(arrays),
        "fig3_alignment": alignments(arrays, cfg),
        "fig4_heat": heat(arrays),
        "fig5_triple": triple(arrays),
        "fig6_width": widths(arrays),
    }


def lines(arrays):
    """Test loss and accuracy from a to b: every way, and the straight-through estimator."""
    caption = (
        "Test loss and accuracy on the line from a to b, its units in the orders that each search"
        " finds; matched by small singular directions alone, b is no nearer."
    )
    fig, axes = plot.figure(1, 2, caption=caption, size=(10.5, 4.2))
    for ax, which, name in zip(axes, (measure.LOSS, measure.ACCURACY), SEEN, strict=True):
        for i, way in enumerate(WAYS):
            values = arrays["ways"][:, i, :, measure.TEST, which]
            plot.band(ax, arrays["t"], values, label=way, **plot.style(i))
        straight = arrays["triple"][:, measure.STRAIGHT, measure.AB, :, measure.TEST, which]
        plot.band(ax, arrays["t"], straight, label=METHODS[2], **plot.style(len(WAYS)))
        ax.set(xlabel="λ, from a to b", ylabel=f"test {name}")
    axes[0].legend(fontsize=7)
    return fig


def distances(arrays):
    """Distances after every way of matching, relative; the barriers left beside them."""
    caption = (
        "Distance of a and b after matching by that before, and the barrier by that before: the"
        " distance hardly tells which permutations join the networks."
    )
    fig, (left, right) = plot.figure(1, 2, caption=caption, size=(10.5, 4))
    place = np.arange(len(WAYS))
    left.bar(place, arrays["distance"].mean(0), width=0.6, color=plot.COLOURS[5], label="mean")
    dot = {"linestyle": "", "marker": "o", "color": "k", "markersize": 3, "markevery": 1}
    for i, row in enumerate(arrays["distance"]):
        label = "a seed" if i == 0 else "_"
        left.plot(place, row, label=label, **dot)
    left.axhline(1, **{k: v for k, v in plot.LAW.items() if k != "marker"})
    left.set_xticks(place, [way.replace(" ", "\n") for way in WAYS])
    left.set(ylabel="distance by that before", ylim=(0, 1.1))
    left.legend(loc="lower right")
    for i, way in enumerate(WAYS):
        share = measure.share(arrays, i)
        style = plot.style(i, line=False) | {"linestyle": "", "markevery": 1}
        right.plot(arrays["distance"][:, i], share, label=way, **style)
    right.set(yscale="log", xlabel="distance by that before", ylabel="barrier by that before")
    right.legend(fontsize=7)
    return fig


def alignments(arrays, cfg):
    """R against gamma, over all layers and of every layer, before and after."""
    caption = (
        "Alignment R of the singular directions with at least γ of the largest singular value:"
        " over all layers, for every way of matching, and layer by layer matched by weights."
    )
    fig, (left, right) = plot.figure(1, 2, caption=caption, size=(10.5, 4))
    gamma = arrays["gamma"]
    for i, way in enumerate(WAYS):
        values = measure.alignment(arrays["aligned"][:, i])
        plot.band(left, gamma, values, label=way, **plot.style(i))
    straight = measure.alignment(arrays["triple_aligned"][:, measure.STRAIGHT])
    plot.band(left, gamma, straight, label=METHODS[2], **plot.style(len(WAYS)))
    of_layers = arrays["aligned"][:, measure.WEIGHTS]
    for i in range(of_layers.shape[1]):
        values = of_layers[:, i, :, 0] / of_layers[:, i, :, 1]
        plot.band(right, gamma, values, label=f"layer {i + 1}", **plot.style(i))
    for ax in (left, right):
        plot.law(ax, gamma, np.zeros(len(gamma)), label="random orders")
        ax.set(xlabel="γ, least singular value by the largest", ylabel="R, 1 where aligned")
        ax.legend(fontsize=7)
    right.set(title=f"matched by weights, width {cfg.widths[-1]}")
    left.set(title="all layers")
    return fig


def heat(arrays):
    """Overlaps of the largest singular directions, second layer: the mean over seeds."""
    caption = (
        "Overlaps |(u·u')(v·v')| of the singular directions of a (rows) and b (columns), largest"
        " first, in the second layer: means over seeds, before and after weight matching."
    )
    fig, axes = plot.figure(1, 2, caption=caption, size=(9.5, 4.9))
    mean = np.abs(arrays["heat"]).mean(0)
    for ax, values, title in zip(axes, mean, ("not matched", "matched by weights"), strict=True):
        shown = ax.imshow(values, vmin=0, vmax=mean.max())
        ax.set(title=title, xlabel="direction of b", ylabel="direction of a")
    fig.colorbar(shown, ax=axes, label="overlap")
    return fig


def triple(arrays):
    """Barriers between three networks, b and c each matched to a."""
    caption = (
        "Barriers between a, b and c where b and c are matched to a, never to each other: means"
        " over seeds, for no matching, weight matching and the straight-through estimator."
    )
    fig, axes = plot.figure(1, len(METHODS), caption=caption, size=(11, 3.6))
    found = measure.barriers(arrays, arrays["triple"]).mean(0)
    for ax, method, values in zip(axes, METHODS, found, strict=True):
        matrix = np.zeros((3, 3))
        for (i, j), value in zip(((0, 1), (0, 2), (1, 2)), values, strict=True):
            matrix[i, j] = matrix[j, i] = value
        shown = ax.imshow(matrix, vmin=0, vmax=found.max())
        for (i, j), value in np.ndenumerate(matrix):
            dark = value < found.max() / 2
            ax.text(j, i, f"{value:.2f}", ha="center", va="center", color="w" if dark else "k")
        ax.set_xticks(range(3), "abc")
        ax.set_yticks(range(3), "abc")
        ax.set(title=method)
    fig.colorbar(shown, ax=axes, label="barrier (test loss)")
    return fig


def widths(arrays):
    """Barriers against width, before and after, and their ratio."""
    caption = (
        "Barriers of test loss, means of the three pairs of a seed, before and after weight"
        " matching, against width; and what matching leaves, with the bound of claim lm1."
    )
    fig, (left, right) = plot.figure(1, 2, caption=caption, size=(10, 4))
    width, found = arrays["width"], measure.barriers(arrays, arrays["wide"]).mean(-1)
    for i, label in enumerate(("not matched", "weights")):
        style = plot.style(i) | {"markevery": 1}
        plot.band(left, width, found[:, :, i], label=label, **style)
    left.set(xscale="log", xlabel="width", ylabel="barrier (test loss)")
    left.legend()
    first = plot.style(0) | {"markevery": 1}
    plot.band(right, width, measure.width_shares(arrays), label="after by before", **first)
    plot.law(right, width, np.full(len(width), 0.25), label="a quarter")
    right.set(xscale="log", xlabel="width", ylabel="barrier by that before", ylim=(0, None))
    right.legend()
    for ax in (left, right):
        ax.set_xticks(width, [f"{w:g}" for w in width])
        ax.minorticks_off()
    return fig
