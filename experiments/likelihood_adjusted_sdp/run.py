"""Data sets of three designs, every one solved by itself: the loops of several side by side would
all be as long as the longest.  The data sets of all seeds are split over the mesh.

Shapes: n points, K clusters, T rounds of iLA-SDP.
"""

from functools import partial

import numpy as np
from jax.sharding import Mesh
from scipy.special import ndtr

from common import keys, sharding
from common.programs import Program

from . import admm, likelihood, mixtures, trials

PART = {  # the arrays of every part that is computed on its own
    "near": ("lift", "excess", "gap", "error", "second", "turns", "memberships"),
    "crossed": ("crossed", "points", "labels", "unfinished"),
    "far": ("far", "far_value", "far_em", "far_em_sdp", "far_unfinished"),
}


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Errors are shares of points outside the best match of the clusters.  method: K-means,
    K-means SDP, EM from its labels, iLA-SDP from them, LA-SDP with known covariances.

    lift [seed case partition, 2]: lifted value, likelihood
    distance [case], dim [case]
    excess, gap [seed, case]: value of LA-SDP over that of the truth, and of its own rounding,
    relative; error, second [seed, case]: of labels; the largest second eigenvalue of the Z_k; turns
    [seed, case]: of ADMM; memberships [2, K, n, n]: of the first seed's first and last case
    crossed [seed, case, method]: errors; points [n, 2], labels [1 + method, n]: of the first seed's
    first case, the truth first; unfinished []: share of solves that met their bound
    far [seed, set, start, 1 + T]: errors of iLA-SDP, from the SDP's labels and from random ones;
    far_value [seed, set, start, 2 T]: relaxed likelihood a point, after covariances and after
    LA-SDP; far_em [seed, set, centres, 1 + step]: errors of EM from random centres; far_em_sdp
    [seed, set]: from the SDP's labels; far_unfinished []
    """
    on, inputs = stages(cfg, mesh), drawn(cfg)
    arrays = {"distance": cfg.distances, "dim": cfg.dims}
    wanted = {
        name: partial(computed, cfg, on, inputs, name)
        for name, names in PART.items()
        if scratch.wants(*names)
    }
    for found in scratch.cells(wanted):
        arrays |= found
    return {name: np.asarray(array) for name, array in arrays.items()}


def stages(cfg, mesh: Mesh) -> dict[str, sharding.Placed]:
    """Every part on one data set after the other."""

    def solver(rho: float, tol: float, most: int):
        return partial(admm.solve, rho=rho, relax=cfg.relax, tol=tol, most=most)

    def methods(rho: float, tol: float) -> trials.Methods:
        return trials.Methods(
            plain=solver(cfg.rho, cfg.tol, cfg.most),
            solve=solver(rho, tol, cfg.most),
            ridge=cfg.ridge,
            kmeans={"steps": cfg.lloyd},
            em={"steps": cfg.em_steps, "ridge": cfg.ridge},
            rounds={"rounds": cfg.outer, "logdet": cfg.logdet, "tol": tol},
        )

    plane, trap = methods(cfg.rho, cfg.tol), methods(cfg.far_rho, cfg.far_tol)
    taken = {"random": cfg.start == "random", "em_random": cfg.em_start == "random"}
    close = solver(cfg.rho, cfg.near_tol, cfg.near_most)
    fns = {
        "near": partial(trials.near, solve=close, logdet=cfg.logdet),
        "crossed": partial(trials.crossed, methods=plane, single=cfg.relaxation == "single"),
        "far": partial(trials.far, methods=trap, **taken),
    }
    return {name: sharding.vmap_over(mesh, fn, at_once=1) for name, fn in fns.items()}


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The three designs, each with the data sets of all seeds in one."""
    on, inputs = stages(cfg, mesh), drawn(cfg)
    return [on[name].program(name, *inputs[name], calls=1) for name in ("crossed", "far", "near")]


def drawn(cfg) -> dict[str, tuple]:
    """Noise, draws and settings of the data sets of all seeds.  -> [seed case, …] each"""
    near, crossed, far = len(cfg.distances), len(cfg.dims), cfg.far_sets
    shapes = {
        "near": (near, cfg.near_points, 2),
        "crossed": (crossed, cfg.points, max(cfg.dims)),
        "far": (far, cfg.far_points, 2),
        "partitions": (near, cfg.partitions, 2, cfg.near_points, 2),
        "starts": (crossed, 2, cfg.restarts, 2),
        "kmeans": (far, cfg.restarts, 3),
        "labels": (far, cfg.far_points, 3),
        "centres": (far, cfg.em_starts, cfg.far_points),
    }
    drawn = keys.draws(keys.split(cfg.seeds, tuple(shapes)), shapes)  # one program for all
    z = {name: x.reshape(-1, *x.shape[2:]) for name, x in drawn.items()}
    distance, dim = (np.tile(each, len(cfg.seeds)) for each in (cfg.distances, cfg.dims))
    chance = {name: z[name] for name in ("labels", "centres")} | {"kmeans": ndtr(z["kmeans"])}
    return {
        "near": (z["near"], z["partitions"], distance),
        "crossed": (z["crossed"], ndtr(z["starts"]), dim),
        "far": (z["far"], chance),
    }


def computed(cfg, on, inputs, name: str) -> dict[str, np.ndarray]:
    """A part of all seeds, under the names of `run`."""
    found = sharding.gather(on[name](*inputs[name]))
    found = {k: x.reshape(len(cfg.seeds), -1, *x.shape[1:]) for k, x in found.items()}
    rename = {"near": nears, "crossed": ellipses, "far": traps}
    return rename[name](found)


def nears(found: dict) -> dict[str, np.ndarray]:
    kept = {name: found[name] for name in ("excess", "gap", "error", "second", "turns")}
    names = ("X", "partitions", "covariances")
    each = [found[name].reshape(-1, *found[name].shape[2:]) for name in names]
    value = [
        likelihood.profile(X, labels, covariance)
        for X, many, covariances in zip(*each, strict=True)
        for labels, covariance in zip(many, covariances, strict=True)
    ]
    lift = np.stack([found["lifted"].ravel(), value], axis=1)
    return kept | {"lift": lift, "memberships": found["memberships"][0, [0, -1]]}


def ellipses(found: dict) -> dict[str, np.ndarray]:
    points, labels = found["points"][0, 0], found["labels"][0, 0]
    return {
        "crossed": found["error"],
        "points": points,
        "labels": np.vstack([mixtures.truth(len(points), 2), labels]),
        "unfinished": found["unfinished"].sum() / found["solves"].sum(),
    }


def traps(found: dict) -> dict[str, np.ndarray]:
    kept = {name: found[name] for name in ("far", "far_value", "far_em", "far_em_sdp")}
    return kept | {"far_unfinished": found["unfinished"].sum() / found["solves"].sum()}
