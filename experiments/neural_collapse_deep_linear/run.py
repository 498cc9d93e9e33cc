"""Ensembles of descents on free features, sweeps of the penalty, and trained networks.

Shapes: C cases (data set and bias), S seeds, D depths, J splits (the layers of all depths), R
records, K classes; L lanes are the members of an ensemble, split over the mesh.
"""

import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import sharding

from . import geometry, model, network, theory

CHUNK = 5  # records between two looks at the clock


class Case(NamedTuple):
    """One data set of free features, with a bias or without; `simplex`: which frame is expected."""

    counts: tuple[int, ...]
    bias: bool
    simplex: bool


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Collapse of free features in closed form, its threshold, and collapse in a network.

    Cases: 0 balanced with bias, 1 balanced, 2 imbalanced. Splits follow each other by depth.
    counts [C, K], depths [D], decay [], lr [], momentum []; steps [R]: steps at each record
    nc1, nc2, dual [C, S, J, R], nc3, loss, energy [C, S, D, R]: metrics of `model.metrics`
    singular [C, S, J, K]: largest singular values of every layer at the end
    gram, cross, frame [C, S, D, K, K]: of `model.shape_of` at the end
    collapse [K]: examples a class of the sweeps; sweep_decay [x], sweep_rows [S, x, K]: squared
    rows of P with M = 1; deep [] (layers), deep_decay [x], deep_loss [S, 2, x], deep_rows
    [S, 2, x, K]: smallest class kept and dropped
    net_counts [K], heads [H] and net_steps [R]; net_nc1, net_nc2, net_dual and
    net_equal (distance from equal lengths) [S, J, R], net_nc3, net_loss and net_error (fraction of
    training examples) [S, H, R]
    """
    data = scratch.data(cfg.dataset)
    draw, free, nets = drawer(cfg, data), [], []
    found = {name: np.array(getattr(cfg, name)) for name in PLAIN}
    for depth in cfg.depths if scratch.wants(*FREE) else ():
        fit = partial(unconstrained, cfg, mesh, draw, depth, scratch)
        free.append(scratch.cached(f"free-{depth}", fit))
    if scratch.wants("sweep_decay", "sweep_rows"):
        found |= scratch.cached("sweep", partial(swept, cfg, mesh, draw))
    if scratch.wants("deep_decay", "deep_loss", "deep_rows"):
        found |= scratch.cached("deep", partial(deeply_swept, cfg, mesh, draw))
    for depth in cfg.heads if scratch.wants(*NETS) else ():
        fit = partial(trained, cfg, mesh, draw, data, depth, scratch)
        nets.append(scratch.cached(f"net-{depth}", fit))
    return found | joined(free, 2) | joined(nets, 1) | {
        "counts": np.array([case.counts for case in cases(cfg)]),
        "steps": np.linspace(0, cfg.steps, cfg.records + 1)[1:],
        "net_steps": np.linspace(0, cfg.net_steps, cfg.net_records + 1)[1:],
    }  # fmt: skip


FREE = ("nc1", "nc2", "dual", "nc3", "loss", "energy", "singular", "gram", "cross", "frame")
NETS = ("net_nc1", "net_nc2", "net_dual", "net_equal", "net_nc3", "net_loss", "net_error")
PLAIN = ("decay", "lr", "momentum", "depths", "heads", "collapse", "deep", "net_counts")


def abstract_step(cfg, mesh: Mesh) -> tuple[Callable, tuple]:
    """A chunk of descents under the most layers, and its arguments' shapes."""
    depth, count = max(cfg.depths), len(cases(cfg)) * len(cfg.seeds)
    count += -count % mesh.shape[sharding.DATA]
    how, spec = sizes(cfg, depth), sharding.sharded(mesh, sharding.DATA)

    def lanes(x):
        dtype = jax.dtypes.canonicalize_dtype(x.dtype)
        return jax.ShapeDtypeStruct((count, *x.shape), dtype, sharding=spec)

    numbers = jax.ShapeDtypeStruct((model.count(**how),), jax.dtypes.canonicalize_dtype(float))
    start = jax.eval_shape(lambda v: model.unpack(v, **how), numbers)
    rest = penalised(cfg, cfg.balanced, cfg.decay), aim(cfg, cases(cfg)[0], depth)
    return descents(cfg, mesh).jitted, jax.tree.map(lanes, (model.State(start, start), *rest))


