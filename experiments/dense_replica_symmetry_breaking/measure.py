"""What the claims are decided on: arrays of `run` -> numbers, one row a seed. Axes as there."""

import math

import numpy as np

GROUND = {3: -0.8135, 4: -0.8255, 6: -0.8313}  # literature of the P-spin glass, J = 1
STATIC = {3: 0.655, 4: 0.615, 6: 0.605}
NEAR = 0.995  # q_0 above: the symmetric point, to rounding


def every(arrays, value):
    """The same for every seed."""
    return np.full(len(arrays["seeds"]), value, float)


def ground(arrays):
    """Ground states and those of the literature.  -> [P, 2, 1]"""
    known = np.array([GROUND[int(P)] for P in arrays["orders"]])
    return np.stack([arrays["ground"], known], axis=1)[..., None]


def static(arrays):
    """Transitions and those of the literature.  -> [P, 2, 1]"""
    known = np.array([STATIC[int(P)] for P in arrays["orders"]])
    return np.stack([arrays["transition"], known], axis=1)[..., None]


def too_low(arrays):
    """Energy without breaking over that with it, least over P.  -> [S]"""
    return every(arrays, (arrays["symmetric"] / arrays["ground"]).min())


def entropy(arrays):
    """Entropy at low T and -(P - 1) / (2 pi).  -> [P, 2, 1]"""
    law = -(arrays["orders"] - 1) / (2 * np.pi)
    return np.stack([arrays["entropy"], law], axis=1)[..., None]


def crossing(x, rising):
    """Where a rising difference passes 0, by a line; the last point if it does not."""
    at = np.flatnonzero((rising[:-1] < 0) & (rising[1:] >= 0))
    if len(at) == 0:
        return x[-1]
    i = at[0]
    return x[i] - rising[i] * (x[i + 1] - x[i]) / (rising[i + 1] - rising[i])


def best(energy, q):
    """Highest energy over beta x below NEAR, of all if none is.  energy, q [load, D] -> [load]"""
    own = np.where((q < NEAR) & (energy < 0), energy, -np.inf).max(axis=-1)
    return np.where(np.isfinite(own), own, energy.max(axis=-1))


def limits(arrays):
    """Load at which pattern and glass have one energy, without and with breaking.  -> [even, 2]"""
    found = []
    for k in range(len(arrays["even"])):
        plain = arrays["held"][k] - arrays["lost"][k]
        own = best(arrays["broken"][k], arrays["broken_q"][k])
        own = np.where(own == 0, arrays["held"][k], own)
        broken = own - arrays["lost_broken"][k]
        found.append([crossing(arrays["load"], plain), crossing(arrays["load"], broken)])
    return np.array(found)


def storage(arrays):
    """Storage with breaking over that without, least over P.  -> [S]"""
    each = limits(arrays)
    return every(arrays, (each[:, 1] / each[:, 0]).min())


def spinodals(arrays):
    """Largest load that holds a pattern, without and with breaking, P = 4.  -> [2]"""
    load = arrays["load"]
    plain = load[arrays["held"][0] < 0].max(initial=load[0])
    energy, q = arrays["broken"][0], arrays["broken_q"][0]
    inside = (energy[:, 1:-1] >= energy[:, :-2]) & (energy[:, 1:-1] >= energy[:, 2:])
    inside &= (energy[:, 1:-1] < 0) & (q[:, 1:-1] < NEAR)
    broken = load[inside.any(axis=1)].max(initial=load[0])
    return np.array([plain, broken])


def mild(arrays):
    """The second of these over the first.  -> [S]"""
    plain, broken = spinodals(arrays)
    return every(arrays, broken / plain)


def law(gamma):
    """m = erf(m^3 / sqrt(2 Gamma)), Gamma = 6 gamma, from m = 1."""
    m = 1.0
    for _ in range(200):
        m = math.erf(m**3 / math.sqrt(12 * gamma))
    return m


def pair_law(load):
    """m = erf(m / sqrt(2 load)): without the factor 1 / (1 - beta (1 - q))."""
    m = 1.0
    for _ in range(2000):
        m = math.erf(m / math.sqrt(2 * load))
    return m


def dense(arrays):
    """Overlap less the law without a soft part, mean over loads.  -> [S]"""
    laws = np.array([law(g) for g in arrays["gammas"]])
    return (arrays["dense"] - laws).mean(axis=1)


def pair(arrays):
    """The law without a soft part and the overlap, P = 2.  -> [S, 2]"""
    expected = every(arrays, pair_law(float(arrays["pair_load"])))
    return np.stack([expected, arrays["pair"]], axis=1)
