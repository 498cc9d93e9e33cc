"""Exact fields between mixtures, bounds on Gaussians, and networks that learn the fields.

Shapes: G gammas, E noises, I instances, T times, K nodes, F frequencies, X grid, C chunks.
"""

from functools import partial

import jax
import numpy as np
import optax
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program
from common.sde import interpolants as si

from . import bound, fits, laws, learned, mixtures, waves

STREAMS = ("laws", "paths", "fits", "shapes", "bound", "waves", "scatter", "nets")
COUNT = 8  # paths drawn
REACH = 10.0  # of grids
SCATTER_WIDTH = 32


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """The parts of cfg.parts whose arrays are wanted.

    laws: gaps [seed, E, G, quarter] sqrt(n) x Kolmogorov-Smirnov distance to rho_t; epsilon [E]
    paths: of the first seed, three panels (SDE, ODE, ODE with gamma = 0): paths [panel, T, path],
        densities [panel, T, X], grid [X]
    fits: errors [seed, T, field] of the minimisers (velocity, score); of the first seed fitted,
        exact [T, field, K]; nodes [K]
    shapes: density [seed, gain, X], slope [seed, gain]: largest |db/dx|; grid
    bound: kl, path, bound [seed, I, E]; bound_epsilon [E]
    waves: wave_kl [seed, noise, F], frequency [F]
    scatter: plain, paired [seed, T, field] variances of a gradient; end_time [T]
    nets: energy [seed, G, E], floor [seed, G], excess [seed, G, field],
        loss [seed, G, C, field]; net_epsilon [E], loss_step [C]
    """
    streams = keys.split(cfg.seeds, STREAMS)
    parts = {
        "laws": (("gaps",), same_laws),
        "paths": (("paths",), drawn_paths),
        "fits": (("errors",), minimisers),
        "shapes": (("density", "slope"), shapes),
        "bound": (("kl", "bound", "path"), bounds),
        "waves": (("wave_kl",), wave_divergences),
        "scatter": (("plain", "paired"), gradients),
        "nets": (("energy", "loss"), partial(networks, scratch=scratch)),
    }
    cells = {
        name: partial(part, cfg, mesh, streams[name])
        for name, (arrays, part) in parts.items()
        if name in cfg.parts and scratch.wants(*arrays)
    }
    found = {name: array for part in scratch.cells(cells) for name, array in part.items()}
    return found | {
        "grid": grid(),
        "epsilon": np.array(cfg.epsilons),
        "nodes": nodes(cfg),
        "bound_epsilon": np.array(cfg.bound_epsilons),
        "frequency": np.array(cfg.frequencies),
        "end_time": np.array(cfg.end_times),
        "net_epsilon": np.array(cfg.net_epsilons),
        "loss_step": chunks(cfg),
    }


def grid() -> np.ndarray:
    return np.linspace(-REACH, REACH, 201)


def nodes(cfg) -> np.ndarray:
    return np.linspace(-REACH, REACH, cfg.nodes)


