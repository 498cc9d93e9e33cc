"""Sinkhorn's sweeps, and sweeps followed by Newton's steps, on random costs and on digits.

Shapes: S seeds, n points, T records.  Every problem is solved by itself, one after the other on a
device, since the loops of problems side by side would all be as long as the longest.
"""

from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.ot import exact
from common.programs import Program

from . import newton_steps, problems, sweeps

STREAMS = ("random", "digits", "small")
CHUNK = 5  # records of a call
SHOWN = 50  # rows and columns of a plan that is drawn
RAMP = (0.25, 0.5, 1.0, 2.0, 4.0)  # depths on the way to those of the config
NEWTON, SINKHORN = ("error", "taken", "plan"), ("sinkhorn", "needed", "share")
IMAGES, LEAK = ("image_error", "image_taken"), ("outside", "small_eta", "predicted", "vertex")


class Stages(NamedTuple):
    """The two programs of a run; every size of problem is compiled."""

    sweep: sharding.Placed  # cost, r, c, eta [S, …], state, target, strides -> state, seen [S, T]
    newton: sharding.Placed  # cost, r, c, eta, x, y [S, …], density, tol -> solutions [S, …]


class Problem(NamedTuple):
    cost: np.ndarray  # [S, n, n]
    r: np.ndarray  # [S, n]
    c: np.ndarray  # [S, n]
    eta: np.ndarray  # [S]


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """L1 errors of the marginals on the way, and what the claims read beside them.

    density [density], warm [], target [], sweep [T], size [size], work_density []
    error [seed, density, 1 + step]: before and after Newton's steps, the last one repeated
    taken [seed, density]: steps; plan [50, 50]: of the first seed after the warm-up, columns in the
    order of the best assignment
    sinkhorn, share [seed, T]: errors after `sweep` sweeps, mass in the 2 n largest entries; needed
    [seed]: sweeps to the target, or the cap
    outside, small_eta [seed, instance, depth], predicted, vertex [seed, instance]: mass outside the
    best assignment; rates, the predicted one and Theorem 1's
    work [seed, size]: mean products of CG a step
    image_error [seed, case, 1 + step], image_taken [seed, case]: of the warm-ups and densities
    """
    streams, on = keys.split(cfg.seeds, STREAMS), stages(cfg, mesh)
    arrays = {"density": cfg.densities, "warm": cfg.warm, "target": cfg.target}
    arrays |= {"sweep": loops.spaced(cfg.sweeps, cfg.records), "size": cfg.sizes}
    arrays |= {"work_density": cfg.work_density}
    random = partial(random_problem, cfg, streams["random"])
    parts = {
        NEWTON: ("newton", lambda: steps(cfg, on, random(cfg.n))),
        SINKHORN: ("sinkhorn", lambda: baseline(cfg, on, scratch, random(cfg.n))),
        LEAK: ("leak", partial(leaks, cfg, on, streams["small"])),
        ("work",): ("work", lambda: {"work": works(cfg, on, random)}),
        IMAGES: ("images", partial(images, cfg, on, scratch, streams["digits"])),
    }
    wanted = dict(part for names, part in parts.items() if scratch.wants(*names))
    for found in scratch.cells(wanted):
        arrays |= found
    return {name: np.asarray(array) for name, array in arrays.items()}


def stages(cfg, mesh: Mesh) -> Stages:
    """Both programs, over problems one by one."""
    how = {"entries": cfg.entries, "diagonals": cfg.diagonals, "steps": cfg.steps}
    how["most"] = max(1, cfg.work_density, *cfg.densities, *cfg.image_densities)
    return Stages(
        sharding.vmap_over(mesh, sweeps.sweep, shared=(5, 6), at_once=1),
        sharding.vmap_over(mesh, partial(newton_steps.solve, **how), shared=(6, 7), at_once=1),
    )


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Both stages at the size of the random costs, with the calls of all problems of that size."""
    on, s, n = stages(cfg, mesh), len(cfg.seeds), cfg.n
    small = cfg.instances * (len(RAMP) + len(cfg.depths))
    digits = (problems.SIDE // cfg.image_pool) ** 2, len(cfg.image_warm), len(cfg.image_warm)
    groups = [(n, 1, len(set(cfg.densities))), (cfg.small_n, small, small), digits]
    groups += [(size, 1, 1) for size in cfg.sizes]
    warm, steps = (sum(group[i] for group in groups if group[0] == n) for i in (1, 2))
    warm += -(-cfg.records // CHUNK)
    problem, zero = of_size(s, n), np.zeros((s, n))
    told = sweeps.begin(s, n), 0.5, np.zeros(CHUNK, int)
    return [
        on.newton.program("Newton", *problem, zero, zero, 1, 0.5, calls=steps),
        on.sweep.program("Sinkhorn", *problem, *told, calls=warm,
                         trips=cfg.sweeps / (warm * CHUNK)),
    ]  # fmt: skip


def of_size(s: int, n: int) -> Problem:
    shape = partial(jax.ShapeDtypeStruct, dtype=np.dtype(float))
    return Problem(shape((s, n, n)), shape((s, n)), shape((s, n)), shape((s,)))


def random_problem(cfg, key, n: int) -> Problem:
    """Costs U[0, 1] and uniform masses; eta as n, since the gaps of such costs fall as 1 / n."""
    cost = keys.draws({"": key}, {"": (n, n)}, keys.uniform)[""]
    mass = np.full(cost.shape[:2], 1 / n)
    return Problem(cost, mass, mass, np.full(len(cost), cfg.eta * n / cfg.n))


def warmed(on: Stages, problem: Problem, count: int, y=None) -> sweeps.Swept:
    """After `count` sweeps, from y or zero."""
    state = sweeps.begin(*problem.r.shape)
    state = state if y is None else state._replace(y=np.asarray(y))
    return on.sweep(*problem, state, 0.0, np.array([count] + [0] * (CHUNK - 1)))[0]


def steps(cfg, on: Stages, problem: Problem) -> dict[str, np.ndarray]:
    """Newton's steps at every density, and the plan that they start from."""
    state = warmed(on, problem, cfg.warm)
    solve = partial(on.newton, *problem, state.x, state.y)
    found = {d: sharding.gather(solve(d, cfg.tol)) for d in dict.fromkeys(cfg.densities)}
    found = loops.stack([found[d] for d in cfg.densities], axis=1)
    x, y = sharding.gather((state.x, state.y))
    first = problems.plan(problem.cost[0], cfg.eta, x[0], y[0])
    matched = first[:, exact.assignment(problem.cost[0]).columns]
    return {"error": found.errors, "taken": found.steps, "plan": matched[:SHOWN, :SHOWN]}


