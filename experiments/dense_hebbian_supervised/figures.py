"""Learning at low load, storage, diagrams of the equations, many classes, images."""

import numpy as np

from common import plot

NOISE = 6  # c_P of four-body interactions over distinct indices


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_learning": learning(arrays, cfg),
        "fig2_storage": storage(arrays, cfg),
        "fig3_phases": phases(arrays, cfg),
        "fig4_detection": detection(arrays, cfg),
    }


def learning(arrays, cfg):
    """Overlap by number of examples."""
    fig, ax = plot.figure(
        caption="Overlap with the archetype learned from M examples of quality r = 0.2, three"
        " classes: one curve for every P. Bands: seeds."
    )
    for i, P in enumerate(arrays["orders"]):
        look = plot.style(i) | {"markevery": 1}
        plot.band(ax, arrays["examples"], arrays["low"][:, i], label=f"P = {P}", **look)
    plot.law(ax, arrays["examples"], arrays["low_law"], label="erf(1/√(2ρ))")
    ax.set(xlabel="examples M", ylabel="overlap m")
    ax.legend()
    return fig


def storage(arrays, cfg):
    """Overlap by N at N^3 classes, and by rho beside the equations."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 3.9),
        caption="Left: K = γN³ patterns from themselves, P = 4: held below γ = 0.033, not above,"
        " not by plain powers, not by pairs. Right: noisy examples beside the equations.",
    )  # fmt: skip
    names = {"stored": f"γ = {cfg.stored:g}", "lost": f"γ = {cfg.lost:g}"}
    names |= {"plain": f"plain powers, γ = {cfg.stored:g}", "pair": f"P = 2, γ = {cfg.stored:g}"}
    for i, (key, name) in enumerate(names.items()):
        look = plot.style(i) | {"markevery": 1}
        plot.band(left, arrays["sizes"], arrays[key], label=name, **look)
    left.set(xlabel="spins N", ylabel="overlap m", ylim=(0, 1.02))
    pairs = (("noises", "noisy", "0.4 of the limit"), ("poor_noises", "poor", "γ = 0.01"))
    for i, (x, key, name) in enumerate(pairs):
        look = plot.style(i) | {"markevery": 1}
        plot.band(right, arrays[x], arrays[key], label=name, **look)
        plot.law(right, arrays[x], arrays[f"{key}_law"], label="equations" if i else "_equations")
    right.set(xlabel="dataset entropy ρ", ylabel="overlap m")
    for ax in (left, right):
        ax.legend(fontsize=8)
    return fig


def phases(arrays, cfg):
    """Overlap of the equations in (gamma, rho) at T = 0 and in (gamma, T) at rho = 0."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 4),
        caption="Overlap of the replica-symmetric equations, P = 4, distinct indices: at T = 0 with"
        " noisy examples, and at a temperature with perfect ones.",
    )  # fmt: skip
    panels = ((left, "phase", "rho", "dataset entropy ρ"), (right, "heat", "T", "temperature T"))
    for ax, key, y, label in panels:
        values = np.clip(arrays[key], 0, 1)
        shown = ax.pcolormesh(arrays["gamma"], arrays[y], values, cmap="viridis", vmin=0, vmax=1)
        ax.set(xlabel="load γ = K/N³", ylabel=label)
        ax.grid(visible=False)
        fig.colorbar(shown, ax=ax, label="overlap m")
        end = arrays["limit_law"][arrays["laws"] == 4][0] / NOISE
        ax.axvline(end, color="w", linestyle=":", label="closed form, ρ = 0, T = 0")
        ax.legend(fontsize=7, facecolor="0.4", labelcolor="w")
    return fig


def detection(arrays, cfg):
    """Noisy examples of many classes, and images."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 3.9),
        caption="Left: K = N/10 classes of noisy examples. Right: from a new image of a digit"
        " towards the sign of the digit's mean, by examples of each digit.",
    )  # fmt: skip
    for i, name in enumerate(("P = 2", "P = 4")):
        look = plot.style(i) | {"markevery": 1}
        plot.band(left, arrays["ultra_noises"], arrays["ultra"][:, i], label=name, **look)
        plot.band(right, arrays["shots"], arrays["digits"][:, i], label=name, **look)
    plot.law(left, arrays["ultra_noises"], arrays["ultra_law"], label="erf(1/√(2ρ))")
    left.set(xlabel="dataset entropy ρ", ylabel="overlap m", ylim=(0, 1.02))
    right.set(xscale="log", xlabel="examples of each digit", ylabel="overlap with the archetype")
    right.set_xticks(arrays["shots"], [str(x) for x in arrays["shots"]])
    right.xaxis.minorticks_off()
    for ax in (left, right):
        ax.legend(fontsize=8)
    return fig
