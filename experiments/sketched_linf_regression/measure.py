"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Sketches by their place in config's tuples: what stands there.
"""

from statistics import NormalDist

import numpy as np

from common import stats

GAUSSIAN, SRHT = 0, 1  # of dense
COUNT, PAIRS = 0, 1  # of sparse: one non-zero a column, two
FLAT_SRHT, FLAT_COUNT = 0, 1  # of incoherent
DELTA = 0.05  # probability that the guarantee leaves
ADDITIONS, LAW, ALL = range(3)  # of what is counted


def srht_slope(arrays):
    """Slope of log median largest error against log d.  -> [seed]"""
    return slope(arrays["dims"], arrays["dense"][SRHT])


def gaussian_slope(arrays):
    return slope(arrays["dims"], arrays["dense"][GAUSSIAN])


def flat_srht_slope(arrays):
    return slope(arrays["dims"], arrays["incoherent"][FLAT_SRHT])


def flat_count_slope(arrays):
    return slope(arrays["dims"], arrays["incoherent"][FLAT_COUNT])


def kronecker_slope(arrays):
    return slope(arrays["sides"] ** 2, arrays["kronecker"][0])


def slope(d, worst):
    """d [x], worst [seed, draw, x] -> [seed]"""
    typical = np.median(worst, axis=1)
    return stats.loglog_slope(d + 0 * typical, typical)


def within_bound(arrays):
    """Whether SRHT's largest error keeps the union bound, at the largest d.  -> [seed draw]"""
    d = arrays["dims"][-1]
    m = d * arrays["ratio"]
    largest = arrays["dense"][SRHT][:, :, -1] * np.sqrt((m - d - 1) / m)
    return (largest <= np.sqrt(2 * np.log(2 * d / DELTA))).astype(float).ravel()


def srht_over_law(arrays):
    """Median largest error over that of d normal coordinates, mean over d.  -> [seed]"""
    law = gaussian_law(arrays["dims"], arrays["ratio"] * arrays["dims"])
    return stats.geometric_mean(np.median(arrays["dense"][SRHT], axis=1) / law)


def gaussian_law(d, m):
    """Median of sqrt(m) max |x_i| of d normal x_i of variance 1 / (m - d - 1).  [x] -> [x]"""
    median = [NormalDist().inv_cdf((1 + 0.5 ** (1 / k)) / 2) for k in d]
    return np.array(median) * np.sqrt(m / (m - d - 1))


def count_growth(arrays):
    """d and Count-Sketch's median largest error.  -> [seed, 2, dim]"""
    return stats.beside(arrays["dims"], np.median(arrays["sparse"][COUNT], axis=1))


def count_and_srht(arrays):
    """Median largest errors at the largest d.  -> [seed, 2]"""
    pair = arrays["sparse"][COUNT], arrays["dense"][SRHT]
    return np.stack([np.median(x[:, :, -1], axis=1) for x in pair], axis=1)


def count_over_law(arrays):
    """Count-Sketch's median over one overlap, 1 / sqrt(spread), the d furthest off.  -> [seed]"""
    overlap = np.sqrt(arrays["ratio"] * arrays["dims"] / arrays["spread"])
    return furthest(np.median(arrays["sparse"][COUNT], axis=1) / overlap)


def furthest(ratio):
    """Of every row the value furthest from 1.  [seed, x] -> [seed]"""
    return stats.taken(ratio, np.abs(ratio - 1).argmax(axis=1))


def squares(arrays):
    """Mean square over the Gaussian law's, of the sketch furthest from it.  -> [seed]

    Of both dense sketches and of two non-zeros a column; mean over draws and d.
    """
    each = [*arrays["dense_square"], arrays["sparse_square"][PAIRS]]
    return furthest(np.stack([x.mean(axis=(1, 2)) for x in each], axis=1))


def count_square(arrays):
    """Count-Sketch's mean square over its own law, mean over draws and d.  -> [seed]"""
    law = count_law(arrays["dims"], arrays["ratio"] * arrays["dims"])
    return (arrays["sparse_square"][COUNT] / law).mean(axis=(1, 2))


def count_law(d, m):
    """E |x|^2 (m - d - 1) / d of Count-Sketch: tr G^+ / m, a column of a row of k gives 1 / k^2.

    The others of a column's row are binomial: d - 1, each with probability 1 / m.  [x] -> [x]
    """
    rest, mean = d - 1.0, 0.0
    chance = (1 - 1 / m) ** rest
    for k in range(1, 20):
        mean = mean + chance / k**2
        chance = chance * (rest - k + 1) / (k * (m - 1.0))
    return mean * (m - d - 1) / m


def squared_pair(arrays):
    """Mean square of Count-Sketch over SRHT's, mean over draws and d.  -> [seed]"""
    count, srht = arrays["sparse_square"][COUNT], arrays["dense_square"][SRHT]
    return count.mean(axis=(1, 2)) / srht.mean(axis=(1, 2))


def density_trend(arrays):
    """Root mean square of the largest error, non-zeros along the last axis.  -> [seed, s]"""
    return rms(arrays["density"]).T


def rms(worst):
    """[…, draw] -> […]"""
    return np.sqrt((worst**2).mean(axis=-1))


def adapted_quantile(arrays):
    """Upper quartile of the largest error over sqrt(d), least over non-zeros.  -> [seed]"""
    upper = np.quantile(arrays["adapted"], 0.75, axis=-1)
    return upper.min(axis=0) / np.sqrt(arrays["dim"])


def densest(arrays):
    """Root mean square of most non-zeros over the Gaussian sketch's at the same m.  -> [seed]"""
    same = arrays["rows"][GAUSSIAN][:, :, arrays["multiples"] == arrays["width"]]
    return rms(arrays["density"][-1]) / rms(same[:, :, 0])


def srht_rows(arrays):
    """m - d - 1 and SRHT's median largest error over sqrt(m).  -> [seed, 2, multiple]"""
    return over_rows(arrays, SRHT)


def gaussian_rows(arrays):
    return over_rows(arrays, GAUSSIAN)


def over_rows(arrays, sketch):
    m = arrays["multiples"] * arrays["dim"]
    error = np.median(arrays["rows"][sketch], axis=1) / np.sqrt(m)
    return stats.beside(m - arrays["dim"] - 1, error)


def gaussian_square(arrays):
    """Mean square of the Gaussian sketch over its law, mean over draws and m.  -> [seed]"""
    return arrays["rows_square"][GAUSSIAN].mean(axis=(1, 2))


def operations_growth(arrays):
    """n and operations over log2 n.  -> [seed, 2, size]"""
    count = arrays["fast"][:, ALL] / np.log2(arrays["sizes"])
    return stats.beside(arrays["sizes"], count + 0 * arrays["seeds"][:, None])


def additions(arrays):
    """Additions as counted and n (d + 1) log2 n.  -> [instance size, 2, 1]"""
    return arrays["fast"][:, [ADDITIONS, LAW], None]
