"""Collapse and what follows it; precision; perpendicular gradients; alignment and rescaling."""

import numpy as np

from common import plot, stats

from . import measure

BITS = (11, 24, 53)  # 1 + u rounds to 1 for u of half an ulp, 2^-BITS
PRECISIONS = ("half", "single", "double")
FLOOR = 2.0**-53  # where float64 sees a loss of 0
NAMES = ("float16", "float32", "float64")


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_collapse": collapse(arrays),
        "fig2_precision": precision(arrays),
        "fig3_perp": perpendicular(arrays),
        "fig4_scale": scale(arrays, cfg),
    }


def collapse(arrays):
    """Parity: accuracies, shares that are lost to rounding, what follows the checkpoint."""
    caption = (
        "Sparse parity. Cross-entropy in float32 fits, collapses and stays; StableMax learns, from"
        " the start and from the collapsed weights."
    )
    fig, (left, middle, right) = plot.figure(1, 3, caption=caption, size=(13, 3.8))
    curves = (
        ("cross-entropy, train", "plain_train"),
        ("cross-entropy, test", "plain_test"),
        ("StableMax, train", "remedy_train"),
        ("StableMax, test", "remedy_test"),
    )
    for i, (label, name) in enumerate(curves):
        at = arrays[name.split("_")[0] + "_at"]
        plot.band(left, at, arrays[name], label=label, **plot.style(i))
    left.set(xscale="log", xlabel="step", ylabel="accuracy", title="from random weights")
    middle_names = (("probability 1", "plain_full"), ("loss 0", "plain_zero"))
    for i, (label, name) in enumerate(middle_names):
        plot.band(middle, arrays["plain_at"], arrays[name], label=label, **plot.style(i))
    full = np.full(len(arrays["plain_at"]), measure.HALTED)
    plot.law(middle, arrays["plain_at"], full, label="collapse")
    middle.set(xscale="log", xlabel="step", ylabel="share of training examples")
    middle.set(title="cross-entropy: lost to rounding")
    for i, (label, name) in enumerate((("kept", "kept_test"), ("fresh", "reset_test"))):
        label = f"optimiser's state {label}"
        at = arrays[name.replace("test", "at")]
        plot.band(right, at, arrays[name], label=label, **plot.style(i))
    start = np.full(len(arrays["kept_at"]), np.median(arrays["kept_test"][:, 0]))
    plot.law(right, arrays["kept_at"], start, label="at collapse")
    right.set(xlabel="step after collapse", ylabel="test accuracy", title="StableMax from collapse")
    for ax in (left, middle, right):
        ax.legend()
    return fig


def precision(arrays):
    """Collapse in three precisions: share, and the lead from which on examples are lost."""
    caption = (
        "Addition modulo p. The more precise the loss, the later its collapse; examples are lost"
        " from a lead of ln 2^b on, b bits of the significand."
    )
    fig, (left, middle, right) = plot.figure(1, 3, caption=caption, size=(13, 3.8))
    for i, (name, label) in enumerate(zip(PRECISIONS, NAMES, strict=True)):
        at, full = arrays[f"{name}_at"], arrays[f"{name}_full"]
        plot.band(left, at, full, label=label, **plot.style(i))
    plot.law(left, at, np.full(len(at), measure.ONSET), label="onset")
    left.set(xscale="log", xlabel="step", ylabel="share with probability 1")
    plot.band(middle, BITS, measure.onsets(arrays), label="onset")
    middle.set(xlabel="bits of the significand", ylabel="step of the onset", yscale="log")
    lead = [
        stats.taken(arrays[f"{n}_edge"], measure.first(arrays[f"{n}_full"], measure.ONSET))
        for n in PRECISIONS
    ]
    plot.band(right, BITS, np.stack(lead, 1), label="at onset (else largest, at the end)")
    plot.law(right, BITS, np.log(2.0) * np.array(BITS), label="bits × ln 2")
    right.set(xlabel="bits of the significand", ylabel="lead of the largest logit")
    for ax in (middle, right):
        ax.set_xticks(BITS)
    for ax in (left, middle, right):
        ax.legend()
    return fig


def perpendicular(arrays):
    """Addition: training and test accuracy of three optimisers."""
    caption = (
        "Addition modulo p, cross-entropy in float32. With gradients perpendicular to the weights"
        " AdamW generalises while it fits, with weight decay later, with neither not at all."
    )
    fig, axes = plot.figure(1, 2, caption=caption)
    arms = (("perpendicular", "perp"), ("weight decay", "decay"), ("neither", "adam"))
    for ax, part, title in zip(axes, ("train", "test"), ("training", "test"), strict=True):
        for i, (label, arm) in enumerate(arms):
            curve = arrays[f"{arm}_{part}"]
            plot.band(ax, arrays[f"{arm}_at"], curve, label=label, **plot.style(i))
        at = arrays["decay_at"]
        plot.law(ax, at, np.full(len(at), measure.LEARNT), label="learnt")
        ax.set(xscale="log", xlabel="step", ylabel=f"{title} accuracy", ylim=(-0.03, 1.03))
        ax.legend(loc="upper left")
    return fig


def scale(arrays, cfg):
    """Cosine of descent and weights; loss after rescaling."""
    caption = (
        "Left: in float64 the descent points along the weights once the data are fitted. Right:"
        " rescaling the weights of a fitted network lowers its loss, in float64 to 0 (2^-53 here)."
    )
    fig, (left, right) = plot.figure(1, 2, caption=caption)
    at = arrays["double_at"]
    for i, (label, name) in enumerate((("cosine", "cosine"), ("training accuracy", "train"))):
        plot.band(left, at, arrays[f"double_{name}"], label=label, **plot.style(i))
    plot.law(left, at, np.zeros(len(at)), label="perpendicular")
    left.set(xscale="log", xlabel="step", ylabel="cosine with the weights, accuracy")
    scales = (1.0, *cfg.scales)
    loss = np.maximum(arrays["scaled_loss"], FLOOR)
    plot.band(right, scales, loss, label="scaled weights")
    level = np.full(len(scales), np.median(arrays["scaled_loss"][:, 0]))
    plot.law(right, scales, level, label="as trained")
    right.set(xlabel="factor on all weights", ylabel="training loss", yscale="log")
    for ax in (left, right):
        ax.legend()
    return fig
