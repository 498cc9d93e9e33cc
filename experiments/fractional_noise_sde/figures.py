"""Six pictures: errors of the weights, range of rates, laws, bridges, evidence, Hurst index."""

import numpy as np

from common import plot


def figures(arrays, cfg):
    """Name -> Figure, whichever the arrays allow."""
    parts = {
        "fig1_costs": ("cost_curves", costs),
        "fig2_reach": ("reached", reach),
        "fig3_laws": ("ratio", ratios),
        "fig4_bridge": ("spread", bridges),
        "fig5_evidence": ("bound", evidence),
        "fig6_hurst": ("profile", hurst),
    }
    return {name: draw(arrays, cfg) for name, (array, draw) in parts.items() if array in arrays}


def costs(arrays, cfg):
    """Errors against the number of rates."""
    caption = "Relative mean square error of the approximation over [0, 1]: closed-form weights"
    caption += f" and Riemann sums at the same rates, γ_max = {cfg.gamma_max:g}."
    fig, (riemann, ours) = plot.figure(1, 2, size=(10, 3.8), caption=caption)
    for i, (h, pair) in enumerate(
        zip((*cfg.centres, 0.9), arrays["cost_curves"].swapaxes(1, 2), strict=True)
    ):
        look = plot.style(i) | {"markevery": 1}
        riemann.plot(cfg.nested, pair[0], label=f"H = {h:g}", **look)
        ours.plot(cfg.nested, pair[1], label=f"H = {h:g}", **look)
    names = {"optimal": "closed form", "riemann": "Riemann again"}
    for ax, title in ((riemann, "Riemann sums"), (ours, names[cfg.weights])):
        ax.set(xscale="log", yscale="log", title=title, xlabel="number of rates K")
        ax.set(ylabel="error / variance", ylim=(1e-5, 2))
        ax.set_xticks(cfg.nested, [str(n) for n in cfg.nested])
        ax.xaxis.minorticks_off()
        ax.legend()
    return fig


def reach(arrays, cfg):
    """Errors against the largest rate, every seed."""
    caption = "Small H: the error falls as γ_max^(−2H); H is another one for every seed."
    fig, ax = plot.figure(size=(6.5, 3.8), caption=caption)
    for i, (h, error) in enumerate(zip(arrays["low"], arrays["reached"], strict=True)):
        look = plot.style(i) | {"markevery": 1}
        ax.plot(arrays["wide"], error, label=f"H = {h:.3f}", **look)
        law = error[-1] * (arrays["wide"] / arrays["wide"][-1]) ** (-2 * h)
        plot.law(ax, arrays["wide"], law, label="_" if i else "γ_max^(−2H)")
    ax.set(xscale="log", yscale="log", xlabel="largest rate γ_max", ylabel="error / variance")
    ax.legend(fontsize=7)
    return fig


def ratios(arrays, cfg):
    """Variances over the exact ones, one-sided and two-sided."""
    caption = "Variance of the sum of OU processes over that of fractional Brownian motion."
    fig, axes = plot.figure(1, 2, size=(10, 3.6), caption=caption)
    for ax, part, title in zip(axes, arrays["ratio"], ("one-sided", "two-sided"), strict=True):
        for i, (h, ratio) in enumerate(zip(cfg.hursts, part, strict=True)):
            ax.plot(arrays["late"], ratio, label=f"H = {h:g}", **plot.style(i))
        for level in (0.97, 1.03):
            plot.law(ax, arrays["late"], np.full(len(arrays["late"]), level), label="_")
        ax.set(title=f"{title} (dashed: ± 3 %)", xlabel="t / T", ylabel="variance / exact")
        ax.legend()
    return fig


def bridges(arrays, cfg):
    """Standard deviations of the bridge, closed forms and networks."""
    caption = "Standard deviation of X_t given X_T = 0 observed with noise: exact, under the best"
    caption += " control, under trained networks; first seed."
    fig, axes = plot.figure(1, len(cfg.hursts), size=(12.5, 3.4), caption=caption)
    for ax, h, spread in zip(axes, cfg.hursts, arrays["spread"][0], strict=True):
        prior, exact, controlled = spread
        plot.law(ax, arrays["shown"], exact, label="exact", color="k", zorder=3)
        ax.plot(arrays["shown"], prior, label="prior", **plot.style(1))
        ax.plot(arrays["shown"], controlled, label="best control", **plot.style(0))
        case = [i for i, at in enumerate(zip(cfg.net_hursts, cfg.net_thetas, strict=True))
                if at == (h, 0.0)]  # fmt: skip
        if case and "net_std" in arrays:
            std = arrays["net_std"][0, case[0]]
            ax.plot(arrays["net_time"], std, label="network", **plot.style(2))
        ax.set(title=f"H ≈ {h:g}", xlabel="t", ylabel="standard deviation of X", ylim=(0, None))
        ax.legend(fontsize=7)
    return fig


def evidence(arrays, cfg):
    """Gap of the ELBO against dt; the networks' training."""
    caption = "Left: what the ELBO of the best control lacks of the evidence of its Euler chain,"
    caption += " median and range of seeds. Right: networks in training, mean of seeds."
    fig, (gap, nets) = plot.figure(1, 2, size=(10.5, 3.8), caption=caption)
    step = cfg.end / arrays["chain_steps"]
    off = arrays["bound"] - arrays["chain_evidence"]
    for i, h in enumerate(cfg.hursts):
        plot.band(gap, step, off[:, i], label=f"H ≈ {h:g}", **plot.style(i) | {"markevery": 1})
    plot.law(gap, step, off[:, -1].min() * step / step[-1], label="∝ dt")
    gap.set(xscale="log", yscale="log", xlabel="step dt", ylabel="log p − ELBO (nats)")
    gap.legend()
    for i, (h, theta) in enumerate(zip(cfg.net_hursts, cfg.net_thetas, strict=True)):
        if "net_loss" not in arrays:
            break
        above = arrays["net_loss"][:, i].mean(axis=0) - arrays["net_best"][i]
        nets.plot(arrays["net_step"], above, label=f"H = {h:g}, θ = {theta:g}", **plot.style(i))
    plot.law(nets, [1, cfg.train_steps], [0.1, 0.1], label="0.1")
    nets.set(yscale="symlog", xlabel="step of training", ylabel="−ELBO above the best's (nats)")
    nets.legend(fontsize=7)
    return fig


def hurst(arrays, cfg):
    """Likelihoods of H with a free scale."""
    caption = f"Log-likelihood of H from {cfg.series} exact paths, scale free, less its largest;"
    caption += " all seeds. Vertical: the true H."
    fig, axes = plot.figure(1, len(cfg.known), size=(9, 3.6), caption=caption)
    for k, (ax, h) in enumerate(zip(axes, cfg.known, strict=True)):
        for i, profile in enumerate(arrays["profile"][:, k]):
            number = cfg.series * cfg.points * (profile - profile.max())
            ax.plot(arrays["hurst_grid"], number, label=f"seed {cfg.seeds[i]}", **plot.style(i))
        plot.law(ax, [h, h], [-60, 2], label="true H")
        ax.set(title=f"H = {h:g}, {cfg.order} order", xlabel="H", ylim=(-60, 2))
        ax.set_ylabel("log-likelihood − largest")
        ax.legend(fontsize=7)
    return fig