def baseline(cfg, on: Stages, scratch, problem: Problem) -> dict[str, np.ndarray]:
    """Sinkhorn alone, to the target or the cap."""

    def advance(state, _, strides):
        return on.sweep(*problem, state, cfg.target, strides)

    at, state = loops.spaced(cfg.sweeps, cfg.records), sweeps.begin(*problem.r.shape)
    state, seen = loops.recorded(scratch, "sinkhorn", advance, state, at, chunk=CHUNK)
    return {"sinkhorn": seen[0], "share": seen[1], "needed": sharding.gather(state.needed)}


def leaks(cfg, on: Stages, key) -> dict[str, np.ndarray]:
    """Small problems at rising eta, each from the potentials of the one before."""
    shape = (cfg.instances, cfg.small_n, cfg.small_n)
    costs = keys.draws({"": key}, {"": shape}, keys.uniform)[""]
    best, cycle, vertex = problems.rates(costs)
    depths, outside = np.array([*RAMP, *cfg.depths]), []
    for i in range(cfg.instances):
        cost, y, mass = costs[:, i], None, np.full(costs.shape[:1] + shape[1:2], 1 / cfg.small_n)
        for depth in depths:
            problem = Problem(cost, mass, mass, depth / cycle[:, i])
            state = warmed(on, problem, cfg.warm, y)
            found = sharding.gather(on.newton(*problem, state.x, state.y, 0, 1e-14))
            y, plan = found.y, problems.plan(cost, problem.eta, found.x, found.y)
            outside.append(problems.off(plan, best[:, i]))
    mass = np.stack(outside, axis=1).reshape(len(costs), cfg.instances, -1)[..., len(RAMP) :]
    predicted = cycle if cfg.predicted == "cycle" else vertex
    eta = np.array(cfg.depths) / cycle[..., None]
    return {"outside": mass, "small_eta": eta, "predicted": predicted, "vertex": vertex}


def works(cfg, on: Stages, random) -> np.ndarray:
    """Mean products a step at every size.  -> [seed, size]"""
    means = []
    for n in cfg.sizes:
        problem = random(n)
        state = warmed(on, problem, cfg.warm)
        found = on.newton(*problem, state.x, state.y, cfg.work_density, cfg.tol)
        products, taken = sharding.gather((found.products, found.steps))
        means.append(products.sum(axis=1) / np.maximum(taken, 1))
    return np.stack(means, axis=1)


def images(cfg, on: Stages, scratch, key) -> dict[str, np.ndarray]:
    """Pairs of digits, from a short and a long warm-up."""
    chosen = keys.draws({"": key}, {"": (2,)}, keys.uniform)[""]
    digits = scratch.data("mnist_small").x_train
    pairs = problems.masses(digits, chosen, cfg.image_pool, cfg.image_floor)
    cost = problems.grid_cost(problems.SIDE // cfg.image_pool, cfg.image_cost)
    costs, eta = np.repeat(cost[None], len(pairs), axis=0), np.full(len(pairs), cfg.image_eta)
    problem, found = Problem(costs, pairs[:, 0], pairs[:, 1], eta), []
    for warm, density in zip(cfg.image_warm, cfg.image_densities, strict=True):
        state = warmed(on, problem, warm)
        found.append(on.newton(*problem, state.x, state.y, density, cfg.target))
    found = loops.stack(sharding.gather(found), axis=1)
    return {"image_error": found.errors, "image_taken": found.steps}
