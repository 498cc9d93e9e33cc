"""Figures, drawn from the arrays of any preset."""

import numpy as np

from common import plot

from . import measure, series

FEATURES = "log MSD, scaled", "log PR, scaled", "|autocorrelation|, scaled"
TICKS = (0.06, 0.1, 0.2, 0.5), (0.2, 0.5, 1, 2)  # couplings, T / T_D
TIME = "time, m / ħq_D²"


def figures(arrays, cfg):
    """Pictures, the field by temperature, release, late diffusion, maps, clusters."""
    return {
        "fig1_packets": packets(arrays, cfg),
        "fig2_field": field(arrays),
        "fig3_release": release(arrays, cfg),
        "fig4_late": late(arrays, cfg),
        "fig5_map": maps(arrays, cfg),
        "fig6_clusters": clusters(arrays),
    }


def named(speeds, motion):
    """v_s as labels."""
    return [f"v_s = {v * motion:g}" if v * motion else "frozen" for v in speeds]


def packets(arrays, cfg):
    """The field at first, and |psi|^2 at the end for every speed."""
    fig, axes = plot.figure(
        1, 4, size=(11, 3.1),
        caption=f"Left: the middle of a lattice of V_rms = {cfg.strong:g} at time 0. Then |ψ| at"
        f" t = {arrays['t'][-1]:g} from a launch in the middle, same phases: frozen, and moving at"
        " v_s; one scale, cut at half of the largest.",
    )  # fmt: skip
    half = len(arrays["field"]) * cfg.box / cfg.grid / 2
    edge = np.linspace(-half, half, len(arrays["field"]) + 1)
    axes[0].pcolormesh(edge, edge, arrays["field"].T, cmap="RdBu_r")
    psi = np.sqrt(arrays["picture"])
    edge = np.linspace(-cfg.box / 2, cfg.box / 2, psi.shape[-1] + 1)
    for ax, z, name in zip(axes[1:], psi, named(cfg.speeds, cfg.motion), strict=False):
        ax.pcolormesh(edge, edge, z.T, vmin=0, vmax=psi.max() / 2, cmap="cividis")
        ax.set_title(name)
    for ax in axes:
        ax.set(aspect="equal", xlabel="x, 1/q_D")
    axes[0].set(ylabel="y, 1/q_D", title="V at t = 0")
    return fig


def field(arrays):
    """V_rms^2 by temperature."""
    fig, ax = plot.figure(
        size=(5.6, 3.8),
        caption="Strength of the deformation potential by temperature: fields on a grid, and the"
        " integral over the Debye disc (dashed), T³ when cold and T when hot.",
    )
    theta, dots = arrays["theta"], plot.style(0) | {"linestyle": "", "markevery": 1}
    plot.band(ax, theta, arrays["variance"], label="fields", **dots)
    plot.law(ax, theta, arrays["law"], label="∫ u² / (exp(u/θ) − 1) du")
    ax.plot(theta, 2.404 * theta**3, ":", color="0.6", label="2.404 θ³", marker="")
    ax.plot(theta, theta / 2, "-.", color="0.6", label="θ / 2", marker="")
    ax.set(xscale="log", yscale="log", xlabel="θ = T / T_D", ylabel="V_rms² / coupling²")
    ax.set_ylim(arrays["law"].min() / 3, arrays["law"].max() * 3)
    ax.legend()
    return fig


def release(arrays, cfg):
    """PR, MSD and kinetic energy of both strengths at every speed."""
    fig, axes = plot.figure(
        2, 3, size=(10, 5.6),
        caption="One packet in a strong (above) and a weak lattice: medians and ranges of seeds."
        " Dashed: speckle that fills the box, L²/2 and L²/6.",
    )  # fmt: skip
    t = arrays["t"]
    for row, name, rms in zip(axes, ("strong", "weak"), (cfg.strong, cfg.weak), strict=True):
        for ax, seen in zip(row, ("pr", "msd", "kinetic"), strict=True):
            for i, label in enumerate(named(cfg.speeds, cfg.motion)):
                plot.band(ax, t, arrays[f"{name}_{seen}"][:, i], label=label, **plot.style(i))
            ax.set(xlabel=TIME, title=f"V_rms = {rms:g}")
        full = arrays["speckle"]
        for ax, level in ((row[0], full), (row[1], full / 3)):
            plot.law(ax, t, np.full(len(t), level), label="fills the box")
        row[0].set(yscale="log", ylabel="participation ratio, 1/q_D²")
        row[1].set(ylabel="MSD, 1/q_D²")
        row[2].set(ylabel="energy ⟨k²⟩/2", ylim=(0, None))
    axes[1, 0].legend(loc="lower right")
    return fig


