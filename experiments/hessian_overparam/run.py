"""Trainings, exact spectra, leading eigenspaces, and the straight line between two batch sizes.

Shapes: S seeds, W widths, M parameters, k leading eigenvalues, T points along a segment.
A residual network has 2 times (start, end) and 3 matrices (H, G, F of `spectra.matrices`).
"""

from collections.abc import Callable
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from common import sharding
from common.curvature.slq import density

from . import model, problems, resnet, spectra

KEYS = ("data", "init", "other", "small first", "small last", "small apart", "lanczos", "resnet")
SIDES = {"digits": 8, "mnist": 28, "mnist10": 10}
IMAGES = {"digits": (8, 1), "mnist": (28, 1), "cifar10": (32, 3)}  # side, colours
CLASSES = 10
GRID = 801  # where densities are drawn
MATRICES = 3  # of `spectra.matrices`
T = np.linspace(-0.2, 1.2, 29)  # figure on interpolation [recalled range]
PAIRED = ("eigenvalues", "top_h", "top_g", "overlap", "rest")  # start and end, of every width


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Spectra at the start and at the end of training, and the losses along a segment.

    parameters [W]
    eigenvalues [seed, 2, sum of parameters]: start and end, ascending within each width's part;
    in float32, as the cluster_eigenvalues
    top_h, top_g [W, seed, 2, k]: largest eigenvalues of H and of its Gauss-Newton part G
    overlap [W, seed, 2]: of their top-10 eigenspaces; rest [W, seed, 2]: largest |eigenvalue| of R
    clusters [k], cluster_parameters []: blobs, one network
    cluster_eigenvalues [k, seed, n]: at the end, ascending, those that `outer` keeps
    segment_at [T], segment [3, seed, T]: loss between the small-batch and the large-batch solution,
    between them after the other's batch size, and the latter from two starts;
    segment_start [seed]: loss at the start
    Of the residual network, if any: resnet_loss [seed, record]; [seed, time, matrix, …] are
    resnet_nodes, resnet_weights [probe, step] of SLQ, resnet_density at resnet_at [G], resnet_top
    and resnet_residual [k]
    """
    keys = named_keys(jnp.array(cfg.seeds))
    data = partial(batches, cfg, keys, *load(cfg, scratch))
    parts: dict[str, list] = {}
    found = {"clusters": np.array(cfg.clusters), "segment_at": T}
    with scratch.progress(3 * len(cfg.widths) + 2, "part") as bar:
        for i, width in enumerate(cfg.widths if scratch.wants("parameters", *PAIRED) else ()):
            fit = scratch.cached(f"fit-{width}", partial(fitted, cfg, mesh, keys, data, width))
            bar.update(3 * i + 1)
            both = []
            for j, when in enumerate(("start", "end")):
                find = partial(spectrum, cfg, mesh, keys, data, width, fit["params"][:, j])
                both.append(scratch.cached(f"{when}-{width}", find))
                bar.update(3 * i + j + 2)
            for name in PAIRED:
                pair = np.stack([point[name] for point in both], axis=1)
                parts.setdefault(name, []).append(pair)
        if scratch.wants("cluster_parameters", "cluster_eigenvalues"):
            blobs = scratch.cached("clusters", partial(clustered, cfg, mesh, keys))
            values = blobs["cluster_eigenvalues"].astype(np.float32)
            found["cluster_parameters"] = np.array(values.shape[-1])
            found["cluster_eigenvalues"] = outer(values, max(cfg.clusters))
        bar.update(3 * len(cfg.widths) + 1)
        if scratch.wants("segment", "segment_start"):
            found |= scratch.cached("path", partial(batch_paths, cfg, mesh, keys, data))
    if parts:
        eigenvalues = parts.pop("eigenvalues")
        found["parameters"] = np.array([e.shape[-1] for e in eigenvalues])
        found["eigenvalues"] = np.concatenate(eigenvalues, axis=-1).astype(np.float32)
    found |= {name: np.stack(values) for name, values in parts.items()}
    return found | residual_networks(cfg, mesh, scratch, keys["resnet"])


def abstract_step(cfg, mesh: Mesh) -> tuple[Callable, tuple]:
    """One probe of the Hessian of the residual network; where there is none, `columns_step`."""
    if not cfg.resnet_widths:
        return columns_step(cfg, mesh)
    side, colours = IMAGES[cfg.resnet_dataset]

    def placed(x, *spec):
        return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding.sharded(mesh, *spec))

    key = jax.eval_shape(lambda: jax.random.key(0))
    params = jax.tree.map(placed, jax.eval_shape(beginner(cfg, colours), key).params)
    images = jax.ShapeDtypeStruct((cfg.resnet_samples, side, side, colours), jnp.float32)
    labels = jax.ShapeDtypeStruct((cfg.resnet_samples,), jnp.int32)
    batch = placed(images, sharding.DATA), placed(labels, sharding.DATA)
    how = {"mesh": mesh, "chunk": cfg.resnet_chunk, "steps": cfg.resnet_lanczos}
    return jitted(spectra.quadrature, matrix=0, **how), (placed(key), params, batch)


def steps(cfg) -> int:
    """How often a whole run calls the function of `abstract_step`; training is not in it."""
    if not cfg.resnet_widths:
        return 2  # start and end
    return len(cfg.seeds) * 2 * MATRICES * cfg.resnet_probes


def columns_step(cfg, mesh: Mesh) -> tuple[Callable, tuple]:
    """The Hessian columns of the widest network, split over the mesh, and its arguments' shapes."""
    points, layers = len(cfg.seeds), sizes(cfg, cfg.widths[-1])

    def shape(*dims, dtype=float, spec=()):
        dtype = jax.dtypes.canonicalize_dtype(dtype)
        return jax.ShapeDtypeStruct(dims, dtype, sharding=sharding.sharded(mesh, *spec))

    params = jax.eval_shape(lambda v: model.unpack(v, layers), shape(points, model.count(layers)))
    params = jax.tree.map(lambda a: shape(*a.shape), params)
    batch = shape(points, cfg.samples, layers[0]), shape(points, cfg.samples, dtype=int)
    n = len(padded_index(model.count(layers), mesh))
    return hessians(mesh, cfg.chunk), (params, batch, shape(n, dtype=int, spec=(sharding.DATA,)))


