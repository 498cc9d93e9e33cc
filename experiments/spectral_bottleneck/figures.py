"""Figures, drawn from the arrays of any preset."""

import numpy as np

from common import plot

from . import measure

METHODS = ("SIREN, ω₁ = 30", "SIREN, ω₁ of the baseline", "WINNER", "S0 alone", "S1 alone")
STARTS = ("SIREN", "WINNER", "S0 alone", "S1 alone")
LOOKS = (0, 2, 3, 4)  # of STARTS, as in METHODS


def figures(arrays, cfg):
    """Name -> Figure, whichever the arrays allow."""
    parts = {
        "fig1_gain": (("fit", "bands", "sweep"), gains),
        "fig2_spectra": (("output",), spectra),
        "fig3_activations": (("activation",), activations),
        "fig4_kernel": (("kernel", "eigenvalue"), kernels),
        "fig5_training": (("fit",), training),
    }
    return {
        name: draw(arrays, cfg) for name, (needs, draw) in parts.items() if set(needs) <= {*arrays}
    }


def middles(cfg):
    """Of the bands, over Nyquist.  -> [band]"""
    return (np.array(cfg.lows) + np.array(cfg.highs)) / 2


def centres(size):
    """Of equal bins of frequency up to Nyquist's.  -> [B]"""
    return (np.arange(size) + 0.5) / size


def gains(arrays, cfg):
    """Gain by the band and, on the first, by omega_1."""
    caption = "Gain over a network that gives 0, by band, and by the first layer's frequency."
    fig, (left, right) = plot.figure(1, 2, size=(10.4, 3.8), caption=caption)
    first = measure.gain(arrays)
    every = np.concatenate([first[:, None, :3], measure.band_gain(arrays)], axis=1)
    order = np.argsort(middles(cfg))
    for i in range(3):
        values = every[:, order, i]
        look = plot.style(i) | {"markevery": 1}
        plot.band(left, middles(cfg)[order], values, label=METHODS[i], **look)
    plot.law(left, middles(cfg)[order], np.zeros(len(order)), label="output 0")
    left.set(xlabel="middle of the band / Nyquist", ylabel="gain / dB")
    left.legend()
    tuned = cfg.tuned * cfg.points / 150_000
    nyquist = np.pi * cfg.points / 2
    omega = np.array([cfg.omega, tuned, *np.array(cfg.sweep) * nyquist])
    found = np.concatenate([first[:, :2], measure.sweep_gain(arrays)], axis=1)
    order = np.argsort(omega)
    look = plot.style(0) | {"markevery": 1}
    plot.band(right, omega[order] / nyquist, found[:, order], label="SIREN", **look)
    for i in (measure.WINNER, measure.S0_ALONE, measure.S1_ALONE):
        ends, value = omega[order][[0, -1]] / nyquist, first[:, [i, i]]
        plot.band(right, ends, value, label=f"{METHODS[i]}, ω₁ = 30", **plot.style(i))
    title = f"band {cfg.lows[0]:g} to {cfg.highs[0]:g}"
    right.set(xscale="log", xlabel="ω₁ / Nyquist", ylabel="gain / dB", title=title)
    right.legend()
    return fig


def spectra(arrays, cfg):
    """Of the signal and of what was trained on it, first seed."""
    fig, ax = plot.figure(caption="Power of the signal and of trained networks, first seed.")
    place = centres(cfg.bins)
    plot.law(ax, place, floored(arrays["target"][0]), label="signal", linestyle="-", linewidth=4)
    for i, name in enumerate(METHODS):
        ax.plot(place, floored(arrays["output"][0, i]), label=name, **plot.style(i))
    ax.set(yscale="log", xlabel="frequency / Nyquist", ylabel="power in a bin", ylim=(1e-10, 0.03))
    ax.legend(loc="upper left")
    return fig


def floored(power):
    return np.maximum(power, 1e-12)


def activations(arrays, cfg):
    """A panel a layer, the law's frequency of the second."""
    layers = arrays["activation"].shape[2]
    caption = "Power of hidden layers at initialisation; dashed: rms frequency of h2 by theory."
    fig, axes = plot.figure(1, layers, size=(3.2 * layers + 1.6, 3.4), caption=caption)
    place = centres(cfg.bins)
    s0, s1 = arrays["noise"][:, 0].mean(0)
    for layer, ax in enumerate(axes):
        for i, name in enumerate(STARTS):
            values = floored(arrays["activation"][:, i, layer])
            plot.band(ax, place, values, label=name, **plot.style(LOOKS[i]))
        ax.set(yscale="log", xlabel="frequency / Nyquist", title=f"h{layer + 1}", ylim=(1e-9, 1))
    rate = measure.reach(s0, s1, cfg.width, cfg.omega) / (np.pi * cfg.points / 2)
    axes[1].axvline(rate, **plot.LAW | {"label": "WINNER's rms frequency, theory"})
    axes[0].set(ylabel="power in a bin")
    fig.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    return fig


def kernels(arrays, cfg):
    """Centroids along S1, spectra and eigenvalues."""
    caption = "Tangent kernels at initialisation: centroid along S1, spectra, eigenvalues."
    fig, axes = plot.figure(1, 3, size=(13.2, 3.8), caption=caption)
    centroid, s1 = measure.kernel_centroid(arrays), np.array(cfg.kernel_s1)
    for i, name in enumerate(("with the noise in W₁", "without it")):
        look = plot.style(i) | {"markevery": 1}
        plot.band(axes[0], s1, centroid[:, i], label=name, **look)
    axes[0].set(xlabel="S1", ylabel="centroid / Nyquist", ylim=(0, None))
    power = arrays["kernel"]
    place, rank = np.linspace(0, 1, power.shape[-1]), 1 + np.arange(arrays["eigenvalue"].shape[-1])
    share = power / power.sum(-1, keepdims=True)
    value = arrays["eigenvalue"] / arrays["eigenvalue"][..., :1]
    for i, (noisy, at) in enumerate(((1, 0), (0, -2), (0, 0), (1, -2))):
        name = f"S0 {'off' if noisy else 'on'}, S1 = {s1[at]:g}"
        look = plot.style(LOOKS[i])
        plot.band(axes[1], place, floored(share[:, noisy, at]), label=name, **look)
        plot.band(axes[2], rank, np.maximum(value[:, noisy, at], 1e-9), label=name, **look)
    axes[1].set(yscale="log", xlabel="frequency / Nyquist", ylabel="share of the kernel's power")
    axes[2].set(yscale="log", xscale="log", xlabel="rank", ylabel="eigenvalue / largest")
    for ax in axes:
        ax.legend()
    return fig


def training(arrays, cfg):
    """PSNR along training on the first band."""
    fig, ax = plot.figure(caption="PSNR on the first band along training, peak 1.")
    psnr = measure.decibel(1 / arrays["fit"])
    steps = np.arange(psnr.shape[-1])
    for i, name in enumerate(METHODS):
        plot.band(ax, steps, psnr[:, i], label=name, **plot.style(i))
    zero = measure.decibel(1 / arrays["zero"][:, measure.HIGH]).mean()
    plot.law(ax, steps, np.full(len(steps), zero), label="output 0")
    ax.set(xlabel="step", ylabel="PSNR / dB")
    ax.legend()
    return fig
