"""Three pictures: symmetric descent at several widths, rates over alpha, re-balancing."""

import numpy as np

from common import plot

from . import measure

FLOOR = 1e-30  # below it float64 shows nothing


def figures(arrays, cfg):
    """Squared errors against steps, from any preset's arrays.  -> {name: Figure}"""
    return {
        "fig1": symmetric(arrays, cfg),
        "fig2": imbalanced(arrays, cfg),
        "fig3": rebalanced(arrays, cfg),
    }


def symmetric(arrays, cfg):
    """k = r, and two widths above it, log-log: m = infinity and measured."""
    fig, axes = plot.figure(
        1,
        2,
        caption="Symmetric descent: one spare column turns linear convergence into 1/T². Dashed:"
        " the law (k - r) / (4 η² t²) of m = ∞, which the starting scale does not enter.",
    )
    steps, m = arrays["steps"], cfg.measurements[0]
    panels = (("m = ∞", arrays["population"]), (f"m = {m}", arrays["sensing"][0]))
    for ax, (title, error) in zip(axes, panels, strict=True):
        for i, spare in enumerate(arrays["spare"]):
            name = "k = r" if spare == 0 else f"k = r + {spare}"
            plot.band(ax, steps, visible(error[:, i]), label=name, **plot.style(i))
            if spare:
                plot.law(
                    ax, steps, measure.law(steps, spare, cfg.lr), label=f"law, k = r + {spare}"
                )
        ax.set(title=title, xscale="log", xlabel="step t")
        decorate(ax)
    few = arrays["sensing"][-1][:, measure.SPARE]
    name = f"m = {cfg.measurements[-1]}, k = r + {arrays['spare'][measure.SPARE]}"
    if len(cfg.measurements) > 1:
        plot.band(axes[1], steps, visible(few), label=name, **plot.style(4))
    conditioned = visible(arrays["sensing_kappa"][0])
    plot.band(axes[1], steps, conditioned, label=f"same k, κ = {cfg.kappa:g}", **plot.style(5))
    for ax in axes:
        ax.legend()
    return fig


def imbalanced(arrays, cfg):
    """Asymmetric descent over alpha, and its rates against alpha squared."""
    fig, (curves, rates) = plot.figure(
        1,
        2,
        caption="Asymmetric descent from an imbalanced start converges linearly, at a rate"
        " proportional to the square of the initial scale α.",
    )
    for i, alpha in enumerate(arrays["alpha"]):
        error = visible(arrays["asym"][:, i])
        plot.band(curves, arrays["steps"], error, label=f"α = {alpha:g}", **plot.style(i))
    spared = visible(arrays["sensing"][0][:, measure.SPARE])
    name = f"symmetric, k = r + {arrays['spare'][measure.SPARE]}"
    plot.band(curves, arrays["steps"], spared, label=name, **plot.style(6))
    curves.set(title=f"m = {cfg.measurements[0]}, k = r + {cfg.spare}", xlabel="step t")
    decorate(curves)

    squares = arrays["alpha"] ** 2
    cases = (
        ("m = ∞", "asym_population"),
        (f"m = {cfg.measurements[0]}", "asym"),
        (f"m = {cfg.measurements[0]}, κ = {cfg.kappa:g}", "asym_kappa"),
    )
    for i, (name, key) in enumerate(cases):
        value = measure.rate(arrays["steps"], arrays[key])
        plot.band(rates, squares[: value.shape[1]], value, label=name, **plot.style(i))
        slope_one = np.median(value[:, 0]) * squares / squares[0]
        plot.law(rates, squares, slope_one, label="proportional to α²" if i == 0 else "_law")
    rates.set(title="rate of the squared error", xscale="log", yscale="log")
    rates.set(xlabel="α²", ylabel="rate per step")
    curves.set_ylim(FLOOR, 1e9)  # room for the legend
    curves.legend(ncols=2, loc="upper right")
    rates.legend()
    return fig


def rebalanced(arrays, cfg):
    """Plain descent and descent re-balanced once, for every alpha."""
    fig, ax = plot.figure(
        size=(7.0, 4.2),
        caption="One re-balancing step (vertical line) makes the rate independent of α and of the"
        " order of the exact width's.",
    )
    steps = arrays["steps"][: arrays["switched"].shape[-1]]
    for i, alpha in enumerate(arrays["alpha"]):
        look = plot.style(i)
        plain = visible(arrays["asym"][:, i, : len(steps)])
        plot.band(ax, steps, visible(arrays["switched"][:, i]), label=f"α = {alpha:g}", **look)
        plot.band(ax, steps, plain, label=f"α = {alpha:g}, plain", alpha=0.5, **look)
    exact = visible(arrays["asym_exact"][:, : len(steps)])
    plot.band(ax, steps, exact, label=f"k = r, α = {arrays['alpha'][1]:g}, plain", **plot.style(6))
    ax.axvline(cfg.switch, color="0.4", linestyle=":", label="re-balancing")
    ax.set(title=f"m = {cfg.measurements[0]}, k = r + {cfg.spare}", xlabel="step t")
    decorate(ax)
    ax.legend(ncols=2)
    return fig


def visible(error):
    return np.maximum(error, FLOOR)


def decorate(ax):
    ax.set(yscale="log", ylim=(FLOOR, 30), ylabel="squared error ‖·‖²_F")
