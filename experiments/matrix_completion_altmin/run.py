"""Alternating minimisation with solves that err: by what is added, by few steps, by few entries."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program

from . import altmin, cost, instances, solvers

WORST = 1e3  # an error that is larger, or no number, counts as this


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Errors are |X W^T - M| / |M| after each of T sweeps.

    A solves that err: those of cfg.relative, one along its error, those of cfg.fixed
    error, distance, row [seed, A, T]: as altmin.Seen
    fresh [seed, F]: error with masks drawn anew in every half step, of probability p
    inner [seed, steps, T], cold [seed, cold_steps, T]: errors; sketched [seed, T]
    final [seed, solver, ratios, instance]: error at p n / k in ratios; exact, few, one step
    counted [seed, 2, ranks]: multiplications a sweep: conjugate gradients, normal equations
    law []: what theory expects a half step on a fresh mask to leave of the distance
    relative, aligned, fixed, steps, cold_steps, ratios, ranks: of cfg
    """
    named = ("relative", "aligned", "fixed", "steps", "cold_steps", "ratios", "ranks")
    found = {name: np.array(cfg[name]) for name in named}
    found["law"] = np.array(law(cfg))
    draw = drawn(cfg)
    for fn, arrays in PARTS.items():
        if scratch.wants(*arrays):
            found |= scratch.cached(fn.__name__, partial(of_seeds, cfg, mesh, fn, draw))
    if scratch.wants("counted"):
        found["counted"] = counted(cfg)
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def of_seeds(cfg, mesh: Mesh, fn, draw) -> dict[str, np.ndarray]:
    """A part of every seed, one after the other on each device."""
    found = sharding.gather(sharding.vmap_over(mesh, partial(fn, cfg), at_once=1)(draw))
    return {k: np.where(np.abs(x) < WORST, x, WORST) for k, x in found.items()}


def drawn(cfg) -> dict[str, np.ndarray]:
    """All random numbers, name -> [seed, ...]; arms and ratios share them."""
    n, k, m, many = cfg.n, cfg.rank, cfg.threshold_n, cfg.instances
    normal = {"factors": (2, n, k), "first": (n, k), "noise": (cfg.sweeps, 2, n, k)}
    normal |= {"many_factors": (many, 2, m, k), "many_first": (many, m, k)}
    uniform = {"mask": (n, n), "many_mask": (many, m, m), "masks": (cfg.fresh_sweeps, 2, n, n)}
    streams = keys.split(cfg.seeds, (*normal, *uniform, "sketch"))
    draw = keys.draws(streams, normal) | keys.draws(streams, uniform, keys.uniform)
    return draw | {"sketch": streams["sketch"]}


def law(cfg) -> float:
    """Noise of a regression on p n of n rows, to first order in k / (p n).  (README)"""
    return float(np.sqrt((1 - cfg.p) * (cfg.rank + 2) / (cfg.p * cfg.n)))


def begun(cfg, draw):
    """The instance of a seed with its start."""
    problem = instances.made(draw["factors"], cfg.condition, draw["mask"], cfg.p)
    return problem, altmin.begin(draw["first"], problem, cfg.p, cfg.clip)


def same(problem):
    """The one mask in every half step, its columns first."""
    both = jnp.stack([problem.seen.T, problem.seen])
    return lambda sweep: both


def robust(cfg, draw) -> dict:
    """Solutions with errors added, all from one start."""
    problem, start = begun(cfg, draw)

    def one(relative, aligned, fixed):
        error = altmin.Error(relative, aligned, fixed, draw["noise"])
        return altmin.run(problem, start, solvers.exact, same(problem), cfg.sweeps, error)

    seen = jax.vmap(one)(*errors(cfg))
    return {"error": seen.error, "distance": seen.distance, "row": seen.row}


def errors(cfg) -> tuple[np.ndarray, ...]:
    """How large in each arm: relative, aligned, fixed, [A] each."""
    rel, fixed = np.array(cfg.relative), np.array(cfg.fixed)
    none, one = np.zeros(1), np.full(1, cfg.aligned)
    relative = [rel * cfg.scaled, none if cfg.along else one, 0 * fixed]
    aligned = [0 * rel, one if cfg.along else none, 0 * fixed]
    constant = [0 * rel if cfg.scaled else np.where(rel > 0, fixed[-1], 0), none, fixed]
    return tuple(np.concatenate(x) for x in (relative, aligned, constant))


def anew(cfg, draw) -> dict:
    """Masks drawn anew: what the analysis assumes."""
    problem, start = begun(cfg, draw)

    def masks(sweep):
        return (draw["masks"][sweep] < cfg.p).astype(problem.seen.dtype)

    choice = masks if cfg.fresh else same(problem)
    seen = altmin.run(problem, start, solvers.exact, choice, cfg.fresh_sweeps)
    return {"fresh": seen.error}


def inexact(cfg, draw) -> dict:
    """Solves cut short: from the last solution and from zero, with and without a sketch."""
    problem, start = begun(cfg, draw)
    warm, masks = float(cfg.warm), same(problem)

    def of(steps, warm, inverse=None):
        solve = solvers.conjugate(steps, warm, inverse)
        return altmin.run(problem, start, solve, masks, cfg.sweeps).error

    steps = np.array((*cfg.steps, *cfg.cold_steps))
    each = jax.vmap(of)(steps, np.where(np.arange(len(steps)) < len(cfg.steps), warm, 0.0))
    S = solvers.embedding(draw["sketch"], cfg.sketch_rows * cfg.rank, cfg.n)
    return {
        "inner": each[: len(cfg.steps)],
        "cold": each[len(cfg.steps) :],
        "sketched": of(cfg.sketched_steps, warm, solvers.sketched(S)),
    }


def threshold(cfg, draw) -> dict:
    """Instances about the least number of entries, solved by three solvers."""
    n, k, T, warm = cfg.threshold_n, cfg.rank, cfg.threshold_sweeps, float(cfg.warm)

    def last(ratio, factors, first, uniform):
        p = ratio * k / n
        problem = instances.made(factors, cfg.condition, uniform, p)
        start = altmin.begin(first, problem, p, cfg.clip)

        def of(solve):
            return altmin.run(problem, start, solve, same(problem), T).error[-1]

        cut = jax.vmap(lambda steps: of(solvers.conjugate(steps, warm)))(np.array([cfg.few, 1]))
        return jnp.stack([of(solvers.exact), *cut])

    each = jax.vmap(jax.vmap(last, (None, 0, 0, 0)), (0, None, None, None))
    many = (draw[f"many_{name}"] for name in ("factors", "first", "mask"))
    return {"final": jnp.moveaxis(each(np.array(cfg.ratios), *many), -1, 0)}


PARTS = {
    robust: ("error", "distance", "row"),
    anew: ("fresh",),
    inexact: ("inner", "cold", "sketched"),
    threshold: ("final",),
}


def counted(cfg) -> np.ndarray:
    """Of masks of every seed."""
    n = cfg.cost_n
    drawn = keys.draws({"mask": keys.fold(cfg.seeds, 9)}, {"mask": (n, n)}, keys.uniform)
    masks = drawn["mask"] < cfg.cost_p
    free = partial(cost.conjugate, steps=cfg.cost_steps)
    each = (free if cfg.matrix_free else cost.exact, cost.exact)
    return np.array([[[count(m, k) for k in cfg.ranks] for count in each] for m in masks])
