"""Residuals and costs of Algorithm 1, its estimates, games by cost, games by orbit."""

import numpy as np

from common import plot

METHODS = ("full Halpern", "Algorithm 1", "fresh mini-batches")
GAMES = ("Algorithm 2", "anchored EG, 1/(4L)", "anchored EG, 1/L_F")
FORWARD = ("Algorithm 1, forward", "stochastic descent-ascent")


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_residuals": residuals(arrays, cfg),
        "fig2_costs": costs(arrays, cfg),
        "fig3_estimates": estimates(arrays, cfg),
        "fig4_games": games(arrays, cfg),
        "fig5_orbits": orbits(arrays, cfg),
    }


def residuals(arrays, cfg):
    """Residual against steps at the largest n, and against evaluations at every n."""
    sizes = arrays["size"]
    fig, axes = plot.figure(
        1, len(sizes) + 1, size=(3.4 * (len(sizes) + 1), 3.5),
        caption="Least squares, eta = 1/L: Algorithm 1 takes the steps of full Halpern and a"
        " fraction of its evaluations; without recursion it stalls. Bands: seeds.",
    )  # fmt: skip
    for m, name in enumerate(METHODS):
        each = arrays["residual"][:, m]
        plot.band(axes[0], arrays["at"], each[:, -1], label=name, **plot.style(m))
        spent = np.median(arrays["spent"][:, m], axis=0)
        for i, ax in enumerate(axes[1:]):
            plot.band(ax, spent[i], each[:, i], label=name, **plot.style(m))
    at = arrays["at"]
    plot.law(axes[0], at, 2 / (cfg.steps[0] * (at + 3)), label="2 / (η (k + 3))")
    axes[0].set(xlabel="step k", title=f"n = {sizes[-1]}", ylabel="‖F(u_k)‖ / (L ‖u₀ − u*‖)")
    for ax, n in zip(axes[1:], sizes, strict=True):
        ax.set(xlabel="component evaluations", title=f"n = {n}")
    low, high = arrays["residual"].min() / 1.5, arrays["residual"].max() * 1.5
    for ax in axes:
        ax.set(ylim=(low, high))
        ax.axhline(arrays["accuracy"], color="0.4", linestyle=":", label="ε")
        ax.set(xscale="log", yscale="log")
    axes[0].legend()
    return fig


def costs(arrays, cfg):
    """Evaluations to the accuracy, the gain, and both against the step size."""
    fig, (cost, gain, tuned) = plot.figure(
        1, 3, size=(12, 3.8),
        caption="Evaluations until the operator norm is ε: n for full Halpern, √n for Algorithm 1"
        " (fewer for larger steps, equally for both). Never reached: n a step to the end.",
    )  # fmt: skip
    n, paid = arrays["size"], arrays["paid"]
    for m, name in enumerate(METHODS[:2]):
        plot.band(cost, n, paid[:, 0, m], label=name, **plot.style(m) | {"markevery": 1})
        order = np.argsort(arrays["step"])
        look = plot.style(m) | {"markevery": 1}
        plot.band(tuned, arrays["step"][order], paid[:, order, m, -1], label=name, **look)
    middle = np.median(paid[:, 0], 0)
    plot.law(cost, n, middle[0, 0] * n / n[0], label="slope 1")
    plot.law(cost, n, middle[1, 0] * (n / n[0]) ** 0.5, label="slope 1/2", linestyle=":")
    cost.set(xlabel="components n", ylabel="component evaluations", title="η = 1/L")
    gains = paid[:, 0, 0] / paid[:, 0, 1]
    plot.band(gain, n, gains, label="full Halpern over Algorithm 1", **plot.style(2))
    plot.law(gain, n, np.sqrt(n) / 6, label="√n / 6")
    plot.law(gain, n, np.sqrt(n) / 10, label="√n / 10", linestyle=":")
    gain.set(xlabel="components n", ylabel="gain", title="η = 1/L")
    tuned.set(xlabel="η L", ylabel="component evaluations", title=f"n = {n[-1]}")
    for ax, ticks in ((cost, n), (gain, n), (tuned, arrays["step"])):
        ax.set(xscale="log", yscale="log")
        ax.set_xticks(ticks, [f"{x:g}" for x in ticks])
        ax.xaxis.minorticks_off()
        ax.legend()
    return fig


