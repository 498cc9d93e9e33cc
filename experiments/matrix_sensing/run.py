"""Ensembles of descents that share measurements: symmetric, asymmetric, re-balanced.

Shapes: P problems (measurement numbers x seeds), B members of one problem, N side, K width.
All members of a problem meet its measurements in the same matrix product, so these are read once
a step however many members there are; their rows are split over the data axis of the mesh.
"""

from collections.abc import Callable
from functools import cache, partial

import jax
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from common import keys, loops, sharding
from common.programs import Program

from . import descent, problems, sensing
from .problems import Ensemble

CHUNK = 5  # records between two looks at the clock
START, MEASUREMENTS = 0, 1  # folded into a seed's key
ENTRIES = 4  # of coupled vectors that are returned: each row of F meets all of G
ASYMMETRIC = ("asym", "asym_exact", "asym_kappa")
ROWS = P(None, sharding.DATA)  # of measurements, for every problem


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """All descents, observed at the same steps; every error is |. - M|_F^2.

    steps [S], spare [width] (k - r), alpha [alpha], lr [], switch []
    population [seed, width, S], sensing [m, seed, width, S]: symmetric, kappa = 1
    sensing_kappa [m, seed, S]: symmetric with spare[1] at the larger kappa
    asym_population, asym [seed, alpha, S], asym_kappa [seed, small alpha, S]: imbalanced
    asym_exact [seed, S]: imbalanced at k = r, alpha[1]
    switched [seed, alpha, S2]: re-balanced after step `switch`; S2 <= S, the same first steps
    coupled [seed, 2, S, ENTRIES]: the first entries of (F G^T v, X X^T v) from G_0 = F_0 = X_0,
        for a fixed random v
    """
    widths, count = len(cfg.spares), len(cfg.alphas)
    arrays = {name: np.array(getattr(cfg, name)) for name in ("lr", "switch")}
    arrays |= {"spare": np.array(cfg.spares), "alpha": np.array(cfg.alphas), "steps": records(cfg)}
    draw, start = starts(cfg, mesh)
    slow, fast, *_ = start = sharding.gather(start(draw(keys.fold(cfg.seeds, START))))
    if scratch.wants("population", "asym_population", "coupled"):
        free = scratch.cached("population", lambda: population(cfg, mesh)(*start))
        arrays |= {
            "population": free["symmetric"][:, :widths],
            "asym_population": free["asymmetric"][:, :count],
            "coupled": free["coupled"][..., :ENTRIES],
        }
    measure, halve = measurements(cfg, mesh)
    a = cache(lambda: measure(keys.fold(cfg.seeds, MEASUREMENTS)))
    if scratch.wants("sensing", "sensing_kappa"):
        make = partial(symmetric, cfg, mesh, scratch, slow)
        arrays |= scratch.cached("symmetric", lambda: make(halve(a())))
    if scratch.wants(*ASYMMETRIC, "switched"):
        make = partial(asymmetric, cfg, mesh, scratch, fast)
        arrays |= scratch.cached("asymmetric", lambda: make(a()))
    return arrays


def records(cfg) -> np.ndarray:
    """Steps of the records.  -> [S]"""
    return np.cumsum(np.repeat(cfg.strides, cfg.records))


def starts(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed]:
    """Keys [seed] -> draws; these -> ensembles slow, fast, twin, and v: see `descent.population`.

    Two programs: random bits that fuse into what follows them are compiled again and again.
    """
    slow = problems.symmetric_members(cfg.alpha, cfg.rank, cfg.spares, cfg.kappa)
    fast = problems.asymmetric_members(cfg.alphas, cfg.rank, cfg.spare, cfg.kappa)
    rank, narrow, wide = cfg.rank, cfg.rank + cfg.spare, cfg.rank + max(cfg.spares)
    unequal = {"imbalance": cfg.imbalance, "balanced": cfg.balanced}

    def start(draw):
        return (
            problems.symmetric(draw, slow, rank, wide),
            problems.asymmetric(draw, fast, rank, narrow, **unequal),
            problems.symmetric(draw, slow[1:2], rank, narrow),
            draw["v"][:, 0],
        )

    draws = partial(problems.draws, n=cfg.n, width=max(narrow, wide))
    return sharding.vmap_over(mesh, draws), sharding.vmap_over(mesh, start)


def population(cfg, mesh: Mesh) -> sharding.Placed:
    """slow, fast, twin, v [seed, …] -> see `descent.population`."""
    strides = np.diff(records(cfg), prepend=0)
    free = partial(descent.population, strides=strides, lr=cfg.lr, tilt=cfg.tilt)
    return sharding.vmap_over(mesh, free)


def measurements(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed]:
    """Keys [seed] -> rows a [seed, rows, N N]; these -> rows of symmetric errors, for every m."""
    size = {"m": max(cfg.measurements), "n": cfg.n, "multiple": mesh.shape[sharding.DATA]}
    every = jax.vmap(partial(sensing.gaussian, **size))
    halves, split = partial(sensing.halves, numbers=cfg.measurements), sharding.sharded(mesh, *ROWS)
    return (
        sharding.Placed(every, mesh, (P(),), out_shardings=split),
        sharding.Placed(halves, mesh, (ROWS,), out_shardings=split),
    )


