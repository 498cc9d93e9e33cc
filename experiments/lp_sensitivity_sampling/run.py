"""Sensitivities of matrices, and what samples of rows do; one draw an item, split over the mesh."""

import zlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from scipy.special import gammaincinv

from common import keys, sharding, sketches
from common.programs import Program

from . import instances, sampling
from .sensitivities import gaussian_total, moment, sensitivities

CONSTANTS = (
    *("seeds", "rows", "dims", "exponents", "budgets", "ps", "rank_dims", "rank_ps"),
    *("low", "low_dims", "low_ratios", "high", "high_dims", "high_ratios"),
    *("begin", "side", "p", "beta"),
)
SIZED = ("total", "gap", "low_distortion", "high_distortion", "copies_distortion")
RANKS = 100  # of streams of random numbers, one a part; those of ranks


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Distortion: the largest | |S A x|_p^p / |A x|_p^p - 1 | that is found.

    total, gap [d, seed, family, p]: total sensitivity from below; upper / lower - 1
    distortion, mean [seed, draw, case, m]: at the budgets; of one x that does not know the sample.
        Cases: cfg.schemes at the first p, then the first scheme at the other p
    exact, limit [seed, p, row]: sensitivities of some rows, and |b|^p / (n E |g|^p)
    low_distortion [d, seed, draw, p, ratio], high_distortion, copies_distortion
        [d, seed, draw, ratio]: Gaussian rows without end, copies of the identity; m = ratio d
    first, whole [seed, weights, p, d]: median rows until the Gaussian block has d of
        them, and until both blocks have their rank; block [p, d]: total sensitivity of it
    counts [seed, draw, round], recursed [seed, draw]: rows that are left; distortion at the end
    and the settings of CONSTANTS.  Errors: ValueError for p that are no multiples of 1/2.
    """
    if any(2 * p % 1 for p in (*cfg.exponents, *cfg.ps, *cfg.low, cfg.high, cfg.p)):
        raise ValueError("every p of samples and of totals must be a multiple of 1/2")
    found, sized = {name: np.array(cfg[name]) for name in CONSTANTS}, {}
    for part in parts(cfg):
        if scratch.wants(*part.arrays):
            values = scratch.cached(part.name, partial(computed, cfg, mesh, part))
            for name, value in values.items():
                sized.setdefault(name, []).append(value)
    if scratch.wants("distortion", "mean", "exact", "limit"):
        sized |= {k: [v] for k, v in scratch.cached("mixed", partial(mixed, cfg, mesh)).items()}
    if scratch.wants("first", "whole"):
        sized |= {k: [v] for k, v in scratch.cached("rank", partial(rank, cfg)).items()}
    return found | {k: np.stack(v) if k in SIZED else v[0] for k, v in sized.items()}


class Part(NamedTuple):
    name: str
    arrays: tuple[str, ...]
    draw: Callable  # keys of the seed and of the draw -> arrays
    draws: int = 0  # a seed; 0: one, without an axis


def parts(cfg) -> list[Part]:
    """What needs keys alone, one program each."""
    high = "high_distortion", "copies_distortion"
    return [
        *[Part(f"total{d}", ("total", "gap"), partial(totals, cfg, d)) for d in cfg.dims],
        *[Part(f"low{d}", ("low_distortion",), partial(low, cfg, d), cfg.samples)
          for d in cfg.low_dims],
        *[Part(f"high{d}", high, partial(above, cfg, d), cfg.samples) for d in cfg.high_dims],
        Part("recursion", ("counts", "recursed"), partial(recursion, cfg), cfg.runs),
    ]  # fmt: skip


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Every part, and samples of the mixed matrix; all draws in one."""

    def of(part):
        inputs = jax.eval_shape(lambda: drawn(cfg, part.name, part.draws))
        return placed(mesh, part).program(part.name, *inputs, calls=1)

    seeds, count = len(cfg.seeds), len(cases(cfg))
    key = jax.eval_shape(lambda: drawn(cfg, "mixed", cfg.draws)[1])
    seed = jax.eval_shape(lambda: keys.fold(cfg.seeds, 0))
    shape = {"b": (cfg.n, cfg.dim), "gauss": (count, cfg.n), "own": (count,)}
    known = {k: jax.ShapeDtypeStruct((seeds, *v), float) for k, v in shape.items()}
    at = jax.ShapeDtypeStruct(key.shape, int)
    return [
        samples(cfg, mesh).program("samples of the mixed matrix", key, at, known, calls=1),
        matrices(cfg, mesh).program("matrices and their scores", seed, calls=1),
        *[of(part) for part in parts(cfg)],
    ]


