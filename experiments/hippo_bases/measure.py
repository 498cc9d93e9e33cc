"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Axes of `rmse` [seed, basis, band, window]: basis 0 and 1 have windows, 2 and 3 decay; band LOW and
HIGH are 1/8 and 1/4 of a cycle a lag and state. What is the same for every seed is repeated.
"""

import numpy as np

LEGT, FOUT, LEGS, FOUD = range(4)
LOW, HIGH = 0, 2
CONSTANT_AND_COSINES, SINES = [0, 1, 3, 5], [2, 4]  # of the Fourier kernels K_0 .. K_5
SHORT, COVERED = 0.8, (1.0, 1.25)  # windows in lags
MANY = 256  # states
LEVELS = {"legs": 0.5, "fout": 1.0, "foud": 1.0}  # mean variance of a state


def warped_form(arrays):
    """Kernels of LegS from its matrix and by formula.  -> [instance n, 2, time]"""
    return arrays["warped"].swapaxes(0, 1)


def warped_gram(arrays):
    """Extreme eigenvalues of LegS's weighted Gram matrix, and 1.  -> [instance size, 2, 2]"""
    return beside_one(arrays["gram"][0])


def white_gram(arrays):
    """The same of FouT's Gram matrix.  -> [instance size, 2, 2]"""
    return beside_one(arrays["gram"][1])


def beside_one(values):
    return np.stack([values, np.ones_like(values)], axis=1)


def legt_limit(arrays):
    """Number of states and distance of LegT's kernels from their limits.  -> [seed, 2, size]"""
    return against_size(arrays, arrays["distance"][LEGT])


def fout_limit(arrays):
    """The same of FouT's constant and cosines, which jump at the window's end."""
    return against_size(arrays, arrays["distance"][FOUT][:, CONSTANT_AND_COSINES])


def fout_sines(arrays):
    """The same of FouT's sines, which do not."""
    return against_size(arrays, arrays["distance"][FOUT][:, SINES])


def beyond_window(arrays):
    """Largest energy of K_0 .. K_5 after t = 1.02, of MANY states and more.  -> [seed]"""
    many = arrays["sizes"] >= MANY
    return alike(arrays, arrays["beyond"][:, many].max())


def legt_delay(arrays):
    """RMSE of the delay at the best window, band HIGH.  -> [seed]"""
    return best(arrays, LEGT, HIGH)


def fout_delay(arrays):
    return best(arrays, FOUT, HIGH)


def legs_delay(arrays):
    return best(arrays, LEGS, HIGH)


def foud_delay(arrays):
    return best(arrays, FOUD, HIGH)


def legs_slow_delay(arrays):
    """The same of band LOW."""
    return best(arrays, LEGS, LOW)


def trained_ratio(arrays):
    """RMSE with trained C: the larger of LegT's and FouT's over LegS's.  -> [seed]"""
    trained = arrays["trained"]
    return trained[:, [LEGT, FOUT]].max(axis=1) / trained[:, LEGS]


def best(arrays, basis, band):
    return arrays["rmse"][:, basis, band].min(axis=-1)


def legt_edge(arrays):
    """Least RMSE of short windows, greatest of windows that cover the lag.  -> [seed, 2]"""
    return edge(arrays, LEGT)


def fout_edge(arrays):
    return edge(arrays, FOUT)


def edge(arrays, basis):
    rmse, windows = arrays["rmse"][:, basis, HIGH], arrays["windows"]
    covered = (windows >= COVERED[0]) & (windows <= COVERED[1])
    return np.stack([rmse[:, windows <= SHORT].min(axis=-1), rmse[:, covered].max(axis=-1)], axis=1)


def short_window(arrays):
    """Least RMSE of short windows, of both bases.  -> [seed]"""
    return np.minimum(legt_edge(arrays)[:, 0], fout_edge(arrays)[:, 0])


def fout_best_window(arrays):
    """Windows in lags and FouT's RMSE.  -> [seed, 2, window]"""
    rmse = arrays["rmse"][:, FOUT, HIGH]
    return np.stack([np.broadcast_to(arrays["windows"], rmse.shape), rmse], axis=1)


def variance_spread(arrays):
    """Largest over smallest variance of outputs over the numbers of states, worst basis."""
    variance = arrays["variance"]
    return (variance.max(axis=-1) / variance.min(axis=-1)).max(axis=-1)


def variance_levels(arrays):
    """Mean variance of a state: of FouT, LegS, FouD, and by theory.  -> [instance, 2, size]"""
    found = arrays["level"][[FOUT, LEGS, FOUD]]
    theory = np.array([LEVELS[name] for name in ("fout", "legs", "foud")])
    return np.stack([found, np.broadcast_to(theory[:, None], found.shape)], axis=1)


def against_size(arrays, distance):
    """Root mean square over kernels.  distance [size, W] -> [seed, 2, size]"""
    rms = np.sqrt(np.mean(distance**2, axis=-1))
    return alike(arrays, np.stack([arrays["sizes"], rms]))


def alike(arrays, value):
    """The same value for every seed."""
    return np.broadcast_to(value, (len(arrays["seeds"]), *np.shape(value)))
