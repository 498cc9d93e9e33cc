"""Networks of diluted patterns beside their mean-field equations: overlaps, ends, learning."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program

from . import dynamics, losses, patterns, protocols, theory

K = 3  # patterns of all networks
FROZEN = 1e3  # beta of the equations beside it
LIT = 1e-4  # a level whose overlap is below is out
OFF = 1e-3  # so far from the law the hierarchy has ended
WIDE = 0.05  # of the search for its end
SEEN = 80  # spins that are drawn


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Overlaps m are signed; levels in their order.

    d [D]; law, equations [D, 3]: the hierarchy's, and of the equations; overlap [seed, D, 3]: of
        networks; raster [SEEN, 3]: xi s of one, first seed, second d
    deviation [seed, 2, K]: of equations from the law, `near` below and `beyond` above the end;
        counts [K]
    end [K], found [seed, K]: d of the end by its formula, and where equations leave the law
    level_law []: T at which the third goes out; level [seed]: where it does
    learned [seed, learn_n, 2, M, 3]: supervised, unsupervised; examples [M], learn_d, rest, late []
    collapse [seed, r, rho, 3]: medians of networks; collapse_law [rho, 3]; collapse_r, collapse_rho
    losses [seed, 2, state]: minus 2 H / N less K, and the sum of L+ L-, of all states
    phase [d, T, 3]: of the equations; phase_d, phase_t
    """
    names = (
        "examples",
        "learn_d",
        "learn_n",
        "rest",
        "late",
        "collapse_r",
        "collapse_rho",
        "counts",
    )
    found = {name: np.array(cfg[name]) for name in names}
    found["d"] = np.array((*cfg.dilutions, *cfg.parallel))
    draw = drawn(cfg)
    for fn, arrays in PARTS.items():
        if scratch.wants(*arrays):
            found |= scratch.cached(fn.__name__, partial(of_seeds, cfg, mesh, fn, draw))
    found["end"] = np.array([theory.ends(k) for k in cfg.counts])
    found["level_law"] = np.array(levels_law(cfg))
    if scratch.wants("law", "equations", "phase", "phase_d", "phase_t", "collapse_law"):
        found |= scratch.cached("equations", partial(equations, cfg))
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def of_seeds(cfg, mesh: Mesh, fn, draw) -> dict[str, np.ndarray]:
    """A part of every seed, one after the other on each device."""
    found = sharding.gather(sharding.vmap_over(mesh, partial(fn, cfg), at_once=1)(draw))
    return {k: x[0] if k == "raster" else x for k, x in found.items()}


def drawn(cfg) -> dict[str, np.ndarray]:
    """Uniform numbers, name -> [seed, ...]; networks of all d and r share them."""
    n, many, small, copies = cfg.n, cfg.replicas, max(cfg.learn_n), cfg.learn_replicas
    shapes = {"patterns": (many, n, K), "spins": (many, n), "heat": (many, cfg.sweeps, n)}
    shapes |= {"nudge": (max(cfg.counts),), "small": (2, cfg.small_n)}
    learn = {"xi": (copies, small, K), "rest": (copies, small), "cold": (copies, cfg.sweeps, small)}
    learn["eta"] = (copies, small, K, max(max(cfg.examples), *map(max, amounts(cfg))))
    streams = keys.split(cfg.seeds, (*shapes, *learn))
    return {k: keys.draws(streams, {k: v}, keys.uniform)[k] for k, v in (shapes | learn).items()}


def amounts(cfg) -> list[list[int]]:
    """Examples for each quality and rho.  -> [r][rho]"""
    at = cfg.collapse_r if cfg.as_rho else [cfg.r] * len(cfg.collapse_r)
    return [[round((1 - r**2) / (r**2 * rho)) for rho in cfg.collapse_rho] for r in at]


def levels_law(cfg) -> float:
    """beta (1 - d) d^2 = 1."""
    return (1 - cfg.level_d) * cfg.level_d**2


def networks(cfg, draw) -> dict:
    """From the hierarchical state, at every dilution."""
    d = np.array((*cfg.dilutions, *cfg.parallel))
    beta = 1 / cfg.temperature if cfg.temperature else protocols.COLD

    def one(d, uniform, spins, heat):
        xi = patterns.diluted(uniform, d)
        start = patterns.hierarchical(xi, jnp.where(spins < 0.5, -1.0, 1.0))
        spins = dynamics.relaxed(xi, jnp.full(K, 1 / len(xi)), start, heat, beta)
        return xi.T @ spins / len(xi), (xi * spins[:, None])[:SEEN]

    given = draw["patterns"], draw["spins"], draw["heat"]
    m, raster = jax.vmap(lambda d: jax.vmap(partial(one, d))(*given))(d)
    return {"overlap": m.mean(axis=1), "raster": raster[1, 0]}


