"""The glass, storage, and networks."""

import numpy as np

from common import plot

from . import measure


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_glass": glass(arrays, cfg),
        "fig2_storage": storage(arrays, cfg),
        "fig3_networks": networks(arrays, cfg),
    }


def glass(arrays, cfg):
    """Ground states by P, and where breaking becomes an advantage."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 3.9),
        caption="The P-spin glass, J = 1. Left: energy at T = 0 with one step of breaking and"
        " without. Right: gain of breaking at x = 1 about its transition, P = 4.",
    )  # fmt: skip
    P = arrays["orders"]
    for i, (key, name) in enumerate((("ground", "one step"), ("symmetric", "none"))):
        left.plot(P, arrays[key], label=name, **plot.style(i) | {"markevery": 1})
    left.axhline(-np.sqrt(np.log(2)), color="0.4", linestyle=":", label="−√log 2, P → ∞")
    left.set(xlabel="P", ylabel="energy a spin / J", xticks=P)
    place = list(P).index(4)
    for i, factor in enumerate((0.97, 1.0, 1.03)):
        T = factor * arrays["transition"][place]
        curve = arrays["advantage"][place, i]
        right.plot(arrays["q"], curve, label=f"T = {T:.3f} J", **plot.style(i))
    right.axhline(0, color="0.4", linestyle=":", label="_zero")
    right.set(xlabel="q₁", ylabel="∂(−βf)/∂x at x = 1", ylim=(-0.03, 0.03))
    for ax in (left, right):
        ax.legend(fontsize=8)
    return fig


def storage(arrays, cfg):
    """Energies of pattern and glass by load, and the overlap."""
    fig, axes = plot.figure(
        1, 2 * len(arrays["even"]), size=(4.6 * 2 * len(arrays["even"]), 3.8),
        caption="Energies of a pattern and of the glass by load: they cross at the storage limit,"
        " far later with breaking. Overlaps: without breaking, and with, at its maximum over βx.",
    )  # fmt: skip
    load, D = arrays["load"], arrays["inverse"]
    for k, P in enumerate(arrays["even"]):
        energies, overlaps = axes[2 * k : 2 * k + 2]
        own = measure.best(arrays["broken"][k], arrays["broken_q"][k])
        held = np.where(arrays["held"][k] < 0, arrays["held"][k], np.nan)
        curves = {"pattern, none": held, "pattern, one step": np.where(own < 0, own, np.nan)}
        curves |= {"glass, none": arrays["lost"][k], "glass, one step": arrays["lost_broken"][k]}
        for i, (name, curve) in enumerate(curves.items()):
            energies.plot(load, curve, label=name, **plot.style(i))
        for limit in measure.limits(arrays)[k]:
            energies.axvline(limit, color="0.4", linestyle=":", label=f"_limit {limit:.3f}")
        energies.set(xlabel="load Γ", ylabel="energy a spin", title=f"P = {P}")
        top = np.where(arrays["broken_q"][k] < measure.NEAR, arrays["broken"][k], -np.inf).argmax(
            -1
        )
        m = np.take_along_axis(arrays["broken_overlap"][k], top[:, None], -1)[:, 0]
        overlaps.plot(load, arrays["overlap"][k], label="none", **plot.style(0))
        overlaps.plot(load, m, label=f"one step, βx ≤ {D[-1]:g}", **plot.style(1))
        overlaps.set(xlabel="load Γ", ylabel="overlap m", title=f"P = {P}", ylim=(0, 1.02))
        for ax in (energies, overlaps):
            ax.legend(fontsize=7)
    return fig


def networks(arrays, cfg):
    """Overlaps at T = 0 beside the laws without a soft part."""
    fig, ax = plot.figure(
        caption="Networks at T = 0 from a pattern beside the law without a soft part: P = 4 by its"
        " load, and P = 2 at K = N/5, where the law fails. Bands and bars: seeds."
    )
    Gamma = 6 * arrays["gammas"]
    plot.band(ax, Gamma, arrays["dense"], label="P = 4", **plot.style(0) | {"markevery": 1})
    line = np.linspace(Gamma[0] / 2, 0.25, 80)
    plot.law(ax, line, [measure.law(g / 6) for g in line], label="law, P = 4")
    load, seen = float(arrays["pair_load"]), arrays["pair"]
    middle = np.median(seen)
    spread = [[middle - seen.min()], [seen.max() - middle]]
    ax.errorbar(
        [load], [middle], yerr=spread, label="P = 2", **plot.style(1, line=False), linestyle=""
    )
    ax.plot([load], [measure.pair_law(load)], "k_", markersize=14, label="law, P = 2")
    ax.set(xlabel="load: Γ = 6K/N³, or K/N", ylabel="overlap m", ylim=(0, 1.05))
    ax.legend(fontsize=8)
    return fig
