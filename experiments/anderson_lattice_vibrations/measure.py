"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as there."""

import numpy as np

from . import series
from .regimes import K

FROZEN, SLOW, FAST = 0, 1, 2  # speeds
MOVING, STILL = 0, 1  # lattices of the map
COLD, HOT = 0.2, 3.0  # up to and from which the two laws of V_rms^2 hold
TRAPPED = 0.25  # V_rms, twice k0^2 / 2
PLACE = 0.3  # V_rms of the single packets
TRIED = 3, 4, 5  # numbers of clusters


def norm(arrays):
    """| |psi|^2 - 1 |.  -> [S]"""
    return abs(arrays["norm"] - 1)


def field(arrays):
    """Variance of fields over sum A^2 / 2, mean over phases, hottest.  -> [S]"""
    return arrays["ratio"][:, -1]


def above(arrays):
    """Share of power above q_D, largest of all temperatures.  -> [S]"""
    return arrays["above"].max(1)


def scaling(arrays, seen):
    """T and V_rms^2.  -> [S, 2, theta]"""
    y = arrays["variance"][:, seen]
    return np.stack([np.broadcast_to(arrays["theta"][seen], y.shape), y], 1)


def cold(arrays):
    """Below T_D / 5."""
    return scaling(arrays, arrays["theta"] <= COLD)


def hot(arrays):
    """Above 3 T_D."""
    return scaling(arrays, arrays["theta"] >= HOT)


def last(x):
    """Mean over the last third of the records.  [..., R] -> [...]"""
    return x[..., -(x.shape[-1] // 3) :].mean(-1)


def end(x):
    """Mean over the last tenth.  [..., R] -> [...]"""
    return x[..., -max(x.shape[-1] // 10, 1) :].mean(-1)


def confined(arrays):
    """PR of frozen packets over that of speckle all over the box, L^2 / 2.  -> [S]"""
    return end(arrays["strong_pr"][:, FROZEN]) / arrays["speckle"]


def grown(arrays):
    """PR of frozen packets over that of the launch.  -> [S]"""
    return end(arrays["strong_pr"][:, FROZEN]) / arrays["launched"]


def slope(arrays, y, part):
    """dy/dt by least squares over a third of the records: 0, 1, 2.  y [..., R] -> [...]"""
    third = len(arrays["t"]) // 3
    seen = slice(part * third, (part + 1) * third) if part < 2 else slice(-third, None)
    t = arrays["t"][seen] - arrays["t"][seen].mean()
    return (y[..., seen] * t).sum(-1) / (t**2).sum()


def slowed(arrays):
    """Diffusivity of frozen packets in the last third over that in the first.  -> [S]"""
    msd = arrays["late_msd"][:, FROZEN]
    return slope(arrays, msd, 2) / slope(arrays, msd, 0)


def order(arrays):
    """log PR at the end, by speed.  -> [S, speed]"""
    return np.log(end(arrays["strong_pr"]))


def released(arrays):
    """PR at the end, fast and frozen.  -> [S, 2]"""
    return end(arrays["strong_pr"])[:, [FAST, FROZEN]]


def alike(arrays):
    """Largest over smallest late MSD of the three speeds in a weak lattice, less 1.  -> [S]"""
    msd = last(arrays["weak_msd"])
    return msd.max(1) / msd.min(1) - 1


def speckle(arrays):
    """Late PR in a weak frozen lattice over L^2 / 2.  -> [S]"""
    return last(arrays["weak_pr"][:, FROZEN]) / arrays["speckle"]


def heated(arrays):
    """Kinetic energy at the end in a slow lattice over that in the frozen.  -> [S]"""
    kinetic = end(arrays["strong_kinetic"])
    return kinetic[:, SLOW] / kinetic[:, FROZEN]


def late(arrays, speed):
    """Late diffusivity of frozen packets over that at this speed.  -> [S]"""
    D = slope(arrays, arrays["late_msd"], 2)
    return D[:, FROZEN] / D[:, speed]


def late_slow(arrays):
    """Over that at v_s = 0.02."""
    return late(arrays, SLOW)


def late_fast(arrays):
    """Over that at v_s = 0.05."""
    return late(arrays, FAST)


def beside_classical(arrays):
    """Late diffusivity of frozen packets over that of classical particles.  -> [S]"""
    D = slope(arrays, arrays["late_msd"][:, FROZEN], 2)
    return D / slope(arrays, arrays["particles_msd"], 2)


def tried(arrays):
    """Where k = 3, 4, 5 stand."""
    return np.isin(arrays["k"], TRIED)


def silhouette(arrays):
    """Least of k = 3, 4, 5.  -> [S]"""
    return arrays["silhouette"][:, tried(arrays)].min(1)


def contiguous(arrays):
    """Share of points that agree with half or more of their neighbours, least of k.  -> [S]"""
    return series.agreement(arrays["label"][:, tried(arrays)]).min(1)


def chance(arrays):
    """That for k = 4, and the 99 % quantile of permuted labels.  -> [S, 2]"""
    at = int(np.flatnonzero(arrays["k"] == K)[0])
    return np.stack([series.agreement(arrays["label"][:, at]), arrays["chance"][:, at]], 1)


def transient(arrays):
    """Final PR, moving over frozen: median of the cluster of V_rms = 0.3, highest T.  -> [S]"""
    label = arrays["label"][:, int(np.flatnonzero(arrays["k"] == K)[0])]
    nearest = abs(np.log(arrays["rms"][-1] / PLACE)).argmin()
    gain = arrays["final"][:, MOVING] / arrays["final"][:, STILL]
    each = zip(gain, label, strict=True)
    return np.array([np.median(g[own == own[-1, nearest]]) for g, own in each])


def parted(arrays):
    """Share of strong points whose moving and frozen runs lie in different clusters.  -> [S]"""
    apart = arrays["joint"][:, MOVING] != arrays["joint"][:, STILL]
    return apart[:, arrays["rms"] >= TRAPPED].mean(1)
