"""Variances of estimates over shifts and directions, gradient flows, operations.

Seeds are split over the mesh.
"""

from functools import cache, partial
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.ot import exact
from common.programs import Program

from . import clouds, cost, flow, study

IMAGES, PIXELS = 1797, 64  # of the digits
CHUNK = 2  # records in one call, between two looks at the clock
FRAMES = {"frame": (len(clouds.PAIRS), 3, 3), "digit_frame": (1, PIXELS, PIXELS)}
PICTURED = 0.3, 0.6, 0.8  # of the records: those of the snapshots
STREAMS = ("clouds", "shift", "frame", "pool", "digits", "digit_frame", "digit_pool",
           "translations", "flow_clouds", "flow")  # fmt: skip
STUDY = ("mean", "variance", "law", "pooled", "reference", "sphere")
DIGITS = ("digit_variance", "digit_sphere")
FLOW = ("exact", "gap", "least", "snapshot", "target")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Estimates: plain, centring, lower, upper control, both with the sample's centre.

    mean, variance [seed, pair, estimate, shift, size]: of an estimate; lengths in spreads
    law, pooled [seed, pair, control, shift]: bias times L as L grows; mean by one coefficient
    reference [seed, pair, shift]: SW_2^2 by quadrature
    sphere [seed, pair, control, 2]: mean of the control over an orthonormal basis, and B
    digit_variance [seed, estimate, shift, size]: shifts of none and their own
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
    draw = drawn(cfg, streams)
    parts = {
        STUDY: ("study", partial(shapes, cfg, mesh, streams["pool"], draw)),
        DIGITS: ("digits", partial(images, cfg, mesh, scratch, streams["digit_pool"], draw)),
        ("floor",): (
            "floor",
            lambda: {"floor": floors(cfg, mesh)(streams["translations"], draw.towards)},
        ),
        FLOW: ("flow", partial(flows, cfg, mesh, scratch, streams["flow"], draw)),
        ("operations",): ("cost", partial(counted, cfg)),
    }
    for part in scratch.cells(dict(p for arrays, p in parts.items() if scratch.wants(*arrays))):
        found |= part
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The flows, both studies and the translations."""
    key = jax.eval_shape(lambda: keys.split(cfg.seeds, STREAMS))["pool"]
    shape, members = partial(jax.ShapeDtypeStruct, dtype=np.dtype(float)), len(cfg.seeds)
    ends, pairs = shape((members, cfg.flow_n, 3)), len(clouds.PAIRS)
    state = flow.Flows(shape((members, 4, cfg.flow_n, 3)), shape((members, 4)))
    calls = -(-len(cfg.records) // CHUNK)

    def studied(p, n, d, shifts, nodes):
        sizes = (members, p, 2, n, d), (members, p, shifts, d), (nodes, d), (members, p, d, d)
        return studies(cfg, mesh).program(f"study, d = {d}", key, *map(shape, sizes), calls=1)

    return [
        flowing(cfg, mesh).program("flows", key, ends, state, 0, np.zeros(CHUNK, int), calls=calls,
                                   trips=cfg.records[-1] / (calls * CHUNK)),
        studied(pairs, cfg.n, 3, len(cfg.shifts), cfg.nodes),
        studied(1, cfg.digits, PIXELS, 2, 0),
        floors(cfg, mesh).program("translations", key, shape((members, 3)), calls=1),
    ]  # fmt: skip


class Drawn(NamedTuple):
    """What is random but directions, of every seed."""

    clouds: np.ndarray  # [seed, pair, 2, n, 3]
    flow_clouds: np.ndarray  # [seed, 2, flow n, 3]
    towards: np.ndarray  # [seed, 3]: unit vectors
    frames: np.ndarray  # [seed, pair, 3, 3]
    digit_frames: np.ndarray  # [seed, 1, 64, 64]
    order: np.ndarray  # [seed, image]


def drawn(cfg, streams) -> Drawn:
    """Frames are orthonormal bases, or directions of unit length alone where cfg says so."""
    pairs = len(clouds.PAIRS)
    flat = {"digits": (IMAGES,), "flow_clouds": (pairs, 2, cfg.flow_n, 3)}
    u = keys.draws(streams, flat | {"clouds": (pairs, 2, cfg.n, 3)}, keys.uniform)
    v = keys.draws(streams, FRAMES | {"shift": (3,)})
    frame = (lambda a: np.linalg.qr(a)[0]) if cfg.frames else unit
    points = [np.stack([clouds.pairs(seed) for seed in u[k]]) for k in ("clouds", "flow_clouds")]
    frames = frame(v["frame"]), frame(v["digit_frame"])
    return Drawn(points[0], points[1][:, 0], unit(v["shift"]), *frames, u["digits"])


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


@cache
def studies(cfg, mesh: Mesh) -> sharding.Placed:
    """Keys, clouds, shifts, nodes (shared), frames -> what `study.study` finds."""
    how = {"pool": cfg.pool, "sizes": cfg.sizes, "centre": cfg.centre}
    how |= {"paired": cfg.paired, "known": cfg.known}
    return sharding.vmap_over(mesh, partial(study.study, **how), shared=(3,), at_once=1)


def shapes(cfg, mesh: Mesh, key, draw: Drawn) -> dict[str, np.ndarray]:
    """Both pairs of shapes at all shifts, in units of the spread."""
    wide = np.array([[clouds.spread(*pair) for pair in seed] for seed in draw.clouds])
    shift = np.einsum("sp,k,sd->spkd", wide, cfg.shifts, draw.towards)
    seen = studies(cfg, mesh)(key, draw.clouds, shift, clouds.nodes(cfg.nodes), draw.frames)
    seen = sharding.gather(seen)
    powers = {"variance": 4, "sphere": 0}  # of the spread; the others have its square

    def scaled(name, array):
        return array / wide.reshape(*wide.shape, *[1] * (array.ndim - 2)) ** powers.get(name, 2)

    return {name: scaled(name, seen[name]) for name in STUDY}


def images(cfg, mesh: Mesh, scratch, key, draw: Drawn) -> dict[str, np.ndarray]:
    """Digits 0 and 1 with their means at 0, then as they are."""
    data = scratch.data("digits")
    pixels = np.concatenate([data.x_train, data.x_test])
    labels = np.concatenate([data.y_train, data.y_test])
    both = np.stack([clouds.images(pixels, labels, row, cfg.digits) for row in draw.order])
    apart = both[:, 0].mean(axis=1) - both[:, 1].mean(axis=1)
    cloud = np.stack([[clouds.centred(x) for x in pair] for pair in both])[:, None]
    shift = np.stack([0 * apart, apart], axis=1)[:, None]
    seen = studies(cfg, mesh)(key, cloud, shift, np.zeros((0, PIXELS)), draw.digit_frames)
    return {name: sharding.gather(seen[name.removeprefix("digit_")])[:, 0] for name in DIGITS}


@cache
def floors(cfg, mesh: Mesh) -> sharding.Placed:
    """Keys, shifts [seed, 3] -> ratios [seed, floor size]"""
    how = {"pool": cfg.translations, "sizes": cfg.floor_sizes, "centre": cfg.centre}
    return sharding.vmap_over(mesh, partial(study.translated, **how), at_once=1)


@cache
def flowing(cfg, mesh: Mesh) -> sharding.Placed:
    """Keys, targets, states, first step, strides -> states, what is seen."""
    how = {"lr": cfg.lr, "directions": cfg.directions, "centre": cfg.centre, "root": cfg.root}
    return sharding.vmap_over(mesh, partial(flow.advance, **how), shared=(3, 4))


def flows(cfg, mesh: Mesh, scratch, key, draw: Drawn) -> dict[str, np.ndarray]:
    """From a sphere to a torus, both off the origin; exact transport at the records."""
    x, y = draw.flow_clouds[:, 0] - cfg.offset, draw.flow_clouds[:, 1] + cfg.offset
    move, state = flowing(cfg, mesh), flow.begin(x)

    def advance(state, first, strides):
        return move(key, y, state, first, strides)

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
