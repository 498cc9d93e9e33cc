"""Images of digits as +-1 patterns without mean, their class means and archetypes."""

import numpy as np


def binary(images: np.ndarray, reference: np.ndarray, pixels: int) -> np.ndarray:
    """14 x 14 means above a pixel's median in the reference, its pixels of most variance.

    images [I, 28, 28] -> +-1 [I, pixels]
    """

    def small(x):
        return x.reshape(len(x), 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(x), -1)

    base = small(reference)
    chosen = np.sort(np.argsort(-base.var(axis=0), kind="stable")[:pixels])
    return np.where(small(images)[:, chosen] > np.median(base, axis=0)[chosen], 1.0, -1.0)


def case(x, y, new, new_y, order, label, probe, *, shots, probes: int, shuffled: bool):
    """Of one seed: class means [shots, pixels, 10] at unit mean square, archetypes [pixels, 10],

    images to start from [probes, pixels] and their digits.
    """
    taught = y[label.argsort()] if shuffled else y
    ranked = order.argsort()
    by_class = [ranked[taught[ranked] == k] for k in range(10)]
    means = [[x[rows[:many]].mean(axis=0) for rows in by_class] for many in shots]
    means = np.swapaxes(np.array(means), 1, 2)
    means /= np.maximum(np.sqrt((means**2).mean(axis=1, keepdims=True)), 1e-12)
    truth = np.stack([x[y == k].mean(axis=0) for k in range(10)], axis=1)
    at = probe.argsort()[:probes]
    return means, np.where(truth > 0, 1.0, -1.0), new[at], new_y[at].astype(int)
