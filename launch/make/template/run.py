"""Descents from random starts, one a seed, split over the mesh."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import sharding

from . import quadratic


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """TODO: name every array with its axes, as here.

    loss [seed, S]: before each step
    step [S], lr [], flattest []: step numbers, step size, smallest curvature
    """
    descents = partial(ensemble(cfg, mesh), jnp.asarray(cfg.seeds))
    found = scratch.cached("descents", lambda: {"loss": sharding.gather(descents())})
    return {
        "loss": found["loss"],
        "step": np.arange(cfg.steps),
        "lr": np.array(cfg.lr),
        "flattest": np.array(cfg.flattest),
    }


def ensemble(cfg, mesh: Mesh) -> Callable:
    """The function seeds [seed] -> loss [seed, S], seeds split over the data axis."""
    curvature = quadratic.curvatures(cfg.dim, cfg.flattest)
    how = {"curvature": curvature, "lr": cfg.lr, "momentum": cfg.momentum, "steps": cfg.steps}
    descend = partial(quadratic.descend, **how)
    return sharding.vmap_over(mesh, lambda seed: descend(jax.random.key(seed)))


def abstract_step(cfg, mesh: Mesh) -> tuple[Callable, tuple]:
    """What `run` compiles for its heaviest part, and its arguments' shapes."""
    count = len(cfg.seeds) + -len(cfg.seeds) % mesh.shape[sharding.DATA]
    dtype = jax.dtypes.canonicalize_dtype(int)
    split = sharding.sharded(mesh, sharding.DATA)
    return ensemble(cfg, mesh).jitted, (jax.ShapeDtypeStruct((count,), dtype, sharding=split),)


def steps(cfg) -> int:
    """How often a whole run calls the function of `abstract_step`."""
    return 1
