"""Accuracies along the stream; the switches close up; metrics; turned images; gradients."""

import numpy as np

from common import plot

from . import measure

CLOSE = 50  # updates after a switch
METRICS = {
    "ACC": measure.task_ends,
    "min-ACC": measure.worst,
    "WC-ACC": measure.worst_case,
    "FORG": measure.forgetting,
    "WF10": lambda accuracy: measure.windowed(accuracy, 10),
    "WF100": lambda accuracy: measure.windowed(accuracy, 100),
}


def figures(arrays, cfg):
    """Name -> Figure, from the arrays of `run` at any preset."""
    return {
        "fig1_accuracy": stream(arrays, cfg),
        "fig2_switches": switches(arrays),
        "fig3_metrics": metrics(arrays),
        "fig4_rotation": rotation(arrays),
        "fig5_gradients": gradients(arrays),
    }


def stream(arrays, cfg):
    """Accuracy on every task from its own start on, for replay and GEM."""
    caption = (
        "Accuracy on each task after every update, from its first on; grey lines are switches."
        " Evaluated at task ends alone, old tasks seem to be kept."
    )
    fig, axes = plot.figure(2, 1, caption=caption, size=(9, 6.4))
    for ax, key, name in zip(axes, ("accuracy", "gem"), ("replay", "GEM"), strict=True):
        _, count, updates, _ = arrays[key].shape
        flat = arrays[key].reshape(len(arrays[key]), -1, count)
        at = np.arange(1, count * updates + 1)
        for i in range(count):
            own = slice(i * updates, None)
            plot.band(ax, at[own], flat[:, own, i], label=f"task {i + 1}", **plot.style(i))
        for switch in range(1, count):
            ax.axvline(switch * updates + 0.5, color="0.6", linewidth=0.8)
        ax.set(title=name, ylabel="accuracy", ylim=(-0.2, 1.03))
        ax.legend(loc="lower left", ncols=count)
    axes[1].set(xlabel=f"update (batches of {cfg.batch})")
    return fig


def switches(arrays):
    """Accuracy on old tasks in the first updates after every switch, relative to before."""
    caption = (
        "Replay: accuracy on old tasks after a switch minus that just before it. Zero is what"
        " evaluation at task ends would suggest until the next."
    )
    accuracy = arrays["accuracy"]
    count = accuracy.shape[1]
    fig, axes = plot.figure(1, count - 1, caption=caption, size=(3.1 * (count - 1), 3.4))
    for j, ax in enumerate(np.atleast_1d(axes), start=1):
        during = accuracy[:, j, :CLOSE]
        at = np.arange(1, during.shape[1] + 1)
        for i in range(j):
            change = during[..., i] - accuracy[:, j - 1, -1, i][:, None]
            plot.band(ax, at, change, label=f"task {i + 1}", **plot.style(i))
        plot.law(ax, at, np.zeros(len(at)), label="_no change")
        ax.set(title=f"to task {j + 1}", xlabel="update after the switch", ylim=(-1, 0.15))
        ax.legend(loc="lower right")
    np.atleast_1d(axes)[0].set(ylabel="change of accuracy")
    return fig


def metrics(arrays):
    """The metrics of both methods, a point a seed."""
    caption = (
        "Average accuracy at the end (ACC), worst accuracy of old tasks (min-ACC), continual worst"
        " case (WC-ACC), forgetting, and the largest falls within 10 and 100 updates; medians and"
        " ranges over seeds."
    )
    fig, ax = plot.figure(caption=caption, size=(7, 3.8))
    place = np.arange(len(METRICS))
    for i, (key, name) in enumerate((("accuracy", "replay"), ("gem", "GEM"))):
        values = np.stack([metric(arrays[key]) for metric in METRICS.values()])
        middle = np.median(values, axis=1)
        reach = np.abs(np.stack([values.min(1), values.max(1)]) - middle)
        options = plot.style(i, line=False) | {"linestyle": "", "markevery": 1, "capsize": 3}
        ax.errorbar(place + 0.16 * (i - 0.5), middle, yerr=reach, label=name, **options)
    ax.set_xticks(place, list(METRICS))
    ax.set(ylabel="accuracy", ylim=(-0.02, 1.02))
    ax.legend()
    return fig


def rotation(arrays):
    """Accuracy on the first task while its turned images are learnt; the drop against the angle."""
    caption = "The more the images of the second task are turned, the more of the first is lost."
    fig, (left, right) = plot.figure(1, 2, caption=caption)
    angle = arrays["angle"]
    change = arrays["turned"][..., 0] - arrays["before"][:, None, None]
    at = np.arange(1, change.shape[2] + 1)
    for i, degrees in enumerate(angle):
        plot.band(left, at, change[:, i], label=f"{degrees:g}°", **plot.style(i))
    left.set(xlabel="update after the switch", ylabel="change of accuracy on the first task")
    left.legend(loc="lower right")
    plot.band(right, angle, measure.drops(arrays), label="replay")
    still = np.median(measure.drops(arrays)[:, 0])
    plot.law(right, angle, np.full(len(angle), still), label="not turned")
    right.set(xlabel="rotation (degrees)", ylabel="drop at the switch", ylim=(0, None))
    right.legend(loc="upper left")
    return fig


def gradients(arrays):
    """Norms of both gradients after a switch: the mean over switches."""
    caption = (
        "Norms of the plasticity and the stability gradient before every update after a switch,"
        " means over switches. For GEM the latter is what the projection adds."
    )
    fig, axes = plot.figure(1, 2, caption=caption)
    for ax, key, name in zip(axes, ("norms", "gem_norms"), ("replay", "GEM"), strict=True):
        norms = arrays[key][:, 1:, :CLOSE].mean(1)
        at = np.arange(1, norms.shape[1] + 1)
        for i, part in enumerate(("plasticity", "stability")):
            plot.band(ax, at, norms[..., i], label=part, **plot.style(i))
        ax.set(title=name, xlabel="update after the switch", ylabel="norm of the gradient")
        ax.legend()
    return fig
