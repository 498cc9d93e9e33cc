"""Features H_0 to start from, labels and penalties for them, and first order near collapse.

Every start is one of a seed's draws: their class means and noise are N(0, 1), times sizes.

Shapes: S seeds, A draws, x starts made of one draw, p penalties (lambda_W, lambda_H, beta), L
members of an ensemble, K classes, d width, N examples.
"""

from itertools import product

import numpy as np

from . import theory
from .model import Penalty

STREAMS = ("means", "noise", "order", "frame")
ROUNDING = 1e-24  # metrics are means of squares: float64 shows nothing of them below about 1e-30


def shapes(draws, dim, classes, per_class):
    """Of the normal numbers of a seed, under the names of STREAMS."""
    examples = classes * per_class
    return {
        "means": (draws, dim, classes),
        "noise": (draws, dim, examples),
        "order": (draws, examples),
        "frame": (dim, classes),
    }


def random(draw, labels, count, sizes):
    """Random class means and noise of every size, the first draws.  -> [S, count, x, d, N]"""
    means, noise = (draw[name][:, :count, None] for name in ("means", "noise"))
    return means @ labels + np.array(sizes)[:, None, None] * noise


def near_collapse(draw, labels, lengths, sizes, *, centred):
    """Orthogonal class means of every length, noise of every size.  -> [S, 1, x, d, N]"""
    base, noise = frame(draw, labels), within_noise(draw, labels, centred=centred)
    each = [length * base @ labels + size * noise for length, size in product(lengths, sizes)]
    return np.stack(each, axis=1)[:, None]


def frame(draw, labels):
    """Orthonormal columns.  -> [S, d, K]"""
    return np.linalg.qr(draw["frame"])[0]


def within_noise(draw, labels, *, centred):
    """Noise of the first draw, its sum over every class zero (unless not centred).  -> [S, d, N]"""
    noise = draw["noise"][:, 0]
    return noise - noise @ labels.T / labels.sum(1) @ labels if centred else noise


def members(draw, labels, starts, penalties, *, mislabelled):
    """Every start [S, A, x, d, N] with labels to fit W to, under every penalty [p, 3].

    These are the true ones or, mislabelled, the same in a random order.
    -> H_0 [L, d, N], labels [L, K, N], Penalty [L] with L = S A x p
    """
    seeds, count, each, *size = starts.shape
    fitted = np.broadcast_to(labels, (seeds * count, *labels.shape))
    if mislabelled:
        order = draw["order"][:, :count].argsort(axis=-1).reshape(seeds * count, -1)
        fitted = np.moveaxis(labels[:, order], 0, 1)
    many, starts = len(penalties), starts.reshape(-1, *size)
    under = Penalty(*np.tile(np.asarray(penalties, float), (len(starts), 1)).T)
    return starts.repeat(many, axis=0), fitted.repeat(each * many, axis=0), under


def ladder(last, features, vicinities):
    """All combinations.  -> [p, 3]"""
    return np.array(list(product(last, features, vicinities)), float)


def raised(low, high, vicinities):
    """Both penalties low, lambda_W raised, lambda_H raised, at every beta.  -> [beta x 3, 3]"""
    pairs = (low, low), (high, low), (low, high)
    return np.array([(*pair, beta) for beta in vicinities for pair in pairs])


def compared(found, draw, labels, sizes, penalties, *, length, centred):
    """Minimisers beside first order, H = mu Q Y + (along Q Q^T + across (1 - Q Q^T)) dH_0.

    found [S, x, p, d, N] from `near_collapse` of one length -> near_error [S, p, x, (within
    classes, in all)], near_size [S, p, x] of what is within, near_shrink [S, p, x, 2]: parts of
    dH_0 along and across that are left, by least squares; near_law [p, 2]
    """
    base = frame(draw, labels)[:, None, None]
    noise = (
        np.array(sizes)[:, None, None, None]
        * within_noise(draw, labels, centred=centred)[:, None, None]
    )
    laws = [theory.near(length, *penalty) for penalty in penalties]
    mu, along, across = (
        np.array([getattr(law, name) for law in laws])[:, None, None]
        for name in ("length", "along", "across")
    )
    inside = base @ (base.mT @ noise)
    wanted = mu * base @ labels + along * inside + across * (noise - inside)
    mean = labels.T / labels.sum(1) @ labels  # features times it: their class means
    left, right = found - found @ mean, wanted - wanted @ mean
    parts = np.stack(np.broadcast_arrays(inside, noise - inside))
    shrink = np.sum(left * parts, axis=(-2, -1)) / np.sum(parts**2, axis=(-2, -1))
    error = np.stack([norm(left - right), norm(found - wanted)], -1)
    return {
        "near_error": error.swapaxes(1, 2),
        "near_size": norm(right).swapaxes(1, 2),
        "near_shrink": np.moveaxis(shrink, 0, -1).swapaxes(1, 2),
        "near_law": np.stack([along, across], -1)[:, 0, 0],
    }


def rises(values):
    """How often a metric rises before it is down to rounding.  [..., T] -> [...]"""
    return ((np.diff(values) >= 0) & (values[..., 1:] > ROUNDING)).sum(axis=-1)


def norm(matrices):
    return np.linalg.norm(matrices, axis=(-2, -1))
