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
STREAMS = ("toy", "constant", "blobs", "centres", "noise", "steps", "parents", "which", "order",
           "subsets", "train", "labels", "tests", "batches", "weights", "probes")  # fmt: skip
TOY = ("toy_entropy", "toy_histogram")
TRAINED = ("entropy", "on_labels", "on_images", "distance", "spectra", "train_accuracy",
           "test_accuracy")  # fmt: skip


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Entropies and information in bits.

    dim [dim], noise [noise], power [power], blob [blob], branch [branch], corruption [r]: settings
    toy_entropy [S, noise, power, dim], toy_histogram [S, noise, dim], if any
    blob_entropy [S, blob], if any; tree_information [S, branch, r], if any
    epoch [R]; train_accuracy, test_accuracy, distance [S, regime, R] (mean distance), if any
    entropy, on_labels, on_images [S, regime, kernel, R], if any: DSE(Z), DSMI(Z; Y), DSMI(Z; X)
    spectra [S, regime, 2, N], if any: rescaled kernel, at the first record and the last
    """
    out = {name: np.array(cfg[key]) for name, key in SETTINGS.items()}
    streams = keys.split(cfg.seeds, STREAMS)
    parts = {"toy": (TOY, toys), "blobs": (("blob_entropy",), blobs)}
    parts |= {"trees": (("tree_information",), trees)}
    for name, (arrays, compute) in parts.items():
        if scratch.wants(*arrays):
            out |= scratch.cached(name, partial(compute, cfg, streams))
    if scratch.wants(*TRAINED):
        out |= {"epoch": epochs(cfg)} | trained(cfg, mesh, scratch, streams)
    return out


SETTINGS = {
    "dim": "toy_dims",
    "noise": "toy_noises",
    "power": "toy_powers",
    "blob": "blobs",
    "branch": "branches",
    "corruption": "corruptions",
}


def toys(cfg, streams) -> dict[str, np.ndarray]:
    """Clouds of growing dimension."""
    shape = cfg.toy_points, cfg.toy_width
    normal = keys.draws(streams, {"toy": shape, "constant": ()})
    uniform = keys.draws(streams, {"noise": shape}, keys.uniform)["noise"]
    how = {"dims": cfg.toy_dims, "noises": cfg.toy_noises, "powers": cfg.toy_powers}
    how |= {"sigma": cfg.sigma, "kind": cfg.toy_entropy}
    seeds = zip(normal["toy"], normal["constant"], uniform, strict=True)
    return loops.stack([study.toy(*seed, **how) for seed in seeds])


def blobs(cfg, streams) -> dict[str, np.ndarray]:
    """Clouds of well separated clusters."""
    shapes = {"blobs": (cfg.blob_points, cfg.blob_width)}
    shapes |= {"centres": (max(cfg.blobs), cfg.blob_width)}
    how = {"counts": cfg.blobs, "scale": cfg.blob_scale}
    how |= {"sigma": cfg.sigma, "power": cfg.blob_power}
    seeds = zip(*keys.draws(streams, shapes).values(), strict=True)
    return loops.stack([study.blobs(*seed, **how) for seed in seeds])


def trees(cfg, streams) -> dict[str, np.ndarray]:
    """Branches as categories, their labels corrupted."""
    most = max(cfg.branches)
    size, points = (most, cfg.branch_points, cfg.tree_width), most * cfg.branch_points
    shapes = {"steps": size, "noise": size, "parents": (most,), "which": (points,)}
    shapes |= {"order": (points,), "subsets": (most, cfg.repeats, points)}
    uniform = keys.draws(streams, shapes, keys.uniform)
    how = {"branches": cfg.branches, "corruptions": cfg.corruptions}
    how |= {"noise": cfg.tree_noise, "sigma": cfg.sigma}
    each = [{k: v[s] for k, v in uniform.items()} for s in range(len(cfg.seeds))]
    return loops.stack([study.trees(seed, **how) for seed in each])


def epochs(cfg) -> np.ndarray:
    """Epochs at which clouds are looked at: 0, then spaced evenly in log(epoch).  -> [R]"""
    return np.unique(np.append(0, np.geomspace(1, cfg.epochs, cfg.records).round().astype(int)))


def trained(cfg, mesh: Mesh, scratch, streams) -> dict[str, np.ndarray]:
    """Networks of all seeds and regimes, and the clouds of their features."""
    data = scratch.data(cfg.dataset)
    images, taught = pool(data)
    enrol, begin, learn = learner(cfg, mesh)
    each, fractions = members(cfg)
    member = enrol(each, fractions, *taught)

    def advance(state, _, strides):
        return learn(state, member, strides, images, taught[1])

    start = begin(each["weights"])
    seen = loops.recorded(scratch, "training", advance, start, epochs(cfg))[1]
    z = seen.pop("features")
    tests = sharding.gather(member.tests)[:: len(cfg.corrupted)]
    shapes = {"subsets": (network.CLASSES, cfg.repeats, tests.shape[1])}
    heights = keys.draws(streams, shapes, keys.uniform)["subsets"]
    by_seed = z.reshape(len(cfg.seeds), -1, *z.shape[1:])
    cells = {
        f"seed-{seed}": partial(of_seed, cfg, by_seed[s], data, tests[s], heights[s])
        for s, seed in enumerate(cfg.seeds)
    }
    out = loops.stack(scratch.cells(cells, "clouds of a seed"))
    out |= {name: value.reshape(out["distance"].shape) for name, value in seen.items()}
    if cfg.lanczos:
        out |= scratch.cached("entropy", partial(large, cfg, mesh, z, out["distance"]))
    return out


def of_seed(cfg, z, data, tests, heights) -> dict[str, np.ndarray]:
    """Entropies and information of a seed's clouds.  z [regime, R, N, W] -> arrays [regime, …]"""
    x = data.x_test[tests].reshape(len(tests), -1)
    groups = clusters.spectral(entropy.squared_distances(x), network.CLASSES, cfg.neighbours)
    how = {"sigma": cfg.sigma, "bandwidth": cfg.bandwidth, "rescale": cfg.rescale}
    how |= {"drawn": cfg.drawn, "whole": not cfg.lanczos}
    look = partial(study.features, labels=data.y_test[tests], groups=groups, heights=heights)
    found = loops.stack([loops.stack([look(a, **how) for a in regime], -1) for regime in z])
    ends = found["spectra"][..., [0, -1]].swapaxes(1, 2)
    return found | {"spectra": ends.astype(np.float32)}


