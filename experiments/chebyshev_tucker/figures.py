"""Single vectors, the kernel, singular values, ranks, a slice, and errors by number of points."""

import numpy as np
from matplotlib.colors import LogNorm

from common import plot

from . import measure


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_vectors": vectors(arrays, cfg),
        "fig2_kernel": newton(arrays, cfg),
        "fig3_singular_values": singular_values(arrays, cfg),
        "fig4_ranks": ranks(arrays, cfg),
        "fig5_slice": picture(arrays, cfg),
        "fig6_errors": errors(arrays, cfg),
    }


def vectors(arrays, cfg):
    """Error of each vector of the kernel, and coefficients of some."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 4),
        caption="Gaussians of the quadrature on m Chebyshev points: exponential in (m/t)² where"
        " they are wide, none where they are narrow. Dashed: law of ct1-law. Bands: seeds.",
    )  # fmt: skip
    t = arrays["t"][1:]  # without the constant
    for i, m in enumerate(arrays["points"]):
        error = np.maximum(arrays["vector"][:, i, 1:], 1e-16)
        plot.band(left, t, error, label=f"m = {m}", **plot.style(i))
        expected = np.minimum(measure.law(m, t), 1)
        seen = expected > 1e-15
        plot.law(left, t[seen], expected[seen], label=f"law, {m}" if i == 0 else f"_law, {m}")
    left.axvline(float(arrays["long_t"]), color="0.4", linestyle=":", label="long range")
    left.set(xscale="log", yscale="log", xlabel="t", ylabel="largest error of exp(−t²(x − p)²)")
    for i, t in enumerate(arrays["shown"]):
        c = arrays["coefficient"][::2, i]
        seen = c > 1e-17
        degree = np.arange(0, arrays["coefficient"].shape[0], 2)
        right.plot(degree[seen], c[seen], label=f"t = {t:g}", **plot.style(i))
    right.set(yscale="log", xlabel="degree", ylabel="coefficient of exp(−t²x²)")
    for ax in (left, right):
        ax.legend(fontsize=7)
    return fig


def newton(arrays, cfg):
    """Error of the kernel by number of points."""
    fig, ax = plot.figure(
        caption="1/r on the slice nearest to its centre, by RHOSVD: terms of t ≤ 13, and all."
    )
    m = arrays["kernel_points"]
    for i, name in enumerate(("long range", "whole kernel")):
        error = np.maximum(arrays["newton"][..., i], 1e-16)
        plot.band(ax, m, error, label=name, **plot.style(i) | {"markevery": 1})
    ax.axhline(float(arrays["tol"]), color="0.4", linestyle=":", label="tolerance")
    ax.set(xscale="log", yscale="log", xlabel="points m", ylabel="largest error / largest value")
    ax.set_xticks(m, [str(x) for x in m])
    ax.xaxis.minorticks_off()
    ax.legend()
    return fig


def singular_values(arrays, cfg):
    """Of the first mode, for every N, of coefficients and of values on a grid."""
    fig, axes = plot.figure(
        1, 2, size=(10, 3.8),
        caption="Singular values of the first unfolding for N particles, median of seeds: of the"
        " coefficient tensor, and of values on a grid.",
    )  # fmt: skip
    for ax, name in zip(axes, ("inside", "outside"), strict=True):
        s = np.median(arrays[name][:, :, 0], axis=0)
        for i, many in enumerate(arrays["size"]):
            values = np.maximum(s[i] / s[i, 0], 1e-17)
            index = np.arange(1, len(values) + 1)
            ax.plot(index, values, label=f"N = {many}", **plot.style(i))
        for tol in ("tol", "loose"):
            ax.axhline(float(arrays[tol]), color="0.4", linestyle=":", label=f"_{tol}")
        ax.set(yscale="log", xlabel="index", ylabel="σ / σ₁", ylim=(1e-17, 2))
    axes[0].set_title("Chebyshev coefficients")
    axes[1].set_title("values on a grid")
    axes[0].legend(fontsize=7)
    return fig


def ranks(arrays, cfg):
    """Largest rank by number of particles."""
    fig, ax = plot.figure(
        caption="Largest Tucker rank of the long range of N particles in one box. Dotted: 0.6 m."
    )
    looks = iter(range(4))
    for tol in ("tol", "loose"):
        for name, place in (("inside", "coefficients"), ("outside", "grid")):
            found = measure.ranks(arrays[name], arrays[tol]).max(axis=-1)
            label = f"{place}, tolerance {float(arrays[tol]):g}"
            look = plot.style(next(looks)) | {"markevery": 1}
            plot.band(ax, arrays["size"], found, label=label, **look)
    ax.axhline(0.6 * arrays["inside"].shape[-1], color="0.4", linestyle=":", label="_level")
    ax.set(xscale="log", xlabel="particles N", ylabel="rank", ylim=(0, arrays["inside"].shape[-1]))
    ax.set_xticks(arrays["size"], [str(x) for x in arrays["size"]])
    ax.xaxis.minorticks_off()
    ax.legend(fontsize=7)
    return fig


def picture(arrays, cfg):
    """A slice of the field of many particles, and what is missed of it."""
    fig, axes = plot.figure(
        1, 3, size=(12, 3.8),
        caption="Long range of many charges on the slice z = 0, and what the format misses of it:"
        " by interpolation alone, and with a cut at the loose tolerance.",
    )  # fmt: skip
    truth, missed, cut = arrays["picture"]
    span = abs(truth).max()
    names = ("potential", "interpolation error", f"error, tolerance {float(arrays['loose']):g}")
    box = {"origin": "lower", "extent": (-1, 1, -1, 1)}
    shown = axes[0].imshow(truth.T, cmap="RdBu_r", vmin=-span, vmax=span, **box)
    fig.colorbar(shown, ax=axes[0])
    for ax, error in zip(axes[1:], (missed, cut), strict=True):
        size = np.maximum(abs(error) / span, 1e-13)
        high = max(size.max(), 1e-12)
        shown = ax.imshow(size.T, cmap="viridis", norm=LogNorm(high / 1e4, high), **box)
        fig.colorbar(shown, ax=ax)
    for ax, name in zip(axes, names, strict=True):
        ax.set(xlabel="x", ylabel="y", title=name)
        ax.grid(visible=False)
    return fig


def errors(arrays, cfg):
    """Error of a field by number of points, and both algorithms on the same terms."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 3.8),
        caption="Field of many particles: interpolation alone, and with a cut, which ends at the"
        " tolerance. Right: both algorithms on the same terms, error by multiplications.",
    )  # fmt: skip
    m = arrays["field_points"]
    tols = ("no cut", f"tolerance {float(arrays['tol']):g}", f"{float(arrays['loose']):g}")
    for i, name in enumerate(tols):
        look = plot.style(i) | {"markevery": 1}
        plot.band(left, m, arrays["field"][..., i], label=name, **look)
    left.set(yscale="log", xlabel="points m", ylabel="largest error / largest value")
    size, columns = float(arrays["algorithm_points"]), float(arrays["columns"])
    counts = (measure.full, measure.reduced)
    for i, (name, count) in enumerate(zip(("HOSVD", "RHOSVD"), counts, strict=True)):
        r = arrays["algorithm_ranks"][:, i].astype(float)
        cost = [count(size, columns, *row) for row in r]
        look = plot.style(i) | {"linestyle": "", "markevery": None}
        right.plot(cost, arrays["algorithm"][:, i], label=name, **look)
    right.axhline(float(arrays["tol"]), color="0.4", linestyle=":", label="tolerance")
    right.set(xscale="log", yscale="log", xlabel="multiplications", ylabel="error")
    right.set_xlim(np.min(cost) / 100, np.max(cost) * 10)
    right.xaxis.minorticks_off()
    for ax in (left, right):
        ax.legend(fontsize=7)
    return fig