# --- the problems --------------------------------------------------------------------------------


@jax.jit
def named_keys(seeds) -> dict[str, jax.Array]:
    """Every name of KEYS -> one key a seed."""
    split = jax.vmap(lambda seed: jax.random.split(jax.random.key(seed), len(KEYS)))(seeds)
    return {name: split[:, i] for i, name in enumerate(KEYS)}


def load(cfg, scratch) -> tuple[np.ndarray, np.ndarray]:
    """Training images as rows [n, D] in [0, 1], labels [n]."""
    data = scratch.data(cfg.dataset.removesuffix("10"))
    images = problems.flat_images(data.x_train, pool=10 if cfg.dataset == "mnist10" else None)
    return images, data.y_train.astype(int)


def batches(cfg, keys, images, labels):
    """A random subset of the training images for every seed.  -> (x [S, N, D], y [S, N])"""
    chosen = np.asarray(subsets(keys["data"], len(images)))[:, : cfg.samples]
    return images[chosen], labels[chosen]


@partial(jax.jit, static_argnames="most")
def subsets(keys, most: int):
    return jax.vmap(lambda key: jax.random.permutation(key, most))(keys)


def sizes(cfg, width: int) -> tuple[int, ...]:
    return (SIDES[cfg.dataset] ** 2, *(width,) * cfg.layers, CLASSES)


