"""What the claims are decided on: accuracies after every update -> numbers, one row a seed.

Axes as in `run.run`. A pair is an old task i and a later task j, while which it is evaluated.

Shapes: S seeds, K tasks, U updates of a task, R = K (K - 1) / 2 pairs.
"""

import numpy as np

from common import stats

WINDOW = 50  # first updates of a task, of which gradients are compared


def task_ends(accuracy):
    """ACC: mean accuracy over tasks at the end.  [S, K, U, K] -> [S]"""
    return accuracy[:, -1, -1].mean(-1)


def lowest(accuracy):
    """Least accuracy on every task but the last, after its end.  [S, K, U, K] -> [S, K - 1]"""
    count = accuracy.shape[1]
    return np.stack([accuracy[:, i + 1 :, :, i].min((1, 2)) for i in range(count - 1)], axis=1)


def worst(accuracy):
    """min-ACC: mean of the lowest.  [S, K, U, K] -> [S]"""
    return lowest(accuracy).mean(-1)


def worst_case(accuracy):
    """WC-ACC: the last task's accuracy at the end with weight 1/K, the rest on min-ACC.  -> [S]"""
    share = 1.0 / accuracy.shape[1]
    return share * accuracy[:, -1, -1, -1] + (1 - share) * worst(accuracy)


def forgetting(accuracy):
    """FORG: mean over old tasks of accuracy at their own end minus that at the end.  -> [S]"""
    own = np.diagonal(accuracy[:, :, -1], axis1=1, axis2=2)
    return (own - accuracy[:, -1, -1])[:, :-1].mean(-1)


def windowed(accuracy, span):
    """WF: mean over tasks of the largest fall within `span` evaluations in a row.

    [S, K, U, K] -> [S]; a task counts from its own first update on
    """
    seeds, count = accuracy.shape[:2]
    flat = accuracy.reshape(seeds, -1, count)
    falls = []
    for i in range(count):
        line = flat[:, i * accuracy.shape[2] :, i]
        later = [(line[:, :-d] - line[:, d:]).max(1) for d in range(1, min(span, line.shape[1]))]
        falls.append(np.max(later, axis=0).clip(0))
    return np.mean(falls, axis=0)


def pairs(accuracy):
    """Of every pair: accuracy on task i before task j, during it, at its end.

    [S, K, U, K] -> before [S, R], during [S, R, U], end [S, R]
    """
    j, i = np.tril_indices(accuracy.shape[1], -1)
    during = accuracy[:, j, :, i].swapaxes(0, 1)
    return accuracy[:, j - 1, -1, i], during, during[..., -1]


def dips(accuracy):
    """Accuracy on task i before task j minus the least during it.  -> [S, R]"""
    before, during, _ = pairs(accuracy)
    return before - during.min(-1)


def recoveries(accuracy):
    """Accuracy on task i at the end of task j minus the least during it.  -> [S, R]"""
    _, during, end = pairs(accuracy)
    return end - during.min(-1)


def end_over_worst(arrays):
    """ACC - min-ACC.  -> [seed]"""
    return task_ends(arrays["accuracy"]) - worst(arrays["accuracy"])


def end_over_worst_case(arrays):
    """ACC - WC-ACC.  -> [seed]"""
    return task_ends(arrays["accuracy"]) - worst_case(arrays["accuracy"])


def worst_and_forgetting(arrays):
    """ACC - min-ACC and twice FORG.  -> [seed, 2]"""
    return stats.beside(end_over_worst(arrays), 2 * forgetting(arrays["accuracy"]))


def dip(arrays):
    """Mean dip over pairs.  -> [seed]"""
    return dips(arrays["accuracy"]).mean(-1)


def recovery_and_half_dip(arrays):
    """Mean recovery and half of the mean dip, over pairs.  -> [seed, 2]"""
    accuracy = arrays["accuracy"]
    return stats.beside(recoveries(accuracy).mean(-1), dips(accuracy).mean(-1) / 2)


def early_share(arrays):
    """Share of pairs whose least accuracy lies in the first third of the task.  -> [seed]"""
    during = pairs(arrays["accuracy"])[1]
    return (during.argmin(-1) < during.shape[-1] / 3).mean(-1)


def drop_by_rotation(arrays):
    """Accuracy on the first task minus the least while turned images are learnt, angle 0 left out.

    -> [seed, angle]
    """
    return drops(arrays)[:, 1:]


def drops(arrays):
    """As `drop_by_rotation`, of all angles.  -> [seed, A]"""
    return arrays["before"][:, None] - arrays["turned"][..., 0].min(-1)


def gem_hidden_drop(arrays):
    """Lower accuracy of both ends of a task minus the least between them, mean over pairs: GEM.

    -> [seed]
    """
    return np.minimum(dips(arrays["gem"]), recoveries(arrays["gem"])).mean(-1)


def first_stability(arrays):
    """Stability gradient's norm at a task's first update over its largest, mean over switches.

    -> [seed]
    """
    norms = after_switch(arrays["norms"])[..., 1]
    return (norms[..., 0] / norms.max(-1)).mean(-1)


def plasticity_first(arrays):
    """Share of switches at which the first plasticity norm is the largest.  -> [seed]"""
    return (after_switch(arrays["norms"])[..., 0].argmax(-1) == 0).mean(-1)


def after_switch(norms):
    """[S, K, U, 2] -> [S, K - 1, window, 2]"""
    return norms[:, 1:, :WINDOW]
