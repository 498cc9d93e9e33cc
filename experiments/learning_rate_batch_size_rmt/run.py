"""A point w for every seed; batch spectra at it; the largest stable learning rates from it; Wigner.

Shapes: S seeds, B batch sizes, n batches of a size, N examples, m Lanczos steps, G learning rates.
"""

from collections.abc import Callable
from functools import cache, partial
from itertools import groupby

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from common import sharding
from common.curvature import slq

from . import model, search, spectra, wigner

INPUTS = {"digits": 64, "mnist": 784, "cifar10": 3072}
CLASSES = 10
BINS = 400  # of the spectral densities
PARTS = ("nodes", "weights", "residuals")  # of a quadrature
MOST = 1e3  # of a loss over the loss at w: what stands for a divergence
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
    images, labels = load(cfg, scratch)
    numbers = random_numbers(cfg, len(images))
    start = scratch.cached("point", lambda: point(cfg, mesh, numbers, images, labels))
    shared = start["w"], start["x"], start["y"]
    groups = grouped(cfg)
    wanted = {
        "spectra": scratch.wants(*SPECTRA, *DENSITIES),
        "rates": scratch.wants("peak", "final"),
    }
    with scratch.progress(2 * len(groups) + 2, "part") as bar:
        quadratures, curves = {}, {}
        for i, (capacity, names) in enumerate(groups.items()):
            how = start["signs"], shared, start["orders"], names, capacity
            find = partial(batch_spectra, cfg, mesh, *how)
            if wanted["spectra"]:
                quadratures |= scratch.cached(f"spectra-{capacity}", find)
            bar.update(2 * i + 1)
            tried = [name for name in names if name in cfg.sizes]
            if tried and wanted["rates"]:
                find = partial(rates, cfg, mesh, shared, start["streams"], tried, capacity)
                curves |= scratch.cached(f"rates-{capacity}", find)
            bar.update(2 * i + 2)
        spikes = {}
        if scratch.wants("spike", "overlap"):
            spikes = scratch.cached("wigner", lambda: wigners(cfg, mesh, numbers["wigner"]))
    return {
        "sizes": np.array(cfg.sizes),
        "samples": np.array(cfg.samples),
        "parameters": np.array(start["w"].shape[1]),
        "loss": start["loss"],
        **(summary(cfg, quadratures) | densities(cfg, quadratures) if quadratures else {}),
        "lrs": np.stack(grids(cfg)),
        **(relative(cfg, curves, start["loss"][:, 1]) if curves else {}),
        "theta": np.array(cfg.thetas),
        **spikes,
    }


def abstract_step(cfg, mesh: Mesh) -> tuple[Callable, tuple]:
    """Lanczos on the largest batches, split over the mesh, and its arguments' shapes."""
    seeds, layers = len(cfg.seeds), network(cfg)
    capacity, width = max(cfg.capacities), wide(cfg, mesh)

    def shape(*dims, dtype=float, spec=()):
        placed = sharding.sharded(mesh, *spec)
        return jax.ShapeDtypeStruct(dims, jax.dtypes.canonicalize_dtype(dtype), sharding=placed)

    shared = (
        shape(dtype=int),
        shape(seeds, model.count(layers)),
        shape(seeds, model.count(layers)),
        shape(seeds, cfg.samples, layers[0]),
        shape(seeds, cfg.samples, dtype=int),
    )
    whole = shape(width, 1, dtype=int, spec=(sharding.DATA,))
    rows = shape(width, 1, capacity, dtype=int, spec=(sharding.DATA,))
    elements = whole, whole, whole, rows
    return spectrum_program(mesh, layers, cfg.lanczos), (shared, elements)


