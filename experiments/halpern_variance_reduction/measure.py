"""What the claims are decided on: arrays of a run -> numbers, one row a seed. Axes as in `run.run`.

FULL and OURS are places in the method axis: Halpern's iteration on F itself, and Algorithm 1;
SECOND, SLOW and FAST those of games: Algorithm 2, anchored extragradient of 1 / (4 L), of 1 / L_F.
"""

import numpy as np

from common import stats

FULL, OURS = 0, 1
SECOND, SLOW, FAST = 0, 1, 2


def last_iterate(arrays):
    """Largest residual over 2 / (eta (k + 3)), both methods, every n, eta <= 1 / L.  -> [S]"""
    return arrays["worst"][:, arrays["step"] <= 1].max((1, 2, 3))


def slope(arrays):
    """Steps of the last decade and residuals of Algorithm 1 at the largest n.  -> [S, 2, x]"""
    late = last_decade(arrays["at"])
    return stats.beside(arrays["at"][late], arrays["residual"][:, OURS, -1][:, late])


def last_decade(at):
    return at >= at[at <= at[-1] / 10].max()


def iterations(arrays):
    """Steps to the accuracy over those of full Halpern, farthest from 1 of all n.  -> [S]"""
    needed = arrays["needed"][:, 0]
    ratio = needed[:, OURS] / needed[:, FULL]
    farthest = np.abs(np.log(ratio)).argmax(-1)
    return np.take_along_axis(ratio, farthest[:, None], -1)[:, 0]


def cost_full(arrays):
    """n and evaluations of full Halpern.  -> [S, 2, N]"""
    return stats.beside(arrays["size"], arrays["paid"][:, 0, FULL])


def cost(arrays):
    """n and evaluations of Algorithm 1.  -> [S, 2, N]"""
    return stats.beside(arrays["size"], arrays["paid"][:, 0, OURS])


def cost_over_law(arrays):
    """Evaluations of Algorithm 1 over those expected for its steps, mean over n.  -> [S]"""
    needed, paid = (arrays[name][:, 0, OURS] for name in ("needed", "paid"))
    law = [[evaluations(n, k) for n, k in zip(arrays["size"], row, strict=True)] for row in needed]
    return (paid / np.array(law)).mean(-1)


def evaluations(n, steps):
    """n + sum over k of p_k n + (1 - p_k) 2 ceil(sqrt n), p_k = 4 / (min(k, sqrt n) + 5)."""
    p = 4 / (np.minimum(np.arange(1, steps + 1), np.sqrt(n)) + 5)
    return n + (p * n + (1 - p) * 2 * np.ceil(np.sqrt(n))).sum()


def gain(arrays):
    """Evaluations of full Halpern over those of Algorithm 1 over sqrt n, largest n.  -> [S]"""
    paid = arrays["paid"][:, 0, :, -1]
    return paid[:, FULL] / paid[:, OURS] / np.sqrt(arrays["size"][-1])


def gain_tuned(arrays):
    """The same with the cheapest of the step sizes for each.  -> [S]"""
    paid = arrays["paid"][..., -1].min(1)
    return paid[:, FULL] / paid[:, OURS] / np.sqrt(arrays["size"][-1])


def gains(arrays):
    """n and the gain.  -> [S, 2, N]"""
    paid = arrays["paid"][:, 0]
    return stats.beside(arrays["size"], paid[:, FULL] / paid[:, OURS])


def close(arrays):
    """Share of steps with |F~| / |F| in [1/2, 2], at the worst n.  -> [S]"""
    return arrays["close"].min(-1)


def leaving(arrays):
    """Residual where |F~| tells to stop, over the accuracy, at the worst n.  -> [S]"""
    return arrays["leaving"].max(-1) / arrays["accuracy"]


def error_slope(arrays):
    """Slope of the estimate's error in k over the last decade, at the largest n.  -> [S]"""
    late = last_decade(arrays["at"])
    error = arrays["error"][:, -1][:, late]
    return stats.loglog_slope(np.broadcast_to(arrays["at"][late], error.shape), error)


def game_cost(arrays):
    """n and evaluations of Algorithm 2.  -> [S, 2, N]"""
    return stats.beside(arrays["game_size"], arrays["game_paid"][:, SECOND])


def game_cost_full(arrays):
    """n and evaluations of anchored extragradient with 1 / L_F.  -> [S, 2, N]"""
    return stats.beside(arrays["game_size"], arrays["game_paid"][:, FAST])


def game_gain(arrays):
    """Evaluations of anchored extragradient, 1 / (4 L), over Algorithm 2's, worst n.  -> [S]"""
    paid = arrays["game_paid"]
    return (paid[:, SLOW] / paid[:, SECOND]).min(-1)


def game_gains(arrays):
    """n and the gain over anchored extragradient with 1 / L_F.  -> [S, 2, N]"""
    paid = arrays["game_paid"]
    return stats.beside(arrays["game_size"], paid[:, FAST] / paid[:, SECOND])


def game_bound(arrays):
    """Largest residual of Algorithm 2 over 4 / (sqrt n (k + 1)), of all n and k.  -> [S]"""
    law = 4 / (np.sqrt(arrays["game_size"])[:, None] * arrays["outer"])
    return (arrays["outer_residual"] / law).max((1, 2))


def growth(arrays):
    """Last residual over the first of forward methods, the one that grows least.  -> [S]"""
    forward = arrays["forward"]
    return (forward[..., -1] / forward[..., 0]).min((1, 2))
