"""Exact statements, limits of many states, random outputs, and the delay task.

Everything is dense algebra in float64 on the host; JAX draws the random numbers.

Shapes: S seeds, T times, W kernels K_0 .. K_5.
"""

from functools import partial

import numpy as np
from jax.sharding import Mesh

from common import keys
from common.programs import Program

from . import bases, delay

STREAMS = ("fitted", "tested", "outputs")
EXACT = ("gram", "level", "warped")
LIMITS = ("distance", "beyond")
DRAWN = ("lags", "kernels", "kernel_limits", "random_kernels", "spread", "past", "recalled")
WARPED_END, WARPED_TIMES = 8.0, 81
HIGH = 2  # the band that C is trained on and that is drawn, as in measure.py
DRAWN_END, DRAWN_TIMES = 1.5, 301
RECALLED = ("legt", "fout", "legs")  # orthonormal on what they hold: K / weight gives the past


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """basis: of cfg.bases in their order. size, sizes: numbers of states.

    seeds [seed], sizes [size], covariances [size], bands [band], windows [window]
    gram [(LegS weighted by e^t, the second basis), size, (least, greatest) eigenvalue]
    level [basis, size]: mean variance of the states under white noise
    warped [(from A, formula), W, T]: kernels of LegS, all of them
    distance [basis, size, W], beyond [basis, size, W]: of the two first bases: to the limit in L2,
        energy after t = 1.02
    variance [seed, basis, size]: of outputs under white noise, mean over draws of C
    rmse [seed, basis, band, window]: of the delay by the best C
    trained [seed, basis]: by a C from Adam, window = lag, band HIGH
    lags [T], kernels, kernel_limits [basis, W, T], random_kernels [basis, T] of the first seed,
        spread [basis, T]: their standard deviation over C
    past [T], recalled [(LegT, FouT, LegS), T]: the last unit of time from the states at its end
    """
    streams = keys.split(cfg.seeds, STREAMS)
    found = {name: np.array(cfg[name]) for name in ("seeds", "sizes", "covariances")}
    found |= {name: np.array(cfg[name]) for name in ("bands", "windows")}
    normals = keys.draws(streams, draws(cfg))
    parts = {
        "exact": (EXACT, partial(exact, cfg)),
        "limits": (LIMITS, partial(limits, cfg)),
        "outputs": (("variance",), partial(outputs, cfg, normals["outputs"])),
        "pictures": (DRAWN, partial(pictures, cfg, normals)),
    }
    for name, (arrays, part) in parts.items():
        if scratch.wants(*arrays):
            found |= scratch.cached(name, part)
    for name, of_basis in (("rmse", best), ("trained", trained)):
        if scratch.wants(name):
            each = {
                f"{name}-{i}": partial(of_basis, cfg, normals, b) for i, b in enumerate(cfg.bases)
            }
            values = [cell[name] for cell in scratch.cells(each, f"{name}, basis")]
            found[name] = np.stack(values, axis=1)
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def draws(cfg) -> dict[str, tuple[int, ...]]:
    """Shapes of a seed's normal numbers; bands share the lowest frequencies."""
    most = max(counts(cfg))
    return {
        "fitted": (cfg.fitted, 2, most),
        "tested": (cfg.tested, 2, most),
        "outputs": (cfg.outputs, max(*cfg.covariances, cfg.states)),
    }


def counts(cfg) -> list[int]:
    """Frequencies of every band."""
    return [delay.frequencies(band, cfg.states, cfg.length, cfg.lag) for band in cfg.bands]


def exact(cfg) -> dict[str, np.ndarray]:
    """LegS against its formula, covariances of states and their traces."""
    make = partial(bases.make, feedback=cfg.feedback)
    legs = make("legs", cfg.warped)
    time = np.linspace(0, WARPED_END, WARPED_TIMES)
    kernel = bases.kernel(legs, time[1], len(time))
    weighted = [bases.covariance(make("legs", n), growth=1.0) for n in cfg.covariances]
    plain = [[bases.covariance(make(name, n)) for n in cfg.covariances] for name in cfg.bases]
    return {
        "warped": np.stack([kernel, legs.basis(time)]),
        "gram": np.array([[bases.extremes(g) for g in grams] for grams in (weighted, plain[1])]),
        "level": np.array([[np.trace(g) / len(g) for g in grams] for grams in plain]),
    }


