"""Hand-set keys on five groups, distances with a factor fewer, and trainings on word problems.

Shapes: G groups, C cases (n_h, top), R restarts, N steps a token, T letters.
"""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.programs import Program

from . import exact, groups, learning, model

STREAMS = ("exact", "distance", "train", "test")
HAND = {"S3": 2, "S4": 3, "S5": 4, "cube": 2, "A5": 2}  # factors that the keys of a group need
LARGEST, DIMS = 120, 5  # S5, and the most dimensions of any group here
CYCLES = (3, 4, 5)  # a cycle of length c is c - 1 reflections
TRAINED = ("accuracy", "loss", "key", "beta", "letters")


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Named by what they show; seeds lead and are split over the mesh with all other members.

    exact [seed, hand, T]: share of words whose running product is told, keys set by hand
    factors [hand, N + 1]: elements that are products of so many reflections
    distance [seed, cycle], bound [cycle]: from products of too few factors; Eckart-Young
    accuracy [seed, G, C, R, T], loss [seed, G, C, R, part]: of trainings
    key [seed, C, R, letter, head, N, K], beta [seed, C, R, letter, head, N]: of the first group
    letters [letter, n, n]: its matrices; length []: letters of a training word
    """
    streams = keys.split(cfg.seeds, STREAMS)
    out = {"length": np.array(cfg.length)}
    if scratch.wants("exact"):
        exactness = hand_set(cfg, mesh)
        out |= scratch.cached("exact", lambda: {"exact": exactness(streams["exact"])})
    if scratch.wants("factors"):
        out |= {"factors": np.stack([counts(name) for name in HAND])}
    if scratch.wants("distance", "bound"):
        reach = distances(cfg, mesh)
        out |= scratch.cached("distance", lambda: {"distance": reach(streams["distance"])})
        bounds = [groups.unreachable(groups.cycle(DIMS, c), c - 2) for c in CYCLES]
        out |= {"bound": np.array(bounds)}
    if scratch.wants(*TRAINED):
        out |= trainings(cfg, mesh, scratch, streams)
    return out


def counts(name: str) -> np.ndarray:
    number = [len(groups.reflections(q)) for q in groups.named(name).matrices]
    return np.bincount(number, minlength=DIMS)


def hand_set(cfg, mesh: Mesh):
    """keys [seed] -> accuracy [seed, hand, T]."""
    made = [exact.letters(g, LARGEST, n - cfg.left_out, DIMS) for g, n in HAND.items()]
    run = partial(exact.accuracy, words=cfg.exact_words, length=cfg.exact_length)
    program = sharding.grid(mesh, run, at_once=1)
    return lambda key: sharding.gather(program(key, loops.stack(made)))


def distances(cfg, mesh: Mesh):
    """keys [seed] -> least distance [seed, cycle]."""
    targets = np.stack([groups.cycle(DIMS, c) for c in CYCLES]).astype(np.float32)
    factors = np.array(CYCLES)[:, None] - 1 - cfg.short
    masks = (np.arange(DIMS - 1) < factors).astype(np.float32)
    descend = partial(exact.distance, starts=cfg.starts, steps=cfg.descent)
    program = sharding.grid(mesh, lambda key, aim: descend(key, *aim))
    return lambda key: sharding.gather(program(key, (targets, masks)))


def cases(cfg) -> learning.Case:
    """Of every group, n_h with its range, and restart: leaves [member, …]."""
    size = max(len(groups.named(name).table) for name in cfg.groups)
    made = [
        learning.case(group, size, steps, max(cfg.n_h), top)
        for group in cfg.groups
        for steps, top in zip(cfg.n_h, cfg.top, strict=False)
        for _ in range(cfg.restarts)
    ]
    return loops.stack(made)


def members(cfg, key):
    """Keys and cases of every seed's members, in a row.  key [seed] -> [member], [member, …]"""
    case = cases(cfg)
    repeated = jax.tree.map(lambda x: np.concatenate([x] * len(cfg.seeds)), case)
    return fan(key, len(case.order)), repeated


@partial(jax.jit, static_argnums=1)
def fan(key, count):
    """So many keys of each.  key [seed] -> [seed x count]"""
    fold = jax.vmap(jax.random.fold_in, (None, 0))
    return jax.vmap(fold, (0, None))(key, np.arange(count)).reshape(-1)


def trainer(cfg, mesh: Mesh) -> tuple[sharding.Placed, sharding.Placed, sharding.Placed]:
    """begin(key) -> state; train(state, first, case) -> (state, loss); test(weights, key, case) ->
    (accuracy, tokens)."""
    size = cases(cfg).table.shape[-1]
    sizes = model.Sizes(size + 1, cfg.width, cfg.heads, cfg.head, max(cfg.n_h), cfg.hidden)
    net = learning.Net(sizes, cfg.chunk)
    tx = learning.optimiser(cfg.lr, cfg.steps, cfg.warm_up, cfg.decay)
    how = {"net": net, "tx": tx, "batch": cfg.batch, "length": cfg.length}
    train = partial(learning.train, count=cfg.steps // cfg.parts, **how)
    test = partial(learning.test, net=net, count=cfg.test_words, length=cfg.test_length)
    return (
        sharding.vmap_over(mesh, partial(net.begin, gain=cfg.gain, tx=tx)),
        sharding.vmap_over(mesh, train, shared=(1,), at_once=cfg.at_once),
        sharding.vmap_over(mesh, test, at_once=cfg.at_once),
    )


def trainings(cfg, mesh: Mesh, scratch, streams) -> dict[str, np.ndarray]:
    """All members together, then their accuracy on longer words and what letters do."""
    begin, train, test = trainer(cfg, mesh)
    key, case = members(cfg, streams["train"])
    state, loss = loops.recorded(
        scratch,
        "training",
        lambda state, first, _: train(state, first, case),
        begin(key),
        cfg.steps // cfg.parts * (1 + np.arange(cfg.parts)),
        log=lambda loss: {"loss": loss.mean()},
    )
    lead = len(cfg.seeds), len(cfg.groups), min(len(cfg.n_h), len(cfg.top)), cfg.restarts

    def judged():
        fresh = members(cfg, streams["test"])[0]
        accuracy, table = sharding.gather(test(state.params, fresh, case))
        found = {"accuracy": accuracy, "key": table.k, "beta": table.beta}
        return {name: x.reshape(*lead, *x.shape[1:]) for name, x in found.items()}

    found = scratch.cached("judged", judged)
    letters = groups.named(cfg.groups[0]).matrices
    own = {n: found[n][:, 0, :, :, : len(letters)] for n in ("key", "beta")}
    return found | own | {"loss": loss.reshape(*lead, -1), "letters": letters}


def programs(cfg, mesh: Mesh) -> list[Program]:
    """Training, and the test on longer words."""
    begin, train, test = trainer(cfg, mesh)
    key = jax.eval_shape(lambda: keys.split(cfg.seeds, STREAMS)["train"])
    key, case = jax.eval_shape(lambda k: members(cfg, k), key)
    state = jax.eval_shape(begin, key)
    return [
        train.program("training", state, 0, case, calls=cfg.parts),
        test.program("longer words", state.params, key, case, calls=1),
    ]
