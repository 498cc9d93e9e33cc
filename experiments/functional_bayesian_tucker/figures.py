"""The surface, its factors, errors by density, convergence, intervals."""

import numpy as np

from common import plot

from . import measure

PRIORS = ("process", "independent values")
TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
MODELS = (("Tucker, process", 0, 0), ("CP, process", 1, 0), ("Tucker, independent", 0, 1),
          ("CP, independent", 1, 1))  # fmt: skip


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_surface": surface(arrays, cfg),
        "fig2_factors": factors(arrays, cfg),
        "fig3_density": density(arrays, cfg),
        "fig4_convergence": convergence(arrays, cfg),
        "fig5_intervals": intervals(arrays, cfg),
    }


def surface(arrays, cfg):
    """Truth with training entries, and both predictions, of the first seed."""
    fig, axes = plot.figure(
        1, 3, size=(13, 4.1),
        caption="The released surface (first seed): six random grids, half of whose entries are"
        " seen; predictions at all pairs of coordinates with the process and without.",
    )  # fmt: skip
    x, z = arrays["block_times"]
    rmse = np.median(arrays["block_rmse"], axis=0)
    most = np.abs(arrays["block_true"]).max()
    shown = [arrays["block_true"], *arrays["block_guess"]]
    titles = ["truth, and entries seen"]
    titles += [f"{p}: RMSE {a:.4f}, across {b:.4f}" for p, (a, b) in zip(PRIORS, rmse, strict=True)]
    for ax, image, title in zip(axes, shown, titles, strict=True):
        thin = slice(None, None, 3)  # every third coordinate: cells of a drawing are dear
        cells = z[thin], x[thin], image[thin, thin]
        mesh = ax.pcolormesh(*cells, vmin=-most, vmax=most, shading="nearest")
        ax.set(title=title, xlabel="z", ylabel="x")
        fig.colorbar(mesh, ax=ax, label="y")
    i, j = np.nonzero(arrays["block_seen"])
    axes[0].plot(z[j], x[i], color="w", linestyle="", markersize=2, marker=".", label="seen")
    return fig


def factors(arrays, cfg):
    """Learned curves with bands of two standard deviations, in the truth's scale."""
    fig, axes = plot.figure(
        1, 2, size=(10, 3.8),
        caption="Curves of both modes (first seed), scaled to the truth by least squares: with the"
        " process they follow it, without each grid has a scale of its own. Bands: two sd.",
    )  # fmt: skip
    for k, (ax, name) in enumerate(zip(axes, ("x", "z"), strict=True)):
        t, truth = arrays["block_times"][k], arrays["block_curves"][k]
        for prior, label in enumerate(PRIORS):
            mean, sd = (arrays[n][prior, k] for n in ("block_mean", "block_spread"))
            scale = mean @ truth / (mean @ mean)
            look = plot.style(prior) | ({"linestyle": ""} if prior else {})
            ax.plot(t, scale * mean, label=label, **look | {"markevery": 1, "markersize": 3})
            if prior == 0:
                low, high = (scale * mean + s * 2 * np.abs(scale) * sd for s in (-1, 1))
                ax.fill_between(t, low, high, alpha=0.25, linewidth=0, label="_two sd")
        plot.law(ax, t, truth, label="truth")
        ax.set(xlabel=name, ylabel="f(x)" if k == 0 else "g(z)")
        ax.legend()
    return fig


