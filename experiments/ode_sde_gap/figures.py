"""Figures, drawn from the arrays of any preset."""

import numpy as np

from common import plot

from . import measure


def figures(arrays, cfg):
    """One figure: the loss beside the law of the flattest direction."""
    # TODO: one figure for each of the paper's that you rerun, its law or value drawn beside yours
    fig, ax = plot.figure(caption="Loss of gradient descent on a quadratic, and the law of eq. 3.")
    loss, step = arrays["loss"], arrays["step"]
    middle = len(step) // 2
    law = measure.law(cfg.lr, cfg.flattest)
    plot.band(ax, step, loss, label="ours")
    late = np.median(loss[:, middle]) * np.exp(-law * (step - step[middle]))
    plot.law(ax, step, late, label="flattest direction")
    ax.set(yscale="log", xlabel="step", ylabel="loss", title="Descent on a quadratic")
    ax.legend()
    return {"fig1": fig}
