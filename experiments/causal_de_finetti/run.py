"""Pairs by kernel tests, graphs by counts, and the information that both rest on, exactly."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, sharding
from common.programs import Program

from . import bivariate, exact, graphs


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """environments [E], many [G]: of pairs, of graphs

    mode [seed, data set]: 0 none, 1 X -> Y, 2 Y -> X; decided, guessed [seed, E, data set]: by
        de Finetti's independences; by dependence and a coin
    p [seed, E, data set, 3]: of X1, Y2 | X2; Y1, X2 | Y2; X1, Y1
    distance [seed, G, data set]: normalised Hamming distance; truth [seed, data set]: which graph
    forward, backward [seed, prior]: I(X1; Y2 | X2), I(Y1; X2 | Y2) in nats where X -> Y
    spread [S], tilted [S]: the second against the spread of both priors, one case
    """
    found = {"environments": np.array(cfg.environments), "many": np.array(cfg.many)}
    if scratch.wants("mode", "decided", "guessed", "p"):
        found |= scratch.cached("pairs", partial(pairs, cfg, mesh))
    if scratch.wants("distance", "truth"):
        found |= scratch.cached("graphs", partial(learned, cfg))
    if scratch.wants("forward", "backward", "spread", "tilted"):
        found |= scratch.cached("exact", partial(informed, cfg))
    return found


def programs(cfg, mesh: Mesh) -> list[Program]:
    """None: hardware = "cpu"."""
    return []


def pairs(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """Data sets of every seed; smaller ones are the first environments of the largest."""
    R, E = cfg.repetitions, max(cfg.environments)
    shapes = {"mode": (R,), "gains": (R, 2), "c": (R,), "coin": (R,)}
    shapes |= {"means": (R, E, 2, 2), "noise": (R, E, 2, 2), "curved": (R, E, 2)}
    draw = keys.draws(keys.split(cfg.seeds, tuple(shapes)), shapes, keys.uniform)
    if not cfg.iid:
        draw["means"] = np.repeat(draw["means"][:, :, :, :1], 2, axis=3)
        draw["curved"] = np.repeat(draw["curved"][..., :1], 2, axis=-1)
    integers = {k: 1 + np.floor(cfg.largest_gain * draw[k]) for k in ("gains", "c")}
    draw |= integers | {"mode": np.floor(3 * draw["mode"]).astype(int)}
    draw |= {"means": 2 * draw["means"] - 1, "curved": (draw["curved"] < 0.5).astype(float)}

    def one(n, given):
        d = bivariate.sampled(given["mode"], given["gains"], given["means"][:n],
                              given["noise"][:n], given["curved"][:n], given["c"])  # fmt: skip
        p = bivariate.tested(d)
        guess = bivariate.guessed(p, cfg.alpha, given["coin"])
        return p, bivariate.decided(p, cfg.alpha), guess

    def of_seed(given):
        each = [jax.lax.map(partial(one, n), given) for n in cfg.environments]
        return [jnp.stack(x) for x in zip(*each, strict=True)]

    p, decided, guess = sharding.gather(sharding.vmap_over(mesh, of_seed, at_once=1)(draw))
    return {"mode": draw["mode"], "p": p, "decided": decided, "guessed": guess}


def learned(cfg) -> dict[str, np.ndarray]:
    """Graphs of every seed; smaller samples are the first environments of the largest."""
    R, E = cfg.graphs, max(cfg.many)
    shapes = {"graph": (R,), "theta": (R, E, graphs.V), "noise": (R, E, 2, graphs.V)}
    streams = keys.split(cfg.seeds, tuple(shapes))
    draw = {k: keys.draws(streams, {k: v}, keys.uniform)[k] for k, v in shapes.items()}
    which = np.floor(len(graphs.GRAPHS) * draw["graph"]).astype(int)
    theta = 1 - (1 - draw["theta"]) ** (1 / cfg.beta)

    def one(s, r):
        truth = graphs.GRAPHS[which[s, r]]
        d = graphs.sampled(truth, theta[s, r], draw["noise"][s, r])
        if not cfg.paired:
            d[:, 1] = np.roll(d[:, 1], 1, axis=0)
        rows = (d[:n] for n in cfg.many)
        return [graphs.distance(graphs.found(x, cfg.alpha), truth) for x in rows]

    found = [[one(s, r) for r in range(R)] for s in range(len(cfg.seeds))]
    return {"distance": np.moveaxis(np.array(found), 2, 1), "truth": which}


def informed(cfg) -> dict[str, np.ndarray]:
    """Priors on random mechanisms, and one case whose mechanisms spread."""
    shape = {"prior": (cfg.priors, cfg.points, 5)}
    draw = keys.draws({"prior": keys.fold(cfg.seeds, 1)}, shape, keys.uniform)["prior"]

    def both(u):
        weight = [0.2 + u[:, k] for k in (3, 4)]
        wx, wy = (w / w.sum() for w in weight)
        law = exact.joint(0.05 + 0.9 * u[:, 0], wx, 0.05 + 0.9 * u[:, 1:3], wy)
        return exact.information(law, 0, 3, 2), exact.information(law, 1, 2, 3)

    found = np.array([[both(u) for u in seed] for seed in draw])
    spread = np.linspace(0, 1, 21)
    half, centre, off = np.full(2, 0.5), np.array([0.3, 0.75]), np.array([-0.2, -0.15])
    cases = [
        exact.joint(0.5 + 0.3 * s * np.array([-1, 1]), half,
                    np.stack([centre + s * off, centre - s * off]), half)
        for s in spread
    ]  # fmt: skip
    tilted = np.array([exact.information(law, 1, 2, 3) for law in cases])
    return {"forward": found[..., 0], "backward": found[..., 1], "spread": spread, "tilted": tilted}
