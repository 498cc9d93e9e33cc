"""Sensitivities of matrices, and what samples of rows do; one draw an item, split over the mesh."""

import zlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding, sketches
from common.programs import Program

from . import instances, rank, sampling
from .sensitivities import gaussian_total, moment, sensitivities, totals, whitened

CONSTANTS = [
    *["seeds", "rows", "dims", "exponents", "budgets", "ps", "rank_dims", "rank_ps", "begin"],
    *["low", "low_dims", "low_ratios", "high", "high_dims", "high_ratios", "side", "p", "beta"],
]
SIZED = ("total", "gap", "low_distortion", "high_distortion", "copies_distortion")
RANKS = 100  # of streams of random numbers, one a part; those of ranks


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Distortion: the largest | |S A x|_p^p / |A x|_p^p - 1 | that is found.

    total, gap [d, seed, family, p]: total sensitivity from below; upper / lower - 1
    distortion, mean [seed, draw, case, m]: at the budgets; mean over coordinates, see `Judged`.
        Cases: cfg.schemes at the first p, then the first scheme at the other p
    exact, limit [seed, p, row]: sensitivities of some rows, and |b|^p / (n E |g|^p)
    low_distortion [d, seed, draw, p, ratio], high_distortion, copies_distortion
        [d, seed, draw, ratio]: Gaussian rows without end, copies of the identity; m = ratio d
    first, whole [seed, weights, p, d]: median rows until the Gaussian block has d, until both have
        their rank; block [p, d]: its total sensitivity
    counts [seed, draw, round], recursed [seed, draw]: rows that are left; distortion at the end
    Settings: seeds rows dims exponents budgets ps rank_dims rank_ps low low_dims low_ratios high
        high_dims high_ratios begin side p beta
    Errors: ValueError for p that are no multiples of 1/2.
    """
    if any(2 * p % 1 for p in (*cfg.exponents, *cfg.ps, *cfg.low, cfg.high, cfg.p)):
        raise ValueError("every p of samples and of totals must be a multiple of 1/2")
    found = {name: np.array(cfg[name]) for name in CONSTANTS}
    sized: dict[str, list] = {}
    for part in parts(cfg):
        if scratch.wants(*part.arrays):
            values = scratch.cached(part.name, partial(every, cfg, placed(mesh, part), part.draws))
            for name, value in values.items():
                sized.setdefault(name, []).append(value)
    if scratch.wants("distortion", "mean", "exact", "limit"):
        found |= scratch.cached("mixed", partial(mixed, cfg, mesh))
    if scratch.wants("first", "whole"):
        found |= scratch.cached("rank", partial(counts, cfg))
    return found | {k: np.stack(v) if k in SIZED else v[0] for k, v in sized.items()}


class Part(NamedTuple):
    name: str
    arrays: tuple[str, ...]
    draw: Callable  # seed, number of the draw -> arrays
    draws: int = 0  # a seed; 0: one, without an axis


def parts(cfg) -> list[Part]:
    """What needs keys alone, one program each."""
    low, high = ("low_distortion",), ("high_distortion", "copies_distortion")
    below = partial(endless, cfg, cfg.low, cfg.low_ratios, low)
    above = partial(endless, cfg, (cfg.high,), cfg.high_ratios, high)
    return [
        *[Part(f"total{d}", ("total", "gap"), partial(exact, cfg, d)) for d in cfg.dims],
        *[Part(f"low{d}", low, partial(below, d), cfg.samples) for d in cfg.low_dims],
        *[Part(f"high{d}", high, partial(above, d), cfg.samples) for d in cfg.high_dims],
        Part("recursion", ("counts", "recursed"), partial(recursion, cfg), cfg.runs),
    ]  # fmt: skip


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Every part, and samples of the mixed matrix; all draws in one."""
    seeds, count = len(cfg.seeds), len(cases(cfg))
    shape = {"b": (cfg.n, cfg.dim), "gauss": (count, cfg.n), "own": (count,)}
    known = {k: jax.ShapeDtypeStruct((seeds, *v), float) for k, v in shape.items()}
    items = *drawn(cfg, cfg.draws), drawn(cfg, cfg.draws)[0]
    return [
        samples(cfg, mesh).program("samples", *items, known, calls=1),
        matrices(cfg, mesh).program("matrices", np.array(cfg.seeds), calls=1),
        *[placed(mesh, x).program(x.name, *drawn(cfg, x.draws), calls=1) for x in parts(cfg)],
    ]


def placed(mesh: Mesh, part: Part) -> sharding.Placed:
    return sharding.vmap_over(mesh, part.draw, at_once=1)


def drawn(cfg, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """The seed and the number of every draw.  -> int [seed draw] each"""
    seeds, count = np.array(cfg.seeds), max(draws, 1)
    return seeds.repeat(count), np.tile(np.arange(count), len(seeds))


def matrix_key(seed):
    """The same for all parts."""
    return jax.random.fold_in(jax.random.key(seed), 0)


def draw_key(name: str, seed, draw):
    """Of a part's draw."""
    part = jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode()))
    return jax.random.fold_in(part, draw)


