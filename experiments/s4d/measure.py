"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

What is the same for every seed is repeated.  Shapes: M sizes, S seeds.
"""

import numpy as np

from common import stats

PROBED, REAL = 0, 1  # of the probe's residuals
MIDDLE, LONG = 32, 128  # lags


def limit(arrays):
    """N and the error of S4D-LegS at fixed frequencies.  -> [S, 2, M]"""
    return stats.beside(arrays["size"], arrays["weak"].T)


def exact_error(arrays):
    """|x - x_S4D| / |x_S4D|, and |1 - B^T x|.  -> [instance size, 2, S F]"""
    relative, size = arrays["relative"], arrays["size"]
    law = np.stack([remainder(n, arrays["omega"]) for n in size])
    return np.stack([relative, law], axis=1).reshape(len(size), 2, -1)


def remainder(n, omega):
    """|u - B^T x| of LegS with n states under e^(iwt) of size 1 (README).  omega [...] -> [...]"""
    return omega / np.hypot(n, omega)


def mean_square(arrays):
    """Relative distance of K_0 at the largest N.  -> [S]"""
    return alike(arrays, arrays["square"][-1])


def place(arrays):
    """The largest frequency over N^2 / pi, at the largest N.  -> [S]"""
    return alike(arrays, arrays["largest"][-1, 0] / (arrays["size"][-1] ** 2 / np.pi))


def inverse_law(arrays):
    """N and the larger relative error of the law in the two largest frequencies.  -> [S, 2, M]"""
    error = np.abs(arrays["lawful"] / arrays["largest"] - 1).max(axis=1)
    return alike(arrays, np.stack([arrays["size"], error]))


def exact_spectrum(arrays):
    """sum_j atan((j + 1/2) / w_m) of the largest and least w, and (m + 1/2) pi.  -> [M, 2, 10]"""
    found = np.concatenate([arrays["largest"], arrays["slowest"]], axis=1)
    few, least = arrays["largest"].shape[1], arrays["slowest"].shape[1]
    rank = [[*range(few), *range(n // 2 - least, n // 2)] for n in arrays["size"]]
    phases = np.stack([phase(n, w) for n, w in zip(arrays["size"], found, strict=True)])
    return np.stack([phases, np.pi * (np.array(rank) + 0.5)], axis=1)


def phase(n, omega):
    """Over j = 0 .. n - 1 (README).  omega [W] -> [W]"""
    return np.arctan2(np.arange(n) + 0.5, omega[:, None]).sum(axis=-1)


def forms(arrays):
    """Outputs by convolution and by recurrence, double precision.  -> [instance, 2, kept]"""
    return instances(arrays["outputs"][[0, 2]])


def forms_single(arrays):
    """By convolution in single precision, by recurrence in double.  -> [instance, 2, kept]"""
    return instances(arrays["outputs"][[1, 2]])


def two_lines(arrays):
    """Kernels, ours and by the formula.  -> [instance, 2, kept]"""
    return instances(arrays["kernels"])


def instances(pair):
    """[2, S, I, H, kept] -> [S I H, 2, kept]"""
    return pair.reshape(2, -1, pair.shape[-1]).swapaxes(0, 1)


def probe_middle(arrays):
    return probe(arrays, MIDDLE)


def probe_long(arrays):
    return probe(arrays, LONG)


def probe(arrays, lag):
    """Residuals of S4D-Real and of what is probed.  -> [S, 2]"""
    return arrays["residual"][:, [REAL, PROBED], list(arrays["lags"]).index(lag)]


def alike(arrays, value):
    """The same for every seed."""
    return np.broadcast_to(value, (len(arrays["seeds"]), *np.shape(value)))


def ablation(arrays):
    """Accuracy lost by the worst initialisation, and between two discretisations.  -> [S, 2]"""
    return arrays["accuracy_gaps"]


def parity(arrays):
    """Accuracy of trained S4D less that of S4.  -> [S]"""
    return arrays["accuracy"][:, 0] - arrays["accuracy"][:, 1]