@partial(jax.jit, static_argnames="layers")
def starts(keys, layers: tuple[int, ...]):
    """Initial params of every key.  A program of its own: random bits are slow to compile."""
    return jax.vmap(lambda key: model.init(key, layers))(keys)


# --- the parts -----------------------------------------------------------------------------------


def fitted(cfg, mesh: Mesh, keys, data: Callable, width: int) -> dict[str, np.ndarray]:
    """Full-batch descent.  -> params [S, 2, M] at its start and its end, loss [S, records + 1]"""

    def one(start, batch):
        how = {"lr": cfg.lr, "steps": cfg.steps, "records": cfg.records}
        end, loss = model.trajectory(start, batch, **how)
        both = [ravel_pytree(params)[0] for params in (start, end)]
        return {"params": jnp.stack(both), "loss": loss}

    return sharding.vmap_over(mesh, one)(starts(keys["init"], sizes(cfg, width)), data())


def spectrum(cfg, mesh: Mesh, keys, data: Callable, width: int, params) -> dict[str, np.ndarray]:
    """Spectra and leading spaces at params [S, M].  -> arrays [S, …] named as in `run`"""
    leading = leading_spaces(mesh, cfg.leading, cfg.lanczos)
    points, batch = model.unpack(params, sizes(cfg, width)), data()
    values = exact_spectra(mesh, cfg.chunk, points, batch)
    return leading(keys["lanczos"], points, batch) | {"eigenvalues": values}


@cache
def leading_spaces(mesh: Mesh, k: int, steps: int) -> Callable:
    """(keys, params, batch), each [S] -> what `spectra.leading` returns, each [S, …]"""
    return sharding.vmap_over(mesh, partial(spectra.leading, k=k, space=CLASSES, steps=steps))


def padded_index(count: int, mesh: Mesh) -> np.ndarray:
    """Columns 0 … M-1, and the first ones again until the mesh divides their number."""
    return np.arange(count + -count % mesh.shape[sharding.DATA]) % count


@cache
def hessians(mesh: Mesh, chunk: int) -> Callable:
    """Jitted (params [B], batch [B], index [n]) -> rows of H [B, n, M], n split over the mesh.

    The B points follow each other, so that the columns at work stay in the cache.
    """

    def local(params, batch, index):
        rows = partial(spectra.hessian_columns, index=index, chunk=chunk)
        return jax.lax.map(lambda point: rows(*point), (params, batch))

    specs, split = (P(), P(), P(sharding.DATA)), P(None, sharding.DATA)
    spread = jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=split, check_vma=False)
    return jax.jit(spread)


def exact_spectra(mesh: Mesh, chunk: int, params, batch):
    """All eigenvalues of H, ascending.  params, batch [B] -> [B, M]"""
    count = sum(a[0].size for a in jax.tree.leaves(params))
    rows = hessians(mesh, chunk)(params, batch, padded_index(count, mesh))[:, :count]
    return sharding.vmap_over(mesh, lambda h: jnp.linalg.eigvalsh((h + h.T) / 2))(rows)


def clustered(cfg, mesh: Mesh, keys) -> dict[str, np.ndarray]:
    """Blobs: one hidden layer and one number of points for every number of clusters."""
    most, each, seeds = max(cfg.clusters), len(cfg.clusters), len(cfg.seeds)
    layers = (cfg.cluster_dim, *(cfg.cluster_width,) * cfg.layers, most)
    which = {"dim": cfg.cluster_dim, "samples": cfg.cluster_samples, "most": most}

    def one(key, start, clusters):
        batch = problems.blobs(key, clusters, separation=cfg.separation, **which)
        start = model.silence(start, clusters)
        params = model.descend(start, batch, lr=cfg.lr, steps=cfg.cluster_steps)
        return params, batch, model.loss(params, batch)

    # element k S + s: cluster number k at seed s
    start = stack(*[starts(keys["init"], layers)] * each)
    clusters = np.repeat(np.array(cfg.clusters), seeds)
    fit = sharding.vmap_over(mesh, one)(jnp.tile(keys["data"], each), start, clusters)
    params, batch, loss = sharding.gather(fit)
    values = exact_spectra(mesh, cfg.chunk, params, batch)
    return {
        "cluster_loss": loss.reshape(each, seeds),
        "cluster_eigenvalues": values.reshape(each, seeds, -1),
    }


