"""LegS, its normal part and PTD: eigenvectors, transfer functions, and answers to tones.

Shapes: M sizes, S seeds, R draws of E, P norms of E, K tones, W frequencies, N states.
"""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program
from common.ssm import hippo, transfer

from . import models, tones

STREAMS = ("e", "omega", "signal")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Every array, on the host in float64; the mesh is not used.

    exact_size [M], exact_condition [M]: log10 of |V|_F |V^-1|_F of LegS
    weak_size [M], weak [M, S]: error of the normal part's first state at fixed frequencies (root
    mean square over those of the seed)
    peak_size [M], peak_norm, peak_first, peak_at [M, S]: of the normal part, largest error over all
    frequencies of all states, of the first state, and where that is
    size [M], epsilon [P], spectral [M]: sizes and norms of E, |A|_2
    condition, backward [M, S, R, P]: of PTD, |V| |V^-1| and |V diag V^-1 - A - E|
    uniform [M, S, R, P]: largest |x_PTD - x| over all frequencies
    angle [K], spike []: tones, rad a step, and the largest resonance of the normal part
    clean, noisy [S, 2], answer [S, 2, K]: error of the output, of normal part and PTD: under smooth
    signals, under them and the tone of the claim, under each tone alone (signals have the mean
    square 1, tones the size 1; of PTD the root mean square over E)
    omega [W], response [4, W]: |x_0| of LegS, normal part, PTD with two norms of E
    spectrum [4, 2, N]: Re and Im of their eigenvalues, plane [2, X], resolvent [X, X]: Re and Im of
    z, and log10 sigma_min(z - A)
    """
    draws = drawn(cfg)
    study = partial(over_sizes, cfg, scratch, draws)
    found: dict[str, np.ndarray] = {}
    if scratch.wants("exact_condition"):
        found |= scratch.cached("exact", partial(exact, cfg))
    if scratch.wants("weak"):
        found |= {"weak_size": np.array(cfg.weak_sizes)}
        found |= study("weak", weak, cfg.weak_sizes)
    if scratch.wants("peak_norm", "peak_first", "peak_at"):
        found |= {"peak_size": np.array(cfg.peak_sizes)}
        found |= study("peaks", peaks, cfg.peak_sizes)
    if scratch.wants("condition", "backward", "uniform"):
        found |= {"size": np.array(cfg.sizes), "epsilon": np.array(cfg.epsilons)}
    if scratch.wants("condition", "backward"):
        found |= study("conditions", conditions, cfg.sizes)
    if scratch.wants("uniform"):
        found |= study("uniform", uniform, cfg.sizes)
    if scratch.wants("answer", "noisy", "clean"):
        found |= scratch.cached("frozen", partial(frozen, cfg, draws))
    if scratch.wants("response", "spectrum", "resolvent"):
        found |= scratch.cached("pictures", partial(pictures, cfg, draws["e"][0, 0]))
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: nonsymmetric eigenvectors and integers of any size are for CPUs."""
    return []


def drawn(cfg) -> dict[str, np.ndarray]:
    """Of every seed: e [S, R, N, N] (smaller sizes take its corner), omega [S, W], signal."""
    most = max(*cfg.sizes, *cfg.peak_sizes, cfg.order, cfg.shown, cfg.pictured)
    streams = keys.split(cfg.seeds, STREAMS)
    uniforms = keys.draws(streams, {"omega": (cfg.weak_count,)}, keys.uniform)["omega"]
    low, high = cfg.weak_band
    return {
        **keys.draws(streams, {"e": (cfg.draws, most, most)}),
        **keys.draws(streams, {"signal": (cfg.signals, cfg.modes, 2)}),
        "omega": low * (high / low) ** uniforms,
    }


def over_sizes(cfg, scratch, draws, name: str, of, sizes) -> dict[str, np.ndarray]:
    """of(cfg, draws, n) for every size, stacked."""
    return loops.stack(
        scratch.cells({f"{name}-{n}": partial(of, cfg, draws, n) for n in sizes}, name)
    )


def taken(cfg, kind: str, h, e, epsilon: float):
    """The normal part, or PTD with the corner of e [N, N]."""
    n = len(h.b)
    if kind == "normal":
        return models.normal(h, cfg.share)
    return models.perturbed(h, e[:n, :n], epsilon, cfg.noise)


def exact(cfg) -> dict[str, np.ndarray]:
    each = [models.condition(n, cfg.eigenvectors) for n in cfg.exact_sizes]
    return {"exact_size": np.array(cfg.exact_sizes), "exact_condition": np.array(each)}


def weak(cfg, draws, n: int) -> dict[str, np.ndarray]:
    h = hippo.legs(n)
    off = np.abs(models.difference(h, models.normal(h, cfg.share), draws["omega"].ravel())[:, 0])
    return {"weak": rms(off.reshape(draws["omega"].shape))}


