"""Networks, small worlds, waves in space and time, fronts, equations beside epidemics, maps."""

import numpy as np

from common import plot

from . import measure

NAMES = "Gaussian", "Laplace", "two kinds of nodes", "power law"


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_networks": networks(arrays, cfg),
        "fig2_small_world": small_world(arrays, cfg),
        "fig3_waves": waves(arrays, cfg),
        "fig4_fronts": fronts(arrays, cfg),
        "fig5_equations": equations(arrays, cfg),
        "fig6_maps": maps(arrays, cfg),
    }


def look(i):
    return plot.style(i) | {"markevery": 1}


def networks(arrays, cfg):
    """The same nodes with local, mixed and global edges; edges across the border are left out."""
    fig, axes = plot.figure(
        1, 3, size=(11, 3.9),
        caption="160 nodes of expected degree 5: edges of a Gaussian kernel, a tenth of them"
        " anywhere, all anywhere. Edges across the border of the torus are not drawn.",
    )  # fmt: skip
    x = arrays["place"]
    for ax, name in zip(axes, ("local", "mixed", "global"), strict=True):
        ends = x[arrays[f"drawn_{name}"]]  # [edge, 2, xy]
        ends = ends[(abs(ends[:, 0] - ends[:, 1]) < 0.5).all(axis=1)]
        lines = np.concatenate([ends, np.full((len(ends), 1, 2), np.nan)], axis=1).reshape(-1, 2)
        ax.plot(*lines.T, color="0.55", linewidth=0.5, marker="", label="edges")
        ax.plot(*x.T, linestyle="", marker="o", markersize=2.5, color="#0072B2", label="nodes")
        ax.set(title=name, xlabel="x", aspect="equal", xlim=(0, 1), ylim=(0, 1))
        ax.grid(visible=False)
    axes[0].set_ylabel("y")
    return fig


def small_world(arrays, cfg):
    """Path length, local edges and clustering by p; clustering by N."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 3.9),
        caption="Left: a ring with a share p of edges that end anywhere. Right: clustering at two"
        " kinds of nodes on the unit square, the kernel fixed.",
    )  # fmt: skip
    p = arrays["shortcuts"]
    least = p[p > 0].min() / 4
    x = np.where(p > 0, p, least)
    ratio = arrays["length"] / arrays["length"][:, :1]
    curves = {"path length / that at p = 0": ratio, "edges inside the box": arrays["local"]}
    for i, (name, y) in enumerate((curves | {"clustering": arrays["linked"]}).items()):
        plot.band(left, x, y, label=name, **look(i))
    left.axhline(0.6, color="0.4", linestyle=":", label="clustering of a lattice")
    left.set(xscale="log", xlabel="share of global edges p", ylabel="share, or ratio")
    left.set_xticks(x, ["0", *(f"{v:g}" for v in p[1:])])
    left.xaxis.minorticks_off()
    left.legend(fontsize=8)
    plot.band(right, arrays["sizes"], arrays["linked_by_size"], label="ours", **look(0))
    plot.law(right, arrays["sizes"], arrays["linked_law"], label="K² / (6π w² N⟨κ⟩)")
    right.set(xscale="log", yscale="log", xlabel="nodes N", ylabel="clustering")
    right.set_xticks(arrays["sizes"], [f"{n:,}" for n in arrays["sizes"]])
    right.xaxis.minorticks_off()
    right.legend(fontsize=8)
    return fig


def waves(arrays, cfg):
    """I(x, t) of the equations for a kernel with and one without exponential tails."""
    fig, axes = plot.figure(
        1, 2, size=(10, 4),
        caption="Share infected by place and time, the equations on a line: a wave of constant"
        " speed (Gaussian kernel), and acceleration (kernel ~ |x|⁻³). Dotted: c* t.",
    )  # fmt: skip
    t = arrays["wave_t"]
    for ax, values, name in zip(axes, arrays["wave"], (NAMES[0], NAMES[-1]), strict=True):
        mesh = ax.pcolormesh(arrays["wave_x"], t, values, vmin=0, cmap="cividis")
        fig.colorbar(mesh, ax=ax, label="infected I")
        for side in (-1, 1):
            ax.plot(side * arrays["c_star"][0] * t, t, color="w", marker="",
                    linestyle=":", label="c* t, Gaussian")  # fmt: skip
        ends = arrays["wave_x"][[0, -1]]
        ax.set(xlabel="place / kernel width", title=name, xlim=ends, ylim=(0, t[-1]))
        ax.grid(visible=False)
    axes[0].set_ylabel("time")
    return fig


def fronts(arrays, cfg):
    """Distance of the front, and its speed over c*."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 3.9),
        caption="Left: distance of the front where 1 − Θ = 0.1, with lines of slope c* and, for the"
        " power law, its exponential. Right: speed over c* and the correction of pulled fronts.",
    )  # fmt: skip
    t, x = arrays["moment"], arrays["front"]
    end = measure.front(arrays, -1, arrays["hops"][1]) * 1.5
    for i, name in enumerate(NAMES):
        kept = (x[i] > 1) & (x[i] < (end if i == len(NAMES) - 1 else np.inf))
        left.plot(t[kept], x[i][kept], label=name, **plot.style(i))
        if i < len(arrays["c_star"]):
            line = x[i][-1] + arrays["c_star"][i] * (t - t[-1])
            plot.law(left, t, line, label="_slope" if i else "slope c*")
    late = t[(x[-1] > 5) & (x[-1] < end)]
    law = measure.front(arrays, -1, late[-1]) * np.exp(arrays["rate"] * (late - late[-1]))
    left.plot(late, law, color="k", marker="", linestyle=":", label="exp((βK − β − γ) t / 3)")
    left.set(xlabel="time", ylabel="distance / kernel width", ylim=(0, 1.1 * end))
    around = measure.AROUND["late"]
    at = np.arange(4, arrays["late"] + 0.1)
    for i, name in enumerate(NAMES[:-1]):
        found = np.array([measure.speeds(arrays, i, when, around) for when in at])
        right.plot(at, found / arrays["c_star"][i], label=name, **plot.style(i))
        bramson = 1 - 1.5 / (arrays["l_star"][i] * at * arrays["c_star"][i])
        plot.law(right, at, bramson, label="_law" if i else "1 − 3 / (2 λ* c* t)")
    right.axhline(1, color="0.4", linestyle=":", label="c*")
    right.set(xlabel="time", ylabel="speed / c*", ylim=(0.88, 1.06))
    for ax in (left, right):
        ax.legend(fontsize=8)
    return fig


