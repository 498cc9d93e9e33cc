"""Figures, drawn from the arrays of any preset."""

import numpy as np

from common import plot

from . import measure

NAMES = {"vp": "VP", "subvp": "sub-VP", "ve": "VE"}


def figures(arrays, cfg):
    """Whichever the arrays allow: paths, marginals, likelihood, samplers, bits, pictures."""
    made = {}
    if "sde_paths" in arrays:
        made["fig1_paths"] = paths(arrays)
    if "w1_flow" in arrays:
        made["fig2_marginals"] = marginals(arrays, cfg)
    if "nfe" in arrays:
        made["fig3_likelihood"] = likelihood(arrays, cfg)
    if "distance_ve" in arrays:
        made["fig4_samplers"] = samplers(arrays)
    if "bpd" in arrays:
        made["fig5_bits"] = bits(arrays, cfg)
    if "generated" in arrays:
        made["fig6_pictures"] = pictures(arrays)
    return made


def paths(arrays):
    """The paper's figure 2 in one dimension."""
    caption = "VP: reverse SDE and probability flow from the same starts share the density p_t."
    fig, axes = plot.figure(1, 2, size=(9.0, 3.4), caption=caption)
    t, x = arrays["path_times"], arrays["path_grid"]
    drawn = (("reverse SDE", "sde_paths"), ("probability flow", "flow_paths"))
    for ax, (title, name) in zip(axes, drawn, strict=True):
        extent = (t[0], t[-1], x[0], x[-1])
        density = arrays["path_density"][::2].T
        image = ax.imshow(density, cmap="Greys", origin="lower", aspect="auto", extent=extent)
        image.set_label("p_t(x)")
        for i, path in enumerate(arrays[name].T):
            ax.plot(t, path, label=f"path {i + 1}", **plot.style(i) | {"marker": ""})
        ax.set(title=title, xlabel="t (noise at 1, data at 0)", ylabel="x", xlim=(1, 0))
        ax.set_ylim(x[0], x[-1])
    return fig


def marginals(arrays, cfg):
    caption = "Sliced W1 between reverse SDE and flow, against the same after relabelling points."
    fig, ax = plot.figure(size=(6.4, 3.6), caption=caption)
    at = np.arange(len(cfg.sdes))
    mean, spread = arrays["null_mean"].mean(0), arrays["null_std"].mean(0)
    bound = f"null, mean ± 2.33 sd (n = {cfg.points})"
    middle, ends = np.exp(mean), np.exp(mean + 2.33 * spread * np.array([[-1], [1]]))
    plot.law(ax, at, middle, label="null, mean of the log")
    ax.errorbar(at, middle, np.abs(ends - middle), fmt="none", color="0.6", capsize=8, label=bound)
    for i, row in enumerate(arrays["w1_flow"]):
        style = plot.style(i) | {"linestyle": "", "markevery": 1}
        ax.plot(at + 0.05 * (i - 2), row, label=f"seed {cfg.seeds[i]}", **style)
    ax.set_xticks(at, [NAMES[n] for n in cfg.sdes])
    ax.set(ylabel="sliced W1 (data radius = 1)", xlabel="SDE", ylim=(0, None))
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return fig


def likelihood(arrays, cfg):
    caption = "Log-likelihood by the ODE: score calls and error against the tolerance."
    fig, axes = plot.figure(1, 2, caption=caption)
    for i, name in enumerate(cfg.sdes):
        for ax, key in zip(axes, ("nfe", "logp_error"), strict=True):
            style = plot.style(i) | {"markevery": 1}
            plot.band(ax, arrays["tolerance"], arrays[key][:, i], label=NAMES[name], **style)
    for ax in axes:
        ax.set(xscale="log", yscale="log", xlabel="rtol = atol")
        ax.invert_xaxis()
    axes[0].set_ylabel("score calls")
    axes[1].set_ylabel("mean |log p - analytic| (nats)")
    axes[1].axhline(1e-3, color="0.45", linewidth=1, label="bound of s2")
    axes[1].legend()
    return fig


def samplers(arrays):
    caption = "Sliced W1 to data at equal score calls, exact score of the mixture; bars are means."
    shown = [n for n in ("ve", "vp") if f"distance_{n}" in arrays]
    fig, axes = plot.figure(1, len(shown), size=(5.2 * len(shown), 4.2), caption=caption)
    for ax, name in zip(np.atleast_1d(axes), shown, strict=True):
        rows = measure.SAMPLERS if name == "ve" else measure.FEW
        values, calls = arrays[f"distance_{name}"], arrays["calls"]
        place, width = np.arange(len(rows)), 0.8 / len(calls)
        for j, n in enumerate(calls):
            at = place + width * (j - (len(calls) - 1) / 2)
            label, colour = f"{n} score calls", plot.style(j)["color"]
            ax.bar(at, values[:, :, j].mean(0), width, color=colour, label=label, hatch="/" * j)
            ends = np.abs(np.stack([values[:, :, j].min(0), values[:, :, j].max(0)])
                          - values[:, :, j].mean(0))  # fmt: skip
            ax.errorbar(at, values[:, :, j].mean(0), ends, fmt="none", color="0.2",
                        label=f"_{n} calls, range of seeds")  # fmt: skip
        floor = arrays["distance_floor"].mean()
        ax.axhline(floor, **plot.LAW | {"label": "data to data"})
        ax.set_xticks(place, rows, rotation=35, ha="right")
        ax.set(title=NAMES[name], yscale="log", ylabel="sliced W1 (data radius = 1)")
        ax.legend()
    return fig


def bits(arrays, cfg):
    caption = "Test bits per dimension of nets that differ in the SDE alone, and their losses."
    fig, axes = plot.figure(1, 2, caption=caption)
    at = np.arange(len(cfg.net_sdes))
    for i, (row, error) in enumerate(zip(arrays["bpd"], arrays["bpd_stderr"], strict=True)):
        style = plot.style(i) | {"markevery": 1}
        axes[0].errorbar(at, row, error, label=f"seed {cfg.seeds[i]}", **style)
    axes[0].set_xticks(at, [NAMES[n] for n in cfg.net_sdes])
    axes[0].set(ylabel="bits per dimension (test)", xlabel="SDE", xlim=(-0.4, at[-1] + 0.4))
    axes[0].legend(title="bars: s.e. over probes")
    for j, name in enumerate(cfg.net_sdes):
        label = f"{NAMES[name]} {j + 1}" if len(set(cfg.net_sdes)) < len(at) else NAMES[name]
        plot.band(axes[1], arrays["loss_steps"], arrays["loss"][:, j], label=label, **plot.style(j))
    axes[1].set(yscale="log", xlabel="step", ylabel="denoising loss per pixel")
    axes[1].legend()
    return fig


def pictures(arrays):
    caption = "Samples by predictor-corrector, and test images whose lower half was painted in."
    fig, axes = plot.figure(3, 1, size=(8.0, 2.4), caption=caption)
    for ax, name in zip(axes, ("generated", "observed", "inpainted"), strict=True):
        strip = np.concatenate(list(np.clip(arrays[name].mean(-1), -1, 1)), axis=1)
        image = ax.imshow(strip, cmap="Greys", vmin=-1, vmax=1)
        image.set_label(name)
        ax.set(xticks=[], yticks=[])
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
    return fig
