"""A point w for every seed; batch spectra at it; the largest stable learning rates from it; Wigner.

Shapes: S seeds, B batch sizes, n batches of a size, N examples, m Lanczos steps, G learning rates.
"""

from collections.abc import Callable
from functools import partial, reduce
from itertools import chain
from operator import or_

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import loops, sharding
from common.programs import Program

from . import batches, model, problems, search, spectra, wigner

INPUTS = {"digits": 64, "mnist": 784, "cifar10": 3072}
CLASSES = 10
PARTS = ("nodes", "weights", "residuals")  # of a quadrature
SPECTRA = ("full", "mean", "sd", "median", "square", "full_square", "residual")
DENSITIES = ("density_sizes", "density_at", "density")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Eigenvalues at one w for every batch size, and losses after steps of every learning rate.

    sizes [B], samples [], parameters [], loss [seed, 2]: on all data, at the start and at w
    Axis "kind" is (Hessian, Gauss-Newton), axis "end" (most negative, largest):
    full [seed, kind, end]; mean, sd, median [seed, kind, end, B] over batches
    square [seed, kind, B]: mean over batches of |H_B|_F^2 / P, full_square [seed, kind]: its value
    at B = N; residual [seed, end, B + 1]: of the Hessian's Lanczos pairs over |eigenvalue|, mean
    over batches; the last is B = N
    density_sizes [size], density_at [size, point], density [size, point]: of H, first seed
    lrs [2, G]: of SGD and of Adam; peak, final [2, seed, B, trial, G]: largest and last loss on all
    data over the loss at w, at most 1e3 (also where it is not finite)
    theta [T], spike, overlap [seed, T]: means over draws of the spiked Wigner matrix
    """
    data = scratch.data(cfg.dataset)
    point = scratch.cached("point", partial(descended, cfg, mesh, data.x_train, data.y_train))
    out = {
        "sizes": np.array(cfg.sizes),
        "samples": np.array(cfg.samples),
        "parameters": np.array(point["w"].shape[1]),
        "loss": point["loss"],
        "lrs": learning_rates(cfg),
        "theta": np.array(cfg.thetas),
    }
    if scratch.wants(*SPECTRA, *DENSITIES):
        find = partial(quadratures, cfg, lanczos(cfg, mesh), point)
        found = in_groups(scratch, "spectra", find, batches.grouped(rows(cfg), cfg.capacities))
        every = [[found[f"{p}-{i}"] for i in range(len(rows(cfg)))] for p in PARTS]
        out |= spectra.moments(*every) | densities(cfg, *every[:2])
    if scratch.wants("peak", "final"):
        find, sizes = partial(searched, cfg, mesh, point), rows(cfg)[:-1]
        found = in_groups(scratch, "rates", find, batches.grouped(sizes, cfg.capacities))
        losses = np.stack([found[f"losses-{i}"] for i in range(len(cfg.sizes))], axis=1)
        out |= search.relative(losses, point["loss"][:, 1])
    if scratch.wants("spike", "overlap"):
        out |= scratch.cached("wigner", partial(spikes, cfg, mesh))
    return out


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The descent to w; for every capacity the searches and the spectra."""
    seeds, layers = len(cfg.seeds), network(cfg)

    def shape(*dims, dtype=float):
        return jax.ShapeDtypeStruct((seeds, *dims), jnp.result_type(dtype))

    w = shape(model.count(layers))
    data = shape(cfg.samples, layers[0]), shape(cfg.samples, dtype=int)
    streams = shape(cfg.trials, passes(cfg)[1] // cfg.trials * cfg.samples, dtype=int)
    orders = np.zeros((seeds, len(rows(cfg)), cfg.epochs, cfg.samples), int)
    found = [descent(cfg, mesh).program("descent to w", w, *data, calls=1)]
    for group in batches.grouped(rows(cfg)[:-1], cfg.capacities):
        shared = w, *data, streams, search.members(learning_rates(cfg))
        args = shared, search.elements(group.sizes, seeds, cfg.trials)
        find, name = searches(cfg, mesh, group.capacity), f"learning rates, {group.capacity} rows"
        found.append(find.program(name, *args, calls=1))
    for group in batches.grouped(rows(cfg), cfg.capacities):
        elements, _ = batches.elements(orders, group, cfg.most_batches)
        args = np.array(spectra.HESSIAN), (w, w, *data), elements
        find, name = lanczos(cfg, mesh), f"spectra, {group.capacity} rows"
        found.append(find.program(name, *args, calls=len(spectra.KINDS)))
    return found


def in_groups(scratch, name: str, find: Callable, groups) -> dict[str, np.ndarray]:
    """What find(group) gives, for all groups."""
    cells = {f"{name}-{group.capacity}": partial(find, group) for group in groups}
    return reduce(or_, scratch.cells(cells, name))


def network(cfg) -> tuple[int, ...]:
    return (INPUTS[cfg.dataset], *cfg.hidden, CLASSES)


def rows(cfg) -> list[int]:
    """Rows that a batch of every size, and all data, really have: the falsifiers change them."""
    size = min(cfg.frozen_batch, cfg.samples) if cfg.noise else cfg.samples
    return [size or name for name in cfg.sizes] + [cfg.samples]


def passes(cfg) -> tuple[int, int]:
    """Permutations of the data of a seed: for the spectra, and for the searches."""
    visits = (cfg.warmup + cfg.search_steps) * max(rows(cfg)[:-1])
    return (len(cfg.sizes) + 1) * cfg.epochs, cfg.trials * -(-visits // cfg.samples)


def learning_rates(cfg) -> np.ndarray:
    """Geometric grids for SGD and for Adam.  -> [2, G]"""
    return np.stack([np.geomspace(a, b, cfg.grid) for a, b in (cfg.sgd_lrs, cfg.adam_lrs)])


def at_once(cfg, mesh: Mesh) -> int:
    """Batches side by side on a device: `together` on all, rounded up."""
    return -(-cfg.together // mesh.shape[sharding.DATA])


def descent(cfg, mesh: Mesh) -> sharding.Placed:
    options = {"lr": cfg.train_lr, "steps": cfg.train_steps, "target": cfg.train_loss}
    return sharding.vmap_over(mesh, partial(model.point, layers=network(cfg), **options))


def descended(cfg, mesh: Mesh, images, labels) -> dict[str, np.ndarray]:
    """The data of every seed, w after descent on them, and all orders in which they are visited.

    -> x [S, N, D] in [0, 1], y [S, N], w, signs [S, P], loss [S, 2],
    orders [S, B + 1, epochs, N], streams [S, trial, L]
    """
    spectral, searching = passes(cfg)
    sizes = {"images": len(images), "weights": model.count(network(cfg))}
    numbers = partial(problems.numbers, orders=spectral + searching, **sizes)
    drawn = sharding.vmap_over(mesh, numbers)(np.array(cfg.seeds))
    uniforms, start, signs = sharding.gather(drawn)
    x, y, orders = problems.examples(uniforms, images, labels, cfg.samples)
    w, loss = sharding.gather(descent(cfg, mesh)(start, x, y))
    found = {"x": x, "y": y, "w": w, "loss": loss, "signs": signs}
    spectral_orders = orders[:, :spectral].reshape(len(x), -1, cfg.epochs, cfg.samples)
    streams = orders[:, spectral:].reshape(len(x), cfg.trials, -1)
    return found | {"orders": spectral_orders, "streams": streams}


def lanczos(cfg, mesh: Mesh) -> sharding.Placed:
    find = partial(spectra.of_batch, layers=network(cfg), steps=cfg.lanczos)
    return sharding.vmap_over(mesh, find, shared=(0, 1), at_once=at_once(cfg, mesh))


def quadratures(cfg, program, point, group) -> dict[str, np.ndarray]:
    """Of every batch of a group: nodes-i, weights-i [S, kind, n, m], residuals-i, i its places."""
    elements, counts = batches.elements(point["orders"], group, cfg.most_batches)
    shared = tuple(point[name] for name in ("signs", "w", "x", "y"))
    kinds = [sharding.gather(program(np.array(k), shared, elements)) for k in spectra.KINDS]
    cut = [batches.by_size(values, len(cfg.seeds), counts) for values in loops.stack(kinds)]
    names = [f"{part}-{i}" for part in PARTS for i in group.places]
    return dict(zip(names, chain(*cut), strict=True))


def densities(cfg, nodes, weights) -> dict[str, np.ndarray]:
    """Spectral densities of the Hessian of the first seed, averaged over batches."""
    sizes, density = (*cfg.density_sizes, cfg.samples), jax.jit(spectra.density)
    at, height = [], []
    for size in sizes:
        place = (*cfg.sizes, cfg.samples).index(size)
        first = nodes[place][0, spectra.HESSIAN], weights[place][0, spectra.HESSIAN]
        grid, sigma = spectra.grid(first[0])
        at.append(grid)
        height.append(sharding.gather(density(*first, grid, sigma)))
    found = {"density_at": np.stack(at), "density": np.stack(height)}
    return found | {"density_sizes": np.array(sizes)}


def searches(cfg, mesh: Mesh, capacity: int) -> sharding.Placed:
    steps = {"warmup": cfg.warmup, "steps": cfg.search_steps, "records": cfg.records}
    find = partial(search.of_size, layers=network(cfg), rows=capacity, **steps)
    return sharding.vmap_over(mesh, find, shared=(0,), at_once=at_once(cfg, mesh))


def searched(cfg, mesh: Mesh, point, group) -> dict[str, np.ndarray]:
    """Losses of every learning rate on batches of a group: losses-i [S, trial, R, 2 G]."""
    everyone = search.members(learning_rates(cfg))
    shared = *(point[name] for name in ("w", "x", "y", "streams")), everyone
    elements = search.elements(group.sizes, len(cfg.seeds), cfg.trials)
    found = sharding.gather(searches(cfg, mesh, group.capacity)(shared, elements))
    found = found.reshape(len(group.sizes), len(cfg.seeds), cfg.trials, *found.shape[1:])
    return {f"losses-{i}": part for i, part in zip(group.places, found, strict=True)}


def spikes(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """Largest eigenvalue and overlap for every theta, means over draws.  -> [S, T] each"""
    options = {"draws": cfg.draws, "side": cfg.side, "strength": float(cfg.noise)}
    find = partial(wigner.of_seed, thetas=np.array(cfg.thetas), **options)
    return sharding.vmap_over(mesh, find)(np.array(cfg.seeds))
