"""Figures, drawn from the arrays of any preset."""

import numpy as np

from common import plot

from . import measure


def figures(arrays, cfg):
    """Name -> Figure, whichever the arrays allow."""
    parts = {
        "fig1_paths": ("paths", paths),
        "fig2_laws": ("gaps", laws),
        "fig3_bound": ("kl", bound),
        "fig4_shapes": ("density", shapes),
        "fig5_losses": ("errors", losses),
        "fig6_learned": ("energy", learned),
    }
    return {name: draw(arrays, cfg) for name, (array, draw) in parts.items() if array in arrays}


def paths(arrays, cfg):
    """Two modes carried to three."""
    caption = "Densities of x_t from two modes to three, and paths of the SDE and of the ODE."
    fig, axes = plot.figure(1, 3, size=(11.0, 3.2), caption=caption)
    x, drawn = arrays["grid"], arrays["paths"]
    time = np.linspace(0, 1, drawn.shape[1])
    names = f"SDE, ε = {cfg.path_epsilon:g}, γ = √(t(1−t))", "ODE, γ = √(t(1−t))", "ODE, γ = 0"
    for ax, name, density, some in zip(axes, names, arrays["densities"], drawn, strict=True):
        extent = (0, 1, x[0], x[-1])
        image = ax.imshow(
            density.T, cmap="Greys", origin="lower", aspect="auto", extent=extent,
            vmin=0, vmax=0.4,
        )  # fmt: skip
        image.set_label("density of x_t")
        for i, path in enumerate(some.T):
            ax.plot(time, path, label=f"path {i + 1}", **plot.style(i) | {"marker": ""})
        ax.set(title=name, xlabel="t", ylabel="x", ylim=(-9, 9))
    return fig


def laws(arrays, cfg):
    """Distances to the exact law over quarters."""
    caption = "Distances of simulated samples to the exact law of x_t, the largest of the seeds."
    fig, ax = plot.figure(size=(7.0, 3.8), caption=caption)
    time, i = np.arange(1, 5) / 4, 0
    for e, epsilon in enumerate(arrays["epsilon"]):
        for g, name in enumerate(cfg.gammas):
            style = plot.style(i) | {"markevery": 1}
            worst = arrays["gaps"][:, e, g].max(axis=0)
            ax.plot(time, worst, label=f"ε = {epsilon:g}, γ {name}", **style)
            i += 1
    bound = np.full(4, measure.critical(arrays))
    plot.law(ax, time, bound, label="1 % by chance (a seed's worst)")
    ax.set(xlabel="t", ylabel="√n × Kolmogorov–Smirnov distance", ylim=(0, None), xticks=time)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return fig


def bound(arrays, cfg):
    caption = "What the losses say of the KL: a bound with noise (left), none without (right)."
    fig, (left, right) = plot.figure(1, 2, size=(10.0, 3.8), caption=caption)
    for i, (name, label) in enumerate(
        (("kl", "KL(ρ₁ | model)"), ("path", "KL of paths (Girsanov)"), ("bound", "B/ε + εS"))
    ):
        values = arrays[name].reshape(-1, arrays[name].shape[-1])
        style = plot.style(i) | {"markevery": 1}
        plot.band(left, arrays["bound_epsilon"], values, label=label, **style)
    title = "random Gaussians, affine errors: median, range"
    left.set(xscale="log", yscale="log", xlabel="ε", ylabel="nats", title=title)
    w, loss = arrays["frequency"], cfg.amplitude**2 / 4
    for i, epsilon in enumerate(cfg.wave_noises):
        style = plot.style(i) | {"markevery": 1}
        plot.band(right, w, arrays["wave_kl"][:, i], label=f"KL at ε = {epsilon:g}", **style)
    law = 2 * np.log(np.cosh(np.log(2) * cfg.amplitude * w))
    plot.law(right, w, law, label="2 log cosh(Aω log 2)")
    plot.law(right, w, np.full(w.shape, loss), label="loss A²/4", linestyle=(0, (1, 2)))
    right.set(xscale="log", yscale="log", xlabel="frequency ω of the velocity's error")
    right.set(ylabel="nats", title=f"error A sin(ωz + φ), A = {cfg.amplitude:g}")
    for ax in (left, right):
        ax.legend()
    return fig


