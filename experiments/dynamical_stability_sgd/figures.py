"""Minima against learning rate, thresholds against batch, the trace in time.

A point is a run that converged, a line the median over seeds.
"""

import numpy as np

from common import plot

from . import measure

FLOOR = 1e-32  # of the loss: below it float64 shows nothing


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_stability": stability(arrays),
        "fig2_regularisation": regularisation(arrays),
        "fig3_thresholds": thresholds(arrays),
        "fig4_time": time(arrays, cfg),
        "fig5_relu": relu(arrays, cfg),
    }


def runs(ax, arrays, arm, values, *, label, i):
    """Converged runs as points over the learning rate, their median over seeds as a line."""
    lr, ok = arrays[arm + "lr"], measure.converged(arrays, arm)
    label = f"{label} ({ok.sum()} of {ok.size} runs converged)"
    seen = [np.median(v[o]) if o.any() else np.nan for v, o in zip(values.T, ok.T, strict=True)]
    ax.plot(lr, seen, label=label, **plot.style(i) | {"markevery": 1})
    everywhere = np.broadcast_to(lr, values.shape)
    ax.scatter(everywhere[ok], values[ok], s=9, alpha=0.5, color=plot.style(i)["color"],
               marker=plot.style(i)["marker"], label=f"_{label}, every run")  # fmt: skip


def over_rates(ax, arrays, arms, ylabel, *, law=None, yscale="log"):
    """What all panels over learning rates share; law: a function of lr and its label."""
    lr = np.unique(np.concatenate([arrays[arm + "lr"] for arm in arms]))
    if law is not None:
        plot.law(ax, lr, law[0](lr), label=law[1])
    ax.set(xscale="log", yscale=yscale, xlabel="learning rate η", ylabel=ylabel)
    ax.set_xlim(0.9 * lr.min(), 1.1 * lr.max())  # also where no run converged
    ax.legend(loc="best")


def two_over(lr):
    return 2 / lr


def stability(arrays):
    """tr H and lambda_max at the minima of SGD and of gradient descent."""
    caption = (
        "Diagonal network: SGD ends where tr H is below 2/η, gradient descent where only λ_max is."
    )
    fig, (left, right) = plot.figure(1, 2, caption=caption)
    for i, (arm, name) in enumerate((("", "SGD"), ("gd_", "GD"))):
        runs(left, arrays, arm, measure.end_trace(arrays, arm), label=name, i=i)
        runs(right, arrays, arm, arrays[arm + "sharpness"], label=name, i=i)
    over_rates(left, arrays, ("", "gd_"), "tr H", law=(two_over, "2/η"))
    over_rates(right, arrays, ("", "gd_"), "λ_max(H)", law=(two_over, "2/η"))
    return fig


def regularisation(arrays):
    """Test error and l1 norm at the minima."""
    caption = "Diagonal network, sparse truth: larger learning rates regularise SGD, not GD."
    fig, (left, right) = plot.figure(1, 2, caption=caption)
    for i, (arm, name) in enumerate((("", "SGD"), ("gd_", "GD"))):
        runs(left, arrays, arm, arrays[arm + "error"], label=name, i=i)
        runs(right, arrays, arm, arrays[arm + "norm"], label=name, i=i)
    over_rates(left, arrays, ("", "gd_"), "expected squared test error", yscale="linear")
    bound = (lambda lr: 1 / (2 * lr), "1/(2η)")
    over_rates(right, arrays, ("", "gd_"), "‖β‖₁", law=bound, yscale="linear")
    top = 1.6 * arrays["gd_norm"].max()
    left.set_ylim(0, 1.5 * arrays["gd_error"].max())
    right.set_ylim(0, top)
    return fig


def thresholds(arrays):
    """lr* tr H over the batch size: mean and range of random draws, and the orthogonal case."""
    caption = (
        "Exact mean-square thresholds: trace bound at B = 1, that of gradient descent for B → ∞."
    )
    fig, ax = plot.figure(caption=caption, size=(6.4, 4.2))
    order = np.argsort(arrays["batch"], kind="stable")
    batch = arrays["batch"][order]
    product = (arrays["random_threshold"] * arrays["random_trace"][..., None])[..., order]
    draws, tight = product[:, : measure.TIGHT], product[:, measure.TIGHT]
    plot.band(ax, batch, draws.reshape(-1, len(batch)), label="random gradients, range",
              **plot.style(0) | {"markevery": 1})  # fmt: skip
    plot.band(ax, batch, tight, label="orthogonal, equal norms",
              **plot.style(1) | {"markevery": 1})  # fmt: skip
    plot.law(ax, batch, np.full(len(batch), 2.0), label="bound 2 of B = 1")
    full = np.median(2 * arrays["random_trace"] / arrays["random_sharpness"])
    plot.law(ax, batch, np.full(len(batch), full), label="2 tr H / λ_max, median draw",
             linestyle=":")  # fmt: skip
    ax.set(xscale="log", yscale="log", xlabel="batch size B", ylabel="η* tr H")
    ax.legend()
    return fig


def time(arrays, cfg):
    """tr H and loss of SGD on the ReLU network in time, at the smallest, a middle and the largest
    rate; dashed in the same colour, 2 / lr of the moment."""
    caption = "Two-layer ReLU network: as the learning rate η grows the trace stays below 2/η."
    fig, (left, right) = plot.figure(1, 2, caption=caption)
    lr, steps = arrays["relu_lr"], arrays["relu_steps"]
    x = steps / 1000
    for i, j in enumerate((0, len(lr) // 2, len(lr) - 1)):
        label, look = f"η = {lr[j]:g}", plot.style(i)
        now = lr[0] + (lr[j] - lr[0]) * np.minimum(1, steps / max(cfg.relu_ramp, 1))
        plot.band(left, x, arrays["relu_trace"][:, j], label=label, **look)
        plot.law(left, x, 2 / now, label=f"2/η, to {lr[j]:g}", color=look["color"])
        visible = np.maximum(arrays["relu_loss"][:, j], FLOOR)
        plot.band(right, x, visible, label=label, **look)
    left.set(yscale="log", xlabel="thousands of steps", ylabel="tr H")
    right.set(yscale="log", xlabel="thousands of steps", ylabel="training loss")
    plot.law(right, x, np.full(len(x), measure.CONVERGED), label="converged")
    left.set_ylim(top=2.2 * 2 / lr[0])  # room for the legend
    left.legend(ncols=3, loc="upper center")
    right.legend()
    return fig


def relu(arrays, cfg):
    """Trace, path norm and test error of the two-layer ReLU network."""
    caption = "Two-layer ReLU network: larger learning rates, smaller trace, path norm and error."
    fig, axes = plot.figure(1, 3, caption=caption, size=(12.5, 3.8))
    shown = (
        ("tr H", measure.end_trace(arrays, "relu_"), two_over, "2/η"),
        ("path norm", arrays["relu_norm"], lambda lr: 2 / (lr * cfg.relu_inputs**0.5), "2/(η√d)"),
        ("test error / mean square of targets", arrays["relu_error"], None, ""),
    )
    for ax, (name, values, law, text) in zip(axes, shown, strict=True):
        runs(ax, arrays, "relu_", values, label="SGD", i=0)
        law = None if law is None else (law, text)
        over_rates(ax, arrays, ("relu_",), name, law=law, yscale="log" if law else "linear")
    return fig
