"""The ensemble over alpha, eps and linearisation; the amount of data; the network itself.

Shapes: seeds lead every array and are split over the data axis of the mesh; A members of an
ensemble, E = D + 1, S records.
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

from . import model, moments

CHUNK = 4  # records between two looks at the clock: at most an eighth of the steps
SWEEP, SIZES, CHECK = range(3)  # names of draws
EVERY = 10  # steps between two comparisons of the network with its moments
SWEPT = ("train", "test", "cka", "align", "terms", "eps_train", "eps_test", "eps_cka", "net_train",
         "net_test", "net_cka", "lin_train", "lin_test", "regression")  # fmt: skip


class Problem(NamedTuple):
    """One seed's data and members."""

    x: jax.Array  # [P, D], over sqrt D
    y: jax.Array  # [P]
    beta: jax.Array  # [D]
    start: jax.Array  # [A, E, E]
    base: jax.Array  # [A, E, E], see moments
    setting: moments.Setting


def run(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """Losses are means of (f - y)^2, over the training set and over the law of x.

    at [S] (steps), alpha [alpha], eps [eps], twin [twin] (the alphas of the twins)
    train, test, align, cka [seed, alpha, S]: at cfg.eps
    terms [seed, alpha, 3, S]: of the test loss: linear power, square of the mean, variance
    eps_train, eps_test, eps_cka [seed, eps, S]: at the base alpha
    net_train, net_test, lin_train, lin_test [seed, twin, S]: centred networks and linearised ones
    net_cka [seed, twin, S]; regression [seed, twin]: test loss of their kernel regression
    size [size] (P), size_at [size, S2], size_train, size_test [size, seed, S2]: at the base alpha
    check [instance, 2, 2, S3]: (network, moments) x (training, other) losses; seeds x check_alphas
    """
    out = {"alpha": np.array(cfg.alphas), "eps": np.array(cfg.epsilons)}
    out |= {"twin": np.array(cfg.twins), "at": grid(cfg.steps, cfg.records)}
    if scratch.wants(*SWEPT):
        out |= named(cfg, scratch.cached("sweep", lambda: sweeps(cfg, mesh, scratch)))
    if scratch.wants("size", "size_at", "size_train", "size_test"):
        out |= scratch.cached("sizes", lambda: sizes(cfg, mesh, scratch))
    if scratch.wants("check"):
        out |= scratch.cached("check", lambda: checked(cfg, mesh))
    return out


def named(cfg, sweep: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The members of the sweep by the names of `run`."""
    ends = np.cumsum([len(cfg.alphas), len(cfg.epsilons), len(cfg.twins)])
    out = {"terms": sweep["terms"][:, : ends[0]], "align": sweep["align"][:, : ends[0]]}
    for name in ("train", "test", "cka"):
        parts = np.split(sweep[name], ends, axis=1)
        out |= dict(zip((name, f"eps_{name}", f"net_{name}", f"lin_{name}"), parts, strict=True))
    del out["lin_cka"]  # its kernel does not move
    return out | {"regression": sweep["regression"]}


def abstract_step(cfg, mesh: Mesh) -> tuple[Callable, tuple]:
    """A chunk of the ensemble's records, and its arguments' shapes."""
    seeds, rows = mesh.shape[sharding.DATA], cfg.width + 1 + cfg.samples
    seeds *= -(-len(cfg.seeds) // seeds)
    drawn = jax.ShapeDtypeStruct((seeds, rows, cfg.dim), jnp.zeros(0).dtype)
    problem = jax.eval_shape(partial(problems, cfg), drawn)
    split = sharding.sharded(mesh, sharding.DATA)
    problem = jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=split), problem
    )
    whole = sharding.sharded(mesh)
    strides = jax.ShapeDtypeStruct((CHUNK,), jnp.arange(1).dtype, sharding=whole)
    return program(mesh, cfg.lr, everything), (problem, problem.start, strides)


def steps(cfg) -> int:
    """How often a whole run calls the function of `abstract_step`: the ensemble's chunks."""
    return -(-min(cfg.records, cfg.steps) // CHUNK)


# --- problems ------------------------------------------------------------------------------------


def grid(steps: int, records: int) -> np.ndarray:
    """Increasing steps that end at the last one, evenly spaced in their logarithm where they can.

    -> [min(records, steps)]
    """
    wanted = np.geomspace(1, steps, min(records, steps)).round().astype(int)
    for i in range(1, len(wanted)):
        wanted[i] = max(wanted[i], wanted[i - 1] + 1)
    return wanted


@partial(jax.jit, static_argnames=("rows", "dim"))
def normals(keys, name, *, rows: int, dim: int):
    """N(0, 1); a program of its own, compiled once for all uses.  -> [seed, rows, D]"""
    return jax.vmap(lambda k: jax.random.normal(jax.random.fold_in(k, name), (rows, dim)))(keys)


def draws(cfg, mesh: Mesh, name: int) -> np.ndarray:
    """The named draw of every seed: rows for weights, then for a direction and examples.

    -> [seed, N + 1 + most, D], padded
    """
    keys = jax.vmap(jax.random.key)(jnp.array(padded(np.array(cfg.seeds), mesh)))
    rows = cfg.width + 1 + max(2 * cfg.samples, *cfg.sizes)
    return sharding.gather(normals(keys, name, rows=rows, dim=cfg.dim))


def padded(x: np.ndarray, mesh: Mesh) -> np.ndarray:
    """The last seed's row repeated until the mesh divides their number.  [seed, ...]"""
    return np.concatenate([x, np.repeat(x[-1:], -len(x) % mesh.shape[sharding.DATA], axis=0)])


def settings(cfg) -> moments.Setting:
    """The ladder of alpha, that of eps at the base alpha, the twins' networks, and the twins."""
    a, e, t = len(cfg.alphas), len(cfg.epsilons), len(cfg.twins)
    alpha = jnp.array((*cfg.alphas, *(cfg.twins[0],) * e, *cfg.twins, *cfg.twins))
    eps = jnp.array((cfg.eps,) * a + tuple(cfg.epsilons) + (cfg.eps,) * (2 * t))
    rich = jnp.array((1.0,) * (a + e + t) + (0.0,) * t)
    return moments.Setting(alpha, eps, rich * (not cfg.frozen))


def problems(cfg, drawn) -> Problem:
    """Data and networks of every seed; all members share both, the twins are centred.

    drawn [seed, rows, D] -> each field [seed, ...]
    """
    setting, plain = settings(cfg), len(cfg.alphas) + len(cfg.epsilons)

    def one(drawn):
        w, rest = drawn[: cfg.width], drawn[cfg.width :]
        x, y, beta = model.task(rest[: 1 + cfg.samples])
        start = moments.of_weights(w, setting.eps)
        base = jnp.concatenate([moments.plain(start[:plain]), start[plain:]])
        return Problem(x, y, beta, start, base, setting)

    return jax.vmap(one)(drawn)


def size_problems(cfg, drawn) -> Problem:
    """As many examples as are ever used, and one member of infinite width."""
    rich = jnp.array([float(not cfg.frozen)])
    setting = moments.Setting(jnp.array(cfg.twins[:1]), jnp.array([cfg.eps]), rich)

    def one(drawn):
        x, y, beta = model.task(drawn[cfg.width :])
        start = moments.infinite_width(cfg.dim, setting.eps)
        return Problem(x, y, beta, start, moments.plain(start), setting)

    return jax.vmap(one)(drawn)


# --- descents ------------------------------------------------------------------------------------


def trajectory(step: Callable, observe: Callable, state, strides):
    """Observe after each of the strides.  strides int [S] -> (state, observed [S, ...])"""

    def record(state, stride):
        state = jax.lax.fori_loop(0, stride, lambda _, s: step(s), state)
        return state, observe(state)

    return jax.lax.scan(record, state, strides)


def losses(u, problem: Problem) -> dict[str, jax.Array]:
    """Training loss, test loss and its terms for every member.  each [A, ...]"""
    x, y, beta, _, base, setting = problem
    terms = moments.population_terms(u, base, beta, setting)
    errors = moments.outputs(u, base, x, setting) - y
    return {"train": jnp.mean(errors**2, axis=1), "test": terms.sum(1), "terms": terms}


def everything(u, problem: Problem) -> dict[str, jax.Array]:
    """The losses, and the alignment of the features and of the kernel.  each [A, ...]"""
    feature = moments.features(u, problem.start, problem.setting)
    return losses(u, problem) | {
        "align": moments.alignment(feature, problem.beta),
        "cka": moments.cka(moments.kernel(feature, problem.x, problem.x), problem.y),
    }


def program(mesh: Mesh, lr: float, observe: Callable) -> Callable:
    """Jitted (problem, u [seed, A, E, E], strides [S]) -> (u, observed [seed, S, ...])"""

    def one(problem, u, strides):
        x, y, _, start, base, setting = problem
        data = {"x": x, "y": y, "start": start, "base": base}
        step = partial(moments.step, **data, setting=setting, lr=lr)
        return trajectory(step, partial(observe, problem=problem), u, strides)

    split = P(sharding.DATA)
    every = jax.vmap(one, in_axes=(0, 0, None))
    specs = {"in_specs": (split, split, P()), "out_specs": split}
    return jax.jit(jax.shard_map(every, mesh=mesh, check_vma=False, **specs))


def strides(at: np.ndarray, multiple: int) -> np.ndarray:
    """Steps before each record, then zeros: as many as make their number a multiple."""
    return np.pad(np.diff(at, prepend=0), (0, -len(at) % multiple))


def last_axis(history, records: int):
    """[seed, S, ...] -> [seed, ..., S], without padding of records"""
    return jax.tree.map(lambda h: np.moveaxis(h[:, :records], 1, -1), history)


def fetched(tree, cfg):
    """On the host, without padding of seeds: what does not depend on the devices."""
    return jax.tree.map(lambda x: x[: len(cfg.seeds)], sharding.gather(tree))


def sweeps(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """The ensemble, chunk after chunk with checkpoints.  each [seed, A, ..., S]

    and regression [seed, twin], with the initial kernels of the twins
    """
    problem = jax.jit(partial(problems, cfg))(draws(cfg, mesh, SWEEP))
    regression = jax.jit(jax.vmap(partial(regressed, count=len(cfg.twins))))(problem)
    advance, at = program(mesh, cfg.lr, everything), grid(cfg.steps, cfg.records)
    every = strides(at, CHUNK)
    shapes = jax.eval_shape(advance, problem, problem.start, jnp.asarray(every))[1]
    seeds = len(cfg.seeds)
    history = jax.tree.map(lambda s: np.zeros((seeds, *s.shape[1:]), s.dtype), shapes)
    carry = {"u": fetched(problem.start, cfg), "history": history}
    with scratch.checkpoints("sweep") as saved, scratch.progress(cfg.steps, "sweep") as bar:
        carry, done = saved.restore(carry)
        while done < len(every):
            part = slice(done, done + CHUNK)
            u = jnp.asarray(padded(carry["u"], mesh))
            u, seen = fetched(advance(problem, u, jnp.asarray(every[part])), cfg)
            history = jax.tree.map(np.copy, carry["history"])  # the old one may still be written
            for whole, new in zip(*map(jax.tree.leaves, (history, seen)), strict=True):
                whole[:, part] = new
            carry, done = {"u": u, "history": history}, part.stop
            saved.save(done, carry, force=done == len(every))
            bar.update(int(every[:done].sum()))
    return last_axis(carry["history"], len(at)) | {"regression": fetched(regression, cfg)}


def regressed(problem: Problem, count: int):
    """Test loss of regression with the initial kernels of the last members.  -> [count]"""
    x, y, beta, *last = problem
    start, base, setting = jax.tree.map(lambda v: v[-count:], tuple(last))
    u = moments.regression(start, base, x, y, setting)
    return moments.population_terms(u, base, beta, setting).sum(1)


def sizes(cfg, mesh: Mesh, scratch) -> dict[str, np.ndarray]:
    """One member of infinite width for every amount of data.  -> as in `run`"""
    advance, records = program(mesh, cfg.lr, losses), min(cfg.records, *cfg.size_steps)
    at = np.stack([grid(steps, records) for steps in cfg.size_steps])
    drawn, seen = draws(cfg, mesh, SIZES), []
    every = sharding.gather(jax.jit(partial(size_problems, cfg))(drawn))
    with scratch.progress(len(cfg.sizes), "amount of data") as bar:
        for i, samples in enumerate(cfg.sizes):
            problem = every._replace(x=every.x[:, :samples], y=every.y[:, :samples])
            history = advance(problem, problem.start, jnp.asarray(strides(at[i], 1)))[1]
            seen.append(last_axis(fetched(history, cfg), records))
            scratch.check_stop()
            bar.update(i + 1)
    curves = {f"size_{k}": np.stack([s[k][:, 0] for s in seen]) for k in ("train", "test")}
    return {"size": np.array(cfg.sizes), "size_at": at} | curves


def checked(cfg, mesh: Mesh) -> dict[str, np.ndarray]:
    """Descent by automatic differentiation, and by moments, from the same weights.

    -> check [seed alpha, 2, 2, S3]
    """
    every = jnp.full(cfg.check_steps // EVERY, EVERY)
    alpha = jnp.array(cfg.check_alphas)
    same = moments.Setting(alpha, jnp.full_like(alpha, cfg.eps), jnp.ones_like(alpha))

    def one(drawn):
        w, rest = drawn[: cfg.width], drawn[cfg.width :]
        x, y, _ = model.task(rest[: 1 + 2 * cfg.samples])
        pairs = tuple(zip(jnp.split(x, 2), jnp.split(y, 2), strict=True))  # seen, unseen
        (x, y), _ = pairs

        def network(alpha):
            how = {"alpha": alpha, "eps": cfg.eps}
            step = partial(model.step, x=x, y=y, lr=cfg.lr, **how)

            def both(w):
                return jnp.stack([model.loss(w, *pair, **how) for pair in pairs])

            return trajectory(step, both, w, every)[1]  # [S3, 2]

        start = moments.of_weights(w, same.eps)
        if cfg.check_infinite:
            start = moments.infinite_width(cfg.dim, same.eps)
        base = moments.plain(start)
        step = partial(moments.step, start=start, base=base, x=x, y=y, setting=same, lr=cfg.lr)

        def both(u):
            errors = [(moments.outputs(u, base, x, same) - y) ** 2 for x, y in pairs]
            return jnp.stack([e.mean(1) for e in errors], axis=1)

        by_moments = trajectory(step, both, start, every)[1]  # [S3, alpha, 2]
        return jnp.stack([jax.vmap(network)(alpha).mT, by_moments.transpose(1, 2, 0)], axis=1)

    drawn = draws(cfg, mesh, CHECK)[: len(cfg.seeds)]
    check = sharding.gather(sharding.vmap_over(mesh, one)(drawn))
    return {"check": check.reshape(-1, *check.shape[2:])}
