"""Entropies of toy clouds, information on trees, networks on their way, their spectra."""

import numpy as np

from common import plot

from .measure import FIXED, NOISY, QUIET, RESCALED

REGIMES = ("true labels", "permuted labels")
POINTS = {"markevery": 1}
ALONE = POINTS | {"linestyle": ""}  # so that the law behind them is seen


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    found = {"fig1_dimension": dimension, "fig2_categories": categories}
    found |= {"fig3_training": training, "fig4_fit": fit, "fig5_spectra": spectra}
    return {name: draw(arrays, cfg) for name, draw in found.items()}


def dimension(arrays, cfg):
    """Against the intrinsic dimension, for t and for noise."""
    caption = (
        "Entropy of a cloud against its intrinsic dimension: the histogram's is saturated, that of"
        " the diffusion operator grows; powers t take away noise and low dimensions alike."
    )
    fig, axes = plot.figure(1, 2, caption=caption, size=(10, 4))
    dim, names = arrays["toy_dims"], {QUIET: "least", NOISY: "most"}
    for ax, (noise, name) in zip(axes, names.items(), strict=True):
        for i, power in enumerate(arrays["toy_powers"]):
            values = arrays["toy_entropy"][:, noise, i]
            plot.band(ax, dim, values, label=f"DSE, t = {power}", **plot.style(i) | POINTS)
        values = arrays["toy_histogram"][:, noise]
        look = plot.style(len(arrays["toy_powers"])) | ALONE
        plot.band(ax, dim, values, label="histogram", **look)
        full = np.full(len(dim), np.log2(cfg.toy_points))
        plot.law(ax, dim, full, label="log2 N")
        ax.set(xscale="log", xlabel="intrinsic dimension", ylabel="entropy (bits)")
        ax.set_title(f"{name} noise, {arrays['toy_noises'][noise]:g}")
        ax.set_xticks(dim, [f"{d}" for d in dim])
        ax.set_xticks([], minor=True)
    axes[0].legend()
    return fig


def categories(arrays, cfg):
    """DSE of blobs against their number, DSMI of trees against corruption."""
    caption = (
        "Left: the entropy at large t counts well separated clusters. Right: information of a tree"
        " on its branches falls to zero as labels are permuted."
    )
    fig, (left, right) = plot.figure(1, 2, caption=caption, size=(10, 4))
    blob = arrays["blobs"]
    label = f"DSE, t = {cfg.blob_power}"
    plot.band(left, blob, arrays["blob_entropy"], label=label, **plot.style(0) | ALONE)
    plot.law(left, blob, np.log2(blob), label="log2 k")
    left.set(xlabel="clusters k", ylabel="entropy (bits)")
    for i, count in enumerate(arrays["branches"]):
        values = arrays["tree_information"][:, i]
        look = plot.style(i) | POINTS
        plot.band(right, arrays["corruptions"], values, label=f"{count} branches", **look)
    none = np.zeros(len(arrays["corruptions"]))
    plot.law(right, arrays["corruptions"], none, label="no information")
    right.set(xlabel="share of labels permuted", ylabel="DSMI (bits)")
    for ax in (left, right):
        ax.legend()
    return fig


def training(arrays, cfg):
    """DSE and both DSMI against epochs, for both kernels."""
    caption = (
        "Networks on true and on permuted labels. Above, a kernel of fixed width: all entropies"
        " rise with distances. Below, clouds rescaled: information on labels tells them apart."
    )
    fig, axes = plot.figure(2, 3, caption=caption, size=(13, 7))
    names = {"entropy": "DSE(Z)", "on_labels": "DSMI(Z; Y)", "on_images": "DSMI(Z; X)"}
    kernels = {FIXED: f"σ = {cfg.sigma:g}", RESCALED: f"σ = {cfg.bandwidth:g} mean distance"}
    full = {"entropy": np.log2(10 * cfg.tests_per_class)}
    for row, (kernel, width) in zip(axes, kernels.items(), strict=True):
        for ax, (key, name) in zip(row, names.items(), strict=True):
            for i, regime in enumerate(REGIMES):
                values = arrays[key][:, i, kernel]
                plot.band(ax, arrays["epoch"], values, label=regime, **plot.style(i) | POINTS)
            if key in full:
                level = np.full(len(arrays["epoch"]), full[key])
                plot.law(ax, arrays["epoch"], level, label="log2 N")
            by_epoch(ax, arrays, f"{name} (bits)")
            ax.set_title(width)
    axes[0, 0].legend(loc="lower right")
    return fig


def fit(arrays, cfg):
    """Accuracies, and the mean distance against the kernel's width."""
    caption = "Both networks fit their training labels; distances outgrow the kernel's width."
    fig, axes = plot.figure(1, 3, caption=caption, size=(13, 3.8))
    names = {
        "train_accuracy": "training accuracy",
        "test_accuracy": "test accuracy",
        "distance": "mean distance of features",
    }
    for ax, (key, name) in zip(axes, names.items(), strict=True):
        for i, regime in enumerate(REGIMES):
            look = plot.style(i) | POINTS
            plot.band(ax, arrays["epoch"], arrays[key][:, i], label=regime, **look)
        by_epoch(ax, arrays, name)
    plot.law(axes[1], arrays["epoch"], np.full(len(arrays["epoch"]), 0.1), label="chance")
    plot.law(axes[2], arrays["epoch"], np.full(len(arrays["epoch"]), cfg.sigma), label="σ")
    axes[2].set_yscale("log")
    for ax in axes[1:]:
        ax.legend()
    return fig


def spectra(arrays, cfg):
    """Eigenvalues before and after training."""
    caption = "Spectra of the diffusion operator of rescaled clouds, before and after training."
    fig, axes = plot.figure(1, 2, caption=caption, size=(10, 4))
    values = np.maximum(arrays["spectra"][..., ::-1], 1e-5)
    place = np.arange(1, values.shape[-1] + 1)
    for ax, regime, of_regime in zip(axes, REGIMES, values.swapaxes(0, 1), strict=True):
        for i, name in enumerate(("before", "after")):
            plot.band(ax, place, of_regime[:, i], label=name, **plot.style(i))
        plot.law(ax, [10, 10], [1e-5, 1], label="10, the classes")
        ax.set(xscale="log", yscale="log", xlabel="place", ylabel="eigenvalue", title=regime)
    axes[0].legend()
    return fig


def by_epoch(ax, arrays, name):
    """Axes along the epochs, 0 among them."""
    ax.set_xscale("symlog", linthresh=1)
    ax.set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    ax.set(xlabel="epoch", ylabel=name)
