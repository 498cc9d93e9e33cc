"""Three networks a seed and width, trained together; matched on the host; lines between them.

Shapes: S seeds, 3 networks a, b, c, L layers, H hidden layers, n units, T points of a line, G
thresholds, W widths. A curve is [T, (test, train), (loss, accuracy)].
"""

from functools import cache, partial

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import alignment, lines, matching, model, nets

WAY_ARRAYS = ("ways", "distance", "aligned", "heat", "squared", "values", "overlap")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Curves and alignments, b matched to a in five ways: not, by weights, by activations, by the
    small and by the large singular directions of the weights.

    t [T], gamma [G], width [W]
    ways [seed, way, T, 2, 2], if any: curves from a to b
    distance [seed, way], aligned [seed, way, L, G, 2], if any: |a - b| over that unmatched; sum of
    overlaps of the directions from every gamma on, and how many these are
    heat [seed, 2, top, top], if any: overlaps in the second layer, unmatched and matched by weights
    squared [instance, 2], values [instance, 2, k], if any: |W_a - W_b|^2 and what singular vectors
    say; singular values of W_b in the new orders and before; instances are seeds x layers
    overlap [seed, restart], if any: <a, b> that weight matching reached
    triple [seed, method, pair, T, 2, 2], if any: curves between a, b, c (ab, ac, bc), b and c each
    matched to a: not, by weights, by the straight-through estimator
    triple_aligned [seed, method, L, G, 2], if any: of a and b
    wide [seed, W, 2, pair, T, 2, 2], if any: curves of every pair, before and after matching it
    """
    data = nets.images(scratch.data(cfg.dataset), cfg.dataset, cfg.test, cfg.train)
    trained = networks(cfg, mesh, scratch, data)
    orders = cache(lambda width: weighed(cfg, scratch, trained[width], width))
    draw = drawer(cfg, mesh, data)
    out = {"t": ts(cfg), "gamma": np.array(cfg.gammas), "width": np.array(cfg.widths)}
    width = cfg.widths[-1]
    if scratch.wants(*WAY_ARRAYS):
        given = cfg, data, trained[width], orders(width), draw
        out |= scratch.cached("ways", partial(matched_ways, *given))
    if scratch.wants("triple", "triple_aligned"):
        given = cfg, mesh, scratch, data, trained[width], orders(width)["orders"][:, :2], draw
        out |= scratch.cached("triple", partial(triples, *given))
    if scratch.wants("wide"):
        given = {w: (trained[w], orders(w)["orders"], draw) for w in cfg.widths}
        parts = {f"wide-{w}": partial(lines.of_pairs, *args) for w, args in given.items()}
        out["wide"] = np.stack([part["wide"] for part in scratch.cells(parts, "width")], axis=1)
    return out


def ts(cfg) -> np.ndarray:
    return np.linspace(0, 1, cfg.points)


def sizes(cfg) -> tuple[int, ...]:
    """Of the widest networks: the arrays of all have these."""
    return nets.PIXELS[cfg.dataset], *(cfg.widths[-1],) * cfg.depth, model.CLASSES


def members(cfg, widths) -> tuple[np.ndarray, np.ndarray]:
    """Seeds and widths of all networks, three a seed.  -> [W S 3] each"""
    seeds = (3 * np.array(cfg.seeds)[:, None] + np.arange(3)).ravel()
    return np.tile(seeds, len(widths)), np.repeat(widths, len(seeds))


def learner(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed]:
    """Seeds, widths [N] -> states; states, first step, x, y -> states, losses [N, 1]. One after the
    other: each then has the numbers that it has alone."""
    tx = model.optimiser(cfg.lr, cfg.momentum, cfg.decay)
    train = partial(model.train, batch=cfg.batch, steps=cfg.every, tx=tx)
    begin = partial(model.begin, sizes=sizes(cfg), tx=tx)
    return (
        sharding.vmap_over(mesh, begin),
        sharding.vmap_over(mesh, train, shared=(1, 2, 3), at_once=1),
    )


def liner(cfg, mesh: Mesh) -> sharding.Placed:
    """a, b [S, ...], sets -> curves [S, T, 2, 2]"""
    line = partial(model.line, ts=ts(cfg))
    return sharding.vmap_over(mesh, line, shared=(2,), at_once=1)


def drawer(cfg, mesh: Mesh, data):
    """Of networks of any width: a, b [S, ...] -> curves [S, T, 2, 2]"""
    place = liner(cfg, mesh)

    def draw(a, b):
        ends = (nets.filled(params, cfg.widths[-1]) for params in (a, b))
        return sharding.gather(place(*ends, data.seen))

    return draw


def sloper(cfg, mesh: Mesh) -> sharding.Placed:
    """a, b [P, ...], seeds [P], step, x, y -> losses [P], gradients [P, ...]"""
    middle = partial(model.midpoint, batch=cfg.ste_batch)
    return sharding.vmap_over(mesh, middle, shared=(3, 4, 5), at_once=1)


def networks(cfg, mesh: Mesh, scratch, data) -> dict:
    """Three a seed and width, trained, on the host.  -> width -> parameters [S, 3, ...]"""
    widths = cfg.widths if scratch.wants("wide") else cfg.widths[-1:]
    begin, train = learner(cfg, mesh)

    def trained():
        state = begin(*members(cfg, widths))
        if cfg.same_start:
            state = state._replace(params=nets.thirds(state.params))

        def advance(state, first, strides):
            return train(state, first, *data.learnt)

        at = np.arange(cfg.every, cfg.steps + 1, cfg.every)
        state, _ = loops.recorded(scratch, "training", advance, state, at)
        return nets.flat(state.params)

    found = nets.tree(scratch.cached("networks", trained), len(widths), len(cfg.seeds), 3)
    return {width: nets.cut(nets.at(found, i), width) for i, width in enumerate(widths)}


def weighed(cfg, scratch, params, width: int) -> dict[str, np.ndarray]:
    """Weight matching of every pair.  -> orders [S, pair, H, n], overlap [S, pair, restart]"""
    search = partial(matching.best_of, params, lines.PAIRS, restarts=cfg.restarts)
    stored = scratch.cached(f"orders-{width}", search)
    return stored | ({"orders": shuffled(cfg, width)} if cfg.matching == "random" else {})


def shuffled(cfg, width: int) -> np.ndarray:
    """Random orders.  -> [S, pair, H, n]"""
    shape = {"orders": (len(lines.PAIRS), cfg.depth, width)}
    drawn = keys.draws({"orders": keys.fold(cfg.seeds, width)}, shape, keys.uniform)
    return drawn["orders"].argsort(-1)


def matched_ways(cfg, data, params, found, draw) -> dict[str, np.ndarray]:
    """The arrays of WAY_ARRAYS."""
    pairs = [[nets.at(three, i) for i in lines.PAIRS[0]] for three in nets.each(params)]
    parts = (0.0, cfg.small_below), (cfg.large_above, cfg.large_below)
    ways = np.array([matching.ways(*pair, data.seen[1][0], parts) for pair in pairs])
    ways[:, 1] = found["orders"][:, 0]
    if cfg.matching == "random":
        ways[:, 2] = found["orders"][:, 1]  # of another pair
    curves = lines.of_ways(params, ways, draw)
    how = {"gammas": cfg.gammas, "soften": cfg.soften, "top": cfg.top}
    each = zip(pairs, ways, strict=True)
    out = loops.stack([alignment.compared(*pair, orders, **how) for pair, orders in each])
    out |= {name: np.concatenate(out[name]) for name in ("squared", "values")}
    return out | {"ways": curves, "overlap": found["overlap"][:, 0]}


def triples(cfg, mesh: Mesh, scratch, data, params, weights, draw) -> dict[str, np.ndarray]:
    """b and c each matched to a, by weights in orders [S, 2, H, n]; lines between all three."""
    still = np.broadcast_to(np.arange(weights.shape[-1]), weights.shape)
    search = partial(straightened, cfg, mesh, scratch, data, params, weights)
    methods = still, weights, scratch.cached("straight", search)["orders"]
    return lines.of_three(params, methods, cfg.gammas, draw)


def straightened(cfg, mesh: Mesh, scratch, data, params, weights) -> dict[str, np.ndarray]:
    """The straight-through estimator of ab and ac, from weight matching.  -> orders [S, 2, H, n]"""
    slope, seeds = sloper(cfg, mesh), np.repeat(cfg.seeds, 2)
    a, b = (nets.merged(nets.at(params, slice(None), two)) for two in ([0, 0], [1, 2]))
    with scratch.progress(cfg.ste_steps, "straight-through") as bar:

        def descent(matched, step):
            scratch.check_stop()
            bar.update(step)
            return sharding.gather(slope(a, matched, seeds, step, *data.learnt))

        start, how = weights.reshape(-1, *weights.shape[2:]), (cfg.ste_lr, cfg.momentum)
        found = matching.straight_through(a, b, start, descent, cfg.ste_steps, *how)
    return {"orders": found.reshape(weights.shape)}


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Training, slopes of the straight-through estimator, lines."""
    begin, train = learner(cfg, mesh)
    learnt, seen = nets.sets(cfg.dataset, cfg.test, cfg.train)
    state, seeds = jax.eval_shape(begin, *members(cfg, cfg.widths)), np.array(cfg.seeds)

    def some(count):
        short = partial(
            jax.tree.map, lambda p: jax.ShapeDtypeStruct((count, *p.shape[1:]), p.dtype)
        )
        return short(state.params), short(state.params)

    slope = *some(2 * len(seeds)), np.repeat(seeds, 2), 0, *learnt
    curves = 5 + 9 + 6 * len(cfg.widths)  # ways, pairs of three, widths
    return [
        train.program("training", state, 0, *learnt, calls=cfg.steps // cfg.every),
        sloper(cfg, mesh).program("straight-through slopes", *slope, calls=cfg.ste_steps),
        liner(cfg, mesh).program("lines", *some(len(seeds)), seen, calls=curves),
    ]
