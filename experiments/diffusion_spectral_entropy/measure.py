"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Axes as in `run.run`; entropies and information in bits.
"""

import numpy as np

from common import stats

TRUE, PERMUTED = 0, 1  # regimes
FIXED, RESCALED = 0, 1  # kernels
QUIET, NOISY = 0, -1  # noises
EARLY = 0.1  # share of the epochs


def entropy_by_dimension(arrays):
    """DSE at the least noise and t = 1.  -> [seed, dim]"""
    return arrays["toy_entropy"][:, QUIET, 0]


def histogram_range(arrays):
    """Range over dimensions of the histogram's entropy, least noise.  -> [seed]"""
    return np.ptp(arrays["toy_histogram"][:, QUIET], axis=-1)


def added_by_noise(arrays):
    """DSE at the most noise minus at the least, lowest dimension, at t = 1 and 2.  -> [seed, 2]"""
    lowest = arrays["toy_entropy"][:, :, :2, 0]
    return lowest[:, NOISY] - lowest[:, QUIET]


def error_of_clusters(arrays):
    """Largest |DSE - log2 k|.  -> [seed]"""
    return np.abs(arrays["blob_entropy"] - np.log2(arrays["blobs"])).max(axis=1)


def information_by_corruption(arrays):
    """Mean over trees.  -> [seed, r]"""
    return arrays["tree_information"].mean(axis=1)


def information_when_permuted(arrays):
    """Mean over trees at the last corruption.  -> [seed]"""
    return information_by_corruption(arrays)[:, -1]


def information_by_branches(arrays):
    """At the first corruption.  -> [seed, branch]"""
    return arrays["tree_information"][..., 0]


def entropy_by_epoch(arrays):
    """DSE of the network of true labels, fixed kernel.  -> [seed, R]"""
    return arrays["entropy"][:, TRUE, FIXED]


def gain(arrays, regime):
    """DSMI with the labels at the end minus at the start, rescaled clouds.  -> [seed]"""
    found = arrays["on_labels"][:, regime, RESCALED]
    return found[:, -1] - found[:, 0]


def gain_of_true(arrays):
    """-> [seed]"""
    return gain(arrays, TRUE)


def gain_of_permuted(arrays):
    """-> [seed]"""
    return gain(arrays, PERMUTED)


def least_fit(arrays):
    """Training accuracy at the end, the lower of both regimes.  -> [seed]"""
    return arrays["train_accuracy"][..., -1].min(axis=1)


def peaks(arrays):
    """Largest DSMI with the labels over epochs, fixed kernel, true and permuted.  -> [seed, 2]"""
    most = arrays["on_labels"][:, :, FIXED].max(axis=-1)
    return stats.beside(most[:, TRUE], most[:, PERMUTED])


def early_gain_on_images(arrays):
    """Largest DSMI with the images over early epochs minus the start, fixed kernel.  -> [seed]"""
    found, epoch = arrays["on_images"][:, TRUE, FIXED], arrays["epoch"]
    return found[:, epoch <= EARLY * epoch[-1]].max(axis=1) - found[:, 0]
