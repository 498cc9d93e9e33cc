"""Scores of forecasts: sMAPE, NRMSE, MASE, valid prediction time. NumPy.

Shapes: H horizon, D channels; leading axes are any. Standardised units unless said.
"""

import numpy as np

NAMES = ("smape", "nrmse", "mase", "vpt")


def smape(truth, forecast):
    """100 mean 2 |y - f| / (|y| + |f|) over channels, 0 to 200, of raw values.

    [..., H, D] -> [..., H]
    """
    size = np.abs(truth) + np.abs(forecast) + 1e-10
    return 100 * (2 * np.abs(truth - forecast) / size).mean(-1)


def nrmse(truth, forecast):
    """Root mean square of the error over channels.  [..., H, D] -> [..., H]"""
    return np.sqrt(((truth - forecast) ** 2).mean(-1))


def mase(truth, forecast, naive):
    """Mean absolute error over that of persistence, one step ahead, in training.

    naive [..., D]; [..., H, D] -> [..., H]
    """
    return (np.abs(truth - forecast) / naive[..., None, :]).mean(-1)


def valid_steps(error, threshold: float):
    """Steps before the error first exceeds the threshold, H if never.  [..., H] -> [...]"""
    over = error > threshold
    return np.where(over.any(-1), over.argmax(-1), error.shape[-1])


def at_times(curve, tau, times):
    """The curve at multiples of the Lyapunov time; its last value beyond.  [..., H] -> [..., T]"""
    step = np.rint(times * tau[..., None]).astype(int) - 1
    return np.take_along_axis(curve, np.clip(step, 0, curve.shape[-1] - 1), -1)


def judge(data, forecast, tau, times, *, threshold: float, within: float) -> dict[str, np.ndarray]:
    """Scores of a method with one amount of data, as in `run.run` without model and length.

    data: a problems.Data; forecast [seed, S, B, H, D]; tau [S]; times [T]. The first three of NAMES
    are means over the first `within` Lyapunov times.
    """
    naive, mean, std = np.abs(np.diff(data.train, axis=2)).mean(axis=2), data.mean, data.std
    tau = np.broadcast_to(tau[:, None], data.future.shape[:3])
    scale, shift = (x[:, :, None, None, :] for x in (std, mean))
    raw = [x * scale + shift for x in (data.future, forecast)]
    error = nrmse(data.future, forecast)
    curves = [smape(*raw), error, mase(data.future, forecast, naive[:, :, None])]
    early = np.arange(error.shape[-1]) < np.maximum(within * tau, 1)[..., None]
    means = [(c * early).sum(-1) / early.sum(-1) for c in curves]
    vpt = valid_steps(error, threshold) / tau
    logs = np.log(np.maximum(error, 1e-12))
    read = [at_times(c, tau, times).mean(axis=2).astype(np.float32) for c in (curves[0], logs)]
    return {
        "metrics": np.stack([*means, vpt], -1).mean(axis=2),
        "smape": read[0],
        "log_error": read[1],
        "trace": forecast[0, :, 0, :, 0].astype(np.float32),
        "truth": data.future[0, :, 0, :, 0].astype(np.float32),
    }


def tables(found, models, lengths) -> dict[str, np.ndarray]:
    """What `judge` found of every method and length, by "method-length", on the axes of `run`."""

    def table(key, lengths):
        return np.stack([np.stack([found[f"{m}-{n}"][key] for n in lengths], 2) for m in models], 2)

    last = lengths[-1]
    return {
        "metrics": table("metrics", lengths),
        "smape": table("smape", (lengths[0], last)),
        "log_error": table("log_error", (last,))[:, :, :, 0],
        "trace": np.stack([found[f"{m}-{last}"]["trace"][0] for m in models]),
        "truth": found[f"{models[0]}-{last}"]["truth"][0],  # in the same units as the traces
    }
