"""Largest errors against d, against non-zeros, against m; one coordinate; operations."""

import numpy as np

from common import plot

from . import measure

NAMES = {
    "gaussian": "Gaussian", "srht": "Hadamard (SRHT)", "signs": "random signs",
    "sparse1": "Count-Sketch", "sparse2": "two non-zeros",
}  # fmt: skip
ERROR = "√m ‖x′ − x*‖∞"


def figures(arrays, cfg):
    """From any preset's arrays.  -> {name: Figure}"""
    return {
        "fig1_dimension": dimension(arrays, cfg),
        "fig2_density": density(arrays, cfg),
        "fig3_coordinates": coordinates(arrays, cfg),
        "fig4_rows": rows(arrays, cfg),
        "fig5_cost": cost(arrays, cfg),
    }


def median(worst):
    """Over draws.  [seed, draw, x] -> [seed, x]"""
    return np.median(worst, axis=1)


def guides(ax, d, m, alpha):
    plot.law(ax, d, measure.gaussian_law(d, m), label="largest of d normal numbers")
    plot.law(ax, d, np.sqrt(m / alpha), label="√(m/α), one overlap", linestyle=":")


def dimension(arrays, cfg):
    """Median largest error against d, on a coherent A, on cosines, and on Kronecker products."""
    fig, axes = plot.figure(
        1, 2, size=(9.6, 4.2),
        caption=f"Median largest error against d at m = {cfg.ratio} d, and its range over seeds."
        " Left: A of unit vectors. Count-Sketch loses a factor √d, dense sketches the largest of d"
        " normal numbers; so does the transform of a Kronecker product. Right: on cosines no"
        " sketch loses more than that.",
    )  # fmt: skip
    d = arrays["dims"]
    for ax in axes:
        guides(ax, d, arrays["ratio"] * d, arrays["spread"])
    each = [*zip(cfg.dense, arrays["dense"], strict=True)]
    each += zip(cfg.sparse, arrays["sparse"], strict=True)
    for i, (name, worst) in enumerate(each):
        plot.band(axes[0], d, median(worst), label=NAMES[name], **plot.style(i))
    product = median(arrays["kronecker"][0])
    plot.band(axes[0], arrays["sides"] ** 2, product, label="TensorSRHT, A₁ ⊗ A₂", **plot.style(5))
    order = [name for name, _ in each]
    for name, worst in zip(cfg.incoherent, arrays["incoherent"], strict=True):
        look = plot.style(order.index(name) if name in order else 6)
        plot.band(axes[1], d, median(worst), label=NAMES[name], **look)
    for ax, title in zip(axes, ("coherent A", "incoherent A"), strict=True):
        ax.set(title=title, xscale="log", yscale="log", xlabel="columns d", ylim=(1, 40))
        ax.set_xticks(d, [str(k) for k in d])
        ax.set_xticks([], minor=True)
        ax.legend(loc="upper left")
    axes[0].set_ylabel(ERROR)
    return fig


