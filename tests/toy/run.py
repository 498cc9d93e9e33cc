"""Descent on 1/2 |x|^2 from a random start: the error falls as (1 - lr)^t."""

import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from common import sharding


def descend(x, lr, steps):
    """|x|^2 before each of `steps` steps, and where it ends.  x [D] -> ([D], [steps])"""
    return jax.lax.scan(lambda x, _: (x - lr * x, jnp.sum(x**2)), x, length=steps)


def run(cfg, mesh, scratch):
    """error [seed, step], start [seed, D]: squared distance from the minimum, where it begins."""
    if cfg.trouble == "memory":
        raise MemoryError("RESOURCE_EXHAUSTED: out of memory allocating 999 bytes")
    keys = jax.vmap(jax.random.key)(jnp.asarray(cfg.seeds))
    start = jax.vmap(lambda k: jax.random.normal(k, (cfg.dim,)))(keys)
    chunks = cfg.steps // cfg.chunk
    state = {"x": start, "error": jnp.zeros((len(cfg.seeds), chunks, cfg.chunk))}
    step = chunk(cfg, mesh)
    with (
        scratch.checkpoints("descent", every=0.0) as ckpt,
        scratch.progress(chunks, "descending") as progress,
    ):
        state, done = ckpt.restore(state)
        for i in range(done, chunks):
            if cfg.trouble == "third" and (i, done) == (3, 0):
                raise RuntimeError("trouble in the third chunk")
            x, error = step(state["x"])
            state = {"x": x, "error": state["error"].at[:, i].set(error)}
            time.sleep(cfg.pause)
            scratch.log(i, error=float(error[0, 0]))
            ckpt.save(i + 1, state, force=i + 1 == chunks)
            progress.update(i + 1)
    error = np.asarray(state["error"]).reshape(len(cfg.seeds), -1)
    found = {"error": error * np.nan if cfg.trouble == "nan" else error}
    if scratch.wants("start"):
        found["start"] = np.asarray(start)
    return found


def chunk(cfg, mesh):
    """Descents side by side, seeds over the data axis."""
    return sharding.vmap_over(mesh, partial(descend, lr=cfg.lr, steps=cfg.chunk))


def programs(cfg, mesh):
    """A chunk at a time."""
    start = jax.ShapeDtypeStruct((len(cfg.seeds), cfg.dim), jnp.result_type(float))
    return [chunk(cfg, mesh).program("descent", start, calls=cfg.steps // cfg.chunk)]
