"""Ensembles of descents that share measurements: symmetric, asymmetric, re-balanced.

Shapes: P problems (measurement numbers x seeds), B members of one problem, N side, K width.
All members of a problem meet its measurements in the same matrix product, so these are read once
a step however many members there are; their rows are split over the data axis of the mesh.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from common import sharding

from . import descent, sensing

CHUNK = 5  # records between two looks at the clock
DRAWS = ("target", "x", "f", "g", "v")
ENTRIES = 4  # of coupled vectors that are returned: each row of F meets all of G


class Member(NamedTuple):
    """One descent: initial scale, width k, condition number of its target."""

    alpha: float
    width: int
    kappa: float = 1.0


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """All descents, observed at the same steps; every error is |. - M|_F^2.

    steps [S], spare [width] (k - r), alpha [alpha], lr [], switch []
    population [seed, width, S], sensing [m, seed, width, S]: symmetric, kappa = 1
    sensing_kappa [m, seed, S]: symmetric with spare[1] at the larger kappa
    asym_population, asym [seed, alpha, S], asym_kappa [seed, small alpha, S]: imbalanced
    asym_exact [seed, S]: imbalanced at k = r, alpha[1]
    switched [seed, alpha, S2]: re-balanced after step `switch`; S2 <= S, the same first steps
    coupled [seed, 2, S, ENTRIES]: the first entries of (F G^T v, X X^T v) from G_0 = F_0 = X_0,
        for a fixed random v
    """
    widths, count = len(cfg.spares), len(cfg.alphas)
    arrays = {name: np.array(getattr(cfg, name)) for name in ("lr", "switch")}
    arrays |= {"spare": np.array(cfg.spares), "alpha": np.array(cfg.alphas)}
    arrays["steps"] = np.cumsum(strides(cfg))
    if scratch.wants("population", "asym_population", "coupled"):
        free = scratch.cached("population", lambda: population(cfg, mesh))
        arrays |= {
            "population": free["symmetric"][:, :widths],
            "asym_population": free["asymmetric"][:, :count],
            "coupled": free["coupled"][..., :ENTRIES],
        }
    if scratch.wants("sensing", "sensing_kappa"):
        sym = scratch.cached("symmetric", lambda: symmetric(cfg, mesh, scratch))["error"]
        arrays |= {"sensing": sym[:, :, :widths], "sensing_kappa": sym[:, :, widths]}
    if scratch.wants("asym", "asym_exact", "asym_kappa", "switched"):
        asym = scratch.cached("asymmetric", lambda: asymmetric(cfg, mesh, scratch))
        arrays |= {
            "asym": asym["error"][:, :count],
            "asym_exact": asym["error"][:, count],
            "asym_kappa": asym["error"][:, count + 1 :],
            "switched": asym["switched"],
        }
    return arrays


def abstract_step(cfg, mesh: Mesh) -> tuple[Callable, tuple]:
    """A chunk of asymmetric descents on sharded measurements, and its arguments' shapes."""
    problems, b, n = len(cfg.seeds), len(asymmetric_members(cfg)), cfg.n
    rows = n * n * mesh.shape[sharding.DATA] if cfg.assembled else padded_rows(cfg, mesh)
    whole, split = sharding.sharded(mesh), sharding.sharded(mesh, None, sharding.DATA)

    def shape(*axes, dtype=float, sharding=whole):
        return jax.ShapeDtypeStruct(axes, jax.dtypes.canonicalize_dtype(dtype), sharding=sharding)

    factor = shape(problems, b, n, cfg.rank + cfg.spare)
    args = (
        shape(problems, rows, n * n, sharding=split),
        shape(problems, b, n, n),
        (factor, factor),
        shape(CHUNK, dtype=int),
    )
    return chunk(mesh, cfg, asymmetric_descent, sensing.normal), args


