"""Five pictures: transfer functions, spectra, condition numbers, errors, answers to tones."""

import numpy as np

from common import plot

from . import measure


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1": responses(arrays, cfg),
        "fig2": spectra(arrays, cfg),
        "fig3": conditions(arrays, cfg),
        "fig4": errors(arrays, cfg),
        "fig5": tones(arrays, cfg),
    }


def names(cfg):
    return ("LegS", "normal part, B/2", *(f"PTD, ‖E‖ = {x:g}" for x in cfg.epsilons[1::-1]))


def responses(arrays, cfg):
    """|x_0(i w)| on all frequencies, and around the spike."""
    fig, (whole, near) = plot.figure(
        1, 2, caption=f"First state of N = {cfg.shown} models: the normal part follows LegS and"
        " leaves it at its last resonance, by 2/π; PTD stays near everywhere.",
    )  # fmt: skip
    omega, spike = arrays["omega"], cfg.shown**2 / np.pi
    close = np.abs(omega - spike) < 6
    for i, (name, size) in enumerate(zip(names(cfg), arrays["response"], strict=True)):
        whole.plot(omega, size, label=name, **plot.style(i))
        near.plot(omega[close], size[close], label=name, **plot.style(i))
    for ax in (whole, near):
        ax.axhline(2 / np.pi, color="0.4", linestyle=":", label="2/π")
        ax.axvline(spike, color="0.6", linestyle="--", label="N²/π")
        ax.set(xlabel="ω (rad per unit of time)", ylabel="|x₀(iω)| for an input of size 1")
    whole.set(xscale="log", yscale="log", title="all frequencies")
    near.set(title="around the spike")
    whole.legend()
    return fig


def spectra(arrays, cfg):
    """Resolvent norm of LegS with the eigenvalues of all models."""
    fig, ax = plot.figure(
        size=(7.0, 4.6),
        caption=f"log₁₀ σ_min(z − A) of LegS, N = {cfg.pictured}: z is an eigenvalue of A + E for"
        " some E of that size. A small E moves eigenvalues far.",
    )
    image = ax.pcolormesh(*arrays["plane"], arrays["resolvent"], rasterized=True)
    fig.colorbar(image, label="log₁₀ σ_min(z − A)")
    for i, (name, (re, im)) in enumerate(zip(names(cfg), arrays["spectrum"], strict=True)):
        look = plot.style(i, line=False) | {"color": ("w", "#D55E00", "#56B4E9", "#CC79A7")[i]}
        ax.scatter(re, im, label=name, s=26, edgecolors="k", linewidths=0.6, **look)
    ax.set(xlabel="Re z", ylabel="Im z")
    ax.legend(loc="upper left")
    return fig


def flat(values):
    """[S, R, …] -> [S R, …]"""
    return values.reshape(-1, *values.shape[2:])


def conditions(arrays, cfg):
    """Condition numbers against N and against the norm of E."""
    fig, (sizes, norms) = plot.figure(
        1, 2, caption="Condition of the eigenvectors: exponential for LegS, moderate after a"
        " perturbation, in proportion to 1/‖E‖. Bands: all E of all seeds.",
    )  # fmt: skip
    size, epsilon, bound = arrays["size"], arrays["epsilon"], measure.condition_bound(arrays)
    look = plot.style(0) | {"markevery": 1}
    sizes.plot(arrays["exact_size"], arrays["exact_condition"], label="LegS, in integers", **look)
    law = arrays["exact_condition"][-1] + measure.GROWTH * (
        arrays["exact_size"] - arrays["exact_size"][-1]
    )
    plot.law(sizes, arrays["exact_size"], law, label="(1 + √2)^(2N)")
    for i, eps in enumerate(epsilon):
        found = np.log10(np.stack([flat(each)[:, i] for each in arrays["condition"]], axis=1))
        look = plot.style(i + 1) | {"markevery": 1}
        plot.band(sizes, size, found, label=f"PTD, ‖E‖ = {eps:g}", **look)
    sizes.set(xlabel="states N", ylabel="log₁₀ κ(V)")
    for i, n in enumerate(size):
        look = plot.style(i) | {"markevery": 1}
        plot.band(norms, epsilon, flat(arrays["condition"][i]), label=f"N = {n}", **look)
    plot.law(norms, epsilon, bound[-1, 0, 0], label=f"4 N^1.5 (1 + ‖A‖/‖E‖), N = {size[-1]}")
    norms.set(xscale="log", yscale="log", xlabel="‖E‖₂", ylabel="κ(V)")
    norms.set_ylim(top=1e5 * bound[-1].max())  # room for the legend
    for ax in (sizes, norms):
        ax.legend()
    return fig


