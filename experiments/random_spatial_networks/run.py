"""Networks and epidemics of every seed; the equations once."""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program

from . import ebcm, epidemic, kernels, network, theory, worlds

STREAMS = ("degrees", "small", "ring", "square", "epidemic", "drawing")
HALVES = 0.5, 0.5  # of the nodes: two kinds of kappa
WAVES = 3  # of the equations: then the power law and the rings
RECORD = 0.1  # time between two records
BINS = 8  # of I(x, t) on the ring
SEED, BIN, TENTH = 3, 1.5, 0.1  # first square and bins in medians; share at which foci are counted
SWEEPS = 45  # of an epidemic, in the mean of laptop's: 20 to 80
MAP = 40  # bins a side of the maps
SHARES = (0.03, 0.1, 0.3)  # infected so far, in the maps
SHOWN = 120.0, 81, 10.0  # of I(x, t) that is drawn: largest place, places, last time
DRAWN = 160, 5.0, 0.05  # nodes, kappa and width of the networks that are drawn


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """seeds [S]; classes [K], sizes [N], shortcuts [p], rings [ring], hops [2], late []

    degree, variance [seed, N, class]; linked_by_size [seed, N], linked_law [N]: clustering
    length, local, linked [seed, p]: mean path, share of edges inside the box, clustering
    moment [T]: times of all records
    susceptible [seed, ring, T], mean_field [ring, T]: S by simulation, by equations
    infected [seed, T, bin], infected_law [T, bin]: I(x, t) of the first ring
    front [kernel, T], left [wave]: distance, S behind; kernels: Gaussian, Laplace, Gaussian with
        two kinds of nodes, power law; waves: the first three
    left_law, c_star, l_star [wave], rate []: laws; (beta K - beta - gamma) / a of the power law
    wave [(Gaussian, power law), t, x], wave_t [t], wave_x [x]: I(x, t) of the equations
    components [seed, (heavy, Gaussian)]: foci at a tenth
    maps [(heavy, Gaussian), share, bin, bin]: share infected so far, first seed
    place [node, 2], drawn_local, drawn_mixed, drawn_global [edge, 2]: networks of a figure
    """
    named = ("seeds", "classes", "sizes", "shortcuts", "rings", "hops", "late")
    found = {name: np.array(cfg[name]) for name in named}
    if scratch.wants("degree", "variance", "linked_by_size"):
        found |= scratch.cached("degrees", partial(degrees, cfg))
    if scratch.wants("length", "local", "linked"):
        found |= scratch.cached("small", partial(small, cfg))
    if scratch.wants("mean_field", "infected_law", "front", "left", "wave"):
        found |= scratch.cached("equations", partial(equations, cfg, mesh))
    place = spreader(cfg, mesh)
    if scratch.wants("susceptible", "infected"):
        found |= scratch.cached("rings", partial(rings, cfg, place))
    if scratch.wants("components", "maps"):
        found |= scratch.cached("squares", partial(squares, cfg, place))
    if scratch.wants("place"):
        key = keys.split(cfg.seeds[:1], STREAMS)["drawing"][0]
        found |= scratch.cached("drawing", partial(worlds.drawing, key, *DRAWN))
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Epidemics of all seeds, one network of each a call, and the equations."""
    shape, S = jax.ShapeDtypeStruct, len(cfg.seeds)
    ends = [shape((S, epidemic.room(cfg.n, cfg.kappa)), np.int32)] * 2
    given = jax.eval_shape(lambda: keys.fold(cfg.seeds)), *ends, shape((S, cfg.n), bool)
    often = {"calls": len(cfg.rings) + 2, "trips": SWEEPS}
    epidemics = spreader(cfg, mesh).program("epidemics", *given, **often)
    return [epidemics, solver(cfg, mesh).program("equations", cases(cfg), calls=1)]


def table(cfg, name: str, fn, given, arrays) -> dict[str, np.ndarray]:
    """fn(key, value) of every seed and every value given, as named arrays [seed, value, …]"""
    key = keys.split(cfg.seeds, STREAMS)[name]
    rows = [[fn(jax.random.fold_in(k, i), x) for i, x in enumerate(given)] for k in key]
    found = ([[told[a] for told in row] for row in rows] for a in range(len(arrays)))
    return dict(zip(arrays, map(np.array, found), strict=True))


def degrees(cfg) -> dict[str, np.ndarray]:
    """Two kinds of nodes on the unit square."""
    way = network.nearest_edges if cfg.nearest else worlds.gaussian

    def one(key, n):
        width = cfg.width * (1 if cfg.fixed_width else np.sqrt(min(cfg.sizes) / n))
        link = partial(way, width=width)
        return worlds.two_kinds(key, n, cfg.classes, link, cfg.labelled)

    found = table(cfg, "degrees", one, cfg.sizes, ("degree", "variance", "linked_by_size"))
    thrice = 1 / (6 * np.pi * cfg.width**2)
    law = [theory.clustering(n, cfg.classes, HALVES, thrice) for n in cfg.sizes]
    return found | {"linked_law": np.array(law)}


def small(cfg) -> dict[str, np.ndarray]:
    """A ring with more and more shortcuts."""
    how = {"n": cfg.small_n, "kappa": cfg.kappa, "near": cfg.kernel_nodes, "sources": cfg.sources}
    one = lambda key, p: worlds.small(key, p if cfg.everywhere else 0.0, **how)  # noqa: E731
    return table(cfg, "small", one, cfg.shortcuts, ("length", "local", "linked"))


def records(cfg, until: float) -> np.ndarray:
    """Times of records.  -> [T]"""
    return np.arange(round(until / RECORD) + 1) * RECORD


def cases(cfg) -> ebcm.Case:
    """Three waves, the power law, and the rings.  -> leaves [case, …]"""
    gauss, one, C = kernels.gaussian(1.0), (cfg.degree,) * 2, cfg.cells
    far = kernels.power(1.0, cfg.decay) if cfg.heavy_tail else gauss
    shapes = gauss, kernels.laplace(1.0), gauss, far
    line = partial(ebcm.line, cells=C, weight=HALVES, tail=cfg.start_tail)
    told = zip(shapes, cfg.lengths, (one, one, cfg.degrees, one), strict=True)
    ring = partial(ebcm.ring, cells=C, kappa=(cfg.kappa,) * 2, weight=HALVES, patch=cfg.patch)
    found = [line(*each) for each in told] + [ring(gauss, float(n)) for n in cfg.rings]
    return jax.tree.map(lambda *leaves: np.stack(leaves), *found)


def solver(cfg, mesh: Mesh) -> sharding.Placed:
    """Cases -> v, S, I [case, T, C]"""
    how = {"beta": cfg.beta, "gamma": cfg.gamma, "every": round(RECORD / cfg.dt), "span": RECORD}
    one = partial(ebcm.solved, **how, records=len(records(cfg, cfg.until)) - 1)
    return sharding.vmap_over(mesh, one, at_once=1)


def equations(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """Fronts, what is behind them, and the rings' curves."""
    v, S, I = sharding.gather(solver(cfg, mesh)(cases(cfg)))
    M = theory.gaussian(), theory.laplace(), theory.gaussian()
    kinds, t = [(cfg.degree,) * 2] * 2 + [cfg.degrees], records(cfg, cfg.until)
    laws = theory.waves(cfg.beta, cfg.gamma, kinds, HALVES, M)
    x, shown = np.linspace(-SHOWN[0], SHOWN[0], SHOWN[1]), np.flatnonzero(t <= SHOWN[2])[::2]
    wave = [ebcm.at(I[i, shown], cfg.lengths[i], x) for i in (0, WAVES)]
    return laws | {
        "moment": t,
        "front": np.stack([ebcm.front(*each) for each in zip(v, cfg.lengths, strict=False)]),
        "left": S[:WAVES, -1, cfg.cells // 2],
        "rate": np.array((cfg.beta * cfg.degree - cfg.beta - cfg.gamma) / cfg.decay),
        "wave": np.array(wave, np.float32),
        "wave_t": t[shown],
        "wave_x": x,
        "mean_field": S[WAVES + 1 :].mean(axis=-1),
        "infected_law": I[WAVES + 1].reshape(len(t), BINS, -1).mean(axis=-1),
    }


def spreader(cfg, mesh: Mesh) -> sharding.Placed:
    """Keys, sources, targets, first [epidemic, …] -> times of infection, recovery [epidemic, N]"""
    how = {"beta": cfg.beta, "gamma": cfg.gamma, "horizon": cfg.horizon}
    return sharding.vmap_over(mesh, partial(epidemic.spread, **how), at_once=1)


def spread(cfg, place, nets) -> tuple[np.ndarray, ...]:
    """Epidemics on networks [k][seed], each (pairs, first).  -> caught, healed [seed, k, N]"""
    key, room = keys.split(cfg.seeds, STREAMS)["epidemic"], epidemic.room(cfg.n, cfg.kappa)
    found = [sharding.gather(place(key, *epidemic.batch(some, cfg.n, room))) for some in nets]
    return tuple(np.stack(times, axis=1) for times in zip(*found, strict=True))


def rings(cfg, place) -> dict[str, np.ndarray]:
    """Epidemics from a patch of every ring."""
    way = network.nearest_edges if cfg.nearest else worlds.gaussian
    key, t = keys.split(cfg.seeds, STREAMS)["ring"], records(cfg, cfg.horizon)
    x, kappa = [network.positions(k, cfg.n, 1) for k in key], np.full(cfg.n, cfg.kappa)

    def one(k, x, length):
        pairs = way(jax.random.fold_in(k, length), x, kappa, 1 / length)
        return pairs, abs(x[:, 0] - 0.5) < cfg.patch / 2

    nets = [list(map(partial(one, length=n), key, x)) for n in cfg.rings]
    caught, healed = spread(cfg, place, nets)
    told = zip(x, caught[:, 0], healed[:, 0], strict=True)
    infected = [epidemic.profile(*each, t, BINS) for each in told]
    S = 1 - epidemic.share(caught, t)
    return {"susceptible": S, "infected": np.array(infected, np.float32)}


def squares(cfg, place) -> dict[str, np.ndarray]:
    """Epidemics from a small square, edges of two kernels with the same median."""
    tails, kappa = (cfg.decay if cfg.heavy_edges else None, None), np.full(cfg.n, cfg.kappa)
    density = [kernels.on_torus(kernels.by_median(cfg.median, a), 2) for a in tails]
    key = keys.split(cfg.seeds, STREAMS)["square"]
    x = [network.positions(k, cfg.n, 2) for k in key]

    def one(k, x, i):
        pairs = network.edges(jax.random.fold_in(k, i), x, kappa, density[i])
        return pairs, (abs(x - 0.5) < SEED * cfg.median / 2).all(axis=1)

    caught = spread(cfg, place, [list(map(partial(one, i=i), key, x)) for i in range(2)])[0]
    bins, told = int(1 / (BIN * cfg.median)), zip(x, caught, strict=True)
    tenth = [[epidemic.reached(at, c, TENTH, bins) for c in two] for at, two in told]
    foci = [[epidemic.foci(share > 0) for share in two] for two in tenth]
    maps = [[epidemic.reached(x[0], c, share, MAP) for share in SHARES] for c in caught[0]]
    return {"components": np.array(foci), "maps": np.array(maps, np.float32)}