def placed(mesh: Mesh, part: Part) -> sharding.Placed:
    return sharding.vmap_over(mesh, part.draw, at_once=1)


def drawn(cfg, name: str, draws: int):
    """Keys of every draw's seed, the same for all parts, and of the draw.  -> [seed draw] each"""
    split = jax.vmap(partial(jax.random.split, num=max(draws, 1)))
    seed = jnp.repeat(keys.fold(cfg.seeds, 0), max(draws, 1))
    return seed, split(keys.fold(cfg.seeds, zlib.crc32(name.encode()))).reshape(-1)


def computed(cfg, mesh: Mesh, part: Part) -> dict[str, np.ndarray]:
    """A part of all draws.  -> [seed, draw, …]"""
    return shaped(cfg, placed(mesh, part)(*drawn(cfg, part.name, part.draws)), part.draws)


def shaped(cfg, out: dict, draws: int) -> dict[str, np.ndarray]:
    """[seed draw, …] -> [seed, draw, …]"""
    head = (len(cfg.seeds), draws) if draws else (len(cfg.seeds),)
    return {k: v.reshape(*head, *v.shape[1:]) for k, v in sharding.gather(out).items()}


def totals(cfg, d: int, key, _) -> dict:
    """Total sensitivities of every family at every p."""
    pair = keys.normal(key, (2, cfg.rows, d))
    A = jnp.stack([instances.family(name, *pair) for name in cfg.families])
    p = np.array(cfg.exponents)
    if cfg.score == "root":
        root = [jnp.sum(sketches.leverage(B)[:, None] ** (p / 2), axis=0) for B in A]
        return {"total": jnp.stack(root), "gap": jnp.zeros((len(A), len(p)))}

    def of(case):
        at, p, turns = case
        found = sensitivities(A[at], A[at], p, turns)
        return jnp.sum(found.lower), jnp.sum(found.upper) / jnp.sum(found.lower) - 1

    turns = np.where(p == 1, *cfg.turns)
    grid = (np.arange(len(A)).repeat(len(p)), np.tile(p, len(A)), np.tile(turns, len(A)))
    total, gap = jax.lax.map(of, jax.tree.map(jnp.asarray, grid))
    return {"total": total.reshape(len(A), -1), "gap": gap.reshape(len(A), -1)}


def options(cfg) -> dict:
    return {"starts": cfg.starts, "steps": cfg.steps}


def low(cfg, d: int, _, key) -> dict:
    """One sample of endless Gaussian rows at every p < 2 and budget, nested in the budget."""
    budgets = np.tile(d * np.array(cfg.low_ratios), len(cfg.low))
    p = np.repeat(cfg.low, len(cfg.low_ratios))
    gauss, _ = sampling.limit(key, d, p, budgets, options(cfg))
    return {"low_distortion": gauss.reshape(len(cfg.low), -1)}


def above(cfg, d: int, _, key) -> dict:
    """The same at p > 2, and of copies of the identity."""
    budgets = d * np.array(cfg.high_ratios)
    gauss, copies = sampling.limit(key, d, cfg.high + 0 * budgets, budgets, options(cfg))
    return {"high_distortion": gauss, "copies_distortion": copies}


