"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Axes as in `run.run`. Squared W2 of several sets are averaged as logarithms.
"""

import numpy as np

from common import stats

USED = 5e-2  # largest share of samples outside the box of a run that counts


def equation(arrays):
    """Both sides of the log Fokker-Planck equation.  -> [seed, 2, point]"""
    return arrays["equation"]


def without_residual(arrays):
    """Gap at the first perturbation (none) over that at the last.  -> [seed]"""
    return arrays["gap"][:, 0] / arrays["gap"][:, -1]


def gap_law(arrays):
    """Perturbation and W2 of flow and SDE, the first (none) left out.  -> [seed, 2, x]"""
    return stats.beside(arrays["deltas"][1:], arrays["gap"][:, 1:])


def flow_is_farther(arrays):
    """W2 to the data of flow and of SDE, at the largest perturbation.  -> [seed, 2]"""
    return np.stack([arrays["flow_error"][:, -1], arrays["sde_error"][:, -1]], axis=1)


def unpenalised(arrays):
    """Squared W2 to the truth of flow and SDE without the penalty.  -> [seed, 2]

    Whatever share was left out: that brings the flow nearer, against the claim.
    """
    return np.stack([geometric(arrays[f"w2_{k}"])[:, 0] for k in ("flow", "sde")], axis=1)


def gap_over_weights(arrays):
    """Squared W2 of flow and SDE over the weights.  -> [seed, weight]"""
    return distance(arrays, "gap")


def penalty_helps_flow(arrays):
    """Squared W2 of the flow to the truth, without and with the least penalty.  -> [seed, 2]"""
    return distance(arrays, "flow")[:, :2]


def penalty_costs_sde(arrays):
    """Squared W2 of the SDE to the truth over the weights.  -> [seed, weight]"""
    return distance(arrays, "sde")


def residual_falls(arrays):
    """Mean squared residual without over with the least penalty.  -> [seed]"""
    return geometric(arrays["squares"])[:, 0] / geometric(arrays["squares"])[:, 1]


def distance(arrays, of):
    """Squared W2 over sets; nan where too many samples left the box.  -> [seed, weight]"""
    lost = np.maximum(arrays["left_out_flow"], arrays["left_out_sde"])
    return geometric(np.where(lost > USED, np.nan, arrays[f"w2_{of}"]))


def geometric(x):
    """Over sets.  [seed, set, weight] -> [seed, weight]"""
    return stats.geometric_mean(x, axis=1)
