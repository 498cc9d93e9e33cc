"""Phase planes, separation, iterates beside dynamics, courses, rates, acceleration."""

import numpy as np

from common import plot

NAMES = {
    "gradient_descent": "gradient descent", "heavy_ball": "heavy ball", "nag_sc": "Nesterov",
    "triple_momentum": "triple momentum", "tuned_ball": "heavy ball, Nesterov's tuning",
}  # fmt: skip


def figures(arrays, cfg):
    """From any preset's arrays.  -> {name: Figure}"""
    names = [NAMES[name] for name in cfg.methods]
    return {
        "fig1_phase": phase(arrays, cfg.c),
        "fig2_separation": separation(arrays, cfg),
        "fig3_tracking": tracking(arrays),
        "fig4_descents": descents(arrays, names, cfg.kappas[0]),
        "fig5_rates": rates(arrays, names),
        "fig6_acceleration": acceleration(arrays),
    }


def phase(arrays, c):
    """Courses of the immersion and its manifold, for three dampings."""
    fig, axes = plot.figure(
        1, 3, size=(10.5, 3.8),
        caption="Immersion in the phase plane, f' = x + 3 tanh x: the larger γ, the straighter"
        " every course (from its marker) falls on the manifold z = −c f'(x) of gradient flow.",
    )  # fmt: skip
    x = np.linspace(-2.5, 2.5, 101)
    for ax, gamma, courses in zip(axes, arrays["portrait_gammas"], arrays["portrait"], strict=True):
        for i, course in enumerate(courses):
            look = plot.style(i) | {"linestyle": "-", "markevery": [0]}
            ax.plot(course[:, 0], course[:, 1], label=f"_course {i}", **look)
        plot.law(ax, x, -c * (x + 3 * np.tanh(x)), label="manifold", zorder=3, color="k")
        ax.set(title=f"γ = {gamma:g}", xlabel="x", xlim=(-2.6, 2.6), ylim=(-7, 7))
    axes[0].set_ylabel("z = dx/dt")
    axes[0].legend(loc="upper right")
    return fig


def separation(arrays, cfg):
    """Distance from the manifold against time; from gradient flow against epsilon."""
    fig, (left, right) = plot.figure(
        1, 2,
        caption=f"Left: distance from the manifold, γ = {cfg.gamma:g}, of every seed; dashed: the"
        " law, e^(−γt). Right: distance from gradient flow at t = 1, median and range of seeds;"
        " dashed: slope 1.",
    )  # fmt: skip
    for i, name in enumerate(("least squares", "logistic")):
        look = plot.style(i) | {"markevery": 8}
        off = arrays["off"][:, i]
        plot.band(left, arrays["watched"], off / off[:, :1], label=name, **look)
        plot.band(right, arrays["epsilons"], arrays["apart"][:, i], label=name, **plot.style(i))
    law = np.exp(-cfg.gamma * arrays["watched"])
    plot.law(left, arrays["watched"], law, label="e^(−γt)", color="k", zorder=3)
    e = arrays["epsilons"]
    plot.law(right, e, 2 * np.median(arrays["apart"][:, 1, -1]) * e / e[-1], label="slope 1")
    left.set(yscale="log", xlabel="time t", ylabel="|z + c ∇f| over its start")
    right.set(
        xscale="log", yscale="log", xlabel="ε = 1/γ", ylabel="|x − x of gradient flow| / |x₀|"
    )
    right.set_xticks([0.002, 0.005, 0.01, 0.02], ["0.002", "0.005", "0.01", "0.02"])
    right.set_xticks([], minor=True)
    left.legend()
    right.legend()
    return fig


def tracking(arrays):
    """Sup distance of iterates from dynamics against the step, a panel a problem."""
    fig, axes = plot.figure(
        1, 2,
        caption="Largest distance of iterates from dynamics over a time of 5/√m, against the step:"
        " with every term of order √s it is of order s (dashed), without it is of order √s"
        " (dashed).",
    )  # fmt: skip
    labels = ("Nesterov, Hessian term", "heavy ball, without it", "Nesterov, low resolution")
    s = arrays["fractions"]
    for problem, (ax, name) in enumerate(zip(axes, ("least squares", "logistic"), strict=True)):
        for pair, label in enumerate(labels):
            plot.band(ax, s, arrays["tracking"][:, pair, problem], label=label, **plot.style(pair))
        fine, low = np.median(arrays["tracking"][:, [0, 2], problem, -1], axis=0)
        plot.law(ax, s, 0.6 * fine * s / s[-1], label="slopes 1 and 1/2")
        plot.law(ax, s, 1.6 * low * np.sqrt(s / s[-1]), label="_slope 1/2")
        ax.set(xscale="log", yscale="log", title=name, xlabel="step s, in 1/L")
    axes[0].set_ylabel("sup |x_k − X(k√s)| / |x₀|")
    axes[0].legend()
    return fig


