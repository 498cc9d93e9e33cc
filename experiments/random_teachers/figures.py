"""Probes along training; divergence and distances; gradients; gain over alpha; barriers."""

import numpy as np

from common import plot

from . import measure

POINTS = {"markevery": 1}
ZERO = 1e-7  # rounding of a divergence
DATA, PROBES = ("distilled on", "other"), ("ridge", "nearest neighbours")


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_probes": probes(arrays, cfg),
        "fig2_trajectory": trajectory(arrays, cfg),
        "fig3_gradient": gradient(arrays),
        "fig4_alpha": by_alpha(arrays),
        "fig5_barrier": barrier(arrays),
    }


def named(arrays):
    """Arm -> label."""
    return [*(f"α = {alpha:g}" for alpha in arrays["alpha"]), "noise images"]


def probes(arrays, cfg):
    """Gain over the teacher along training, for both probes and both data sets."""
    caption = (
        "Probe accuracy of students minus that of the teacher (dashed), medians and ranges over"
        " seeds. Noise images: Gaussian inputs, start near the teacher."
    )
    fig, axes = plot.figure(2, 2, caption=caption, size=(10, 7))
    names = cfg.dataset, cfg.transfer
    for row, (set_name, data) in enumerate(zip(names, (measure.HOME, measure.AWAY), strict=True)):
        for column, (name, ax) in enumerate(zip(PROBES, axes[row], strict=True)):
            found = 100 * measure.gains(arrays, column, data)
            for arm, label in enumerate(named(arrays)):
                plot.band(ax, arrays["epoch"], found[:, arm], label=label,
                          **plot.style(arm) | POINTS)  # fmt: skip
            teacher = arrays["accuracy"][:, measure.NEAR, 0, data, column].mean()
            plot.law(ax, arrays["epoch"], np.zeros(len(arrays["epoch"])), label="teacher")
            pixels = arrays["input"][data, column]
            ax.set(title=f"{set_name}, {name}: teacher {teacher:.2f}, pixels {pixels:.2f}",
                   xlabel="epoch of distillation", ylabel="gain (points)")  # fmt: skip
    handles = axes[0, 0].get_legend_handles_labels()
    fig.legend(*handles, loc="outside lower center", ncols=len(handles[0]))
    return fig


def trajectory(arrays, cfg):
    """KL from the teacher, distance of the encoder, and of its features."""
    caption = (
        "Left: KL from the teacher on test images; dashed: between independent networks, dotted:"
        " half of that, the bound. The student's outputs hardly leave the teacher's, its encoder"
        " and its features do."
    )
    fig, axes = plot.figure(1, 3, caption=caption, size=(13, 4))
    epoch = arrays["epoch"]
    for arm, label in enumerate(named(arrays)):
        look = plot.style(arm) | POINTS
        apart = arrays["kl"][:, arm].min(axis=0) > ZERO
        plot.band(axes[0], epoch[apart], arrays["kl"][:, arm, apart], label=label, **look)
        for ax, name in zip(axes[1:], ("moved", "drift"), strict=True):
            plot.band(ax, epoch, arrays[name][:, arm], label=label, **look)
    whole = np.full(len(epoch), measure.divergences(arrays)[:, 0].mean())
    plot.law(axes[0], epoch, whole, label="independent")
    axes[0].axhline(whole[0] / 2, color="0.4", linestyle=":", label="_half")
    axes[0].set(yscale="log", ylabel="KL from the teacher (nats)")
    axes[1].set(ylabel="encoder: |θ − θ_0| / |θ_0|")
    axes[2].set(ylabel="features: |e − e_0| / |e_0|")
    for ax in axes:
        ax.set(xlabel="epoch of distillation")
    axes[1].legend()
    return fig


def gradient(arrays):
    """Norm of the gradient at the start against alpha."""
    caption = (
        "Norm of the loss's gradient at the start, float64. It is proportional to α; at α = 0 only"
        " rounding is left."
    )
    fig, ax = plot.figure(caption=caption)
    alpha, norms = arrays["gradient_alpha"][1:], arrays["gradient"]
    plot.band(ax, alpha, norms[:, 1:], label="student",
              **plot.style(0) | POINTS | {"linestyle": ""})  # fmt: skip
    plot.law(ax, alpha, np.median(norms[:, 1]) * alpha / alpha[0], label="slope 1")
    rounding = max(np.median(norms[:, 0]), 1e-22)  # it may be 0
    ax.axhline(rounding, color="0.4", linestyle=":", label="α = 0")
    ax.set(xscale="log", yscale="log", xlabel="α", ylabel="norm of the gradient")
    ax.legend()
    return fig


def by_alpha(arrays):
    """Gain at the end over the teacher and over the student's own start."""
    caption = (
        "Gain of the ridge probe at the end against the start's distance from the teacher: over the"
        " teacher, and over the student's own start. Crosses: noise images (left of 0)."
    )
    fig, ax = plot.figure(caption=caption)
    gains = 100 * measure.gains(arrays)
    students = gains[:, : measure.NOISE]
    both = students[..., -1], students[..., -1] - students[..., 0]
    for i, (name, values) in enumerate(zip(("teacher", "own start"), both, strict=True)):
        plot.band(ax, arrays["alpha"], values, label=f"over {name}", **plot.style(i) | POINTS)
    noise = gains[:, measure.NOISE, -1]
    ax.plot(np.full(len(noise), -0.04), noise, "kx", label="noise images", **POINTS)
    plot.law(ax, arrays["alpha"], np.zeros(len(arrays["alpha"])), label="no gain")
    ax.set(xlabel="α", ylabel="gain (points)")
    ax.legend()
    return fig


def barrier(arrays):
    """Test loss between two supervised ends less the chord, from teacher and from student."""
    caption = (
        "Test loss along the line between two supervised trainings in different orders, less the"
        " chord between its ends."
    )
    fig, ax = plot.figure(caption=caption)
    at, losses = arrays["segment_at"], arrays["segment"]
    chord = (1 - at) * losses[..., :1] + at * losses[..., -1:]
    for i, name in enumerate(("from the teacher", "from the student")):
        plot.band(ax, at, (losses - chord)[:, i], label=name, **plot.style(i) | POINTS)
    plot.law(ax, at, np.zeros(len(at)), label="no barrier")
    ax.set(xlabel="place on the line", ylabel="test loss above the chord (nats)")
    ax.legend()
    return fig
