"""Distances of climates by bits, the attractor, the soil in time, its range and its errors."""

import numpy as np

from common import plot

from . import distance, year

WAYS = ("to nearest", "stochastic")


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_lorenz": lorenz(arrays, cfg),
        "fig2_attractor": attractor(arrays),
        "fig3_soil": temperatures(arrays, cfg),
        "fig4_ladder": ladder(arrays, cfg),
        "fig5_variables": bars(arrays, cfg),
    }


def lorenz(arrays, cfg):
    """W_1 over the floor against bits, a panel for every variable."""
    fig, axes = plot.figure(
        1, 3, size=(11.5, 3.7),
        caption="Lorenz 1963: distance of the climate to that of 52 bits over the distance of two"
        " ensembles of 52 bits. To nearest it leaves the floor from 10 bits down, with stochastic"
        " rounding from 7 bits down, and then faster. Bands: seeds.",
    )  # fmt: skip
    bits = np.array([cfg.single, *arrays["bits"]])
    every = np.concatenate([arrays["single"][:, :, None], arrays["w1"]], 2)
    ratio = every / arrays["floor"][:, None, None]
    for v, (ax, name) in enumerate(zip(axes, distance.VARIABLES, strict=True)):
        for way, label in enumerate(WAYS):
            look = plot.style(way) | {"markevery": 1}
            plot.band(ax, bits, ratio[:, way, :, v], label=label, **look)
        plot.law(ax, bits[[0, -1]], [1, 1], label="floor: 52 bits with 52 bits")
        ax.set(xscale="log", yscale="log", title=name, xlabel="bits of the significand")
        ax.set_xticks(bits, [str(b) for b in bits])
        ax.xaxis.minorticks_off()
    axes[0].set_ylabel("W₁ / floor")
    axes[0].legend()
    return fig


def attractor(arrays):
    """Where the members are, in the plane of x and z."""
    names = ["52 bits", *(f"{bits} bits, {way}" for way in WAYS for bits in (8, 7))]
    fig, axes = plot.figure(
        1, len(names), size=(2.6 * len(names), 2.9),
        caption="Density of the Lorenz attractor, one seed: to nearest the members crowd on fewer"
        " paths the fewer the bits, random words spread them again.",
    )  # fmt: skip
    for ax, name, counts in zip(axes, names, arrays["density"], strict=True):
        image = np.log10(1 + 1e4 * counts.T / counts.sum())
        shown = ax.imshow(image, extent=(-25, 25, 0, 50), origin="lower", vmin=0, vmax=2.2)
        ax.set(title=name, xlabel="x")
    axes[0].set_ylabel("z")
    fig.colorbar(shown, ax=axes, label="log₁₀(1 + 10⁴ share)", fraction=0.02)
    return fig


def temperatures(arrays, cfg):
    """Temperatures at three depths in time."""
    fig, axes = plot.figure(
        1, 3, size=(11.5, 3.5),
        caption=f"Soil in kelvin with {cfg.half} bits: to nearest nothing ever moves; one"
        " stochastic column follows the exact one with noise.",
    )  # fmt: skip
    time = arrays["day"] / year.YEAR
    for d, ax in enumerate(axes):
        for i, name in ((2, "stochastic"), (1, "to nearest"), (0, "52 bits")):
            look = plot.style({0: 6, 1: 0, 2: 1}[i]) | {"marker": ""}
            ax.plot(time, arrays["trace"][i, :, d], label=name, **look)
        ax.set(xlabel="year", title=f"{arrays['depth'][d]:g} m", ylim=(264, 290))
    axes[0].set_ylabel("temperature (K)")
    axes[0].legend(loc="lower right")
    return fig


def ladder(arrays, cfg):
    """Range of the year against bits with its law; errors of the mean by depth."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9.5, 3.8),
        caption="Soil: the range of the year at 0.5 m, rounded to nearest in kelvin, and the law of"
        f" a dead band; errors of the last year's mean with {cfg.half} bits. Bands: seeds.",
    )  # fmt: skip
    bits, swing = arrays["soil_bits"], arrays["swing"]
    plot.band(left, bits, swing[:, 1:], label="to nearest", **plot.style(0) | {"markevery": 1})
    fine = np.linspace(bits[0], 13, 100)
    dead = year.dead_band(cfg.soil_dt, fine)
    plot.law(left, fine, np.maximum(year.SWING - dead, 0), label="10 K − t, others still")
    exact = swing[:, 0].mean()
    left.axhline(exact, color="0.4", linestyle=":", label="52 bits")
    left.set(xlabel="bits of the significand", ylabel="range of the year (K)")
    left.legend(loc="lower right")
    for i, (way, scale) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        name = f"{WAYS[way]}, {('kelvin', 'Celsius')[scale]}"
        look = plot.style(i) | {"markevery": 1}
        plot.band(right, arrays["depth"], arrays["bias"][:, way, scale], label=name, **look)
    right.set(xlabel="depth (m)", ylabel="error of the last year's mean (K)")
    right.legend()
    return fig


def bars(arrays, cfg):
    """W_1 of every variable and precision, bars of the mean of seeds."""
    fig, axes = plot.figure(
        1, 2, size=(11, 3.6),
        caption="Lorenz 1963: W₁ to 52 bits, mean of seeds, in units of the variable; x has a high"
        " floor since it seldom changes its sign.",
    )  # fmt: skip
    bits = [f"{b}" for b in (cfg.single, *arrays["bits"])]
    every = np.concatenate([arrays["single"][:, :, None], arrays["w1"]], 2).mean(0)
    floor, place = arrays["floor"].mean(0), np.arange(len(bits) + 1)
    for way, (ax, title) in enumerate(zip(axes, WAYS, strict=True)):
        for v, name in enumerate(distance.VARIABLES):
            height = [floor[v], *every[way, :, v]]
            ax.bar(place + 0.27 * (v - 1), height, 0.25, label=name, hatch=("", "//", "..")[v])
        ax.set(title=title, xlabel="bits of the significand", yscale="log")
        ax.set_xticks(place, ["52", *bits])
        ax.set_ylim(0.5 * every.min(), 1.5 * every.max())
    axes[0].set_ylabel("W₁")
    axes[0].legend()
    return fig
