"""Four pictures: distances under noise, what is left of mean and variance, accuracies, spectra."""

import numpy as np

from common import plot

NAMES = ("affine-invariant", "log-Euclidean", "Bures–Wasserstein")
METHODS = ("no normalisation", "affine-invariant", "Bures–Wasserstein", "the same, M learned")


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1": distances(arrays, cfg),
        "fig2": layers(arrays, cfg),
        "fig3": accuracies(arrays, cfg),
        "fig4": spectra(arrays, cfg),
    }


def distances(arrays, cfg):
    """Distances moved against the condition number; the limit of the deformed metric."""
    fig, (noise, power) = plot.figure(
        1, 2, caption=f"Left: distance from X to X + {cfg.noise:g} I; the largest eigenvalue of X"
        " is 1. Right: the metric of powers of X and Y against its limit.",
    )  # fmt: skip
    condition = arrays["condition"]
    for i, name in enumerate(NAMES):
        look = plot.style(i) | {"markevery": 1}
        plot.band(noise, condition, arrays["moved"][..., i], label=name, **look)
    for i, label in ((0, "closed forms"), (2, "")):
        plot.law(noise, condition, arrays["moved_law"][0, :, i], label=label or "_")
    noise.set(xscale="log", yscale="log", xlabel="condition number of X", ylabel="distance moved")
    theta = arrays["power"]
    ratio = arrays["deformed"] / arrays["limit"][:, 1:]
    plot.band(power, theta, ratio, label="d²(X^θ, Y^θ) / θ²", **plot.style(2) | {"markevery": 1})
    plot.law(power, theta, np.ones(len(theta)), label="log-Euclidean d² / 4")
    power.set(xscale="log", xlabel="θ", ylabel="over its limit")
    for ax in (noise, power):
        ax.legend()
    return fig


def layers(arrays, cfg):
    """The mean after centring, the variance after scaling."""
    fig, (mean, variance) = plot.figure(
        1, 2, caption=f"Batches of {cfg.batch} matrices of side {cfg.size}: |mean − I| with"
        f" {cfg.first_steps} and {cfg.mean_steps} turns of its fixed point; the variance.",
    )  # fmt: skip
    condition, look = arrays["condition"], {"markevery": 1}
    for i, (key, turns) in enumerate((("first", cfg.first_steps), ("centred", cfg.mean_steps))):
        plot.band(mean, condition, arrays[key], label=f"turns: {turns}", **plot.style(i) | look)
    mean.set(yscale="log", ylabel="‖mean − I‖")
    label = f"variance about {'I' if cfg.variance_about == 'identity' else 'the mean'}"
    off = np.abs(1 - arrays["variance"])
    plot.band(variance, condition, off, label=label, **plot.style(2) | look)
    plot.law(variance, condition, np.full(len(condition), 1e-3), label="what is claimed")
    variance.set(yscale="log", ylabel="|1 − variance of the scaled batch / s²|")
    for ax in (mean, variance):
        ax.set(xscale="log", xlabel="condition number")
        ax.legend()
    return fig


def accuracies(arrays, cfg):
    """Accuracy against epochs at every level, and with powers theta."""
    levels = arrays["level"]
    fig, axes = plot.figure(
        1, len(levels) + 1, size=(3.6 * (len(levels) + 1), 3.4),
        caption="Test accuracy of SPD networks on Wishart classes whose common covariance has the"
        " condition number above; right: Bures–Wasserstein with powers θ, at the first of them.",
    )  # fmt: skip
    epoch = 1 + np.arange(arrays["accuracy"].shape[-1])
    for j, (ax, level) in enumerate(zip(axes, levels, strict=False)):
        for i, name in enumerate(METHODS):
            plot.band(ax, epoch, arrays["accuracy"][:, j, i], label=name, **plot.style(i))
        ax.set(title=f"condition {level:g}")
    plot.band(axes[-1], epoch, arrays["accuracy"][:, 0, 2], label="θ = 1", **plot.style(2))
    for i, theta in enumerate(arrays["theta"]):
        plot.band(
            axes[-1], epoch, arrays["powered"][:, i], label=f"θ = {theta:g}", **plot.style(i + 3)
        )
    axes[-1].set(title=f"powers, condition {levels[0]:g}")
    for ax in axes:
        ax.axhline(1 / cfg.classes, color="0.5", linestyle=":", label="chance")
        ax.set(xlabel="epoch", ylabel="test accuracy", ylim=(0, 1.02))
    axes[0].legend(fontsize=7)
    axes[-1].legend(fontsize=7)
    return fig


def spectra(arrays, cfg):
    """Eigenvalues of a batch before and after."""
    fig, ax = plot.figure(
        size=(6.5, 3.8),
        caption=f"Eigenvalues of {cfg.batch} matrices of condition {cfg.levels[0]:g} and random"
        " scale, by rank: the affine layer makes the whole spectrum 1 on average, the Bures layer"
        " its large end.",
    )
    rank = 1 + np.arange(arrays["spectrum"].shape[-1])
    for i, name in enumerate(("as drawn", "affine-invariant", "Bures–Wasserstein")):
        look = plot.style(i) | {"markevery": 1}
        plot.band(ax, rank, arrays["spectrum"][i], label=name, **look)
    ax.set(yscale="log", xlabel="rank of the eigenvalue, least first", ylabel="eigenvalue")
    ax.legend()
    return fig
