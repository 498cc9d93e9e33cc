"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Axes as in `run.run`. alpha[RICH] is the rich network, alpha[LADDER] the sweep, alpha[BASE] the
base case. Twins are centred networks beside their linearisations: twin[0] at the base alpha,
twin[1] at that of the laziest of the ladder, twin[2] lazier still.
Losses are divided by E y^2 = 3, the loss of a network that gives 0.
"""

import numpy as np

POWER = 3.0
LEARNT = 0.1  # of E y^2: what counts as fitted, and as generalised
RICH, LADDER, BASE = 0, slice(1, 6), 3
FEW, MORE, MOST = slice(0, 2), slice(2, None), -1
POINTS = 40  # of the correlation over the drop


# --- reading curves ------------------------------------------------------------------------------


def time_to(at, loss, level=LEARNT):
    """Step at which loss / E y^2 first falls below the level, the last step where it never does.

    Interpolated in log(step) and log(loss).  at [S], loss [..., S] -> [...]
    """

    def one(loss):
        low = np.flatnonzero(loss < level * POWER)
        if not low.size or low[0] == 0:
            return at[0] if low.size else at[-1]
        i = low[0]
        y = np.log(loss[i - 1 : i + 1] / (level * POWER))
        return at[i - 1] * (at[i] / at[i - 1]) ** (y[0] / (y[0] - y[1]))

    return np.apply_along_axis(one, -1, loss).astype(float)


def value_at(at, values, step):
    """Values at a step, interpolated in logarithms.  [S], [..., S], [...] -> [...]"""
    flat = zip(np.log(step).ravel(), np.log(values).reshape(-1, len(at)), strict=True)
    return np.exp([np.interp(t, np.log(at), v) for t, v in flat]).reshape(np.shape(step))


def delay(at, train, test):
    """T_test / T_train.  [..., S] -> [...]; a lower bound where T_test is the last step"""
    return time_to(at, test) / time_to(at, train)


def test_at_fit(at, train, test):
    """Test loss over E y^2 when the training data are fitted.  [..., S] -> [...]"""
    return value_at(at, test, time_to(at, train)) / POWER


def gap_at_fit(arrays):
    """Test minus training loss over E y^2 at T_train, base case.  -> [seed]"""
    at, train, test = (arrays[k] for k in ("at", "train", "test"))
    fit = time_to(at, train[:, BASE])
    return (value_at(at, test[:, BASE], fit) - value_at(at, train[:, BASE], fit)) / POWER


# --- lazy and rich -------------------------------------------------------------------------------


def final_test(arrays):
    """Test loss over E y^2 at the last step, base case.  -> [seed]"""
    return arrays["test"][:, BASE, -1] / POWER


def delay_by_scale(arrays):
    """Delay for every alpha of the ladder.  -> [seed, alpha]"""
    return delay(arrays["at"], arrays["train"][:, LADDER], arrays["test"][:, LADDER])


def steps_by_scale(arrays):
    """T_test - T_train for every alpha of the ladder; a lower bound as in `delay`.

    -> [seed, alpha]
    """
    at, fit = arrays["at"], time_to(arrays["at"], arrays["train"][:, LADDER])
    return np.maximum(time_to(at, arrays["test"][:, LADDER]) - fit, 1.0)


def lazy_rich_test(arrays):
    """Test loss over E y^2 at T_train: least over the ladder, and the rich network's.

    -> [seed, 2]
    """
    loss = test_at_fit(arrays["at"], arrays["train"], arrays["test"])
    return np.stack([loss[:, LADDER].min(1), loss[:, RICH]], axis=1)


# --- the kernel ----------------------------------------------------------------------------------


def early_distances(arrays):
    """Largest relative distance of a network's test loss from its linearisation's, to T_train.

    -> [seed, twin]
    """
    test, linear = arrays["net_test"], arrays["lin_test"]
    before = arrays["at"] <= time_to(arrays["at"], arrays["net_train"])[..., None]
    return np.where(before, np.abs(test / linear - 1), 0).max(-1)


def early_distance(arrays):
    """As early_distances, at the laziest alpha of the ladder.  -> [seed]"""
    return early_distances(arrays)[:, 1]


def early_distance_lazier(arrays):
    """As early_distances, at the last twin.  -> [seed]"""
    return early_distances(arrays)[:, 2]


def frozen_free_end(arrays):
    """Last test loss of the linearised base case and of the network.  -> [seed, 2]"""
    return np.stack([arrays["lin_test"][:, 0, -1], arrays["net_test"][:, 0, -1]], axis=1)


def regression_free_end(arrays):
    """Test loss of regression with the initial kernel, and the network's last.  -> [seed, 2]"""
    return np.stack([arrays["regression"][:, 0], arrays["net_test"][:, 0, -1]], axis=1)


def misaligned_aligned_test(arrays):
    """Test loss over E y^2 at T_train for the least eps and for the third.  -> [seed, 2]"""
    return test_at_fit(arrays["at"], arrays["eps_train"], arrays["eps_test"])[:, [0, 2]]


# --- features ------------------------------------------------------------------------------------


def alignment_and_drop(arrays):
    """Log alignment and minus log test loss from T_train to T_test, base case.

    At points evenly spaced in log(step).  -> [seed, 2, point]
    """
    at, train, test = arrays["at"], arrays["train"][:, BASE], arrays["test"][:, BASE]
    steps = np.geomspace(time_to(at, train), time_to(at, test), POINTS, axis=1)
    both = zip(steps, arrays["align"][:, BASE], test, strict=True)
    rows = [[np.interp(np.log(t), np.log(at), v) for v in (np.log(a), -np.log(b))]
            for t, a, b in both]  # fmt: skip
    return np.array(rows)


def final_alignment(arrays):
    """Variance of the features along the task over the mean one, base case.  -> [seed]"""
    return arrays["align"][:, BASE, -1]


# --- the amount of data --------------------------------------------------------------------------


def size_delays(arrays):
    """Delay for every amount of data.  -> [seed, size]"""
    each = zip(arrays["size_at"], arrays["size_train"], arrays["size_test"], strict=True)
    return np.stack([delay(*curves) for curves in each], axis=1)


def delay_by_size(arrays):
    """Log delay from the third amount of data on.  -> [seed, size]"""
    return np.log(size_delays(arrays)[:, MORE])


def delay_with_most(arrays):
    """Delay with the most data.  -> [seed]"""
    return size_delays(arrays)[:, MOST]


def gap_with_few(arrays):
    """Test minus training loss over E y^2 at the end, least over the two smallest.  -> [seed]"""
    gap = (arrays["size_test"] - arrays["size_train"])[FEW, :, -1]
    return gap.min(0) / POWER


# --- the derivation ------------------------------------------------------------------------------


def network_and_moments(arrays):
    """Training and test losses of the network and of its moments.  -> [instance, 2, 2, S]"""
    return arrays["check"]
