"""Figures, drawn from the arrays of any preset."""

import numpy as np

from common import plot

from . import measure

KINDS = ("trained net", "Gaussian theory")


def figures(arrays, cfg):
    """One figure a claim, of what the arrays hold."""
    drawn = {
        "fig1_rotation": ("turned", rotation),
        "fig2_painting": ("pictures", painting),
        "fig3_features": ("half_time", features),
        "fig4_kicks": ("gain", kicks),
        "fig5_denoisers": ("error", denoisers),
        "fig6_jumps": ("frechet", jumps),
    }
    return {name: draw(arrays, cfg) for name, (key, draw) in drawn.items() if key in arrays}


def rotation(arrays, cfg):
    caption = (
        "Trajectories in the plane of their two ends, the share of variance that components hold,"
        " and the error of x_t = α x_0 + σ x_T."
    )
    fig, axes = plot.figure(1, 3, size=(12.0, 3.8), caption=caption)
    for kind, name in enumerate(KINDS):
        for i, path in enumerate(arrays["turned"][kind]):
            style = plot.style(i) | {"linestyle": "-" if kind == 0 else (0, (2, 2)), "marker": ""}
            axes[0].plot(*path.T, label=f"path {i + 1}, {name}", **style)
        shares = arrays["explained"][:, kind]
        place = np.arange(2) + 0.4 * kind - 0.2
        middle = np.stack([1 - shares[:, 0], 1 - shares.sum(1)], 1)
        style = plot.style(kind, line=False)
        axes[1].bar(place, middle.mean(0), 0.4, label=name, color=style["color"], hatch="/" * kind)
        spread = np.abs(np.stack([middle.min(0), middle.max(0)]) - middle.mean(0))
        axes[1].errorbar(place, middle.mean(0), spread, fmt="none", color="0.2", label=f"_{name}")
        plot.band(
            axes[2], arrays["times"], arrays["rotation"][:, kind], label=name, **plot.style(kind)
        )
    axes[1].axhline(0.02, **plot.LAW | {"label": "bound of dp2"})
    axes[1].set_xticks([0, 1], ["PC 1", "PC 1 and 2"])
    axes[0].set(xlabel="along the noise $x_T$", ylabel="across it, towards the image")
    axes[1].set(yscale="log", ylabel="share of variance left out")
    axes[2].set(xlabel="t (noise at 1, data at 0)", ylabel="relative error of the rotation")
    axes[2].invert_xaxis()
    for ax in axes:
        ax.legend(fontsize=7)
    return fig