def outer(values, most: int):
    """Eigenvalues that decide how many are outliers, for up to `most` classes.

    The 3 K largest, and of the rest both ends: the 95th percentile of |bulk| lies there.
    values [..., M], ascending -> [..., n]
    """
    size = values.shape[-1]
    low = size // 20 + 2  # a twentieth, and one more for the interpolation
    middle = slice(low, max(low, size - low - 3 * most))
    return np.delete(values, middle, axis=-1)


def batch_paths(cfg, mesh: Mesh, keys, data: Callable) -> dict[str, np.ndarray]:
    """Small batches then large ones, and the other way round, from one start and from two.

    Three arms, stacked so that one program serves all: a small-first, b large-first from the same
    start, c large-first from another.  Small steps cost little, so arm a takes the second ones in
    vain, as b and c do the first.
    """
    layers, seeds = sizes(cfg, cfg.path_width), len(cfg.seeds)

    def small_steps(key, params, batch):
        how = {"lr": cfg.path_lr, "steps": cfg.path_steps, "size": cfg.path_batch}
        return model.descend_noisily(key, params, batch, **how)

    def full_steps(params, batch):
        return model.descend(params, batch, lr=cfg.lr, steps=cfg.path_steps)

    def spread(fn):
        return lambda *args: sharding.gather(sharding.vmap_over(mesh, fn)(*args))

    batch = data()
    every = stack(batch, batch, batch)
    one, other = starts(keys["init"], layers), starts(keys["other"], layers)
    start = stack(one, one if cfg.same_start else other, other)
    orders = jnp.concatenate([keys[name] for name in ("small first", "small last", "small apart")])

    small = sharding.vmap_over(mesh, small_steps)
    first = arms(sharding.gather(small(orders, start, every)), seeds)[0]
    _, b, c = arms(start, seeds)
    half = spread(full_steps)(stack(first, b, c), every)
    _, b, c = arms(sharding.gather(small(orders, half, every)), seeds)
    a, halfway, _ = arms(half, seeds)
    line = spread(lambda a, b, batch: model.segment(a, b, batch, T))
    lines = line(stack(first, a, a), stack(halfway, b, c), every)
    at_start = spread(model.loss)(one, batch)
    return {"segment": lines.reshape(3, seeds, -1), "segment_start": at_start}


def stack(*trees):
    """Host arrays of several batches as one batch."""
    return jax.tree.map(lambda *a: np.concatenate(a), *trees)


def arms(tree, seeds: int):
    """The three arms of a stacked batch."""
    parts = slice(seeds), slice(seeds, 2 * seeds), slice(2 * seeds, None)
    return [jax.tree.map(lambda a, part=part: a[part], tree) for part in parts]


# --- the residual network ------------------------------------------------------------------------


def residual_networks(cfg, mesh: Mesh, scratch, keys) -> dict[str, np.ndarray]:
    """One network after the other, each on the whole mesh: densities and top eigenvalues."""
    if not cfg.resnet_widths:
        return {}
    found = scratch.data(cfg.resnet_dataset)
    data = problems.colour_images(found.x_train), found.y_train.astype(np.int32)
    data = jax.tree.map(lambda a: a[: cfg.resnet_samples], data)
    each = (residual(cfg, mesh, scratch, keys[i], s, data) for i, s in enumerate(cfg.seeds))
    return {f"resnet_{name}": values for name, values in stacked(each).items()}


