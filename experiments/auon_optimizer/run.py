"""The audit of single matrices, then all (method, rate) members of a seed in one program.

Shapes: S seeds, A arms, L rates, R records, M = A L members.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import keys, loops, sharding
from common.data import DataError
from common.nn import training
from common.programs import Program

from . import audit, measure, methods, tasks

WEIGHTS = 2  # folded into the key of a seed, for its training
COUNTS = 6_000, 2_000  # images of mnist_small, for training and for tests
TOKENS = 100_000_000  # of a text, for plans


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Of single matrices, in float64:

    side [A]; law [A]: gamma^2 / 2N; excess [seed, A]: R - 1
    scale [scale]; ball [seed, update, matrix, scale]: spectral norm of the update; matrix: of
        every shape one Gaussian and one of rank one
    spectra [seed, update, value]; conditions [seed, update, shape]: singular values at the first
        shape, condition numbers at all; update: none and those of measure.UPDATES
    counted [side]; operations [seed, 2, side]: of AuON and of Muon

    Of trainings; a loss above that of guessing counts as that:

    rates [arm, rate]; at [record] (steps)
    valid, test [seed, arm, rate, record]: losses in nats
    chosen [seed, arm]: place of the rate with the lowest last validation loss
    at_edge [seed, arm]: 1 where that is the first or last of the grid
    """
    out = {"side": np.array(cfg.sides), "scale": np.array(cfg.scales)}
    out |= {"law": cfg.gamma**2 / (2 * out["side"] ** 2.0), "counted": np.array(cfg.counted)}
    if scratch.wants("excess", "ball", "spectra", "conditions"):
        out |= scratch.cached("audit", partial(audited, cfg, mesh))
    if scratch.wants("operations"):
        out |= scratch.cached("operations", partial(counted, cfg))
    if scratch.wants("valid", "test", "chosen", "at_edge"):
        out |= trained(cfg, mesh, scratch)
    return out


