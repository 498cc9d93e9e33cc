"""What the claims are decided on: arrays of `run` -> numbers, one row a seed. Axes as there."""

import numpy as np

from common import stats

AT = 5000  # N at which degrees are compared
STARTED = 0.05  # share infected at which curves are laid on each other
LOCAL, CLUSTERED = 0.95, 0.05  # what a small world without clustering keeps
AROUND = {"late": 1.0, "hops": 0.4}  # half of the time over which a speed is taken


def every(arrays, value):
    """The same for every seed."""
    value = np.asarray(value, float)
    return np.broadcast_to(value, (len(arrays["seeds"]), *value.shape)).copy()


def at(arrays):
    """Place of the size nearest to AT."""
    return int(abs(arrays["sizes"] - AT).argmin())


def degrees(arrays):
    """Largest relative error of the mean degree of a class.  -> [S]"""
    return abs(arrays["degree"][:, at(arrays)] / arrays["classes"] - 1).max(axis=1)


def spread(arrays):
    """Variance over mean, mean over classes.  -> [S]"""
    i = at(arrays)
    return (arrays["variance"][:, i] / arrays["degree"][:, i]).mean(axis=1)


def clustered(arrays):
    """-> [S]"""
    return arrays["linked_by_size"][:, at(arrays)]


def vanishes(arrays):
    """N and clustering.  -> [S, 2, N]"""
    y = arrays["linked_by_size"]
    return np.stack([np.broadcast_to(arrays["sizes"].astype(float), y.shape), y], axis=1)


def shortest(arrays):
    """Least l(p)/l(0) of the p that keep edges local and clustering small, 1 if none.  -> [S]"""
    ratio = arrays["length"] / arrays["length"][:, :1]
    kept = (arrays["local"] > LOCAL) & (arrays["linked"] < CLUSTERED)
    return np.where(kept, ratio, 1.0).min(axis=1)


def cliquish(arrays):
    """Largest over p.  -> [S]"""
    return arrays["linked"].max(axis=1)


def started(t, S):
    """Time at which STARTED of the nodes are infected.  [T], [T] -> []"""
    return np.interp(STARTED, 1 - S, t)


def laid(arrays, s, ring):
    """Times of the records of an epidemic from its start on, and the same on the clock of the
    equations.  -> places in T, times"""
    t = arrays["moment"][: arrays["susceptible"].shape[-1]]
    begin = started(t, arrays["susceptible"][s, ring])
    other = started(arrays["moment"], arrays["mean_field"][ring])
    later = np.flatnonzero(t >= begin)
    return later, t[later] - begin + other


def gaps(arrays, ring):
    """Largest |S - S| at one time after the start.  -> [S]"""
    found = []
    for s, S in enumerate(arrays["susceptible"][:, ring]):
        later, clock = laid(arrays, s, ring)
        law = np.interp(clock, arrays["moment"], arrays["mean_field"][ring])
        found.append(abs(S[later] - law).max())
    return np.array(found)


def apart(arrays):
    """On the first ring.  -> [S]"""
    return gaps(arrays, 0)


def parts(arrays):
    """On the last and on the first ring.  -> [S, 2]"""
    return np.stack([gaps(arrays, -1), gaps(arrays, 0)], axis=1)


def escaped(arrays):
    """S - S at the end, first ring.  -> [S]"""
    last = arrays["susceptible"].shape[-1] - 1
    return arrays["susceptible"][:, 0, last] - arrays["mean_field"][0, last]


def profile(arrays):
    """Largest |I - I| of bins and times after the start, first ring.  -> [S]"""
    found = []
    for s, I in enumerate(arrays["infected"]):
        later, clock = laid(arrays, s, 0)
        law = [np.interp(clock, arrays["moment"], row) for row in arrays["infected_law"].T]
        found.append(abs(I[later] - np.stack(law, axis=1)).max())
    return np.array(found)


def front(arrays, kernel, t):
    """Distance at a time.  -> [] or like t"""
    return np.interp(t, arrays["moment"], arrays["front"][kernel])


def speeds(arrays, kernel, t, around):
    """Mean speed from t - around to t + around."""
    far, near = (front(arrays, kernel, t + k * around) for k in (1, -1))
    return (far - near) / (2 * around)


def late(arrays):
    """Speeds of the waves.  -> [wave]"""
    waves = range(len(arrays["c_star"]))
    return np.array([speeds(arrays, k, arrays["late"], AROUND["late"]) for k in waves])


def wave_speed(arrays):
    """Largest relative error from c* - 3 / (2 l* t).  -> [S]"""
    law = arrays["c_star"] - 1.5 / (arrays["l_star"] * arrays["late"])
    return every(arrays, abs(late(arrays) / law - 1).max())


def from_below(arrays):
    """Largest speed over c*.  -> [S]"""
    return every(arrays, (late(arrays) / arrays["c_star"]).max())


def behind(arrays):
    """S and its law.  -> [wave, 2, 1]"""
    return np.stack([arrays["left"], arrays["left_law"]], axis=1)[..., None]


def accelerates(arrays):
    """Speed at the later over that at the earlier time, power law.  -> [S]"""
    before, after = speeds(arrays, -1, arrays["hops"], AROUND["hops"])
    return every(arrays, after / before)


def straight(arrays):
    """R^2 of log distance and of distance against time.  -> [S, 2]"""
    t = np.linspace(*arrays["hops"], 41)
    x = front(arrays, -1, t)
    return every(arrays, [stats.line(t, np.log(x)).r2, stats.line(t, x).r2])


def doubling(arrays):
    """d log distance / dt at the later time over its law.  -> [S]"""
    t, around = arrays["hops"][1], AROUND["hops"]
    far, near = (front(arrays, -1, t + k * around) for k in (1, -1))
    return every(arrays, np.log(far / near) / (2 * around) / arrays["rate"])


def foci(arrays):
    """Components with heavy and with Gaussian edges.  -> [S, 2]"""
    return arrays["components"].astype(float)
