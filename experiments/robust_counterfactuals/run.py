"""Tables and networks of every seed; counterfactuals; what the new networks say of them.

Shapes: S seeds, B networks that are m in turn, M networks of a turn (m, then the new ones), Q
queries of a turn, T taus, C levels, K counts, d features; ways: base, T-Rex:I at every tau,
T-Rex:NN at every tau, m raised to every level, closest points of all stricter margins.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import drawn, judgement, nets, search, tabular, trex

NORMAL, UNIFORM = ("law", "rows", "noise", "fresh", "stray"), ("labels", "order", "cube")
DRAWN = ("theorem", "forgetful", "mean")
SAID = ("accuracy", "parameters", "predictions", "ranked")
PLANE = ("plane", "plane_axes", "plane_at")
POINTS = ("valid", "cost", "stability", "confidence", "factor", *PLANE)


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Validity is the share of new networks that accept.

    tau [T], level [C], count [K], tail [t]: settings
    theorem, forgetful, mean [S, K, t], if any: `drawn.violations`; uncorrected, the second twice
    accuracy [S, B, M], if any: on test rows
    parameters, predictions [S, B, M - 1], if any: distances from m, relative; mean |M - m| there
    ranked [S, B, 3, point], if any: Stability, m, validity of accepted test points
    valid, cost, stability, confidence, factor [S, way, B], if any: means over queries of validity,
    L1, Stability under fresh noise, m, local outlier factor among accepted training rows
    plane [1 + restarts, G, G], plane_axes [2, G], plane_at [3, 2], if any: first seed, what m and
    others say in the plane of the query whose base is dearest, this, and T-Rex:I; places there
    """
    out = {"tau": cfg.taus, "level": cfg.levels, "count": cfg.counts, "tail": cfg.tails}
    out = {name: np.array(x) for name, x in out.items()}
    if scratch.wants(*DRAWN):
        out |= scratch.cached("drawn", lambda: drawer(cfg, mesh)(keys.fold(cfg.seeds, 1)))
        out |= {} if cfg.corrected else {"theorem": out["forgetful"]}
    if scratch.wants(*POINTS, *SAID):
        turn = networks(cfg, mesh, scratch)
        if scratch.wants(*SAID):
            out |= scratch.cached("said", partial(asked, cfg, mesh, turn))
        if scratch.wants(*POINTS):
            out |= scratch.cached("points", partial(explained, cfg, mesh, turn))
    return out


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Training, ascents, judgement, base search, drawn models."""
    sizes = {k: (len(cfg.seeds), *shape) for k, shape in shapes(cfg).items()}
    draw = {k: jax.ShapeDtypeStruct(shape, np.float32) for k, shape in sizes.items()}
    streams = jax.eval_shape(lambda: keys.fold(cfg.seeds, 0))
    table, lesson, state = jax.eval_shape(beginner(cfg, mesh), streams, draw)
    turn = jax.eval_shape(partial(judgement.turns, bases=cfg.bases), table, state.params, draw)
    pair = jax.eval_shape(baser(cfg, mesh), turn)
    ways = jax.eval_shape(walker(cfg, mesh), turn, *pair)
    calls = cfg.steps // cfg.every
    return [
        trainer(cfg, mesh).program("training", state, 0, table.x, lesson, calls=calls),
        walker(cfg, mesh).program("ascent", turn, *pair, calls=1),
        judge(cfg, mesh).program("judgement", turn, pair[0], ways, calls=1),
        baser(cfg, mesh).program("base search", turn, calls=1),
        drawer(cfg, mesh).program("drawn models", streams, calls=1),
    ]


def shapes(cfg) -> dict[str, tuple[int, ...]]:
    """Of the draws of a seed."""
    rows, d, B, Q = cfg.train + cfg.pool, cfg.features, cfg.bases, cfg.queries
    return {
        "law": (3, d), "rows": (rows, d + 1), "labels": (rows,), "noise": (B, Q, cfg.k, d),
        "order": (1 + cfg.left_out, cfg.train), "fresh": (B, cfg.fresh, d), "stray": (B, Q, d),
        "cube": (B, cfg.train, d),
    }  # fmt: skip


def draws(cfg) -> dict[str, np.ndarray]:
    """All random numbers of a seed but those of training: name -> [S, ...]"""
    streams, shape = keys.split(cfg.seeds, NORMAL + UNIFORM), shapes(cfg)
    out = keys.draws(streams, {name: shape[name] for name in NORMAL})
    return out | keys.draws(streams, {name: shape[name] for name in UNIFORM}, keys.uniform)


def placed(cfg, mesh: Mesh, fn) -> sharding.Placed:
    """fn(cfg, ...) on every element, one by one: each has the numbers that it has alone."""
    return sharding.vmap_over(mesh, partial(fn, cfg), at_once=1)


def drawer(cfg, mesh: Mesh) -> sharding.Placed:
    """Keys [S] -> shares of violations [S, K, t]"""
    family = drawn.Family(cfg.slope, cfg.frequency, cfg.amplitude, cfg.sigma)
    how = {"draws": cfg.draws, "dim": cfg.dim, "counts": cfg.counts, "tails": cfg.tails}
    how |= {"family": family, "repeated": cfg.samples == "repeated"}
    return sharding.vmap_over(mesh, partial(drawn.violations, **how), at_once=1)


def beginner(cfg, mesh: Mesh) -> sharding.Placed:
    """Keys, draws [S, ...] -> table, lesson, states [S, ...]"""

    def begin(cfg, key, draw):
        table = tabular.table(draw["law"], draw["rows"], draw["labels"], cfg.train)
        full, sizes = (cfg.bases, cfg.restarts), (cfg.features, *cfg.hidden, 1)
        lesson = nets.lessons(draw["order"], table.y, *full, cfg.share, cfg.relabelled)
        how = {"same_seed": cfg.same_seed, "tx": nets.optimiser(cfg.lr)}
        return table, lesson, nets.begin(key, sizes, len(lesson.y), **how)

    return placed(cfg, mesh, begin)


def trainer(cfg, mesh: Mesh) -> sharding.Placed:
    """States, first step, rows, lesson -> states, losses [S, 1, all networks]"""
    fn = partial(nets.train, batch=cfg.batch, steps=cfg.every, tx=nets.optimiser(cfg.lr))
    return sharding.vmap_over(mesh, fn, shared=(1,), at_once=1)


def networks(cfg, mesh: Mesh, scratch) -> dict:
    """Tables and trained networks, as `judgement.turns` gives them."""
    draw = draws(cfg)
    table, lesson, state = beginner(cfg, mesh)(keys.fold(cfg.seeds, 0), draw)
    train = trainer(cfg, mesh)

    def trained():
        def advance(state, first, _):
            return train(state, first, table.x, lesson)

        at = np.arange(cfg.every, cfg.steps + 1, cfg.every)
        params = loops.recorded(scratch, "training", advance, state, at)[0].params
        return {str(i): leaf for i, leaf in enumerate(jax.tree.leaves(params))}

    leaves = scratch.cached("networks", trained).values()
    params = jax.tree.unflatten(jax.tree.structure(state.params), leaves)
    return judgement.turns(sharding.gather(table), params, draw, cfg.bases)


def asked(cfg, mesh: Mesh, turn) -> dict[str, np.ndarray]:
    """The arrays of SAID."""

    def ask(cfg, turn):
        points = turn["params"], turn["pool"], turn["truth"]
        return judgement.of_points(*points, cfg.sigma * turn["fresh"], cfg.ranked)

    out = sharding.gather(placed(cfg, mesh, ask)(turn))
    return {name: x.reshape(-1, cfg.bases, *x.shape[1:]) for name, x in out.items()}


def baser(cfg, mesh: Mesh) -> sharding.Placed:
    """Turns -> refused test rows [S B, Q, d]; their closest points, all margins [S B, way, Q, d]"""

    def base(cfg, turn):
        logit, margins = nets.first(turn["params"], nets.logits), (cfg.margin, *cfg.stricter)
        queries = turn["pool"][judgement.firsts(logit(turn["pool"]) < 0, cfg.queries)]
        how = {"x": queries, "rows": turn["x"], "steps": cfg.base_steps, "lr": cfg.base_lr}
        search_to = lambda wanted: search.base(lambda x: logit(x) - wanted, **how)  # noqa: E731
        return queries, jax.lax.map(search_to, jax.scipy.special.logit(jnp.array(margins)))

    return placed(cfg, mesh, base)


def walker(cfg, mesh: Mesh) -> sharding.Placed:
    """Turns, queries, closest points -> counterfactuals [S B, way, Q, d]"""

    def walk(cfg, turn, queries, closest):
        how = {"taus": cfg.taus, "levels": cfg.levels, "eta": cfg.eta, "steps": cfg.ascent_steps}
        how |= {"stray": turn["stray"]} if cfg.direction == "random" else {}
        how |= {"accepted": cfg.margin} if cfg.candidates == "accepted" else {}
        rows = 2 * turn["cube"] - 0.5 if cfg.candidates == "wide" else turn["x"]
        m, noise = nets.first(turn["params"]), cfg.sigma * turn["noise"]
        walked = trex.ways(m, queries, closest[0], rows, noise, **how)
        return jnp.concatenate([walked, closest[1:]])

    return placed(cfg, mesh, walk)


def judge(cfg, mesh: Mesh) -> sharding.Placed:
    """Turns, queries, counterfactuals -> the arrays of POINTS, [S B, ...]"""

    def judged(cfg, turn, queries, ways):
        params, noise = turn["params"], cfg.sigma * turn["fresh"]
        each = judgement.of_ways(params, queries, ways, turn["x"], noise, cfg.neighbours)
        some = jax.tree.map(lambda a: a[: 1 + cfg.restarts], params)
        ends = queries, ways[0], ways[len(cfg.taus)]
        return each | judgement.in_plane(some, *ends, cfg.plane)

    return placed(cfg, mesh, judged)


def explained(cfg, mesh: Mesh, turn) -> dict[str, np.ndarray]:
    """The arrays of POINTS."""
    queries, closest = baser(cfg, mesh)(turn)
    ways = walker(cfg, mesh)(turn, queries, closest)
    out = sharding.gather(judge(cfg, mesh)(turn, queries, ways))
    first = {name: out.pop(name)[0] for name in PLANE}
    means = {name: a.mean(-1).reshape(-1, cfg.bases, a.shape[1]) for name, a in out.items()}
    return first | {name: a.swapaxes(1, 2) for name, a in means.items()}
