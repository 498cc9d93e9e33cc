"""Errors on the way, steps against density, sparsity and leaks, work of a step, digits, a plan."""

import numpy as np

from common import plot

from . import measure

FLOOR = -30  # log10 of the least entry that is drawn


def figures(arrays, cfg):
    """One figure a claim, and the plan before and after its small entries are dropped."""
    return {
        "fig1_errors": errors(arrays, cfg),
        "fig2_density": densities(arrays, cfg),
        "fig3_sparsity": sparsity(arrays),
        "fig4_work": work(arrays),
        "fig5_images": images(arrays, cfg),
        "fig6_plan": plan(arrays, cfg),
    }


def named(rows):
    return "dense" if rows == 0 else f"{rows} a row"


def errors(arrays, cfg):
    """Every seed's Sinkhorn, and one line a density, the median."""
    fig, ax = plot.figure(
        size=(6.2, 4.0),
        caption="L1 error of the marginals against iterations: Sinkhorn alone, and Newton steps "
        "after the warm-up, by entries kept. Medians and ranges of the seeds.",
    )
    sweep = arrays["sweep"]
    plot.band(ax, sweep, arrays["sinkhorn"], label="Sinkhorn", **plot.style(0))
    for i, rows in enumerate(arrays["density"]):
        taken = int(np.median(arrays["taken"][:, i]))
        x = arrays["warm"] + np.arange(taken + 1)
        y = arrays["error"][:, i, : taken + 1]
        ax.plot(x, np.median(y, axis=0), label=named(rows), **plot.style(i + 1))
    ax.axvline(arrays["warm"], color="0.6", linewidth=0.8)
    plot.law(ax, sweep[[0, -1]], np.full(2, cfg.target), label="target")
    ax.set(xscale="log", yscale="log", ylim=(cfg.tol / 100, 3))
    ax.set(xlabel="iterations (sweeps and Newton steps)", ylabel="L1 error of the marginals")
    ax.legend()
    return fig


def densities(arrays, cfg):
    """Newton steps of every seed by entries a row."""
    fig, ax = plot.figure(
        caption=f"Newton steps to an L1 error of {cfg.tol:.0e} against the entries kept, every "
        "seed; the paper's table has 9 at 2 / n."
    )
    place = np.arange(len(arrays["density"]))
    for i, taken in enumerate(arrays["taken"]):
        ax.plot(place, taken, color="0.7", linewidth=0.8, label=f"_seed {i}")
    ax.plot(place, np.median(arrays["taken"], axis=0), label="median of seeds", **plot.style(0))
    plot.law(ax, place[[0, -1]], [9, 9], label="table of the paper")
    ax.set(ylim=(0, None), xlabel="entries kept", ylabel="Newton steps")
    ax.set_xticks(place, [named(rows) for rows in arrays["density"]])
    ax.legend()
    return fig


def sparsity(arrays):
    """Share of the largest entries; mass outside the best assignment."""
    fig, (left, right) = plot.figure(
        cols=2,
        caption="Left: mass in the 2 n largest entries of the plan after Sinkhorn's sweeps. Right: "
        "mass outside the best assignment of small problems against eta times the least mean "
        "cycle.",
    )
    plot.band(left, arrays["sweep"], arrays["share"], label="eta of the table")
    left.set(xscale="log", ylim=(0, 1), xlabel="sweeps", ylabel="mass in the 2 n largest entries")
    left.legend()
    depth = arrays["small_eta"] * arrays["predicted"][..., None]
    depth, outside = (a.reshape(-1, a.shape[-1]) for a in (depth, arrays["outside"]))
    for i, (x, y) in enumerate(zip(depth, outside, strict=True)):
        name = "every problem" if i == 0 else f"_problem {i}"
        right.plot(x, y, **plot.style(0), linewidth=0.7, label=name)
    x = np.linspace(depth.min(), depth.max(), 20)
    plot.law(right, x, np.median(outside[:, 0]) * np.exp(depth[0, 0] - x), label="slope -1")
    right.set(yscale="log", xlabel="eta x predicted rate", ylabel="mass outside")
    right.legend()
    return fig


def work(arrays):
    """Multiplications of a step."""
    fig, ax = plot.figure(caption="Multiplications of a Newton step against n, with n^2 and n^3.")
    n, y = arrays["size"].astype(float), measure.work(arrays)
    plot.band(ax, n, y, label="sparse Newton" if arrays["work_density"] else "dense Newton")
    for power, label in ((2, "n²"), (3, "n³")):
        plot.law(ax, n, y[:, 0].mean() * (n / n[0]) ** power, label=label, dashes=(power, 2))
    ax.set(xscale="log", yscale="log", xlabel="n", ylabel="multiplications a step")
    ax.legend()
    return fig


def images(arrays, cfg):
    """Errors of Newton's stage on pairs of digits."""
    cost = {"l1": "L1", "l2": "squared L2"}[cfg.image_cost]
    fig, ax = plot.figure(
        caption=f"Digits with {cost} costs: error of every seed after Newton's steps from the "
        "short and the long warm-up."
    )
    for case, (warm, rows) in enumerate(zip(cfg.image_warm, cfg.image_densities, strict=True)):
        for seed, error in enumerate(arrays["image_error"][:, case]):
            taken = arrays["image_taken"][seed, case]
            name = f"{warm} sweeps, {rows} a row" if seed == 0 else f"_seed {seed}, {warm}"
            y = np.maximum(error[: taken + 1], cfg.target / 1e3)
            ax.plot(np.arange(taken + 1), y, label=name, **plot.style(case))
    plot.law(ax, [0, arrays["image_taken"].max()], [cfg.target] * 2, label="target")
    ax.set(yscale="log", xlabel="Newton step", ylabel="L1 error of the marginals")
    ax.legend()
    return fig


def plan(arrays, cfg):
    """A corner of the plan, in the order of the best assignment."""
    fig, axes = plot.figure(
        cols=2,
        caption=f"log10 of 50 rows and columns of the plan after {cfg.warm} sweeps, columns in the "
        "order of the best assignment: all entries, and the largest, two a row.",
    )
    whole = np.log10(np.maximum(arrays["plan"], 10.0**FLOOR))
    kept = np.sort(whole.ravel())[-2 * len(whole)]
    shown = whole, np.where(whole >= kept, whole, FLOOR)
    for ax, picture, title in zip(axes, shown, ("whole plan", "two entries a row"), strict=True):
        image = ax.imshow(picture, vmin=FLOOR, vmax=whole.max())
        ax.set(title=title, xlabel="column", ylabel="row")
    fig.colorbar(image, ax=list(axes), label=f"log10 P ({FLOOR}: less)")
    return fig
