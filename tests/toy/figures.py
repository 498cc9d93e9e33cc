"""The toy's one figure."""

import numpy as np

from common import plot


def figures(arrays, cfg):
    fig, ax = plot.figure(caption="Error of descent on a quadratic.")
    error = arrays["error"]
    x = np.arange(error.shape[1])
    plot.band(ax, x, error, label="ours")
    plot.law(ax, x, error[0, 0] * (1 - cfg.lr) ** (2 * x), label="(1 - lr)^2t")
    ax.set(yscale="log", xlabel="step", ylabel="squared error", title="Descent")
    ax.legend()
    return {"fig1": fig}
