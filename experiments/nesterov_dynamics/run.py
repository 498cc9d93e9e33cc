"""Immersion and its manifold, iterates beside dynamics, rates, cycles, acceleration.

Shapes: S seeds, T times, K steps; `method` runs over cfg.methods.
"""

from functools import partial, reduce

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.optim import first_order
from common.programs import Program

from . import descent, dynamics, problems

OBSERVED = 41  # times that the manifold is looked at, from 0 to 1
LINEAR = np.array([1, 0])  # of the two regressions
CYCLE_START, CYCLE_STEPS = 3.3, 60  # Lessard, Recht & Packard 2016
DESCENT_STEPS = 300  # on a random quadratic of kappas[0]
BINS = np.linspace(0, 1, 101)


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """problem: least squares, logistic. pair: (Nesterov, heavy ball, Nesterov by the plain one).

    seeds [seed], rho [], epsilons [eps], fractions [fraction] (steps s, in 1/L), kappas [kappa],
        gamma []
    watched [T], off [seed, problem, T]: |z + c grad f|
    apart [seed, problem, eps]: |x - x_flow| / |x_0| at t = 1
    modal [seed, 2, T, D]: least squares along its axes, by steps and in closed form
    tracking [seed, pair, problem, fraction]: sup |x_k - X| / |x_0|
    worst [seed, method]: largest contraction a step; counts [method, bin], edges [bin + 1]: of all
    ends [seed, method, start, 6]: |x_k| of late steps on the counterexample
    cycling [method, K]: |x_k| there; falling [method, K]: |x_k| / |x_0| on a random quadratic
    convex [seed, (random, zero), K], at [K]: f(x_k) - f* over f(x_0) - f*
    bounded [seed, (random, zero), K]: f(x_k) - f* over the bound
    needed [seed, kappa]: steps of Nesterov's method; stepped [seed, (immersion, Nesterov), kappa]
    portrait [gamma, start, T, (x, z)], portrait_gammas [gamma]: of f' = x + 3 tanh x
    """
    found = {name: np.array(cfg[name]) for name in ("seeds", "epsilons", "fractions", "kappas")}
    found |= {"rho": np.array(1 - np.sqrt(cfg.m / cfg.L)), "gamma": np.array(cfg.gamma)}
    parts = {
        "flows": (("off", "apart", "modal"), flows),
        "tracking": (("tracking",), tracking),
        "rates": (("worst", "counts"), rates),
        "cycles": (("ends",), cycles),
        "convex": (("convex", "bounded"), convex),
        "needed": (("needed", "stepped"), needed),
    }
    drawn = inputs(cfg)
    for name, (arrays, part) in parts.items():
        if scratch.wants(*arrays):
            each = sharding.vmap_over(mesh, partial(part, cfg))
            found |= scratch.cached(name, lambda each=each: sharding.gather(each(drawn)))
    if scratch.wants("cycling", "falling", "portrait"):
        draw, first = jax.jit(partial(pictures, cfg)), jax.tree.map(lambda x: x[0], drawn)
        found |= scratch.cached("pictures", lambda: sharding.gather(draw(first)))
    if "counts" in found:
        found |= {"counts": found["counts"].sum(axis=0), "edges": BINS}
    found |= {"watched": np.linspace(0, 1, OBSERVED), "at": recorded(cfg)}
    return found | {"portrait_gammas": np.array(dynamics.PORTRAIT_GAMMAS)}


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def inputs(cfg) -> dict:
    """The numbers of every seed, as regressions, starts and what functions are made of."""
    regression = problems.numbers(cfg.examples, cfg.dim)
    normal = {"data": (regression,), "start": (2, cfg.dim), "convex": (cfg.width,)}
    uniform = {"functions": (7, cfg.functions), "cycle": (cfg.started,), "spectrum": (cfg.dim,)}
    streams = keys.split(cfg.seeds, (*normal, *uniform))
    found = keys.draws({n: streams[n] for n in normal}, normal)
    found |= keys.draws({n: streams[n] for n in uniform}, uniform, keys.uniform)
    data = problems.regressions(found["data"], cfg.examples, cfg.dim, cfg.L, cfg.m)
    return found | {"data": data}


