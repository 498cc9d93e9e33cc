"""Stable predictors of subsets as masked networks, and the adversary J that each meets.

Shapes: E environments, half of them of training, R rows of all of these, I inputs. A table is
name -> [R].
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from common.nn import layers

from . import scm
from .scm import INPUTS, NAMES, Table

OFFICIAL, CORRECT, POOLED = range(3)  # what a predictor is trained on
OFFICIAL_TURNED = ("M1", "M2", "X3", "X4", "X5")


class Way(NamedTuple):
    """What the adversary acts on, in the units that mechanisms have."""

    table: Table  # as observed
    noise: Table  # added to what is regenerated
    mean: Table  # of [], to standardise columns for networks
    std: Table


class Data(NamedTuple):
    """Of one seed; standardised but for Way."""

    stable: Array  # [3, R, I] inputs: under do(M) in both ways, and as observed
    y: Array  # [R]
    ways: Way  # leaves [2, ...]: official, correct
    tests: Array  # [2, E / 2, rows, I]: by their own mean and variance, by those of training
    answers: Array  # [2, E / 2, rows]: Y


class Member(NamedTuple):
    source: Array  # OFFICIAL, CORRECT or POOLED
    mask: Array  # [I]


class Start(NamedTuple):
    data: Data
    predictor: list  # leaves [member, ...]
    J: tuple[list, list]  # leaves [restart, ...]


class Rules(NamedTuple):
    """Of Adam."""

    lr: float
    steps: int


def members(chosen: np.ndarray) -> Member:
    """Every subset under do(M) in both ways, and one of all inputs on observed data.  [N, 8]"""
    mask = np.concatenate([chosen, np.ones((len(chosen), len(scm.MUTABLE)), bool)], axis=1)
    mask = np.concatenate([mask, mask, np.ones((1, mask.shape[1]), bool)]).astype(np.float32)
    source = np.repeat([OFFICIAL, CORRECT, POOLED], [len(chosen), len(chosen), 1])
    return Member(source, mask)


def uniform(environments: int, rows: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the uniform numbers of a data set."""
    return {"order": (environments,), "turns": (len(NAMES), environments // 2 * rows)}


def normal(environments: int, rows: int) -> dict[str, tuple[int, ...]]:
    """Shapes of its normal numbers."""
    V, R = len(NAMES), environments // 2 * rows
    return {"own": (V, 2 * R), "anew": (V, R), "again": (V, R)}


def networks(hidden: int) -> dict[str, tuple[int, ...]]:
    """Sizes of a predictor, of M1 = J1(Y) and of M2 = J2(X4, X6, X11)."""
    return {"predictor": (len(INPUTS), hidden, 1), "J1": (1, 2, 1), "J2": (3, 3, 1)}


def weights(sizes: Sequence[int]) -> int:
    """How many a network has."""
    return sum(n * m for n, m in pairwise(sizes))


def network(z: np.ndarray, sizes: Sequence[int]) -> list:
    """Weights N(0, 1 / fan-in) out of normal numbers, biases 0.  z [..., weights(sizes)]"""
    parts = np.split(z, np.cumsum([n * m for n, m in pairwise(sizes)])[:-1], axis=-1)
    lead = z.shape[:-1]
    return [
        (w.reshape(*lead, n, m) / np.float32(n) ** 0.5, np.zeros((*lead, m), np.float32))
        for w, (n, m) in zip(parts, pairwise(sizes), strict=True)
    ]


def begun(draw: dict[str, np.ndarray], alpha: np.ndarray, rows: int, sizes) -> Start:
    """A data set and first weights.  draw: of `uniform`, `normal`, and of `weights` for networks"""
    nets = {name: network(draw[name], sizes[name]) for name in sizes}
    return Start(drawn(draw, alpha, rows), nets["predictor"], (nets["J1"], nets["J2"]))


def drawn(draw: dict[str, np.ndarray], alpha: np.ndarray, rows: int) -> Data:
    """A data set, a random half of its environments for training.

    alpha [E], draw: random numbers of the shapes of `uniform` and `normal`
    """
    R, scaled = len(alpha) // 2 * rows, {k: scm.NOISE * draw[k] for k in ("own", "anew", "again")}
    alpha = np.repeat(alpha[draw["order"].argsort()], rows)
    every = np.stack(list(scm.sampled(scaled["own"], alpha).values()))
    mean, std = every[:, :R].mean(axis=1, keepdims=True), every[:, :R].std(axis=1, keepdims=True)
    flat, raw = (every[:, :R] - mean) / std, every[:, :R]
    orders, none = draw["turns"].argsort(axis=1), named(0 * raw)

    def turned(columns, names):
        other = named(np.take_along_axis(columns, orders, axis=1))
        return named(columns) | {name: other[name] for name in names}

    official = scm.regenerated(turned(flat, OFFICIAL_TURNED), none, ("X2",))
    correct = scm.regenerated(turned(raw, scm.MUTABLE), named(scaled["anew"]))
    units = named(mean), named(std)
    ways = (
        Way(named(flat), none, named(0 * mean), named(0 * std + 1)),
        Way(named(raw), named(scaled["again"]), *units),
    )
    late = every[:, R:].reshape(len(every), -1, rows)
    alone = late - late.mean(axis=2, keepdims=True)
    alone = named(alone / late.std(axis=2, keepdims=True))
    shared = named((late - mean[..., None]) / std[..., None])
    correct = {name: (correct[name] - units[0][name]) / units[1][name] for name in NAMES}
    data = Data(
        np.stack([inputs(t) for t in (official, correct, named(flat))]),
        flat[NAMES.index("Y")],
        jax.tree.map(lambda *leaves: np.stack(leaves), *ways),
        np.stack([inputs(t) for t in (alone, shared)]),
        np.stack([alone["Y"], shared["Y"]]),
    )
    return jax.tree.map(lambda a: a.astype(np.float32), data)


def named(columns: Array) -> Table:
    """[V, ...] -> name -> [...]"""
    return dict(zip(NAMES, columns, strict=True))


def inputs(table: Table) -> Array:
    """-> [..., I]"""
    xp = table["M1"].__array_namespace__()
    return xp.stack([table[name] for name in INPUTS], axis=-1)


def error(params, x: Array, y: Array, mask: Array) -> Array:
    """Mean square of y less the network of the inputs of a mask.  x [R, I], y [R]"""
    told = layers.apply(params, x * mask, activation=jax.nn.sigmoid)
    return jnp.mean((y - told[:, 0]) ** 2)


def fitted(params, member: Member, data: Data, rules: Rules):
    """The predictor of a subset, by Adam on all rows from these parameters on."""
    tx, x, y = optax.flatten(optax.adam(rules.lr)), data.stable[member.source], data.y

    def step(state, _):
        params, opt = state
        updates, opt = tx.update(jax.grad(error)(params, x, y, member.mask), opt)
        return (optax.apply_updates(params, updates), opt), None

    return jax.lax.scan(step, (params, tx.init(params)), length=rules.steps)[0][0]


def intervened(J, way: Way) -> Table:
    """M1 = J1(Y), M2 = J2(X4, X6, X11), and all that hangs on them anew."""

    def told(net, name, table, causes):
        x = jnp.stack([(table[c] - way.mean[c]) / way.std[c] for c in causes], axis=1)
        y = layers.apply(net, x, activation=jax.nn.sigmoid)[:, 0]
        return table | {name: way.mean[name] + way.std[name] * y}

    table = scm.regenerated(told(J[0], "M1", way.table, ("Y",)), way.noise)
    return told(J[1], "M2", table, ("X4", "X6", "X11"))


def attacked(J, params, member: Member, data: Data, rules: Rules, penalty: float):
    """Ascent of a predictor's error in J, from a start.  -> error before every step [steps]"""
    way = jax.tree.map(lambda a: a[jnp.minimum(member.source, CORRECT)], data.ways)
    mean, std = inputs(way.mean), inputs(way.std)
    tx = optax.flatten(optax.adam(rules.lr))

    def objective(J):
        x = (inputs(intervened(J, way)) - mean) / std
        value = error(params, x, data.y, member.mask)
        size = sum(jnp.linalg.norm(w) for net in J for w, _ in net)
        return penalty * size - value, value

    def step(state, _):
        J, opt = state
        grads, value = jax.grad(objective, has_aux=True)(J)
        updates, opt = tx.update(grads, opt)
        return (optax.apply_updates(J, updates), opt), value

    return jax.lax.scan(step, (J, tx.init(J)), length=rules.steps)[1]


def thinned(data: Data, every: int) -> Data:
    """One of so many rows, for the adversary."""
    table, noise = (jax.tree.map(lambda a: a[:, ::every], t) for t in data.ways[:2])
    return data._replace(ways=data.ways._replace(table=table, noise=noise), y=data.y[::every])


def tested(params, member: Member, data: Data) -> Array:
    """Error in every test environment, in both units.  -> [2, E / 2]"""
    each = jax.vmap(jax.vmap(lambda x, y: error(params, x, y, member.mask)))
    return each(data.tests, data.answers)
