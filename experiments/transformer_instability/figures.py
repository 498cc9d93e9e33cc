"""Figures, drawn from the arrays of any preset."""

import numpy as np

from common import plot

from . import measure

NAMES = {
    "base": "base",
    "no_qk": "no qk-layernorm",
    "no_z": "no z-loss",
    "short_warmup": "short warm-up",
    "long_warmup": "long warm-up",
    "coupled": "coupled decay",
    "small_eps": "small ε",
}
RATE = "learning rate η"


def figures(arrays, cfg):
    """Whichever the arms of the arrays allow."""
    here = [measure.ARMS[i] for i in arrays["arm"]]
    made = {"fig2_sensitivity": sensitivities(arrays, cfg, here)}
    if {"base", "no_qk"} <= set(here):
        made["fig1_qk_layernorm"] = losses(arrays, cfg)
        made["fig3_attention_logits"] = logits(arrays, cfg)
    if {"base", "no_z"} <= set(here):
        made["fig4_log_z"] = drift(arrays, cfg)
    if set(measure.LADDER) <= set(here):
        made["fig5_warmup"] = warmup(arrays, cfg)
    if "base" in here:
        made["fig6_gradient_rms"] = gradients(arrays, cfg)
    return made


def by_rate(ax, arrays, values, arm, **style):
    """Median and range of the seeds against the learning rate.  values [seed, lr]"""
    place = measure.ARMS.index(arm)
    options = plot.style(place) | {"markevery": 1} | style
    plot.band(ax, arrays["lr"], values, label=NAMES[arm], **options)
    ax.set(xscale="log", xlabel=RATE)


def losses(arrays, cfg):
    caption = f"Final loss with and without qk-layernorm ({cfg.dataset}, {cfg.size} model)."
    fig, ax = plot.figure(caption=caption)
    for arm in ("base", "no_qk"):
        by_rate(ax, arrays, measure.final_loss(arrays, arm), arm)
    start = measure.of(arrays, "start", "base").mean()
    ax.axhline(start, **plot.LAW | {"label": "at initialisation"})
    ax.set(ylabel="final loss (nats per token)")
    ax.legend(loc="center left", bbox_to_anchor=(0.0, 0.68))
    return fig


def sensitivities(arrays, cfg, here):
    caption = "LR sensitivity S of every arm: dots are seeds, the bar is their mean."
    fig, ax = plot.figure(size=(6.4, 3.4), caption=caption)
    for place, arm in enumerate(here):
        style = plot.style(measure.ARMS.index(arm))
        values = measure.lr_sensitivity(arrays, arm)
        ax.bar(place, values.mean(), 0.6, color=style["color"], alpha=0.35, label=NAMES[arm])
        at = place + np.linspace(-0.15, 0.15, len(values))
        style |= {"linestyle": "", "markevery": 1}
        ax.plot(at, values, label=f"{NAMES[arm]}, seeds", **style)
    ax.set_xticks(range(len(here)), [NAMES[a].replace(" ", "\n", 1) for a in here])
    ax.set(ylabel="LR sensitivity S (nats)", xlabel="arm", ylim=(0, None))
    return fig


def logits(arrays, cfg):
    caption = (
        "Largest attention logit of the layers, against the rate and in the course of training."
    )
    fig, axes = plot.figure(1, 2, caption=caption)
    for arm in ("base", "no_qk"):
        by_rate(axes[0], arrays, measure.largest_logit(arrays, arm), arm)
        place = measure.ARMS.index(arm)
        course = measure.of(arrays, "max_logit", arm)[:, -1].max(-1)
        plot.band(axes[1], arrays["at"], course, label=NAMES[arm], **plot.style(place))
    axes[0].axhline(1e4, **plot.LAW | {"label": "paper: above 10⁴ runs diverged"})
    axes[0].set(yscale="log", ylabel="max |z| of a run")
    axes[1].set(yscale="log", xlabel="step", ylabel="max |z| since the last point")
    axes[1].set_title(f"η = {arrays['lr'][-1]:g}")
    axes[0].legend()
    return fig


def drift(arrays, cfg):
    caption = "Output logits: |log Z| at the end against the rate, and log Z in training."
    fig, axes = plot.figure(1, 2, caption=caption)
    for arm in ("base", "no_z"):
        by_rate(axes[0], arrays, measure.tail(arrays, "abs_log_z", arm), arm)
        place = measure.ARMS.index(arm)
        course = measure.of(arrays, "log_z", arm)[:, -1]
        plot.band(axes[1], arrays["at"], course, label=NAMES[arm], **plot.style(place))
    axes[1].axhline(0.0, **plot.LAW | {"label": "logits are log-probabilities"})
    axes[0].set(ylabel="final mean |log Z| (nats)", ylim=(0, None))
    axes[1].set(xlabel="step", ylabel="mean log Z (nats)", title=f"η = {arrays['lr'][-1]:g}")
    axes[1].legend()
    return fig


def warmup(arrays, cfg):
    caption = "Three lengths of the warm-up: final loss against the rate, and LR sensitivity."
    fig, axes = plot.figure(1, 2, caption=caption)
    order = [list(arrays["arm"]).index(measure.ARMS.index(a)) for a in measure.LADDER]
    length = 100 * arrays["warmup"][order]
    for arm in measure.LADDER:
        by_rate(axes[0], arrays, measure.final_loss(arrays, arm), arm)
    style = plot.style(0) | {"markevery": 1}
    ladder = measure.warmup_sensitivity(arrays)
    plot.band(axes[1], length, ladder, label="median and range of seeds", **style)
    axes[0].set(ylabel="final loss (nats per token)")
    axes[0].legend(loc="upper left", bbox_to_anchor=(0.12, 1.0))
    axes[1].set(xscale="log", xlabel="warm-up (% of the steps)", ylabel="LR sensitivity S (nats)")
    axes[1].legend()
    return fig


def gradients(arrays, cfg):
    caption = "RMS of the blocks' gradient over the second half of a run, and Adam's epsilon."
    fig, ax = plot.figure(caption=caption)
    for arm in ("base", "no_qk"):
        if measure.ARMS.index(arm) in arrays["arm"]:
            by_rate(ax, arrays, measure.gradient_rms(arrays, arm), arm)
    ax.axhline(cfg.eps, **plot.LAW | {"label": "ε"})
    ax.set(yscale="log", ylabel="gradient RMS (per weight)")
    ax.legend()
    return fig
