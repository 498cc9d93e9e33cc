"""Labels, errors by method, membership matrices, paths from random starts, tightness."""

import numpy as np

from common import plot

METHODS = ("K-means", "K-means SDP", "EM from the SDP", "iLA-SDP", "LA-SDP, known Σ")
SHORT = ("K-means", "SDP", "EM", "iLA", "LA")


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_labels": labels(arrays),
        "fig2_errors": errors(arrays, cfg),
        "fig3_memberships": memberships(arrays),
        "fig4_traps": traps(arrays),
        "fig5_tightness": tightness(arrays, cfg),
    }


def labels(arrays):
    """One data set of crossed ellipses by every method."""
    shown = ((0, "truth"), (1, METHODS[0]), (3, METHODS[2]), (4, METHODS[3]), (5, METHODS[4]))
    fig, axes = plot.figure(
        1, len(shown), size=(14, 3.4),
        caption="Crossed ellipses: K-means cuts across, the likelihood follows the covariances."
        " The first data set of the first seed; crosses: misclassified.",
    )  # fmt: skip
    X, truth = arrays["points"], arrays["labels"][0]
    for ax, (row, name) in zip(axes, shown, strict=True):
        found = arrays["labels"][row]
        if (found != truth).mean() > 0.5:
            found = 1 - found
        for k in (0, 1):
            ax.scatter(
                *X[found == k].T, s=18, label=f"cluster {k + 1}", **plot.style(k, line=False)
            )
        wrong = found != truth
        ax.scatter(*X[wrong].T, s=60, marker="x", color="k", linewidth=0.8, label="wrong")
        ax.set(xlabel="x₁", title=f"{name}: {wrong.mean():.2f}")
    axes[0].set_ylabel("x₂")
    axes[0].legend(fontsize=7)
    return fig


def errors(arrays, cfg):
    """Errors of all data sets in the plane, and against the number of coordinates."""
    fig, (box, growth) = plot.figure(
        1, 2, size=(10, 3.9),
        caption="Crossed ellipses. Left: every data set with two coordinates; right: mean of a"
        f" seed against their number. {100 * float(arrays['unfinished']):.0f} % of the"
        f" solves of LA-SDP met the bound of {cfg.most} turns.",
    )  # fmt: skip
    dim = arrays["dim"]
    plane = arrays["crossed"][:, dim == dim.min()].reshape(-1, len(METHODS))
    box.boxplot(list(plane.T), tick_labels=SHORT, medianprops={"color": plot.COLOURS[1]})
    box.set(ylabel="share misclassified", title=f"p = {dim.min()}", ylim=(-0.02, 0.52))
    sizes = np.unique(dim)
    for m, name in enumerate(METHODS):
        each = np.stack([arrays["crossed"][:, dim == d, m].mean(1) for d in sizes], axis=1)
        plot.band(growth, sizes, each, label=name, **plot.style(m) | {"markevery": 1})
    growth.axhline(0.5, color="0.4", linestyle=":", label="by chance")
    growth.set(xlabel="coordinates p", ylabel="share misclassified", ylim=(-0.02, 0.6))
    growth.set_xticks(sizes)
    growth.legend(fontsize=7)
    return fig