def density(arrays, cfg):
    """Errors of four models, and the gain of the process, against the entries seen."""
    fig, (error, gain) = plot.figure(
        1, 2, size=(10, 3.9),
        caption="Random Tucker tensors: error of the surface at held-out entries, and the error of"
        " independent embeddings over that of the process. Bands: seeds.",
    )  # fmt: skip
    n, rmse = arrays["entries"], measure.best(arrays, "rmse")
    for i, (label, core, prior) in enumerate(MODELS):
        look = plot.style(i) | {"markevery": 1}
        plot.band(error, n, rmse[:, :, core, prior], label=label, **look)
    plot.law(error, n, np.full(len(n), cfg.noise), label="noise of an entry")
    for i, core in enumerate(("Tucker", "CP")):
        look = plot.style(i) | {"markevery": 1}
        plot.band(gain, n, measure.gains(arrays, i), label=core, **look)
    plot.law(gain, n, np.ones(len(n)), label="no gain")
    whole = np.prod(cfg.coordinates)
    for ax in (error, gain):
        ax.set(xscale="log", yscale="log", xlabel="entries seen (share of the tensor)")
        ax.set_xticks(n, [f"{k} ({k / whole:.1%})" for k in n])
        ax.xaxis.minorticks_off()
        ax.legend()
    error.set(ylabel="RMSE (truth has mean square 1)")
    gain.set(ylabel="RMSE, independent over process")
    return fig


def convergence(arrays, cfg):
    """Noise that inference sees, against epochs, and errors of Tucker beside those of CP."""
    fig, (path, pairs) = plot.figure(
        1, 2, size=(10, 3.9),
        caption="Left: noise level by epoch, best start of every seed, at the middle density."
        " Right: errors of Tucker and CP, every seed and density; below the diagonal Tucker wins.",
    )  # fmt: skip
    tau = measure.best(arrays, "tau")[:, measure.middle(arrays)]
    for i, (label, core, prior) in enumerate(MODELS):
        plot.band(path, arrays["epoch"], tau[:, core, prior] ** -0.5, label=label, **plot.style(i))
    plot.law(path, arrays["epoch"], np.full(len(arrays["epoch"]), cfg.noise), label="true noise")
    path.set(yscale="log", xlabel="epoch", ylabel="E[τ]^(−1/2)")
    rmse = measure.best(arrays, "rmse")[..., 0]
    for i, n in enumerate(arrays["entries"]):
        look = plot.style(i, line=False)
        pairs.plot(*rmse[:, i].T[::-1], label=f"{n} entries", **look, linestyle="")
    ends = np.array([rmse.min(), rmse.max()])
    plot.law(pairs, ends, ends, label="equal")
    pairs.set(xscale="log", yscale="log", xlabel="RMSE of CP", ylabel="RMSE of Tucker")
    for axis in (pairs.xaxis, pairs.yaxis):
        axis.set_ticks(TICKS, [f"{x:g}" for x in TICKS])
        axis.set_ticks([], minor=True)
    pairs.set(xlim=(0.9 * ends[0], 1.1 * ends[1]), ylim=(0.9 * ends[0], 1.1 * ends[1]))
    for ax in (path, pairs):
        ax.legend()
    return fig


def intervals(arrays, cfg):
    """Coverage and width of 90 % intervals."""
    fig, (cover, width) = plot.figure(
        1, 2, size=(10, 3.9),
        caption="90 % intervals for noisy held-out entries: all models cover about as many, those"
        " of the process by narrower intervals. Bands: seeds.",
    )  # fmt: skip
    n = arrays["entries"]
    for i, (label, core, prior) in enumerate(MODELS):
        look = plot.style(i) | {"markevery": 1}
        for ax, name in ((cover, "coverage"), (width, "width")):
            plot.band(ax, n, measure.best(arrays, name)[:, :, core, prior], label=label, **look)
    plot.law(cover, n, np.full(len(n), 0.9), label="nominal")
    plot.law(width, n, np.full(len(n), 2 * 1.6449 * cfg.noise), label="of the noise alone")
    cover.set(ylabel="coverage")
    width.set(ylabel="mean width", yscale="log")
    for ax in (cover, width):
        ax.set(xscale="log", xlabel="entries seen")
        ax.set_xticks(n, [str(k) for k in n])
        ax.xaxis.minorticks_off()
        ax.legend()
    return fig
