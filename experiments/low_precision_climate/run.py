"""Ensembles of Lorenz 1963 at every precision, columns of soil, and single roundings.

Shapes: S seeds, G ensembles, E members of all of them, B and K numbers of bits, V variables as in
distance.VARIABLES, R records, D depths, C columns, L levels.
"""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import arithmetic, distance, lorenz, single, soil, year

EXACT = 52
PICTURED, BINS = (8, 7), 48  # bits whose densities are drawn
SOURCES = {"random": arithmetic.mixed, "half": arithmetic.halves, "zero": arithmetic.zeros}
EVERY = 5  # days between two records of the soil
DEPTHS = (0, 4, 9, 19)  # levels: 0.5, 2.5, 5 and 10 m


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Axis `way`: to nearest, stochastic. Axis `scale`: kelvin, Celsius.

    Lorenz; W_1 between ensembles of one size, to each of 52 bits, their mean
    bits [B], floor [seed, V]: of pairs of 52 bits; single [seed, way, V]
    w1 [seed, way, B, V], if asked for
    density [5, x, z], if asked for: first seed; 52 bits, PICTURED to nearest, PICTURED stochastic
    Soil; the last year, of the mean of stochastic columns
    soil_bits [K], depth [D]; amplitude of the year, exact [seed, D] with 52 bits
    amplitude, bias [seed, way, scale, D]: at `half` bits; bias: mean less that of 52 bits, K
    swing [seed, 1 + K]: range of the year at 0.5 m, K; with 52 bits, then to nearest, kelvin
    day [R], trace [3, R, D]: first seed; exact, to nearest, one stochastic column, kelvin
    One rounding
    z [seed, 2, value]: error of the mean in standard errors; words of threefry, of the counter
    """
    found = {"bits": np.array(cfg.bits), "soil_bits": np.array(cfg.soil_bits)}
    if scratch.wants("floor", "single", "w1", "density"):
        found |= climates(cfg, mesh, scratch)
    if scratch.wants("exact", "amplitude", "bias", "swing", "trace"):
        found |= scratch.cached("soil", lambda: soils(cfg, mesh))
    if scratch.wants("z"):
        found |= scratch.cached("rounding", lambda: {"z": expectation(cfg, mesh)})
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The ensembles of a seed, all columns, and where ensembles begin."""
    of, strides = jax.ShapeDtypeStruct, sampled(cfg)
    size = len(ensembles(cfg, cfg.bits)) * cfg.members
    members = of((size, 3), float), of((size,), np.uint32), ways(np.ones(size, int)), strides
    size = len(cfg.seeds) * (cfg.replicas + 1) * cfg.members
    begin = of((size, 3), float), of((size,), np.uint32), ways(np.ones(size, int))
    zero, how = columns(cfg)
    cells = len(cfg.seeds), year.LEVELS, len(zero)
    ground = of(cells[::2], float), of(cells, np.uint32), zero, how, years(cfg)
    turns = cfg.steps / len(strides)
    return [
        stepper(cfg, mesh).program("ensembles", *members, calls=len(cfg.seeds), trips=turns),
        conductor(cfg, mesh).program("soil", *ground, calls=1, trips=years(cfg)[0]),
        stepper(cfg, mesh).program(
            "spin-up", *begin, np.array([cfg.spin_up]), calls=1, trips=cfg.spin_up
        ),
    ]


def words32(key, shape):
    return jax.random.bits(key, shape, np.uint32)


def counters(seeds, shape, stream: int) -> np.ndarray:
    """Where random words begin.  -> uint32 [S, *shape]"""
    return keys.draws({"": keys.fold(seeds, stream)}, {"": shape}, words32)[""]


def ways(bits, stochastic=0) -> arithmetic.Way:
    return arithmetic.way(bits, np.broadcast_to(stochastic, np.shape(bits)) > 0, float)


def ensembles(cfg, bits) -> np.ndarray:
    """Bits, whether stochastic, initial conditions; fewer than 52 share the first.  -> [G, 3]"""
    exact = [(EXACT, 0, 1 + i) for i in range(cfg.replicas)]
    each = [(cfg.single, way, 0) for way in (0, 1)]
    return np.array(exact + each + [(b + cfg.added, way, 0) for way in (0, 1) for b in bits])