def starts(cfg, draw, k: int, d):
    """The law, a little off."""
    return theory.hierarchy(k, d) * (1 + cfg.nudge * (2 * draw["nudge"][:k] - 1))


def borders(cfg, draw) -> dict:
    """Where the hierarchy ends, and where its third level goes out."""

    def off(k, beta, d):
        m = theory.stored(starts(cfg, draw, k, d), d, beta, cfg.turns)
        return abs(m - theory.hierarchy(k, d)).max()

    sides, found = [], []
    for k in cfg.counts:
        near = theory.ends(k) + np.array([-cfg.near, cfg.beyond])
        sides.append(jax.vmap(partial(off, k, cfg.cold))(near))
        d = theory.ends(k) + np.linspace(-WIDE, WIDE, cfg.grid)
        ended = jax.vmap(partial(off, k, cfg.limit))(d) > OFF
        found.append(jnp.asarray(d)[jnp.where(ended.any(), ended.argmax(), -1)])
    t, start = levels_law(cfg) * np.linspace(0.7, 1.3, cfg.temperatures), cfg.level_d
    m = jax.vmap(
        lambda t: theory.stored(starts(cfg, draw, K, start), cfg.level_d, 1 / t, cfg.turns)
    )(t)
    out = m[:, cfg.level] < LIT
    level = jnp.asarray(t)[jnp.where(out.any(), out.argmax(), -1)]
    return {"deviation": jnp.stack(sides, -1), "found": jnp.stack(found), "level": level}


def learning(cfg, draw) -> dict:
    """From examples with and without labels, and with labels at equal rho; prefixes of one draw."""
    many, most = np.array(cfg.examples), max(cfg.examples)

    def both(given, n):
        net = protocols.begun(given, n, cfg.learn_d)
        eta = patterns.examples(net.xi, net.noise[..., :most], cfg.r)
        labelled = patterns.mixed(eta) if cfg.shuffled else eta
        with_labels = jax.vmap(partial(protocols.supervised, net, labelled))(many)
        without = jax.vmap(partial(protocols.unsupervised, net, eta))(many)
        return jnp.stack([with_labels, without])

    def equal(given):
        net = protocols.begun(given, max(cfg.learn_n), cfg.learn_d)

        def of(r, row):
            eta = patterns.examples(net.xi, net.noise, r)
            return jax.vmap(partial(protocols.supervised, net, eta))(row)

        return jax.lax.map(lambda x: of(*x), (np.array(cfg.collapse_r), np.array(amounts(cfg))))

    given = draw["xi"], draw["rest"], draw["cold"], draw["eta"]
    each = [jax.lax.map(lambda x, n=n: both(x, n), given).mean(axis=0) for n in cfg.learn_n]
    return {"learned": jnp.stack(each), "collapse": jnp.median(jax.lax.map(equal, given), axis=0)}


def small(cfg, draw) -> dict:
    """Both losses on all states of two undiluted patterns."""
    xi = jnp.where(draw["small"] < 0.5, -1.0, 1.0)
    return {"losses": jnp.stack(losses.both(xi, cfg.loss_weight))}


PARTS = {
    networks: ("overlap", "raster"),
    borders: ("deviation", "found", "level"),
    learning: ("learned", "collapse"),
    small: ("losses",),
}


def equations(cfg) -> dict[str, np.ndarray]:
    """What has no seed: the law, the equations at T = 0, the diagram, learning at equal rho."""
    d = jnp.array((*cfg.dilutions, *cfg.parallel))
    side = np.linspace(0, 1, cfg.phases + 2)[1:-1]

    def solved(d, beta):
        start = theory.hierarchy(K, d) * (1 + cfg.nudge * jnp.arange(K))
        return theory.stored(start, d, beta, cfg.turns)

    def taught(rho):
        return theory.learned(theory.hierarchy(K, cfg.learn_d), cfg.learn_d, rho, cfg.turns)

    found = {"law": jax.vmap(partial(theory.hierarchy, K))(d)}
    found["equations"] = jax.jit(jax.vmap(lambda d: solved(d, FROZEN)))(d)
    each = jax.vmap(jax.vmap(solved, (None, 0)), (0, None))
    found |= {"phase": jax.jit(each)(side, 2 / side), "phase_d": side, "phase_t": side / 2}
    found["collapse_law"] = jax.jit(jax.vmap(taught))(np.array(cfg.collapse_rho))
    return {k: np.asarray(x) for k, x in found.items()}
