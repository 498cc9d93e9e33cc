"""A plane through a counterfactual; validity against cost; ranks; the bound; what changed."""

import numpy as np

from common import plot

from . import measure

NAMES = ("base", "T-Rex:I", "T-Rex:NN", "m raised", "closest, m higher")
DOTS = {"linestyle": "", "markevery": 1}


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_plane": plane(arrays, cfg),
        "fig2_cost": cost(arrays),
        "fig3_ranks": ranks(arrays),
        "fig4_bound": bound(arrays, cfg),
        "fig5_change": change(arrays, cfg),
    }


def plane(arrays, cfg):
    """Boundaries of m and of the new networks in the plane of a query and its counterfactuals."""
    caption = (
        "A plane through a refused query, its closest counterfactual and T-Rex:I at the largest τ:"
        " the share of networks with other initial weights that accepts, their boundaries (thin)"
        " and m's (thick, dashed)."
    )
    fig, ax = plot.figure(size=(6.6, 4.8), caption=caption)
    said, (x, y) = arrays["plane"], arrays["plane_axes"]
    share = (said[1:] >= 0.5).mean(0)
    shown = ax.imshow(share, origin="lower", extent=(x[0], x[-1], y[0], y[-1]), vmin=0, vmax=1)
    for network in said[1:]:
        if network.min() < 0.5 < network.max():
            ax.contour(x, y, network, levels=[0.5], colors="0.75", linewidths=0.5)
    ax.contour(x, y, said[0], levels=[0.5], colors="k", linewidths=2, linestyles="--")
    labels = "query", "base", f"T-Rex:I, τ = {cfg.taus[-1]:g}"
    for i, (at, label) in enumerate(zip(arrays["plane_at"], labels, strict=True)):
        look = plot.style(i, line=False) | DOTS | {"markersize": 9, "markeredgecolor": "w"}
        ax.plot(*at[:, None], label=label, **look)
    ax.set(xlabel="towards the base (L2)", ylabel="across (L2)", aspect="equal")
    ax.legend(loc="lower left")
    fig.colorbar(shown, ax=ax, label="share of new networks that accept")
    return fig


def cost(arrays):
    """Validity against mean L1 cost, all ways; and T-Rex:I less m raised at equal cost."""
    caption = (
        "Left: validity under new networks against L1 cost, means over seeds: T-Rex:I and NN at"
        " every τ, m raised along its gradient, and closest points of higher m."
        " Right: validity of T-Rex:I less that of the others at equal cost, and less that of m"
        " raised to the same level; median and range of seeds."
    )
    fig, (left, right) = plot.figure(1, 2, size=(10.5, 4), caption=caption)
    spent, valid = measure.ways(arrays, "cost"), measure.ways(arrays, "valid")
    order = 4, 3, 1, 2  # T-Rex above the others
    for i in order:
        look = plot.style(i) | {"markevery": 1}
        left.plot(spent[i].mean(0), valid[i].mean(0), label=NAMES[i], **look)
    look = plot.style(0) | DOTS | {"markersize": 8}
    left.plot(
        spent.base.mean(keepdims=True), valid.base.mean(keepdims=True), label=NAMES[0], **look
    )
    left.axvline(2 * spent.base.mean(), color="0.45", linestyle=":", label="twice the base")
    left.axhline(0.95, color="0.45", linestyle="--", label="0.95")
    left.set(xlabel="mean L1 cost", ylabel="validity", ylim=(None, 1.02))
    same = [measure.at(arrays["level"], tau) for tau in arrays["tau"]]
    pairs = {
        "m raised, equal cost": measure.equal_cost(arrays, "raised"),
        "m raised, equal level": valid.trex - valid.raised[:, same],
        "closest, m higher, equal cost": measure.equal_cost(arrays, "stricter"),
    }
    for i, (label, gain) in enumerate(pairs.items()):
        plot.band(right, arrays["tau"], gain, label=label, **plot.style(i) | {"markevery": 1})
    right.axhline(0, color="0.45", linestyle="--", label="no difference")
    right.set(xlabel="τ", ylabel="validity: T-Rex:I less the other")
    sure = measure.ways(arrays, "confidence").trex.mean(0)
    each = zip(arrays["tau"], sure, strict=True)
    right.set_xticks(arrays["tau"], [f"{tau:g}\n(m = {m:.2f})" for tau, m in each])
    left.set_xlim(right=1.05 * spent.near.mean(0).max())
    for ax in (left, right):
        ax.legend()
    return fig


