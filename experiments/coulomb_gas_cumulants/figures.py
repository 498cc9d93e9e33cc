"""Cumulants by N, the edge, chains, and the rate."""

import numpy as np

from common import plot

from . import measure

ORDERS = (2, 3, 4, 5)
NAMES = {"square": "r²", "quartic": "r⁴", "gauss": "exp(−r²)"}


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_cumulants": cumulants(arrays, cfg),
        "fig2_edge": edge(arrays, cfg),
        "fig3_chains": chains(arrays, cfg),
        "fig4_rate": rate(arrays, cfg),
    }


def cumulants(arrays, cfg):
    """Scaled cumulants over their limits by 1/N."""
    fig, axes = plot.figure(
        1, len(ORDERS), size=(3.4 * len(ORDERS), 3.6),
        caption="Exact cumulants of sums of f in the plane, β = 2, times N^(q−2), over the formula:"
        " they meet it as 1/N.",
    )  # fmt: skip
    for k, (ax, q) in enumerate(zip(axes, ORDERS, strict=True)):
        for i, name in enumerate(cfg.names):
            ratio = arrays["cumulant"][i, :, k] / arrays["limit"][i, k]
            look = plot.style(i) | {"markevery": 1}
            ax.plot(1 / arrays["sizes"], ratio, label=NAMES[name], **look)
        ax.axhline(1, color="0.4", linestyle=":", label="formula")
        ax.set(xlabel="1 / N", title=f"q = {q}")
    axes[0].set_ylabel("N^(q−2) κ_q / formula")
    axes[0].legend(fontsize=8)
    return fig


def edge(arrays, cfg):
    """Relative change by what is added inside."""
    fig, ax = plot.figure(
        caption="What a bump inside the droplet changes: the variance by a tenth at every N, the"
        " third and fourth cumulant less and less."
    )
    for k, q in enumerate(ORDERS[:3]):
        look = plot.style(k) | {"markevery": 1}
        ax.plot(arrays["sizes"], measure.changes(arrays)[:, k], label=f"κ_{q}", **look)
    ax.axhline(0.02, color="0.4", linestyle=":", label="2 %")
    ax.set(xscale="log", yscale="log", xlabel="N", ylabel="relative change")
    ax.set_xticks(arrays["sizes"], [str(x) for x in arrays["sizes"]])
    ax.xaxis.minorticks_off()
    ax.legend()
    return fig


def chains(arrays, cfg):
    """Cumulants of chains over the exact ones, and the density with its first corrections."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9.5, 3.8),
        caption="Chains of a few particles. Left: cumulants of sum r² over the exact law, by β."
        " Right: its density at β = 2, a normal one, and that with the third cumulant.",
    )  # fmt: skip
    for k, name in enumerate(("κ₂", "κ₃")):
        ratio = arrays["kappa"][..., k] / arrays["kappa_exact"][:, k]
        look = plot.style(k) | {"markevery": 1}
        plot.band(left, arrays["betas"], ratio, label=name, **look)
    left.axhline(1, color="0.4", linestyle=":", label="exact")
    left.set(xscale="log", xlabel="β", ylabel="over the exact cumulant")
    left.set_xticks(arrays["betas"], [f"{b:g}" for b in arrays["betas"]])
    left.xaxis.minorticks_off()
    middle = (arrays["bin"][1:] + arrays["bin"][:-1]) / 2
    right.stairs(arrays["histogram"], arrays["bin"], fill=True, color="0.8", label="chains")
    x = np.linspace(-4, 4, 200)
    normal = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    two, three = arrays["kappa_exact"][len(arrays["betas"]) // 2]
    skew = three / float(arrays["particles"]) / two**1.5
    right.plot(x, normal, label="normal", **plot.style(0) | {"marker": None})
    edgeworth = normal * (1 + skew / 6 * (x**3 - 3 * x))
    right.plot(x, edgeworth, label="with κ₃", **plot.style(1) | {"marker": None})
    right.set(xlabel="standardised sum", ylabel="density", xlim=(middle[0], middle[-1]))
    for ax in (left, right):
        ax.legend(fontsize=8)
    return fig


def rate(arrays, cfg):
    """Exact Legendre transform beside the rate."""
    fig, ax = plot.figure(
        caption="Rate of large deviations of sum r²: exact at finite N, and the formula; the"
        " parabola of the variance beside them."
    )
    mean = arrays["mean"]
    ax.plot(mean, arrays["reached"], label=f"N = {cfg.rate_n}", **plot.style(0) | {"linestyle": ""})
    plot.law(ax, mean, arrays["rate"], label="Ψ")
    ax.plot(mean, (mean - 0.5) ** 2, label="parabola", **plot.style(2) | {"marker": None})
    ax.set(xlabel="Λ", ylabel="−log P / N²")
    ax.legend()
    return fig