def flows(cfg, seed) -> dict:
    """One seed: the manifold attracts, fast and slow motion separate, modes of a quadratic."""
    x0, z0 = seed["start"]
    knobs = {"hessian": cfg.hessian, "immersed": cfg.immersed}
    gammas = np.array([cfg.gamma, *(1 / np.array(cfg.epsilons))])
    grid = {"kept": OBSERVED, "steps": cfg.fine // (OBSERVED - 1)}

    def of_regression(linear):
        grad = partial(problems.slope, seed["data"], linear)
        flow = dynamics.course(lambda x, t: -cfg.c * grad(x), x0, **grid)[-1]

        def of(gamma):
            terms = dynamics.immersion(cfg.c, gamma, **knobs)
            states = dynamics.course(dynamics.field(grad, terms), (x0, z0), **grid)
            apart = jnp.linalg.norm(states[0][-1] - flow) / jnp.linalg.norm(x0)
            return states[0], dynamics.off_manifold(grad, cfg.c, states), apart

        return jax.vmap(of)(gammas)

    x, off, apart = jax.vmap(of_regression)(LINEAR)
    curvature, turn, least = problems.quadratic(seed["data"])
    start = (turn.T @ (x0 - least), turn.T @ z0)
    exact = dynamics.modes(curvature, cfg.c, cfg.gamma, *start, jnp.linspace(0, 1, OBSERVED))
    modal = jnp.stack([(x[0, 0] - least) @ turn, exact])
    return {"off": off[:, 0], "apart": apart[:, 1:], "modal": modal}


def tracking(cfg, seed) -> dict:
    """One seed: every pair of method and dynamics, on both regressions, at every step size."""
    until = cfg.horizon / np.sqrt(cfg.m)
    steps = np.array(cfg.fractions) / cfg.L
    how = {"count": int(until / np.sqrt(min(steps))) + 1, "until": until, "substeps": cfg.substeps}
    hessian = np.array([cfg.hessian, cfg.ball_hessian, False], float)

    def sup(pair, linear, step):
        grad = partial(problems.slope, seed["data"], linear)
        return dynamics.tracking(grad, seed["start"][0], step, pair, cfg.m, **how)

    axes = ((None, None, 0), (None, 0, None), (0, None, None))
    each = reduce(jax.vmap, axes, sup)
    return {"tracking": each(dynamics.PAIRS._replace(hessian=hessian), LINEAR, steps)}


def methods(cfg, L=None) -> list:
    """Those of cfg, for L-smooth functions."""
    return [descent.method(name, L or cfg.L, cfg.m) for name in cfg.methods]


def rates(cfg, seed) -> dict:
    """One seed: contraction a step of every method on random functions."""
    f, x0 = problems.selfsimilar(seed["functions"], cfg.period, cfg.L, cfg.m)
    first, last, end = cfg.span
    grad = partial(problems.slope_of, f)
    sizes = [jnp.abs(descent.iterates(tx, grad, x0, end)) for tx in methods(cfg)]
    rate = jnp.stack([descent.rates(x, first, last) for x in sizes])
    counts = [jnp.histogram(of_method, BINS)[0] for of_method in rate]
    return {"worst": rate.max(axis=1), "counts": jnp.stack(counts)}


def cycles(cfg, seed) -> dict:
    """One seed: late steps on the counterexample from random starts."""
    low, high = cfg.starts
    x0 = low + (high - low) * seed["cycle"]
    x = [descent.iterates(tx, problems.kinked, x0, cfg.late + 5)[-6:] for tx in methods(cfg)]
    return {"ends": jnp.abs(jnp.stack(x)).swapaxes(1, 2)}


def recorded(cfg) -> np.ndarray:
    """Steps at which convex functions are looked at.  -> [K]"""
    return np.unique(np.geomspace(1, cfg.convex_steps, 200).round().astype(int))


def convex(cfg, seed) -> dict:
    """One seed: f on Nesterov's tridiagonal matrix, from a random start about x* and from 0."""
    L, at = problems.LARGEST, recorded(cfg)
    tx = first_order.nag_c(L) if cfg.momentum else descent.plain(L)

    def of(x0):
        found = descent.gaps(tx, problems.tridiagonal, problems.above, x0, at)
        square = jnp.sum((x0 - problems.solution(cfg.width)) ** 2)
        return found / problems.above(x0), found * (at + 1) ** 2 / (2 * L * square)

    random = problems.solution(cfg.width) + seed["convex"]
    found, bounded = jax.vmap(of)(jnp.stack([random, jnp.zeros(cfg.width)]))
    return {"convex": found, "bounded": bounded}


def needed(cfg, seed) -> dict:
    """One seed: steps to an accuracy on random quadratics, of the method and of dynamics."""
    x0 = seed["start"][0]

    def of(kappa):
        L = kappa * cfg.m
        curvature = problems.curvatures(seed["spectrum"], L, cfg.m)
        tx = first_order.nag_sc(L, cfg.m) if cfg.momentum else descent.plain(L)
        fine = dynamics.high_resolution(1 / L, cfg.m)
        own = dynamics.immersion(fine.hessian, fine.damping, immersed=cfg.immersed)
        pair = jax.tree.map(lambda *a: jnp.stack(jnp.broadcast_arrays(*a)), own, fine)
        stepped = jax.vmap(lambda t: dynamics.steps_of(curvature, t, x0, cfg.explicit))(pair)
        return descent.steps_to(tx, curvature, x0, cfg.accuracy), stepped

    steps, stepped = jax.vmap(of)(jnp.array(cfg.kappas))
    return {"needed": steps, "stepped": stepped.T}


def pictures(cfg, seed) -> dict:
    """Single courses: the counterexample, a random quadratic, phase portraits."""
    start, L, x0 = jnp.array([CYCLE_START]), cfg.kappas[0] * cfg.m, seed["start"][0]
    curvature = problems.curvatures(seed["spectrum"], L, cfg.m)
    bowl = lambda x: curvature * x  # noqa: E731
    cycling = [descent.lengths(tx, problems.kinked, start, CYCLE_STEPS) for tx in methods(cfg)]
    falling = [descent.lengths(tx, bowl, x0, DESCENT_STEPS) for tx in methods(cfg, L)]
    drawn = {"cycling": jnp.stack(cycling), "falling": jnp.stack(falling) / jnp.linalg.norm(x0)}
    return drawn | {"portrait": dynamics.portraits(problems.bend, cfg.c)}
