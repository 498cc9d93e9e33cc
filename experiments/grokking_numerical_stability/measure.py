"""What the claims are decided on: arrays of a run -> numbers, one row a seed.

Axes as in `run.run`; `full` is the share of training examples that rounding gives probability 1.
"""

import numpy as np

from common import stats

HALTED, ONSET = 0.99, 0.5  # of the training examples: learning halts, collapse sets in
FITTED, LEARNT = 0.999, 0.95  # accuracies
LEAD = 24 * np.log(2)  # float32 rounds 1 + exp(-LEAD) to 1
EARLY = 10  # step


def first(curve, level):
    """Place of the first record at or above the level, the last where there is none.

    [..., S] -> int [...]
    """
    above = np.asarray(curve) >= level
    return np.where(above.any(-1), above.argmax(-1), above.shape[-1] - 1)


def halts(arrays):
    """Records of the halt: from full >= HALTED on, as long as it lasts. Where there is no collapse,
    from the fit on.  -> bool [seed, S]
    """
    full, step = arrays["plain_full"], np.arange(arrays["plain_full"].shape[1])
    collapsed = full >= HALTED
    begin = np.where(collapsed.any(1), first(full, HALTED), first(arrays["plain_train"], FITTED))
    over = (step > begin[:, None]) & ~collapsed & collapsed.any(1)[:, None]
    end = np.where(over.any(1), over.argmax(1), len(step))
    return (step >= begin[:, None]) & (step < end[:, None])


def halted_move(arrays):
    """Largest change of the test accuracy since the halt began.  -> [seed]"""
    test, halt = arrays["plain_test"], halts(arrays)
    return np.where(halt, np.abs(test - stats.taken(test, halt.argmax(1))[:, None]), 0).max(1)


def most_zero(arrays):
    """Largest share of training examples whose loss is exactly 0.  -> [seed]"""
    return arrays["plain_zero"].max(1)


def continued_plain(arrays):
    """Last test accuracy from the collapsed checkpoint on, the less with the optimiser's state and
    with a fresh one; the highest of cross-entropy.  -> [seed, 2]
    """
    last = np.minimum(arrays["kept_test"][:, -1], arrays["reset_test"][:, -1])
    return stats.beside(last, arrays["plain_test"].max(1))


def remedied_plain(arrays):
    """Test accuracy with StableMax and with cross-entropy, at the last record of its halt.

    -> [seed, 2]
    """
    halt = halts(arrays)
    last = halt.shape[1] - 1 - halt[:, ::-1].argmax(1)
    return stats.beside(*(stats.taken(arrays[n], last) for n in ("remedy_test", "plain_test")))


def onsets(arrays):
    """Steps to full >= ONSET in three precisions; a lower bound where it is the last.

    -> [seed, precision]
    """
    each = [arrays[f"{n}_at"][first(arrays[f"{n}_full"], ONSET)] for n in ("half", "single")]
    return np.stack([*each, arrays["double_at"][first(arrays["double_full"], ONSET)]], 1)


def log_onsets(arrays):
    """-> [seed, precision]"""
    return np.log(onsets(arrays))


def onset_gap(arrays):
    """Lead of the logits from which on examples are full at the onset, float32, over LEAD.

    Where none is, the largest lead at the last step.  -> [seed]
    """
    return stats.taken(arrays["single_edge"], first(arrays["single_full"], ONSET)) / LEAD


def perp_test(arrays):
    """Last test accuracy with perpendicular gradients.  -> [seed]"""
    return arrays["perp_test"][:, -1]


def time_to_learn(arrays, arm, part="test"):
    """Steps to an accuracy of LEARNT, the last where it is not reached.  -> [seed]"""
    return arrays[f"{arm}_at"][first(arrays[f"{arm}_{part}"], LEARNT)]


def perp_delay(arrays):
    """Steps to LEARNT on test over those on training, perpendicular gradients.  -> [seed]"""
    return time_to_learn(arrays, "perp") / time_to_learn(arrays, "perp", "train")


def decayed_perp_times(arrays):
    """Steps to LEARNT on test, weight decay and perpendicular gradients.  -> [seed, 2]"""
    return stats.beside(time_to_learn(arrays, "decay"), time_to_learn(arrays, "perp")).astype(float)


def decayed_test(arrays):
    """Last test accuracy with weight decay.  -> [seed]"""
    return arrays["decay_test"][:, -1]


def aligned(arrays):
    """Mean cosine of descent and weights over the steps from the fit to the collapse, in float64.

    -> [seed]
    """
    cosine, at = arrays["double_cosine"], arrays["double_at"]
    late = np.arange(len(at)) >= first(arrays["double_train"], FITTED)[:, None]
    whole = np.maximum.accumulate(arrays["double_full"], 1) <= 1 - HALTED
    weight = late * whole * np.diff(at, prepend=0)
    return (weight * cosine).sum(1) / weight.sum(1)


def late_early_cosine(arrays):
    """That mean, and the cosine at step EARLY.  -> [seed, 2]"""
    early = np.searchsorted(arrays["double_at"], EARLY, side="right") - 1
    return stats.beside(aligned(arrays), arrays["double_cosine"][:, early])


def scaled_logits(arrays):
    """Logits of scaled weights and scaled logits.  -> [instance, 2, number]"""
    return arrays["scaled_logits"]


def loss_before_after(arrays):
    """Training loss before and after scaling the weights, at the scale where it falls least.

    -> [seed, 2]
    """
    loss = arrays["scaled_loss"]
    return stats.beside(loss[:, 0], loss[:, 1:].max(1))