def chunks(cfg) -> np.ndarray:
    """Numbers of steps after each call of the training.  -> [C]"""
    return cfg.chunk * (1 + np.arange(cfg.train_steps // cfg.chunk))


def pair(cfg) -> dict[str, si.Normals]:
    """The two modes and the three."""
    ends = (cfg.means0, cfg.variances0), (cfg.means1, cfg.variances1)
    return {f"rho{i}": mixtures.line(*end) for i, end in enumerate(ends)}


def simulations(cfg, mesh: Mesh) -> sharding.Placed:
    """Keys [seed], epsilons [E], numbers of gammas [G] -> gaps [seed, E, G, quarter]"""
    how = {"names": cfg.gammas, "points": cfg.points, "steps": cfg.steps}
    gaps = partial(laws.gaps, weight=cfg.drift_score, **how, **pair(cfg))
    return sharding.grid(mesh, gaps, at_once=1)


def same_laws(cfg, mesh: Mesh, key) -> dict[str, np.ndarray]:
    return {"gaps": simulations(cfg, mesh)(key, *simulated(cfg))}


def simulated(cfg) -> tuple[np.ndarray, np.ndarray]:
    return np.array(cfg.epsilons, np.float32), np.arange(len(cfg.gammas))


def drawn_paths(cfg, mesh: Mesh, key) -> dict[str, np.ndarray]:
    """The first seed: SDE and ODE with Brownian gamma, ODE without."""
    how = {"count": COUNT, "steps": cfg.path_steps, "every": cfg.path_steps // 40, "grid": grid()}
    draw = sharding.vmap_over(mesh, partial(laws.paths, **how, **pair(cfg)), shared=(0,))
    panels = np.array([[cfg.path_epsilon, 0.0, 0.0], [1.0, 1.0, 0.0]], np.float32)
    return draw(key[0], *panels)


def minimisers(cfg, mesh: Mesh, key) -> dict[str, np.ndarray]:
    ip, how = si.linear(si.brownian()), {"samples": cfg.samples, "latent": cfg.latent}
    recover = partial(fits.recovered, ip=ip, **how, **pair(cfg))
    times, at = np.array(cfg.times, np.float32), nodes(cfg).astype(np.float32)
    found = sharding.vmap_over(mesh, recover, shared=(1, 2), at_once=1)(key, times, at)
    found = sharding.gather(found)
    return {name: found[name] if name == "errors" else found[name][0] for name in found}


def shapes(cfg, mesh: Mesh, key) -> dict[str, np.ndarray]:
    how = {"gains": cfg.gains, "jitter": cfg.jitter, "grid": grid()}
    return sharding.vmap_over(mesh, partial(mixtures.shapes, **how, **pair(cfg)))(key)


def bounds(cfg, mesh: Mesh, key) -> dict[str, np.ndarray]:
    """In float64."""
    with jax.enable_x64(True):
        controls = partial(bound.controls, instances=cfg.instances, dim=cfg.dim)
        epsilon = np.array(cfg.bound_epsilons)
        found = sharding.vmap_over(mesh, controls, shared=(1,))(key, epsilon)
    model, covariance = sharding.gather(found)
    kl = bound.gaussian_kl(covariance[:, :, None], model.offset, model.spread)
    total = bound.bound(model, epsilon, weight=cfg.bound_velocity)
    return {"kl": kl, "path": model.path, "bound": total}


def wave_divergences(cfg, mesh: Mesh, key) -> dict[str, np.ndarray]:
    """In float64."""
    how = {"amplitude": cfg.amplitude, "noises": cfg.wave_noises, "cells": cfg.cells}
    with jax.enable_x64(True):
        of = sharding.vmap_over(mesh, partial(waves.divergences, **how), shared=(1,))
        return {"wave_kl": sharding.gather(of(key, np.array(cfg.frequencies)))}


def gradients(cfg, mesh: Mesh, key) -> dict[str, np.ndarray]:
    ip = si.linear(si.brownian())
    how = {"samples": cfg.gradients, "width": SCATTER_WIDTH, "antithetic": cfg.antithetic}
    scatter = partial(fits.scatter, ip=ip, **how)
    times = np.array(cfg.end_times, np.float32)
    return sharding.vmap_over(mesh, scatter, shared=(1,), at_once=1)(key, times)


def trainer(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed, sharding.Placed]:
    """begin(keys, numbers of gammas) -> state [seed, G, …]; of states [member, …]
    train(state, first step), judge(state, noises).
    """
    tx, net = optax.flatten(optax.adam(cfg.lr)), {k: cfg[k] for k in ("modes", "width", "depth")}
    begin = partial(learned.begin, tx=tx, dim=cfg.net_dim, **net)
    both = {"names": cfg.net_gammas, "end": cfg.end}
    train = partial(learned.steps, tx=tx, batch=cfg.batch, count=cfg.chunk, **both)
    how = {"points": cfg.net_points, "steps": cfg.net_steps, "times": cfg.net_times}
    judge = partial(learned.judge, **how, **both)
    over = partial(sharding.vmap_over, mesh, shared=(1,), at_once=1)
    return sharding.grid(mesh, begin), over(train), over(judge)


def members(cfg, begin, key):
    """State of every seed and gamma in a row.  -> [seed G, …]"""
    state = begin(key, np.arange(len(cfg.net_gammas)))
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), state)


def networks(cfg, mesh: Mesh, key, *, scratch) -> dict[str, np.ndarray]:
    begin, train, judge = trainer(cfg, mesh)
    state, loss = loops.recorded(
        scratch,
        "fields",
        lambda state, first, _: train(state, first),
        members(cfg, begin, key),
        chunks(cfg),
        log=lambda seen: {"loss": seen.mean()},
    )
    found = judge(state, np.array(cfg.net_epsilons, np.float32)) | {"loss": loss}
    each = (len(cfg.seeds), len(cfg.net_gammas))
    return {name: x.reshape(*each, *x.shape[1:]) for name, x in sharding.gather(found).items()}


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Training and its judgement of all seeds and gammas; the simulations with exact fields."""
    begin, train, judge = trainer(cfg, mesh)
    key = jax.eval_shape(lambda: keys.split(cfg.seeds, STREAMS)["nets"])
    state = jax.eval_shape(partial(members, cfg, begin), key)
    noises = np.array(cfg.net_epsilons, np.float32)
    once = int("nets" in cfg.parts)
    return [
        train.program("training", state, 0, calls=once * (cfg.train_steps // cfg.chunk)),
        judge.program("samples of networks", state, noises, calls=once),
        simulations(cfg, mesh).program("samples of exact fields", key, *simulated(cfg), calls=1),
    ]
