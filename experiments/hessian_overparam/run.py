"""Spectra over widths and over clusters, the line between two batch sizes, a residual network.

Shapes: S seeds, W widths, M parameters, k leading eigenvalues, T points along a segment.
A residual network has 2 times (start, end) and 3 matrices (H, G, F of `spectra.matrices`).
"""

from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import clusters, model, paths, problems, residual, spectra

KEYS = ("data", "init", "other", "small first", "small last", "small apart", "lanczos", "resnet")
GREY = (28, 28, 1)
IMAGES = {"digits": (8, 8, 1), "mnist": GREY, "mnist_small": GREY, "cifar10": (32, 32, 3)}
CLASSES = 10
T = np.linspace(-0.2, 1.2, 29)  # figure on interpolation [recalled range]
PAIRED = ("parameters", "eigenvalues", "top_h", "top_g", "overlap", "rest")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Spectra at the start and at the end of training, and the losses along a segment.

    parameters [W]
    eigenvalues [seed, 2, sum of parameters]: start and end, ascending in each width's part, coarse
    top_h, top_g [W, seed, 2, k]: largest eigenvalues of H and of its Gauss-Newton part G
    overlap [W, seed, 2]: of their top-10 eigenspaces; rest [W, seed, 2]: largest |eigenvalue| of R
    clusters [k], cluster_parameters []: blobs, one network
    cluster_eigenvalues [k, seed, n]: at the end, ascending, those that `spectra.outer` keeps
    segment_at [T], segment [3, seed, T]: loss between the small-batch and the large-batch solution,
    between them after the other's batch size, and the latter from two starts;
    segment_start [seed]: loss at the start
    Of the residual network, if any: resnet_loss [seed, record]; [seed, time, matrix, …] are
    resnet_nodes, resnet_weights [probe, step] of SLQ, resnet_density at resnet_at [G], resnet_top
    and resnet_residual [k]
    """
    streams, dense = keys.split(cfg.seeds, KEYS), dense_networks(cfg, mesh)
    batch = batches(cfg, mesh, scratch, streams["data"])
    found = {"clusters": np.array(cfg.clusters), "segment_at": T}
    if scratch.wants(*PAIRED):
        found |= over_widths(cfg, dense, scratch, streams, batch)
    if scratch.wants("cluster_parameters", "cluster_eigenvalues"):
        found |= scratch.cached("clusters", partial(over_clusters, cfg, dense, streams))
    if scratch.wants("segment", "segment_start"):
        found |= scratch.cached("path", partial(batch_sizes, cfg, mesh, dense, streams, batch))
    if cfg.resnet_widths:
        found |= residual_networks(cfg, mesh, scratch, streams["resnet"])
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Of the residual network, if any; exact spectra, leading spaces, descents of the others."""
    dense, seeds, found = dense_networks(cfg, mesh), len(cfg.seeds), []
    key = jax.eval_shape(lambda: keys.split(cfg.seeds, KEYS)["lanczos"])
    if cfg.resnet_widths:
        network = residual_network(cfg, mesh)
        images = cfg.resnet_samples, *IMAGES[cfg.resnet_dataset]
        found += network.programs(images, seeds, cfg.resnet_probes, cfg.resnet_records)
    for width in sorted(cfg.widths, reverse=True):
        args, of = model.shapes(sizes(cfg, width), seeds, cfg.samples), f"of width {width}"
        found += [dense.exact.program(f"spectrum {of}", *args, calls=2)]
        found += [dense.leading.program(f"leading {of}", key, *args, calls=2, trips=cfg.lanczos)]
        found += [dense.fit.program(f"fit {of}", *args, calls=1, trips=cfg.steps // cfg.records)]
    args = model.shapes(cluster_sizes(cfg), seeds * len(cfg.clusters), cfg.cluster_samples)
    found += [dense.exact.program("spectrum of clusters", *args, calls=1)]
    args = model.shapes(sizes(cfg, cfg.path_width), 3 * seeds, cfg.samples)
    return [*found, dense.large.program("descent on all examples", *args, calls=1)]


def dense_networks(cfg, mesh: Mesh) -> SimpleNamespace:
    """What fully connected networks go through, each [B] at once."""
    over = partial(sharding.vmap_over, mesh)
    blobs = {"dim": cfg.cluster_dim, "samples": cfg.cluster_samples, "most": max(cfg.clusters)}
    blobs |= {"separation": cfg.separation, "lr": cfg.lr, "steps": cfg.cluster_steps}
    small = {"lr": cfg.path_lr, "steps": cfg.path_steps, "size": cfg.path_batch}
    return SimpleNamespace(
        exact=spectra.exact(mesh, cfg.chunk),
        leading=over(partial(spectra.leading, k=cfg.leading, space=CLASSES, steps=cfg.lanczos)),
        fit=over(partial(model.fit, lr=cfg.lr, steps=cfg.steps, records=cfg.records)),
        blobs=over(partial(clusters.fit, **blobs)),
        small=over(partial(model.descend_noisily, **small)),
        large=over(partial(model.descend, lr=cfg.lr, steps=cfg.path_steps)),
    )


def batches(cfg, mesh: Mesh, scratch, streams):
    """A random subset of the training images for every seed.  -> (x [S, N, D], y [S, N])"""
    data = scratch.data(cfg.dataset)
    images = problems.flat_images(data.x_train, side=cfg.pool)
    shuffle = sharding.vmap_over(mesh, partial(jax.random.permutation, x=len(images)))
    chosen = sharding.gather(shuffle(streams))[:, : cfg.samples]
    return images[chosen], data.y_train.astype(int)[chosen]


def sizes(cfg, width: int) -> tuple[int, ...]:
    return (cfg.pool**2, *(width,) * cfg.layers, CLASSES)


def cluster_sizes(cfg) -> tuple[int, ...]:
    return (cfg.cluster_dim, *(cfg.cluster_width,) * cfg.layers, max(cfg.clusters))


@partial(jax.jit, static_argnums=1)
def starts(streams, layers: tuple[int, ...]):
    """Initial params of every key.  A program of its own: random bits are slow to compile."""
    return jax.vmap(lambda key: model.init(key, layers))(streams)


def over_widths(cfg, dense, scratch, streams, batch) -> dict[str, np.ndarray]:
    """Spectra and leading spaces at both ends of a descent.  -> arrays named as in `run`"""

    def spectrum(layers, vectors):
        points = model.unpack(vectors, layers)
        found = dense.leading(streams["lanczos"], points, batch)
        return found | {"eigenvalues": dense.exact(points, batch)}

    layers = {w: sizes(cfg, w) for w in cfg.widths}
    start = {w: starts(streams["init"], layers[w]) for w in layers}
    fits = scratch.cells({f"fit-{w}": partial(dense.fit, start[w], batch) for w in layers})
    looks = {
        f"{when}-{width}": partial(spectrum, layers[width], fit["params"][:, i])
        for width, fit in zip(layers, fits, strict=True)
        for i, when in enumerate(("start", "end"))
    }
    return spectra.both_ends(scratch.cells(looks, "spectrum"), PAIRED)


def over_clusters(cfg, dense, streams) -> dict[str, np.ndarray]:
    """Blobs: one network and one number of points for every number of clusters."""
    each, seeds = len(cfg.clusters), len(cfg.seeds)
    # element k S + s: cluster number k at seed s
    start = paths.join(*[starts(streams["init"], cluster_sizes(cfg))] * each)
    numbers = np.repeat(np.array(cfg.clusters), seeds)
    fits = sharding.gather(dense.blobs(jnp.tile(streams["data"], each), start, numbers))
    values = sharding.gather(dense.exact(*fits)).reshape(each, seeds, -1).astype(np.float32)
    kept = spectra.outer(values, max(cfg.clusters))
    return {"cluster_parameters": np.array(values.shape[-1]), "cluster_eigenvalues": kept}


def batch_sizes(cfg, mesh: Mesh, dense, streams, batch) -> dict[str, np.ndarray]:
    """Loss on the lines between small-batch and large-batch solutions, see `paths`."""
    one, other = (starts(streams[k], sizes(cfg, cfg.path_width)) for k in ("init", "other"))
    start = paths.join(one, one if cfg.same_start else other, other)
    orders = jnp.concatenate([streams[f"small {name}"] for name in ("first", "last", "apart")])
    ends = paths.both_ways(dense.small, dense.large, orders, start, batch)
    segment = sharding.vmap_over(mesh, partial(model.segment, t=T))(*ends)
    at_start = sharding.vmap_over(mesh, model.loss)(one, batch)
    return {"segment": sharding.gather(segment).reshape(3, -1, len(T)), "segment_start": at_start}


def residual_network(cfg, mesh: Mesh) -> residual.Residual:
    start = {"widths": cfg.resnet_widths, "blocks": cfg.resnet_blocks, "classes": CLASSES}
    start["colours"] = IMAGES[cfg.resnet_dataset][-1]
    descent = {"lr": cfg.resnet_lr, "momentum": cfg.resnet_momentum, "size": cfg.resnet_batch}
    descent |= {"steps": cfg.resnet_steps // cfg.resnet_records, "total": cfg.resnet_steps}
    top = {"k": cfg.resnet_leading, "hold": cfg.resnet_hold, "tol": cfg.resnet_tol}
    how = {"start": start, "descent": descent, "largest": top | {"steps": cfg.resnet_products}}
    return residual.on_mesh(mesh, chunk=cfg.resnet_chunk, lanczos=cfg.resnet_lanczos, **how)


def residual_networks(cfg, mesh: Mesh, scratch, streams) -> dict[str, np.ndarray]:
    """One network after the other, each on the whole mesh."""
    network, data = residual_network(cfg, mesh), scratch.data(cfg.resnet_dataset)
    images = problems.colour_images(data.x_train)[: cfg.resnet_samples]
    data = images, data.y_train[: cfg.resnet_samples].astype(np.int32)
    each = zip(cfg.seeds, streams, strict=True)
    found = [looks(cfg, network, scratch, f"resnet-{seed}", key, data) for seed, key in each]
    return {f"resnet_{name}": values for name, values in loops.stack(found).items()}


def looks(cfg, network, scratch, name: str, key, data) -> dict[str, np.ndarray]:
    """Densities and largest eigenvalues of H, G and F before and after training, and its loss."""
    init, train, probe, top = jax.random.split(key, 4)
    order = [(i, jax.random.fold_in(probe, i)) for i in range(cfg.resnet_probes)]

    def look(name, matrix, *at):
        probes = {f"{name}-{i}": partial(network.probe[matrix], key, *at) for i, key in order}
        seen = loops.stack(scratch.cells(probes, "probe"))
        largest = scratch.cached(name, partial(network.largest[matrix], top, *at))
        return seen | spectra.drawn(**seen) | largest

    advance = lambda state, first, _: network.train(train, state, data, first)  # noqa: E731
    start = network.begin(init)
    at = cfg.resnet_steps // cfg.resnet_records * np.arange(1, cfg.resnet_records + 1)
    end, loss = loops.recorded(scratch, name, advance, start, at, axis=0)
    found = [
        look(f"{name}-{time}-{matrix}", matrix, state.params, data)
        for time, state in enumerate((start, end))
        for matrix in range(len(residual.MATRICES))
    ]
    found = {k: a.reshape(2, -1, *a.shape[1:]) for k, a in loops.stack(found).items()}
    return found | {"loss": loss.astype(float)}