def equations(arrays, cfg):
    """S(t) of every ring, and I(x, t) of the first, beside the equations."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 3.9),
        caption="Epidemics on rings, laid on the equations (dashed) where 5 % are infected. Left:"
        " all seeds, by length of the ring at one N. Right: who is infected where, first seed,"
        " first ring, by time since then.",
    )  # fmt: skip
    for i, width in enumerate(arrays["rings"]):
        law = arrays["mean_field"][i]
        since = measure.started(arrays["moment"], law)
        for s in range(len(arrays["seeds"])):
            later, clock = measure.laid(arrays, s, i)
            name = f"ring of {width} widths" if s == 0 else f"_{width}, seed {s}"
            thin = plot.style(i) | {"linewidth": 0.9, "markevery": 12}
            left.plot(clock - since, arrays["susceptible"][s, i][later], label=name, **thin)
        shown = arrays["moment"] >= since
        shown &= arrays["moment"] <= since + cfg.horizon
        plot.law(left, arrays["moment"][shown] - since, law[shown], label="_" if i else "equations")
    left.set(xlabel="time since 5 % were infected", ylabel="susceptible S", xlim=(0, 14))
    later, clock = measure.laid(arrays, 0, 0)
    bins = arrays["infected"].shape[-1]
    x = (np.arange(bins) + 0.5) / bins * arrays["rings"][0]
    since = measure.started(arrays["moment"], arrays["mean_field"][0])
    for i, after in enumerate((0.0, 0.5, 1.0, 2.0)):
        k = int(abs(clock - since - after).argmin())
        law = [np.interp(clock[k], arrays["moment"], row) for row in arrays["infected_law"].T]
        name = f"time {after:g}"
        right.plot(x, arrays["infected"][0, later[k]], label=name, **look(i) | {"linestyle": ""})
        plot.law(right, x, np.array(law), label="_" if i else "equations")
    right.set(xlabel="place / kernel width", ylabel="infected I", ylim=(-0.01, 0.6))
    left.legend(fontsize=8)
    right.legend(fontsize=8, ncols=3, loc="upper center")
    return fig


def maps(arrays, cfg):
    """Share infected so far on the unit square, at three totals."""
    shares, count = (3, 10, 30), arrays["components"][0]
    fig, axes = plot.figure(
        2, len(shares), size=(10, 6.4),
        caption="Epidemics on the unit square from a small square in the middle, the median edge"
        f" {cfg.median:g} for both kernels: share of nodes infected so far.",
    )  # fmt: skip
    names = ("heavy", count[0]), ("Gaussian", count[1])
    for row, maps, (name, foci) in zip(axes[::-1], arrays["maps"], names, strict=True):
        for ax, values, share in zip(row, maps, shares, strict=True):
            edge = np.linspace(0, 1, len(values) + 1)
            mesh = ax.pcolormesh(edge, edge, values.T, vmin=0, vmax=1, cmap="cividis")
            title = f"{name}, {share} % infected"
            if share == 10:
                title += f": {foci:g} " + ("focus" if foci == 1 else "foci")
            ax.set(title=title, aspect="equal", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
            ax.grid(visible=False)
        row[0].set_ylabel("y")
        fig.colorbar(mesh, ax=list(row), label="infected so far")
    for ax in axes[1]:
        ax.set_xlabel("x")
    return fig
