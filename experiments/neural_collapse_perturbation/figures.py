"""The flow, NC1 against beta and the penalties, near collapse, depth, weight decays."""

import numpy as np

from common import plot

from . import measure, theory

KINDS = ("both low", "λ_W raised", "λ_H raised")
TINY = 1e-12  # lowest value drawn
POINTS = {"linestyle": "", "markevery": 1}


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_flow": flow(arrays, cfg),
        "fig2_vicinity": vicinity(arrays, cfg),
        "fig3_near": near(arrays, cfg),
        "fig4_depth": depth(arrays, cfg),
        "fig5_decays": decays(arrays, cfg),
    }


def flow(arrays, cfg):
    """Both metrics along the flow, one line a noise; lambda_H = 0 and not."""
    caption = (
        "Within-class variability falls along the central path, from every start: medians and"
        " ranges over seeds."
    )
    count = len(cfg.flow_features)
    fig, axes = plot.figure(2, count, caption=caption, size=(5 * count, 7.4))
    labels = "NC1", "tr Σ_W / tr Σ_B"
    for row, name, metric in zip(axes, labels, (measure.NC1, measure.RATIO), strict=True):
        for j, (ax, features) in enumerate(zip(row, cfg.flow_features, strict=True)):
            for i, noise in enumerate(cfg.flow_noises):
                lines = np.maximum(arrays["flow"][:, i, j, metric], TINY)
                plot.band(ax, arrays["times"], lines, label=f"noise {noise:g}", **plot.style(i))
            ax.set(yscale="log", xlabel="time t", ylabel=name, title=f"λ_H = {features:g}")
    axes[0, 0].legend()
    return fig


def vicinity(arrays, cfg):
    """Random starts against beta; near collapse what either penalty does, with the closed form."""
    caption = (
        "Left: minimisers from random H_0. Others: near collapse, raising λ_H lowers NC1, raising"
        f" λ_W does not ({cfg.low:g} to {cfg.high:g}; dashed: closed form)."
    )
    fig, axes = plot.figure(1, 1 + len(cfg.scales), caption=caption, size=(13, 4))
    start, found = (arrays[name][..., measure.NC1] for name in ("start", "found"))
    ratio = (found / start[..., None]).reshape(-1, len(arrays["vicinities"]))
    plot.band(axes[0], arrays["vicinities"], ratio, label="random H_0", **plot.style(3))
    axes[0].axhline(1, color="0.4", linestyle=":", label="_as in H_0")
    axes[0].set(title="random H_0", ylabel="NC1(H) / NC1(H_0)")
    fine = np.geomspace(cfg.raised_vicinities[0], cfg.raised_vicinities[-1], 60)
    pairs = (cfg.low, cfg.low), (cfg.high, cfg.low), (cfg.low, cfg.high)
    for s, (ax, scale) in enumerate(zip(axes[1:], cfg.scales, strict=True)):
        for k, (name, pair) in enumerate(zip(KINDS, pairs, strict=True)):
            law = [theory.reduction(scale, *pair, beta) for beta in fine]
            plot.law(ax, fine, law, label="closed form" if k == 0 else "_closed form")
            values = np.median(arrays["raised"][:, s, :, k], axis=0)
            ax.plot(cfg.raised_vicinities, values, label=name, **plot.style(k) | POINTS)
        ax.set(title=f"near collapse, class means of length {scale:g}")
        ax.legend()
    for ax in axes:
        ax.set(xscale="log", yscale="log", xlabel="β, how strongly H is held to H_0")
    return fig


def near(arrays, cfg):
    """Measured against predicted factors, and the error of first order against the noise."""
    caption = "Near collapse: first order is right, and what it leaves out has the predicted order."
    fig, (left, right) = plot.figure(1, 2, caption=caption, size=(10, 4))
    for i, name in enumerate(("on the row space of W", "across it")):
        found = np.median(arrays["near_shrink"][:, :, 0, i], axis=0)
        left.plot(arrays["near_law"][:, i], found, label=name, **plot.style(i) | POINTS)
    plot.law(left, [0.02, 1], [0.02, 1], label="as predicted")
    left.set(xscale="log", yscale="log", xlabel="predicted shrink factor", ylabel="measured")
    left.set_title("what is left of the noise")
    left.legend()
    noise = arrays["near_noises"]
    for i, (name, order) in enumerate((("within classes", 3), ("in all", 2))):
        error = measure.error(arrays, i)[:, 1]
        plot.band(right, noise, error, label=name, **plot.style(i) | {"markevery": 1})
        law = 0.6 * np.median(error[:, -1]) * (noise / noise[-1]) ** order
        plot.law(right, noise, law, label="slope 3, slope 2" if i == 0 else "_slope 2")
    right.set(xscale="log", yscale="log", xlabel="noise, sd of an entry of δH_0")
    right.set(ylabel="|H − first order|", title="error of first order")
    right.legend()
    return fig


def depth(arrays, cfg):
    """NC1 by layer of the chained model, and of perceptrons before and after training."""
    caption = (
        "NC1 falls layer by layer where each minimises near the last, and in trained networks."
    )
    fig, (left, right) = plot.figure(1, 2, caption=caption, size=(10, 4))
    chain = arrays["chain"][..., measure.NC1]
    look = {"markevery": 1}
    plot.band(left, np.arange(chain.shape[1]), chain, label="chain", **plot.style(0) | look)
    left.set(yscale="log", xlabel="layer (0: H_0)", ylabel="NC1", title=f"β = {cfg.chain_vicinity}")
    trained = measure.network_depth(arrays)
    layers = np.arange(1, trained.shape[1] + 1)
    plot.band(right, layers, trained, label="trained", **plot.style(0) | look)
    plot.band(right, layers, arrays["net_start"], label="before", **plot.style(1) | look)
    right.set(yscale="log", xlabel="hidden layer", ylabel="NC1", title=f"perceptron, {cfg.dataset}")
    right.set_xticks(layers)
    right.legend()
    return fig


def decays(arrays, cfg):
    """NC1 of the last hidden layer against the decay of one group of weights."""
    caption = "NC1 of the last hidden layer when the weight decay of one group of weights changes."
    fig, ax = plot.figure(caption=caption)
    decay = cfg.net_decay * arrays["net_factors"]
    for i, name in enumerate(("decay of hidden layers", "decay of the last layer")):
        values = arrays["net_nc1"][:, i, :, -1]
        plot.band(ax, decay, values, label=name, **plot.style(i) | {"markevery": 1})
    ax.set(xscale="log", yscale="log", xlabel="weight decay", ylabel="NC1, last hidden layer")
    ax.set_xticks(decay, [f"{x:.1e}" for x in decay])
    ax.set_xticks([], minor=True)
    ax.legend()
    return fig