def programs(cfg, mesh: Mesh) -> list[Program]:
    """The training of a seed's members, a few records a call."""
    settings = members(cfg)
    state = jax.eval_shape(begin(cfg, mesh), np.zeros(len(settings[0]), np.uint32))
    calls = len(cfg.seeds) * -(-cfg.records // cfg.chunk)
    given = state, 0, np.zeros(cfg.chunk, int), *settings, shapes(cfg)
    trips = cfg.steps / cfg.records
    return [trainer(cfg, mesh).program("training", *given, calls=calls, trips=trips)]


def audited(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """Everything of single matrices; singular values by NumPy, the same on all hardware."""
    wanted = dict(enumerate([*((n, n) for n in cfg.sides), *cfg.shapes]))
    drawn = list(keys.draws(keys.split(cfg.seeds, list(wanted)), wanted).values())
    squares, momenta = drawn[: len(cfg.sides)], drawn[len(cfg.sides) :]
    if cfg.momentum == "one_hot":
        squares = [np.broadcast_to(audit.one_hot(g[0]), g.shape) for g in squares]
    names = "sgd", *(cfg.arms[measure.METHODS.index(name)] for name in measure.UPDATES)
    momenta = [audit.momenta(g, cfg.kappa, cfg.scales) for g in momenta]

    def all_of(squares, momenta):
        each = jax.vmap(partial(audit.updates, names=names, gamma=cfg.gamma, steps=cfg.ns_steps))
        return audit.excesses(squares, cfg.gamma), [each(g) for g in momenta]

    excess, updates = sharding.gather(sharding.vmap_over(mesh, all_of)(squares, momenta))
    values = [np.linalg.svd(u, compute_uv=False) for u in updates]  # [S, G, update, K]
    norms = np.stack([v[:, 1:, :, 0] for v in values], axis=1).swapaxes(1, 3)
    ill = [v[:, 0] for v in values]
    return {
        "excess": excess,
        "ball": norms.swapaxes(2, 3).reshape(*norms.shape[:2], -1, len(cfg.scales)),
        "spectra": ill[0],
        "conditions": np.stack([v[..., 0] / v[..., -1] for v in ill], axis=-1),
    }


def counted(cfg) -> dict[str, np.ndarray]:
    """Operations, the same for all seeds."""
    names = [cfg.arms[measure.METHODS.index(name)] for name in ("auon", "muon")]
    each = [audit.operations(n, cfg.counted, cfg.gamma, cfg.ns_steps) for n in names]
    return {"operations": np.repeat(np.array(each)[None], len(cfg.seeds), axis=0)}


def trained(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """A seed's members side by side or in turn, one seed after the other."""
    data, settings = loaded(cfg, scratch), members(cfg)
    start, train = begin(cfg, mesh), trainer(cfg, mesh)
    at = np.linspace(0, cfg.steps, cfg.records + 1).astype(int)[1:]

    def one(seed):
        def advance(state, first, strides):
            return train(state, first, strides, *settings, data)

        state = start(np.full(len(settings[0]), seed, np.uint32))
        seen = loops.recorded(scratch, f"seed-{seed}", advance, state, at, chunk=cfg.chunk)[1]
        return dict(zip(("valid", "test"), seen, strict=True))

    cells = {f"seed-{seed}": partial(one, seed) for seed in cfg.seeds}
    found = loops.stack(scratch.cells(cells, "seed"))
    sizes = len(cfg.seeds), len(cfg.arms), len(cfg.factors), cfg.records
    out = {name: x.reshape(sizes) for name, x in found.items()}
    chosen = out["valid"][..., -1].argmin(-1)
    out |= {"chosen": chosen, "at_edge": np.isin(chosen, (0, len(cfg.factors) - 1)).astype(int)}
    return out | {"rates": settings[1].reshape(sizes[1:3]), "at": at}


def members(cfg) -> tuple[np.ndarray, np.ndarray]:
    """The arm (its place) and the rate of every member.  -> int32 [M], float32 [M]"""
    centres = np.array([cfg.centres[measure.METHODS.index(name)] for name in cfg.arms])
    rates = centres[:, None] * np.array(cfg.factors)
    arms = np.repeat(np.arange(len(cfg.arms)), len(cfg.factors))
    return arms.astype(np.int32), rates.ravel().astype(np.float32)


def optimiser(cfg, arm, rate, i):
    """The transformation of step i."""
    factor = methods.schedule(i, steps=cfg.steps, constant=cfg.constant, end=cfg.end)
    names = ("arms", "gamma", "ns_steps", "nesterov", "betas", "eps", "adam_rate", "decay")
    return methods.optimiser(arm, rate, factor, **{name: cfg[name] for name in names})


def begin(cfg, mesh: Mesh) -> sharding.Placed:
    """Of every member: seed -> state, the same for all of a seed."""
    task, tx = chosen_task(cfg), optimiser(cfg, 0, 0.0, 0)

    def started(seed):
        return training.begin(jax.random.fold_in(jax.random.key(seed), WEIGHTS), task.init, tx)

    return sharding.vmap_over(mesh, started)


def trainer(cfg, mesh: Mesh) -> sharding.Placed:
    """Of every member: state, first step, strides, arm, rate, data -> state, losses 2 x [R]"""
    task = chosen_task(cfg)

    def train(state, first, strides, arm, rate, data):
        def step(carry):
            state, i = carry
            batch = task.draw(data.train, training.key_of(state, i))
            grads = jax.grad(lambda w: task.losses(w, batch).mean())(state.params)
            return training.updated(state, grads, optimiser(cfg, arm, rate, i)), i + 1

        def observe(carry):
            return tuple(tasks.evaluated(task, carry[0].params, x) for x in data[1:])

        carry = state, jnp.asarray(first, jnp.int32)
        (state, _), seen = loops.trajectory(step, observe, carry, strides)
        return state, seen

    # in turn: a method is then a branch, not computed for all
    return sharding.vmap_over(mesh, train, shared=(1, 2, 5), at_once=1)


def chosen_task(cfg) -> tasks.Task:
    if cfg.task == "images":
        return tasks.images(cfg.pool, cfg.hidden, cfg.batch)
    return tasks.text(
        cfg.vocab, cfg.width, cfg.layers, cfg.heads, cfg.context, cfg.batch, cfg.dtype
    )


def loaded(cfg, scratch) -> tasks.Data:
    if cfg.task == "images":
        d = scratch.data(cfg.dataset)
        return tasks.pooled(d.x_train, d.y_train, cfg.pool, cfg.held, d.x_test, d.y_test)
    if cfg.dataset == "fineweb_edu":
        raise DataError(
            "FineWeb-Edu is not bundled: the paper preset needs its tokens in run.loaded;"
            " dataset=tiny_shakespeare trains the same model on bytes"
        )
    return tasks.cut(scratch.data(cfg.dataset).text, cfg.held, cfg.context)


def shapes(cfg) -> tasks.Data:
    """What `loaded` gives, without having it."""
    if cfg.task == "images":
        pixels = (tasks.SIDE,) * 2
        (x, y), (x_test, y_test) = (
            (np.zeros((n, *pixels), np.uint8), np.zeros(n, np.uint8)) for n in COUNTS
        )
        data = tasks.pooled(x, y, cfg.pool, cfg.held, x_test, y_test)
    else:
        data = tasks.cut(np.zeros(TOKENS, np.int32), cfg.held, cfg.context)
    return jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, a.dtype), data)