def density(arrays, cfg):
    """Root mean square and upper quartile against non-zeros a column."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9.6, 3.8),
        caption=f"Largest error against non-zeros a column s, d = {cfg.dim}, m = {cfg.width} d."
        " Left: one problem for all s, that of Count-Sketch: it falls to the dense sketch's."
        " Right: the problem made for each s ≤ √(m/d): the upper quartile stays at √d.",
    )  # fmt: skip
    s = arrays["nonzeros"]
    plot.band(left, s, measure.rms(arrays["density"]).T, label="sparse", **plot.style(2))
    same = arrays["rows"][measure.GAUSSIAN][:, :, arrays["multiples"] == arrays["width"]]
    dense = np.median(measure.rms(same[:, :, 0]))
    plot.law(left, s, dense + 0 * s, label="Gaussian sketch")
    upper = np.quantile(arrays["adapted"], 0.75, axis=-1).T
    few = s[: upper.shape[1]]
    fixed = np.quantile(arrays["density"], 0.75, axis=-1).T
    plot.band(right, few, upper, label="made for s", **plot.style(3))
    plot.band(right, s, fixed, label="made for s = 1", **plot.style(2))
    plot.law(right, s, np.sqrt(cfg.dim) + 0.0 * s, label="√d")
    left.set_ylabel(f"root mean square of {ERROR}")
    right.set_ylabel(f"upper quartile of {ERROR}")
    for ax in (left, right):
        ax.set(xscale="log", xlabel="non-zeros a column s")
        ax.set_ylim(bottom=0)
        ax.set_xticks(s, [str(k) for k in s])
        ax.set_xticks([], minor=True)
        ax.legend()
    return fig


def coordinates(arrays, cfg):
    """How single coordinates of the error are distributed, and their mean squares."""
    d = int(arrays["dims"][len(arrays["dims"]) // 2])
    fig, (left, right) = plot.figure(
        1, 2, size=(9.6, 3.8),
        caption=f"Left: coordinates of the error at d = {d}, all draws; grey: the normal law. For"
        " Count-Sketch most are 0 and a few are whole overlaps. Right: their mean square over that"
        " of the Gaussian law, and Count-Sketch's own law.",
    )  # fmt: skip
    edges = np.linspace(-9.75, 9.75, 40)
    middle = (edges[1:] + edges[:-1]) / 2
    shown = ((1, "srht", arrays["dense_x"][1]), (2, "sparse1", arrays["sparse_x"][0]))
    for i, name, x in shown:
        share = np.histogram(x, edges)[0] / x.size / np.diff(edges)
        look = plot.style(i) | {"markevery": 1}
        left.plot(middle, np.where(share > 0, share, np.nan), label=NAMES[name], **look)
    variance = arrays["ratio"] * d / (arrays["ratio"] * d - d - 1)
    fine = np.linspace(-4.2, 4.2, 85)
    normal = np.exp(-(fine**2) / 2 / variance) / np.sqrt(2 * np.pi * variance)
    plot.law(left, fine, normal, label="normal law")
    left.set(yscale="log", xlabel="√m (x′ − x*)ᵢ", ylabel="density")
    dims = arrays["dims"]
    each = [*zip(cfg.dense, arrays["dense_square"], strict=True)]
    each += zip(cfg.sparse, arrays["sparse_square"], strict=True)
    for i, (name, square) in enumerate(each):
        plot.band(right, dims, square.mean(axis=1), label=NAMES[name], **plot.style(i))
    plot.law(right, dims, 1.0 + 0 * dims, label="Gaussian law")
    own = measure.count_law(dims, arrays["ratio"] * dims)
    plot.law(right, dims, own, label="Count-Sketch's law", linestyle=":")
    right.set(xscale="log", xlabel="columns d", ylabel="mean square over d / (m − d − 1)")
    right.set_xticks(dims, [str(k) for k in dims])
    right.set_xticks([], minor=True)
    left.legend(loc="upper left")
    right.legend(ncols=2, fontsize="small")
    return fig


def rows(arrays, cfg):
    """Median largest error against m."""
    fig, ax = plot.figure(
        size=(6.4, 4.2),
        caption=f"Median largest error against m − d − 1, d = {cfg.dim}, and its range over seeds;"
        " dashed: d normal numbers of variance 1 / (m − d − 1).",
    )
    m = arrays["multiples"] * arrays["dim"]
    free = m - arrays["dim"] - 1
    for i, (name, worst) in enumerate(zip(cfg.dense, arrays["rows"], strict=True)):
        plot.band(ax, free, median(worst) / np.sqrt(m), label=NAMES[name], **plot.style(i))
    law = measure.gaussian_law(0 * m + arrays["dim"], m) / np.sqrt(m)
    plot.law(ax, free, law, label="largest of d normal numbers")
    ax.set(xscale="log", yscale="log", xlabel="m − d − 1", ylabel="‖x′ − x*‖∞")
    ax.legend()
    return fig


def cost(arrays, cfg):
    """Operations of S [A b] against n, and of solving without a sketch."""
    fig, ax = plot.figure(
        size=(6.4, 4.2),
        caption=f"Floating-point operations of S [A b], d = {cfg.dim}, m = n / {cfg.share}, counted"
        " in the programs; dashed: n (d + 1) log₂ n; dotted: least squares by QR, 2 n d².",
    )
    n = arrays["sizes"]
    labels = ("Hadamard (SRHT)", "Gaussian", "Count-Sketch")
    for i, (label, count) in enumerate(zip(labels, arrays["operations"], strict=True)):
        ax.plot(n, count, label=label, **(plot.style((1, 0, 2)[i]) | {"markevery": 1}))
    plot.law(ax, n, n * (cfg.dim + 1) * np.log2(n), label="n (d + 1) log₂ n")
    plot.law(ax, n, 2.0 * n * cfg.dim**2, label="QR of A, 2 n d²", linestyle=":")
    ax.set(xscale="log", yscale="log", xlabel="rows n", ylabel="operations")
    ax.legend()
    return fig