def limits(cfg) -> dict[str, np.ndarray]:
    """Of the two bases of windows, at every size."""
    how = {"fineness": cfg.fineness, "feedback": cfg.feedback}
    signs = [cfg.alternating, False]  # of Legendre polynomials
    found = [
        [bases.limits(name, n, alternating=sign, **how) for n in cfg.sizes]
        for name, sign in zip(cfg.bases[:2], signs, strict=True)
    ]
    distance, beyond = np.moveaxis(np.array(found), 2, 0)
    return {"distance": distance, "beyond": beyond}


def outputs(cfg, normals: np.ndarray) -> dict[str, np.ndarray]:
    """Variances C G C^T under white noise of every seed's draws of C.  normals [S, draw, N]"""
    found = np.empty((len(normals), len(cfg.bases), len(cfg.covariances)))
    for i, name in enumerate(cfg.bases):
        for j, size in enumerate(cfg.covariances):
            gram = bases.covariance(bases.make(name, size, cfg.feedback))
            c = normals[..., : len(gram)] / (np.sqrt(len(gram)) if cfg.normalised else 1)
            found[:, i, j] = np.mean(np.sum((c @ gram) * c, axis=-1), axis=1)
    return {"variance": found}


def best(cfg, normals, name: str) -> dict[str, np.ndarray]:
    """RMSE of a basis for every seed, band and window.  -> rmse [S, band, window]"""
    h = bases.make(name, cfg.states, cfg.feedback)
    kernels = [bases.sampled(h, 1 / (cfg.lag * w), cfg.length) for w in cfg.windows]
    found = [
        [
            [delay.error(kernel, u, cfg.lag, cfg.fitted, cfg.cut) for kernel in kernels]
            for u in of_seed
        ]
        for of_seed in zip(*[signals(cfg, normals, n) for n in counts(cfg)], strict=True)
    ]
    return {"rmse": np.array(found)}


def trained(cfg, normals, name: str) -> dict[str, np.ndarray]:
    """RMSE of a basis whose C is trained, at the window that is the lag.  -> trained [S]"""
    h = bases.make(name, cfg.states, cfg.feedback)
    kernel = bases.sampled(h, 1 / cfg.lag, cfg.length)
    found = []
    for u, c in zip(signals(cfg, normals, counts(cfg)[HIGH]), normals["outputs"], strict=True):
        x, y = delay.pairs(kernel, u, cfg.lag)
        start = c[0, : len(kernel)] / np.sqrt(len(kernel))
        c = delay.trained(x[: cfg.fitted], y[: cfg.fitted], start, cfg.lr, cfg.steps)
        found.append(delay.rmse(x[cfg.fitted :] @ c, y[cfg.fitted :]))
    return {"trained": np.array(found)}


def signals(cfg, normals, count: int) -> list[np.ndarray]:
    """Of every seed: those that C is fitted on, then the others.  -> [fitted + tested, L] each"""
    both = np.concatenate([normals["fitted"], normals["tested"]], axis=1)
    return [delay.signals(seed[..., :count], cfg.length) for seed in both]


def pictures(cfg, normals) -> dict[str, np.ndarray]:
    """Kernels of the model of the delay task, and what its states recall of a signal."""
    time = np.linspace(0, DRAWN_END, DRAWN_TIMES)
    models = [bases.make(name, cfg.states, cfg.feedback) for name in cfg.bases]
    kernels = [bases.kernel(h, time[1], len(time)) for h in models]
    c = normals["outputs"][0, 0] / np.sqrt(cfg.states)
    u = delay.signals(normals["tested"][0, :1, :, : counts(cfg)[HIGH]], cfg.length)[0]
    middle = (np.arange(cfg.lag) + 0.5) / cfg.lag
    recalled = []
    for name in RECALLED:
        h = bases.make(name, cfg.states)
        x = bases.sampled(h, 1 / cfg.lag, cfg.length) @ u[::-1]
        weight = np.exp(-middle) if name == "legs" else 1.0
        recalled.append((h.basis(middle) / weight).T @ x)
    drawn = {
        "lags": time,
        "kernels": np.stack([k[: bases.LOOKED] for k in kernels]),
        "kernel_limits": np.stack([bases.limit(name, time) for name in cfg.bases]),
        "random_kernels": np.stack([c[: len(k)] @ k for k in kernels]),
        "spread": np.stack([np.sqrt(np.mean(k**2, axis=0)) for k in kernels]),
        "past": u[::-1][: cfg.lag],
        "recalled": np.stack(recalled),
    }
    return {name: array.astype(np.float32) for name, array in drawn.items()}
