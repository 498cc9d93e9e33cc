"""Spectra before and after training, over widths and clusters; H beside G; the segment."""

import numpy as np

from common import plot

from . import measure

CRITERIA = (
    ("above 10 x 95th percentile of |bulk|", measure.clusters_above_bulk),
    ("above 0.05 of the largest", measure.clusters_above_fraction),
    ("before the largest ratio", measure.clusters_before_gap),
)


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    made = {
        "fig1_spectrum": spectrum(arrays),
        "fig2_widths": widths(arrays),
        "fig3_clusters": clusters(arrays),
        "fig4_gauss_newton": gauss_newton(arrays),
        "fig5_segment": segment(arrays, cfg),
    }
    if "resnet_nodes" in arrays:
        made["fig_density_resnet"] = density_resnet(arrays)
    return made


def spectrum(arrays):
    """Sorted eigenvalues of the widest network, first seed; linear and symlog."""
    caption = "Hessian spectrum before and after training: a bulk at zero and a few outliers."
    fig, axes = plot.figure(1, 2, caption=caption)
    for ax, scale in zip(axes, ("linear", "symlog"), strict=True):
        for i, name in enumerate(("start", "end")):
            values = measure.spectra(arrays, i)[-1][0, ::-1]
            ax.plot(np.arange(1, values.size + 1), values, label=name, **plot.style(i))
        ax.set(xlabel="rank of the eigenvalue", ylabel="eigenvalue of the Hessian")
        ax.set_title(f"{values.size} parameters, {scale} scale")
        ax.legend()
    axes[1].set_yscale("symlog", linthresh=1e-6)
    axes[1].set_yticks([-1, -1e-2, -1e-4, -1e-6, 0, 1e-6, 1e-4, 1e-2, 1])
    return fig


def widths(arrays):
    """Histograms of |eigenvalue| and the two numbers that the claims are about."""
    caption = "Wider networks add eigenvalues near zero; the outliers stay."
    fig, (left, middle, right) = plot.figure(1, 3, caption=caption, size=(13, 3.6))
    at_end, size = measure.spectra(arrays, measure.END), arrays["parameters"]
    edges = np.linspace(-9, 0, 37)
    for i, values in enumerate(at_end):
        relative = np.abs(values) / values.max(-1, keepdims=True)
        count, _ = np.histogram(np.log10(np.maximum(relative, 1e-9)), edges)
        left.stairs(count / len(values), edges, label=f"{size[i]} parameters",
                    color=plot.style(i)["color"], linestyle=plot.style(i)["linestyle"])  # fmt: skip
    left.axvline(np.log10(measure.NEAR_ZERO), label="bulk at zero, left of here", **plot.LAW)
    left.set(xlabel="log10 of |eigenvalue| / largest", ylabel="eigenvalues in the bin")
    left.set_yscale("symlog", linthresh=1)

    near = measure.bulk(arrays) * size
    plot.band(middle, size, near, label="end of training")
    plot.band(middle, size, measure.bulk(arrays, measure.START) * size, label="start")
    plot.law(middle, size, near[:, 0].mean() + size - size[0], label="slope 1")
    middle.set(xlabel="parameters M", ylabel="eigenvalues near zero")

    plot.band(right, size, measure.counts(arrays), label="above 0.05 of the largest")
    found = measure.counts_above_bulk(arrays)
    plot.band(right, size, found, label="above 10 x 95th percentile of |bulk|")
    plot.law(right, size, np.full(len(size), measure.CLASSES), label="number of classes")
    right.set(xlabel="parameters M", ylabel="outliers")
    for ax in (left, middle, right):
        ax.legend()
    return fig


