"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Axes as in `run.run`: C cases, S seeds, D depths, J splits (the layers of all depths), R records, K
classes. Predictions are those of `theory` for the run's own counts and penalties.
"""

import numpy as np

from common import stats

from . import theory

WITH_BIAS, BALANCED, IMBALANCED = range(3)
ON_BALANCED = slice(0, 2)
POINTS = 8  # of a trend


def layer_singular_values(arrays):
    """Every layer's largest singular values and the predicted ones.  -> [S J, 2, K]"""
    found = arrays["singular"][IMBALANCED]
    counts = -np.sort(-arrays["counts"][IMBALANCED])
    predicted = [
        np.tile(theory.singular_values(counts, arrays["decay"], depth), (depth, 1))
        for depth in arrays["depths"]
    ]
    return pairs(found, np.concatenate(predicted))


def general_orthogonal_frame(arrays):
    """Class means' Gram matrix, P times them and P P^T, each with its prediction.

    -> [3 S D, 2, K, K]
    """
    every = (("gram", theory.lengths), ("cross", theory.outputs), ("frame", theory.rows))
    both = []
    for name, law in every:
        counts, decay = arrays["counts"][IMBALANCED], arrays["decay"]
        predicted = np.stack([np.diag(law(counts, decay, depth)) for depth in arrays["depths"]])
        both.append(pairs(arrays[name][IMBALANCED], predicted))
    return np.concatenate(both)


def optimal_loss(arrays):
    """Last objective and its global minimum, every case, seed and depth.  -> [C S D, 2]"""
    share = np.stack(
        [theory.losses(arrays["counts"], arrays["decay"], depth) for depth in arrays["depths"]], 1
    )
    lowest = share.sum(-1)
    lowest[WITH_BIAS] -= share[WITH_BIAS, :, 0]  # the all-ones direction is the bias's
    found = arrays["loss"][..., -1]
    return np.stack([found, np.broadcast_to(lowest[:, None], found.shape)], -1).reshape(-1, 2)


def pairs(found, predicted):
    """found [S, D, ...], predicted [D, ...] -> [S D, 2, ...]"""
    both = np.stack(np.broadcast_arrays(found, predicted), axis=2)
    return both.reshape(-1, *both.shape[2:])


def vanishing_class(arrays):
    """lambda over sqrt(n_k) / N, and s_k^2 / sqrt(n_k) of the smallest class (M = 1).

    -> [S, 2, x]
    """
    n, last = smallest(arrays)
    ratio = arrays["sweep_decay"] * arrays["collapse"].sum() / np.sqrt(n)
    return stats.beside(ratio, arrays["sweep_rows"][..., last] / np.sqrt(n))


def sweep_squares(arrays):
    """s_k^2 and its prediction over the sweep with M = 1.  -> [S x, 2, K]"""
    n, decay = arrays["collapse"], arrays["sweep_decay"][:, None]
    predicted = np.maximum(np.sqrt(n) - n.sum() * decay, 0)
    return pairs(arrays["sweep_rows"], predicted)


def deep_gain(arrays):
    """lambda over the predicted threshold, and how much lower the objective of keeping is.

    The gain is in units of the smallest class's share of the loss at zero, n_k / 2N. -> [S, 2, x]
    """
    n, _ = smallest(arrays)
    samples = arrays["collapse"].sum()
    ratio = arrays["deep_decay"] / theory.critical_decay(n, samples, int(arrays["deep"]))
    kept, dropped = np.moveaxis(arrays["deep_loss"], 1, 0)
    return stats.beside(ratio, (dropped - kept) / (n / (2 * samples)))


def smallest(arrays):
    """Examples of the smallest class, and its number."""
    return arrays["collapse"].min(), arrays["collapse"].argmin()


def worst(arrays, name):
    """Largest value over depths, splits and both balanced cases.  -> [S, R]"""
    return arrays[name][ON_BALANCED].max(axis=(0, 2))


def worst_nc1(arrays):
    return worst(arrays, "nc1")[:, -1]


def worst_nc2(arrays):
    return worst(arrays, "nc2")[:, -1]


def worst_nc3(arrays):
    return worst(arrays, "nc3")[:, -1]


def worst_dual(arrays):
    return worst(arrays, "dual")[:, -1]


def nc1_curve(arrays):
    """The worst NC1 at POINTS times, spaced evenly in their logarithm.  -> [S, x]"""
    return thinned(arrays, "nc1")


def nc2_curve(arrays):
    return thinned(arrays, "nc2")


def nc3_curve(arrays):
    return thinned(arrays, "nc3")


def thinned(arrays, name):
    """The worst value at the first, the last, and records between them.  -> [S, x]"""
    values = worst(arrays, name)
    at = np.geomspace(1, values.shape[1], POINTS).round().astype(int) - 1
    return values[:, np.unique(at)]


def pace(arrays):
    """Rate at which energy within classes dies, later half, over 2 lambda lr / (1 - momentum).

    Where it is furthest from 1, over cases and depths.  -> [S]
    """
    rate = stats.decay_rate(arrays["steps"], arrays["energy"])
    ratio = rate / (2 * arrays["decay"] * arrays["lr"] / (1 - arrays["momentum"]))
    ratio = np.moveaxis(ratio, 1, 0).reshape(ratio.shape[1], -1)
    return stats.taken(ratio, np.abs(ratio - 1).argmax(-1))


def network_nc2(arrays):
    """The worst NC2 over heads and splits at the end.  -> [S]"""
    return arrays["net_nc2"][..., -1].max(1)


def network_dual(arrays):
    """The worst angle between rows and class means over heads and splits at the end.  -> [S]"""
    return arrays["net_dual"][..., -1].max(1)


def network_gain(arrays):
    """Last NC2 over that at the first record without training errors, worst split.  -> [S]

    A head that never fits all its examples counts from its last record: 1.
    """
    fitted = arrays["net_error"] == 0
    first = np.where(fitted.any(-1), fitted.argmax(-1), fitted.shape[-1] - 1)  # [S, H]
    first = np.repeat(first, arrays["heads"], axis=1)[..., None]
    start = np.take_along_axis(arrays["net_nc2"], first, axis=-1)[..., 0]
    return (arrays["net_nc2"][..., -1] / start).max(1)


def network_frames(arrays):
    """Distance from equal lengths and from the predicted ones, where they differ least.

    -> [S, 2]
    """
    both = np.stack([arrays["net_equal"][..., -1], arrays["net_nc2"][..., -1]], -1)  # [S, J, 2]
    return stats.taken(both, (both[..., 0] / both[..., 1]).argmin(1))
