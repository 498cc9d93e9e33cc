"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

mean [measure, m, seed, kind, Q, F]; kinds by their place in config's `determinantal`.
"""

import numpy as np

from common import stats

IID, VOLUME, REPEATED = range(3)
TWICE, FOUR = 1, 3  # places of n = 2 m and n = 4 m
UPPER = -1  # place of the 95 % quantile
SHARE = 0.9  # of draws that should be stable


def exact_coefficients(arrays):
    """E c^ under the law and c, n = m ... 2 m.  -> [instance seed, 2, n, m]"""
    return stats.beside(arrays["exact_truth"][:, None], arrays["exact_mean"])[:, ::-1]


def rival_bias(arrays):
    """|E c^ - c| over the best error under the rival law, least over n > m.  -> [seed]"""
    off = arrays["rival_mean"] - arrays["exact_truth"][:, None]
    return np.maximum(np.linalg.norm(off, axis=-1)[:, 1:].min(axis=1), 1e-300)


def exact_normaliser(arrays):
    """E det G as summed up and in closed form.  -> [instance seed, 2, n]"""
    return arrays["exact_normaliser"]


def exact_inverse(arrays):
    """E G^-1 and n / (n - m + 1) I.  -> [instance seed, 2, n, m, m]"""
    n, m = arrays["exact_n"], arrays["exact_truth"].shape[1]
    law = (n / (n - m + 1))[:, None, None] * np.eye(m)
    return stats.beside(law, arrays["exact_inverse"])[:, ::-1]


def exact_energy(arrays):
    """E 1 + |c_k|^2 and (m + 1) / (m + 1 - k).  -> [instance seed, 2, k]"""
    m = arrays["exact_energy"].shape[1]
    law = (m + 1) / (m + 1 - np.arange(1, m + 1))
    return stats.beside(law, arrays["exact_energy"])[:, ::-1]


def furthest(ratio):
    """Of every seed the value furthest from 1.  [..., seed, x] -> [seed]"""
    flat = np.moveaxis(ratio, -2, 0).reshape(ratio.shape[-2], -1)
    return stats.taken(flat, np.abs(np.log(flat)).argmax(axis=1))


def volume_inverse(arrays):
    """Mean tr G^-1 / m over its law, n = 3 m and 4 m, furthest from 1.  -> [seed]"""
    q, m = arrays["q"], arrays["sizes"][:, None]
    law = (q * m / (q * m - m + 1))[:, None]
    return furthest((arrays["inverse"][:, :, :, VOLUME] / law)[..., 2:4])


def half_energy(arrays):
    """Mean 1 + |c_k|^2 over its law at k = ceil(m / 2), furthest from 1.  -> [seed]"""
    half = [-(-m // 2) - 1 for m in arrays["sizes"]]
    each = [arrays["energy"][:, i, :, k] for i, k in enumerate(half)]
    return furthest(np.stack(each))


def largest(values):
    """Over measures, sizes and functions.  [measure, m, seed, F] -> [seed]"""
    return values.max(axis=(0, 1, 3))


def volume_twice(arrays):
    """Volume sampling's mean error at n = 2 m, largest over settings.  -> [seed]"""
    return largest(arrays["mean"][:, :, :, VOLUME, TWICE])


def volume_theorem(arrays):
    """The same at n = ceil(4 log m) m."""
    each = [arrays["mean"][:, i, :, VOLUME, q - 1] for i, q in enumerate(arrays["theorem_q"])]
    return largest(np.stack(each, axis=1))


def typical(values):
    """Geometric mean over measures, sizes, functions.  [measure, m, seed, ..., F] -> [seed, ...]"""
    return np.exp(np.log(values).mean(axis=(0, 1, -1)))


def disasters(arrays):
    """Mean errors of i.i.d. and of volume sampling at n = 2 m, typical.  -> [seed, 2]"""
    return typical(arrays["mean"][:, :, :, [IID, VOLUME], TWICE])


def needed(arrays):
    """n / m at which the share of stable draws is 0.9, interpolated.  -> [measure, m, seed, kind]

    The largest n / m where it stays below.
    """
    share, q = arrays["stable"], arrays["q"]
    reached = share >= SHARE
    first = reached.argmax(axis=-1)
    before = np.maximum(first - 1, 0)
    high, low = (np.take_along_axis(share, i[..., None], -1)[..., 0] for i in (first, before))
    part = np.where(high > low, (SHARE - low) / np.where(high > low, high - low, 1), 1)
    return np.where(reached.any(axis=-1), q[before] + part * (q[first] - q[before]), q[-1])


def repeated_over_iid(arrays):
    """n of 90 % stable draws, repeated DPP over i.i.d., largest over measures and m.  -> [seed]"""
    n = needed(arrays)
    return (n[..., REPEATED] / n[..., IID]).max(axis=(0, 1))


def repeated_over_volume(arrays):
    n = needed(arrays)
    return (n[..., REPEATED] / n[..., VOLUME]).max(axis=(0, 1))


def closest(values):
    """Of n = 2 m and 4 m that with the smaller least step.  [seed, kind, 2] -> [seed, kind]

    Kinds in the order of rising errors: repeated, volume, i.i.d.
    """
    rising = values[:, ::-1]
    least = np.diff(np.log(rising), axis=1).min(axis=1)
    return stats.taken(np.moveaxis(np.log(rising), 2, 1), least.argmin(axis=1))


def mean_order(arrays):
    """Logarithms of mean errors of repeated DPP, volume sampling, i.i.d.  -> [seed, 3]"""
    return closest(typical(arrays["mean"][..., [TWICE, FOUR], :]))


def upper_order(arrays):
    """The same of 95 % quantiles."""
    return closest(typical(arrays["quantile"][UPPER][..., [TWICE, FOUR], :]))


def kept_over_sure(arrays):
    """Largest error of a stable i.i.d. draw, of any n, over its sure bound.  -> [seed]"""
    return largest(arrays["kept"] / arrays["sure"][:, :, None])