def recursion(cfg, seed, key) -> dict:
    """Root leverage sampling, again and again, of rows of uneven length."""
    g = keys.normal(seed, (cfg.begin, cfg.side + 2))
    waited = jnp.sum(g[:, cfg.side :] ** 2, axis=1, keepdims=True) / 2  # -log U
    A, left = jnp.exp(cfg.tail * waited) * g[:, : cfg.side], cfg.begin
    for _ in range(cfg.rounds):
        left = cfg.beta * left ** (1 - cfg.p / 2) * cfg.side ** (cfg.p / 2)
    power = cfg.p / 2 if cfg.root else 1.0
    found = sampling.recursion(key, A, cfg.p, cfg.beta, cfg.rounds, sampling.room(left),
                               options(cfg), power=power)  # fmt: skip
    return {"counts": found.counts, "recursed": found.distortion}


def cases(cfg) -> list[tuple[str, float]]:
    """Schemes and p of samples of the mixed matrix."""
    return [(s, cfg.ps[0]) for s in cfg.schemes] + [(cfg.schemes[0], p) for p in cfg.ps[1:]]


def matrices(cfg, mesh: Mesh) -> sharding.Placed:
    """Of every seed's key Gaussian rows, their scores, exact sensitivities of some of them."""

    def one(key):
        b, p = instances.whitened(keys.normal(key, (cfg.n, cfg.dim))), jnp.array(cfg.ps)
        gauss, own = zip(*[instances.scores(s, b, cfg.copies, q) for s, q in cases(cfg)],
                         strict=True)  # fmt: skip
        rows = b[: cfg.subset]
        limit = jnp.linalg.norm(rows, axis=1) ** p[:, None] / (cfg.n * moment(p))[:, None]
        exact = jax.lax.map(lambda p: sensitivities(b, rows, p, cfg.turns[1]).lower, p)
        return {"b": b, "gauss": jnp.stack(gauss), "own": jnp.stack(own)}, exact, limit

    return sharding.vmap_over(mesh, one, at_once=1)


def samples(cfg, mesh: Mesh) -> sharding.Placed:
    """(key of a draw, place of its seed, what `matrices` made) -> distortion, mean [case, m]"""
    p = np.array([p for _, p in cases(cfg)])

    def one(key, seed, known):
        of = jnp.asarray(p), known["gauss"][seed], known["own"][seed]
        return sampling.mixed(key, known["b"][seed], of, cfg.copies, cfg.budgets, options(cfg),
                              weighted=cfg.weighted)._asdict()  # fmt: skip

    return sharding.vmap_over(mesh, one, shared=(2,), at_once=1)


def mixed(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """Gaussian rows beside a few copies of the identity."""
    seed, key = drawn(cfg, "mixed", cfg.draws)
    known, exact, limit = sharding.gather(matrices(cfg, mesh)(seed[:: cfg.draws]))
    place = np.arange(len(cfg.seeds)).repeat(cfg.draws)
    found = shaped(cfg, samples(cfg, mesh)(key, place, known), cfg.draws)
    return found | {"exact": exact, "limit": limit}


def rank(cfg) -> dict[str, np.ndarray]:
    """Budgets at which a Gaussian block has d rows, and at which both blocks have their rank.

    Rows of many small q_i come as Poisson events, in the share of a block of all scores; the
    identity is whole when the last of its d coordinates has come.
    """
    d, stream = np.array(cfg.rank_dims, float), {"u": keys.fold(cfg.seeds, RANKS)}
    shape = (2, cfg.repetitions, len(d))
    u, v = np.moveaxis(keys.draws(stream, {"u": shape}, keys.uniform)["u"], 1, 0)
    block = gammaincinv(d, u)
    last = -np.log(-np.expm1(np.log(v) / d)) * d
    total = np.asarray(gaussian_total(d, np.array(cfg.rank_ps)[:, None]))
    shares = {"sensitivity": total / (total + d), "leverage": 0.5 + 0 * total}
    share = np.stack([shares[name] for name in cfg.weights])
    first = block[:, None, None] / share[:, :, None]
    whole = np.maximum(first, last[:, None, None] / (1 - share)[:, :, None])
    return {"first": np.median(first, axis=3), "whole": np.median(whole, axis=3), "block": total}