def shapes(arrays, cfg):
    caption = (
        "The density half-way and the largest slope of the velocity, with more and more noise."
    )
    fig, (left, middle, right) = plot.figure(1, 3, size=(13.0, 3.6), caption=caption)
    for i, a in enumerate(cfg.gains):
        left.plot(arrays["grid"], arrays["density"][0, i], label=f"a = {a:g}", **plot.style(i))
    left.set(xlabel="x", ylabel="density of x_t at t = 1/2", xlim=(-7.5, 7.5))
    left.set_title(f"γ = √(a t(1−t)), seed {cfg.seeds[0]}")
    style = plot.style(0) | {"markevery": 1}
    plot.band(middle, cfg.gains, measure.filled(arrays), label="all seeds", **style)
    middle.set(xlabel="a", ylabel="deepest valley / highest peak", yscale="log")
    plot.band(right, cfg.gains, arrays["slope"], label="all seeds", **style)
    right.set(xlabel="a", ylabel="max |∂b/∂x| at t = 1/2", yscale="log")
    for ax in (left, middle, right):
        ax.legend()
    return fig


def losses(arrays, cfg):
    caption = "Minimisers of the losses on the exact fields, and what antithetic pairs do."
    fig, axes = plot.figure(1, 3, size=(13.0, 3.6), caption=caption)
    at = len(cfg.times) // 2
    for field, (ax, name) in enumerate(zip(axes[:2], ("velocity b", "score s"), strict=True)):
        seen = np.abs(arrays["nodes"]) < 6
        x = arrays["nodes"][seen]
        ax.plot(x, arrays["fitted"][at, field, seen], label="minimiser", **plot.style(0))
        plot.law(ax, x, arrays["exact"][at, field, seen], label="exact", zorder=3)
        ax.set(xlabel="x", ylabel=f"{name} at t = {cfg.times[at]:g}")
    time = arrays["end_time"]
    for i, name in enumerate(("plain", "paired")):
        for field, of in enumerate(("velocity", "score")):
            style = plot.style(2 * i + field) | {"markevery": 1}
            label = f"{of}, {'antithetic' if i else 'plain'}"
            plot.band(axes[2], time, arrays[name][..., field], label=label, **style)
    law = np.median(arrays["plain"][:, 0, measure.SCORE]) * time[0] / time
    plot.law(axes[2], time, law, label="1 / t")
    axes[2].set(xscale="log", yscale="log", xlabel="t", ylabel="variance of a gradient")
    for ax in axes:
        ax.legend()
    return fig


def learned(arrays, cfg):
    caption = "Samples of learned fields by ODE and SDEs, the bound of their losses, training."
    fig, (left, middle, right) = plot.figure(1, 3, size=(13.0, 3.6), caption=caption)
    order = np.argsort(arrays["net_epsilon"])
    epsilon, energy = arrays["net_epsilon"][order], arrays["energy"][:, :, order]
    for seed, row in zip(cfg.seeds, energy[:, 0], strict=True):
        left.plot(epsilon, row, label=f"_seed {seed}", color="0.7", marker="", linestyle="-")
    style = plot.style(0) | {"markevery": 1}
    left.plot(epsilon, np.median(energy[:, 0], axis=0), label="median of the seeds (grey)", **style)
    spread = np.full(epsilon.shape, arrays["floor"].std())
    plot.law(left, epsilon, spread, label="spread, target to target")
    left.set(xlabel="ε", ylabel="energy distance to the target", title=f"γ {cfg.net_gammas[0]}")
    noise = np.geomspace(0.05, 20, 40)
    losses = arrays["loss"] - arrays["loss"][:, :, -1:]
    for i, name in enumerate(cfg.net_gammas):
        velocity, score = np.moveaxis(arrays["excess"][:, i, :, None], 1, 0)
        total = velocity / noise + noise * score
        plot.band(middle, noise, total, label=f"γ {name}", **plot.style(i))
        for field, of in enumerate(("velocity", "score")):
            label, style = f"{of}, γ {name}", plot.style(2 * i + field)
            plot.band(right, arrays["loss_step"], losses[:, i, :, field], label=label, **style)
    middle.set(
        xscale="log", yscale="log", xlabel="ε", ylabel="B/ε + εS of the learned fields (nats)"
    )
    right.set(xlabel="step of Adam", ylabel="loss above its last value")
    for ax in (left, middle, right):
        ax.legend()
    return fig