def operator(cfg, mesh: Mesh, a):
    """Rows a [P, rows, p], or assembled, one pass a step and not two: each device's a^T a."""
    square = jax.shard_map(lambda a: a.mT @ a, mesh=mesh, in_specs=ROWS, out_specs=ROWS)
    return jax.jit(square)(a) if cfg.assembled else a


def descents(cfg, mesh: Mesh, descend: Callable, normal: Callable) -> sharding.Placed:
    """(operator's rows, targets, state, strides) -> (state, squared errors [P, S, B])"""

    def train(a, target, state, strides):
        sense = partial(normal, a, assembled=cfg.assembled, axis=sharding.DATA)
        return descend(state, target, sense, strides, lr=cfg.lr)

    specs = ROWS, P(), P(), P()
    every = jax.vmap(train, in_axes=(0, 0, 0, None))
    every = jax.shard_map(every, mesh=mesh, in_specs=specs, out_specs=P(), check_vma=False)
    return sharding.Placed(every, mesh, specs)


def symmetric(cfg, mesh: Mesh, scratch, slow: Ensemble, half) -> dict[str, np.ndarray]:
    """Symmetric descent on the first m measurements, for every m: as `run` names it."""
    train = descents(cfg, mesh, descent.symmetric, sensing.half_normal)
    train = partial(train, operator(cfg, mesh, half))
    several = problems.repeated(slow, len(cfg.measurements))
    error = observed(scratch, "symmetric", train, several, records(cfg))[1]
    error, widths = error.reshape(-1, len(cfg.seeds), *error.shape[1:]), len(cfg.spares)
    return {"sensing": error[:, :, :widths], "sensing_kappa": error[:, :, widths]}


def asymmetric(cfg, mesh: Mesh, scratch, fast: Ensemble, a) -> dict[str, np.ndarray]:
    """Imbalanced descent on all measurements, plain and re-balanced once; what is wanted of it."""
    train = descents(cfg, mesh, descent.asymmetric, sensing.normal)
    train, count, found = partial(train, operator(cfg, mesh, a)), len(cfg.alphas), {}
    if scratch.wants(*ASYMMETRIC):
        error = observed(scratch, "asymmetric", train, fast, records(cfg))[1]
        parts = np.split(error, [count, count + 1], axis=1)
        found |= {"asym": parts[0], "asym_exact": parts[1][:, 0], "asym_kappa": parts[2]}
    if scratch.wants("switched"):
        few, (early, late) = problems.first(fast, count), parted(cfg)
        state, before = observed(scratch, "before-switch", train, few, early)
        if cfg.rebalance:
            state = jax.jit(jax.vmap(partial(descent.rebalance, beta=cfg.beta)))(state)
        few = few._replace(start=state)
        after = observed(scratch, "after-switch", train, few, late)[1]
        found["switched"] = np.concatenate([before, after], axis=-1)
    return found


def observed(scratch, name: str, train: Callable, problem: Ensemble, at):
    """A long descent of every problem.  -> (state, squared errors [P, B, S])"""

    def advance(state, _, strides):
        return train(problem.target, state, strides)

    state, error = loops.recorded(scratch, name, advance, problem.start, at, chunk=CHUNK)
    return state, error.swapaxes(1, 2)


def parted(cfg) -> tuple[np.ndarray, np.ndarray]:
    """Records at the two finer strides, up to the switch and, counted from there, after it."""
    fine = records(cfg)[: sum(cfg.records[:2])]
    early = fine[fine <= cfg.switch]
    return early, fine[len(early) :] - early[-1:].sum()


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Chunks of asymmetric descents, of symmetric ones, of the re-balanced; m = infinity."""
    seeds = jax.eval_shape(lambda: keys.fold(cfg.seeds, START))
    draw, start = starts(cfg, mesh)
    slow, fast, *_ = start = jax.eval_shape(lambda seeds: start(draw(seeds)), seeds)
    measure, halve = measurements(cfg, mesh)
    rows = jax.eval_shape(lambda seeds: operator(cfg, mesh, measure(seeds)), seeds)
    half = jax.eval_shape(lambda seeds: operator(cfg, mesh, halve(measure(seeds))), seeds)
    several = jax.eval_shape(partial(problems.repeated, times=len(cfg.measurements)), slow)
    few = jax.eval_shape(partial(problems.first, count=len(cfg.alphas)), fast)
    quick = descents(cfg, mesh, descent.asymmetric, sensing.normal)
    late = descents(cfg, mesh, descent.symmetric, sensing.half_normal)
    at, strides = records(cfg), np.zeros(CHUNK, int)
    return [
        quick.program("asymmetric", rows, *fast, strides, **pace(at)),
        late.program("symmetric", half, *several, strides, **pace(at)),
        quick.program("re-balanced", rows, *few, strides, **pace(*parted(cfg))),
        population(cfg, mesh).program("m = infinity", *start, calls=1, trips=at[-1] / len(at)),
    ]


def pace(*ats: np.ndarray) -> dict[str, float]:
    """Chunks of loops with these records, and the mean steps of a record."""
    calls = sum(-(-len(at) // CHUNK) for at in ats)
    return {"calls": calls, "trips": sum(at[-1] for at in ats) / (calls * CHUNK)}
