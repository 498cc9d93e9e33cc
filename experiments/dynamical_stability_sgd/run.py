"""Ensembles of runs over learning rate and seed, and thresholds of random gradients.

Shapes: S seeds, L learning rates, M = S L runs (a run's data and order depend on its seed alone),
R records, N examples, D inputs, K hidden units.
"""

from collections.abc import Callable
from functools import partial
from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import sharding
from common.curvature import stability

from . import descent, nets, problems

ORDER, RELU_ORDER = 0, 1  # streams of a seed's key; then those of DRAWS
DRAWS = ("data", "relu data", "teacher", "relu init", "gradients", "frame", "inputs", "uv", "wa")
RUNS = ("lr", "loss", "trace", "steps", "sharpness", "threshold", "error", "norm")  # of an arm
THEORY = ("random_threshold", "random_radius", "random_trace", "random_sharpness", "equivalence")


class Arm(NamedTuple):
    """One ensemble: a network, its learning rates, and how it is trained."""

    name: str
    net: Callable
    order: int  # stream of the examples' order
    lrs: tuple[float, ...]
    batch: int  # 0: all examples
    every: int  # steps between two records
    ramp: int  # steps


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
    draw = draws(cfg, mesh)
    sgd, gd, relu = arms(cfg)
    flat = sharding.vmap_over(mesh, partial(finish_diagonal, cfg))
    deep = sharding.vmap_over(mesh, partial(finish_relu, cfg))
    drawn = {arm.every: orders(mesh, arm.every, cfg.batch) for arm in (sgd, gd, relu)}
    found = {}
    if scratch.wants(*THEORY, "batch"):
        found = scratch.cached("theory", partial(linear_theory, cfg, mesh, draw))
    for arm, begin, finish in (
        (sgd, diagonal_runs, flat),
        (gd, diagonal_runs, flat),
        (relu, relu_runs, deep),
    ):
        if not scratch.wants(*(arm.name + name for name in RUNS)):
            continue
        start, order = partial(begin, cfg, draw), drawn[arm.every]
        make = partial(ensemble, cfg, mesh, scratch, arm, order, start, finish)
        found |= {arm.name + k: v for k, v in scratch.cached(arm.name + "runs", make).items()}
    return found


def abstract_step(cfg, mesh: Mesh) -> tuple[Callable, tuple]:
    """A stretch of SGD on all ReLU networks, runs over the data axis, and its arguments' shapes."""
    arm = arms(cfg)[-1]
    m = len(cfg.seeds) * len(arm.lrs)
    m += -m % mesh.shape[sharding.DATA]
    split = sharding.sharded(mesh, sharding.DATA)

    def shape(*axes, dtype=float):
        dtype = jax.dtypes.canonicalize_dtype(dtype)
        return jax.ShapeDtypeStruct((m, *axes), dtype, sharding=split)

    n, d, k = cfg.relu_samples + cfg.relu_tests, cfg.relu_inputs, cfg.relu_width
    state = (shape(d, k), shape(k)), (shape(n, d), shape(n))
    bits = shape(arm.every, cfg.batch, dtype="uint32")
    return advance(mesh, cfg, arm).jitted, (shape(), shape(dtype="int32"), bits, *state)


def steps(cfg) -> int:
    """How often a whole run calls the function of `abstract_step`: a stretch a record."""
    return cfg.records


# --- problems ------------------------------------------------------------------------------------