def every(cfg, each: sharding.Placed, draws: int, *known) -> dict[str, np.ndarray]:
    """All draws.  -> [seed, draw, …]"""
    out = sharding.gather(each(*drawn(cfg, draws), *known))
    head = (len(cfg.seeds), draws) if draws else (len(cfg.seeds),)
    return {k: v.reshape(*head, *v.shape[1:]) for k, v in out.items()}


def exact(cfg, d: int, seed, _) -> dict:
    """Total sensitivities of every family at every p."""
    pair, p = keys.normal(matrix_key(seed), (2, cfg.rows, d)), np.array(cfg.exponents)
    A = jnp.stack([instances.family(name, *pair) for name in cfg.families])
    if cfg.score == "root":
        root = [jnp.sum(sketches.leverage(B)[:, None] ** (p / 2), axis=0) for B in A]
        return {"total": jnp.stack(root), "gap": jnp.zeros((len(A), len(p)))}
    total, gap = totals(A, p, np.where(p == 1, *cfg.turns))
    return {"total": total, "gap": gap}


def searched(cfg) -> dict:
    return {"starts": cfg.starts, "steps": cfg.steps}


def endless(cfg, ps, ratios, names, d: int, seed, draw) -> dict:
    """One sample of rows without end at every p and budget, nested: Gaussian, identity copies."""
    p, m = np.repeat(ps, len(ratios)), np.tile(d * np.array(ratios), len(ps))
    found = sampling.limit(draw_key("endless", seed, draw), d, p, m, searched(cfg))
    shape = (len(ps), -1) if len(ps) > 1 else (-1,)
    return {name: value.reshape(shape) for name, value in zip(names, found, strict=False)}


def recursion(cfg, seed, draw) -> dict:
    """Root leverage sampling, again and again, of rows of uneven length."""
    g = keys.normal(matrix_key(seed), (cfg.begin, cfg.side + 2))
    power = cfg.p / 2 if cfg.root else 1.0
    found = sampling.recursion(draw_key("recursion", seed, draw), instances.uneven(g, cfg.tail),
                               cfg.p, cfg.beta, cfg.rounds, searched(cfg), power=power)  # fmt: skip
    return {"counts": found.counts, "recursed": found.distortion}


def cases(cfg) -> list[tuple[str, float]]:
    """Schemes and p of samples of the mixed matrix."""
    return [(s, cfg.ps[0]) for s in cfg.schemes] + [(cfg.schemes[0], p) for p in cfg.ps[1:]]


def matrices(cfg, mesh: Mesh) -> sharding.Placed:
    """Of every seed Gaussian rows, their scores, exact sensitivities of some of them."""

    def one(seed):
        b, p = whitened(keys.normal(matrix_key(seed), (cfg.n, cfg.dim))), jnp.array(cfg.ps)
        gauss, own = zip(*[instances.scores(s, b, cfg.copies, q) for s, q in cases(cfg)],
                         strict=True)  # fmt: skip
        length = jnp.linalg.norm(b[: cfg.subset], axis=1)
        limit = length ** p[:, None] / (cfg.n * moment(p))[:, None]
        exact = jax.lax.map(lambda p: sensitivities(b, cfg.subset, p, cfg.turns[1]).lower, p)
        return {"b": b, "gauss": jnp.stack(gauss), "own": jnp.stack(own)}, exact, limit

    return sharding.vmap_over(mesh, one, at_once=1)


def samples(cfg, mesh: Mesh) -> sharding.Placed:
    """(seed, draw, place of the seed, what `matrices` made) -> distortion, mean [case, m]"""
    p = jnp.array([p for _, p in cases(cfg)])

    def one(seed, draw, at, known):
        key, of = draw_key("mixed", seed, draw), (p, known["gauss"][at], known["own"][at])
        return sampling.mixed(key, known["b"][at], of, cfg.copies, cfg.budgets, searched(cfg),
                              weighted=cfg.weighted)._asdict()  # fmt: skip

    return sharding.vmap_over(mesh, one, shared=(3,), at_once=1)


def mixed(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """Gaussian rows beside a few copies of the identity."""
    known, exact, limit = sharding.gather(matrices(cfg, mesh)(np.array(cfg.seeds)))
    at = np.arange(len(cfg.seeds)).repeat(cfg.draws)
    found = every(cfg, samples(cfg, mesh), cfg.draws, at, known)
    return found | {"exact": exact, "limit": limit}


def counts(cfg) -> dict[str, np.ndarray]:
    """Rows that keep rank, by the weights of cfg."""
    d, stream = np.array(cfg.rank_dims, float), {"u": keys.fold(cfg.seeds, RANKS)}
    uniform = keys.draws(stream, {"u": (2, cfg.repetitions, len(d))}, keys.uniform)["u"]
    total = np.asarray(jax.jit(gaussian_total)(d, np.array(cfg.rank_ps)[:, None]))
    shares = {"sensitivity": total / (total + d), "leverage": 0.5 + 0 * total}
    share = np.stack([shares[name] for name in cfg.weights])
    first, whole = rank.kept(uniform[:, 0], uniform[:, 1], d, share)
    return {"first": first, "whole": whole, "block": total}