def painting(arrays, cfg):
    caption = "Endpoint estimates on the way from noise to image: outline, then details."
    pictures = arrays["pictures"]
    _, paths, _, size = pictures.shape
    channels = 3 if size % 3 == 0 else 1
    side = int(np.sqrt(size // channels))
    rows = [(path, kind) for path in range(paths) for kind in range(2)]
    fig, axes = plot.figure(len(rows), 1, size=(9.0, 1.05 * len(rows) + 0.4), caption=caption)
    for ax, (path, kind) in zip(axes, rows, strict=True):
        shots = np.clip(pictures[kind, path].reshape(-1, side, side, channels), -1, 1).mean(-1)
        framed = np.pad(shots, ((0, 0), (0, 0), (0, 1)), constant_values=-1.0)
        image = ax.imshow(np.concatenate(list(framed), 1), cmap="Greys", vmin=-1, vmax=1)
        image.set_label(f"path {path + 1}, {KINDS[kind]}")
        ax.set(yticks=[], xticks=[])
        ax.set_ylabel(f"{path + 1}: {('net', 'theory')[kind]}", rotation=0, ha="right", va="center")
    at = (np.arange(len(arrays["strip_times"])) + 0.5) * (side + 1) - 0.5
    axes[-1].set_xticks(at, [f"{t:.2f}" for t in arrays["strip_times"]])
    axes[-1].set_xlabel("t")
    return fig


def features(arrays, cfg):
    caption = (
        "Half-time of the endpoint estimate along a component against its variance; and how far"
        " the closed form is from an adaptive solve."
    )
    fig, axes = plot.figure(1, 2, size=(9.6, 3.8), caption=caption)
    found, order = arrays["half_time"], arrays["values"][: arrays["half_time"].shape[1]]
    plot.band(axes[0], order, found, label="trained net", **plot.style(0))
    plot.law(axes[0], order, arrays["half_predicted"][0], label="$ξ_k = ξ_k(0)/2$")
    axes[0].set(xscale="log", xlabel="variance $λ_k$", ylabel="half-time (commits earlier: higher)")
    names = ("VP, data", "VP, random", "VE, data", "VE, random")
    if "flow_solved" in arrays:
        apart = np.abs(arrays["flow_solved"] - arrays["flow_formula"]).max(-1)
        apart = apart / np.abs(arrays["flow_formula"]).max(-1)
        apart = apart.reshape(len(apart), 4, -1)
        for i, name in enumerate(names):
            style = plot.style(i) | {"markevery": 1}
            plot.band(axes[1], cfg.flow_to, apart[:, i], label=name, **style)
        axes[1].axhline(1e-5, **plot.LAW | {"label": "bound of dp1"})
        axes[1].set(yscale="log", xlabel="time t reached from T", ylabel="largest relative error")
        axes[1].invert_xaxis()
    for ax in axes:
        ax.legend()
    return fig


def kicks(arrays, cfg):
    caption = "Gain of a perturbation at time t along component k: measured, predicted."
    fig, axes = plot.figure(1, 3, size=(12.0, 3.6), caption=caption)
    found, predicted = arrays["gain"].mean(0), arrays["gain_theory"][0]
    top = max(found.max(), predicted.max())
    for ax, values, title in zip(axes, (found, predicted), KINDS, strict=False):
        image = ax.imshow(values.T, vmin=0, vmax=top, aspect="auto")
        image.set_label(f"gain, {title}")
        ax.set(title=title, xlabel="time of the perturbation", ylabel="component k")
        ax.set_xticks(range(len(cfg.kicks)), [f"{t:g}" for t in cfg.kicks])
        ax.set_yticks(range(len(cfg.kick_pcs)), [k + 1 for k in cfg.kick_pcs])
        fig.colorbar(image, ax=ax)
    for i, k in enumerate(cfg.kick_pcs):
        style = plot.style(i) | {"linestyle": "", "markevery": 1}
        axes[2].plot(predicted[:, i], found[:, i], label=f"k = {k + 1}", **style)
    plot.law(axes[2], [0, top], [0, top], label="equal")
    axes[2].set(xlabel="predicted gain", ylabel="measured gain")
    axes[2].legend(fontsize=7)
    return fig


def denoisers(arrays, cfg):
    caption = "Distance of three Gaussian denoisers from the trained one, against the noise level."
    fig, axes = plot.figure(1, 2, size=(9.6, 3.8), caption=caption)
    names, ratios = ("Gaussian", "isotropic", "mean alone"), arrays["ratios"]
    plain = arrays["error"][:, [measure.ISOTROPIC, measure.MEAN]].min(1)
    for i, name in enumerate(names):
        error = arrays["error"][:, i]
        plot.band(axes[0], ratios, error / arrays["departure"], label=name, **plot.style(i))
    size = arrays["error"][:, measure.GAUSSIAN] / arrays["size"]
    plot.band(axes[0], ratios, size, label="Gaussian, over |D|", **plot.style(3))
    gaussian = arrays["error"][:, measure.GAUSSIAN] / plain
    plot.band(axes[1], ratios, gaussian, label="Gaussian over the better of the others")
    axes[1].axvspan(*measure.CLAIMED, color="0.9", label="_claimed range")
    axes[1].axhline(0.6, **plot.LAW | {"label": "bound of dp5"})
    axes[0].set(ylabel="error over |D - μ|", yscale="log")
    axes[1].set(ylabel="ratio of errors", ylim=(0, None))
    for ax in axes:
        ax.set(xscale="log", xlabel="noise level σ/α")
        ax.legend()
    return fig


def jumps(arrays, cfg):
    caption = "The net takes over at t' from the closed form: distance to the full run, quality."
    fig, axes = plot.figure(1, 2, size=(9.6, 3.8), caption=caption)
    saved = 100 * (1 - arrays["jumps"])
    for i, name in enumerate(("Gaussian", "isotropic")):
        style = plot.style(i) | {"markevery": 1}
        plot.band(axes[0], saved, arrays["jump_distance"][:, i], label=name, **style)
    quality = arrays["frechet"][:, 1:] / arrays["frechet"][:, :1]
    plot.band(axes[1], saved, quality, label="Gaussian", **plot.style(0) | {"markevery": 1})
    axes[1].axhline(1.0, **plot.LAW | {"label": "full run"})
    axes[1].axhline(1.05, **plot.LAW | {"label": "bound of dp6-quality", "linestyle": ":"})
    axes[0].set(ylabel="mean distance to the full run's samples", yscale="log")
    axes[1].set(ylabel="Fréchet distance over that of the full run")
    for ax in axes:
        ax.set(xlabel="calls of the net saved (%)")
        ax.legend()
    return fig