def draws(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """N(0, 1) under every name of DRAWS, each [S, …].

    One program for all: random bits are slow to compile.
    """
    examples, side = cfg.relu_samples + cfg.relu_tests, (cfg.parameters, cfg.parameters)
    first = (cfg.relu_inputs + 1, cfg.relu_width)
    shapes = {
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
    most = max(prod(shape) for shape in shapes.values())
    streams = np.arange(len(DRAWS)) + RELU_ORDER + 1

    def one(seed):
        return jax.vmap(lambda s: jax.random.normal(key_of(seed, s), (most,)))(streams)

    values = sharding.gather(sharding.vmap_over(mesh, one)(seeds(cfg)))
    return {
        name: values[:, DRAWS.index(name), : prod(shape)].reshape(-1, *shape)
        for name, shape in shapes.items()
    }


def seeds(cfg):
    return np.array(cfg.seeds, "int32")


def key_of(seed, stream):
    return jax.random.fold_in(jax.random.key(seed), stream)


def diagonal_runs(cfg, draw):
    """-> (u, v) [S, D], (x [S, N, D], y [S, N])"""
    start = np.full((len(cfg.seeds), cfg.inputs), cfg.start)

    def one(data):
        x = problems.inputs(data, cfg.spread)
        return x, x @ problems.sparse(cfg.inputs, cfg.active)

    return (start, start), jax.jit(jax.vmap(one))(draw["data"])


def relu_runs(cfg, draw):
    """-> (w [S, D, K], a [S, K]), (x [S, N, D], y [S, N]); the test's are last"""

    def one(data, teacher, init):
        x = problems.inputs(data, cfg.spread)
        y = nets.relu(problems.teacher(teacher), x)
        return nets.relu_start(init, cfg.relu_scale), (x, y)

    return jax.jit(jax.vmap(one))(draw["relu data"], draw["teacher"], draw["relu init"])


# --- runs ----------------------------------------------------------------------------------------


def arms(cfg) -> tuple[Arm, Arm, Arm]:
    """SGD and gradient descent on the diagonal network, SGD on the ReLU network."""
    flat, deep = nets.diagonal, nets.relu
    return (
        Arm("", flat, ORDER, cfg.lrs, cfg.batch, cfg.every, cfg.ramp),
        Arm("gd_", flat, ORDER, cfg.gd_lrs, 0, cfg.gd_every, cfg.gd_ramp),
        Arm("relu_", deep, RELU_ORDER, cfg.relu_lrs, cfg.batch, cfg.relu_every, cfg.relu_ramp),
    )


def orders(mesh: Mesh, steps: int, batch: int) -> Callable:
    """(seed, stream, records done), each [S] -> random bits [S, steps, batch], for `stretch`.

    Drawn at once: inside the loop they would cost more than a step.
    """

    def one(seed, stream, done):
        key = jax.random.fold_in(key_of(seed, stream), done)
        return jax.random.bits(key, (steps, batch), "uint32")

    return sharding.vmap_over(mesh, one)


def advance(mesh: Mesh, cfg, arm: Arm) -> Callable:
    """(lr, records done, bits, params, problem), each [M] -> (params, loss [M], trace [M])"""
    count = cfg.relu_samples if arm.net is nets.relu else cfg.samples

    def one(lr, done, bits, params, problem):
        x, y = (a[:count] for a in problem)
        rates = descent.rate(done * arm.every + jnp.arange(arm.every), lr, min(arm.lrs), arm.ramp)
        order = (bits % count).astype("int32") if arm.batch else None  # uneven by N / 2^32
        params = descent.stretch(arm.net, params, x, y, rates, order)
        return params, descent.loss(arm.net, params, x, y), nets.trace(arm.net, params, x)

    return sharding.vmap_over(mesh, one)


def ensemble(cfg, mesh: Mesh, scratch, arm: Arm, draw_bits, begin: Callable, finish: Callable):
    """All runs of an arm, with checkpoints.  -> arrays as in `run`, without the arm's name"""
    every_run = partial(np.repeat, repeats=len(arm.lrs), axis=0)
    params, problem = jax.tree.map(every_run, sharding.gather(begin()))
    lr, each = np.tile(arm.lrs, len(cfg.seeds)), np.ones(len(cfg.seeds), "int32")
    onward = advance(mesh, cfg, arm)
    state = {"params": params, "seen": np.zeros((2, len(lr), cfg.records))}
    with (
        scratch.checkpoints(arm.name + "runs") as saved,
        scratch.progress(cfg.records * arm.every, f"steps of {arm.name or 'sgd_'}runs") as bar,
    ):
        state, done = saved.restore(state)
        for record in range(done, cfg.records):
            bits = draw_bits(seeds(cfg), arm.order * each, record * each) if arm.batch else each
            bits, now = every_run(np.asarray(sharding.gather(bits))), every_run(record * each)
            params, *seen = sharding.gather(onward(lr, now, bits, state["params"], problem))
            history = state["seen"].copy()  # the old one may still be on its way to the disk
            history[..., record] = seen
            state = {"params": params, "seen": history}
            saved.save(record + 1, state, force=record + 1 == cfg.records)
            bar.update((record + 1) * arm.every)
    loss, trace = state["seen"]
    last = {"loss": loss, "trace": trace} | sharding.gather(finish(state["params"], problem))
    grid = {k: v.reshape(len(cfg.seeds), -1, *v.shape[1:]) for k, v in last.items()}
    steps = np.arange(1, cfg.records + 1) * arm.every
    return grid | {"lr": np.array(arm.lrs), "steps": steps}


def finish_diagonal(cfg, params, problem):
    """-> sharpness, threshold, error, norm, each []"""
    at = stability.modes(nets.gradients(nets.diagonal, params, problem[0]))
    u, v = params
    beta = u * u - v * v
    return {
        "sharpness": at.curvature[-1],
        "threshold": stability.threshold(at, batch=1).lr,
        "error": jnp.sum((beta - problems.sparse(cfg.inputs, cfg.active)) ** 2),
        "norm": jnp.abs(beta).sum(),
    }


def finish_relu(cfg, params, problem):
    """-> sharpness, error, norm, each []"""
    (x, fresh), (_, y) = (jnp.split(a, [cfg.relu_samples]) for a in problem)
    at = stability.modes(nets.gradients(nets.relu, params, x))
    wrong = jnp.mean((nets.relu(params, fresh) - y) ** 2) / jnp.mean(y**2)
    return {"sharpness": at.curvature[-1], "error": wrong, "norm": nets.path_norm(params)}


# --- linear theory -------------------------------------------------------------------------------


def linear_theory(cfg, mesh: Mesh, draw) -> dict[str, np.ndarray]:
    """Thresholds of random gradients and traces against norms.  -> arrays [seed, …] as in `run`"""
    batches = jnp.array((cfg.batch, *cfg.batches, cfg.large))

    def of_batch(at, batch):
        lr = stability.threshold(at, batch=batch).lr
        return lr, stability.radius(at, lr, batch=batch)

    def of_gradients(g):
        at = stability.modes(g)
        lr, radius = jax.vmap(partial(of_batch, at))(batches)
        return {
            "random_threshold": lr,
            "random_radius": radius,
            "random_trace": jnp.sum(g**2) / len(g),
            "random_sharpness": at.curvature[-1],
        }

    def one(draw):
        tight = problems.frame(draw["frame"], cfg.examples, 1 + cfg.tilt)
        every = jnp.concatenate([draw["gradients"], tight[None]])
        return jax.vmap(of_gradients)(every) | {"equivalence": equivalence(cfg, draw)}

    found = sharding.gather(sharding.vmap_over(mesh, one)(draw))
    return found | {"batch": np.asarray(batches)}


def equivalence(cfg, draw):
    """tr H on many inputs and the norm, for both networks at random parameters.  -> [2, 2]"""
    x = problems.inputs(draw["inputs"], cfg.spread)
    uv, wa = tuple(draw["uv"]), nets.relu_start(draw["wa"], cfg.relu_scale)
    pairs = (
        (nets.trace(nets.diagonal, uv, x), nets.diagonal_trace(uv)),
        (nets.trace(nets.relu, wa, x), nets.relu_trace(wa)),
    )
    return jnp.array(pairs)
