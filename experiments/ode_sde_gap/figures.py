"""The exact study, samples in the plane, distances over the weight of the penalty."""

import numpy as np

from common import plot

from . import measure


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    drawn = {"fig1_exact": exact(arrays)}
    if "density_truth" in arrays:
        drawn["fig2_samples"] = samples(arrays, cfg)
        drawn["fig3_distances"] = distances(arrays)
    return drawn


def exact(arrays):
    """W2 against the perturbation of the score, one dimension."""
    caption = "One dimension, score of a mixture + δ k cos(kx + φ): W2 without sampling."
    fig, (left, right) = plot.figure(1, 2, caption=caption)
    delta, some = arrays["deltas"], arrays["deltas"] > 0
    plot.band(left, delta[some], arrays["gap"][:, some], label="flow to SDE", **plot.style(0))
    plot.band(
        left, delta[some], arrays["residual"][:, some], label="residual, r.m.s.", **plot.style(2)
    )
    middle = np.median(arrays["gap"][:, some], axis=0)
    plot.law(left, delta[some], middle[0] * delta[some] / delta[some][0], label="slope 1")
    if not some.all():
        floor = np.median(arrays["gap"][:, ~some])
        left.axhline(floor, color="0.6", linewidth=1, label="flow to SDE at δ = 0")
    for i, (name, label) in enumerate(
        (("flow_error", "flow to data"), ("sde_error", "SDE to data"))
    ):
        plot.band(right, delta[some], arrays[name][:, some], label=label, **plot.style(i))
    for ax, label in ((left, "W2; residual (1/time)"), (right, "W2")):
        ax.set(xscale="log", yscale="log", xlabel="perturbation δ", ylabel=label)
        ax.set_xticks(delta[some], [f"{d:.2g}" for d in delta[some]])
        ax.minorticks_off()
        ax.legend()
    return fig


def samples(arrays, cfg):
    """Binned samples of truth, SDE and flow; a row a weight, of the first set."""
    rows = len(arrays["weights"])
    size = (8.4, 2.9 * rows)
    fig, axes = plot.figure(
        rows, 3, size=size, caption=f"{cfg.sets[0]}: samples in the box, binned."
    )
    box, names = float(arrays["box"]), ("truth", "sde", "flow")
    titles = ("truth", "reverse SDE", "probability flow")
    for row, line in zip(range(rows), np.atleast_2d(axes), strict=True):
        top = np.quantile(arrays["density_truth"][0, row], 0.995) + 1e-9
        for ax, name, title in zip(line, names, titles, strict=True):
            counts = arrays[f"density_{name}"][0, row]
            ax.imshow(np.minimum(counts, top).T, origin="lower", extent=(-box, box, -box, box))
            ax.set(title=f"{title}, w_R = {arrays['weights'][row]:g}", xlabel="x", ylabel="y")
    return fig


def distances(arrays):
    """Squared W2 of all pairs over the weight, with the floor of two samples of the truth."""
    fig, ax = plot.figure(caption="Squared W2 in the plane, matched samples; a point a seed.")
    weights = arrays["weights"]
    place = np.arange(len(weights))
    floor = measure.geometric(arrays["w2_floor"])
    series = (
        ("flow", "flow to truth"),
        ("sde", "SDE to truth"),
        ("gap", "flow to SDE"),
    )
    for i, (name, label) in enumerate(series):
        values = measure.geometric(arrays[f"w2_{name}"])
        style = plot.style(i, line=False)
        ax.plot(place, np.median(values, axis=0), label=label, **plot.style(i) | {"markevery": 1})
        spread = np.broadcast_to(place + 0.04 * (i - 1), values.shape)
        ax.scatter(spread, values, s=12, alpha=0.6, label=f"_{label}, every seed", **style)
    plot.law(ax, [-0.3, len(weights) - 0.7], [np.median(floor)] * 2, label="truth to truth")
    ax.set(yscale="log", xlabel="weight of the penalty w_R", ylabel="squared W2")
    ax.set_xticks(place, [f"{w:g}" for w in weights])
    ax.set_xlim(-0.5, len(weights) - 0.5)
    ax.legend()
    return fig
