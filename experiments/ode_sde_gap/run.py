"""An exact study in one dimension; networks of a potential in the plane, trained with a penalty.

Shapes: S records, n samples.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program
from common.sde import mixture

from . import exact, fokker_planck, potential, sampling, shapes2d

STREAMS = ("phase", "points", "init", "train", "truth", "sample")
DISTANCES = ("w2_flow", "w2_sde", "w2_gap", "w2_floor", "left_out_flow", "left_out_sde")
PICTURE = ("density_truth", "density_sde", "density_flow")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """deltas [delta], weights [weight], box [], lost [S] the steps of the losses

    gap, flow_error, sde_error, residual [seed, delta]: W2 of (flow, SDE), (flow, data), (SDE, data)
        in one dimension, and the residual's root mean square
    equation [seed, 2, point]: both sides of the log Fokker-Planck equation of an exact density
    loss [seed, set, weight, S] (one record if exact)
    squares [seed, set, weight]: mean squared residual in the box
    w2_flow, w2_sde, w2_gap, w2_floor [seed, set, weight]: squared W2 in the plane
    left_out_flow, left_out_sde [seed, set, weight]: shares of the samples outside the box
    density_truth, density_sde, density_flow [set, weight, bin, bin]: of the first seed, if wanted
    """
    streams = keys.split(cfg.seeds, STREAMS)
    sizes = {"deltas": np.array(cfg.deltas), "weights": np.array(cfg.weights)}
    arrays = sizes | {"box": np.array(cfg.box), "lost": records(cfg)}
    if scratch.wants("gap", "flow_error", "sde_error", "residual", "equation"):
        arrays |= scratch.cached("exact", lambda: exactly(cfg, mesh, streams))
    cells = {name: partial(trained, cfg, mesh, scratch, name, streams) for name in cfg.sets}
    if scratch.wants("loss", "squares", *DISTANCES, *PICTURE):
        found = scratch.cells(cells)
        for name in found[0]:
            arrays[name] = np.stack([part[name] for part in found], int(name not in PICTURE))
    return arrays


def records(cfg) -> np.ndarray:
    """Steps at which there is a loss.  -> [S]"""
    return np.arange(cfg.every, cfg.steps + 1, cfg.every)


def exact_study(cfg, mesh: Mesh):
    """gaps(phase keys, deltas), sides(point keys) of every seed, to be called in float64."""
    sizes = {"cells": cfg.cells, "steps": cfg.instants, "quantiles": cfg.quantiles}
    law = exact.known(cfg.means, cfg.std, cfg.horizon)
    one = partial(exact.gap, law=law, wave=cfg.wave, noise=cfg.noise, **sizes)

    def sides(key):
        where, when = jax.random.split(key)
        x = cfg.box * jax.random.uniform(where, (cfg.points, 2), jnp.float64, -1.0)
        t = jax.random.uniform(when, (cfg.points,), jnp.float64, 1e-5, cfg.end)
        rings = exact.Known(shapes2d.mixture("circles2", jnp.float64), exact.process(cfg.end))
        return jnp.stack(fokker_planck.sides(rings.log_density, x, t, g2=cfg.g2))

    return sharding.grid(mesh, one), sharding.vmap_over(mesh, sides)


def exactly(cfg, mesh: Mesh, streams) -> dict[str, np.ndarray]:
    """What needs no network."""
    with jax.enable_x64(True):
        gaps, sides = exact_study(cfg, mesh)
        found = gaps(streams["phase"], jnp.array(cfg.deltas, jnp.float64))
        return sharding.gather(found | {"equation": sides(streams["points"])})


def training(cfg, mesh: Mesh, name: str):
    """begin(keys) and train(keys, weights, state, first, stride), seeds x weights."""
    sde = exact.process(cfg.end)
    begin = partial(potential.begin, width=cfg.width, lr=cfg.lr)
    how = {"points": cfg.collocation, "edge": cfg.boundary, "box": cfg.box}
    how = {"how": how, "penalised": any(cfg.weights), "batch": cfg.batch, "lr": cfg.lr, "sde": sde}
    step = partial(potential.steps, draw=shapes2d.DRAWS[name], **how)
    return sharding.vmap_over(mesh, begin), sharding.vmap_over(mesh, step, shared=(3, 4))


def sampler(cfg, mesh: Mesh, name: str):
    """(params, sample keys, truth keys, point keys) -> samples [member, 4, n, 2], squares [member]

    Samples: two of the truth, then SDE and flow.
    """
    sde, mix = exact.process(cfg.end), shapes2d.mixture(name)

    def samples(params, key, truth, points):
        learned = partial(potential.score, params)
        known = mixture.exact_score(mix, sde)
        score = known if cfg.exact else lambda x, t: learned(x, jnp.full(x.shape[:1], t))
        size = {"samples": cfg.samples, "end": cfg.end, "nfe": cfg.nfe, "noise": cfg.noise}
        made = sampling.both(key, score, **size)
        draw = shapes2d.DRAWS[name]
        two = jnp.stack([draw(k, cfg.samples) for k in jax.random.split(truth)])
        where, when = jax.random.split(points)
        x = cfg.box * jax.random.uniform(where, (cfg.points, 2), minval=-1.0)
        t = jax.random.uniform(when, (cfg.points,), minval=1e-5, maxval=cfg.end)
        u = partial(potential.potential, params)
        return jnp.concatenate([two, made]), jnp.mean(fokker_planck.residual(u, x, t) ** 2)

    return sharding.vmap_over(mesh, samples)


def members(cfg, streams) -> tuple[dict, np.ndarray]:
    """Keys and weights of seeds x weights, seeds first.  -> stream -> [member], [member]"""
    each = len(cfg.weights)
    repeated = {name: jnp.repeat(key, each) for name, key in streams.items()}
    return repeated, np.tile(np.array(cfg.weights, np.float32), len(cfg.seeds))


def trained(cfg, mesh: Mesh, scratch, name: str, streams) -> dict[str, np.ndarray]:
    """One set, all seeds and weights together."""
    key, weights = members(cfg, streams)
    begin, train = training(cfg, mesh, name)

    def advance(state, first, strides):
        return train(key["train"], weights, state, first, strides[0])

    at = records(cfg)[: 1 if cfg.exact else None]  # a known score needs no training
    state, loss = loops.recorded(scratch, f"training-{name}", advance, begin(key["init"]), at)
    draw = sampler(cfg, mesh, name)
    made, squares = sharding.gather(
        draw(state.params, *(key[k] for k in ("sample", "truth", "points")))
    )
    both = {"box": cfg.box, "matched": cfg.matched}
    truth, other, sde, flow = made.swapaxes(0, 1)
    each = [sampling.compared(*four, **both) for four in zip(truth, other, sde, flow, strict=True)]
    found = {k: np.array([one[k] for one in each]) for k in DISTANCES}
    found |= {"loss": loss, "squares": squares}
    found = {k: v.reshape(len(cfg.seeds), len(cfg.weights), *v.shape[1:]) for k, v in found.items()}
    first = range(len(cfg.weights))
    for title, of in zip(PICTURE, (truth, sde, flow), strict=True):
        found[title] = np.stack([sampling.counts(of[i], cfg.box) for i in first])
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Training and samples of every set, then the exact study."""
    streams = jax.eval_shape(lambda: keys.split(cfg.seeds, STREAMS))
    each = len(cfg.seeds) * len(cfg.weights)
    key = jax.ShapeDtypeStruct((each,), streams["init"].dtype)
    weights, calls = np.zeros(each, np.float32), len(records(cfg))
    made = []
    for name in cfg.sets:
        begin, train = training(cfg, mesh, name)
        state = jax.eval_shape(begin, key)
        args = (key, weights, state, 0, np.int64(0))
        made.append(train.program(f"training {name}", *args, calls=calls, trips=cfg.every))
        samples = sampler(cfg, mesh, name)
        made.append(samples.program(f"samples {name}", state.params, key, key, key, calls=1))
    return made
