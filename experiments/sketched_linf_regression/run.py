"""Errors of sketched solutions: a problem a seed, a sketch a draw; draws split over the mesh."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import cost, instances, kronecker, sketched

SHOWN = 8  # coordinates of a solution that are kept for a histogram


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """sketch: those of cfg.dense, cfg.sparse, cfg.incoherent.  Errors x' - x* are in units of
    |r| |A^+|, the largest entry is times sqrt(m), squares are sums times (m - d - 1) / d.

    dense, sparse, incoherent [sketch, seed, draw, dim]: largest entry at m = ratio d
    dense_square, sparse_square [sketch, seed, draw, dim]
    dense_x, sparse_x [sketch, seed, draw, SHOWN]: entries times sqrt(m), of the middle dim
    rows, rows_square [dense sketch, seed, draw, multiple]: m = multiple dim
    density, adapted [non-zeros, seed, draw]: m = width dim; adapted: those up to sqrt(m / d)
    kronecker [sketch, seed, draw, side]: d = side^2, of the one cfg.kronecker
    operations [counted sketch, size], fast [size, (additions, n (d + 1) log2 n, all)]
    spread []: entries of r. seeds, dims, ratio, dim, multiples, width, nonzeros, sides, sizes
    """
    names = ("seeds", "dims", "ratio", "dim", "multiples", "width", "nonzeros", "sides", "sizes")
    found = {name: np.array(cfg[name]) for name in names} | {"spread": np.array(spread(cfg))}
    for part in parts(cfg):
        if scratch.wants(*part.arrays):
            each = sharding.vmap_over(mesh, part.draw, at_once=1)
            found |= scratch.cached(part.name, partial(computed, cfg, each, part))
    if scratch.wants("operations", "fast"):
        found |= scratch.cached("cost", partial(counted, cfg))
    return found


class Part(NamedTuple):
    name: str
    arrays: tuple[str, ...]
    draw: Callable  # key [], places -> arrays of one draw
    draws: int  # a seed


def parts(cfg) -> list[Part]:
    """What is computed on its own, one program each."""
    return [
        Part("dense", ("dense", "dense_square", "dense_x", "rows", "rows_square"),
             partial(dense, cfg), cfg.draws),
        Part("sparse", ("sparse", "sparse_square", "sparse_x"), partial(sparse, cfg), cfg.draws),
        Part("incoherent", ("incoherent",), partial(incoherent, cfg), cfg.draws),
        Part("density", ("density", "adapted"), partial(density, cfg), cfg.density_draws),
        Part("kronecker", ("kronecker",), partial(tensor, cfg), cfg.draws),
    ]  # fmt: skip


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Every part, all of its draws in one."""
    side, wide = max(cfg.sides), spread(cfg)
    sizes = {"at": max(cfg.dims) + wide, "left": side, "right": side, "rest": wide}

    def of(part):
        keyed = jax.eval_shape(partial(drawn, cfg, part))
        places = {k: jax.ShapeDtypeStruct((*keyed.shape, n), int) for k, n in sizes.items()}
        each = sharding.vmap_over(mesh, part.draw, at_once=1)
        return each.program(part.name, keyed, places, calls=1)

    return [of(part) for part in parts(cfg)]


def drawn(cfg, part: Part):
    """A key for every draw.  -> [seed draw]"""
    number = [p.name for p in parts(cfg)].index(part.name)
    split = jax.vmap(partial(jax.random.split, num=part.draws))
    return split(keys.fold(cfg.seeds, number)).reshape(-1)


def inputs(cfg, part: Part) -> tuple:
    """Keys of the draws and the places of their seeds' problems.  -> [seed draw, …] each"""
    return drawn(cfg, part), {k: x.repeat(part.draws, 0) for k, x in placed(cfg).items()}


def placed(cfg) -> dict[str, np.ndarray]:
    """Where the problems of the seeds have their rows.  -> int [seed, …] each"""
    stream = {"order": keys.fold(cfg.seeds, len(parts(cfg)))}
    order = keys.draws(stream, {"order": (cfg.n,)}, keys.uniform)["order"].argsort(axis=1)
    side, most = round(cfg.n**0.5), max(cfg.dims) + spread(cfg)
    product = [kronecker.places(row, side, max(cfg.sides), spread(cfg)) for row in order]
    names = ("left", "right", "rest")
    return {"at": order[:, :most]} | dict(zip(names, loops.stack(product), strict=True))


def computed(cfg, each: Callable, part: Part) -> dict[str, np.ndarray]:
    """A part of all draws.  -> [sketch, seed, draw, …]"""
    out = {}
    for name, value in sharding.gather(each(*inputs(cfg, part))).items():
        value = value.reshape(len(cfg.seeds), part.draws, *value.shape[1:])
        out[name] = np.moveaxis(value, 2, 0)
    return out


def spread(cfg) -> int:
    """Entries of r that give Count-Sketch `overlaps` with the d columns at m = ratio d."""
    return round(cfg.overlaps * cfg.ratio)


