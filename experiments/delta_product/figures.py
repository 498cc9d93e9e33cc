"""Figures, drawn from the arrays of any preset."""

import numpy as np

from common import plot

from . import measure

HAND = ("S3 (n_h 2)", "S4 (3)", "S5 (4)", "S4, cube (2)", "A5, icosahedron (2)")
HATCHES = ("", "//", "..", "xx", "--")
BINS = np.linspace(0, 2, 21)


def figures(arrays, cfg):
    """Name -> Figure, whichever the arrays allow."""
    parts = {
        "fig1_accuracy": ("accuracy", curves),
        "fig2_elements": ("factors", elements),
        "fig3_beta": ("beta", betas),
        "fig4_eigenvalues": ("key", eigenvalues),
    }
    return {name: draw(arrays, cfg) for name, (array, draw) in parts.items() if array in arrays}


def called(cfg, i):
    return f"$n_h$ = {cfg.n_h[i]}, β in (0, {cfg.top[i]:g})"


def curves(arrays, cfg):
    """Accuracy at every letter, a panel a group."""
    count = len(cfg.groups)
    caption = "Accuracy of the running product at every letter, by steps a token and range of beta."
    fig, axes = plot.figure(1, count, size=(max(6.4, 4.2 * count), 3.8), caption=caption)
    accuracy = measure.accuracy(arrays)
    place = 1 + np.arange(accuracy.shape[-1])
    for g, (ax, group) in enumerate(zip(np.atleast_1d(axes), cfg.groups, strict=True)):
        for i in range(accuracy.shape[2]):
            plot.band(ax, place, accuracy[:, g, i], label=called(cfg, i), **plot.style(i))
        ax.axvline(cfg.length, **plot.LAW | {"linestyle": "-", "label": "training length"})
        far = 1 + measure.position(arrays, measure.FAR)
        ax.axvline(far, **plot.LAW | {"linestyle": (0, (1, 2)), "label": "judged here (dp2, dp3)"})
        if group == "S3":
            plot.law(ax, place, np.full(len(place), 1 / 3), label="parity alone")
        ax.set(xlabel="letter of the word", ylabel="accuracy", title=group, ylim=(0, 1.03))
    fig.legend(*np.atleast_1d(axes)[0].get_legend_handles_labels(), loc="outside right center")
    return fig


def elements(arrays, cfg):
    """How many reflections elements need; distances with a factor fewer."""
    caption = "Elements by their least number of reflections; distance with one factor fewer."
    fig, (left, right) = plot.figure(1, 2, size=(10.4, 3.6), caption=caption)
    number, width = np.arange(arrays["factors"].shape[1]), 0.16
    for i, (name, count) in enumerate(zip(HAND, arrays["factors"], strict=True)):
        share = count / count.sum()
        look = {"color": plot.COLOURS[i], "hatch": HATCHES[i], "edgecolor": "black"}
        left.bar(number + (i - 2) * width, share, width, label=name, linewidth=0.5, **look)
    left.set(xlabel="reflections", ylabel="share of the elements", xticks=number)
    left.legend()
    cycle = 3 + np.arange(len(arrays["bound"]))
    for row in arrays["distance"]:
        right.plot(cycle, row, label="_a seed", **plot.style(0) | {"linestyle": "", "markevery": 1})
    name = f"found, {cfg.short} fewer than needed"
    right.plot([], [], label=name, **plot.style(0) | {"linestyle": ""})
    plot.law(right, cycle, arrays["bound"], label="Eckart-Young", marker="_")
    right.plot([3], [np.sqrt(3.75)], label="√3.75, exact", **plot.style(1) | {"linestyle": ""})
    right.set(xlabel="points of the cycle", ylabel="Frobenius distance", xticks=cycle)
    right.set(ylim=(0, None))
    right.legend()
    return fig


def betas(arrays, cfg):
    """Step sizes of letters in the head that is nearest to the element, all seeds."""
    caption = "Step sizes of letters, each in its best head, all seeds, by kind of element."
    fig, axes = plot.figure(1, 3, size=(11.0, 3.2), caption=caption)
    best = measure.mismatch(arrays).argmin(-1)[..., None, None]
    beta = np.take_along_axis(measure.of_best(arrays, "beta"), best, 3)
    for i, ax in enumerate(axes):
        for j, (name, rows) in enumerate(kinds(arrays).items()):
            each = beta[:, i, rows, 0, : cfg.n_h[i]].ravel()
            share = np.histogram(each, BINS)[0] / max(len(each), 1)
            ax.stairs(share, BINS, label=name, color=plot.COLOURS[j], linestyle=plot.DASHES[j])
        ax.set(title=called(cfg, i), xlabel="β", ylabel="share", ylim=(0, 1))
        ax.legend()
    return fig


def eigenvalues(arrays, cfg):
    """Of the first seed's transitions in the complex plane, two steps and one."""
    caption = "Eigenvalues of every letter's transition, first seed; large: of its best head."
    fig, axes = plot.figure(1, 3, size=(11.4, 4.0), caption=caption)
    values, want = measure.eigenvalues(arrays)[0], measure.element_eigenvalues(arrays)
    best, circle = measure.mismatch(arrays)[0].argmin(-1), np.exp(2j * np.pi * np.linspace(0, 1))
    for i, ax in enumerate(axes):
        plot.law(ax, circle.real, circle.imag, label="_circle")
        large = values[i][np.arange(len(want)), best[i]]
        for j, (name, rows) in enumerate(kinds(arrays).items()):
            style = plot.style(j, line=False) | {"linestyle": ""}
            dots(ax, values[i][rows], label=f"_{name}", alpha=0.5, **style | {"markersize": 3})
            dots(ax, large[rows], label=f"{name}, best head", **style | {"markersize": 7})
        style = {"marker": "x", "color": "black", "linestyle": "", "zorder": 4}
        dots(ax, want, label="elements", **style)
        ax.set(title=called(cfg, i), xlabel="real part", ylabel="imaginary part", aspect="equal")
        ax.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))
    axes[0].legend(loc="center", bbox_to_anchor=(0.62, 0.75), fontsize=7)
    return fig


def kinds(arrays):
    """Name -> which letters [L]."""
    want = measure.element_eigenvalues(arrays)
    still, turn = np.abs(want - 1).max(1) < 0.1, np.abs(want.imag).max(1) > 0.1
    return {"identity": still, "mirrors": ~still & ~turn, "turns": turn}


def dots(ax, values, **style):
    ax.plot(values.real.ravel(), values.imag.ravel(), **style)
