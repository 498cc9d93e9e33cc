"""Descents from random starts, one a seed, split over the mesh.

Shapes: S records.
"""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import quadratic

CHUNK = 5  # records in one call, between two looks at the clock
STREAMS = ("start",)  # of a seed's random numbers


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """TODO: name every array with its axes, as here.

    loss [seed, S]: after each of the steps
    step [S], lr [], flattest []: step numbers, step size, smallest curvature
    """
    begin, descend = ensemble(cfg, mesh)
    state = begin(keys.split(cfg.seeds, STREAMS)["start"])

    def advance(state, first, strides):
        return descend(state, strides)

    _, loss = loops.recorded(scratch, "descents", advance, state, records(cfg), chunk=CHUNK)
    return {
        "loss": loss,
        "step": records(cfg),
        "lr": np.array(cfg.lr),
        "flattest": np.array(cfg.flattest),
    }


def records(cfg) -> np.ndarray:
    """Steps at which the loss is taken.  -> [S]"""
    return np.arange(cfg.every, cfg.steps + 1, cfg.every)


def ensemble(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed]:
    """Keys [seed] -> state [seed, D]; state, strides [S] -> state, loss [seed, S]."""
    curvature = quadratic.curvatures(cfg.dim, cfg.flattest)
    begin = partial(quadratic.start, dim=cfg.dim)
    how = {"curvature": curvature, "lr": cfg.lr, "momentum": cfg.momentum}
    descend = partial(quadratic.descend, **how)
    return sharding.vmap_over(mesh, begin), sharding.vmap_over(mesh, descend, shared=(1,))


def programs(cfg, mesh: Mesh) -> list[Program]:
    """What takes the time of a run, from the same functions as `run`: the chunks of the descents.

    TODO: one a loop or computation with a real share, heaviest first; calls: how often a whole run
    calls it, trips: mean turns of a loop whose length it is told, here the steps of a record.
    """
    begin, descend = ensemble(cfg, mesh)
    state = jax.eval_shape(begin, jax.eval_shape(lambda: keys.split(cfg.seeds, STREAMS)["start"]))
    calls = -(-len(records(cfg)) // CHUNK)
    trips = cfg.steps / (calls * CHUNK)
    return [descend.program("descents", state, np.zeros(CHUNK, int), calls=calls, trips=trips)]
