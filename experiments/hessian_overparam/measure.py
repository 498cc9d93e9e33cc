"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Shapes: S seeds, W widths, M parameters of a width, k numbers of clusters. Axes as in `run.run`.
"""

import numpy as np

from common import stats
from common.curvature import outliers

CLASSES = 10
START, END = 0, 1
NEAR_ZERO = 1e-3  # of lambda_1: what counts as the bulk at zero


def spectra(arrays, when):
    """Eigenvalues of every width.  -> W arrays [S, M]"""
    ends = np.cumsum(arrays["parameters"])[:-1]
    return np.split(arrays["eigenvalues"][:, when].astype(float), ends, axis=-1)


def near_zero(eigenvalues):
    """Fraction of |lambda| < 1e-3 lambda_1.  [..., M] -> [...]"""
    top = eigenvalues.max(-1, keepdims=True)
    return (np.abs(eigenvalues) < NEAR_ZERO * top).mean(-1)


def bulk(arrays, when=END):
    """Fraction near zero.  -> [S, W]"""
    return np.stack([near_zero(e) for e in spectra(arrays, when)], axis=-1)


def bulk_at_end(arrays):
    """The smallest fraction near zero over widths.  -> [S]"""
    return bulk(arrays).min(-1)


def bulk_end_start(arrays):
    """Fraction near zero at the end and at the start, where the gain is smallest.  -> [S, 2]"""
    both = np.stack([bulk(arrays, END), bulk(arrays, START)], axis=-1)
    return stats.taken(both, (both[..., 0] - both[..., 1]).argmin(-1))


def counts(arrays):
    """Eigenvalues above 0.05 lambda_1 at the end.  -> [S, W]"""
    return np.stack([outliers.above_fraction(e) for e in spectra(arrays, END)], axis=-1)


def counts_above_bulk(arrays):
    """Eigenvalues above 10 times the 95th percentile of |bulk|.  -> [S, W]"""
    found = [outliers.above_bulk(e, classes=CLASSES) for e in spectra(arrays, END)]
    return np.stack(found, axis=-1)


def spread(counts):
    """(largest - smallest) / mean over widths; 1 where no outlier is found.  [S, W] -> [S]"""
    mean = counts.mean(-1)
    none = mean == 0  # nothing there that could stay the same
    return np.where(none, 1.0, (counts.max(-1) - counts.min(-1)) / np.where(none, 1.0, mean))


def count_spread(arrays):
    return spread(counts(arrays))


def count_spread_above_bulk(arrays):
    return spread(counts_above_bulk(arrays))


def bulk_slope(arrays):
    """Slope of the number near zero against the number of parameters.  -> [S]"""
    size = arrays["parameters"]
    return stats.line(size, bulk(arrays) * size).slope


def class_count(arrays):
    """Outliers (above 0.05 lambda_1) at the width where they are furthest from 10.  -> [S]"""
    found = counts(arrays)
    return stats.taken(found, np.abs(found - CLASSES).argmax(-1))


def negative(arrays, when):
    """|lambda_min| / lambda_1.  -> [S, W]"""
    found = [np.abs(e.min(-1)) / e.max(-1) for e in spectra(arrays, when)]
    return np.stack(found, axis=-1)


def negative_at_end(arrays):
    """The largest |lambda_min| / lambda_1 over widths.  -> [S]"""
    return negative(arrays, END).max(-1)


def negative_start_end(arrays):
    """|lambda_min| / lambda_1 at the start and at the end, where they differ least.  -> [S, 2]"""
    both = np.stack([negative(arrays, START), negative(arrays, END)], axis=-1)
    return stats.taken(both, (both[..., 0] / both[..., 1]).argmin(-1))


def top_difference(arrays):
    """Largest relative difference of the top 10 eigenvalues of H and G, over widths.  -> [S]"""
    h, g = (arrays[name][:, :, END, :CLASSES] for name in ("top_h", "top_g"))
    return np.abs(h / g - 1).max((0, 2))


def overlap_at_end(arrays):
    """The smallest overlap of the top-10 eigenspaces of H and G over widths.  -> [S]"""
    return arrays["overlap"][:, :, END].min(0)


def rest_start_end(arrays):
    """|R| / |G| at the start and at the end, where it drops least.  -> [S, 2]"""
    ratio = arrays["rest"] / arrays["top_g"][..., 0]
    least = (ratio[:, :, START] / ratio[:, :, END]).argmin(0)
    return ratio[least, np.arange(len(least))]


def cluster_spectra(arrays):
    """Spectra with zeros for the eigenvalues that `spectra.outer` left out: as many outliers.

    -> [k, S, M], in no order
    """
    kept = arrays["cluster_eigenvalues"].astype(float)
    left_out = int(arrays["cluster_parameters"]) - kept.shape[-1]
    return np.pad(kept, ((0, 0), (0, 0), (0, left_out)))


def cluster_counts(arrays, criterion):
    """Outliers for every number of clusters.  -> [S, k]"""
    every = zip(arrays["clusters"], cluster_spectra(arrays), strict=True)
    return np.stack([criterion(e, k) for k, e in every], axis=-1)


def clusters_above_bulk(arrays):
    """Eigenvalues above 10 times the 95th percentile of |bulk|.  -> [S, k]"""
    return cluster_counts(arrays, lambda e, k: outliers.above_bulk(e, classes=k))


def clusters_above_fraction(arrays):
    """Eigenvalues above 0.05 lambda_1.  -> [S, k]"""
    return cluster_counts(arrays, lambda e, k: outliers.above_fraction(e))


def clusters_before_gap(arrays):
    """Position of the largest ratio of neighbours.  -> [S, k]"""
    return cluster_counts(arrays, lambda e, k: outliers.largest_ratio(e, classes=k))


def cluster_slope_above_bulk(arrays):
    """Slope of the count against the number of clusters.  -> [S]"""
    return stats.line(arrays["clusters"], clusters_above_bulk(arrays)).slope


def cluster_slope_above_fraction(arrays):
    return stats.line(arrays["clusters"], clusters_above_fraction(arrays)).slope


def cluster_slope_before_gap(arrays):
    return stats.line(arrays["clusters"], clusters_before_gap(arrays)).slope


def barriers(arrays):
    """Height of the loss over the chord between t = 0 and 1, over the loss at the start.

    -> [3, S]: half way, after the other's batch size, from two starts
    """
    t, loss = arrays["segment_at"], arrays["segment"]
    a, b = (loss[..., np.abs(t - end).argmin(), None] for end in (0, 1))
    inside = (t > -1e-9) & (t < 1 + 1e-9)
    return ((loss - (1 - t) * a - t * b)[..., inside]).max(-1) / arrays["segment_start"]


def barrier(arrays):
    """Barrier from one start after the other's batch size.  -> [S]"""
    return barriers(arrays)[1]


def barrier_two_one(arrays):
    """Barriers from two starts and from one.  -> [S, 2]"""
    _, one, two = barriers(arrays)
    return stats.beside(two, one)
