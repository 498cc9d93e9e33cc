"""Toy clouds on the host; perceptrons of all seeds and regimes in one program, then their clouds.

Shapes: S seeds, R records, N points; regimes: true and permuted labels; kernels: of width sigma,
and of a width that goes with the mean distance.
"""

from functools import partial

import jax
import numpy as np
import optax
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import clusters, entropy, network, quadrature, study

PIXELS = 28 * 28
MNIST = (60_000, 10_000)
COUNTS = {"mnist": MNIST, "fashion_mnist": MNIST, "mnist_small": (6_000, 2_000)}
STREAMS = ("toy", "constant", "blobs", "centres", "noise", "steps", "shakes", "parents", "which",
           "order", "subsets", "heights", "train", "labels", "tests", "batches", "weights",
           "probes")  # fmt: skip
SETTINGS = "toy_dims", "toy_noises", "toy_powers", "blobs", "branches", "corruptions"
TOY = ("toy_entropy", "toy_histogram")
TRAINED = ("entropy", "on_labels", "on_images", "distance", "spectra", "train_accuracy",
           "test_accuracy")  # fmt: skip


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Entropies and information in bits.

    toy_dims [dim], toy_noises [noise], toy_powers [power], blobs [blob], branches [branch],
    corruptions [r]: settings
    toy_entropy [S, noise, power, dim], toy_histogram [S, noise, dim], if any
    blob_entropy [S, blob], if any; tree_information [S, branch, r], if any
    epoch [R]; train_accuracy, test_accuracy, distance [S, regime, R] (mean distance), if any
    entropy, on_labels, on_images [S, regime, kernel, R], if any: DSE(Z), DSMI(Z; Y), DSMI(Z; X)
    spectra [S, regime, 2, N], if any: rescaled kernel, at the first record and the last
    """
    out = {name: np.array(cfg[name]) for name in SETTINGS}
    drawn = draws(cfg)
    parts = {"toy": (TOY, toys), "blobs": (("blob_entropy",), blobs)}
    parts |= {"trees": (("tree_information",), trees)}
    for name, (arrays, compute) in parts.items():
        if scratch.wants(*arrays):
            out |= scratch.cached(name, partial(compute, cfg, drawn))
    if scratch.wants(*TRAINED):
        out |= {"epoch": epochs(cfg)} | trained(cfg, mesh, scratch, drawn)
    return out


def draws(cfg):
    """All that is random on the host, in two programs: normal and uniform, [S, …] by name."""
    cloud, most = (cfg.toy_points, cfg.toy_width), max(cfg.branches)
    steps, points = (most, cfg.branch_points, cfg.tree_width), most * cfg.branch_points
    tests = network.CLASSES * cfg.tests_per_class
    normal = {"toy": cloud, "constant": (), "blobs": (cfg.blob_points, cfg.blob_width)}
    normal |= {"centres": (max(cfg.blobs), cfg.blob_width)}
    uniform = {"noise": cloud, "steps": steps, "shakes": steps, "parents": (most,)}
    uniform |= {"which": (points,), "order": (points,), "subsets": (most, cfg.repeats, points)}
    uniform |= {"heights": (network.CLASSES, cfg.repeats, tests)}
    streams = keys.split(cfg.seeds, STREAMS)
    return keys.draws(streams, normal), keys.draws(streams, uniform, keys.uniform)


def toys(cfg, drawn) -> dict[str, np.ndarray]:
    """Clouds of growing dimension."""
    normal, uniform = drawn
    how = {"dims": cfg.toy_dims, "noises": cfg.toy_noises, "powers": cfg.toy_powers}
    how |= {"sigma": cfg.sigma, "kind": cfg.toy_entropy}
    seeds = zip(normal["toy"], normal["constant"], uniform["noise"], strict=True)
    return loops.stack([study.toy(*seed, **how) for seed in seeds])


def blobs(cfg, drawn) -> dict[str, np.ndarray]:
    """Clouds of well separated clusters."""
    how = {"counts": cfg.blobs, "scale": cfg.blob_scale}
    how |= {"sigma": cfg.sigma, "power": cfg.blob_power}
    seeds = zip(drawn[0]["blobs"], drawn[0]["centres"], strict=True)
    return loops.stack([study.blobs(*seed, **how) for seed in seeds])


def trees(cfg, drawn) -> dict[str, np.ndarray]:
    """Branches as categories, their labels corrupted."""
    how = {"branches": cfg.branches, "corruptions": cfg.corruptions}
    how |= {"noise": cfg.tree_noise, "sigma": cfg.sigma}
    each = [{k: v[s] for k, v in drawn[1].items()} for s in range(len(cfg.seeds))]
    return loops.stack([study.trees(seed, **how) for seed in each])


def epochs(cfg) -> np.ndarray:
    """Epochs at which clouds are looked at: 0, then spaced evenly in log(epoch).  -> [R]"""
    return np.unique(np.append(0, np.geomspace(1, cfg.epochs, cfg.records).round().astype(int)))


def trained(cfg, mesh: Mesh, scratch, drawn) -> dict[str, np.ndarray]:
    """Networks of all seeds and regimes, and the clouds of their features."""
    data = scratch.data(cfg.dataset)
    images, taught = pool(data)
    start, learn = learner(cfg, mesh)
    streams = keys.split(cfg.seeds, STREAMS)
    member, state = start(streams, *taught)

    def advance(state, _, strides):
        return learn(state, member, strides, images, taught[1])

    seen = loops.recorded(scratch, "training", advance, state, epochs(cfg), axis=2)[1]
    z = seen.pop("features")
    tests = sharding.gather(member.tests)
    cells = {
        f"seed-{seed}": partial(of_seed, cfg, z[s], data, tests[s], drawn[1]["heights"][s])
        for s, seed in enumerate(cfg.seeds)
    }
    out = seen | loops.stack(scratch.cells(cells, "clouds of a seed"))
    if cfg.lanczos:
        out |= scratch.cached("entropy", partial(large, cfg, mesh, streams, z, out["distance"]))
    return out


def of_seed(cfg, z, data, tests, heights) -> dict[str, np.ndarray]:
    """Entropies and information of a seed's clouds.  z [regime, R, N, W] -> arrays [regime, …]"""
    x = data.x_test[tests].reshape(len(tests), -1)
    groups = clusters.spectral(entropy.squared_distances(x), network.CLASSES, cfg.neighbours)
    how = {"sigma": cfg.sigma, "bandwidth": cfg.bandwidth}
    how |= {"drawn": cfg.drawn, "whole": not cfg.lanczos}
    look = partial(study.features, labels=data.y_test[tests], groups=groups, heights=heights)
    found = loops.stack([loops.stack([look(a, **how) for a in regime], -1) for regime in z])
    ends = found["spectra"][..., [0, -1]].swapaxes(1, 2)
    return found | {"spectra": ends.astype(np.float32)}


