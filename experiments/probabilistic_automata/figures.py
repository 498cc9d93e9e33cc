"""Memory, space and time, energies, cycles, the ball of a qubit, CHSH."""

import numpy as np

from common import plot

from . import measure


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_memory": memory(arrays),
        "fig2_spacetime": spacetime(arrays),
        "fig3_spectrum": spectrum(arrays),
        "fig4_cycles": lengths(arrays),
        "fig5_bloch": bloch(arrays),
        "fig6_chsh": chsh(arrays),
    }


def memory(arrays):
    """Averages of a boundary spin: Ising chains and the shift."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 3.8),
        caption="What is left of the initial average: Ising chains of several β lose it as"
        " tanh(β)ᵗ (grey); under the shift of 10 sites it is back after every round. First seed.",
    )  # fmt: skip
    mean, beta = arrays["mean"][0], arrays["beta"][0]
    t = np.arange(mean.shape[-1])
    for i, (values, b) in enumerate(zip(mean, beta, strict=True)):
        left.plot(t, values, label=f"β = {b:.2f}", **plot.style(i))
        label = "law" if i == 0 else f"_law {i}"
        plot.law(left, t, values[0] * np.tanh(b) ** t, label=label)
    left.set(yscale="log", xlabel="step t", ylabel="⟨s(t)⟩")
    look = plot.style(4) | {"markevery": 1}
    right.plot(t, arrays["bit"][0], label="one bit under the shift", **look)
    right.plot(t, mean[0], label=f"Ising spin, β = {beta[0]:.2f}", **plot.style(0))
    right.set(xlabel="step t", ylabel="average")
    for ax in (left, right):
        ax.legend(fontsize=7)
    return fig


def spacetime(arrays):
    """Two packets of unlike colours, passing and scattering."""
    density = arrays["density"]
    fig, axes = plot.figure(
        1, 2, size=(10, 4),
        caption="Density of colour a less that of b, over an ensemble of initial states: packets"
        " of right- and left-movers pass each other, or swap colours where they meet. A cell is two"
        " sites.",
    )  # fmt: skip
    density = density.reshape(*density.shape[:2], -1, 2).sum(axis=-1)
    span = abs(density).max()
    for ax, values, name in zip(axes, density, ("free", "scattering"), strict=True):
        shown = ax.imshow(
            values, origin="lower", aspect="auto", cmap="RdBu_r", vmin=-span, vmax=span,
            interpolation="nearest", extent=(0, 2 * values.shape[1], 0, values.shape[0]),
        )  # fmt: skip
        ax.set(xlabel="site", ylabel="step t", title=name)
        fig.colorbar(shown, ax=ax, label=f"a − b, {name}")
    return fig


def spectrum(arrays):
    """Energies of one, of several free movers, and of a pair that scatters."""
    fig, (one, many, pair) = plot.figure(
        1, 3, size=(13, 3.8),
        caption="Energies from eigenvalues and cycles. One mover: E = p. Several: levels are sums"
        " of momenta (crosses). A pair of unlike colours on an odd ring: half of the levels of"
        " free movers (grey) move by half a spacing.",
    )  # fmt: skip
    for i, M in enumerate(arrays["sites"][[0, -1]]):
        at = int(np.flatnonzero(arrays["sites"] == M)[0])
        found = arrays["one"][0, 0, at, :M] / M
        look = plot.style(i) | {"linestyle": ""}
        one.plot(np.arange(M) / M, found, label=f"M = {M}", **look)
    plot.law(one, [0, 1], [0, 1], label="E = p")
    one.set(xlabel="p / 2π", ylabel="E / 2π")
    M, levels = arrays["sites"][0], arrays["many"][0, :, 0]
    for i, number in enumerate((1, 2, 3)):
        look = plot.style(i) | {"markevery": 1}
        k = np.arange(M)
        many.plot(k, levels[0, number, :M], label=f"{number} of {M} sites", **look)
        label = "sums of momenta" if i == 0 else f"_sums {number}"
        many.plot(k, levels[1, number, :M], "x", color="0.3", label=label, markersize=9)
    many.set(xlabel="E M / 2π", ylabel="levels", ylim=(0, None))
    odd = int(np.flatnonzero(arrays["pairs"] == 5)[0])
    k = np.arange(10)
    free = np.where(k % 2 == 0, 10, 0)
    pair.bar(k / 2 - 0.09, free, width=0.18, color="0.7", label="free")
    found = arrays["pair"][odd, 0, :10]
    pair.bar(k / 2 + 0.09, found, width=0.18, color=plot.COLOURS[1], label="scattering")
    pair.set(xlabel="E M / 2π, M = 5", ylabel="levels of a pair")
    for ax in (one, many, pair):
        ax.legend(fontsize=7)
    return fig


def lengths(arrays):
    """Share of states by length of cycle, and energies that no free state has."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 3.8),
        caption="All states of rings of two colours. Left: share of states on cycles of each"
        " length; free ones (grey) have lengths that divide M. Right: share of a random state's"
        " energies that are no sums of free momenta.",
    )  # fmt: skip
    exact = []
    for i, (M, (free, met)) in enumerate(zip(arrays["rings"], arrays["lengths"], strict=True)):
        length, look = np.flatnonzero(met), plot.style(i) | {"markevery": 1, "linestyle": ""}
        left.plot(length, met[length] / met.sum(), label=f"M = {M}", **look)
        length_free = np.flatnonzero(free)
        grey = look | {"color": "0.6", "markerfacecolor": "none", "markersize": 9}
        label = "free" if i == 0 else f"_free {M}"
        left.plot(length_free, free[length_free] / free.sum(), label=label, **grey)
        exact.append((measure.foreign_of(length, M) * met[length]).sum() / met.sum())
    left.set(xscale="log", yscale="log", xlabel="length of cycle", ylabel="share of states")
    shares = measure.foreign_of(arrays["cycle"], arrays["rings"][:, None]).mean(axis=-1)
    plot.band(right, arrays["rings"], shares, label="random states", **plot.style(0))
    plot.law(right, arrays["rings"], exact, label="all states")
    right.axhline(0.0, color="0.4", linestyle=":", label="free")
    right.set(xlabel="sites M", ylabel="share of energies", xticks=arrays["rings"], ylim=(-0.03, 1))
    for ax in (left, right):
        ax.legend(fontsize=7, loc="lower right" if ax is left else "upper left")
    return fig


