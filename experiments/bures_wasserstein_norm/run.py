"""Geometry of batches over condition numbers, and SPDNets with and without normalisation.

Shapes: S seeds, C conditions, L levels, T powers, N matrices, n their side.
"""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program

from . import geometry, network

STREAMS = ("geometry", "data", "network")
METHODS = ("none", "affine", "bures")  # the last with M = I, then with M learned
STUDY = ("centred", "centred_root", "first", "first_root", "variance", "moved", "moved_law",
         "pullback", "deformed", "limit")  # fmt: skip


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Every array; metrics in the order affine-invariant, log-Euclidean, Bures-Wasserstein.

    condition [C], power [T], level [L], theta: as set
    centred, first [S, C]: |mean - I| of the centred batch, its mean by many turns and by the first
    centred_root, first_root [S, C]: least eigenvalue of I + V / 2, which has to be positive
    variance [S, C]: of the scaled batch, over the square of the spread
    moved, moved_law [S, C, 3]: distances from X to X with noise, and in closed form
    pullback [S, 2]: squared distance in the metric of M, by two formulas
    deformed [S, T], limit [S, 2]: d^2(X^theta, Y^theta) / theta^2; at the limit, and a quarter of
    the squared log-Euclidean distance
    spectrum [3, N, n]: eigenvalues of a batch, after affine and after Bures normalisation
    accuracy [S, L, 4, epoch]: without normalisation, affine, Bures, Bures with M learned
    powered [S, theta, epoch]: Bures with theta, at the first level
    """
    streams = keys.split(cfg.seeds, STREAMS)
    found = {"condition": np.array(cfg.conditions), "power": np.array(cfg.powers)}
    found |= {"level": np.array(cfg.levels), "theta": np.array(cfg.thetas)}
    if scratch.wants(*STUDY):
        found |= scratch.cached("geometry", partial(studied, cfg, mesh, streams["geometry"]))
    if scratch.wants("spectrum"):
        found["spectrum"] = sharding.gather(jax.jit(partial(pictured, cfg))(streams["geometry"][0]))
    if scratch.wants("accuracy", "powered"):
        cells = {m: partial(trained, cfg, mesh, streams, m) for m in METHODS}
        none, rbn, bures = scratch.cells(cells, "training")
        split = np.split(bures["curve"], [len(cfg.levels), 2 * len(cfg.levels)], axis=1)
        each = none["curve"], rbn["curve"], *split[:2]
        found |= {"accuracy": np.stack(each, axis=2), "powered": split[2]}
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Networks of each kind; the geometry is short."""
    shape = jax.eval_shape(lambda: keys.split(cfg.seeds, STREAMS)["data"])
    found = []
    for method in METHODS:
        size = len(cfg.seeds) * len(variants(cfg, method)[0])
        args = *[jax.ShapeDtypeStruct((size,), shape.dtype)] * 2, *abstract(size)
        found.append(training(cfg, mesh, method).program(f"SPDNet, {method}", *args, calls=1))
    return found


def abstract(size: int):
    return [jax.ShapeDtypeStruct((size,), float)] * 3


def studied(cfg, mesh: Mesh, streams) -> dict[str, np.ndarray]:
    """One program for all seeds, conditions and powers."""
    fn = partial(
        geometry.study,
        conditions=cfg.conditions, powers=cfg.powers, limit=cfg.limit, size=cfg.batch, n=cfg.size,
        noise=cfg.noise, perturbation=cfg.perturbation, pulled=cfg.pulled,
        mean_steps=cfg.mean_steps, first_steps=cfg.first_steps, about=cfg.variance_about,
        spread=cfg.spread, tiny=cfg.tiny,
    )  # fmt: skip
    found = sharding.gather(sharding.vmap_over(mesh, fn)(streams))
    if cfg.metric == "affine":
        found["moved"] = found["moved"][..., [0, 1, 0]]
    return found


def pictured(cfg, key):
    how = {"size": cfg.batch, "n": cfg.size, "spread": cfg.spread, "tiny": cfg.tiny}
    return geometry.pictured(key, cfg.levels[0], **how)


def variants(cfg, method: str):
    """Level, theta and whether M is learned, of every network of a method.  -> [3, V]"""
    plain = [(level, 1.0, 0.0) for level in cfg.levels]
    if method == "bures":
        plain += [(level, 1.0, 1.0) for level in cfg.levels]
        plain += [(cfg.levels[0], theta, 0.0) for theta in cfg.thetas]
    return np.array(plain).T


def trained(cfg, mesh: Mesh, streams, method: str) -> dict[str, np.ndarray]:
    """Accuracies of all seeds and variants.  -> curve [S, V, epoch]"""
    settings = variants(cfg, method)
    seeds, count = len(cfg.seeds), settings.shape[1]
    member = np.repeat(np.arange(seeds), count)
    both = [streams[name][member] for name in ("data", "network")]
    args = [np.tile(row, seeds) for row in settings]
    curve = sharding.gather(training(cfg, mesh, method)(*both, *args))
    return {"curve": curve.reshape(seeds, count, -1)}


def training(cfg, mesh: Mesh, method: str) -> sharding.Placed:
    """(data key, network key, level, theta, learned), each [member] -> accuracies"""
    drawn = {"classes": cfg.classes, "train": cfg.train, "test": cfg.test, "n": cfg.size}
    how = {
        "train": cfg.train, "batch": cfg.batch, "epochs": cfg.epochs, "lr": cfg.lr,
        "momentum": cfg.momentum, "decay": cfg.decay, "kept": cfg.kept, "classes": cfg.classes,
        "spread": cfg.spread, "steps": cfg.steps, "tiny": cfg.tiny, "floor": cfg.floor,
    }  # fmt: skip

    def member(data_key, net_key, level, theta, learned):
        x, y = geometry.data(data_key, level, freedom=cfg.freedom, signal=cfg.signal, **drawn)
        return network.fit(net_key, x, y, theta, learned, method=method, **how)

    return sharding.vmap_over(mesh, member)
