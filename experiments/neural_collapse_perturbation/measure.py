"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Axes as in `run.run`.
"""

import numpy as np

from common import stats

NC1, RATIO = range(2)
BASE, LAST, FEATURES = range(3)  # which penalty is raised
WITHIN, WHOLE = range(2)


def ratio_falls(arrays):
    """1 for a draw whose ratio of traces falls at every record, noise and lambda_H."""
    return never_rises(arrays, RATIO)


def nc1_falls(arrays):
    return never_rises(arrays, NC1)


def never_rises(arrays, metric):
    """-> [seed x draw]"""
    return (arrays["flow_rises"][..., metric] == 0).all(axis=(2, 3)).ravel().astype(float)


def link_error(arrays):
    """-> [seed, 2, beta]"""
    return stats.beside(arrays["link_vicinities"], arrays["link"])


def vicinity_order(arrays):
    """1 for a draw whose NC1 rises with beta at every step and stays below that of H_0."""
    start, found = (arrays[name][..., NC1] for name in ("start", "found"))
    every = np.concatenate([found, start[..., None]], axis=-1)
    return (np.diff(every) > 0).all(axis=-1).ravel().astype(float)


def shrink_factors(arrays):
    """Left of the smallest noise along and across the row space.  -> [seed setting, 2, 2]"""
    found = arrays["near_shrink"][:, :, 0]
    both = np.stack(np.broadcast_arrays(found, arrays["near_law"]), axis=2)
    return both.reshape(-1, *both.shape[2:])


def first_order_error(arrays):
    """Within classes at the smallest noise, relative, the worst setting.  -> [seed]"""
    return (arrays["near_error"][..., 0, WITHIN] / arrays["near_size"][..., 0]).max(1)


def within_error(arrays):
    """Noise, and the error within classes over settings.  -> [seed, 2, x]"""
    return error(arrays, WITHIN)


def whole_error(arrays):
    return error(arrays, WHOLE)


def error(arrays, which):
    mean = stats.geometric_mean(arrays["near_error"][..., which], axis=1)
    return stats.beside(arrays["near_noises"], mean)


def nc1_reduction(arrays):
    """NC1(H) / NC1(H_0) and the closed form.  -> [seed x scale x beta x 3, 2]"""
    found = arrays["raised"]
    both = np.stack(np.broadcast_arrays(found, arrays["raised_law"]), axis=-1)
    return both.reshape(-1, 2)


def falls_by(arrays):
    """Decades of NC1 that raising lambda_W and lambda_H take away.  -> [seed, cell] each"""
    logs = np.log10(arrays["raised"]).reshape(len(arrays["raised"]), -1, 3)
    return logs[..., BASE] - logs[..., LAST], logs[..., BASE] - logs[..., FEATURES]


def features_matter_more(arrays):
    """What raising lambda_H and lambda_W take away, in the cell that speaks most against it.

    -> [seed, 2]
    """
    last, features = falls_by(arrays)
    return stats.taken(np.stack([features, last], -1), (features - last).argmin(1))


def last_acts_backwards(arrays):
    """NC1 with lambda_W raised over NC1 without, in the cell where this is smallest.  -> [seed]"""
    return 10 ** -falls_by(arrays)[0].max(1)


def features_win_afar(arrays):
    """1 for a draw with less NC1 under (low, high) than under (high, low)."""
    return (arrays["far"][..., 1] < arrays["far"][..., 0]).ravel().astype(float)


def chain_nc1(arrays):
    """log10 NC1 of H_0 and after every layer.  -> [seed, layer]"""
    return np.log10(arrays["chain"][..., NC1])


def base_factor(arrays):
    """Place of the factor 1."""
    return int(np.abs(np.log(arrays["net_factors"])).argmin())


def network_depth(arrays):
    """NC1 of every hidden layer of the network with equal decays.  -> [seed, layer]"""
    return arrays["net_nc1"][:, 0, base_factor(arrays)]


def network_slopes(arrays):
    """-d log NC1 / d log decay of the last hidden layer, of hidden and of last weights.

    -> [seed, 2]
    """
    return -stats.loglog_slope(arrays["net_factors"], arrays["net_nc1"][..., -1])
