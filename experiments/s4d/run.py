"""S4D-LegS and its limit, spectra, one layer in its forms, and the probe of the initialisations.

Shapes: M sizes, S seeds, I initialisations, H channels, P pairs of states, L steps, F frequencies.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program
from common.ssm import hippo, transfer

from . import layer, models, probe

STREAMS = ("omega", "component", "step", "c", "u", "lag", "tried", "random")
LIMITS = ("weak", "relative", "fixed", "square", "largest", "slowest")
FIXED = (1.0, 5.0, 20.0)  # frequencies of the figure
SHARES = (0.5, 1.0)
SLOWEST = 8  # frequencies of the smallest size
END = 2.5  # of the kernels' time
MOVED = 0.1  # of a lag, to both sides


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Every array; the mesh is not used.

    seeds [S], size [M]
    omega [S, F], relative [M, S, F]: frequencies, and |x - x_S4D| / |x_S4D| there, of one component
    weak [M, S]: |x - x_S4D|, root mean square over them
    fixed [M, share, frequency, 4]: the same of w = 1, 5, 20 and every component, B/2 and B
    square [M]: relative mean square distance of K_0
    largest, lawful [M, 2]: two largest frequencies of cfg.spectrum and cfg.law
    slowest [M, 8]: the least ones of cfg.spectrum, falling
    outputs [(float64, float32, recurrence), S, I, H, kept], kernels [(ours, two lines), …]
    residual [S, 2 + others, lag]: of the probe: cfg.probed, S4D-Real, cfg.others
    lags [lag], targets: lags, in steps
    spectra [kind, 2, P]: Re and Im of the initialisations in `hippo.INITIAL`
    time [bins], exact [4, bins], envelope [drawn, 3, 4, bins]: kernels of LegS, and least, mean and
    greatest value of those of S4D-LegS in each bin
    periods [T], fast [drawn, 2, T]: K_0 of LegS and S4D-LegS around t = 1, in the fastest periods
    """
    found = {"seeds": np.array(cfg.seeds), "size": np.array(cfg.sizes)}
    draws = drawn(cfg)
    parts = {
        "limits": (LIMITS, partial(limits, cfg, draws)),
        "forms": (("outputs", "kernels"), partial(forms, cfg, draws)),
        "probe": (("residual",), partial(probes, cfg, draws)),
        "pictures": (("spectra", "envelope", "fast"), partial(pictures, cfg)),
    }
    for name, (arrays, part) in parts.items():
        if scratch.wants(*arrays):
            found |= scratch.cached(name, part)
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def drawn(cfg) -> dict[str, np.ndarray]:
    """Of every seed: numbers from U[0, 1), then from N(0, 1).  -> name -> [S, …]"""
    rows = (len(cfg.initials), cfg.channels)
    pairs = cfg.states // 2
    streams = keys.split(cfg.seeds, STREAMS)
    flat = {"omega": (cfg.count,), "component": (cfg.count,), "step": rows,
            "lag": (len(cfg.lags),), "tried": (cfg.tried,)}  # fmt: skip
    normal = {"c": (*rows, pairs, 2), "u": (*rows, cfg.length), "random": (pairs,)}
    return keys.draws(streams, flat, keys.uniform) | keys.draws(streams, normal)


def between(low: float, high: float, share: np.ndarray) -> np.ndarray:
    """Evenly in the logarithm."""
    return low * (high / low) ** share


def limits(cfg, draws) -> dict[str, np.ndarray]:
    """Claims 1 and 2, at every size."""
    omega = between(*cfg.band, draws["omega"])
    component = np.floor(models.FIRST * draws["component"]).astype(int)
    sizes = [of_size(cfg, n, omega, component) for n in cfg.sizes]
    return loops.stack(sizes) | {"omega": omega}


