"""Bridges of the swiss roll, accuracy on the benchmark, two identities, two Gaussians, costs."""

import numpy as np

from common import plot

HALF_AND_END = ("t = 1/2", "t = 1")


def figures(arrays, cfg):
    """Whichever the arrays allow, at any preset."""
    made = {}
    if "paths" in arrays:
        made["fig1_bridges"] = bridges(arrays)
    if "uvp" in arrays:
        made["fig2_accuracy"] = accuracy(arrays)
    if "kl" in arrays and "w1" in arrays:
        made["fig3_identity"] = identities(arrays, cfg)
    if "gauss_s" in arrays:
        made["fig4_gaussians"] = gaussians(arrays, cfg)
    if "cost" in arrays and "sinkhorn" in arrays:
        made["fig5_cost"] = costs(arrays)
    return made


def bridges(arrays):
    """Paths from the same starts and with the same noise, one panel an eps."""
    caption = "Bridges from N(0, I) to the swiss roll, from six starts with the same noise."
    fig, axes = plot.figure(1, len(arrays["drawn"]), size=(11.0, 3.9), caption=caption)
    target = {"color": "0.75", "s": 6, "marker": ".", "label": "swiss roll"}
    for ax, eps, walked in zip(np.atleast_1d(axes), arrays["drawn"], arrays["paths"], strict=True):
        ax.scatter(*arrays["roll"].T, **target)
        for i, path in enumerate(walked.swapaxes(0, 1)):
            look = plot.style(i) | {"marker": "", "linestyle": "-", "linewidth": 0.9}
            ax.plot(*path.T, label=f"_path {i + 1}", **look)
        ends = (("start, t = 0", 0, "o"), ("end, t = 1", -1, "s"))
        for label, at, marker in ends:
            ax.scatter(*walked[at].T, color="black", marker=marker, s=22, zorder=4, label=label)
        ax.set(title=f"ε = {eps:g}", xlabel="x₁", ylabel="x₂", aspect="equal")
        ax.set(xlim=(-2.8, 2.8), ylim=(-2.8, 2.8))
    np.atleast_1d(axes)[0].legend(loc="upper right", fontsize=7)
    return fig


def accuracy(arrays):
    """cBW2-UVP of every seed beside that of the independent plan."""
    caption = "Distance of conditional plans on the regenerated benchmark; bars are medians."
    fig, ax = plot.figure(size=(7.5, 4.0), caption=caption)
    rows = [(i, j) for i in range(len(arrays["dim"])) for j in range(len(arrays["eps"]))]
    names = [f"D = {arrays['dim'][i]}\nε = {arrays['eps'][j]:g}" for i, j in rows]
    place = np.arange(len(rows))
    shown = (("trained plan", "uvp", -0.2), ("independent plan", "uvp_independent", 0.2))
    for n, (label, key, shift) in enumerate(shown):
        values = np.stack([arrays[key][:, i, j] for i, j in rows], axis=1)
        look = {"color": plot.style(n)["color"], "hatch": "/" * n, "alpha": 0.6}
        ax.bar(place + shift, np.median(values, axis=0), 0.38, label=label, **look)
        for s, row in enumerate(values):
            style = {"color": "black", "marker": ".", "s": 18, "zorder": 3}
            name = "seeds" if (n, s) == (0, 0) else f"_{label}, seed {s + 1}"
            ax.scatter(place + shift, row, label=name, **style)
    ax.axhline(1.0, **plot.LAW | {"label": "bound of lsb3"})
    ax.set_xticks(place, names)
    ax.set(yscale="log", ylabel="cBW²-UVP (%)", xlabel="dimension and ε")
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return fig