def steps(cfg) -> int:
    """How often a whole run calls the function of `abstract_step`: chunks under most layers."""
    return -(-cfg.records // CHUNK)


def joined(parts: list[dict[str, np.ndarray]], axis: int) -> dict[str, np.ndarray]:
    """What every depth returned, one after the other."""
    names = parts[0] if parts else ()
    return {name: np.concatenate([part[name] for part in parts], axis) for name in names}


# --- random numbers ------------------------------------------------------------------------------


def drawer(cfg, data) -> Callable:
    """(purpose, size) -> N(0, 1) of every seed [S, size].

    All purposes draw as many as the largest needs: random bits are slow to compile, and one length
    is one program.
    """
    needs = [model.count(**sizes(cfg, max(cfg.depths))), len(data.x_train)]
    needs += [model.count(**collapse_sizes(cfg, cfg.deep))]
    needs += [network.count(layers(cfg, data), **head(cfg, depth)) for depth in cfg.heads]

    def draw(purpose: str, size: int) -> np.ndarray:
        number = zlib.crc32(purpose.encode())
        return np.asarray(normals(np.array(cfg.seeds), number, max(needs)))[:, :size]

    return draw


@partial(jax.jit, static_argnames="size")
def normals(seeds, purpose, size: int):
    """[S, size]"""
    keys = jax.vmap(lambda seed: jax.random.fold_in(jax.random.key(seed), purpose))(seeds)
    return jax.vmap(lambda key: jax.random.normal(key, (size,)))(keys)


# --- free features -------------------------------------------------------------------------------


def cases(cfg) -> list[Case]:
    return [
        Case(cfg.balanced, cfg.bias, True),
        Case(cfg.balanced, False, False),
        Case(cfg.imbalanced, False, False),
    ]


def sizes(cfg, depth: int) -> dict[str, int]:
    return {
        "classes": len(cfg.balanced),
        "dim": cfg.dim,
        "samples": sum(cfg.balanced),
        "depth": depth,
    }


def ensemble(cfg, draw: Callable, depth: int):
    """Every case from every seed's start, case by case.  -> (State, Problem, Targets), each [L]"""
    how = sizes(cfg, depth)
    start = model.unpack(cfg.scale * draw(f"free-{depth}", model.count(**how)), **how)
    every = cases(cfg)
    start = jax.tree.map(lambda a: np.concatenate([a] * len(every)), start)
    lanes = [
        (penalised(cfg, case.counts, cfg.decay, case.bias), aim(cfg, case, depth))
        for case in every
        for _ in cfg.seeds
    ]
    problems, aims = jax.tree.map(lambda *a: np.stack(a), *lanes)
    return model.begin(start), problems, aims


def penalised(cfg, counts, decay, bias=False) -> model.Problem:
    """As trained: the penalty times cfg.penalty."""
    return model.Problem(np.array(counts), np.array(decay * cfg.penalty), np.array(float(bias)))


def aim(cfg, case: Case, depth: int) -> model.Targets:
    return model.targets(case.counts, cfg.decay, depth, simplex=case.simplex)


def descents(cfg, mesh: Mesh) -> Callable:
    """(State, Problem, Targets), each [L] -> (State, metrics [L, CHUNK, ...])"""
    stride = cfg.steps // cfg.records

    def one(state, problem, targets):
        def record(state, _):
            step = partial(model.step, problem=problem, lr=cfg.lr, momentum=cfg.momentum)
            state = jax.lax.fori_loop(0, stride, lambda _, s: step(s), state)
            return state, model.metrics(state.params, problem, targets)

        return jax.lax.scan(record, state, length=CHUNK)

    return sharding.vmap_over(mesh, one)


def unconstrained(cfg, mesh: Mesh, draw: Callable, depth: int, scratch) -> dict[str, np.ndarray]:
    """All cases under `depth` layers.  -> arrays [C, S, ...] named as in `run`"""
    state, problems, targets = ensemble(cfg, draw, depth)
    many = descents(cfg, mesh)
    advance = lambda state: many(state, problems, targets)  # noqa: E731
    state = placed(mesh, state)
    state, seen = observe(advance, state, cfg.records, scratch, f"free-{depth}")
    end = sharding.gather(sharding.vmap_over(mesh, model.shape_of)(state.params, problems))
    by_split = {name: np.moveaxis(seen[name], 1, -1) for name in ("nc1", "nc2", "dual")}
    by_depth = {name: seen[name][:, None] for name in ("nc3", "loss", "energy")}
    by_depth |= {name: end[name][:, None] for name in ("gram", "cross", "frame")}
    every = by_split | by_depth | {"singular": end["singular"]}
    return {name: a.reshape(-1, len(cfg.seeds), *a.shape[1:]) for name, a in every.items()}


def placed(mesh: Mesh, state):
    """On the mesh, as `advance` returns it: else the first chunk is a program of its own."""
    return sharding.vmap_over(mesh, lambda state: state)(state)


def observe(advance: Callable, state, records: int, scratch, name: str) -> tuple[Any, dict]:
    """Advance by CHUNK records at a time.  -> (state, dict of arrays [L, R, ...])"""
    shapes = jax.eval_shape(advance, state)[1]
    blank = {k: np.zeros((v.shape[0], records, *v.shape[2:])) for k, v in shapes.items()}
    carry = {"state": state, "seen": blank}
    with scratch.checkpoints(name) as saved, scratch.progress(records, name) as bar:
        carry, done = saved.restore(carry)
        while done < records:
            state, part = advance(carry["state"])
            seen = {k: v.copy() for k, v in carry["seen"].items()}  # the old one may be on its way
            for k, v in sharding.gather(part).items():
                seen[k][:, done : done + CHUNK] = v
            carry, done = {"state": state, "seen": seen}, done + CHUNK
            saved.save(done, carry, force=done == records)
            bar.update(done)
    return carry["state"], carry["seen"]


# --- sweeps of the penalty -----------------------------------------------------------------------


def settled(cfg, mesh: Mesh, params, problems, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Loss [L] and squared rows of P [L, K] after `steps` steps.  params, problems [L]"""

    def one(state, problem):
        step = partial(model.step, problem=problem, lr=cfg.lr, momentum=cfg.momentum)
        params = jax.lax.fori_loop(0, steps, lambda _, s: step(s), state).params
        return model.loss(params, problem), jnp.sum(model.products(params)[0] ** 2, axis=1)

    return sharding.gather(sharding.vmap_over(mesh, one)(model.begin(params), problems))


def penalties(cfg, depth: int, ratios) -> np.ndarray:
    """`ratios` of the lambda at which the smallest class vanishes."""
    n = cfg.collapse
    return np.array(ratios) * theory.critical_decay(min(n), sum(n), depth)


def stacked(cfg, decays) -> model.Problem:
    return jax.tree.map(lambda *a: np.stack(a), *[penalised(cfg, cfg.collapse, d) for d in decays])


def collapse_sizes(cfg, depth: int) -> dict[str, int]:
    n = cfg.collapse
    return {"classes": len(n), "dim": cfg.collapse_dim, "samples": sum(n), "depth": depth}


def swept(cfg, mesh: Mesh, draw: Callable) -> dict[str, np.ndarray]:
    """One layer from random starts, for every penalty.  -> arrays named as in `run`"""
    decays, S, how = penalties(cfg, 1, cfg.sweep), len(cfg.seeds), collapse_sizes(cfg, 1)
    start = model.unpack(cfg.scale * draw("sweep", model.count(**how)), **how)
    start = jax.tree.map(lambda a: np.repeat(a, len(decays), axis=0), start)
    problems = stacked(cfg, np.tile(decays, S))
    _, rows = settled(cfg, mesh, start, problems, cfg.collapse_steps)
    return {"sweep_decay": decays, "sweep_rows": rows.reshape(S, len(decays), -1)}


def deeply_swept(cfg, mesh: Mesh, draw: Callable) -> dict[str, np.ndarray]:
    """Several layers from planted starts that keep the smallest class, and that drop it.

    Random starts cannot show this threshold: zero is a local minimum of every class for M >= 2.
    The plant is the minimum at the smallest penalty of the sweep.  -> arrays named as in `run`
    """
    decays, S = penalties(cfg, cfg.deep, cfg.deep_sweep), len(cfg.seeds)
    start = jax.tree.map(lambda *a: np.stack(a), *plants(cfg, draw, decays[0]))
    start = jax.tree.map(lambda a: np.repeat(a, len(decays), axis=0), start)
    problems = stacked(cfg, np.tile(decays, 2 * S))
    loss, rows = settled(cfg, mesh, start, problems, cfg.deep_steps)
    return {
        "deep_decay": decays,
        "deep_loss": loss.reshape(S, 2, -1),
        "deep_rows": rows.reshape(S, 2, len(decays), -1),
    }


def plants(cfg, draw: Callable, decay: float) -> list[model.Params]:
    """For every seed: the minimum at `decay`, and the same without the smallest class; noisy."""
    n, depth, how = np.array(cfg.collapse), cfg.deep, collapse_sizes(cfg, cfg.deep)
    labels = np.repeat(np.eye(len(n)), n, axis=1)
    squares, s = (f(n, decay, depth) for f in (theory.lengths, theory.singular_values))
    bases = draw("bases", depth * cfg.collapse_dim * len(n))
    noise = cfg.nudge * draw("noise", model.count(**how))
    found = []
    for basis, around in zip(bases, noise, strict=True):
        basis = basis.reshape(depth, cfg.collapse_dim, len(n))
        for keep in (np.ones(len(n)), n > n.min()):
            point = model.planted(basis, keep * squares, keep * s, labels)
            found.append(jax.tree.map(np.add, point, model.unpack(around, **how)))
    return found


# --- networks ------------------------------------------------------------------------------------


def layers(cfg, data) -> tuple[int, ...]:
    return (int(np.prod(data.x_train.shape[1:])), *(cfg.net_width,) * cfg.net_layers)


def head(cfg, depth: int) -> dict[str, int]:
    return {"classes": len(cfg.net_counts), "depth": depth}


def subsets(cfg, draw: Callable, data) -> np.ndarray:
    """The first n_k images of every class, in each seed's own order.  -> [S, N, D] in [0, 1]"""
    images = np.asarray(data.x_train, float).reshape(len(data.x_train), -1) / data.x_train.max()
    orders = draw("subset", len(images)).argsort(axis=1)
    chosen = []
    for order in orders:
        labels = data.y_train[order]
        each = [order[labels == k][:n] for k, n in enumerate(cfg.net_counts)]
        chosen.append(np.concatenate(each))
    return images[np.stack(chosen)]


def network_records(cfg, mesh: Mesh, tx, depth: int) -> Callable:
    """(State, x), each [S] -> (State, metrics [S, CHUNK, ...]), metrics in float64"""
    stride, classes = cfg.net_steps // cfg.net_records, len(cfg.net_counts)
    targets = model.targets(cfg.net_counts, cfg.net_decay, depth)

    def one(state, x):
        decay = jnp.asarray(cfg.net_decay * cfg.penalty, x.dtype)
        problem = model.Problem(jnp.array(cfg.net_counts), decay, jnp.zeros((), x.dtype))

        def record(state, _):
            step = partial(network.step, x=x, problem=problem, tx=tx)
            state = jax.lax.fori_loop(0, stride, lambda _, s: step(s), state)
            params = network.unconstrained(state.net, x)
            wide = jax.tree.map(lambda a: a.astype(float), params)
            P = model.products(wide)
            return state, model.metrics(wide, problem, targets) | {
                "equal": geometry.distance(P @ P.mT, jnp.eye(classes)),
                "error": network.errors(state.net, x, problem),
            }

        return jax.lax.scan(record, state, length=CHUNK)

    return sharding.vmap_over(mesh, one)


def trained(cfg, mesh: Mesh, draw: Callable, data, depth: int, scratch) -> dict[str, np.ndarray]:
    """Networks with `depth` linear layers.  -> arrays [S, ...] named as in `run`"""
    x = subsets(cfg, draw, data).astype(cfg.net_dtype)
    tx = network.optimiser(cfg.net_lr, cfg.net_steps)

    how = layers(cfg, data), head(cfg, depth)
    start = draw(f"net-{depth}", network.count(how[0], **how[1])).astype(x.dtype)
    net = network.init(start, how[0], **how[1])

    many = network_records(cfg, mesh, tx, depth)
    advance = lambda state: many(state, x)  # noqa: E731
    state = sharding.vmap_over(mesh, lambda net: network.begin(net, tx))(net)
    _, seen = observe(advance, state, cfg.net_records, scratch, f"net-{depth}")
    names = ("nc1", "nc2", "dual", "equal")
    by_split = {f"net_{name}": np.moveaxis(seen[name], 1, -1) for name in names}
    return by_split | {f"net_{name}": seen[name][:, None] for name in ("nc3", "loss", "error")}