def sampled(cfg) -> np.ndarray:
    """Steps before each sampled state.  -> [R]"""
    strides = np.full((cfg.steps - cfg.discard) // cfg.keep, cfg.keep)
    strides[0] += cfg.discard
    return strides


def stepper(cfg, mesh: Mesh) -> sharding.Placed:
    """Start [E, 3], counter [E], way [E], strides [R] -> places [E, R, 3]."""
    climate = partial(lorenz.climate, dt=cfg.dt, words=SOURCES[cfg.words])
    return sharding.vmap_over(mesh, climate, shared=(3,))


def begun(cfg, mesh: Mesh) -> np.ndarray:
    """Places on the attractor of 52 bits.  -> [S, 1 + replicas, members, 3]"""
    shapes = {"start": (cfg.replicas + 1, cfg.members, 3)}
    start = keys.draws(keys.split(cfg.seeds, shapes), shapes)["start"]
    place = (start * lorenz.SPREAD + lorenz.CENTRE).reshape(-1, 3)
    how, counter = ways(np.full(len(place), EXACT)), np.zeros(len(place), np.uint32)
    seen = stepper(cfg, mesh)(place, counter, how, np.array([cfg.spin_up]))
    return sharding.gather(seen).reshape(start.shape)


def climates(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """As `run` names it; a seed after the other, for their states are many."""
    kinds = ensembles(cfg, cfg.bits if scratch.wants("w1", "density") else ())
    start = scratch.cached("start", lambda: {"start": begun(cfg, mesh)})["start"]
    counter = counters(cfg.seeds, (len(kinds) * cfg.members,), 1)
    advance, how = stepper(cfg, mesh), ways(*np.repeat(kinds[:, :2], cfg.members, 0).T)

    def judged(i):
        place = start[i, kinds[:, 2]].reshape(-1, 3)
        seen = sharding.gather(advance(place, counter[i], how, sampled(cfg)))
        return of_seed(cfg, seen.reshape(len(kinds), -1, 3))

    parts = {f"climate-{seed}": partial(judged, i) for i, seed in enumerate(cfg.seeds)}
    found = loops.stack(scratch.cells(parts, "seeds"))
    return found | ({"density": found["density"][0]} if "density" in found else {})


def of_seed(cfg, seen) -> dict[str, np.ndarray]:
    """Distances and densities of the ensembles of a seed.  seen [G, N, 3]"""
    found = distance.compared(seen, cfg.replicas)
    found["single"], w1 = np.split(found.pop("others"), [2])
    if len(w1):
        found["w1"] = w1.reshape(2, len(cfg.bits), -1)
    if len(w1) and set(PICTURED) <= set(cfg.bits):
        low = seen[cfg.replicas + 2 :].reshape(2, len(cfg.bits), -1, 3)
        shown = [low[way, cfg.bits.index(b)] for way in (0, 1) for b in PICTURED]
        found["density"] = np.stack([distance.density(s, BINS) for s in (seen[0], *shown)])
    return found


def columns(cfg):
    """What every column calls 0, and its way: exact, the ladder, `half` bits in both scales."""
    ladder = [(EXACT, 0, 0.0), *((b, 0, 0.0) for b in cfg.soil_bits)]
    scales = [(cfg.half, 0, zero) for zero in (0.0, year.CELSIUS)]
    random = [(cfg.half, 1, zero) for zero in (0.0, year.CELSIUS) for _ in range(cfg.columns)]
    bits, way, zero = np.array(ladder + scales + random).T
    return zero, ways(bits.astype(int), way)


def years(cfg) -> np.ndarray:
    """Steps before each record of the soil.  -> [R]"""
    return np.full(cfg.years * year.YEAR // EVERY, round(EVERY * year.DAY / cfg.soil_dt))


def conductor(cfg, mesh: Mesh) -> sharding.Placed:
    """Start [S, C], counter [S, L, C], zero, way [C], strides [R] -> temperature [S, R, D, C]."""
    column = partial(soil.column, depths=DEPTHS, dt=cfg.soil_dt, words=SOURCES[cfg.words])
    return sharding.vmap_over(mesh, column, shared=(2, 3, 4))


def soils(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """As `run` names it."""
    zero, how = columns(cfg)
    start = keys.draws({"start": keys.fold(cfg.seeds, 2)}, {"start": (1,)}, keys.uniform)["start"]
    start = np.repeat(year.CELSIUS + year.REACH * (2 * start - 1), len(zero), 1)
    counter = counters(cfg.seeds, (year.LEVELS, len(zero)), 3)
    T = sharding.gather(conductor(cfg, mesh)(start, counter, zero, how, years(cfg)))
    exact, ladder, nearest, random = np.split(T, [1, len(cfg.soil_bits) + 1, -2 * cfg.columns], -1)
    random = random.reshape(*T.shape[:-1], 2, cfg.columns)
    half = np.stack([nearest, random.mean(-1)], -2)[:, -year.YEAR // EVERY :]  # [S, R, D, way, 2]
    last = exact[:, -year.YEAR // EVERY :]
    amplitude = year.harmonic(last, 1)
    return {
        "depth": year.DZ * (np.array(DEPTHS) + 1),
        "day": EVERY * np.arange(1, T.shape[1] + 1),
        "exact": amplitude[..., 0],
        "amplitude": np.moveaxis(year.harmonic(half, 1), 1, -1),
        "bias": np.moveaxis((half - last[..., None]).mean(1), 1, -1),
        "swing": np.ptp(np.concatenate([exact, ladder], -1)[:, -year.YEAR // EVERY :, 0], axis=1),
        "trace": np.stack([x[0, ..., 0] for x in (exact, nearest, random[..., 0, :])]),
    }


def expectation(cfg, mesh: Mesh) -> np.ndarray:
    """Means of many stochastic roundings of one number.  -> [seed, 2, value]"""
    streams = keys.split(cfg.seeds, ("value", "words", "counter"))
    value = keys.draws({"value": streams["value"]}, {"value": (cfg.numbers,)})["value"] * 8

    def draw(x, threefry, counter):
        place = np.arange(1, cfg.draws + 1, dtype=np.uint32)
        start = words32(counter, (cfg.numbers, 1))
        sources = words32(threefry, (cfg.numbers, cfg.draws)), SOURCES[cfg.words](start, place)
        return [single.error(x, cfg.half, source) for source in sources]

    value = value.astype(np.float32)
    error = sharding.vmap_over(mesh, draw)(value, streams["words"], streams["counter"])
    spread = single.spread(value, cfg.half, cfg.draws)
    return np.stack(sharding.gather(error), 1) / spread[:, None]
