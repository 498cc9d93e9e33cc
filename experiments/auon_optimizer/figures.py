"""The divisor and the unit ball; spectra and costs; rates and losses of trainings."""

import numpy as np

from common import plot, stats

from . import measure

NAMES = ("SGD", "AuON, code", "AuON, text", "hybrid, 1 step", "hybrid, 5 steps", "Muon", "AdamW")


def figures(arrays, cfg):
    """-> {name: Figure}"""
    return {
        "fig1_divisor": divisor(arrays, cfg),
        "fig2_spectra": spectra(arrays, cfg),
        "fig3_training": training(arrays, cfg),
    }


def divisor(arrays, cfg):
    """R - 1 against N; spectral norms against the momentum's norm."""
    caption = (
        "Left: the divisor R is 1 but for γ²/2N. Right: the update as the text has it lies in the"
        " spectral unit ball, as the code has it only for a small momentum."
    )
    fig, (left, right) = plot.figure(1, 2, caption=caption)
    entries = arrays["side"] ** 2.0
    plot.band(left, entries, arrays["excess"], label="R - 1", **plot.style(0, line=False), ls="")
    plot.law(left, entries, arrays["law"], label="γ² / 2N")
    largest = np.sqrt(1 + np.sinh(cfg.gamma) ** 2 / entries) - 1
    plot.law(left, entries, largest, label="all in one entry (largest)", linestyle=":")
    left.set(xscale="log", yscale="log", xlabel="entries N", ylabel="R - 1")
    kinds = ("Gaussian", "rank one")
    for i, form in enumerate(("text", "code")):
        for j, kind in enumerate(kinds):
            norms = arrays["ball"][:, 2 - i, j]
            plot.band(
                right, arrays["scale"], norms, label=f"{form}, {kind}", **plot.style(2 * i + j)
            )
    plot.law(right, arrays["scale"], np.ones(len(arrays["scale"])), label="unit ball")
    right.set(xscale="log", yscale="log")
    right.set(xlabel="Frobenius norm of the momentum", ylabel="spectral norm of the update")
    for ax in (left, right):
        ax.legend()
    return fig


def spectra(arrays, cfg):
    """Singular values over the largest; operations against the side."""
    caption = (
        "Left: singular values of updates over their largest; AuON leaves those of the momentum."
        " Right: operations of a direction of an n x n matrix; 5 Newton-Schulz steps take 30 n³."
    )
    fig, (left, right) = plot.figure(1, 2, caption=caption)
    values = arrays["spectra"] / arrays["spectra"][..., :1]
    at = np.arange(1, values.shape[-1] + 1)
    names = "momentum", "AuON, code", "AuON, text", "hybrid, 1 step", "Muon"
    for i, name in enumerate(names):
        plot.band(left, at, values[:, i], label=name, **plot.style(i))
    left.set(yscale="log", xlabel="number of the singular value", ylabel="over the largest")
    side = arrays["counted"].astype(float)
    for i, name in ((0, "AuON"), (1, "Muon")):
        plot.band(right, side, arrays["operations"][:, i], label=name, **plot.style(1 + 2 * i))
    plot.law(right, side, 30 * side**3, label="30 n³")
    plot.law(right, side, 23 * side**2, label="23 n²", linestyle=":")
    right.set(xscale="log", yscale="log", xlabel="side n", ylabel="operations")
    for ax in (left, right):
        ax.legend()
    return fig


def training(arrays, cfg):
    """Test loss over the grid of rates; over steps and at the end at each method's best rate."""
    edge = int(arrays["at_edge"].sum())
    caption = (
        "Test loss at the end over each method's grid of rates, in multiples of its middle; on the"
        " way at its best rate; at the end beside Muon's. On the grid's edge:"
        f" {edge} of {arrays['at_edge'].size} best rates."
    )
    fig, (left, middle, right) = plot.figure(1, 3, caption=caption)
    factors = np.array(cfg.factors)
    for i, name in enumerate(NAMES):
        plot.band(left, factors, arrays["test"][:, i, :, -1], label=name, **plot.style(i))
        curve = stats.taken(arrays["test"][:, i], arrays["chosen"][:, i])
        plot.band(middle, arrays["at"], curve, label=name, **plot.style(i))
        ratio = measure.at_best(arrays, i) / measure.at_best(arrays, measure.MUON)
        place = i + 0.3 * np.linspace(-1, 1, len(ratio))
        right.plot(place, ratio, label=name, **plot.style(i) | {"linestyle": "", "markevery": 1})
    left.set(xscale="log", yscale="log", xlabel="rate / middle of the grid")
    left.set(ylabel="test loss (nats)")
    middle.set(yscale="log", xlabel="step", ylabel="test loss at the best rate (nats)")
    plot.law(right, [-0.5, len(NAMES) - 0.5], [1.02, 1.02], label="2 % above Muon")
    right.set_xticks(range(len(NAMES)), NAMES, rotation=35, ha="right")
    right.set(ylabel="test loss over Muon's, every seed")
    left.legend()
    right.legend(handles=right.lines[-1:])
    return fig
