"""Ensembles of runs over learning rate and seed, and thresholds of random gradients.

Shapes: S seeds, L learning rates, M = S L runs (a run's data and order depend on its seed alone),
R records, N examples, D inputs, K hidden units.
"""

from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import descent, minima, nets, problems, theory

ORDER, RELU_ORDER = 0, 1  # streams of a seed's key; then those of DRAWS
FLAT, DEEP = ("data",), ("relu data", "teacher", "relu init")
LINEAR = ("gradients", "frame", "inputs", "uv", "wa")
DRAWS = FLAT + DEEP + LINEAR
RUNS = ("lr", "loss", "trace", "steps", "sharpness", "threshold", "error", "norm")  # of an arm
THEORY = ("random_threshold", "random_radius", "random_trace", "random_sharpness", "equivalence")


class Arm(NamedTuple):
    """One ensemble of descents, over learning rate and seed; runs over the data axis."""

    name: str
    title: str
    draws: tuple[str, ...]  # that `begin` takes
    begin: sharding.Placed  # draws [M, …] -> params, problem
    train: sharding.Placed  # seed, lr, params, problem [M, …], first step: see `descent.train`
    finish: sharding.Placed  # params, problem [M, …] -> see `minima`
    lrs: tuple[float, ...]
    every: int  # steps between two records


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Descents on both networks, observed `records` times, and the linear theory.

    lr, gd_lr, relu_lr [L], batch [B] (the one of the bound, cfg.batches, the one for infinity)
    loss, trace [seed, L, R]: SGD on the diagonal network, the loss and tr H;  gd_loss, gd_trace:
    gradient descent;  relu_loss, relu_trace: SGD on the ReLU network;  steps, gd_steps,
    relu_steps [R]: when
    sharpness, gd_sharpness, relu_sharpness [seed, L]: lambda_max of H at the end
    threshold, gd_threshold [seed, L]: largest lr at which SGD of batch 1 is stable there
    error, gd_error, relu_error [seed, L]: squared error on fresh inputs, expected or (relu) of a
    sample over the mean square of the targets
    norm, gd_norm [seed, L]: |u^2 - v^2|_1;  relu_norm [seed, L]: path norm
    random_threshold, random_radius [seed, draw, B]: of Gaussian gradients, the spectral radius
    being that at the threshold;  random_trace, random_sharpness [seed, draw]: of their H;
    the last draw is one of orthogonal gradients of equal norms
    equivalence [seed, 2, 2]: (diagonal, ReLU) x (tr H on many inputs, the norm)
    """
    streams = {name: keys.fold(cfg.seeds, i) for i, name in enumerate(DRAWS, RELU_ORDER + 1)}
    normal = keys.draws(streams, shapes(cfg))
    found = {}
    if scratch.wants(*THEORY, "batch"):
        batches = np.array((cfg.batch, *cfg.batches, cfg.large), float)
        how = {"tilt": cfg.tilt, "spread": cfg.spread, "scale": cfg.relu_scale}
        linear = sharding.vmap_over(mesh, partial(theory.linear, batches=batches, **how))
        chosen = {name: normal[name] for name in LINEAR}
        found = {"batch": batches} | scratch.cached("theory", lambda: linear(chosen))
    for arm in arms(cfg, mesh):
        if scratch.wants(*(arm.name + name for name in RUNS)):
            at = np.arange(1, cfg.records + 1) * arm.every
            make = partial(ensemble, scratch, arm, cfg.seeds, normal, at)
            runs = scratch.cached(arm.name + "runs", make)
            runs |= {"lr": np.array(arm.lrs), "steps": at}
            found |= {arm.name + name: values for name, values in runs.items()}
    return found


def shapes(cfg) -> dict[str, tuple[int, ...]]:
    """Of what is drawn for a seed, under every name of DRAWS."""
    examples, side = cfg.relu_samples + cfg.relu_tests, (cfg.parameters, cfg.parameters)
    first = (cfg.relu_inputs + 1, cfg.relu_width)
    return {
        "data": (cfg.samples, cfg.inputs),
        "relu data": (examples, cfg.relu_inputs),
        "teacher": (cfg.relu_inputs, cfg.teacher),
        "relu init": first,
        "gradients": (cfg.draws, cfg.examples, cfg.parameters),
        "frame": side,
        "inputs": (cfg.many, cfg.relu_inputs),
        "uv": (2, cfg.relu_inputs),
        "wa": first,
    }


def arms(cfg, mesh: Mesh) -> tuple[Arm, Arm, Arm]:
    """SGD on the diagonal network, gradient descent on it, SGD on the ReLU network."""
    over = partial(sharding.vmap_over, mesh)
    sparse = {"spread": cfg.spread, "active": cfg.active, "start": cfg.start}
    flat = over(partial(problems.diagonal, **sparse))
    taught = {"spread": cfg.spread, "scale": cfg.relu_scale, "samples": cfg.relu_samples}
    deep = over(partial(problems.relu, **taught))
    flat_end, deep_end = over(minima.diagonal, at_once=1), over(minima.relu, at_once=1)

    def train(net, stream, lrs, batch, every, ramp):
        how = {"net": net, "stream": stream, "slowest": min(lrs), "ramp": ramp}
        return over(partial(descent.train, batch=batch, every=every, **how), shared=(4,))

    sgd = train(nets.diagonal, ORDER, cfg.lrs, cfg.batch, cfg.every, cfg.ramp)
    gd = train(nets.diagonal, ORDER, cfg.gd_lrs, 0, cfg.gd_every, cfg.gd_ramp)
    lrs, every = cfg.relu_lrs, cfg.relu_every
    relu = train(nets.relu, RELU_ORDER, lrs, cfg.batch, every, cfg.relu_ramp)
    return (
        Arm("", "SGD, diagonal", FLAT, flat, sgd, flat_end, cfg.lrs, cfg.every),
        Arm("gd_", "descent, diagonal", FLAT, flat, gd, flat_end, cfg.gd_lrs, cfg.gd_every),
        Arm("relu_", "SGD, ReLU", DEEP, deep, relu, deep_end, lrs, every),
    )


def ensemble(scratch, arm: Arm, seeds, normal, at) -> dict[str, np.ndarray]:
    """All runs of an arm.  -> arrays [seed, L, …] as in `run`, without the arm's name"""
    which, lr = np.repeat(np.arange(len(seeds)), len(arm.lrs)), np.tile(arm.lrs, len(seeds))
    params, problem = arm.begin({name: normal[name][which] for name in arm.draws})
    seed = np.array(seeds)[which]

    def advance(params, first, _):
        return arm.train(seed, lr, params, problem, first)

    params, seen = loops.recorded(scratch, arm.name + "runs", advance, params, at)
    last = seen | sharding.gather(arm.finish(params, problem))
    return {name: x.reshape(len(seeds), -1, *x.shape[1:]) for name, x in last.items()}


def programs(cfg, mesh: Mesh) -> list[Program]:
    """A stretch of every ensemble, then what is measured at its end."""
    stretches, ends, sizes = [], [], shapes(cfg)
    for arm in reversed(arms(cfg, mesh)):
        runs = np.zeros(len(cfg.seeds) * len(arm.lrs))
        normal = {k: jax.ShapeDtypeStruct(runs.shape + sizes[k], runs.dtype) for k in arm.draws}
        state = jax.eval_shape(arm.begin, normal)
        arguments = runs.astype(int), runs, *state, 0
        stretches.append(arm.train.program(arm.title, *arguments, calls=cfg.records))
        ends.append(arm.finish.program(f"end of {arm.title}", *state, calls=1))
    return stretches + ends