def identities(arrays, cfg):
    """Excess loss against KL along training; SDE against plan beside relabelled points."""
    caption = "Loss against KL along training, and the SDE's marginals against those of the plan."
    fig, (left, right) = plot.figure(1, 2, size=(10.5, 4.2), caption=caption)
    kl, excess = np.moveaxis(arrays["kl"][..., 0, :], -1, 0)  # [S, D, T, E]
    series = [(i, j) for i in range(len(arrays["dim"])) for j in range(len(arrays["eps"]))]
    for n, (i, j) in enumerate(series):
        shown = {"color": plot.style(n)["color"], "marker": plot.style(n)["marker"], "s": 18}
        label = f"D = {arrays['dim'][i]}, ε = {arrays['eps'][j]:g}"
        left.scatter(kl[:, i, :, j].ravel(), excess[:, i, :, j].ravel(), label=label, **shown)
    ends = np.array([kl[kl > 0].min(), kl.max()])
    plot.law(left, ends, ends, label="equal")
    left.set(xscale="log", yscale="log", xlabel="KL from pairs of the known plan (nats)")
    left.set_ylabel("excess loss, unpaired samples (nats)")
    z = (np.log(arrays["w1"]) - arrays["null_mean"]) / arrays["null_std"]
    for s, row in enumerate(z):
        style = plot.style(s) | {"linestyle": "", "markevery": 1}
        right.plot(np.arange(2) + 0.06 * (s - 2), row, label=f"seed {cfg.seeds[s]}", **style)
    right.axhline(2.33, **plot.LAW | {"label": "bound of lsb6"})
    right.set_xticks(range(2), HALF_AND_END)
    right.set(xlim=(-0.5, 1.5), xlabel="time of the bridge")
    right.set_ylabel("log sliced W1, in sd of relabelled points")
    left.legend()
    right.legend()
    return fig


def gaussians(arrays, cfg):
    """S over its closed form, and the excess of the expected loss."""
    caption = "Two Gaussians, one component: S over its closed form, and the loss over its least."
    fig, (left, right) = plot.figure(1, 2, caption=caption)
    eps, ratio = arrays["gauss_eps"], arrays["gauss_s"]
    for d in range(ratio.shape[2]):
        plot.band(left, eps, ratio[:, :, d], label=f"dimension {d + 1}", **plot.style(d))
    left.axhline(1.0, **plot.LAW | {"label": "closed form"})
    for i, bound in enumerate((0.98, 1.02)):
        label = "_bound of lsb1, upper" if i else "bound of lsb1"
        left.axhline(bound, color="0.6", linewidth=0.8, linestyle=":", label=label)
    plot.band(right, eps, arrays["gauss_gap"], label="trained", **plot.style(0))
    right.axhline(1e-3, color="0.6", linewidth=0.8, linestyle=":", label="bound of lsb1-gap")
    left.set(xscale="log", xlabel="ε", ylabel="S / closed form")
    right.set(xscale="log", yscale="log", xlabel="ε", ylabel="excess loss (nats)")
    left.legend()
    right.legend()
    return fig


def costs(arrays):
    """E|y - x|^2 over optimal transport, beside Sinkhorn's plans."""
    caption = "Cost of the plan over that of optimal transport: swiss roll."
    fig, ax = plot.figure(size=(6.4, 4.0), caption=caption)
    eps, transport = arrays["roll_eps"], arrays["assigned"].mean(1, keepdims=True)
    plot.band(ax, eps, arrays["cost"] / transport, label="trained plan", **plot.style(0))
    entropic = arrays["sinkhorn"] / arrays["sinkhorn_assigned"][:, None]
    plot.band(ax, eps, entropic, label="Sinkhorn between samples", **plot.style(1))
    ax.axhline(1.0, **plot.LAW | {"label": "optimal transport"})
    bound = {"color": "black", "marker": "_", "s": 160, "zorder": 4}
    ax.scatter(eps[:1], [1.12], label="bound of lsb5-ot", **bound)
    ax.set(xscale="log", yscale="log", xlabel="ε", ylabel="E|y − x|² / optimal transport")
    ax.legend()
    return fig