def clusters(arrays):
    """Top eigenvalues for the first five numbers of clusters, and all counts against k."""
    caption = "Gaussian blobs, one network: outliers follow the number of clusters k."
    fig, axes = plot.figure(2, 3, caption=caption, size=(12, 6.6))
    *panels, last = axes.flat
    every = zip(panels, arrays["clusters"], arrays["cluster_eigenvalues"], strict=False)
    for ax, k, values in every:
        top = values[:, ::-1][:, :20]
        plot.band(ax, np.arange(1, top.shape[1] + 1), top / top[:, :1], label="eigenvalues")
        ax.axvline(k + 0.5, label="after the k-th", **plot.LAW)
        ax.set(yscale="log", ylim=(5e-3, 2), xlabel="rank of the eigenvalue")
        ax.set(ylabel="eigenvalue / largest", title=f"k = {k} clusters")
        ax.legend()
    for ax in panels[len(arrays["clusters"]) :]:
        ax.remove()
    for name, count in CRITERIA:
        plot.band(last, arrays["clusters"], count(arrays), label=name)
    plot.law(last, arrays["clusters"], arrays["clusters"], label="k")
    last.set(xlabel="clusters k", ylabel="outliers", title="three criteria")
    last.set_ylim(0, 1.4 * last.get_ylim()[1])  # room for the legend
    last.legend()
    return fig


def gauss_newton(arrays):
    """Top eigenvalues of H and G at the start and at the end, widest network, first seed."""
    caption = "After training the outliers of the Hessian are those of its Gauss-Newton part."
    fig, axes = plot.figure(1, 2, caption=caption)
    for when, (ax, name) in enumerate(zip(axes, ("start", "end"), strict=True)):
        h, g = (arrays[key][-1, 0, when] for key in ("top_h", "top_g"))
        rank = np.arange(1, len(h) + 1)
        ax.plot(rank, h, label="Hessian H", **plot.style(0) | {"markevery": 1})
        ax.plot(
            rank, g, label="Gauss-Newton G", **plot.style(1) | {"markevery": 1, "fillstyle": "none"}
        )
        plot.law(
            ax, rank, np.full(len(h), arrays["rest"][-1, 0, when]), label="largest of R = H - G"
        )
        ax.set(yscale="log", xlabel="rank of the eigenvalue", ylabel="eigenvalue")
        ax.set_title(name + " of training")
        ax.legend()
    return fig


def segment(arrays, cfg):
    """Loss on the straight line between the two solutions."""
    caption = "Loss between small-batch and large-batch solutions: one basin from one start."
    fig, ax = plot.figure(caption=caption, size=(6, 4))
    one = "one start" if cfg.same_start else "two starts"
    names = (f"{one}, half way", f"{one}, after the other's batch size", "two starts")
    for i, (name, loss) in enumerate(zip(names, arrays["segment"], strict=True)):
        plot.band(ax, arrays["segment_at"], loss, label=name, **plot.style(i))
    start = np.full_like(arrays["segment_at"], arrays["segment_start"].mean())
    plot.law(ax, arrays["segment_at"], start, label="loss at the start")
    ax.set(
        yscale="log", xlabel="t: from small-first (0) to large-first (1)", ylabel="training loss"
    )
    ax.legend()
    return fig


def density_resnet(arrays):
    """Densities of H and G of a residual network, first seed; largest eigenvalues beside F's."""
    caption = "A residual network: densities by Lanczos quadrature, and the largest eigenvalues."
    fig, axes = plot.figure(2, 2, caption=caption, size=(11, 7))
    names = ("Hessian H", "Gauss-Newton G", "gradient covariance F")
    for when, (left, right) in enumerate(axes):
        for matrix, name in enumerate(names[:2]):
            at, values = (arrays[f"resnet_{k}"][0, when, matrix] for k in ("at", "density"))
            left.plot(at, values, label=name, **plot.style(matrix))
        for matrix, name in enumerate(names):
            top = arrays["resnet_top"][:, when, matrix]
            rank = np.arange(1, top.shape[-1] + 1)
            every = plot.style(matrix) | {"markevery": 1}
            plot.band(right, rank, top / top[:, :1], label=name, **every)
        time = ("start", "end")[when] + " of training"
        left.set(xlabel="eigenvalue", ylabel="density", title=time, yscale="log")
        left.set_ylim(bottom=1e-7 * left.get_ylim()[1])
        right.axvline(measure.CLASSES + 0.5, label="after the 10th", **plot.LAW)
        right.set(xlabel="rank of the eigenvalue", ylabel="eigenvalue / largest", title=time)
        right.set_yscale("symlog", linthresh=1e-3)
        for ax in (left, right):
            ax.legend()
    return fig