def large(cfg, mesh: Mesh, streams, z, distance) -> dict[str, np.ndarray]:
    """Entropies of all points, by quadrature.  z [S, regime, R, N, W], distance [S, regime, R]"""
    relative = np.maximum(cfg.bandwidth * distance, 1e-6)  # a cloud of copies
    widths = np.stack([np.full_like(relative, cfg.sigma), relative], 2).astype(np.float32)
    estimate = estimator(cfg, mesh)
    found = [estimate(streams["probes"], z[:, :, r], widths[..., r]) for r in range(z.shape[2])]
    return {"entropy": np.stack(sharding.gather(found), axis=-1)}


def pool(data):
    """All images, those for tests last, and the labels of both parts."""
    images = np.concatenate([data.x_train, data.x_test])
    return images, (data.y_train.astype(np.int32), data.y_test.astype(np.int32))


def learner(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed]:
    """Of all seeds: what they are taught and where they start, and their training."""
    tx = optax.adamw(cfg.lr)
    how = {"samples": cfg.samples, "per_class": cfg.tests_per_class}
    how |= {"pixels": PIXELS, "hidden": cfg.hidden}
    start = partial(network.start, fractions=cfg.corrupted, tx=tx, **how)
    learn = partial(network.learn_beside, batch=cfg.batch, tx=tx)
    return (
        sharding.vmap_over(mesh, start, shared=(1, 2)),
        sharding.vmap_over(mesh, learn, shared=(2, 3, 4)),
    )


def estimator(cfg, mesh: Mesh) -> sharding.Placed:
    """Keys [S], clouds [S, regime, N, W], widths [S, regime, kernel] -> entropies [as widths]."""
    fn = partial(quadrature.entropies, steps=cfg.lanczos, probes=cfg.probes)
    return sharding.vmap_over(mesh, fn, at_once=1)


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The training, from a record to the next a call, and the quadrature if any."""
    start, learn = learner(cfg, mesh)
    train, test = COUNTS[cfg.dataset]
    label, real = (partial(jax.ShapeDtypeStruct, dtype=d) for d in (np.int32, np.float32))
    streams = jax.eval_shape(lambda: keys.split(cfg.seeds, STREAMS))
    member, state = jax.eval_shape(start, streams, label((train,)), label((test,)))
    images = jax.ShapeDtypeStruct((train + test, 28, 28), np.uint8)
    given, count = (state, member, np.zeros(1, int), images, label((test,))), len(epochs(cfg))
    found = [learn.program("training", *given, calls=count, trips=cfg.epochs / count)]
    if cfg.lanczos:
        size = len(cfg.seeds), len(cfg.corrupted)
        z = real((*size, network.CLASSES * cfg.tests_per_class, cfg.hidden[-1]))
        clouds = streams["probes"], z, real((*size, 2))
        found += [estimator(cfg, mesh).program("entropy", *clouds, calls=count)]
    return found
