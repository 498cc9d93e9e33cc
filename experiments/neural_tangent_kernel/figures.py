"""The paper's three figures, and the two scalings in width behind the first."""

import numpy as np

from common import plot

from . import measure


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_kernels": kernels(arrays, cfg),
        "fig1_scaling": scaling(arrays),
        "fig2_functions": functions(arrays),
        "fig3_components": components(arrays, cfg),
    }


def centred(angle):
    """Angles in (-pi, pi] and their order."""
    moved = np.where(angle > np.pi + 1e-9, angle - 2 * np.pi, angle)
    order = np.argsort(moved)
    return moved[order], order


def kernels(arrays, cfg):
    """Theta(x_0, .) of all trained networks, at the start and after training, two widths."""
    caption = "The kernel on the circle: wider networks are closer to the limit and move less."
    fig, axes = plot.figure(1, 2, caption=caption, size=(10, 3.8))
    gamma, order = centred(arrays["angle"])
    for ax, at in zip(axes, (0, -1), strict=True):
        for when, name in enumerate(("start", f"after {cfg.steps} steps")):
            rows = arrays["row_pair"][at, :, :, when].reshape(-1, len(gamma))[:, order]
            plot.band(ax, gamma, rows, label=name, **plot.style(when))
        plot.law(ax, gamma, arrays["limit_row"][order], label="limit of infinite width", zorder=3)
        ax.set(title=f"width {arrays['width'][at]}", xlabel="angle γ of x (rad), x₀ at 0")
        ax.set(ylabel="Θ(x₀, x)")
        ax.legend()
    axes[1].set_ylim(axes[0].get_ylim())
    return fig


def scaling(arrays):
    """Deviation from the limit, change in training and error of the linear prediction."""
    caption = "Three distances to the limit against the width n, and powers of n beside them."
    fig, axes = plot.figure(1, 3, caption=caption, size=(13, 3.8))
    n = arrays["width"].astype(float)
    panels = (
        ("|Θ₀ − Θ∞| / |Θ∞|", measure.start_deviation(arrays)[:, 1], (-0.5, -1)),
        ("|Θ_T − Θ₀| / |Θ₀|", measure.kernel_change(arrays)[:, 1], (-1, -0.5)),
        ("max over t of |f_t − f_lin| / |f₀ − y|", measure.linear_error(arrays)[:, 1], (-0.5, -1)),
    )
    for ax, (name, values, powers) in zip(axes, panels, strict=True):
        plot.band(ax, n, values, label="networks (RMS over members)", **plot.style(0))
        middle = np.median(values[:, 0])
        for power, dash in zip(powers, ((0, (6, 3)), (0, (1, 2))), strict=True):
            line = middle * (n / n[0]) ** power
            plot.law(ax, n, line, label="1/n" if power == -1 else "1/√n", linestyle=dash)
        ax.set(xscale="log", yscale="log", xlabel="width n", ylabel=name)
        ax.legend()
    return fig


def functions(arrays):
    """Trained functions on the circle with the percentiles of their Gaussian limit."""
    caption = "Trained functions of ten networks, and the 10th, 50th and 90th percentile."
    fig, axes = plot.figure(1, len(arrays["law_width"]), caption=caption, size=(10, 3.8))
    gamma, order = centred(arrays["law_angle"])
    mean, deviation = arrays["law"][0][order], np.sqrt(arrays["law"][1])[order]
    points, _ = centred(arrays["law_points"][0])
    values = arrays["law_points"][1][centred(arrays["law_points"][0])[1]]
    for ax, width, curves in zip(
        np.atleast_1d(axes), arrays["law_width"], arrays["curves"], strict=True
    ):
        every = curves.reshape(-1, len(gamma))[:, order]
        for i, curve in enumerate(every[:10]):
            name = "networks" if i == 0 else f"_network {i + 1}"
            look = {"color": "0.75", "linestyle": "-", "linewidth": 0.7, "marker": "", "zorder": 1}
            ax.plot(gamma, curve, label=name, **look)
        for i, (name, q, z) in enumerate(
            (("10th", 10, -1.2816), ("50th", 50, 0.0), ("90th", 90, 1.2816))
        ):
            found = np.percentile(every, q, axis=0)
            ax.plot(gamma, found, label=f"{name} percentile", **plot.style(i))
            label = "limit" if i == 0 else f"_limit, {name}"
            plot.law(ax, gamma, mean + z * deviation, label=label, zorder=3, color="black")
        ax.scatter(points, values, label="training points", color="black", marker="x", zorder=4)
        ax.set(title=f"width {width}", xlabel="angle γ (rad)", ylabel="f after training")
        ax.legend(fontsize=7)
    return fig


def components(arrays, cfg):
    """Motion along and beside the second component; decay along all of them."""
    caption = "Digits: motion along the second principal component, beside it, and decay rates."
    fig, (inside, beside, rates) = plot.figure(1, 3, caption=caption, size=(13, 3.8))
    time = np.arange(arrays["beside"].shape[-1])
    law = (1 - arrays["rate_lr"] * arrays["value"][:, 1:2]) ** time
    for i, width in enumerate(arrays["component_width"]):
        left = 1 - arrays["second"][i]
        plot.band(inside, time, left, label=f"width {width}", **plot.style(i))
        plot.band(beside, time, arrays["beside"][i], label=f"width {width}", **plot.style(i))
    plot.law(inside, time, law.mean(0), label="(1 − ηλ₂/N)^t", zorder=3)
    inside.set(xlabel="gradient steps t", ylabel="residual along component 2", yscale="log")
    beside.set(xlabel="gradient steps t", ylabel="deviation orthogonal to it")
    beside.set_ylim(bottom=0)
    order = np.argsort(arrays["value"].ravel())
    for i, width in enumerate(arrays["component_width"]):
        found = np.maximum(arrays["rate"][i], 1e-6).ravel()[order]
        look = plot.style(i) | {"linestyle": "", "markevery": 1, "fillstyle": "none"}
        rates.plot(arrays["value"].ravel()[order], found, label=f"width {width}", **look)
    expected = measure.predicted_rates(arrays).ravel()[order]
    plot.law(rates, arrays["value"].ravel()[order], expected, label="−log(1 − ηλ/N)", zorder=3)
    rates.set(xscale="log", yscale="log", xlabel="eigenvalue λ / N", ylabel="rate of decay a step")
    for ax in (inside, beside, rates):
        ax.legend()
    return fig
