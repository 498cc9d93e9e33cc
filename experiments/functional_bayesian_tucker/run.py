"""The released surface and random Tucker tensors, all models from the same starts.

Members of one program are seed x core (learned: Tucker, fixed: CP) x prior (a process, independent
values) x start.  Shapes: S seeds, D coordinates, R rank, K modes.
"""

import itertools
import math
from functools import partial

import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import cost, ensembles, kalman, problems, tucker

SMOOTH = 1.5  # of the surface's model
KEEP = 5  # epochs between two that are kept
STREAMS = ("block", "block_order", "block_start", "times", "order", "start", "functions", "core",
           "noise", "start_core")  # fmt: skip
BLOCKS = ("block_rmse", "block_correlation")
TENSORS = ("rmse", "coverage", "width", "tau")
COUNTED = ("count_entries", "count_coordinates", "cost_entries", "cost_coordinates")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Errors are of the surface, without noise, at held-out entries.

    prior: a process, independent values; core: Tucker, CP; entries [density], noise [], seeds
    block_rmse [seed, prior, (inside, cross)], block_correlation [seed, prior, mode]: with f and g;
    of the first seed: block_times, block_curves [mode, D], block_seen,
        block_true [D, D], block_guess [prior, D, D], block_mean, block_spread [prior, mode, D]
    rmse, coverage, width [seed, density, core, prior, start]: of 90 % intervals the last two
    tau [seed, density, core, prior, start, epoch]: E[tau]; epoch [epoch]
    posterior [seed, 2, number]: means and covariances of mode 1 at the fewest entries, Tucker with
        the process, first start, as they are and by dense regression on the same messages
    count_entries, count_coordinates, cost_entries, cost_coordinates [x]: multiply-adds
    """
    found = {k: np.array(cfg[k]) for k in ("seeds", "entries", "noise")}
    drawn = draws(cfg) if scratch.wants(*BLOCKS, *TENSORS, "posterior") else {}
    if scratch.wants(*BLOCKS):
        found |= scratch.cached("blocks", partial(surface, cfg, mesh, scratch, drawn))
    if scratch.wants(*TENSORS, "posterior"):
        found |= tensors(cfg, mesh, scratch, drawn)
    return found | (counted(cfg) if scratch.wants(*COUNTED) else {})


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Epochs of the tensors, and of the surface."""
    seeds, batches = len(cfg.seeds), [math.ceil(n / cfg.batch) for n in cfg.entries]
    data = 4 * cfg.starts * seeds, len(cfg.coordinates), max(batches), cfg.batch
    states = 2 if cfg.smoothness == SMOOTH else 1
    how = {"calls": len(batches) * ensembles.calls(cfg.epochs), "trips": float(np.mean(batches))}
    width, half = cfg.blocks * cfg.side, cfg.blocks * cfg.side**2 // 2
    return [
        ensembles.program(learner(cfg, mesh), "tensors", data, max(cfg.coordinates), cfg.rank,
                          states * cfg.rank, **how),
        ensembles.program(block_learner(cfg, mesh), "surface", (2 * seeds, 2, 1, half), width, 1,
                          2, calls=ensembles.calls(cfg.block_epochs)),
    ]  # fmt: skip


def learner(cfg, mesh: Mesh) -> sharding.Placed:
    rules = tucker.Rules(*cfg.damping, smooth=cfg.smooth)
    return ensembles.learner(mesh, rules, cfg.epochs)


def block_learner(cfg, mesh: Mesh) -> sharding.Placed:
    return ensembles.learner(mesh, tucker.Rules(*cfg.block_damping), cfg.block_epochs)


def priors(cfg, lengthscale: float, variance: float) -> list[tuple[float, float]]:
    """(lengthscale, variance): of the process; of independent values, N(0, 1) as in the code."""
    return [(lengthscale, variance) if cfg.functional else (0.0, 1.0), (0.0, 1.0)]


def surface(cfg, mesh: Mesh, scratch, drawn) -> dict[str, np.ndarray]:
    """The released surface by CP of rank 1, with a process and without."""
    seeds, two = len(cfg.seeds), partial(np.repeat, repeats=2, axis=0)
    pairs = zip(drawn["block"], drawn["block_order"], strict=True)
    cases = [problems.blocks(*pair, cfg.blocks) for pair in pairs]
    data, times = loops.stack([problems.observed(case) for case in cases])
    prior = np.tile(priors(cfg, cfg.block_lengthscale, cfg.block_variance), (seeds, 1))
    chains = kalman.chain(two(times), SMOOTH, *prior[..., None].swapaxes(0, 1), 1)
    each = ensembles.Members(tucker.Data(*map(two, data)), chains, np.zeros(2 * seeds, bool))
    count, learn = data[1].shape[-1], block_learner(cfg, mesh)
    how = {"count": count, "batches": 1, "epochs": cfg.block_epochs}
    state = tucker.begin(two(drawn["block_start"]), tucker.diagonal(2, 1), 1 + count / 2, 1.0)
    state, _ = ensembles.trained(scratch, "surface", learn, state, each, **how)
    mean, square = (x.reshape(seeds, 2, *x.shape[1:]) for x in sharding.gather(state[:2]))
    return problems.recovered(cases, mean, square)