def errors(arrays, cfg):
    """Errors at fixed frequencies and over all of them, against N and the norm of E."""
    fig, (weak, sup, norms) = plot.figure(
        1, 3, caption="The normal part converges at a frequency and not over all; PTD is within"
        " its bound for every N, in proportion to ‖E‖.", size=(13, 3.8),
    )  # fmt: skip
    look = plot.style(0) | {"markevery": 1}
    n, found = arrays["weak_size"], arrays["weak"]
    plot.band(weak, n, found.T, label="normal part, B/2", **look)
    plot.law(weak, n, np.median(found[0]) * n[0] / n, label="1/N")
    low, high = cfg.weak_band
    weak.set(title=f"first state, ω from {low:g} to {high:g}", ylabel="|Δx₀(iω)|")

    n = arrays["peak_size"]
    plot.band(sup, n, arrays["peak_norm"].T, label="normal part, all states", **look)
    plot.band(sup, n, arrays["peak_first"].T, label="normal part, first", **plot.style(1))
    plot.law(sup, n, 2 / np.pi * n, label="(2/π) N")
    plot.law(sup, n, np.full(len(n), 2 / np.pi), label="2/π", linestyle=":")
    for i, eps in enumerate(arrays["epsilon"]):
        each = np.stack([flat(x)[:, i] for x in arrays["uniform"]], axis=1)
        plot.band(sup, arrays["size"], each, label=f"PTD, ‖E‖ = {eps:g}", **plot.style(i + 2))
    sup.set(title="over all ω", ylabel="max over ω of ‖Δx(iω)‖₂", ylim=(1e-3, 3e3))

    epsilon = arrays["epsilon"]
    for i, n in enumerate(arrays["size"]):
        look = plot.style(i) | {"markevery": 1}
        plot.band(norms, epsilon, flat(arrays["uniform"][i]), label=f"N = {n}", **look)
    fine = np.geomspace(epsilon[0], epsilon[-1], 50)
    plot.law(norms, fine, measure.error_bound(fine), label="2ε / (1 − 2ε)")
    norms.set(title="PTD", xlabel="ε = ‖E‖₂", ylabel="max over ω of ‖Δx(iω)‖₂")
    for ax in (weak, sup, norms):
        ax.set(xscale="log", yscale="log")
        ax.legend(fontsize=7, ncols=2 if ax is sup else 1)
    for ax, n in ((weak, arrays["weak_size"]), (sup, arrays["peak_size"])):
        ax.set_xlabel("states N")
        ax.set_xticks(n, [str(x) for x in n])
        ax.xaxis.minorticks_off()
    return fig


def tones(arrays, cfg):
    """Output errors against the frequency of the tone."""
    fig, ax = plot.figure(
        size=(7.0, 4.2),
        caption=f"Frozen models of N = {cfg.order} with one readout: error of the output under a"
        " tone of size 1 (markers), under smooth signals alone and with the tone of the claim.",
    )
    for i, name in enumerate(("normal part, B/2", f"PTD, ‖E‖ = {cfg.tone_epsilon:g}")):
        look = plot.style(i) | {"markevery": 1}
        plot.band(ax, arrays["angle"], arrays["answer"][:, i], label=name, **look)
        clean, noisy = (np.median(arrays[key][:, i]) for key in ("clean", "noisy"))
        ax.axhline(clean, color=look["color"], linestyle="--", label=f"{name}, signals alone")
        ax.axhline(noisy, color=look["color"], linestyle="-.", label=f"{name}, signals and tone")
    ax.axvline(arrays["spike"], color="0.4", linestyle=":", label="largest Im λ of the normal part")
    ax.set(xscale="log", yscale="log", xlabel="frequency of the tone θ (rad per step)")
    ax.set(ylabel="error of the output (root mean square)")
    ax.legend(fontsize=7)
    return fig
