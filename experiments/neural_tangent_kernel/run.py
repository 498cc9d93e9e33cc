"""Ensembles of networks: kernels before and after training, trained functions, components.

Shapes: W widths, S seeds, B members of a seed, b trained ones of these, A angles, N points,
k components, T records.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import kept, limit, members, problems

STREAMS = ("kernels", "law", "components", "data", "directions", "sets")
KERNELS = ("start_apart", "start_along", "moved", "apart", "end_apart", "row_pair")
PIXELS = {"digits": 64, "mnist": 784, "fashion_mnist": 784}
COMPONENTS = ("second", "beside", "rate", "value")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """What the three figures show and the measures read; of kernels only their distances.

    width [W], angle [A], limit_row [A]: Theta_inf(x_0, .)
    start_apart, start_along [W, S, B]: of every network's Theta at the start, on 8 angles:
    |Theta - Theta_inf| / |Theta_inf|, and <Theta, Theta_inf> / |Theta_inf|^2
    moved [W, S, b]: |Theta_T - Theta_0| / |Theta_0| of trained networks on these angles
    apart, end_apart [W, S, b]: |f_t - its prediction from the initial kernel| / |f_0 - goal| on
    the training points, the largest of all steps and that of the last
    row_pair [2, S, b, 2, A]: Theta(x_0, .) at start and end, for the first width and the last
    law_width [V], law_angle [A], curves [V, S, C, A]: trained functions
    law [2, A], law_points [2, N]: mean and variance of their limit; training angles and values
    component_width [U], value [S, k]: eigenvalues over N
    second, beside [U, S, T]: f_t - f_0 along the second component and the norm of what is beside
    it, over the goal's norm, before each step towards a goal along that component
    rate [U, S, k]: fitted decay a step of what is left along every component, in a descent
    towards a goal that has them all alike
    rate_lr []: step size of these descents
    definite, definite_linear [S, sets, 2]: extreme eigenvalues of Theta_inf at random points
    """
    streams = keys.split(cfg.seeds, STREAMS)
    study = partial(over_widths, scratch)
    out = scratch.cached("limits", partial(limits, cfg, streams))
    limit_gram = out.pop("limit_gram")
    if scratch.wants(*KERNELS):
        seeds, trained = (streams["kernels"], train_points(cfg, streams)), np.arange(cfg.trained)
        found = study("training", partial(training, cfg, mesh), cfg.widths, seeds, trained)
        starts, rest = found["gram_pair"][:, :, :, 0], np.arange(cfg.trained, cfg.members)
        if rest.size:
            more = study("starts", partial(looking, cfg, mesh), cfg.widths, seeds[0], rest)
            starts = np.concatenate([starts, more["gram"]], axis=2)
        out |= kept.distances(found, starts, problems.target(seeds[1]), limit_gram)
    if scratch.wants("curves"):
        make, places = partial(fitting, cfg, mesh), np.arange(cfg.law_members)
        out |= study("functions", make, cfg.law_widths, streams["law"], places)
    if scratch.wants(*COMPONENTS):
        pixels = scratch.data(cfg.dataset).x_train
        data = scratch.cached("images", partial(images, cfg, pixels, streams))
        problem = streams["components"], data["x"], data["directions"]
        make = partial(decaying, cfg, mesh)
        found = study("components", make, cfg.component_widths, problem, np.arange(1))
        found = {name: array[:, :, 0] for name, array in found.items()}
        out |= {"value": data["value"], "rate": kept.rates(found.pop("along"))} | found
    return out | {
        "width": np.array(cfg.widths),
        "angle": problems.angles(cfg.angles),
        "law_width": np.array(cfg.law_widths),
        "law_angle": problems.between(cfg.angles),
        "component_width": np.array(cfg.component_widths),
        "rate_lr": np.array(cfg.component_lr),
    }


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The descents of every width, each called once for all seeds and members."""
    key = jax.eval_shape(partial(keys.split, cfg.seeds, STREAMS))["kernels"]

    def shape(*dims, dtype=jnp.float32):
        return jax.ShapeDtypeStruct((len(cfg.seeds), *dims), dtype)

    def each(name, make, widths, seeds, count):
        for width in sorted(widths, reverse=True):
            args = seeds, np.arange(count)
            yield make(cfg, mesh, width).program(f"{name} at width {width}", *args, calls=1)

    data = key, shape(cfg.samples, PIXELS[cfg.dataset]), shape(cfg.samples, cfg.components)
    points = shape(cfg.points, 2, dtype=jnp.result_type(float))
    return [
        *each("components", decaying, cfg.component_widths, data, 1),
        *each("training", training, cfg.widths, (key, points), cfg.trained),
        *each("functions", fitting, cfg.law_widths, key, cfg.law_members),
    ]


