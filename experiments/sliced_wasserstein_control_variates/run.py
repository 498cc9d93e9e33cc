"""Variances of estimates over shifts and directions, gradient flows, operations.

Seeds x pairs of clouds are split over the mesh in the studies, seeds in the flows.
"""

from functools import cache, partial

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.ot import exact
from common.programs import Program

from . import clouds, cost, flow, study

CHUNK = 2  # records in one call, between two looks at the clock
PICTURED = 0.3, 0.6, 0.8  # of the records: those of the snapshots
STREAMS = ("clouds", "shift", "frame", "pool", "digits", "digit_frame", "digit_pool",
           "translations", "flow_clouds", "flow")  # fmt: skip
STUDY = ("mean", "variance", "law", "pooled", "reference", "sphere")
DIGITS = ("digit_mean", "digit_variance", "digit_sphere")
FLOW = ("exact", "gap", "least", "snapshot", "target")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Estimates: plain, centring, lower, upper control, both with the sample's centre.

    mean, variance [seed, pair, estimate, shift, size]: of an estimate; lengths in spreads
    law, pooled [seed, pair, control, shift]: bias times L as L grows; mean by one coefficient
    reference [seed, pair, shift]: SW_2^2 by quadrature
    sphere [seed, pair, control, 2]: mean of the control over an orthonormal basis, and B
    digit_mean, digit_variance [seed, estimate, shift, size]: shifts of none and their own
    digit_sphere [seed, control, 2]
    floor [seed, floor size]: Var Z / Var of plain for a translated cloud
    exact, gap [seed, method, record]: W_2^2 and distance of the means in a flow
    least [seed, method]: smallest Z over the plain estimate; method: plain, lower, upper, centring
    snapshot [method, picture, n, 3], target [n, 3]: of the first seed
    operations [method]: of a gradient step
    seeds, shifts, sizes, floor_sizes, records; directions, offset []
    """
    names = ("seeds", "shifts", "sizes", "floor_sizes", "records", "directions", "offset")
    found, streams = {name: np.array(cfg[name]) for name in names}, keys.split(cfg.seeds, STREAMS)
    parts = {
        STUDY: ("study", partial(shapes, cfg, mesh, streams)),
        DIGITS: ("digits", lambda: images(cfg, mesh, streams, scratch.data("digits"))),
        ("floor",): ("floor", lambda: {"floor": floors(cfg, mesh)(*moved(cfg, streams))}),
        FLOW: ("flow", partial(flows, cfg, mesh, scratch, streams)),
        ("operations",): ("cost", partial(counted, cfg)),
    }
    for part in scratch.cells(dict(p for arrays, p in parts.items() if scratch.wants(*arrays))):
        found |= part
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The flows, both studies and the translations."""
    streams = jax.eval_shape(lambda: keys.split(cfg.seeds, STREAMS))
    shape, members = partial(jax.ShapeDtypeStruct, dtype=np.dtype(float)), len(cfg.seeds)
    key, many, two = streams["flow"], members * len(clouds.PAIRS), 2 * cfg.digits
    ends = shape((members, cfg.flow_n, 3))
    state, chunk = jax.eval_shape(jax.vmap(flow.begin), ends), np.zeros(CHUNK, int)
    calls = -(-len(cfg.records) // CHUNK)
    pair_keys = jax.ShapeDtypeStruct((many,), key.dtype)
    of_pairs = [shape((many, *s)) for s in ((2, cfg.n, 3), (len(cfg.shifts), 3))]
    of_images = [shape((members, *s)) for s in ((2, two // 2, 64), (2, 64))]
    return [
        flowing(cfg, mesh).program("flows", key, ends, state, 0, chunk, calls=calls,
                                   trips=cfg.records[-1] / (calls * CHUNK)),
        studies(cfg, mesh).program("study", pair_keys, *of_pairs, shape((cfg.nodes, 3)),
                                   shape((many, 3, 3)), calls=1),
        studies(cfg, mesh).program("digits", key, *of_images, shape((0, 64)),
                                   shape((members, 64, 64)), calls=1),
        floors(cfg, mesh).program("translations", key, shape((members, 3)), calls=1),
    ]  # fmt: skip


@cache
def studies(cfg, mesh: Mesh) -> sharding.Placed:
    """Keys, clouds, shifts, nodes (shared), frames -> what `study.study` finds."""
    how = {"pool": cfg.pool, "sizes": cfg.sizes, "centre": cfg.centre}
    how |= {"paired": cfg.paired, "known": cfg.known}
    return sharding.vmap_over(mesh, partial(study.study, **how), shared=(3,), at_once=1)


def shapes(cfg, mesh: Mesh, streams) -> dict[str, np.ndarray]:
    """Both pairs of shapes at all shifts, in units of the spread."""
    cloud = points(streams["clouds"], cfg.n)
    wide = np.array([[clouds.spread(*pair) for pair in seed] for seed in cloud])
    units = wide[..., None] * towards(streams["shift"])[:, None]
    shift = np.array(cfg.shifts)[:, None] * units[:, :, None]
    s, p = wide.shape
    key = jax.vmap(partial(jax.random.split, num=p))(streams["pool"]).reshape(-1)
    flat = [a.reshape(s * p, *a.shape[2:]) for a in (cloud, shift, frames(cfg, streams, p, 3))]
    seen = sharding.gather(
        studies(cfg, mesh)(key, flat[0], flat[1], clouds.nodes(cfg.nodes), flat[2])
    )
    seen = {name: seen[name].reshape(s, p, *seen[name].shape[1:]) for name in STUDY}
    square = {"variance": 4, "sphere": 0}  # powers of the spread; the others have its square
    for name, array in seen.items():
        unit = wide.reshape(s, p, *[1] * (array.ndim - 2)) ** square.get(name, 2)
        seen[name] = array / unit
    return seen


def points(key, n: int) -> np.ndarray:
    """[seed] -> [seed, pair, 2, n, 3]"""
    u = keys.draws({"": key}, {"": (len(clouds.PAIRS), 2, n, 3)}, keys.uniform)[""]
    return np.stack([clouds.pairs(seed) for seed in u])


def towards(key) -> np.ndarray:
    """Unit vectors.  [seed] -> [seed, 3]"""
    v = keys.draws({"": key}, {"": (3,)})[""]
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def frames(cfg, streams, count: int, d: int) -> np.ndarray:
    """Orthonormal bases; directions of unit length alone where cfg says so.

    -> [seed, count, d, d]
    """
    stream = streams["frame" if d == 3 else "digit_frame"]
    v = keys.draws({"": stream}, {"": (count, d, d)})[""]
    return np.linalg.qr(v)[0] if cfg.frames else v / np.linalg.norm(v, axis=-1, keepdims=True)


def images(cfg, mesh: Mesh, streams, data) -> dict[str, np.ndarray]:
    """Digits 0 and 1 with their means at 0, then as they are."""
    pixels = np.concatenate([data.x_train, data.x_test])
    labels = np.concatenate([data.y_train, data.y_test])
    order = keys.draws({"": streams["digits"]}, {"": labels.shape}, keys.uniform)[""]
    both = np.stack([clouds.images(pixels, labels, row, cfg.digits) for row in order])
    apart = both[:, 0].mean(axis=1) - both[:, 1].mean(axis=1)
    cloud = np.stack([[clouds.centred(x) for x in pair] for pair in both])
    shift = np.stack([0 * apart, apart], axis=1)
    frame = frames(cfg, streams, 1, cloud.shape[-1])[:, 0]
    none = np.zeros((0, cloud.shape[-1]))
    seen = sharding.gather(studies(cfg, mesh)(streams["digit_pool"], cloud, shift, none, frame))
    return {f"digit_{name}": seen[name] for name in ("mean", "variance", "sphere")}


@cache
def floors(cfg, mesh: Mesh) -> sharding.Placed:
    """Keys, shifts [seed, 3] -> ratios [seed, floor size]"""
    how = {"pool": cfg.translations, "sizes": cfg.floor_sizes, "centre": cfg.centre}
    return sharding.vmap_over(mesh, partial(study.translated, **how), at_once=1)


def moved(cfg, streams) -> tuple:
    """What `floors` takes."""
    return streams["translations"], towards(streams["shift"])


@cache
def flowing(cfg, mesh: Mesh) -> sharding.Placed:
    """Keys, targets, states, first step, strides -> states, what is seen."""
    how = {"lr": cfg.lr, "directions": cfg.directions, "centre": cfg.centre, "root": cfg.root}
    return sharding.vmap_over(mesh, partial(flow.advance, **how), shared=(3, 4))


def flows(cfg, mesh: Mesh, scratch, streams) -> dict[str, np.ndarray]:
    """From a sphere to a torus, both off the origin; exact transport at the records."""
    pair = points(streams["flow_clouds"], cfg.flow_n)[:, 0]
    x, y = pair[:, 0] - cfg.offset, pair[:, 1] + cfg.offset
    move, state = flowing(cfg, mesh), jax.vmap(flow.begin)(x)

    def advance(state, first, strides):
        return move(streams["flow"], y, state, first, strides)

    _, seen = loops.recorded(scratch, "flow", advance, state, cfg.records, chunk=CHUNK)
    where = np.moveaxis(seen.x, 1, 2)  # [seed, method, record, n, 3]
    pictures = [int(share * (len(cfg.records) - 1)) for share in PICTURED]
    return {
        "exact": np.array([[[transport(x, to) for x in way] for way in ways]
                           for ways, to in zip(where, y, strict=True)]),
        "gap": np.linalg.norm(where.mean(axis=3) - y.mean(axis=1)[:, None, None], axis=-1),
        "least": seen.least[:, -1],
        "snapshot": where[0][:, pictures].astype(np.float32),
        "target": y[0].astype(np.float32),
    }  # fmt: skip


def transport(x, y) -> float:
    """W_2^2 of as many points, exactly.  [n, d] twice"""
    return exact.assignment(((x[:, None] - y) ** 2).sum(-1)).total / len(x)


def counted(cfg) -> dict[str, np.ndarray]:
    """Operations of a gradient step at the paper's 2,048 points."""
    cloud, theta = (jax.ShapeDtypeStruct((n, 3), float) for n in (2048, cfg.directions))
    how = {"centre": cfg.centre, "root": cfg.root}
    each = [jax.grad(partial(flow.loss, estimate=e, **how), has_aux=True) for e in flow.ESTIMATES]
    return {"operations": np.array([cost.operations(g, cloud, cloud, theta) for g in each])}
