"""Numbers that the claims are decided on, one row a seed or instance.  Axes as in `run.run`."""

import numpy as np

from common import stats

METHODS = ("sgd", "auon", "auon_paper", "hybrid1", "hybrid5", "muon", "adamw")  # axis arm
SGD, AUON, HYBRID, MUON, ADAMW = (
    METHODS.index(n) for n in ("sgd", "auon", "hybrid5", "muon", "adamw")
)
UPDATES = ("auon", "auon_paper", "hybrid1", "muon")  # axis update, after the momentum itself
ENTRIES = 4096  # of a matrix, from where R is compared with its expansion


def expansion(arrays):
    """R - 1 and gamma^2 / 2N of every seed and large matrix.  -> [instance, 2]"""
    large = arrays["side"] ** 2 >= ENTRIES
    excess = arrays["excess"][:, large]
    law = np.broadcast_to(arrays["law"][large], excess.shape)
    return np.stack([excess.ravel(), law.ravel()], axis=1)


def largest_norm(arrays):
    """Largest spectral norm of the text's form, over matrices and scales.  -> [seed]"""
    return arrays["ball"][:, 2].max((1, 2))


def growth(arrays):
    """Norm of a Gaussian momentum and spectral norm of the code's form.  -> [seed, 2, scale]"""
    return stats.beside(arrays["scale"], arrays["ball"][:, 1, 0])


def condition_pairs(arrays):
    """Condition numbers of AuON's update and of the momentum.  -> [instance, 2]"""
    conditions = arrays["conditions"]
    return np.stack([conditions[:, 1].ravel(), conditions[:, 0].ravel()], axis=1)


def reconditioned(arrays):
    """Condition number of AuON's update over that of the momentum, the largest.  -> [seed]"""
    return ratios(arrays)[:, 1].max(-1)


def orthogonalised(arrays):
    """The same of Muon's.  -> [seed]"""
    return ratios(arrays)[:, -1].max(-1)


def ratios(arrays):
    """Condition numbers over those of the momentum.  -> [seed, update, shape]"""
    return arrays["conditions"] / arrays["conditions"][:, :1]


def cost_ratio(arrays):
    """Sides, and operations of Muon's direction over AuON's.  -> [seed, 2, side]"""
    auon, muon = arrays["operations"].swapaxes(0, 1)
    return stats.beside(arrays["counted"], muon / auon)


def at_best(arrays, arm):
    """Test loss at the end, at the arm's own best rate.  -> [seed]"""
    return stats.taken(arrays["test"][:, arm, :, -1], arrays["chosen"][:, arm])


def auon_over_adamw(arrays):
    """-> [seed]"""
    return at_best(arrays, AUON) / at_best(arrays, ADAMW)


def auon_over_muon(arrays):
    """-> [seed]"""
    return at_best(arrays, AUON) / at_best(arrays, MUON)


def auon_less_sgd(arrays):
    """Difference of test losses at SGD's best place of the grid, in seed standard deviations."""
    return apart(arrays, AUON, SGD)


def hybrid_less_muon(arrays):
    """The same of the hybrid and Muon, at Muon's."""
    return apart(arrays, HYBRID, MUON)


def apart(arrays, arm, other):
    """(loss of arm - loss of other) / deviation of the latter over seeds.  -> [seed]"""
    chosen = arrays["chosen"][:, other]
    ours, theirs = (stats.taken(arrays["test"][:, which, :, -1], chosen) for which in (arm, other))
    return (ours - theirs) / theirs.std(ddof=1)
