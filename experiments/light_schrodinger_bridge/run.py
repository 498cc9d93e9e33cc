"""Light Schrödinger bridges trained for every eps and seed at once, and what is measured on them.

Shapes: S seeds, E values of eps, G of two Gaussians, R of the swiss roll, D dims, T records.
"""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh
from scipy.special import ndtr

from common import keys, loops, sharding
from common.programs import Program
from common.sde import transport

from . import evaluation, potential, problems, reference, training
from .training import Study

STREAMS = ("problem", "start", "batches", "judge", "samplers", "paths", "shifts")
BENCHMARK, GAUSS = ("uvp", "uvp_independent", "kl"), ("gauss_s", "gauss_gap")
BRIDGE, PATHS = ("w1", "null_mean", "null_std"), ("paths", "roll")
RECORDS = 100  # of a drawn path
INPUTS = 4096  # over which costs are taken
STARTS = np.array([[-1.5, 0], [-0.5, 1], [0, -1.5], [0.3, 0.2], [1, 1.2], [1.6, -0.6]], np.float32)


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """What the claims read, of every seed; the trained potentials stay behind.

    dim [D], eps [E], record [T]: steps; gauss_eps [G], roll_eps [R], drawn [P]: eps of the paths
    uvp, uvp_independent [S, D, E]: cBW2-UVP (%) of the trained plan, of the independent one
    kl [S, D, T, E, 2, 2]: KL(true plan | plan) and excess loss from other samples; then their
    standard errors (nats)
    gauss_s [S, G, 2]: trained S over the closed form; gauss_gap [S, G]: excess loss, nats
    cost [S, R]: E |y - x|^2 of the plans; assigned [S, draw]: of exact assignments
    sinkhorn [S, R], sinkhorn_assigned [S]: of entropic plans and the assignment of the same points
    w1, null_mean, null_std [S, 2]: sliced W1 between SDE and sampled plan at t = 1/2 and 1;
    mean and standard deviation of its logarithm after relabelling
    paths [P, time, path, 2], roll [n, 2]: bridges of the first seed, points of the roll
    """
    streams = keys.split(cfg.seeds, STREAMS)
    draws = keys.draws(streams, drawn(cfg))
    arrays = {"eps": cfg.eps, "dim": cfg.dims, "record": records(cfg, cfg.steps)}
    arrays |= {"gauss_eps": cfg.gauss_eps, "roll_eps": cfg.roll_eps, "drawn": cfg.drawn}
    parts = {}
    if scratch.wants(*BENCHMARK):
        make = partial(benchmark, cfg, mesh, scratch, streams)
        problem = partial(truths, cfg, draws["problem"])
        parts |= {f"benchmark-{d}": partial(make, problem(d)) for d in cfg.dims}
    if scratch.wants(*GAUSS):
        parts["gaussians"] = partial(gaussians, cfg, mesh, scratch, streams)
    if scratch.wants("cost", *BRIDGE, *PATHS):
        parts["roll"] = partial(swiss, cfg, mesh, scratch, streams)
    if scratch.wants("assigned", "sinkhorn", "sinkhorn_assigned"):
        parts["reference"] = partial(references, cfg, ndtr(draws["shifts"]))
    found = dict(zip(parts, scratch.cells(parts), strict=True))
    every = [found.pop(name) for name in list(found) if name.startswith("benchmark")]
    arrays |= loops.stack(every, axis=1) if every else {}
    for part in found.values():
        arrays |= part
    return {name: np.asarray(array) for name, array in arrays.items()}


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The trainings, of all seeds and eps at once."""
    streams = jax.eval_shape(lambda: keys.split(cfg.seeds, STREAMS))
    every = {f"dimension {d}": (known(cfg), d) for d in sorted(cfg.dims, reverse=True)}
    every = {"swiss roll": (roll(cfg), 0)} | every | {"two Gaussians": (gauss(cfg), 0)}
    made = []
    for name, (study, d) in every.items():
        begin, advance = trainer(mesh, study)
        normals = np.ones((len(cfg.seeds), *drawn(cfg)["problem"]), np.float32)
        problem = truths(cfg, normals, d) if d else ()
        state = jax.eval_shape(begin, problem, streams["start"])
        args, calls = (problem, streams["batches"], state), len(cfg.records)
        pace = {"calls": calls, "trips": study.steps / calls}
        made.append(advance.program(name, *args, np.zeros(1, int), **pace))
    return made


def records(cfg, steps: int) -> np.ndarray:
    """Steps at which potentials are kept.  -> [T]"""
    return np.round(np.array(cfg.records) * steps).astype(int)


def drawn(cfg) -> dict[str, tuple[int, ...]]:
    """What the host draws of a seed: directions of centres, and shifts of Sobol sets."""
    return {"problem": (cfg.true_components * max(cfg.dims),), "shifts": (cfg.assignments + 1, 5)}


def truths(cfg, normals, d: int) -> potential.Potential:
    """The known potentials in d dimensions, from the first of the normals [S, n]."""
    directions = normals[:, : cfg.true_components * d].reshape(len(normals), -1, d)
    return problems.truth(directions, radius=cfg.true_radius, scale=cfg.true_scale)


def known(cfg) -> Study:
    net = cfg.components, cfg.init_scale, cfg.steps
    return Study(problems.mixture, cfg.eps, cfg.lrs, *net, False, cfg.batch, cfg.coupling)


def gauss(cfg) -> Study:
    marginals = partial(problems.gaussians, stds=cfg.gauss_stds)
    net = 1, cfg.init_scale, cfg.gauss_steps
    return Study(marginals, cfg.gauss_eps, cfg.gauss_lrs, *net, True, cfg.batch, cfg.coupling)


def roll(cfg) -> Study:
    lrs = (cfg.roll_lr,) * len(cfg.roll_eps)
    net = cfg.roll_components, cfg.roll_init_scale, cfg.roll_steps
    return Study(problems.roll, cfg.roll_eps, lrs, *net, False, cfg.batch, cfg.coupling)


def trainer(mesh: Mesh, study: Study) -> tuple[sharding.Placed, sharding.Placed]:
    """problem, start keys [S] -> state; problem, batch keys, state, strides -> state, history."""
    begin = partial(training.begin, study=study)
    advance = partial(training.advance, study=study)
    return sharding.vmap_over(mesh, begin), sharding.vmap_over(mesh, advance, shared=(3,))


def trained(cfg, mesh: Mesh, scratch, streams, name: str, study: Study, problem=()):
    """Potentials at the records.  -> leaves [S, T, E, ...]"""
    begin, train = trainer(mesh, study)

    def advance(state, _, strides):
        return train(problem, streams["batches"], state, strides)

    state, at = begin(problem, streams["start"]), records(cfg, study.steps)
    return loops.recorded(scratch, name, advance, state, at)[1]


def benchmark(cfg, mesh: Mesh, scratch, streams, problem) -> dict[str, np.ndarray]:
    """The known plans against the trained ones."""
    d = problem.r.shape[-1]
    history = trained(cfg, mesh, scratch, streams, f"train-{d}", known(cfg), problem)
    how = {"pairs": cfg.pairs, "coupling": cfg.coupling}
    judge = partial(evaluation.benchmark, eps=cfg.eps, **how)
    judge = sharding.vmap_over(mesh, judge, shared=(3,))
    inputs = reference.normals(d, cfg.inputs)
    return sharding.gather(judge(problem, streams["judge"], history, inputs))


def gaussians(cfg, mesh: Mesh, scratch, streams) -> dict[str, np.ndarray]:
    """One component against the closed form, in float64 on the host."""
    history = trained(cfg, mesh, scratch, streams, "train-gauss", gauss(cfg))
    r, log_s = (x[:, -1, :, 0].astype(float) for x in (history.r, history.log_s))  # [S, G, 2]
    best = problems.gaussian_scale(cfg.gauss_eps, *cfg.gauss_stds)[:, None]
    best_log = np.broadcast_to(np.log(best), log_s.shape)
    of = partial(problems.gaussian_loss, eps=cfg.gauss_eps, s0=cfg.gauss_stds[0])
    of = partial(of, s1=cfg.gauss_stds[1])
    return {"gauss_s": np.exp(log_s) / best, "gauss_gap": of(r, log_s) - of(0 * r, best_log)}


def swiss(cfg, mesh: Mesh, scratch, streams) -> dict[str, np.ndarray]:
    """Costs, samplers and pictures of the swiss roll, as wanted."""
    history = trained(cfg, mesh, scratch, streams, "train-roll", roll(cfg))
    theta, arrays = jax.tree.map(lambda x: x[:, -1], history), {}
    over = partial(sharding.vmap_over, mesh)
    costs = over(partial(evaluation.cost, eps=cfg.roll_eps, coupling=cfg.coupling), shared=(1,))
    arrays["cost"] = costs(theta, reference.normals(2, INPUTS))
    at = cfg.roll_eps.index(cfg.bridge_eps)
    how = {"directions": cfg.directions, "permutations": cfg.permutations, "eps": cfg.bridge_eps}
    how |= {"n": cfg.bridge_points, "steps": cfg.euler_steps, "coupling": cfg.coupling}
    if scratch.wants(*BRIDGE):
        compare = over(partial(evaluation.samplers, **how))
        arrays |= compare(streams["samplers"], jax.tree.map(lambda x: x[:, at], theta))
    if scratch.wants(*PATHS):
        chosen, count = [cfg.roll_eps.index(e) for e in cfg.drawn], min(RECORDS, cfg.euler_steps)
        few = jax.tree.map(lambda x: x[0, chosen], theta)
        how = {"eps": cfg.drawn, "steps": cfg.euler_steps, "records": count}
        arrays["paths"] = jax.jit(partial(evaluation.paths, **how))(
            streams["paths"][0], few, STARTS
        )
        arrays["roll"] = reference.rolled(np.zeros(5), 512)[1].astype(np.float32)
    return sharding.gather(arrays)


def references(cfg, shifts) -> dict[str, np.ndarray]:
    """Exact assignments and entropic plans between points of the swiss roll, on the host."""
    few = [reference.rolled(shift[0], cfg.sinkhorn_points) for shift in shifts]
    many = [[reference.rolled(shift, cfg.assigned) for shift in some[1:]] for some in shifts]
    of = partial(reference.sinkhorn, sweeps=cfg.sinkhorn_sweeps)
    return {
        "assigned": np.array([[transport.exact_w2(*pair) for pair in some] for some in many]),
        "sinkhorn": np.array([[of(*pair, eps=e) for e in cfg.roll_eps] for pair in few]),
        "sinkhorn_assigned": np.array([transport.exact_w2(*pair) for pair in few]),
    }