def residual(cfg, mesh: Mesh, scratch, key, seed: int, data) -> dict[str, np.ndarray]:
    """Arrays of `run` for one seed."""
    init, train, *looks = jax.random.split(key, 4)
    begin = jax.jit(beginner(cfg, data[0].shape[-1]), out_shardings=sharding.sharded(mesh))
    start = begin(init)
    end, loss = momentum(cfg, mesh, scratch, f"resnet-{seed}", train, start, data)
    split = sharding.put(data, mesh, sharding.DATA)

    def found(time, state, matrix):
        name, at = f"resnet-{seed}-{time}-{matrix}", (state.params, split)
        return seen(cfg, mesh, scratch, name, looks, at, matrix)

    times = enumerate((start, end))
    both = (stacked(found(t, state, m) for m in range(MATRICES)) for t, state in times)
    return stacked(both) | {"loss": loss}


def seen(cfg, mesh: Mesh, scratch, name: str, keys, at, matrix: int) -> dict[str, np.ndarray]:
    """Arrays of `run` for a matrix at params, batch.  Each probe is stored when it is done."""
    how = {"mesh": mesh, "matrix": matrix, "chunk": cfg.resnet_chunk}
    find = {"k": cfg.resnet_leading, "hold": cfg.resnet_hold, "tol": cfg.resnet_tol}
    largest = jitted(spectra.largest, steps=cfg.resnet_products, **find, **how)
    look = jitted(spectra.quadrature, steps=cfg.resnet_lanczos, **how)
    probes = [
        scratch.cached(f"{name}-{i}", partial(look, jax.random.fold_in(keys[0], i), *at))
        for i in range(cfg.resnet_probes)
    ]
    found = stacked(probes)
    grid = np.linspace(min(found["nodes"].min(), 0), found["nodes"].max(), GRID)
    found |= {"at": grid, "density": np.asarray(density(**found, grid=grid).estimate)}
    return found | scratch.cached(name, partial(largest, keys[1], *at))


def stacked(parts) -> dict[str, np.ndarray]:
    """The arrays of several parts, by name."""
    parts = list(parts)
    return {name: np.stack([part[name] for part in parts]) for name in parts[0]}


def beginner(cfg, colours: int) -> Callable:
    """key -> State at the start."""
    how = {"widths": cfg.resnet_widths, "blocks": cfg.resnet_blocks}

    def begin(key):
        params = resnet.init(key, colours=colours, classes=CLASSES, **how)
        return resnet.State(params, jax.tree.map(jnp.zeros_like, params))

    return begin


def momentum(cfg, mesh: Mesh, scratch, name: str, key, state, data):
    """SGD with momentum, every batch split over the mesh.  -> (State, loss [record])"""
    whole, split = sharding.sharded(mesh), sharding.sharded(mesh, sharding.DATA)
    steps = cfg.resnet_steps // cfg.resnet_records
    how = {"lr": cfg.resnet_lr, "momentum": cfg.resnet_momentum, "size": cfg.resnet_batch}
    place = partial(jax.lax.with_sharding_constraint, shardings=split)
    descend = partial(resnet.descend, steps=steps, total=cfg.resnet_steps, place=place, **how)
    descend = jax.jit(descend, out_shardings=(whole, whole))
    data = sharding.put(data, mesh)
    history = np.zeros(cfg.resnet_records)
    with (
        scratch.checkpoints(name) as ckpt,
        scratch.progress(cfg.resnet_records, name) as progress,
    ):
        (state, history), done = ckpt.restore((state, history))
        for i in range(done, cfg.resnet_records):
            state, loss = descend(key, state, data, i * steps)
            history[i] = sharding.gather(loss)
            ckpt.save(i + 1, (state, history), force=i + 1 == cfg.resnet_records)
            progress.update(i + 1)
    return state, history


@cache
def jitted(fn: Callable, **options) -> Callable:
    """One program for all seeds and times."""
    return jax.jit(partial(fn, **options))