def bloch(arrays):
    """Random classical distributions in the plane of two averages, and their squares."""
    fig, (left, right) = plot.figure(
        1, 2, size=(10, 4.2),
        caption="Averages of three classical spins in random distributions: quantum states lie in"
        " the ball. Rotations of the octahedron keep the length of every vector.",
    )  # fmt: skip
    r = arrays["vector"][0]
    inside = (r**2).sum(axis=-1) <= 1
    for i, (name, seen) in enumerate((("inside the ball", inside), ("outside", ~inside))):
        look = plot.style(i, line=False)
        left.scatter(r[seen, 0], r[seen, 2], s=12, label=name, **look)
    turn = np.linspace(0, 2 * np.pi, 200)
    plot.law(left, np.cos(turn), np.sin(turn), label="surface")
    left.set(xlabel="⟨s₁⟩", ylabel="⟨s₃⟩", aspect="equal", ylim=(-1.1, 1.6))
    before, after = arrays["squared"][:, 1].ravel(), arrays["squared"][:, 0].ravel()
    some = slice(None, None, 24)
    look = plot.style(2) | {"linestyle": "", "markevery": None}
    right.plot(before[some], after[some], label="moved by rotations", **look)
    plot.law(right, [0, 3], [0, 3], label="unchanged")
    right.axvline(1.0, color="0.4", linestyle=":", label="quantum condition")
    right.set(xlabel="Σ⟨sₖ⟩² before", ylabel="Σ⟨sₖ⟩² after")
    for ax in (left, right):
        ax.legend(fontsize=7)
    return fig


def chsh(arrays):
    """The largest CHSH of joint distributions, and that of fifteen spins."""
    fig, ax = plot.figure(
        caption="CHSH: random joint distributions of four observables, the 16 assignments that"
        " they mix, and fifteen classical spins whose averages are two qubits. Bars: means of"
        " seeds, or the largest value."
    )
    names = ("joint,\nrandom", "joint,\nlargest", "fifteen\nspins")
    joints, fifteen = abs(arrays["joints"]), arrays["fifteen"]
    heights = joints.max(), arrays["assigned"].max(), fifteen.mean()
    ax.bar(range(3), heights, color=[plot.COLOURS[i] for i in (5, 0, 1)], label="CHSH")
    for level, name in ((2, "2"), (2 * np.sqrt(2), "2√2")):
        ax.axhline(level, color="0.4", linestyle=":", label=f"_{name}")
        ax.annotate(name, (-0.5, level), va="bottom")
    ax.set_xticks(range(3), names)
    ax.set(ylabel="CHSH", ylim=(0, 3.3))
    return fig