def estimates(arrays, cfg):
    """Error of the estimate beside the operator, at the smallest and the largest n."""
    fig, axes = plot.figure(
        1, 2, size=(9, 3.8),
        caption="Error of the recursive estimate (root mean square between records) beside the"
        " operator that it estimates: it falls as 1/k or faster, so its norm can be stopped on.",
    )  # fmt: skip
    at = arrays["at"]
    for ax, place in zip(axes, (0, -1), strict=True):
        error, size = arrays["error"][:, place], arrays["residual"][:, 1, place]
        plot.band(ax, at, size, label="‖F(u_k)‖", **plot.style(0))
        shown = (error > 0).all(0)
        plot.band(ax, at[shown], error[:, shown], label="‖F~_k − F(u_k)‖", **plot.style(1))
        middle = len(at) // 2
        guide = np.median(error[:, middle]) * at[middle] / at[middle:]
        plot.law(ax, at[middle:], guide, label="1/k")
        low, high = arrays["ratio"][:, place, 0].min(), arrays["ratio"][:, place, 1].max()
        title = f"n = {arrays['size'][place]}: ‖F~‖/‖F‖ from {low:.2f} to {high:.2f}"
        ax.set(xscale="log", yscale="log", xlabel="step k", ylabel="norm", title=title)
    axes[0].legend()
    return fig


def games(arrays, cfg):
    """Bilinear games: residual by outer step, cost by n, forward methods."""
    fig, (outer, cost, forward) = plot.figure(
        1, 3, size=(12.5, 3.9),
        caption="Bilinear games: Algorithm 2 below its bound at every n, evaluations to ε, and"
        " forward methods, whose operator norm grows. L_F is the constant of F itself.",
    )  # fmt: skip
    sizes = arrays["game_size"]
    for i, n in enumerate(sizes):
        k, first = np.unique(arrays["outer"][i], return_index=True)
        curve = arrays["outer_residual"][:, i][:, first]
        plot.band(outer, k, curve, label=f"n = {n}", **plot.style(i))
        plot.law(outer, k, 4 / (np.sqrt(n) * k), label="bound" if i == 0 else f"_bound {n}")
    outer.axhline(arrays["game_accuracy"], color="0.4", linestyle=":", label="ε")
    outer.set(xlabel="outer step k + 1", ylabel="‖F(v_k)‖ / (L ‖u₀ − u*‖)")
    for m, name in enumerate(GAMES):
        look = plot.style(m) | {"markevery": 1}
        plot.band(cost, sizes, arrays["game_paid"][:, m], label=name, **look)
    middle = np.median(arrays["game_paid"][:, 0], 0)[0]
    plot.law(cost, sizes, middle * np.sqrt(sizes / sizes[0]), label="slope 1/2")
    cost.set(xlabel="components n", ylabel="component evaluations to ε")
    for m, name in enumerate((*FORWARD, *GAMES[1:])):
        which = "forward" if m < 2 else "anchored"
        curve = arrays[which][:, m % 2, -1]
        plot.band(forward, arrays["game_at"], curve, label=name, **plot.style(m))
    forward.set(xlabel="step k", ylabel="‖F(u_k)‖ / (L ‖u₀ − u*‖)", title=f"n = {sizes[-1]}")
    for ax in (outer, cost, forward):
        ax.set(xscale="log", yscale="log")
        ax.legend(fontsize=7)
    return fig


def orbits(arrays, cfg):
    """Paths of one game in the plane of x_1 and y_1, the forward ones as long as they are near."""
    fig, (near, far) = plot.figure(
        1, 2, size=(9, 4.3),
        caption="One game seen in (x₁, y₁), its solution at the origin: resolvent and"
        " extragradient wind in, forward steps wind out.",
    )  # fmt: skip
    inward = (("Algorithm 2, v_k", arrays["orbit_outer"]), (GAMES[1], arrays["orbit"][0]))
    for i, (name, path) in enumerate(inward):
        near.plot(*path.T, label=name, **plot.style(i) | {"markersize": 3})
    near.set_title("what converges")
    for i, (name, path) in enumerate(zip(FORWARD, arrays["orbit"][1:], strict=True)):
        seen = np.cumprod(np.abs(path).max(1) < 2).astype(bool)
        far.plot(*path[seen].T, label=name, **plot.style(i + 2) | {"markersize": 3})
    far.set_title("what does not, while within 2")
    for ax in (near, far):
        ax.plot(0, 0, "k+", markersize=10, label="u*")
        ax.set(xlabel="x₁", ylabel="y₁")
        ax.legend(fontsize=7)
    return fig
