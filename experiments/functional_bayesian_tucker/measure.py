"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

Of a model's starts counts the one with the largest E[tau] at the end: no held-out entry chooses.
"""

import numpy as np

from common import stats

TUCKER, CP = 0, 1  # places in the axis core
PROCESS, ALONE = 0, 1  # places in the axis prior
INSIDE, CROSS = 0, 1


def surface_error(arrays):
    """RMSE at held-out entries of the blocks.  -> [S]"""
    return arrays["block_rmse"][:, PROCESS, INSIDE]


def surface_cross(arrays):
    """RMSE at entries across blocks.  -> [S]"""
    return arrays["block_rmse"][:, PROCESS, CROSS]


def factors_off(arrays):
    """1 - |correlation| with the truth, of the worse mode.  -> [S]"""
    return 1 - arrays["block_correlation"][:, PROCESS].min(-1)


def state_space(arrays):
    """Smoother and dense regression.  -> [S, 2, number]"""
    return arrays["posterior"]


def best(arrays, name):
    """Of the start with the largest E[tau].  -> [S, density, core, prior, ...]"""
    chosen = arrays["tau"][..., -1].argmax(-1)[..., None]
    values = arrays[name]
    chosen = chosen.reshape(*chosen.shape, *[1] * (values.ndim - chosen.ndim))
    return np.take_along_axis(values, chosen, axis=4)[:, :, :, :, 0]


def gains(arrays, core):
    """RMSE of independent values over that of the process.  -> [S, density]"""
    rmse = best(arrays, "rmse")[:, :, core]
    return rmse[..., ALONE] / rmse[..., PROCESS]


def errors(arrays, core):
    """RMSE of independent values and of the process.  -> [S, density, 2]"""
    return best(arrays, "rmse")[:, :, core, ::-1]


def gain_tucker(arrays):
    """`errors` of Tucker, geometric mean over densities.  -> [S, 2]"""
    return stats.geometric_mean(errors(arrays, TUCKER), axis=1)


def gain_cp(arrays):
    """`errors` of CP, geometric mean over densities.  -> [S, 2]"""
    return stats.geometric_mean(errors(arrays, CP), axis=1)


def closest_tucker(arrays):
    """`errors` of Tucker at the density where their ratio is least.  -> [S, 2]"""
    return stats.taken(errors(arrays, TUCKER), gains(arrays, TUCKER).argmin(-1))


def closest_cp(arrays):
    """`errors` of CP at the density where their ratio is least.  -> [S, 2]"""
    return stats.taken(errors(arrays, CP), gains(arrays, CP).argmin(-1))


def sparse_gain(arrays):
    """Geometric mean over cores of the gain at the fewest and the most entries.  -> [S, 2]"""
    each = np.stack([gains(arrays, core)[:, [0, -1]] for core in (TUCKER, CP)], axis=-1)
    return stats.geometric_mean(each)


def middle(arrays):
    """The density at which cores and intervals are compared."""
    return len(arrays["entries"]) // 2


def core_gain(arrays):
    """RMSE of CP and of Tucker, with the process.  -> [S, 2]"""
    return best(arrays, "rmse")[:, middle(arrays), ::-1, PROCESS]


def settled(arrays):
    """Ratio of E[tau] at the end and at four fifths of the epochs, the larger core's.  -> [S]"""
    tau = best(arrays, "tau")[:, middle(arrays), :, PROCESS]
    ratio = tau[..., -1] / tau[..., tau.shape[-1] * 4 // 5 - 1]
    return np.exp(np.abs(np.log(ratio)).max(-1))


def coverage(arrays):
    """Of 90 % intervals for noisy values, Tucker with the process.  -> [S]"""
    return best(arrays, "coverage")[:, middle(arrays), TUCKER, PROCESS]


def sharpness(arrays):
    """Width of these intervals: of independent values, of the process.  -> [S, 2]"""
    return best(arrays, "width")[:, middle(arrays), TUCKER, ::-1]


def cost_entries(arrays):
    """Entries and multiply-adds.  -> [S, 2, x]"""
    return counted(arrays, "entries")


def cost_coordinates(arrays):
    """Coordinates and multiply-adds.  -> [S, 2, x]"""
    return counted(arrays, "coordinates")


def counted(arrays, name):
    seeds = np.ones((len(arrays["seeds"]), 1))
    return stats.beside(arrays[f"count_{name}"], seeds * arrays[f"cost_{name}"])