def scaled(cfg) -> list[tuple[int, int]]:
    """(m, d) of every d."""
    return [(cfg.ratio * d, d) for d in cfg.dims]


def judged(cfg, M: list[list]) -> sketched.Errors:
    """M of every sketch and size.  -> [sketch, size, …] each"""
    flat = [x for several in M for x in several]
    found = sketched.judged(flat, fresh=cfg.fresh, basis=cfg.basis)
    return jax.tree.map(lambda x: x.reshape(len(M), -1, *x.shape[1:]), found)


def dense(cfg, key, places) -> dict:
    """One draw: dense sketches at every d, and at every m."""
    sizes = scaled(cfg) + [(multiple * cfg.dim, cfg.dim) for multiple in cfg.multiples]
    problem = instances.coherent(places["at"], max(cfg.dims), spread(cfg))
    found = judged(cfg, sketched.corners(cfg.dense, key, problem, cfg.n, sizes))
    dims = len(cfg.dims)
    return {
        "dense": found.worst[:, :dims], "dense_square": found.square[:, :dims],
        "rows": found.worst[:, dims:], "rows_square": found.square[:, dims:],
        "dense_x": found.x[:, dims // 2, :SHOWN],
    }  # fmt: skip


def sparse(cfg, key, places) -> dict:
    """One draw: sparse sketches at every d, on the problems of the dense ones."""
    problem = instances.coherent(places["at"], max(cfg.dims), spread(cfg))
    found = judged(cfg, sketched.corners(cfg.sparse, key, problem, cfg.n, scaled(cfg)))
    x = found.x[:, len(cfg.dims) // 2, :SHOWN]
    return {"sparse": found.worst, "sparse_square": found.square, "sparse_x": x}


def incoherent(cfg, key, places) -> dict:
    """One draw: sketches at every d, on cosines."""
    at, most = places["at"], max(cfg.dims)
    peaked = instances.coherent(at, most, spread(cfg))
    problem = peaked if cfg.coherent else instances.cosines(at, cfg.n, most)
    M = sketched.corners(cfg.incoherent, key, problem, cfg.n, scaled(cfg))
    return {"incoherent": judged(cfg, M).worst}


def density(cfg, key, places) -> dict:
    """One draw: sparse sketches with r as wide as suits Count-Sketch, and as suits each."""
    d, m = cfg.dim, cfg.width * cfg.dim
    few = [s for s in cfg.nonzeros if s * s <= cfg.width]
    widths = [cfg.width // (s * s if cfg.adapted else 1) for s in few]
    problem = instances.coherent(places["at"], d, cfg.width, *widths)
    M = sketched.sparse(key, problem.rows, m, cfg.nonzeros)
    wide = [x[:, : d + 1] for x in M]
    own = [jnp.c_[x[:, :d], x[:, d + 1 + i]] for i, x in enumerate(M[: len(few)])]
    worst = sketched.judged(wide + own, fresh=cfg.fresh, basis=cfg.basis).worst
    return {"density": worst[: len(M)], "adapted": worst[len(M) :]}


def tensor(cfg, key, places) -> dict:
    """One draw: Kronecker products with factors of `side` columns, d = side^2."""
    sizes = [(cfg.ratio * side * side, side) for side in cfg.sides]
    if cfg.kronecker == "tensor_srht":
        at = places["left"], places["right"], places["rest"]
        problem = kronecker.coherent(*at, round(cfg.n**0.5))
        SA, Sr = kronecker.tensor_srht(key, *problem, max(m for m, _ in sizes))
        M = [[jnp.c_[SA[:m, :d, :d].reshape(m, -1), Sr[:m]] for m, d in sizes]]
    else:  # columns of the others are alike: that A is a product does not show
        most = max(cfg.sides) ** 2
        problem = instances.coherent(places["at"], most, spread(cfg))
        sizes = [(m, side * side) for m, side in sizes]
        M = sketched.corners((cfg.kronecker,), key, problem, cfg.n, sizes)
    return {"kronecker": judged(cfg, M).worst}


def counted(cfg) -> dict[str, np.ndarray]:
    """Operations of S [A b], d = dim and m = n / share, from the programs alone."""
    key = jax.eval_shape(lambda: jax.random.key(0))

    def of(name, n):
        def sketch(key, rows):
            return sketched.apply(
                name, key, instances.Instance(rows, np.arange(n)), n, n // cfg.share
            )

        return cost.operations(sketch, key, jax.ShapeDtypeStruct((n, cfg.dim + 1), float))

    law = [n * (cfg.dim + 1) * np.log2(n) for n in cfg.sizes]
    fast = [of(cfg.fast, n) for n in cfg.sizes]
    each = [(additions, a, every) for (additions, every), a in zip(fast, law, strict=True)]
    whole = [[of(name, n)[1] for n in cfg.sizes] for name in ("srht", "gaussian", "sparse1")]
    return {"operations": np.array(whole, float), "fast": np.array(each)}