def peaks(cfg, draws, n: int) -> dict[str, np.ndarray]:
    h = hippo.legs(n)
    each = [
        models.largest(h, taken(cfg, cfg.baseline, h, e[0], min(cfg.epsilons)), cfg.grid)
        for e in draws["e"]
    ]
    norm, first, at = np.array(each).T
    return {"peak_norm": norm, "peak_first": first, "peak_at": at}


def every(cfg, e, look) -> np.ndarray:
    """look(e, epsilon) for all seeds, draws and norms.  e [S, R, N, N] -> [S, R, P, …]"""
    return np.array([[[look(x, eps) for eps in cfg.epsilons] for x in some] for some in e])


def conditions(cfg, draws, n: int) -> dict[str, np.ndarray]:
    h = hippo.legs(n)

    def look(e, epsilon):
        model = models.perturbed(h, e[:n, :n], epsilon, cfg.noise)
        return model.condition, model.error

    condition, backward = np.moveaxis(every(cfg, draws["e"], look), -1, 0)
    spectral = np.linalg.norm(h.a, 2)
    return {"condition": condition, "backward": backward, "spectral": spectral}


def uniform(cfg, draws, n: int) -> dict[str, np.ndarray]:
    h = hippo.legs(n)

    def look(e, epsilon):
        return models.largest(h, taken(cfg, cfg.cure, h, e, epsilon), cfg.grid).norm

    return {"uniform": every(cfg, draws["e"], look)}


def rms(x, axis: int = -1):
    return np.sqrt((x**2).mean(axis))


def frozen(cfg, draws) -> dict[str, np.ndarray]:
    """A readout of every seed, and what other models make of it."""
    h, time = hippo.legs(cfg.order), cfg.step * np.arange(cfg.length)
    states = tones.exact_kernels(h, cfg.step, cfg.length)
    resonances = models.normal(h).values.imag
    even = np.pi * np.arange(1, cfg.angles) / cfg.angles
    angle = np.union1d(even, tones.angle(resonances[resonances > 0], cfg.step))
    at = np.append(tones.angle(cfg.tone * resonances.max(), cfg.step), angle)
    waves = np.sin(at[:, None] * np.arange(cfg.length))
    errors = jax.jit(partial(tones.errors, step=cfg.step, ridge=cfg.ridge))
    found = []
    for e, normals in zip(draws["e"], draws["signal"], strict=True):
        u, past = (tones.smooth(normals, cfg.band, t) for t in (time, time - cfg.lag))
        kinds = [(cfg.baseline, e[0]), *((cfg.cure, x) for x in e[: cfg.tone_draws])]
        each = [taken(cfg, kind, h, x, cfg.tone_epsilon) for kind, x in kinds]
        model = loops.stack([hippo.Diagonal(m.values, m.b, m.vectors) for m in each])
        clean, noisy, answer = sharding.gather(errors(states, model, u, past, waves))
        both = {"clean": rms(clean), "noisy": rms(noisy), "answer": answer[:, 1:]}
        found.append({k: np.stack([x[0], rms(x[1:], 0)]) for k, x in both.items()})
    spike = tones.angle(resonances.max(), cfg.step)
    return loops.stack(found) | {"angle": angle, "spike": spike}


def pictures(cfg, e) -> dict[str, np.ndarray]:
    """Of the first seed: transfer functions, eigenvalues and pseudospectra."""
    norms = cfg.epsilons[1], cfg.epsilons[0]
    h = hippo.legs(cfg.shown)
    stand_ins = [models.normal(h, cfg.share), *(taken(cfg, "perturbed", h, e, x) for x in norms)]
    omega = transfer.frequencies(np.concatenate([m.values for m in stand_ins]))
    near = stand_ins[0].values.imag.max() + np.linspace(-8, 8, 161)
    omega = np.union1d(omega, near)
    first = [transfer.states(h.a, h.b, omega)[:, 0]]
    first += [transfer.modal(m, omega)[:, 0] for m in stand_ins]

    h = hippo.legs(cfg.pictured)
    small = [models.normal(h), *(taken(cfg, "perturbed", h, e, x) for x in norms)]
    values = np.array([np.linalg.eigvals(h.a), *(m.values for m in small)])
    high = 1.15 * np.abs(values.imag).max()
    wide = 1.15 * values.real.min()
    plane = np.linspace((wide, -high), (-wide / 4, high), cfg.pixels).T
    size = transfer.smallest_singular(h.a, plane[0] + 1j * plane[1][:, None])
    return {
        "omega": omega, "response": np.abs(first), "plane": plane, "resolvent": np.log10(size),
        "spectrum": np.stack([values.real, values.imag], axis=1),
    }  # fmt: skip
