"""Errors by what is added, floors, fresh masks, inner solvers, costs, and how much must be seen."""

import numpy as np

from common import plot

from . import measure

SOLVERS = ("exact solves", "few steps", "one step")


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_errors": errors(arrays, cfg),
        "fig2_floors": floors(arrays, cfg),
        "fig3_fresh": fresh(arrays, cfg),
        "fig4_inner": inner(arrays, cfg),
        "fig5_costs": costs(arrays, cfg),
        "fig6_threshold": threshold(arrays, cfg),
    }


def errors(arrays, cfg):
    """Error, principal angle and longest row by sweep."""
    fig, (left, middle, right) = plot.figure(
        1, 3, size=(12.5, 3.8),
        caption="Errors in the solves, in units of what an exact solve would leave: the rate is the"
        " same up to one half of it, unless they point along it. Bands: seeds.",
    )  # fmt: skip
    sweep = counts(arrays["error"])
    names = [f"random, {e:g}" if e else "exact" for e in arrays["relative"]]
    names += [f"along, {float(arrays['aligned']):g}"]
    for i, name in enumerate(names):
        plot.band(left, sweep, arrays["error"][:, i], label=name, **plot.style(i))
        if i in (0, measure.MODERATE, len(names) - 2):
            plot.band(middle, sweep, arrays["distance"][:, i], label=name, **plot.style(i))
            plot.band(right, sweep, arrays["row"][:, i], label=name, **plot.style(i))
    left.set(yscale="log", ylabel="‖XWᵀ − M‖ / ‖M‖")
    middle.set(yscale="log", ylabel="sine of the largest principal angle")
    right.set(ylabel="longest row of X · √(n/k)")
    for ax in (left, middle, right):
        ax.set_xlabel("sweep")
        ax.legend(fontsize=7)
    return fig


def counts(curves):
    """1, 2, … as many as there are sweeps."""
    return np.arange(1, curves.shape[-1] + 1)


def floors(arrays, cfg):
    """Curves with errors of fixed size, and where they end."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9, 3.8),
        caption="Errors of a fixed size δ‖M‖ in every solve: the error ends in proportion to δ.",
    )  # fmt: skip
    first = len(arrays["relative"]) + 1
    for i, delta in enumerate(arrays["fixed"]):
        curve = arrays["error"][:, first + i]
        plot.band(left, counts(curve), curve, label=f"δ = {delta:g}", **plot.style(i))
    left.set(yscale="log", xlabel="sweep", ylabel="‖XWᵀ − M‖ / ‖M‖")
    last = arrays["error"][:, first:, -1]
    plot.band(right, arrays["fixed"], last, label="last error", **plot.style(0) | {"markevery": 1})
    plot.law(right, arrays["fixed"], np.sqrt(2) * arrays["fixed"], label="√2 δ")
    right.set(xscale="log", yscale="log", xlabel="δ", ylabel="error after the last sweep")
    for ax in (left, right):
        ax.legend(fontsize=7)
    return fig


def fresh(arrays, cfg):
    """Errors on fresh masks beside one mask and the law."""
    fig, ax = plot.figure(
        caption="Masks drawn anew in every half step, as the analysis has it, and one mask in all"
        " of them: entries that are seen again teach less."
    )
    new, old = arrays["fresh"], arrays["error"][:, 0]
    plot.band(ax, counts(new), new, label="fresh masks", **plot.style(0))
    shown = old[:, : 2 * new.shape[1]]
    plot.band(ax, counts(shown), shown, label="one mask", **plot.style(1))
    fall = arrays["law"] ** (2.0 * np.arange(new.shape[1]))
    plot.law(ax, counts(new), np.median(new[:, 0]) * fall, label="(1 − p)(k + 2)/(pn) a sweep")
    ax.set(yscale="log", xlabel="sweep", ylabel="‖XWᵀ − M‖ / ‖M‖")
    ax.legend()
    return fig


def inner(arrays, cfg):
    """Errors by sweep for every number of inner steps."""
    fig, axes = plot.figure(
        1, 3, size=(12.5, 3.8),
        caption="Conjugate gradients in place of exact solves: from the last solution two steps are"
        " enough; from zero two and three stall; a sketch as preconditioner changes little.",
    )  # fmt: skip
    arms = {
        "from the last solution": zip(arrays["steps"], arrays["inner"].swapaxes(0, 1), strict=True),
        "from zero": zip(arrays["cold_steps"], arrays["cold"].swapaxes(0, 1), strict=True),
    }
    for ax, (title, each) in zip(axes, arms.items(), strict=False):
        for i, (steps, curve) in enumerate(each):
            plot.band(ax, counts(curve), curve, label=f"{steps} steps", **plot.style(i))
        ax.set_title(title)
    curve = arrays["sketched"]
    name = f"{cfg.sketched_steps} steps, {cfg.sketch_rows} k rows"
    plot.band(axes[2], counts(curve), curve, label=name, **plot.style(1))
    axes[2].set_title("from the last solution, with a sketch")
    exact = np.median(arrays["error"][:, 0], axis=0)
    for ax in axes:
        plot.law(ax, counts(exact), exact, label="exact")
        ax.set(yscale="log", xlabel="sweep", ylabel="‖XWᵀ − M‖ / ‖M‖")
        ax.set_ylim(exact.min() / 3, 2)
        ax.legend(fontsize=7)
    return fig


def costs(arrays, cfg):
    """Multiplications of a sweep against k."""
    fig, ax = plot.figure(
        caption="Multiplications of one sweep, counted from the entries seen: |Ω|k for two steps of"
        " conjugate gradients, |Ω|k² for normal equations."
    )
    k = arrays["ranks"]
    for i, name in enumerate(("conjugate gradients", "normal equations")):
        look = plot.style(i) | {"markevery": 1}
        plot.band(ax, k, arrays["counted"][:, i], label=name, **look)
        start = np.median(arrays["counted"][:, i, 0])
        dots = "--" if i else ":"
        law = start * (k / k[0]) ** (i + 1)
        plot.law(ax, k, law, label=f"slope {i + 1}", linestyle=dots)
    ax.set(xscale="log", yscale="log", xlabel="rank k", ylabel="multiplications a sweep")
    ax.set_xticks(k, [str(x) for x in k])
    ax.xaxis.minorticks_off()
    ax.legend()
    return fig


def threshold(arrays, cfg):
    """Share of instances completed against p n / k, and what the others end with."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9, 3.8),
        caption="Instances completed (error below 1e-2) by how much is seen; medians of the last"
        " error: below the threshold few steps regularise, and complete no better.",
    )  # fmt: skip
    ratios, share = arrays["ratios"], measure.success(arrays)
    final = np.median(arrays["final"], axis=-1)
    for i, name in enumerate(SOLVERS):
        look = plot.style(i) | {"markevery": 1}
        plot.band(left, ratios, share[:, i], label=name, **look)
        plot.band(right, ratios, final[:, i], label=name, **look)
    left.axhline(0.5, color="0.4", linestyle=":", label="half")
    right.axhline(measure.ENOUGH, color="0.4", linestyle=":", label="completed below")
    left.set(xlabel="p n / k", ylabel="share completed")
    right.set(xlabel="p n / k", ylabel="median of the last error", yscale="log")
    for ax in (left, right):
        ax.legend(fontsize=7)
    return fig
