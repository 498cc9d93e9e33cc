"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Axes as in `run.run`. Valid prediction times (VPT) are in Lyapunov times.
"""

from itertools import combinations

import numpy as np

from common import stats

MODELS = ("ar", "nvar", "esn", "nbeats", "gru")
HYBRIDS, NEURAL = ("nvar", "esn"), ("nbeats", "gru")
TIMES = np.linspace(0.25, 10.0, 40)  # Lyapunov times at which curves are read
SMAPE, NRMSE, MASE, VPT = range(4)
NEAR = 0.15  # relative: what counts as the database's exponent
ALIGNED, SATURATED = 0.5, 0.2  # Lyapunov time and NRMSE between which an error grows freely
MIDDLE = 0.9056  # Lorenz, sigma = 10, rho = 28, beta = 8/3: Sprott 2003


def place(arrays, model: str) -> int:
    """Where a method stands on the model axis.  Errors: ValueError when the run left it out."""
    found = np.flatnonzero(arrays["model"] == MODELS.index(model))
    if not found.size:
        raise ValueError(f"this run has no method {model!r}: decided only with models={MODELS}")
    return int(found[0])


def of_system(arrays, key: str, system: int = 0):
    """The rows of one system, by its place in the table of systems (0: Lorenz)."""
    found = np.flatnonzero(arrays["system"] == system)
    if not found.size:
        raise ValueError(f"this run has no system {system} of the table (0 is lorenz)")
    return arrays[key][:, found[0]]


def vpt(arrays, model: str):
    """-> [seed, system, length]"""
    at = place(arrays, model)
    return arrays["metrics"][:, :, at, :, VPT]


def near_database(arrays):
    """Systems, of every eleven, with the exponent within 15 % of the database's.  -> [seed]"""
    off = np.abs(arrays["exponents"][:, :, 0] / arrays["rate"] - 1)
    return 11.0 * (off <= NEAR).mean(1)


def near_spread(arrays):
    """Systems, of every eleven, with every channel's spread within 10 %.  -> [seed]"""
    return 11.0 * (np.abs(arrays["spread_ratio"] - 1) <= 0.1).mean(1)


def lorenz_exponent(arrays):
    """Largest exponent of the Lorenz system over the literature's.  -> [seed]"""
    return of_system(arrays, "exponents")[:, 0] / MIDDLE


def sum_and_divergence(arrays):
    """Sum of the exponents, and the mean of tr Df along the way.  -> [seed x system, 2, 1]"""
    both = np.stack([arrays["exponents"].sum(-1), arrays["divergence"]], axis=-1)
    return both.reshape(-1, 2, 1)


def best_of(arrays, models):
    """Median VPT over systems, of the best of these methods.  -> [seed, length]"""
    return np.max([np.median(vpt(arrays, m), axis=1) for m in models], axis=0)


def neural_horizon(arrays):
    """Of the better network, with the most data.  -> [seed]"""
    return best_of(arrays, NEURAL)[:, -1]


def few_data(arrays):
    """Of the better hybrid and of N-BEATS, mean over the two least lengths.  -> [seed, 2]"""
    both = (best_of(arrays, models)[:, :2].mean(1) for models in (HYBRIDS, ("nbeats",)))
    return stats.beside(*both)


def gap_ends(arrays):
    """Lead of the better hybrid over N-BEATS: its line against log L, at the ends.  -> [seed, 2]"""
    gap = best_of(arrays, HYBRIDS) - best_of(arrays, ("nbeats",))
    x = np.log(arrays["length"].astype(float))
    fit = stats.line(x, gap)
    return fit.intercept[:, None] + fit.slope[:, None] * x[[0, -1]]


def spearman(x, y):
    """Rank correlation along the last axis, no ties expected.  -> [...]"""
    ranks = [np.argsort(np.argsort(v, axis=-1), axis=-1) for v in np.broadcast_arrays(x, y)]
    n = ranks[0].shape[-1]
    return 1 - 6 * ((ranks[0] - ranks[1]) ** 2).sum(-1) / (n * (n**2 - 1))


def weak_and_strong_dependence(arrays):
    """|rank correlation| of sMAPE and exponent: linear AR, the better network.  -> [seed, 2]"""
    network = max(NEURAL, key=lambda m: np.median(vpt(arrays, m)[..., -1]))
    scores = [arrays["metrics"][:, :, place(arrays, m), -1, SMAPE] for m in ("ar", network)]
    return np.abs(np.stack([spearman(s, 1 / arrays["tau"]) for s in scores], axis=1))


def ranking(arrays):
    """Median over systems, so that larger is better.  -> [seed, model, length, metric]"""
    return np.median(arrays["metrics"], axis=1) * np.array([-1.0, -1.0, -1.0, 1.0])


def metric_agreement(arrays):
    """Kendall's tau-a between rankings of methods, mean over pairs of metrics and L.  -> [seed]"""
    rank = ranking(arrays)
    if rank.shape[1] < 2:
        raise ValueError("this run has one method: a ranking needs two")
    i, j = np.triu_indices(rank.shape[1], 1)
    order = np.sign(rank[:, i] - rank[:, j])  # [seed, pair of methods, length, metric]
    pairs = list(combinations(range(rank.shape[-1]), 2))
    return np.mean([(order[..., a] * order[..., b]).mean((1, 2)) for a, b in pairs], axis=0)


def growth(arrays):
    """Slope of the mean log error of nVAR on Lorenz over the exponent.  -> [seed]

    Between ALIGNED and the time at which the error passes SATURATED; 0 if it does at once.
    """
    at = place(arrays, "nvar")
    errors = of_system(arrays, "log_error")[:, at]
    return np.array([free_slope(arrays["time"], e) for e in errors])


def free_slope(time, error):
    """[T], [T] -> []"""
    over = np.flatnonzero(error > np.log(SATURATED))
    free = slice(np.searchsorted(time, ALIGNED), over[0] if over.size else len(time))
    return float(stats.line(time[free], error[free]).slope) if len(time[free]) >= 4 else 0.0