def descents(arrays, names, kappa):
    """|x_k| of every method on the counterexample and on a quadratic."""
    fig, axes = plot.figure(
        1, 2, size=(9.5, 4.2),
        caption="Left: the counterexample of Lessard, Recht and Packard (κ = 25) from 3.3; dashed:"
        " (1 − 1/√κ)^k; Nesterov's method is at 0 after a few steps, its step 1/L being exact"
        f" near 0. Right: a random quadratic, κ = {kappa:g}; there heavy ball is the fastest"
        " and Nesterov's method as fast as triple momentum.",
    )  # fmt: skip
    for ax, rows, every in zip(axes, (arrays["cycling"], arrays["falling"]), (6, 30), strict=True):
        k = np.arange(rows.shape[1])
        for i, (name, row) in enumerate(zip(names, rows, strict=True)):
            shown = np.where(row > 1e-13, row, np.nan)
            ax.plot(k, shown, label=name, **(plot.style(i) | {"markevery": every}))
        ax.set(yscale="log", xlabel="step k")
    k = np.arange(arrays["cycling"].shape[1])
    plot.law(axes[0], k, arrays["cycling"][0, 0] * arrays["rho"] ** k, label="(1 − 1/√κ)^k")
    k = np.arange(arrays["falling"].shape[1])
    plot.law(axes[1], k, (1 - 1 / np.sqrt(kappa)) ** k, label="_law")
    axes[0].set(title="counterexample", ylabel="|x_k|", ylim=(1e-8, 30))
    axes[1].set(title="quadratic", ylabel="|x_k| / |x_0|", ylim=(1e-12, 10))
    axes[0].legend(fontsize="small", loc="lower left")
    return fig


def rates(arrays, names):
    """How many functions have a contraction above a value, for every method."""
    fig, ax = plot.figure(
        size=(7.0, 4.4),
        caption="Share of random functions, κ = 25, on which a method contracts by less than a"
        " rate. Vertical: 1 − 1/√κ and √(1 − 1/√κ). Triple momentum ends at the first; Nesterov's"
        " method passes it, heavy ball reaches 1.",
    )
    edges, counts = arrays["edges"], arrays["counts"]
    for i, (name, row) in enumerate(zip(names, counts, strict=True)):
        above = row[::-1].cumsum()[::-1] / row.sum()
        shown = np.where(above > 0, above, np.nan)
        look = plot.style(i) | {"markevery": 5}
        ax.plot(edges[:-1], shown, label=name, **look)
    for value in (arrays["rho"], np.sqrt(arrays["rho"])):
        ax.axvline(value, color="0.6", linestyle=":", zorder=0)
    ax.set(
        yscale="log",
        xlabel="contraction a step, over 200 steps",
        ylabel="share above",
        xlim=(0.3, 1.0),
    )
    ax.legend(fontsize="small", loc="lower left")
    return fig


def acceleration(arrays):
    """f against k for convex functions; steps against kappa for strongly convex ones."""
    fig, (left, right) = plot.figure(
        1, 2, size=(9.5, 4.2),
        caption="Left: Nesterov's method for convex functions on the tridiagonal matrix; dashed:"
        " k^−2. Right: steps to an accuracy on random quadratics; dashed: √κ and κ.",
    )  # fmt: skip
    k = arrays["at"]
    for i, name in enumerate(("random start", "start 0")):
        rows = np.maximum(arrays["convex"][:, i], 1e-16)
        plot.band(left, k, rows, label=name, **(plot.style(i) | {"markevery": 15}))
    plot.law(left, k, 3.0 / k**2, label="k^−2")
    left.set(xscale="log", yscale="log", xlabel="step k", ylabel="(f(x_k) − f*) / (f(x_0) − f*)")
    left.legend()
    kappas = arrays["kappas"]
    lines = (arrays["needed"], arrays["stepped"][:, 0], arrays["stepped"][:, 1])
    labels = ("Nesterov's method, to 1e-6", "immersion, stepped, to 1e-2",
              "Nesterov's dynamics, stepped, to 1e-2")  # fmt: skip
    for i, (steps, label) in enumerate(zip(lines, labels, strict=True)):
        plot.band(right, kappas, steps, label=label, **plot.style(i))
    for i, power in ((0, 0.5), (1, 1.0)):
        start = np.median(lines[i][:, -1])
        plot.law(right, kappas, start * (kappas / kappas[-1]) ** power, label=f"_κ^{power}")
    right.set(xscale="log", yscale="log", xlabel="condition number κ", ylabel="steps")
    right.legend(fontsize="small")
    return fig