def ranks(arrays):
    """Validity of accepted test points against Stability and against m."""
    caption = (
        "Accepted test points of all seeds: the share of new networks that accept each, against"
        " its Stability and against m; Spearman's coefficient within an m, mean over seeds."
    )
    fig, axes = plot.figure(1, 2, size=(10, 3.8), caption=caption)
    r, points = measure.spearman(arrays).mean(0), arrays["ranked"].swapaxes(0, 2)
    valid = points[measure.VALID].ravel()
    for i, (ax, name) in enumerate(zip(axes, ("Stability", "m"), strict=True)):
        look = plot.style(i, line=False) | DOTS | {"markersize": 2, "alpha": 0.4}
        ax.plot(points[i].ravel(), valid, label=f"a point (Spearman {r[i]:.3f})", **look)
        ax.set(xlabel=name, ylabel="validity")
        ax.legend(loc="lower right")
    return fig


def bound(arrays, cfg):
    """Shares of violations against eps, beside the bound."""
    caption = (
        "Models drawn around m, by ε over the length of concentration. Left: how often M(x) is"
        " below Stability less ε; forgetting the drawn model's mean error E[Z|M] breaks the bound,"
        " with it no draw does (shown at 0.5 of all draws). Right: how often the mean over k"
        " noisy points is above its expectation by ε."
    )
    fig, axes = plot.figure(1, 2, size=(10.5, 4), caption=caption)
    tail, draws = arrays["tail"], len(arrays["theorem"]) * cfg.draws
    shown = ("forgetful", "theorem"), ("mean",)
    titles = {"forgetful": "without E[Z|M], ", "theorem": "theorem, ", "mean": ""}
    for ax, names in zip(axes, shown, strict=True):
        for j, name in enumerate(names):
            for i, k in enumerate(arrays["count"]):
                share = np.maximum(arrays[name][:, i].mean(0), 0.5 / draws)
                look = plot.style(i + 3 * j) | {"markevery": 1}
                ax.plot(tail, share, label=f"{titles[name]}k = {k}", **look)
        plot.law(ax, tail, measure.bound(arrays), label="bound exp(−t²/2)")
        ax.set(yscale="log", xlabel="t, ε over its length", ylabel="share of draws")
        ax.legend(fontsize=7)
    return fig


def change(arrays, cfg):
    """How far new networks are in parameters and in predictions; local outlier factors."""
    caption = (
        "Left: distance in parameters and mean distance in predictions on test rows of every new"
        " network, with the bounds of the claims. Right: mean local outlier factor of the"
        " counterfactuals among accepted rows, median and range of seeds."
    )
    fig, (left, right) = plot.figure(1, 2, size=(10.5, 3.8), caption=caption)
    half = arrays["parameters"].shape[-1] // 2
    parts = {"other initial weights": slice(half), "and rows left out": slice(half, None)}
    for i, (label, part) in enumerate(parts.items()):
        look = plot.style(i, line=False) | DOTS | {"markersize": 3, "alpha": 0.5}
        x, y = (arrays[name][..., part].ravel() for name in ("parameters", "predictions"))
        left.plot(x, y, label=label, **look)
    left.axvline(0.5, color="0.45", linestyle="--", label="claims: beyond 0.5, below 0.1")
    left.axhline(0.1, color="0.45", linestyle="--")
    left.set(xlabel="|θ_M − θ_m| / |θ_m|", ylabel="mean |M − m|", xlim=(0, None), ylim=(0, None))
    left.set_title(f"all are right on {arrays['accuracy'].mean():.2f} of the test rows")
    factor = measure.ways(arrays, "factor")
    for i, value in ((1, factor.trex), (2, factor.near)):
        look = plot.style(i) | {"markevery": 1}
        plot.band(right, arrays["tau"], value, label=NAMES[i], **look)
    right.axhline(factor.base.mean(), color="0.45", linestyle=":", label="base")
    right.set(xlabel="τ", ylabel="local outlier factor")
    right.set_xticks(arrays["tau"])
    left.legend()
    right.margins(y=0.25)
    right.legend(loc="upper center", ncols=3)
    return fig
