"""Grokking beside its linearisation; the ladders of alpha and eps; the drop; delays."""

import numpy as np

from common import plot

from . import curves, measure

FLOOR = 1e-4  # of E y^2: below it nothing is decided


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_grokking": grokking(arrays),
        "fig2_scale": ladder(arrays, "alpha", "α", arrays["train"], arrays["test"]),
        "fig3_alignment": ladder(arrays, "eps", "ε", arrays["eps_train"], arrays["eps_test"]),
        "fig4_drop": drop(arrays, cfg),
        "fig5_delay": delays(arrays, cfg),
    }


def grokking(arrays):
    """Network and linearisation for the base alpha and the laziest; CKA of the moving kernel."""
    caption = (
        "Training and test loss of the centred network and of its linearisation: early on the same,"
        " later only the network generalises. The lazier, the longer they agree."
    )
    fig, axes = plot.figure(2, 2, caption=caption, size=(10, 6.4))
    for column, twin in enumerate((0, -1)):
        top, bottom = axes[:, column]
        names = (("network, train", "net_train"), ("network, test", "net_test"))
        names += (("linearised, train", "lin_train"), ("linearised, test", "lin_test"))
        for i, (name, key) in enumerate(names):
            loss = visible(arrays[key][:, twin])
            plot.band(top, arrays["at"], loss, label=name, **plot.style(i))
        final = np.median(arrays["regression"][:, twin]) / curves.POWER
        plot.law(top, arrays["at"], np.full(len(arrays["at"]), final), label="kernel regression")
        alpha = arrays["twin"][twin]
        top.set(title=f"α = {alpha:g}", ylabel="loss / E y²", yscale="log")
        top.legend()
        alignment = arrays["net_cka"][:, twin].astype(float)
        plot.band(bottom, arrays["at"], alignment, label="network")
        start = np.median(alignment[:, 0])
        plot.law(bottom, arrays["at"], np.full(len(arrays["at"]), start), label="initial kernel")
        bottom.set(xlabel="step", ylabel="kernel-task alignment (CKA)", ylim=(0, None))
        bottom.legend()
        for ax in (top, bottom):
            ax.set_xscale("log")
    return fig


def ladder(arrays, key, symbol, train, test):
    """Training and test loss for every value of one knob."""
    caption = f"Training and test loss over {symbol}; medians and ranges over seeds."
    fig, axes = plot.figure(1, 2, caption=caption)
    for ax, title, loss in zip(axes, ("training", "test"), (train, test), strict=True):
        for i, value in enumerate(arrays[key]):
            label = f"{symbol} = {value:g}"
            plot.band(ax, arrays["at"], visible(loss[:, i]), label=label, **plot.style(i))
        level = np.full(len(arrays["at"]), curves.LEARNT)
        plot.law(ax, arrays["at"], level, label="learnt")
        ax.set(xscale="log", yscale="log", xlabel="step", ylabel=f"{title} loss / E y²")
        ax.legend(loc="lower left")
    return fig


def drop(arrays, cfg):
    """The three terms of the test loss, and the alignment of the features, base case."""
    caption = (
        "Test loss of the base case in its three terms, and the alignment of the features: the"
        " variance term falls as the features turn to the task."
    )
    fig, (left, right) = plot.figure(1, 2, caption=caption)
    names = ("linear power", "square of the mean", "variance")
    for i, name in enumerate(names):
        term = visible(arrays["terms"][:, i])
        plot.band(left, arrays["at"], term, label=name, **plot.style(i))
    left.set(xscale="log", yscale="log", xlabel="step", ylabel="term of the test loss / E y²")
    left.legend(loc="lower left")
    for i, alpha in enumerate(arrays["alpha"]):
        aligned = arrays["align"][:, i].astype(float)
        plot.band(right, arrays["at"], aligned, label=f"α = {alpha:g}", **plot.style(i))
    full = np.full(len(arrays["at"]), cfg.dim)
    plot.law(right, arrays["at"], full, label="D, all along the task")
    right.set(xscale="log", yscale="log", xlabel="step", ylabel="alignment of the features")
    right.legend(loc="lower right")
    return fig


def delays(arrays, cfg):
    """Delay against alpha, in steps and as a ratio, and against the amount of data."""
    caption = (
        "Delay against the output scale and the amount of data; a run that is not over counts with"
        " its last step, a lower bound."
    )
    fig, (left, middle, right) = plot.figure(1, 3, caption=caption, size=(13, 3.6))
    alpha = arrays["alpha"][measure.LADDER]
    steps = measure.steps_by_scale(arrays)
    plot.band(left, alpha, steps, label="T_test - T_train")
    middle_of = np.median(steps[:, 1])
    plot.law(left, alpha, middle_of * alpha / alpha[1], label="proportional to α")
    left.set(xlabel="output scale α", ylabel="delay (steps)")
    plot.band(middle, alpha, measure.delay_by_scale(arrays), label="T_test / T_train")
    plot.law(middle, alpha, np.ones(len(alpha)), label="no delay")
    middle.set(xlabel="output scale α", ylabel="delay (ratio)")
    size = arrays["size"][measure.MORE]
    plot.band(right, size, measure.size_delays(arrays)[:, measure.MORE], label="T_test / T_train")
    plot.law(right, size, np.ones(len(size)), label="no delay")
    right.set(xlabel=f"examples P (D = {cfg.dim})", ylabel="delay (ratio)")
    for ax, values in ((left, alpha), (middle, alpha), (right, np.unique(size))):
        ax.set(xscale="log", yscale="log")
        ax.set_xticks(values, [f"{v:g}" for v in values])
        ax.set_xticks([], minor=True)
        ax.legend()
    return fig


def visible(loss):
    """Over E y^2, and not below the floor."""
    return np.maximum(loss.astype(float) / curves.POWER, FLOOR)
