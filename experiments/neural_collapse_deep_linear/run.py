"""Ensembles of descents on free features, sweeps of the penalty, and trained networks.

Shapes: C cases (data set and bias), S seeds, D depths, J splits (the layers of all depths), R
records, K classes; L members of an ensemble, split over the mesh.
"""

import zlib
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import model, network, problems

CHUNK = 5  # records between two looks at the clock
PIXELS = {"digits": 64, "mnist": 784, "fashion_mnist": 784, "cifar10": 3072}
FREE = ("nc1", "nc2", "dual", "nc3", "loss", "energy", "singular", "gram", "cross", "frame")
NETS = ("net_nc1", "net_nc2", "net_dual", "net_equal", "net_nc3", "net_loss", "net_error")
PLAIN = ("decay", "lr", "momentum", "depths", "heads", "collapse", "deep", "net_counts")


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
    draw, data = partial(normals, cfg.seeds), scratch.data(cfg.dataset)
    depths = cfg.depths if scratch.wants(*FREE) else ()
    heads = cfg.heads if scratch.wants(*NETS) else ()
    free = {f"free-{m}": partial(free_features, cfg, mesh, scratch, draw, m) for m in depths}
    nets = {f"net-{m}": partial(networks, cfg, mesh, scratch, draw, data, m) for m in heads}
    sweeps = {}
    if scratch.wants("sweep_decay", "sweep_rows"):
        sweeps["sweep"] = partial(sweep, cfg, mesh, draw)
    if scratch.wants("deep_decay", "deep_loss", "deep_rows"):
        sweeps["deep"] = partial(deep_sweep, cfg, mesh, draw)
    found = {name: np.array(cfg[name]) for name in PLAIN} | {
        "counts": np.array([cfg.balanced, cfg.balanced, cfg.imbalanced]),
        "steps": records(cfg.steps, cfg.records).astype(float),
        "net_steps": records(cfg.net_steps, cfg.net_records).astype(float),
    }
    found |= joined(scratch.cells(free), 2)
    for part in scratch.cells(sweeps):
        found |= part
    return found | joined(scratch.cells(nets), 1)


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Descents of networks, of free features under every depth, and over the penalties."""
    seeds, strides, found = len(cfg.seeds), np.zeros(CHUNK, int), []
    images = jax.ShapeDtypeStruct((seeds, sum(cfg.net_counts), PIXELS[cfg.dataset]), cfg.net_dtype)

    def blank(_, size, xp=jnp):
        return xp.zeros((seeds, size))

    def often(steps, count):
        calls = -(-count // CHUNK)
        return {"calls": calls, "trips": count * (steps // count) / (calls * CHUNK)}

    calls = often(cfg.net_steps, cfg.net_records)
    for m in sorted(cfg.heads, reverse=True):
        args = jax.eval_shape(partial(network_start, cfg, blank, m)), images, strides
        found += [training(cfg, mesh, m).program(f"networks, head of {m}", *args, **calls)]
    calls = often(cfg.steps, cfg.records)
    for m in sorted(cfg.depths, reverse=True):
        args = *jax.eval_shape(partial(ensemble, cfg, blank, m)), strides
        found += [descents(cfg, mesh).program(f"free features, {m} layers", *args, **calls)]
    args = problems.pairs(*planted_starts(cfg, partial(blank, xp=np)))
    found += [settling(cfg, mesh, cfg.deep_steps).program("deep sweep", *args, calls=1)]
    args = jax.eval_shape(lambda: problems.pairs(*random_starts(cfg, blank)))
    return [*found, settling(cfg, mesh, cfg.collapse_steps).program("sweep", *args, calls=1)]


def joined(parts: list[dict[str, np.ndarray]], axis: int) -> dict[str, np.ndarray]:
    """What every depth returned, one after the other."""
    names = parts[0] if parts else ()
    return {name: np.concatenate([part[name] for part in parts], axis) for name in names}


def records(steps: int, count: int) -> np.ndarray:
    """The steps of `count` equally spaced records."""
    return np.arange(1, count + 1) * (steps // count)


def normals(seeds, purpose: str, size: int) -> np.ndarray:
    """N(0, 1) of every seed for a purpose.  -> [S, size]"""
    streams = keys.fold(seeds, zlib.crc32(purpose.encode()))
    return np.asarray(power_of_two(streams, max(11, (size - 1).bit_length())))[:, :size]


@partial(jax.jit, static_argnums=1)
def power_of_two(streams, log2: int):
    """[S, 2^log2]: random bits are slow to compile, few lengths are few programs."""
    return jax.vmap(lambda key: keys.normal(key, (2**log2,)))(streams)


def free_features(cfg, mesh: Mesh, scratch, draw: Callable, depth: int) -> dict[str, np.ndarray]:
    """All cases under `depth` layers.  -> arrays [C, S, ...] named as in `run`"""
    state, problem, targets = ensemble(cfg, draw, depth)
    descend, at = descents(cfg, mesh), records(cfg.steps, cfg.records)
    advance = lambda state, _, strides: descend(state, problem, targets, strides)  # noqa: E731
    state, seen = loops.recorded(scratch, f"free-{depth}", advance, state, at, chunk=CHUNK)
    end = sharding.gather(sharding.vmap_over(mesh, model.shape_of)(state.params, problem))
    found = {name: history.swapaxes(1, 2) for name, history in seen.items()} | end
    return {name: a.reshape(-1, len(cfg.seeds), *a.shape[1:]) for name, a in found.items()}


def descents(cfg, mesh: Mesh) -> sharding.Placed:
    how = {"lr": cfg.lr, "momentum": cfg.momentum}
    return sharding.vmap_over(mesh, partial(model.descend, **how), shared=(3,))


def ensemble(cfg, draw: Callable, depth: int):
    """Every case from every seed's start, case by case.  -> (State, Problem, Targets), each [L]"""
    sizes = model.sizes(cfg.balanced, cfg.dim, depth)
    start = model.unpack(cfg.scale * draw(f"free-{depth}", sizes.count()), sizes)
    cases = problems.cases(cfg.balanced, cfg.imbalanced, bias=cfg.bias)
    return problems.members(cases, start, cfg.decay, penalty=cfg.penalty)