def steps(cfg) -> int:
    """How often a whole run calls the function of `abstract_step`: two matrices, every batch."""
    batches = sum(min(cfg.most_batches, cfg.samples // size) for size in (*cfg.sizes, cfg.samples))
    return -(-2 * len(cfg.seeds) * batches // cfg.together)


# --- the point w ---------------------------------------------------------------------------------


def random_numbers(cfg, images: int) -> dict[str, jax.Array]:
    """All random numbers of every seed: uniforms that order the images [S, rows, images] and that
    w starts from [S, P], signs [S, P], keys of the Wigner matrices [S].
    """
    rows = 1 + sum(passes(cfg))
    return numbers(jnp.array(cfg.seeds), rows, images, model.count(network(cfg)))


@partial(jax.jit, static_argnames=("rows", "images", "weights"))
def numbers(seeds, rows, images, weights):
    """One program and one draw: random bits are slow to compile."""

    def one(seed):
        draw, spikes = jax.random.split(jax.random.key(seed))
        flat = jax.random.uniform(draw, (rows * images + 2 * weights,))
        order, init, signs = jnp.split(flat, [rows * images, rows * images + weights])
        order, signs = order.reshape(rows, images), jnp.sign(signs - 0.5)
        return {"order": order, "init": init, "signs": signs, "wigner": spikes}

    return jax.vmap(one)(seeds)


def passes(cfg) -> tuple[int, int]:
    """Permutations of the data of a seed: for the spectra, and for the searches."""
    visits = (cfg.warmup + cfg.search_steps) * max(drawn(cfg, size) for size in cfg.sizes)
    return (len(cfg.sizes) + 1) * cfg.epochs, cfg.trials * -(-visits // cfg.samples)


def network(cfg) -> tuple[int, ...]:
    return (INPUTS[cfg.dataset], *cfg.hidden, CLASSES)


def load(cfg, scratch) -> tuple[np.ndarray, np.ndarray]:
    """Training images as rows [n, D] in [0, 1], labels [n]."""
    data = scratch.data(cfg.dataset)
    images = np.asarray(data.x_train, np.float32)
    return images.reshape(len(images), -1) / images.max(), data.y_train.astype(int)


def point(cfg, mesh: Mesh, numbers, images, labels) -> dict[str, np.ndarray]:
    """The data of every seed, w after descent on them, and all orders in which they are visited.

    -> x [S, N, D], y [S, N], w, signs [S, P], loss [S, 2], orders [S, B + 1, epochs, N],
    streams [S, trial, L]
    """
    n, layers, (spectral, _) = cfg.samples, network(cfg), passes(cfg)
    order = np.argsort(numbers["order"], axis=-1)
    chosen, later = order[:, 0, :n], order[:, 1:]
    later = later[later < n].reshape(len(order), -1, n)  # of a permutation a permutation is left
    x, y = images[chosen].astype(jnp.result_type(float)), labels[chosen]
    how = {"lr": cfg.train_lr, "steps": cfg.train_steps, "target": cfg.train_loss}

    def one(uniform, x, y):
        batch, start = model.weighted(x, y, n), model.init(uniform, layers)
        w = model.descend(start, batch, layers=layers, **how)
        return w, jnp.stack([model.loss(v, batch, layers=layers) for v in (start, w)])

    w, loss = sharding.gather(sharding.vmap_over(mesh, one)(numbers["init"], x, y))
    return {
        "x": x,
        "y": y,
        "w": w,
        "loss": loss,
        "signs": numbers["signs"],
        "orders": later[:, :spectral].reshape(len(x), -1, cfg.epochs, n),
        "streams": later[:, spectral:].reshape(len(x), cfg.trials, -1),
    }


# --- batches -------------------------------------------------------------------------------------


def drawn(cfg, size: int) -> int:
    """Rows that a batch called `size` really has: the falsifiers change it."""
    if not cfg.noise:
        return cfg.samples
    return min(cfg.frozen_batch, cfg.samples) or size


def grouped(cfg) -> dict[int, list[int]]:
    """Rows of a padded batch -> the sizes (and the whole data set) that share its program."""
    groups: dict[int, list[int]] = {}
    for size in (*cfg.sizes, cfg.samples):
        really = drawn(cfg, size) if size in cfg.sizes else size
        fitting = [c for c in sorted(cfg.capacities) if c >= really]
        groups.setdefault(fitting[0] if fitting else really, []).append(size)
    return groups


def wide(cfg, mesh: Mesh) -> int:
    """Elements side by side: `together`, rounded up to what the mesh divides."""
    return cfg.together + -cfg.together % mesh.shape[sharding.DATA]


def spread(mesh: Mesh, fn: Callable) -> Callable:
    """Jitted (shared, elements [W, L, …]) -> fn(shared, element) [W, L, …].

    The W elements of a row side by side, split over the mesh; the L rows one after the other.
    """

    def local(shared, elements):
        return jax.vmap(lambda part: jax.lax.map(lambda one: fn(shared, one), part))(elements)

    over = P(sharding.DATA)
    mapped = jax.shard_map(local, mesh=mesh, in_specs=(P(), over), out_specs=over, check_vma=False)
    return jax.jit(mapped)


def mapped(program: Callable, width: int, shared, elements):
    """`program` of `spread` on elements [E, …] -> [E, …]"""
    size = len(jax.tree.leaves(elements)[0])

    def fold(a):
        a = np.concatenate([a, np.repeat(a[-1:], -size % width, axis=0)])
        return a.reshape(width, -1, *a.shape[1:])

    out = sharding.gather(program(shared, jax.tree.map(fold, elements)))
    return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:])[:size], out)


# --- spectra -------------------------------------------------------------------------------------


@cache
def spectrum_program(mesh: Mesh, layers: tuple[int, ...], steps: int) -> Callable:
    """((kind, signs, w, x, y), (shift, seed, size, rows)) -> quadratures of the elements"""

    def one(shared, element):
        kind, signs, w, x, y = shared
        shift, seed, size, rows = element
        batch = model.weighted(x[seed, rows], y[seed, rows], size)
        start = jnp.roll(signs[seed], shift)  # other signs, without random bits in a loop
        return spectra.quadrature(start, w[seed], batch, kind, layers=layers, steps=steps)

    return spread(mesh, one)


def batch_spectra(cfg, mesh: Mesh, signs, shared, orders, names, capacity) -> dict[str, np.ndarray]:
    """Quadratures of every batch of the sizes `names`.

    -> nodes-B, weights-B [S, kind, n, m], residuals-B [S, kind, n, 2] for every B of names
    """
    seeds, index, places = len(cfg.seeds), [], []
    for name in names:
        row = (*cfg.sizes, cfg.samples).index(name)
        size = drawn(cfg, name) if name in cfg.sizes else name
        cut = partial(spectra.partition, size=size, most=cfg.most_batches)
        rows = np.stack([cut(orders[s, row]) for s in range(seeds)])
        index.append(np.pad(rows, ((0, 0), (0, 0), (0, capacity - size))))
        places += [(row, size)] * rows.shape[1]
    index = np.concatenate(index, axis=1)  # [S, all batches, capacity]
    count = index.shape[1]
    shifts = np.concatenate([np.arange(len(list(same))) for _, same in groupby(places)])
    elements = (
        np.tile(shifts, seeds),
        np.repeat(np.arange(seeds), count),
        np.tile([size for _, size in places], seeds),
        index.reshape(-1, capacity),
    )
    program = spectrum_program(mesh, network(cfg), cfg.lanczos)
    kinds = (spectra.HESSIAN, spectra.GAUSS_NEWTON)
    found = [
        mapped(program, wide(cfg, mesh), (np.array(k), signs, *shared), elements) for k in kinds
    ]
    out = {}
    for j, part in enumerate(PARTS):
        values = np.stack([f[j].reshape(seeds, count, -1) for f in found], axis=1)
        for name in names:
            row = (*cfg.sizes, cfg.samples).index(name)
            out[f"{part}-{name}"] = values[:, :, [r == row for r, _ in places]]
    return out


def summary(cfg, found) -> dict[str, np.ndarray]:
    """Moments over batches, named as in `run`."""
    names = (*cfg.sizes, cfg.samples)

    def each(read):
        return np.stack([read(*(found[f"{part}-{n}"] for part in PARTS)) for n in names], axis=-1)

    def ends(moment):
        return each(lambda nodes, weights, residuals: moment(nodes[..., [0, -1]], axis=2))

    def relative_residual(nodes, weights, residuals):
        return (residuals[:, 0] / np.abs(nodes[:, 0][..., [0, -1]])).mean(1)

    mean = ends(np.mean)
    power = each(lambda nodes, weights, residuals: (weights * nodes**2).sum(-1).mean(-1))
    return {
        "mean": mean[..., :-1],
        "sd": ends(np.std)[..., :-1],
        "median": ends(np.median)[..., :-1],
        "full": mean[..., -1],
        "square": power[..., :-1],
        "full_square": power[..., -1],
        "residual": each(relative_residual),
    }


def densities(cfg, found) -> dict[str, np.ndarray]:
    """Spectral densities of the Hessian of the first seed, averaged over batches."""
    sizes = (*cfg.density_sizes, cfg.samples)
    at, height = [], []
    for size in sizes:
        nodes, weights = (found[f"{part}-{size}"][0, 0] for part in ("nodes", "weights"))
        low, high = nodes.min(), nodes.max()
        grid = np.linspace(low - 0.05 * (high - low), high + 0.05 * (high - low), BINS)
        sigma = (high - low) / 100
        at.append(grid)
        height.append(sharding.gather(density(nodes, weights, grid, sigma)))
    return {
        "density_sizes": np.array(sizes),
        "density_at": np.stack(at),
        "density": np.stack(height),
    }


@jax.jit
def density(nodes, weights, grid, sigma):
    return slq.density(nodes, weights, grid, sigma=sigma).estimate


# --- learning rates ------------------------------------------------------------------------------


def grids(cfg) -> tuple[np.ndarray, np.ndarray]:
    """Geometric grids of learning rates for SGD and for Adam, each [G]."""
    return tuple(np.geomspace(*ends, cfg.grid) for ends in (cfg.sgd_lrs, cfg.adam_lrs))


@cache
def rate_program(mesh: Mesh, **how) -> Callable:
    """((w, x, y, streams, members), (seed, trial, size)) -> losses [R, M] of the elements"""

    def one(shared, element):
        w, x, y, streams, members = shared
        seed, trial, size = element
        return search.losses(
            w[seed], (x[seed], y[seed]), streams[seed, trial], size, members, **how
        )

    return spread(mesh, one)


def rates(cfg, mesh: Mesh, shared, streams, names, capacity) -> dict[str, np.ndarray]:
    """Losses of every learning rate on batches of the sizes `names`.

    -> losses-B [S, trial, R, 2 G] for every B of names
    """
    shape = len(names), len(cfg.seeds), cfg.trials
    members = search.Member(np.concatenate(grids(cfg)), np.arange(2 * cfg.grid) >= cfg.grid)
    how = {"warmup": cfg.warmup, "steps": cfg.search_steps, "records": cfg.records}
    program = rate_program(mesh, layers=network(cfg), rows=capacity, **how)
    place, seed, trial = (a.ravel() for a in np.indices(shape))
    elements = seed, trial, np.array([drawn(cfg, name) for name in names])[place]
    everything = (*shared, streams, members)
    found = mapped(program, wide(cfg, mesh), everything, elements)
    found = found.reshape(*shape, *found.shape[1:])
    return {f"losses-{name}": part for name, part in zip(names, found, strict=True)}


def relative(cfg, curves, start) -> dict[str, np.ndarray]:
    """Largest and last loss over the loss at w [S], split by method: peak, final of `run`."""
    loss = np.stack([curves[f"losses-{name}"] for name in cfg.sizes], axis=1)
    loss = loss / start[:, None, None, None, None]  # [S, B, trial, R, 2 G]
    loss = np.where(np.isfinite(loss), np.minimum(loss, MOST), MOST)

    def split(a):
        return np.stack([a[..., : cfg.grid], a[..., cfg.grid :]])

    return {"peak": split(loss.max(3)), "final": split(loss[:, :, :, -1])}


# --- the Wigner model ----------------------------------------------------------------------------


def wigners(cfg, mesh: Mesh, keys) -> dict[str, np.ndarray]:
    """Largest eigenvalue and overlap for every theta, means over draws.  -> [S, T] each"""
    thetas, strength = jnp.array(cfg.thetas), float(cfg.noise)

    def one(key):
        draws = strength * wigner.noise(key, cfg.draws, cfg.side)
        top, overlap = jax.lax.map(lambda e: wigner.spiked(e, thetas), draws)
        return {"spike": top.mean(0), "overlap": overlap.mean(0)}

    return sharding.vmap_over(mesh, one)(keys)