def tensors(cfg, mesh: Mesh, scratch, drawn) -> dict[str, np.ndarray]:
    """All models from all starts at every density."""
    case, learn = drawn_tensors(cfg, drawn), learner(cfg, mesh)
    shape, most = (len(cfg.seeds), 2, 2, cfg.starts), max(cfg.entries)
    judge = sharding.vmap_over(mesh, partial(ensembles.judged, cfg.noisy_intervals), shared=(4,))
    begin, members = prepared(cfg, case)
    noisy = case["value"] + cfg.noise * case["noise"]
    tests = case["place"][..., most:], case["value"][:, most:], noisy[:, most:]
    tests = [np.repeat(x, math.prod(shape[1:]), axis=0) for x in tests]
    kernel = {name: cfg[name] for name in ("smoothness", "lengthscale", "variance")}

    def cell(count):
        how = {"count": count, "batches": math.ceil(count / cfg.batch), "epochs": cfg.epochs}
        start, each = begin(rest=1 + count / 2), members(count)
        state, tau = ensembles.trained(scratch, f"tau-{count}", learn, start, each, **how)
        parts = *sharding.gather(judge(state, *tests, count)), tau[:, KEEP - 1 :: KEEP]
        found = {k: x.reshape(*shape, *x.shape[1:]) for k, x in zip(TENSORS, parts, strict=True)}
        first = [x[:: math.prod(shape[1:]), 0] for x in sharding.gather(state[:4])]
        modes = zip(case["times"][:, 0], *first, strict=True)
        return found | {"posterior": np.stack([ensembles.posteriors(*m, **kernel) for m in modes])}

    cells = scratch.cells({f"entries-{n}": partial(cell, n) for n in cfg.entries}, "density")
    posterior, *_ = [found.pop("posterior") for found in cells]
    epoch = np.arange(KEEP, cfg.epochs + 1, KEEP)
    return loops.stack(cells, axis=1) | {"epoch": epoch, "posterior": posterior}


def draws(cfg) -> dict[str, np.ndarray]:
    """All random numbers, uniform and normal, as STREAMS names them.  -> [S, ...]"""
    sizes, size, rank = cfg.coordinates, max(cfg.coordinates), cfg.rank
    modes, core, many = len(sizes), (rank,) * len(sizes), max(cfg.entries) + cfg.tests
    width = cfg.blocks * cfg.side
    uniform = {"block": (2, width), "block_order": (width**2,), "block_start": (2, width, 1)}
    uniform |= {"times": (modes, size), "order": (math.prod(sizes),)}
    uniform |= {"start": (cfg.starts, modes, size, rank)}
    normal = {"functions": (modes, size, rank), "core": core, "noise": (many,)}
    normal |= {"start_core": (cfg.starts, *core)}
    streams = keys.split(cfg.seeds, STREAMS)
    return keys.draws(streams, uniform, keys.uniform) | keys.draws(streams, normal)


def drawn_tensors(cfg, drawn) -> dict[str, np.ndarray]:
    """Coordinates, entries in a random order and their values, noise, starts.  name -> [S, ...]"""
    sizes, many, case = cfg.coordinates, max(cfg.entries) + cfg.tests, dict(drawn)
    case["times"] = np.stack([problems.coordinates(x, sizes) for x in case["times"]])
    case["place"] = np.stack([problems.entries(x, sizes, many) for x in case.pop("order")])
    if cfg.truth_diagonal:
        case["core"] = np.broadcast_to(tucker.diagonal(len(sizes), cfg.rank), case["core"].shape)
    how = {"smoothness": cfg.smoothness, "lengthscale": cfg.lengthscale}
    each = zip(*(case[x] for x in ("times", "functions", "core", "place")), strict=True)
    return case | {"value": np.stack([problems.tensor(*x, **how) for x in each])}


def prepared(cfg, case):
    """What makes the states of all members before the first epoch, and their Members of a count."""
    models = [(t, *p) for t in (True, False) for p in priors(cfg, cfg.lengthscale, cfg.variance)]
    members = itertools.product(range(len(cfg.seeds)), range(4), range(cfg.starts))
    seed, model, start = np.array(list(members)).T
    learned, *prior = (np.array(column)[model] for column in zip(*models, strict=True))
    fixed = tucker.diagonal(len(cfg.coordinates), cfg.rank)
    drawn = case["start_core"][seed, start]
    core = np.where(learned.reshape(-1, *[1] * fixed.ndim), drawn, fixed)
    begin = partial(tucker.begin, case["start"][seed, start], core, variance=cfg.start_variance)
    noisy, size = case["value"] + cfg.noise * case["noise"], max(cfg.coordinates)
    most, prior = math.ceil(max(cfg.entries) / cfg.batch), [x[:, None] for x in prior]
    chains = kalman.chain(case["times"][seed], cfg.smoothness, *prior, cfg.rank)

    def of(count):
        pairs = zip(case["place"][..., :count], noisy[:, :count], strict=True)
        data = loops.stack([problems.batched(*p, size, cfg.batch, most) for p in pairs])
        return ensembles.Members(tucker.Data(*(x[seed] for x in data)), chains, learned)

    return begin, of


def counted(cfg) -> dict[str, np.ndarray]:
    """Multiply-adds of a sweep of rank 3, from its program alone."""
    sizes, found = (cfg.count_entries, cfg.count_coordinates), []
    ways = partial(cost.sweep, coordinates=40), partial(cost.sweep, 100)
    for way, points in zip((cost.dense,) * 2 if cfg.dense else ways, sizes, strict=True):
        found.append([way(n) for n in points])
    return {k: np.array(x, float) for k, x in zip(COUNTED, (*sizes, *found), strict=True)}