def over_widths(scratch, name: str, make: Callable, widths, seeds, places) -> dict[str, np.ndarray]:
    """make(width) called on all seeds and places of members, stacked over the widths."""

    def cell(width):
        return make(width)(seeds, places)

    return loops.stack(scratch.cells({f"{name}-{w}": partial(cell, w) for w in widths}, name))


def ensemble(mesh: Mesh, member: Callable) -> sharding.Placed:
    """member(seed, place) for seeds x places: one at a time keeps its weights in the cache."""
    return sharding.grid(mesh, member, at_once=1)


def network(cfg, width: int) -> members.Network:
    options = {name: cfg[name] for name in ("depth", "activation", "beta", "standard", "power")}
    return members.network(width, **options)


def training(cfg, mesh: Mesh, width: int) -> sharding.Placed:
    options = {"lr": cfg.lr, "steps": cfg.steps, "angles": problems.angles(cfg.angles)}
    return ensemble(mesh, partial(members.train, network(cfg, width), **options))


def looking(cfg, mesh: Mesh, width: int) -> sharding.Placed:
    angles = problems.angles(cfg.angles)
    return ensemble(mesh, partial(members.look, network(cfg, width), angles=angles))


def fitting(cfg, mesh: Mesh, width: int) -> sharding.Placed:
    options = {"lr": cfg.lr, "steps": cfg.law_steps, "points": cfg.law_angles}
    fit = partial(members.fit, network(cfg, width), angles=problems.between(cfg.angles), **options)
    return ensemble(mesh, fit)


def decaying(cfg, mesh: Mesh, width: int) -> sharding.Placed:
    options = {"lr": cfg.component_lr, "steps": cfg.component_steps}
    return ensemble(mesh, partial(members.decay, network(cfg, width), **options))


def train_points(cfg, streams) -> np.ndarray:
    """-> [S, N, 2]"""
    if cfg.inputs == "normal":
        return keys.draws(streams, {"data": (cfg.points, 2)})["data"]
    ring = np.asarray(problems.circle(problems.angles(cfg.points)))
    return np.broadcast_to(ring, (len(cfg.seeds), *ring.shape))


def images(cfg, pixels, streams) -> dict[str, np.ndarray]:
    """A subset of the images for every seed, and the components of the limit on it.

    -> x [S, N, D], directions [S, N, k] in float32, value [S, k] in float64
    """
    uniforms = keys.draws(streams, {"data": (len(pixels),)}, keys.uniform)["data"]
    x = problems.images(pixels, uniforms, cfg.samples)
    with jax.enable_x64(True):
        kernel = jax.jit(jax.vmap(lambda x: limit.kernels(x, **structure(cfg)).ntk))(x)
    square = (cfg.samples, cfg.samples)
    instead = None if cfg.principal else keys.draws(streams, {"directions": square})["directions"]
    value, directions = problems.components(np.asarray(kernel), cfg.components, instead)
    small = {"x": x, "directions": directions}
    return {name: array.astype(np.float32) for name, array in small.items()} | {"value": value}


def structure(cfg) -> dict:
    """What the kernels of the limit depend on."""
    return {"activation": cfg.activation, "depth": cfg.depth, "beta": cfg.beta}


def limits(cfg, streams) -> dict[str, np.ndarray]:
    """What infinite width predicts, in float64."""
    shape = {"sets": (cfg.sets, cfg.set_size)}
    sets = keys.draws(streams, shape, keys.uniform)["sets"].astype(float)
    points = np.array(cfg.law_angles)
    with jax.enable_x64(True):
        predicted = jax.jit(partial(limit.predicted, points=points, **structure(cfg)))
        return predicted(problems.angles(cfg.angles), problems.between(cfg.angles), sets)
