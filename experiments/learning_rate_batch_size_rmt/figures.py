"""Spectra over batch sizes, their densities, largest stable learning rates, the Wigner model."""

import numpy as np

from common import plot

from . import measure


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_extremes": extremes(arrays),
        "fig2_laws": laws(arrays),
        "fig3_densities": densities(arrays),
        "fig4_learning_rates": learning_rates(arrays),
        "fig5_wigner": wigner(arrays),
    }


def through(x, y, slope):
    """The power law of this slope through the middle of a curve.  x [N], y [seed, N] -> [N]"""
    x = np.asarray(x, float)
    middle = np.exp(np.log(np.median(y, axis=0)).mean() - slope * np.log(x).mean())
    return middle * x**slope


def logarithmic(ax, sizes, **labels):
    ax.set(xscale="log", yscale="log", xlabel="batch size B", **labels)
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    ax.legend()


def extremes(arrays):
    """Largest and most negative eigenvalue against the batch size."""
    caption = "Extremal eigenvalues of the batch Hessian: mean over batches, range over seeds."
    fig, axes = plot.figure(1, 2, caption=caption, size=(10, 4))
    sizes, b = arrays["sizes"], measure.effective(arrays)
    scale = measure.sample_variance(arrays).mean()  # P sigma^2
    for end, (ax, sign) in enumerate(zip(axes, (-1, 1), strict=True)):
        plot.band(ax, sizes, sign * arrays["mean"][:, 0, end], label="batch, mean", **plot.style(0))
        median = sign * arrays["median"][:, 0, end]
        plot.band(ax, sizes, median, label="batch, median", **plot.style(1))
        full = np.full(len(sizes), np.median(sign * arrays["full"][:, 0, end]))
        ax.plot(sizes, full, label="all samples", color="0.2", linestyle=":", marker="")
        top = full + scale / b / full
        law = top if end == measure.TOP else 2 * np.sqrt(scale / b)
        plot.law(ax, sizes, law, label="entries of independent noise")
        name = "largest eigenvalue" if end == measure.TOP else "|most negative eigenvalue|"
        logarithmic(ax, sizes, ylabel=name)
    return fig


def laws(arrays):
    """Inflation of the outlier and the edge against the effective batch size."""
    caption = "Powers of the effective batch size: -1 for the outlier, -1/2 for the edge."
    fig, axes = plot.figure(1, 2, caption=caption, size=(10, 4))
    keep, b = measure.fitted(arrays), measure.effective(arrays)
    if keep.sum() < 2:
        keep = np.ones(len(b), bool)
    panels = (
        (("Hessian", measure.inflation(arrays, 0)), ("Gauss-Newton", measure.inflation(arrays, 1))),
        (("most negative eigenvalue", -arrays["mean"][:, 0, measure.BOTTOM]),),
    )
    for ax, series, slope in zip(axes, panels, (-1, -0.5), strict=True):
        for i, (name, values) in enumerate(series):
            look = plot.style(i) | {"fillstyle": "none" if i else "full", "markevery": 1}
            plot.band(ax, b, np.maximum(values, 1e-12), label=name, **look)
        values = np.maximum(series[0][1][:, keep], 1e-12)
        plot.law(ax, b[keep], through(b[keep], values, slope), label=f"slope {slope:g}, fit range")
        ax.set(xscale="log", yscale="log", xlabel="effective batch size b = B / (1 - B/N)")
        ax.legend()
    axes[0].set(ylabel="largest eigenvalue, batch less full")
    axes[1].set(ylabel="magnitude")
    return fig


def densities(arrays):
    """Spectral densities of batch Hessians, first seed."""
    caption = "Spectral density of the Hessian by Lanczos quadrature, averaged over batches."
    fig, ax = plot.figure(caption=caption, size=(6.5, 4))
    every = zip(arrays["density_sizes"], arrays["density_at"], arrays["density"], strict=True)
    for i, (size, at, height) in enumerate(every):
        name = "all samples" if size == arrays["samples"] else f"B = {size}"
        ax.plot(at, np.maximum(height, 1e-6), label=name, **plot.style(i))
    ax.set(yscale="log", ylim=(1e-5, None), xlabel="eigenvalue", ylabel="density")
    ax.legend()
    return fig


def learning_rates(arrays):
    """Largest stable learning rates, and the loss that decides them."""
    caption = "Largest learning rate without divergence within the steps, for SGD and for Adam."
    fig, axes = plot.figure(1, 3, caption=caption, size=(13.5, 4))
    sizes, small = arrays["sizes"], arrays["sizes"][: measure.SMALL]
    for method, (name, slope) in enumerate((("SGD", 1), ("Adam", 0.5))):
        ax, rate = axes[method], measure.largest_rate(arrays, method)
        rate = np.where(np.isfinite(rate), rate, arrays["lrs"][method][-1])
        plot.band(ax, sizes, rate, label=f"{name}, largest stable", **plot.style(method))
        law = through(small, rate[:, : measure.SMALL], slope)
        plot.law(ax, small, law, label=f"slope {slope:g}")
        if method == measure.SGD:
            edge = 2 / measure.top_by_size(arrays)
            plot.band(ax, sizes, edge, label="2 / largest eigenvalue", **plot.style(2))
            plot.band(ax, sizes, best(arrays), label="least loss at the end", **plot.style(3))
        logarithmic(ax, sizes, ylabel=f"learning rate of {name}")
    ax, lrs = axes[2], arrays["lrs"][measure.SGD]
    for i, j in enumerate(sorted({0, len(sizes) // 2, len(sizes) - 1})):
        peak = np.exp(np.log(arrays["peak"][measure.SGD][:, j]).mean(1))
        plot.band(ax, lrs, peak, label=f"B = {sizes[j]}", **plot.style(i))
    ax.axhline(measure.DIVERGED, label="counted as divergence", **plot.LAW)
    ax.set(xscale="log", yscale="log", xlabel="learning rate of SGD")
    ax.set(ylabel="largest loss / loss at w", ylim=(0.8, 100))
    ax.legend()
    return fig


def best(arrays):
    """SGD's learning rate of the least last loss, mean over trials.  -> [seed, B]"""
    chosen = arrays["lrs"][measure.SGD][arrays["final"][measure.SGD].argmin(-1)]
    return np.exp(np.log(chosen).mean(-1))


def wigner(arrays):
    """Outlier and overlap of the spiked Wigner model beside their laws."""
    caption = "Spiked Wigner matrices: the outlier and its eigenvector against the theorem."
    fig, axes = plot.figure(1, 2, caption=caption)
    theta = np.linspace(arrays["theta"].min(), arrays["theta"].max(), 200)
    panels = (("spike", measure.spike_law, "largest eigenvalue / noise scale"),)
    panels += (("overlap", measure.overlap_law, "squared overlap with the spike"),)
    for ax, (name, law, label) in zip(axes, panels, strict=True):
        middle = np.median(arrays[name], axis=0)
        reach = np.stack([middle - arrays[name].min(0), arrays[name].max(0) - middle])
        look = plot.style(0, line=False) | {"linestyle": "none", "capsize": 3}
        ax.errorbar(arrays["theta"], middle, reach, label="matrices, range of seeds", **look)
        plot.law(ax, theta, law(theta), label="theorem")
        ax.set(xlabel="outlier / noise scale, θ", ylabel=label)
        ax.legend()
    return fig