def of_size(cfg, n: int, omega, component) -> dict[str, np.ndarray]:
    """omega, component [S, F]"""
    h = hippo.legs(n)
    d = hippo.diagonal(h, cfg.share)

    def pair(frequencies):
        exact = transfer.states(h.a, h.b, frequencies)[:, : models.FIRST]
        return models.transforms(d, frequencies), exact

    def seen(values):
        each = np.abs(values).reshape(*omega.shape, models.FIRST)
        return np.take_along_axis(each, component[..., None], axis=-1)[..., 0]

    own, exact = pair(omega.ravel())
    at, limit = pair(np.array(FIXED))
    off = seen(own - exact)
    return {
        "weak": np.sqrt(np.mean(off**2, axis=1)),
        "relative": off / seen(own),
        "fixed": np.stack([np.abs(at * x / cfg.share - limit) for x in SHARES]),
        "square": np.array(models.mean_square_error(d)),
        "largest": models.largest(cfg.spectrum, n, 2),
        "lawful": models.largest(cfg.law, n, 2),
        "slowest": models.largest(cfg.spectrum, n, n // 2)[-SLOWEST:],
    }


def forms(cfg, draws) -> dict[str, np.ndarray]:
    """Claim 3: rows are all seeds, initialisations and channels."""
    share = draws["step"]
    each = np.stack([hippo.initial(kind, cfg.states) for kind in cfg.initials])
    values = np.broadcast_to(each[:, None], (*share.shape, cfg.states // 2))
    c = (draws["c"] @ np.array([1, 1j])) / np.sqrt(2)
    rows = [x.reshape(share.size, *x.shape[3:]) for x in (values, between(*cfg.steps, share), c)]
    u = draws["u"].reshape(share.size, -1)
    forward = jax.jit(partial(layer.forward, pairs=cfg.pairs))
    kernel, double = sharding.gather(forward(*map(jnp.asarray, (*rows, u))))
    low = (np.complex64, np.float32, np.complex64, np.float32)
    _, single = sharding.gather(
        forward(*[x.astype(t) for x, t in zip((*rows, u), low, strict=True)])
    )
    stride = cfg.length // cfg.kept

    def kept(*found):
        return np.stack(found)[..., stride - 1 :: stride].reshape(-1, *share.shape, cfg.kept)

    return {
        "outputs": kept(double, single, layer.recurrence(*rows, u)),
        "kernels": kept(kernel, layer.formula(*rows, cfg.length)),
    }


def probes(cfg, draws) -> dict[str, np.ndarray]:
    """Claim 5: step sizes one in each of `tried` equal parts of their range, on a log scale."""
    steps = between(*cfg.steps, (np.arange(cfg.tried) + draws["tried"]) / cfg.tried)
    lags = np.array(cfg.lags) * (1 + MOVED * (2 * draws["lag"] - 1))
    names = (cfg.probed, "real", *cfg.others)

    def of_seed(moved, tried, normals):
        targets = probe.bumps(moved, cfg.width, cfg.window)
        values = {name: probe.values(name, cfg.states, normals) for name in set(names)}
        left = {k: probe.best(v, tried, targets, cfg.cut) for k, v in values.items()}
        return np.stack([left[name] for name in names])

    seeds = zip(lags, steps, draws["random"], strict=True)
    return {"residual": np.stack([of_seed(*seed) for seed in seeds]), "lags": np.array(cfg.lags)}


def pictures(cfg) -> dict[str, np.ndarray]:
    """Nothing in them is drawn from a seed."""
    values = np.stack([hippo.initial(kind, cfg.shown) for kind in hippo.INITIAL])
    time = END * (np.arange(cfg.bins) + 0.5) / cfg.bins
    periods = np.linspace(0, 4, 65)
    parts = [hippo.diagonal(hippo.legs(n), cfg.share) for n in cfg.drawn]
    near = [1 + periods * models.period(n) for n in cfg.drawn]
    fast = [[np.exp(-t), models.kernels(d, t)[0]] for d, t in zip(parts, near, strict=True)]
    envelope = [models.envelope(d, END, cfg.bins) for d in parts]
    return {
        "spectra": np.stack([values.real, values.imag], axis=1),
        "time": time,
        "exact": hippo.legs(models.FIRST).basis(time),
        "envelope": np.array(envelope).astype(np.float32),
        "periods": periods,
        "fast": np.array(fast),
    }
