"""Numbers read off loss curves at every record, and the curves as they are drawn.

Shapes: S records; a pair is (training, test). Losses are means of (f - y)^2; E y^2 = 3 is the loss
of a network that gives 0.
"""

import numpy as np

POWER = 3.0
LEARNT = 0.1  # of E y^2: what counts as fitted, and as generalised
BASE = 3  # place of the base case among the alphas
POINTS = 40  # of the correlation over the drop
FIRST = 16  # records that are all drawn: steps 1, 2, 3, … are far apart in their logarithm


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


def times(at, train, test):
    """T_train and T_test; the last step where there is none.  [..., S] -> [..., 2]"""
    return np.stack([time_to(at, train), time_to(at, test)], axis=-1)


def at_fit(at, train, test):
    """Both losses at T_train.  [..., S] -> [..., 2]"""
    fit = time_to(at, train)
    return np.stack([value_at(at, train, fit), value_at(at, test, fit)], axis=-1)


def ends(train, test):
    """Both losses at the last step.  [..., S] -> [..., 2]"""
    return np.stack([train[..., -1], test[..., -1]], axis=-1)


def early(at, train, test, linear):
    """Largest relative distance of a test loss from the linearisation's, to T_train.

    [..., S] -> [...]
    """
    before = at <= time_to(at, train)[..., None]
    return np.where(before, np.abs(test / linear - 1), 0).max(-1)


def drop(at, train, test, align):
    """Log alignment and minus log test loss from T_train to T_test, evenly spaced in log(step).

    [seed, S] -> [seed, 2, point]
    """
    steps = np.geomspace(time_to(at, train), time_to(at, test), POINTS, axis=1)
    both = zip(steps, align, test, strict=True)
    rows = [[np.interp(np.log(t), np.log(at), v) for v in (np.log(a), -np.log(b))]
            for t, a, b in both]  # fmt: skip
    return np.array(rows, np.float32)


def drawn_at(records: int) -> np.ndarray:
    """Indices of the records that are drawn: the first ones, then every second up to the last."""
    every = np.arange(records)
    return every[(every < FIRST) | ((records - 1 - every) % 2 == 0)]


def drawn(values):
    """Three digits at the records that are drawn, for figures.  [..., S] -> [..., S']"""
    return values[..., drawn_at(values.shape[-1])].astype(np.float16)


def by_knob(curves, counts) -> dict[str, np.ndarray]:
    """The members of an ensemble, by the knob that they turn.

    curves: name -> [seed, S, A, …], members in the order of `problems.members`; counts: alphas,
    epsilons, twins -> train, test, cka of the alphas, and with a prefix of the others; align, terms
    """
    last = {name: np.moveaxis(values, 1, -1) for name, values in curves.items()}
    out = {}
    for name in ("train", "test", "cka"):
        parts = np.split(last[name], np.cumsum(counts), axis=1)
        out |= dict(zip((name, f"eps_{name}", f"net_{name}", f"lin_{name}"), parts, strict=True))
    return out | {"align": last["align"][:, : counts[0]], "terms": last["terms"][:, BASE]}


def of_sweep(at, sweep, counts) -> dict[str, np.ndarray]:
    """What `run` returns of the ensemble.  at [S]; sweep, counts: as `by_knob`, and regression"""
    regression = sweep["regression"]
    knob = by_knob({k: v for k, v in sweep.items() if k != "regression"}, counts)
    base = [knob[name][:, BASE] for name in ("train", "test", "align")]
    pair, net, lin = ((knob[f"{k}train"], knob[f"{k}test"]) for k in ("", "net_", "lin_"))
    whole = ("train", "test", "align", "terms", "eps_train", "eps_test")
    ends_of = ("net_train", "net_test", "net_cka", "lin_train", "lin_test")
    return (
        {name: drawn(knob[name]) for name in whole}
        | {name: drawn(knob[name][:, [0, -1]]) for name in ends_of}
        | {"alpha_times": times(at, *pair), "alpha_fit": at_fit(at, *pair)}
        | {"alpha_end": ends(*pair), "align_end": base[2][:, -1], "drop": drop(at, *base)}
        | {"eps_fit": at_fit(at, knob["eps_train"], knob["eps_test"])}
        | {"net_end": ends(*net), "lin_end": ends(*lin), "early": early(at, *net, lin[1])}
        | {"regression": regression}
    )


def of_sizes(each) -> dict[str, np.ndarray]:
    """What `run` returns of the amounts of data.  each: at [S], train, test [seed, S, 1]"""
    pairs = [(one["at"], one["train"][..., 0], one["test"][..., 0]) for one in each]
    return {
        "size_times": np.stack([times(*pair) for pair in pairs]),
        "size_end": np.stack([ends(*losses) for _, *losses in pairs]),
    }