def large(cfg, mesh: Mesh, z, distance) -> dict[str, np.ndarray]:
    """The entropies of all points, by quadrature.  z [M, R, N, W], distance [seed, regime, R]"""
    relative = np.maximum(cfg.bandwidth * distance.reshape(z.shape[:2]), 1e-6)  # a cloud of copies
    first = relative if cfg.rescale else np.full_like(relative, cfg.sigma)
    widths = np.stack([first, relative], axis=1).astype(np.float32)
    estimate, key = estimator(cfg, mesh), members(cfg)[0]["probes"]
    found = [[estimate(key, z[:, r], widths[:, k, r]) for r in range(z.shape[1])] for k in (0, 1)]
    found = sharding.gather(found)
    return {"entropy": np.moveaxis(found, -1, 0).reshape(*distance.shape[:2], 2, -1)}


def pool(data):
    """All images, those for tests last, and the labels of both parts."""
    images = np.concatenate([data.x_train, data.x_test])
    return images, (data.y_train.astype(np.int32), data.y_test.astype(np.int32))


def members(cfg):
    """Keys by name and the share of permuted labels, the regimes of a seed in turn.  each [M]"""
    seeds = np.repeat(cfg.seeds, len(cfg.corrupted))
    return keys.split(seeds, STREAMS), np.tile(np.float32(cfg.corrupted), len(cfg.seeds))


def learner(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed, sharding.Placed]:
    """Of all members: what they are taught, where they start, and their training."""
    tx = optax.adamw(cfg.lr)
    enrol = partial(network.enrol, samples=cfg.samples, per_class=cfg.tests_per_class)
    begin = partial(network.begin, pixels=PIXELS, hidden=cfg.hidden, tx=tx)
    learn = partial(network.learn, batch=cfg.batch, tx=tx)
    return (
        sharding.vmap_over(mesh, enrol, shared=(2, 3)),
        sharding.vmap_over(mesh, begin),
        sharding.vmap_over(mesh, learn, shared=(2, 3, 4)),
    )


def estimator(cfg, mesh: Mesh) -> sharding.Placed:
    """Keys, clouds [M, N, W], widths [M] -> entropies [M]."""
    fn = partial(quadrature.entropy, steps=cfg.lanczos, probes=cfg.probes)
    return sharding.vmap_over(mesh, fn, at_once=1)


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The training, from a record to the next a call, and the quadrature if any."""
    enrol, begin, learn = learner(cfg, mesh)
    train, test = COUNTS[cfg.dataset]
    label = partial(jax.ShapeDtypeStruct, dtype=np.int32)
    each, fractions = jax.eval_shape(partial(members, cfg))
    member = jax.eval_shape(enrol, each, fractions, label((train,)), label((test,)))
    state = jax.eval_shape(begin, each["weights"])
    images = jax.ShapeDtypeStruct((train + test, 28, 28), np.uint8)
    given, count = (state, member, np.zeros(1, int), images, label((test,))), len(epochs(cfg))
    found = [learn.program("training", *given, calls=count, trips=cfg.epochs / count)]
    if cfg.lanczos:
        real = partial(jax.ShapeDtypeStruct, dtype=np.float32)
        size = len(fractions), network.CLASSES * cfg.tests_per_class, cfg.hidden[-1]
        given = each["probes"], real(size), real(size[:1])
        found += [estimator(cfg, mesh).program("entropy", *given, calls=2 * count)]
    return found