def memberships(arrays):
    """Z_1 and Z_2 at the smallest and the largest distance."""
    fig, axes = plot.figure(
        1, 4, size=(13, 3.4),
        caption="LA-SDP's Z₁ and Z₂, points in the order of the true clusters. Far apart each is"
        " the block of its cluster, 1/n_k; near, mass is shared and the rank is higher.",
    )  # fmt: skip
    Z, place = arrays["memberships"], arrays["distance"][[0, -1]]
    for i, ax in enumerate(axes):
        shown = Z[i // 2, i % 2]
        drawn = ax.imshow(shown, vmin=0, vmax=Z.max())
        ax.set(xlabel="point", title=f"Z{'₁₂'[i % 2]}, distance {place[i // 2]:g}")
    axes[0].set_ylabel("point")
    fig.colorbar(drawn, ax=axes, label="entry of Z")
    return fig


def traps(arrays):
    """Error on the way on two near clusters and a far one."""
    fig, (em, ours) = plot.figure(
        1, 2, size=(10, 3.9),
        caption="Two near clusters and a far one, error on the way, every run. EM from random"
        " centres is trapped; so is iLA-SDP from random labels: the SDP's start is what helps."
        f" {100 * float(arrays['far_unfinished']):.0f} % of the solves met their bound.",
    )  # fmt: skip
    runs = arrays["far_em"].reshape(-1, arrays["far_em"].shape[-1])
    at = np.arange(runs.shape[1]) + 1
    for i, each in enumerate(runs):
        em.plot(at, each, color=plot.COLOURS[0], marker="", linestyle="-", alpha=0.25,
                label="random centres" if i == 0 else f"_run {i}")  # fmt: skip
    em.plot(at, runs.mean(0), label="mean of them", **plot.style(1))
    informed = arrays["far_em_sdp"].mean()
    em.axhline(informed, color=plot.COLOURS[2], label=f"from the SDP's labels, end: {informed:.3f}")
    em.set(xscale="log", xlabel="E-step of EM", ylabel="share misclassified", title="EM")
    for i, start in enumerate(("the SDP's labels", "random labels")):
        paths = arrays["far"][:, :, i].reshape(-1, arrays["far"].shape[-1])
        look = plot.style(2 - 2 * i)
        for j, each in enumerate(paths):
            ours.plot(np.arange(len(each)), each, **look | {"marker": ""}, alpha=0.4,
                      label=f"_{start} {j}")  # fmt: skip
        ours.plot(paths.mean(0), label=f"{start}, mean", **look | {"markevery": 1}, linewidth=2.5)
    ours.set(xlabel="round of iLA-SDP", ylabel="share misclassified", title="iLA-SDP")
    for ax in (em, ours):
        ax.axhline(0.2, color="0.4", linestyle=":", label="trapped above")
        ax.set_ylim(-0.02, 0.75)
        ax.legend(fontsize=7, loc="upper right")
    return fig


def tightness(arrays, cfg):
    """Gap, second eigenvalue, exact recovery and turns against the distance."""
    fig, (gap, exact, turns) = plot.figure(
        1, 3, size=(12.5, 3.7),
        caption="LA-SDP with known covariances against the distance of the centroids: fractional"
        " where the clusters overlap, integral and right where they do not.",
    )  # fmt: skip
    distance, places = arrays["distance"], np.unique(arrays["distance"])
    for i, (name, label) in enumerate((("gap", "relative gap"), ("second", "second eigenvalue"))):
        each = [np.maximum(arrays[name][:, distance == d], 1e-9).ravel() for d in places]
        middle = [np.median(x) for x in each]
        gap.plot(places, middle, label=f"{label}, median", **plot.style(i) | {"markevery": 1})
        spread = np.concatenate([np.full(len(x), d) for d, x in zip(places, each, strict=True)])
        gap.scatter(spread, np.concatenate(each), s=12, alpha=0.5, label=f"_{name}, each",
                    **plot.style(i, line=False))  # fmt: skip
    gap.axhline(1e-4, color="0.4", linestyle=":", label="tight below")
    gap.set(yscale="log", ylabel="gap, eigenvalue (1e-9 or less: at 1e-9)", ylim=(5e-10, 300))
    integral = (arrays["gap"] < 1e-4) & (arrays["second"] < 1e-3)
    right = arrays["error"] == 0
    for i, (hit, label) in enumerate(((integral, "integral"), (integral & right, "and exact"))):
        share = [hit[:, distance == d].mean() for d in places]
        exact.plot(places, share, label=label, **plot.style(i) | {"markevery": 1})
    error = [arrays["error"][:, distance == d].mean() for d in places]
    exact.plot(places, error, label="mean error", **plot.style(2) | {"markevery": 1})
    exact.set(ylabel="share", ylim=(-0.03, 1.03))
    turns.set_ylim(50, 2 * cfg.near_most)
    each = [arrays["turns"][:, distance == d].mean() for d in places]
    turns.plot(places, each, label="mean", **plot.style(0) | {"markevery": 1})
    turns.axhline(cfg.near_most, color="0.4", linestyle=":", label="bound")
    turns.set(yscale="log", ylabel=f"turns of ADMM to {cfg.near_tol:g}")
    for ax in (gap, exact, turns):
        ax.set_xlabel("distance of the centroids")
        ax.legend(fontsize=7)
    return fig
