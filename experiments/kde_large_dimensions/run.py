"""Density estimates at a typical point, for many draws of the data, and the exact law beside them.

Shapes: S seeds, R realisations of a seed, D dimensions, K bandwidths, T dimensions of tails.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program

from . import distances, summary, theory

STREAMS = ("profile", "map", "tails", "vectors")
RANKS, SHOWN = 30, 1000  # of sorted weights, of estimates drawn as a histogram


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Bandwidths in units of h_G; kl is (1/d) KL from E log of the estimate, share E sum of w^2.

    alpha [], h_g [], dim [D], square [3], ratio [K], tail_dim [T], tail_square [5],
    top [], vector_square [3], far_dim [F], map_alpha [A]: settings and what follows from them
    border [alpha, 2]: h_CLT / h_G by two root finders, and the square root of 2
    kl, share [S, D, K], square_share [S, D, 3], if any: means over realisations
    law_kl, law_share [D, K], law_square [D, 3], if any: the same by quadrature
    far_kl, far_share [F, K], far_square [F, 3], if any: at dimensions that are not simulated
    map_share [A, K], map_h [A, K], if any: other alphas, mean over seeds
    ks [S, T, 5], if any: Kolmogorov's distance of (estimate - mean) / s.d., both exact, to N(0, 1)
    excess [S, T, 5, k + 1], if any: largest of estimate / mean - 1, falling
    shown [5, <= 1000], if any: estimate / mean at the largest tail_dim, order statistics
    vector_spread, vector_share [S], if any: of genuine vectors, s.d. over the exact one at the
        largest square, share at the smallest over the law
    vector_sorted [3, <= 30], if any: weights in falling order, mean over all
    """
    found = settings(cfg)
    if scratch.wants("kl", "share", "square_share"):
        found |= profiles(cfg, mesh, scratch)
    if scratch.wants("law_kl", "law_share", "law_square"):
        found |= laws(cfg, "law", cfg.dims)
    if scratch.wants("far_kl", "far_share", "far_square"):
        found |= laws(cfg, "far", cfg.far)
    if scratch.wants("map_share"):
        found |= mapped(cfg, mesh, scratch)
    if scratch.wants("ks", "excess", "shown"):
        found |= tails(cfg, mesh, scratch)
    if scratch.wants("vector_spread", "vector_share", "vector_sorted"):
        found |= scratch.cached("vectors", partial(vectors, cfg, mesh))
    return found


def settings(cfg) -> dict[str, np.ndarray]:
    named = {"alpha": cfg.alpha, "dim": cfg.dims, "square": cfg.squares, "ratio": cfg.ratios}
    named |= {"tail_dim": cfg.tail_dims, "tail_square": cfg.tail_squares, "top": cfg.top}
    named |= {"vector_square": cfg.vector_squares, "far_dim": cfg.far, "map_alpha": cfg.map}
    each = [theory.border(a, cfg.moment) / theory.condensation(a) for a in cfg.border_alphas]
    found = {"border": np.stack([each, np.full(len(each), np.sqrt(2))], axis=1)}
    named |= {"h_g": theory.condensation(cfg.alpha)}
    return {name: np.array(value) for name, value in named.items()} | found


def samples(cfg, d: int) -> int:
    """n"""
    return cfg.samples or round(np.exp(cfg.alpha * d))


def bandwidths(cfg, alpha: float) -> np.ndarray:
    """h of the squares, then of the ratios."""
    return theory.condensation(alpha) * np.array([*np.sqrt(cfg.squares), *cfg.ratios])


def summed(cfg, mesh: Mesh) -> sharding.Placed:
    """Keys of realisations, a Size, lam [K] -> Sums [realisation, K]."""
    one = partial(distances.sums, block=cfg.block)
    return sharding.vmap_over(mesh, one, shared=(1, 2), at_once=cfg.at_once)


def sized(cfg, alpha: float, d: int, n: int) -> distances.Size:
    numbers = float(d), n, cfg.norm * np.sqrt(d), d * theory.nearest(alpha)
    return distances.Size(*map(np.asarray, numbers))


def streams(cfg, name: str, many: int):
    """A key a realisation of every seed.  -> [S * many]"""
    return realised(keys.split(cfg.seeds, STREAMS)[name], many)


@partial(jax.jit, static_argnums=1)
def realised(stream, many: int):
    return jax.vmap(lambda key: jax.random.split(key, many))(stream).reshape(-1)


def simulated(cfg, mesh: Mesh, stream: str, many: int, alpha: float, d: int, h, n: int) -> dict:
    """log_z, share [S, many, K] of one dimension."""
    lam, size = theory.lam_of(h), sized(cfg, alpha, d, n)
    total = sharding.gather(summed(cfg, mesh)(streams(cfg, stream, many), size, lam))
    first, second = (x.reshape(len(cfg.seeds), many, -1) for x in total)
    return {"log_z": np.log(first) - lam * size.origin, "share": second / first**2}