def sweep(cfg, mesh: Mesh, draw: Callable) -> dict[str, np.ndarray]:
    start, decays = random_starts(cfg, draw)
    pairs = problems.pairs(start, cfg.penalty * decays)
    _, rows = sharding.gather(settling(cfg, mesh, cfg.collapse_steps)(*pairs))
    return {"sweep_decay": decays, "sweep_rows": rows.reshape(-1, len(decays), rows.shape[-1])}


def random_starts(cfg, draw: Callable) -> tuple[model.Params, np.ndarray]:
    """One layer.  -> Params [S], lambda [x]"""
    sizes = model.sizes(cfg.collapse, cfg.collapse_dim, 1)
    start = model.unpack(cfg.scale * draw("sweep", sizes.count()), sizes)
    return start, problems.penalties(cfg.collapse, 1, cfg.sweep)


def deep_sweep(cfg, mesh: Mesh, draw: Callable) -> dict[str, np.ndarray]:
    start, decays = planted_starts(cfg, draw)
    pairs = problems.pairs(start, cfg.penalty * decays)
    found = sharding.gather(settling(cfg, mesh, cfg.deep_steps)(*pairs))
    loss, rows = (a.reshape(-1, 2, len(decays), *a.shape[1:]) for a in found)
    return {"deep_decay": decays, "deep_loss": loss, "deep_rows": rows}


def planted_starts(cfg, draw: Callable) -> tuple[model.Params, np.ndarray]:
    """Several layers, planted at minima that keep the smallest class and that drop it; nudged.

    Random starts cannot show this threshold: zero is a local minimum of every class for M >= 2.
    -> Params [2 S], lambda [x]
    """
    sizes = model.sizes(cfg.collapse, cfg.collapse_dim, cfg.deep)
    bases = draw("bases", sizes.depth * sizes.dim * sizes.classes)
    noise = model.unpack(cfg.nudge * draw("noise", sizes.count()), sizes)
    decays = problems.penalties(cfg.collapse, cfg.deep, cfg.deep_sweep)
    return problems.plants(bases, noise, cfg.collapse, decays[0]), decays


def settling(cfg, mesh: Mesh, steps: int) -> sharding.Placed:
    how = {"lr": cfg.lr, "momentum": cfg.momentum, "steps": steps, "counts": cfg.collapse}
    return sharding.vmap_over(mesh, partial(model.settle, **how))


def networks(cfg, mesh: Mesh, scratch, draw: Callable, data, depth: int) -> dict[str, np.ndarray]:
    """Networks with `depth` linear layers.  -> arrays [S, ...] named as in `run`"""
    order = draw("subset", len(data.y_train)).argsort(axis=1)
    x = problems.subsets(order, data.x_train, data.y_train, cfg.net_counts).astype(cfg.net_dtype)
    train, at = training(cfg, mesh, depth), records(cfg.net_steps, cfg.net_records)
    advance = lambda state, _, strides: train(state, x, strides)  # noqa: E731
    start = network_start(cfg, draw, depth)
    _, seen = loops.recorded(scratch, f"net-{depth}", advance, start, at, chunk=CHUNK)
    return {name: seen[name.removeprefix("net_")].swapaxes(1, 2) for name in NETS}


def training(cfg, mesh: Mesh, depth: int) -> sharding.Placed:
    decay, no_bias = np.array([cfg.net_decay * cfg.penalty, 0], cfg.net_dtype)
    problem = model.Problem(np.array(cfg.net_counts), decay, no_bias)
    targets = model.targets(cfg.net_counts, cfg.net_decay, depth)
    how = {"problem": problem, "targets": targets, "lr": cfg.net_lr, "steps": cfg.net_steps}
    return sharding.vmap_over(mesh, partial(network.fit, **how), shared=(2,))


def network_start(cfg, draw: Callable, depth: int) -> network.State:
    layers = PIXELS[cfg.dataset], *(cfg.net_width,) * cfg.net_layers
    sizes = network.Sizes(layers, len(cfg.net_counts), depth)
    numbers = draw(f"net-{depth}", sizes.count()).astype(cfg.net_dtype)
    return network.begin(network.init(numbers, sizes))
