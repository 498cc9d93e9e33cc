"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Axes as in `run.run`; how the numbers are read off curves: `curves`. alpha[RICH] is the rich
network, alpha[LADDER] the sweep, alpha[BASE] the base case. Twins are centred networks beside their
linearisations: twin[0] at the base alpha, twin[1] at that of the laziest of the ladder, twin[2]
lazier still. Losses are divided by E y^2 = 3, the loss of a network that gives 0.
"""

import numpy as np

from common import stats

from .curves import BASE, POWER

RICH, LADDER = 0, slice(1, 6)
FEW, MORE, MOST = slice(0, 2), slice(2, None), -1
TRAIN, TEST = 0, 1


def delay(times):
    """T_test / T_train.  [..., 2] -> [...]; a lower bound where T_test is the last step"""
    return times[..., TEST] / times[..., TRAIN]


def gap(pair):
    """Test minus training loss over E y^2.  [..., 2] -> [...]"""
    return (pair[..., TEST] - pair[..., TRAIN]) / POWER


def gap_at_fit(arrays):
    """Test minus training loss over E y^2 at T_train, base case.  -> [seed]"""
    return gap(arrays["alpha_fit"][:, BASE])


def final_test(arrays):
    """Test loss over E y^2 at the last step, base case.  -> [seed]"""
    return arrays["alpha_end"][:, BASE, TEST] / POWER


def delay_by_scale(arrays):
    """Delay for every alpha of the ladder.  -> [seed, alpha]"""
    return delay(arrays["alpha_times"][:, LADDER])


def steps_by_scale(arrays):
    """T_test - T_train for every alpha of the ladder; a lower bound as in `delay`.

    -> [seed, alpha]
    """
    fit, learnt = np.moveaxis(arrays["alpha_times"][:, LADDER], -1, 0)
    return np.maximum(learnt - fit, 1.0)


def lazy_rich_test(arrays):
    """Test loss over E y^2 at T_train: least over the ladder, and the rich network's.

    -> [seed, 2]
    """
    loss = arrays["alpha_fit"][..., TEST] / POWER
    return stats.beside(loss[:, LADDER].min(1), loss[:, RICH])


def early_distance(arrays):
    """Largest relative distance of a network's test loss from its linearisation's, to T_train.

    At the laziest alpha of the ladder.  -> [seed]
    """
    return arrays["early"][:, 1]


def early_distance_lazier(arrays):
    """As early_distance, at the last twin.  -> [seed]"""
    return arrays["early"][:, 2]


def frozen_free_end(arrays):
    """Last test loss of the linearised base case and of the network.  -> [seed, 2]"""
    return stats.beside(arrays["lin_end"][:, 0, TEST], arrays["net_end"][:, 0, TEST])


def regression_free_end(arrays):
    """Test loss of regression with the initial kernel, and the network's last.  -> [seed, 2]"""
    return stats.beside(arrays["regression"][:, 0], arrays["net_end"][:, 0, TEST])


def misaligned_aligned_test(arrays):
    """Test loss over E y^2 at T_train for the least eps and for the third.  -> [seed, 2]"""
    return arrays["eps_fit"][:, [0, 2], TEST] / POWER


def alignment_and_drop(arrays):
    """Log alignment and minus log test loss from T_train to T_test, base case.

    At points evenly spaced in log(step).  -> [seed, 2, point]
    """
    return arrays["drop"]


def final_alignment(arrays):
    """Variance of the features along the task over the mean one, base case.  -> [seed]"""
    return arrays["align_end"]


def size_delays(arrays):
    """Delay for every amount of data.  -> [seed, size]"""
    return delay(arrays["size_times"]).T


def delay_by_size(arrays):
    """Log delay from the third amount of data on.  -> [seed, size]"""
    return np.log(size_delays(arrays)[:, MORE])


def delay_with_most(arrays):
    """Delay with the most data.  -> [seed]"""
    return size_delays(arrays)[:, MOST]


def gap_with_few(arrays):
    """Test minus training loss over E y^2 at the end, least over the two smallest.  -> [seed]"""
    return gap(arrays["size_end"][FEW]).min(0)


def network_and_moments(arrays):
    """Training and test losses of the network and of its moments.  -> [instance, 2, 2, S]"""
    return arrays["check"]
