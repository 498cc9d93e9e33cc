"""Collapse of free features, lengths beside the closed form, the threshold, a network."""

import numpy as np

from common import plot

from . import measure, theory

CASES = ("balanced, with bias: ETF", "balanced: orthogonal", "imbalanced: unequal lengths")
METRICS = (
    ("nc1", "NC1: within-class variability"),
    ("nc2", "NC2: distance to the frame"),
    ("dual", "rows against class means"),
)
TINY = 1e-18


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_collapse": collapse(arrays),
        "fig2_lengths": lengths(arrays),
        "fig3_threshold": threshold(arrays),
        "fig4_network": network(arrays, cfg),
    }


def by_depth(arrays, values, key="depths"):
    """Worst over the splits of every depth.  values [S, J, R] -> list of [S, R]"""
    return [part.max(1) for part in np.split(values, np.cumsum(arrays[key])[:-1], axis=1)]


def collapse(arrays):
    """The three metrics against steps, one row a case, one line a depth."""
    caption = "Free features under M linear layers collapse at every layer (worst layer shown)."
    fig, axes = plot.figure(3, 3, caption=caption, size=(10.5, 7.6))
    for c, (row, case) in enumerate(zip(axes, CASES, strict=True)):
        for ax, (name, label) in zip(row, METRICS, strict=True):
            for i, values in enumerate(by_depth(arrays, arrays[name][c])):
                depth = arrays["depths"][i]
                shown = np.maximum(values, TINY)
                plot.band(ax, arrays["steps"], shown, label=f"M = {depth}", **plot.style(i))
            ax.set(yscale="log", xlabel="step", ylabel=label, title=case)
    axes[0, 0].legend()
    return fig


def lengths(arrays):
    """Singular values and squared feature lengths against depth, beside the closed form."""
    caption = "Imbalanced data: what descent reaches (markers) and the closed form (dashed)."
    fig, axes = plot.figure(1, 2, caption=caption, size=(10, 4))
    counts, depths = arrays["counts"][measure.IMBALANCED], arrays["depths"]
    frame, gram = (
        np.diagonal(arrays[name][measure.IMBALANCED], axis1=-2, axis2=-1)
        for name in ("frame", "gram")
    )  # [S, D, K]
    found = (frame ** (1 / (2 * depths[:, None])), gram)
    laws = (theory.singular_values, theory.lengths)
    labels = ("singular value s_k of a layer", "squared length of a class feature")
    for ax, values, law, label in zip(axes, found, laws, labels, strict=True):
        for i, n in enumerate(np.unique(counts)[::-1]):
            k = np.flatnonzero(counts == n)[0]
            one = plot.style(i) | {"linestyle": "", "markevery": 1}
            ax.plot(depths, np.median(values[..., k], 0), label=f"class of {n}", **one)
            predicted = [law(counts, arrays["decay"], depth)[k] for depth in depths]
            plot.law(ax, depths, predicted, label="closed form" if i == 0 else "_closed form")
        ax.set(xlabel="linear layers M", ylabel=label, yscale="log", xticks=depths)
        ax.set_xticklabels([str(d) for d in depths])
    axes[0].set_yscale("linear")
    axes[0].legend()
    return fig


def threshold(arrays):
    """Lengths against the penalty with one layer, and what keeping a class is worth with more."""
    deep = int(arrays["deep"])
    caption = (
        f"Minority collapse: with one layer the smallest class vanishes continuously, with {deep}"
        " it stops paying at the predicted penalty."
    )
    fig, (left, right) = plot.figure(1, 2, caption=caption, size=(11, 4.2))
    counts, decay = arrays["collapse"], arrays["sweep_decay"]
    fine = np.linspace(decay.min(), decay.max(), 200)
    for k, n in enumerate(counts):
        look = plot.style(k) | {"markevery": 1, "linestyle": ""}
        median = np.median(arrays["sweep_rows"][..., k], axis=0)
        left.plot(decay, median, label=f"class of {n}", **look)
        law = np.maximum(np.sqrt(n) - counts.sum() * fine, 0)
        plot.law(left, fine, law, label="sqrt(n_k) - N λ, or 0" if k == 0 else "_law")
    n, _ = measure.smallest(arrays)
    collapsed = np.sqrt(n) / counts.sum()
    left.axvline(collapsed, color="0.4", linestyle=":", label=f"threshold of the class of {n}")
    left.set(xlabel="penalty λ", ylabel="s_k²", title="M = 1")
    left.legend()

    x, y = np.moveaxis(measure.deep_gain(arrays), 1, 0)
    look = {"markevery": 1, "linestyle": ""}
    plot.band(right, x[0], y, label="descent from planted starts", **look)
    fine = np.linspace(arrays["deep_decay"].min(), arrays["deep_decay"].max(), 200)
    ratio = theory.price(counts.sum(), fine, deep) / n
    gain = 1 - theory.cost(theory.largest_root(ratio, deep), ratio, deep)
    at = fine / theory.critical_decay(n, counts.sum(), deep)
    plot.law(right, at, gain, label="closed form: 1 - g(largest root)")
    right.axhline(0, color="0.4", linestyle=":", label="keeping and dropping cost the same")
    right.set(xlabel="λ over the predicted threshold", title=f"M = {deep}, class of {n}")
    right.set_ylabel("gain of keeping the class, in n_k / 2N")
    right.legend()
    return fig


def network(arrays, cfg):
    """The metrics of trained networks against steps, one line a head."""
    caption = f"A ReLU network on imbalanced {cfg.dataset}: its linear head collapses as predicted."
    fig, axes = plot.figure(1, 3, caption=caption, size=(13, 4))
    steps = arrays["net_steps"]
    for ax, (name, label) in zip(axes, METRICS, strict=True):
        for i, values in enumerate(by_depth(arrays, arrays[f"net_{name}"], "heads")):
            head = arrays["heads"][i]
            plot.band(ax, steps, values, label=f"head of M = {head}", **plot.style(i))
        ax.set(yscale="log", xlabel="step of Adam", ylabel=label)
    for i, values in enumerate(by_depth(arrays, arrays["net_equal"], "heads")):
        head = arrays["heads"][i]
        look = plot.style(4 + i) | {"markevery": 0.24}
        plot.band(axes[1], steps, values, label=f"M = {head}, to equal lengths", **look)
    low, high = axes[1].get_ylim()
    axes[1].set_ylim(low, 4 * high)  # room for the legend
    axes[0].legend()
    axes[1].legend()
    return fig
