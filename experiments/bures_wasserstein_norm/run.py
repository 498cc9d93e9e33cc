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
NONE, AFFINE, BURES = range(3)
STUDY = ("centred", "centred_root", "first", "first_root", "variance", "moved", "moved_law",
         "pullback", "deformed", "limit")  # fmt: skip


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Every array; metrics in the order affine-invariant, log-Euclidean, Bures-Wasserstein.

    condition [C], power [T], level [L], theta: as set
    centred, first [S, C]: |mean - I| of the centred batch, its mean by many turns and by the first;
    1e-8 where less
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
        found |= scratch.cached("networks", partial(trained, cfg, mesh, streams))
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: eigenvectors of matrices of 12 rows in float64 are for CPUs, as the authors' are."""
    return []


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


def variants(cfg) -> tuple[np.ndarray, network.Kind]:
    """Level and kind of every network: all methods at all levels, then the powers.  -> each [V]"""
    four = (NONE, 0.0), (AFFINE, 0.0), (BURES, 0.0), (BURES, 1.0)
    rows = [(level, method, 1.0, learned) for level in cfg.levels for method, learned in four]
    rows += [(cfg.levels[0], BURES, theta, 0.0) for theta in cfg.thetas]
    level, method, theta, learned = (np.array(column) for column in zip(*rows, strict=True))
    return level, network.Kind(method, theta, learned)


def trained(cfg, mesh: Mesh, streams) -> dict[str, np.ndarray]:
    """Accuracies of all seeds and kinds, one network after the other."""
    level, kind = variants(cfg)
    seeds, count = len(cfg.seeds), len(level)
    member = np.repeat(np.arange(seeds), count)
    both = [streams[name][member] for name in ("data", "network")]
    everyone = jax.tree.map(lambda a: np.tile(a, seeds), (level, kind))
    curve = sharding.gather(training(cfg, mesh)(*both, *everyone)).reshape(seeds, count, -1)
    levels = len(cfg.levels)
    return {
        "accuracy": curve[:, : 4 * levels].reshape(seeds, levels, 4, -1),
        "powered": curve[:, 4 * levels :],
    }


def training(cfg, mesh: Mesh) -> sharding.Placed:
    """(data key, network key, level, Kind), each [member] -> accuracies.

    In turns: side by side every network would compute all methods.
    """
    how = {"lr": cfg.lr, "momentum": cfg.momentum, "decay": cfg.decay, "steps": cfg.steps,
           "tiny": cfg.tiny, "floor": cfg.floor}  # fmt: skip

    def member(data_key, net_key, level, kind):
        x, y = geometry.data(
            data_key, level, classes=cfg.classes, train=cfg.train, test=cfg.test, n=cfg.size,
            freedom=cfg.freedom, signal=cfg.signal,
        )  # fmt: skip
        begin, shuffled = jax.random.split(net_key)
        net = network.init(begin, cfg.size, cfg.kept, cfg.classes, cfg.spread)
        order = network.orders(shuffled, cfg.train, cfg.batch, cfg.epochs)
        return network.fit(net, x, y, order, kind, **how)

    return sharding.vmap_over(mesh, member, at_once=1)