def late(arrays, cfg):
    """MSD and diffusivity in the wide box, with classical particles."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 4),
        caption="Strong lattice, wide box: MSD and D = dMSD/dt / 4 for the same phases, frozen and"
        " moving, and classical particles in the frozen field. The last third (shaded) is decided"
        " on. Dashed: half of the MSD that fills the box, beyond which"
        " it slows the fast lattice's packet.",
    )  # fmt: skip
    t = arrays["t"]
    names = [*named(cfg.late_speeds, cfg.motion), "classical, frozen"]
    curves = [*np.moveaxis(arrays["late_msd"], 1, 0), arrays["particles_msd"]]
    size = max(len(t) // 10, 1)
    middle = t[: len(t) // size * size].reshape(-1, size).mean(1)
    for i, (name, msd) in enumerate(zip(names, curves, strict=True)):
        plot.band(left, t, msd, label=name, **plot.style(i))
        D = np.gradient(msd, t, axis=1)[:, : len(middle) * size] / 4
        D = D.reshape(len(msd), -1, size).mean(-1)
        plot.band(right, middle, D, label=name, **plot.style(i) | {"markevery": 1})
    plot.law(left, t, np.full(len(t), cfg.late_box**2 / 12), label="half of L²/6")
    right.axvspan(t[-(len(t) // 3)], t[-1], color="0.93", zorder=0)
    left.set(xlabel=TIME, ylabel="MSD, 1/q_D²", ylim=(0, None))
    right.set(xlabel=TIME, ylabel="D, ħ/m", ylim=(0, None))
    left.legend(fontsize=7, loc="upper left")
    return fig


def maps(arrays, cfg):
    """Clusters of the first seed over temperature and coupling."""
    fig, axes = plot.figure(
        1, 4, size=(13, 3.6),
        caption="First seed, k = 4, clusters numbered by final PR (0 the least): moving runs alone;"
        " moving and frozen runs clustered together; PR at the end, moving over frozen. Lines:"
        " V_rms = 0.125 = k0²/2 (left) and 0.3.",
    )  # fmt: skip
    gain = np.median(arrays["final"][:, 0] / arrays["final"][:, 1], 0)
    shown = arrays["label"][0, list(arrays["k"]).index(measure.K)], *arrays["joint"][0], gain
    titles = "moving", "moving, of both", "frozen, of both", "PR moving / frozen, median"
    x, y = arrays["coupling"], arrays["temperature"]
    step = [np.sqrt(v[1] / v[0]) for v in (x, y)]
    edges = [np.r_[v / s, v[-1] * s] for v, s in zip((x, y), step, strict=True)]
    for ax, z, title in zip(axes, shown, titles, strict=True):
        whole = z.dtype.kind == "i"
        ax.pcolormesh(*edges, z, vmin=0 if whole else 1, vmax=measure.K - 1 if whole else None)
        if len(x) <= 8:
            for i, j in np.ndindex(z.shape):
                light = z[i, j] < (measure.K / 2 if whole else 0.5 * z.max())
                text = f"{z[i, j]}" if whole else f"{z[i, j]:.1f}"
                how = {"ha": "center", "va": "center", "fontsize": 7}
                ax.text(x[j], y[i], text, color="white" if light else "black", **how)
        if (arrays["rms"] > 0.3).any() and (arrays["rms"] < 0.125).any():
            ax.contour(x, y, arrays["rms"], [0.125, 0.3], colors="red", linewidths=1)
        ax.set(xscale="log", yscale="log", title=title, xlabel="coupling g")
        ax.set_xticks(TICKS[0], [f"{v:g}" for v in TICKS[0]])
        ax.set_yticks(TICKS[1], [f"{v:g}" for v in TICKS[1]])
        ax.minorticks_off()
    axes[0].set_ylabel("T / T_D")
    return fig


def clusters(arrays):
    """Centroids of the moving runs, and silhouettes and elbow by k."""
    fig, axes = plot.figure(
        2, 3, size=(10, 5.6),
        caption="Above, first seed: DTW barycentres of the four clusters of moving runs, numbered"
        " as on the map. Below, all seeds, by k: mean silhouette, sum of squares, share of points"
        " that agree with their neighbours, and of permuted labels the 99 % quantile.",
    )  # fmt: skip
    for i, centre in enumerate(arrays["centroid"]):
        for ax, y in zip(axes[0], centre.T, strict=True):
            ax.plot(arrays["map_t"], y, label=f"cluster {i}", **plot.style(i))
    for ax, name in zip(axes[0], FEATURES, strict=True):
        ax.set(xlabel=TIME, ylabel=name)
    axes[0, 1].legend(loc="lower right")
    k = arrays["k"]
    look = [plot.style(i) | {"markevery": 1} for i in range(3)]
    plot.band(axes[1, 0], k, arrays["silhouette"], label="ours", **look[0])
    plot.law(axes[1, 0], k, np.full(len(k), 0.3), label="0.3")
    axes[1, 0].set(ylabel="mean silhouette", ylim=(0, None))
    plot.band(axes[1, 1], k, arrays["inertia"], label="ours", **look[0])
    axes[1, 1].set(ylabel="Σ DTW² to the centroid", ylim=(0, None))
    plot.band(axes[1, 2], k, series.agreement(arrays["label"]), label="ours", **look[0])
    plot.band(axes[1, 2], k, arrays["chance"], label="permuted, 99 %", **look[1])
    plot.law(axes[1, 2], k, np.full(len(k), 0.85), label="0.85")
    axes[1, 2].set(ylabel="share that agrees", ylim=(0, 1))
    axes[1, 2].legend(loc="lower left")
    for ax in axes[1]:
        ax.set_xticks(k)
        ax.set_xlabel("clusters k")
    return fig