def steps(cfg) -> int:
    """How often a whole run calls the function of `abstract_step`: chunks of one descent."""
    return -(-sum(cfg.records) // CHUNK)


# --- the problems --------------------------------------------------------------------------------


def strides(cfg) -> np.ndarray:
    """Steps before each record.  -> [S]"""
    return np.repeat(cfg.strides, cfg.records)


def symmetric_members(cfg) -> list[Member]:
    plain = [Member(cfg.alpha, cfg.rank + spare) for spare in cfg.spares]
    return [*plain, Member(cfg.alpha, cfg.rank + cfg.spares[1], cfg.kappa)]


def asymmetric_members(cfg) -> list[Member]:
    width = cfg.rank + cfg.spare
    plain = [Member(alpha, width) for alpha in cfg.alphas]
    conditioned = [Member(alpha, width, cfg.kappa) for alpha in cfg.alphas[:-1]]
    return [*plain, Member(cfg.alphas[1], cfg.rank), *conditioned]


def seed_keys(cfg):
    return jax.vmap(jax.random.key)(jnp.array(cfg.seeds))


@partial(jax.jit, static_argnames=("n", "width"))
def normals(keys, *, n: int, width: int):
    """N(0, 1) under every name of DRAWS.  -> [seed, name, N, width]

    A program of its own: where it fused into what follows it would be compiled again and again.
    """

    def one(key):
        named = jax.random.split(jax.random.fold_in(key, 0), len(DRAWS))
        return jax.vmap(lambda key: jax.random.normal(key, (n, width)))(named)

    return jax.vmap(one)(keys)


def draws(cfg) -> dict[str, jax.Array]:
    """The named draws of every seed, each [seed, N, K] with room for the widest factor."""
    width = cfg.rank + max(cfg.spare, *cfg.spares)
    values = normals(seed_keys(cfg), n=cfg.n, width=width)
    return {name: values[:, i] for i, name in enumerate(DRAWS)}


def targets(draw, rank: int, members: list[Member]):
    """-> [B, N, N]; one basis for every condition number"""
    return jnp.stack([sensing.target(draw[:, :rank], member.kappa) for member in members])


def started(draw, members: list[Member], width: int, scale: Callable):
    """alpha scale(member) times the first k columns of the draw, then zeros.  -> [B, N, width]"""
    column = jnp.arange(width)
    factors = [m.alpha * scale(m) * draw[:, :width] * (column < m.width) for m in members]
    return jnp.stack(factors)


def symmetric_start(draw, members: list[Member], width: int):
    return started(draw["x"], members, width, lambda m: m.width**-0.5)


def symmetric_problem(draw, cfg):
    """(targets [B, N, N], X_0 [B, N, K]) of a seed's draws"""
    members = symmetric_members(cfg)
    start = symmetric_start(draw, members, cfg.rank + max(cfg.spares))
    return targets(draw["target"], cfg.rank, members), start


def asymmetric_problem(draw, cfg):
    """(targets [B, N, N], (F_0, G_0) [B, N, K]) of a seed's draws"""
    members = asymmetric_members(cfg)
    width = cfg.rank + cfg.spare
    f = started(draw["f"], members, width, lambda m: cfg.n**-0.5)
    g = started(draw["g"], members, width, lambda m: cfg.n**-0.5 / cfg.imbalance)
    return targets(draw["target"], cfg.rank, members), (f, f if cfg.balanced else g)


def padded_rows(cfg, mesh: Mesh) -> int:
    """Rows of the measurement array: the most measurements, rounded up to the mesh."""
    shards = mesh.shape[sharding.DATA]
    return -(-max(cfg.measurements) // shards) * shards


@partial(jax.jit, static_argnames=("most", "rows", "n", "mesh"))
def measurements(keys, *, most: int, rows: int, n: int, mesh: Mesh):
    """`most` Gaussian A_i of every seed and zero rows after them, split over the mesh.

    -> [seed, rows, N N]
    """

    def draw(key):
        a = sensing.gaussian(jax.random.fold_in(key, 1), most, n)
        return jnp.pad(a, ((0, rows - most), (0, 0)))

    spec = sharding.sharded(mesh, None, sharding.DATA)
    return jax.lax.with_sharding_constraint(jax.vmap(draw)(keys), spec)


def measured(cfg, mesh: Mesh):
    rows = padded_rows(cfg, mesh)
    return measurements(seed_keys(cfg), most=max(cfg.measurements), rows=rows, n=cfg.n, mesh=mesh)


# --- the descents --------------------------------------------------------------------------------


def symmetric_descent(x, target, sense, lr, strides, observe=descent.squared_error):
    """-> (x, observed [S, ...]); observe(F, G, target)"""
    step = partial(descent.symmetric_step, target=target, sense=sense, lr=lr)
    return descent.trajectory(step, lambda x: observe(x, x, target), x, strides)


def asymmetric_descent(factors, target, sense, lr, strides, observe=descent.squared_error):
    """-> ((f, g), observed [S, ...]); observe(F, G, target)"""
    step = partial(descent.asymmetric_step, target=target, sense=sense, lr=lr)
    return descent.trajectory(step, lambda fg: observe(*fg, target), factors, strides)


def assembled(a, mesh: Mesh):
    """a^T a of each device's rows: one pass a step instead of two, where p <= 2 m and it fits.

    a [P, rows, p] -> [P, devices p, p], split like a
    """
    split = P(None, sharding.DATA)
    square = jax.shard_map(lambda a: a.mT @ a, mesh=mesh, in_specs=split, out_specs=split)
    return jax.jit(square)(a)


def chunk(mesh: Mesh, cfg, descend: Callable, normal: Callable) -> Callable:
    """Jitted (a [P, rows, .], targets, state, strides) -> (state, errors [P, S, B]); a is split."""

    def one(a, target, state, strides):
        sense = partial(normal, a, assembled=cfg.assembled, axis=sharding.DATA)
        return descend(state, target, sense, cfg.lr, strides)

    specs = (P(None, sharding.DATA), P(), P(), P())
    every = jax.vmap(one, in_axes=(0, 0, 0, None))
    return jax.jit(jax.shard_map(every, mesh=mesh, in_specs=specs, out_specs=P(), check_vma=False))


def observe(advance: Callable, state, strides, scratch, name: str):
    """Run chunk after chunk with checkpoints.  -> (state, errors [P, B, S])"""
    most = len(strides)
    problems, members = jax.tree.leaves(state)[0].shape[:2]
    carry = {"state": state, "error": np.zeros((problems, most, members))}
    with scratch.checkpoints(name) as saved, scratch.progress(int(strides.sum()), name) as bar:
        carry, done = saved.restore(carry)
        while done < most:
            part = slice(done, min(done + CHUNK, most))
            state, error = advance(carry["state"], jnp.asarray(strides[part]))
            errors = carry["error"].copy()  # the old one may still be on its way to the disk
            errors[:, part] = sharding.gather(error)
            carry, done = {"state": state, "error": errors}, part.stop
            saved.save(done, carry, force=done == most)
            bar.update(int(strides[:done].sum()))
    return carry["state"], carry["error"].transpose(0, 2, 1)


def symmetric(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Symmetric descent on the first m measurements, for every m.  -> error [m, seed, B, S]"""
    numbers = cfg.measurements

    def halved(a):
        half = sensing.half(a.reshape(*a.shape[:2], cfg.n, cfg.n))
        return jnp.concatenate([sensing.first(half, m, max(numbers)) for m in numbers])

    split = sharding.sharded(mesh, None, sharding.DATA)
    half = jax.jit(halved, out_shardings=split)(measured(cfg, mesh))
    half = assembled(half, mesh) if cfg.assembled else half
    problem = jax.jit(jax.vmap(lambda draw: symmetric_problem(draw, cfg)))(draws(cfg))
    target, start = (jnp.concatenate([x] * len(numbers)) for x in problem)
    advance = partial(chunk(mesh, cfg, symmetric_descent, sensing.half_normal), half, target)
    _, error = observe(advance, start, strides(cfg), scratch, "symmetric")
    return {"error": error.reshape(len(numbers), len(cfg.seeds), *error.shape[1:])}


def asymmetric(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Imbalanced descent on all measurements, plain and re-balanced once.

    -> error [seed, B, S], switched [seed, alpha, S2] over the two finer strides
    """
    a = measured(cfg, mesh)
    a = assembled(a, mesh) if cfg.assembled else a
    target, start = jax.jit(jax.vmap(lambda draw: asymmetric_problem(draw, cfg)))(draws(cfg))
    advance = chunk(mesh, cfg, asymmetric_descent, sensing.normal)
    every, count = strides(cfg), len(cfg.alphas)
    _, error = observe(partial(advance, a, target), start, every, scratch, "asymmetric")

    fine = every[: sum(cfg.records[:2])]
    before = int(np.searchsorted(np.cumsum(fine), cfg.switch, side="right"))
    advance = partial(advance, a, target[:, :count])
    state = jax.tree.map(lambda x: x[:, :count], start)
    state, early = observe(advance, state, fine[:before], scratch, "before-switch")
    if cfg.rebalance:
        state = jax.jit(jax.vmap(lambda fg: descent.rebalance(fg, cfg.beta)))(state)
    _, late = observe(advance, state, fine[before:], scratch, "after-switch")
    return {"error": error, "switched": np.concatenate([early, late], axis=-1)}


def population(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """m = infinity: all descents, one more asymmetric one starting where a symmetric one does.

    -> symmetric, asymmetric [seed, B, S], coupled [seed, 2, S, N]
    """
    every = jnp.asarray(strides(cfg))

    def one(draw):
        goal, x0 = symmetric_problem(draw, cfg)
        aims, (f, g) = asymmetric_problem(draw, cfg)
        twin = symmetric_start(draw, symmetric_members(cfg)[1:2], f.shape[-1])
        f, g = jnp.concatenate([f, twin]), jnp.concatenate([g, (1 + cfg.tilt) * twin])
        v = draw["v"][:, 0]

        def watch(f, g, target, *, member):
            return descent.squared_error(f, g, target), f[member] @ (g[member].T @ v)

        same = {"sense": lambda e: e, "lr": cfg.lr, "strides": every}
        _, (slow, xx) = symmetric_descent(x0, goal, observe=partial(watch, member=1), **same)
        aims = jnp.concatenate([aims, goal[1:2]])
        _, (fast, fg) = asymmetric_descent((f, g), aims, observe=partial(watch, member=-1), **same)
        return {"symmetric": slow.T, "asymmetric": fast.T, "coupled": jnp.stack([fg, xx])}

    return sharding.gather(sharding.vmap_over(mesh, one)(draws(cfg)))
