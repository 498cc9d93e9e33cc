"""Deviation against directions, flows in space and in time, variance ratio against shift."""

import numpy as np

from common import plot

from . import measure

NAMES = ("SW", "centring", "lower control", "upper control",
         "lower, sample's centre", "upper, sample's centre")  # fmt: skip
FLOWS = ("SW", "lower control", "upper control", "centring")
STYLES = (0, 2, 3, 1)  # of flows, by the styles of the estimates
ESTIMATES = (0, 2, 3, 1)
PAIRS = ("sphere and torus", "cube and helix")


def figures(arrays, cfg):
    """From any preset's arrays.  -> {name: Figure}"""
    return {
        "fig1_directions": directions(arrays, cfg),
        "fig2_snapshots": snapshots(arrays, cfg),
        "fig3_flow": flow(arrays, cfg),
        "fig4_shift": shift(arrays, cfg),
    }


def directions(arrays, cfg):
    """Standard deviation against L for three pairs."""
    fig, axes = plot.figure(
        1, 3, size=(10.5, 3.8),
        caption="Standard deviation of an estimate against its directions L; left and middle at a"
        " shift of one spread, right digits 0 and 1 as they are. Dashed: L^(−1/2).",
    )  # fmt: skip
    at = measure.one_spread(arrays)
    each = [arrays["variance"][:, p, :, at] for p in range(2)] + [
        arrays["digit_variance"][:, :, -1]
    ]
    size = arrays["sizes"]
    for ax, variance, title in zip(axes, each, (*PAIRS, "digits, d = 64"), strict=True):
        for i in ESTIMATES:
            plot.band(ax, size, np.sqrt(variance[:, i]), label=NAMES[i], **shown(i))
        first = np.sqrt(np.median(variance[:, 0, 0]))
        plot.law(ax, size, first * np.sqrt(size[0] / size), label="L^(−1/2)")
        ax.set(title=title, xscale="log", yscale="log", xlabel="directions L")
    axes[0].set_ylabel("standard deviation, spreads²")
    axes[2].set_ylabel("pixels²")
    axes[0].legend()
    return fig


def snapshots(arrays, cfg):
    """Clouds of the first seed on their way."""
    steps = [arrays["records"][int(s * (len(arrays["records"]) - 1))] for s in (0.3, 0.6, 0.8)]
    fig, axes = plot.figure(
        3, 3, size=(8.4, 7.2),
        caption="First and third coordinate of the flows of the first seed (blue) and their target"
        " (grey). All go the same way, a few steps apart.",
    )  # fmt: skip
    target = arrays["target"]
    for row, (method, label) in enumerate(zip(axes, FLOWS[:3], strict=True)):
        for k, ax in enumerate(method):
            ax.scatter(target[:, 0], target[:, 2], s=8, color="0.6", marker="s", label="target")
            x = arrays["snapshot"][row, k]
            ax.scatter(x[:, 0], x[:, 2], s=8, color=plot.COLOURS[0], label="flow")
            ax.set(title=f"{label}, step {steps[k]}")
    for ax in axes[-1]:
        ax.set_xlabel("x₁")
    for ax in axes[:, 0]:
        ax.set_ylabel("x₃")
    axes[0, 0].legend()
    return fig


def flow(arrays, cfg):
    """Exact W_2^2 in time, and over that of plain SW."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9.6, 3.9),
        caption=f"Exact W₂² of the flows, L = {cfg.directions}, median and range of seeds; right"
        " (late steps): over plain SW of the same seed, mean and deviation of the logarithm.",
    )  # fmt: skip
    step, exact = arrays["records"], arrays["exact"]
    for i, label in enumerate(FLOWS):
        plot.band(left, step, exact[:, i], label=label, **shown(STYLES[i]))
    for i in (1, 2, 3):
        log = np.log(exact[:, i] / exact[:, 0])
        mean, spread = log.mean(axis=0), log.std(axis=0)
        look = shown(STYLES[i])
        right.plot(step, np.exp(mean), label=FLOWS[i], **look)
        ends = np.exp(mean - spread), np.exp(mean + spread)
        right.fill_between(step, *ends, color=look["color"], alpha=0.15, linewidth=0)
    plot.law(right, step, 1.0 + 0 * step, label="no difference")
    left.set(yscale="log", xlabel="step", ylabel="W₂²")
    right.set(xlabel="step", ylabel="W₂² over that of SW", ylim=(0, 2))
    right.set_xlim(left=0.4 * step[-1])  # before that nothing is to be seen
    left.legend(loc="lower left")
    right.legend(loc="lower left")
    return fig


def shift(arrays, cfg):
    """Variance ratio against the shift, two pairs."""
    fig, axes = plot.figure(
        1, 2, size=(10, 4.2),
        caption="Variance over that of plain SW at L = 100 against the distance of the means;"
        " median and range of seeds; the first point is no shift. Dashed: the floor 15 / L².",
    )  # fmt: skip
    shifts, size = arrays["shifts"], arrays["sizes"][measure.main(arrays)]
    least = shifts[shifts > 0].min() if (shifts > 0).any() else 1.0
    x = np.where(shifts > 0, shifts, least / 3)
    for p, (ax, title) in enumerate(zip(axes, PAIRS, strict=True)):
        for i in (2, 3, 4, 5, 1):
            y = measure.ratio(arrays, i)[:, p]
            plot.band(ax, x, y, label=NAMES[i], **shown(i))
        plot.law(ax, x, 15.0 / size**2 + 0 * x, label="15 / L²")
        ax.set(title=title, xscale="log", yscale="log", xlabel="distance of the means / spread")
        ax.set_ylim(bottom=1e-5)
    axes[0].set_ylabel("Var Z / Var of SW")
    axes[0].legend(loc="lower left")
    return fig


def shown(i):
    """The look of an estimate in every figure, with all of its markers."""
    return plot.style(i) | {"markevery": 1}
