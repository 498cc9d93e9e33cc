"""Runs of weighted particles, independent of each other and split over the mesh.

Shapes: S seeds, R runs of a seed, C targets, A kinds of noise, K particles, T records, B bins,
N numbers of particles.
"""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program

from . import corrector, estimates, exact, targets
from .corrector import Target

RECORDS = 50
EDGES = np.linspace(-4.0, 4.0, 81)
STREAMS = ("line", "law", "few", "nine", "forty", "classes")
LINE_GRID, SIDE = (12.0, 6001), 301  # of the quadratures: half width and points of a side
HALF = {"nine": 10.0, "forty": 50.0, "classes": 6.0}
PLANE = {"nine": ("tv",), "forty": ("tv",), "classes": ("tv", "contested", "w1")}  # kept there


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Corrected runs beside plain ones, which follow the same SDE and leave the weights out.

    mass, width, mass_plain, width_plain [S, C, R]: of x < 0; exact_mass, exact_width [C]; targets
        in the order of targets.line
    histogram, histogram_plain, exact_histogram [C, B]: mean of the first seed's runs; edges [B + 1]
    ess [S, A, T]: ESS / K without resampling, mean of the runs; noises [A]; sigma [T]
    rmse, rmse_plain [S, N]: of a guided mass by weights alone, from number [N] particles
    few_mass [S, few, R]: of the first target, with few [few] particles and resampling
    nine_tv, forty_tv, classes_tv, nine_tv_plain, forty_tv_plain, classes_tv_plain [S, R]: total
        variation of the masses of modes to the exact ones
    classes_contested, classes_contested_plain [S, R], classes_exact_contested []: mass of the mode
        beside another class; classes_w1, classes_w1_plain [S, R]: sliced W1 to the target
    nine_ancestors, forty_ancestors, classes_ancestors: distinct ones at the end, of the corrected
    nine_x, forty_x, classes_x [3, point, 2]: corrected, plain, exact; the first run
    """
    out: dict[str, np.ndarray] = {}
    simulate = cache(partial(program, cfg, mesh))
    make = partial(cells, cfg, scratch, simulate(cfg.count))
    if scratch.wants("mass", "width", "mass_plain", "width_plain", "ess"):
        out |= on_line(cfg, make)
    if scratch.wants("rmse", "rmse_plain"):
        out |= guided_law(cfg, make)
    if scratch.wants("few_mass"):
        out |= fewer(cfg, simulate, scratch)
    for name in HALF:
        kept = [f"{name}_{k}" for k in PLANE[name]]
        if scratch.wants(*kept, *(f"{k}_plain" for k in kept)):
            out |= in_plane(cfg, make, name)
    return out


def program(cfg, mesh: Mesh, count: int) -> sharding.Placed:
    """(keys [S], runs [R], targets [C]) -> x [S, R, C, K, D], log weights, ancestors, ESS / K.

    The numbers of a target are told to the program: it compiles once for every size of a target.
    """

    def particles_of(key, number, target):
        key = jax.random.fold_in(key, number)
        particles, ess = corrector.simulate(key, target, strides(cfg), count=count)
        return particles.x, particles.log_w, particles.ancestor, ess

    return sharding.grid(mesh, particles_of, at_once=cfg.at_once)


def cells(cfg, scratch, simulate, stream: str, several, keep, *, plain=False, runs=0, label=""):
    """What is kept of all runs of every target.  -> [{name: array}]

    keep(x [S, R, K, D], w [S, R, K]) -> arrays; plain: with weights that are all alike.
    """
    label, runs = label or stream + "-plain" * plain, np.arange(runs or cfg.runs)

    def cell(i):
        single = jax.tree.map(lambda a: np.asarray(a, float)[None], several[i])
        seeds = keys.fold(cfg.seeds, STREAMS.index(stream), i)
        particles = sharding.gather(simulate(seeds, runs, single))
        x, log_w, ancestor, ess = (a[:, :, 0] for a in particles)
        w = estimates.weights(np.zeros_like(log_w) if plain else log_w)
        return keep(x, w) | {"ess": ess, "ancestors": estimates.distinct(ancestor)}

    return scratch.cells({f"{label}-{i}": partial(cell, i) for i in range(len(several))}, label)


def corrected(cfg, several: list[Target]) -> list[Target]:
    return [t._replace(weight=cfg.weight, below=cfg.below) for t in several]


def strides(cfg) -> np.ndarray:
    """Steps between two records.  -> [T]"""
    return np.full(RECORDS, cfg.steps // RECORDS)


def line_targets(cfg) -> list[Target]:
    sigmas = cfg.sigma_line, cfg.sigma_min
    return targets.line(cfg.beta, cfg.noises, cfg.guidance, cfg.reward, sigmas)


def on_line(cfg, make) -> dict[str, np.ndarray]:
    """All targets in one dimension."""
    several, keep = line_targets(cfg), partial(estimates.line, edges=EDGES)
    ours = make("line", corrected(cfg, several), keep)
    plain = make("line", several, keep, plain=True)
    grids = [exact.on_grid(target, *LINE_GRID) for target in several]
    known = [keep(x[None, None], p[None, None]) for x, p in grids]
    out = {f"exact_{k}": np.array([np.squeeze(a[k]) for a in known]) for k in known[0]}
    for end, found in (("", ours), ("_plain", plain)):
        out |= {k + end: np.stack([a[k] for a in found], axis=1) for k in ("mass", "width")}
        out["histogram" + end] = np.array([a["histogram"] for a in found])
    return out | {
        "ess": np.stack([a["ess"].mean(axis=1) for a in plain[: len(cfg.noises)]], axis=1),
        "noises": np.array(cfg.noises),
        "sigma": corrector.level(several[0].sigmas, np.cumsum(strides(cfg)) / cfg.steps),
        "edges": EDGES,
    }


def guided_law(cfg, make) -> dict[str, np.ndarray]:
    """Error of a guided mass against the number of particles."""
    target = targets.guided(targets.PAIR, cfg.law_guidance, (cfg.sigma_line, cfg.sigma_min))
    x, p = exact.on_grid(target, *LINE_GRID)
    keep = partial(estimates.law, exact=estimates.left(x[:, 0], p)[0], numbers=cfg.law_counts)
    found = make("law", [target._replace(weight=cfg.weight)] * cfg.law_repeats, keep)
    squares = {k: [a[k] ** 2 for a in found] for k in ("rmse", "rmse_plain")}
    rmse = {k: np.sqrt(np.mean(several, axis=0)) for k, several in squares.items()}
    return rmse | {"number": np.array(cfg.law_counts)}


def fewer(cfg, simulate, scratch) -> dict[str, np.ndarray]:
    """The first target from fewer particles."""
    target, keep = corrected(cfg, line_targets(cfg)[:1]), partial(estimates.line, edges=EDGES)
    found = []
    for count in cfg.few:
        make = partial(cells, cfg, scratch, simulate(count))
        found += make("few", target, keep, label=f"few-{count}")
    return {"few_mass": np.stack([a["mass"] for a in found], axis=1), "few": np.array(cfg.few)}


def runs_of(cfg, name: str) -> int:
    return {"nine": cfg.nine_runs, "forty": cfg.forty_runs}.get(name, cfg.runs)


def plane_target(cfg, name: str) -> Target:
    """The target of a study in the plane."""
    near = cfg.sigma_line, cfg.sigma_min
    if name == "classes":
        return targets.guided(targets.classes(), cfg.class_guidance, near)
    if name == "nine":
        return targets.annealed((targets.nine(),), cfg.plane_beta, 0.0, (cfg.sigma_nine, near[1]))
    modes = targets.scattered(cfg.forty_modes)
    return targets.annealed((modes,), cfg.plane_beta, 0.0, (cfg.sigma_forty, near[1]))


def in_plane(cfg, make, name: str) -> dict[str, np.ndarray]:
    """One target in the plane."""
    target = plane_target(cfg, name)
    x, p = exact.on_grid(target, HALF[name], SIDE)
    means, contested = target.experts.means[0], targets.CONTESTED
    options = {"known": (x, p), "means": means, "contested": contested, "points": cfg.points}
    keep = partial(estimates.plane, **options)
    if name == "classes":
        keep = partial(estimates.classes, directions=cfg.directions, **options)
    runs = runs_of(cfg, name)
    ours = make(name, corrected(cfg, [target]), keep, runs=runs)[0]
    plain = make(name, [target], keep, plain=True, runs=runs)[0]
    out = {k + end: a[k] for k in PLANE[name] for end, a in (("", ours), ("_plain", plain))}
    out["ancestors"] = ours["ancestors"]
    if name == "classes":
        out["exact_contested"] = estimates.masses(x, p, means)[contested]
    out["x"] = np.array([ours["x"], plain["x"], estimates.drawn(x, p, cfg.points)])
    return {f"{name}_{k}": array for k, array in out.items()}


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Runs of particles: on the line, of nine modes, of forty, of classes."""
    seeds, single = jax.eval_shape(lambda: keys.fold(cfg.seeds, 0, 0)), line_targets(cfg)
    simulate, dtype, made = program(cfg, mesh, cfg.count), jnp.result_type(float), []
    on_line = 2 * len(single) + cfg.law_repeats + cfg.few.count(cfg.count)
    calls = {"line": on_line} | dict.fromkeys(HALF, 2)  # corrected and plain
    for name, times in calls.items():
        target = single[0] if name == "line" else plane_target(cfg, name)
        shape = jax.tree.map(lambda a: jax.ShapeDtypeStruct((1, *np.shape(a)), dtype), target)
        args = seeds, np.arange(runs_of(cfg, name)), shape
        made.append(simulate.program(name, *args, calls=times, trips=cfg.steps / RECORDS))
    return made
