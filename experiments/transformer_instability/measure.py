"""What the claims measure.  arrays of `run` -> float [seed, ...]; axes as in run's docstring."""

import numpy as np

from common import stats

ARMS = ("base", "no_qk", "no_z", "short_warmup", "long_warmup", "coupled", "small_eps")
LADDER = ("short_warmup", "base", "long_warmup")
HIGH = 0.1  # learning rates from here on are high
LAST = 0.05  # of the steps: their mean is the final value


def of(arrays, name: str, arm: str):
    """One arm of an array [seed, arm, …] -> [seed, …]"""
    return arrays[name][:, list(arrays["arm"]).index(ARMS.index(arm))]


def tail(arrays, name: str, arm: str):
    """Mean over the last 5 % of the steps.  -> [seed, lr]"""
    values = of(arrays, name, arm)
    return values[..., -max(1, round(LAST * values.shape[-1])) :].mean(-1)


def high(arrays):
    """Which learning rates are high.  -> bool [lr]"""
    return arrays["lr"] >= HIGH * (1 - 1e-6)


def final_loss(arrays, arm: str):
    """Final loss, at most the loss at initialisation, in nats.  -> [seed, lr]"""
    return np.minimum(tail(arrays, "loss", arm), of(arrays, "start", arm)[:, None])


def sensitivity(loss):
    """S: mean over the grid (even in log lr) of the distance from the best.  [..., lr] -> [...]

    The loss is capped at that of initialisation already.
    """
    return (loss - loss.min(-1, keepdims=True)).mean(-1)


def lr_sensitivity(arrays, arm: str):
    """Learning-rate sensitivity of an arm, in nats.  -> [seed]"""
    return sensitivity(final_loss(arrays, arm))


def largest_logit(arrays, arm: str):
    """Largest |attention logit| of the whole run, over layers.  -> [seed, lr]"""
    return of(arrays, "max_logit", arm).max((-1, -2))


def gradient_rms(arrays, arm: str):
    """RMS of the blocks' gradient over the second half of a run.  -> [seed, lr]"""
    values = of(arrays, "grad_rms", arm)
    return stats.geometric_mean(values[..., values.shape[-1] // 2 :])


def high_loss(arrays, arm: str):
    """Final loss, mean over the high learning rates.  -> [seed]"""
    return final_loss(arrays, arm)[:, high(arrays)].mean(-1)


def geometric(arrays, values):
    """Geometric mean over the high learning rates.  [seed, lr] -> [seed]"""
    return stats.geometric_mean(values[:, high(arrays)])


def qk_sensitivity(arrays):
    """S without and with qk-layernorm.  -> [seed, 2]"""
    return stats.beside(lr_sensitivity(arrays, "no_qk"), lr_sensitivity(arrays, "base"))


def qk_high_loss(arrays):
    """Final loss at high rates without and with qk-layernorm.  -> [seed, 2]"""
    return stats.beside(high_loss(arrays, "no_qk"), high_loss(arrays, "base"))


def qk_logits(arrays):
    """Largest |attention logit| at high rates without and with qk-layernorm.  -> [seed, 2]"""
    logits = (geometric(arrays, largest_logit(arrays, arm)) for arm in ("no_qk", "base"))
    return stats.beside(*logits)


def z_drift(arrays):
    """Final mean |log Z| at high rates without and with z-loss.  -> [seed, 2]"""
    drift = (geometric(arrays, tail(arrays, "abs_log_z", arm)) for arm in ("no_z", "base"))
    return stats.beside(*drift)


def warmup_sensitivity(arrays):
    """S for the short, the usual and the long warm-up.  -> [seed, 3]"""
    return np.stack([lr_sensitivity(arrays, arm) for arm in LADDER], axis=1)


def warmup_high_loss(arrays):
    """Final loss at high rates for the short, the usual and the long warm-up.  -> [seed, 3]"""
    return np.stack([high_loss(arrays, arm) for arm in LADDER], axis=1)


def decay_sensitivity(arrays):
    """S with weight decay coupled to the rate, and independent of it.  -> [seed, 2]"""
    return stats.beside(lr_sensitivity(arrays, "coupled"), lr_sensitivity(arrays, "base"))


def gradient_ends(arrays):
    """RMS of the gradient at the lowest and at the highest rate, on the line fitted through all
    rates of the (logarithmic) grid.  -> [seed, 2]"""
    rms = np.log(gradient_rms(arrays, "base"))
    place = np.arange(rms.shape[-1])
    fit = stats.line(place, rms)
    return np.exp(stats.beside(fit.intercept, fit.intercept + fit.slope * place[-1]))


def eps_loss(arrays):
    """Final loss at the highest rate with eps as usual, and with a smaller one.  -> [seed, 2]"""
    return stats.beside(*(final_loss(arrays, arm)[:, -1] for arm in ("base", "small_eps")))
