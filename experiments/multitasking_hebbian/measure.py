"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

BELOW, ABOVE: sides of the hierarchy's end. WITH, WITHOUT labels.
"""

import numpy as np

from common import stats

BELOW, ABOVE = 0, 1
WITH, WITHOUT = 0, 1
FIRST = 4  # dilutions are of the hierarchy, the others beyond its end


def hierarchy(arrays):
    """Largest difference of networks from (1 - d) d^(k - 1), dilutions of the hierarchy.  -> [S]"""
    return abs(arrays["overlap"] - arrays["law"])[:, :FIRST].max(axis=(1, 2))


def below(arrays):
    """Largest difference of the equations from the law below its end.  -> [S]"""
    return arrays["deviation"][:, BELOW].max(axis=-1)


def above(arrays):
    """Least difference, over K, above it.  -> [S]"""
    return arrays["deviation"][:, ABOVE].min(axis=-1)


def place(arrays):
    """d at which equations leave the law over the root of 1 - 2 d + d^K, K furthest off.  -> [S]"""
    ratio = arrays["found"] / arrays["end"]
    return stats.taken(ratio, abs(np.log(ratio)).argmax(-1))


def parallel_law(d):
    """Overlaps at T = 0 beyond the end, K = 3.  d [D] -> [D, 3]"""
    e = 1 - d
    m = d**2 * e + 2 * d * e**2 + e**3 / 2, d**2 * e + d * e**2 + e**3 / 2, d**2 * e + e**3 / 2
    return np.stack(m, axis=-1)


def parallel(arrays):
    """Largest difference of networks from the closed form beyond the end.  -> [S]"""
    law = parallel_law(arrays["d"][FIRST:])
    return abs(arrays["overlap"][:, FIRST:] - law).max(axis=(1, 2))


def comparable(arrays):
    """Least over largest overlap at the largest dilution.  -> [S]"""
    last = arrays["overlap"][:, -1]
    return last.min(axis=-1) / last.max(axis=-1)


def equalising(arrays):
    """The same at all dilutions beyond the end.  -> [S, D]"""
    m = arrays["overlap"][:, FIRST:]
    return m.min(axis=-1) / m.max(axis=-1)


def level(arrays):
    """T at which the level goes out over (1 - d) d^2.  -> [S]"""
    return arrays["level"] / arrays["level_law"]


def needed(arrays):
    """Examples at which the first overlap is `rest` of 1 - d, by a line; twice the most if never.

    -> [S, N, 2]
    """
    goal = arrays["rest"] * (1 - arrays["learn_d"])
    many = arrays["examples"].astype(float)

    def one(m):
        reached = np.flatnonzero(m >= goal)
        if len(reached) == 0:
            return 2 * many[-1]
        i = max(reached[0], 1)
        return np.interp(goal, m[i - 1 : i + 1], many[i - 1 : i + 1])

    return np.apply_along_axis(one, -1, arrays["learned"][..., 0])


def protocols(arrays):
    """Examples needed with labels over those without, largest N.  -> [S]"""
    each = needed(arrays)[:, -1]
    return each[:, WITH] / each[:, WITHOUT]


def differences(arrays):
    """Mean difference of overlaps with and without labels, from `late` examples on.  -> [S, N]"""
    late = arrays["examples"] >= arrays["late"]
    m = arrays["learned"][:, :, :, late]
    return abs(m[:, :, WITH] - m[:, :, WITHOUT]).mean(axis=(2, 3))


def difference(arrays):
    """The same at the largest N.  -> [S]"""
    return differences(arrays)[:, -1]


def difference_falls(arrays):
    """The same at the smallest and the largest N.  -> [S, 2]"""
    return differences(arrays)[:, [0, -1]]


def collapse(arrays):
    """Largest difference of the first overlap from the equations at the same rho.  -> [S]"""
    return abs(arrays["collapse"] - arrays["collapse_law"])[..., 0].max(axis=(1, 2))


def losses(arrays):
    """Energy and product of losses of all states.  -> [S, 2, state]"""
    return arrays["losses"]