def profiles(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """kl, share, square_share."""
    h, cut = bandwidths(cfg, cfg.alpha), len(cfg.squares)

    def cell(d):
        n = samples(cfg, d)
        seen = simulated(cfg, mesh, "profile", cfg.realisations, cfg.alpha, d, h, n)
        log_z, share = seen["log_z"].mean(axis=1), seen["share"].mean(axis=1)
        kl = theory.kl(theory.normalised(log_z, d, np.log(n), h))
        return {"kl": kl[:, cut:], "share": share[:, cut:], "square_share": share[:, :cut]}

    parts = scratch.cells({f"profile-{d}": partial(cell, d) for d in cfg.dims}, "dimension")
    return {name: np.stack([p[name] for p in parts], 1) for name in parts[0]}


def laws(cfg, name: str, dims) -> dict[str, np.ndarray]:
    """Exact kl and share at every dimension and bandwidth."""
    h, cut = bandwidths(cfg, cfg.alpha), len(cfg.squares)
    log_n = [np.log(samples(cfg, d)) if name == "law" else cfg.alpha * d for d in dims]
    kl, share = theory.laws(dims, log_n, h)
    found = {"kl": kl[:, cut:], "share": share[:, cut:], "square": share[:, :cut]}
    return {f"{name}_{key}": value for key, value in found.items()}


def mapped(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Shares at other alphas, all of about the same n."""

    def cell(alpha):
        d, h = round(cfg.map_log_n / alpha), bandwidths(cfg, alpha)
        n = round(np.exp(alpha * d))
        share = simulated(cfg, mesh, "map", cfg.realisations, alpha, d, h, n)["share"]
        return {"map_share": share.mean(axis=(0, 1)), "map_h": h}

    parts = scratch.cells({f"map-{alpha:g}": partial(cell, alpha) for alpha in cfg.map}, "alpha")
    return {name: np.stack([p[name] for p in parts])[:, len(cfg.squares) :] for name in parts[0]}


def tails(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """The law of the estimate over its mean."""
    h = theory.condensation(cfg.alpha) * np.sqrt(cfg.tail_squares)
    lam = theory.lam_of(h)

    def cell(d):
        n, many = round(np.exp(cfg.alpha * d)), cfg.tail_realisations
        log_z = simulated(cfg, mesh, "tails", many, cfg.alpha, d, h, n)["log_z"]
        over = np.exp(np.moveaxis(log_z - np.log(n) - d * theory.log_mean(lam), -1, 1))
        spread = np.sqrt(theory.variance(d, np.log(n), lam))[:, None]
        ks, excess = summary.kolmogorov((over - 1) / spread), summary.largest(over - 1, cfg.top)
        return {"ks": ks, "excess": excess, "shown": summary.spread_out(over, SHOWN)}

    parts = scratch.cells({f"tails-{d}": partial(cell, d) for d in cfg.tail_dims}, "dimension")
    found = {name: np.stack([p[name] for p in parts], 1) for name in ("ks", "excess")}
    return found | {"shown": parts[-1]["shown"]}


def vectors(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """The same sums from vectors of dimension d, which check that two numbers a point do."""
    d, many = cfg.vector_dim, cfg.vector_realisations
    n = round(np.exp(cfg.alpha * d))
    lam = theory.lam_of(theory.condensation(cfg.alpha) * np.sqrt(cfg.vector_squares))
    size = sized(cfg, cfg.alpha, d, n)

    def one(key):
        r2 = distances.of_vectors(key, size, n, d, cfg.vector_fixed)
        total = distances.powers(r2, lam, size.origin)
        order = jnp.sort(r2)[:RANKS]
        return total, jnp.exp(-lam[:, None] * (order - size.origin)) / total.first[:, None]

    placed = sharding.vmap_over(mesh, one, at_once=1)
    total, weight = sharding.gather(placed(streams(cfg, "vectors", many)))
    first, second = (x.reshape(len(cfg.seeds), many, -1) for x in total)
    log_mean = np.log(n) + d * theory.log_mean(lam[-1]) + lam[-1] * size.origin
    exact = np.sqrt(theory.variance(d, np.log(n), lam[-1]))
    share = (second / first**2)[..., 0].mean(axis=1)
    return {
        "vector_spread": (first[..., -1] / np.exp(log_mean)).std(axis=1) / exact,
        "vector_share": share / theory.law(d, np.log(n), lam[0]).share,
        "vector_sorted": weight.mean(axis=0),
    }


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Sums of tails, of profiles with the map: a call a dimension, trips in turns of the loop."""
    fn, widths = summed(cfg, mesh), (len(cfg.tail_squares), len(cfg.squares) + len(cfg.ratios))
    mapped_to = [round(cfg.map_log_n / cfg.alpha)] * len(cfg.map)  # of the same n
    works = {
        "tails": (cfg.tail_dims, cfg.tail_realisations, widths[0]),
        "profile": ((*cfg.dims, *mapped_to), cfg.realisations, widths[1]),
    }

    def described(name, dims, many, width):
        turns = float(np.mean([1 + samples(cfg, d) // cfg.block for d in dims]))
        key = jax.eval_shape(partial(streams, cfg, name, many))
        given = key, sized(cfg, cfg.alpha, dims[0], 1), np.zeros(width)
        return fn.program(name, *given, calls=len(dims), trips=turns)

    return [described(name, *work) for name, work in works.items()]
