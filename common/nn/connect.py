"""Whether two networks are joined by a straight line of low loss, up to the order of their units.

A hidden layer's units may be put in any order: the function stays (`permuted`). `weight_matching`
finds the order that brings the weights nearest (Ainsworth, Hayase & Srinivasa 2023, algorithm 1):
max over permutations of <a, pi(b)>, by coordinate ascent, each layer a linear assignment that is
solved exactly (SciPy, on the host). `activation_matching` pairs units by what they say.

A spec says which axis of a parameter is whose units: a tree as the parameters, for each array a
tuple of a name or None for every axis; `perceptron` writes that of `layers`.

Shapes: T points of the segment, n units, N examples.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import linear_sum_assignment

from common import shapes
from common.reals import at_least, real_arrays, reals

Array = jax.Array
Spec = Any  # the parameters' tree with tuples of names in place of arrays
Orders = dict[str, np.ndarray]  # name -> order [n]: unit i of the result is unit order[i]


def segment(fn: Callable, a: Any, b: Any, ts: Array) -> Any:
    """fn((1 - t) a + t b) at every t.  ts [T] -> what fn returns, with a first axis T"""
    shapes.check("ts", ts, "T")
    _same_tree(a, b)
    ts = jnp.asarray(reals("ts", ts))

    def at(t):
        return fn(jax.tree.map(lambda x, y: ((1 - t) * x + t * y).astype(x.dtype), a, b))

    return jax.lax.map(at, ts)


def barrier(losses, ts) -> Array:
    """max over t of L(t) - (1 - t) L(0) - t L(1): the height above the chord, 0 at least.

    losses [..., T], ts [T] from 0 to 1 -> [...]
    Errors: ValueError where known ts do not begin at 0 and end at 1.
    """
    sizes = shapes.check("losses", losses, "... T")
    shapes.check("ts", ts, "T", {"T": sizes["T"]})
    at_least(2, **{"number of ts": sizes["T"]})
    losses, ts = real_arrays(losses=losses, ts=ts)
    if not isinstance(ts, jax.core.Tracer) and (float(ts[0]), float(ts[-1])) != (0.0, 1.0):
        raise ValueError("ts must begin at 0 and end at 1")
    chord = (1 - ts) * losses[..., :1] + ts * losses[..., -1:]
    return jnp.max(losses - chord, axis=-1)


def perceptron(sizes: Sequence[int]) -> Spec:
    """The spec of `layers.init(key, sizes)`: hidden layers "1", "2", ..."""
    at_least(2, **{"number of sizes": len(sizes)})
    names = [None, *map(str, range(1, len(sizes) - 1)), None]
    return [((n, m), (m,)) for n, m in pairwise(names)]


def permuted(params: Any, spec: Spec, orders: Orders) -> Any:
    """The same function with its units in these orders.

    Errors: ValueError for an order that is none, or whose size is not the axis's.
    """
    leaves, names, tree = _paired(params, spec)
    _sizes(leaves, names, orders)
    pairs = zip(leaves, names, strict=True)
    return tree.unflatten([_ordered(x, axes, orders) for x, axes in pairs])


class Matching(NamedTuple):
    orders: Orders
    overlap: float  # <a, pi(b)> over all parameters
    sweeps: int  # the last of which gained nothing, unless there were `most`


def weight_matching(
    a: Any, b: Any, spec: Spec, *, seed: int = 0, start: Orders | None = None, most: int = 100
) -> Matching:
    """Orders of b's units that bring it nearest to a: |a - pi(b)|^2 has a local minimum there.

    Layers in random order, until none gains; `start`: orders to begin with (the identity).
    On the host, in float64.  Errors: ValueError for trees that differ, or a name that stands on
    two axes of one array.
    """
    at_least(1, most=most)
    at_least(0, seed=seed)
    _same_tree(a, b)
    left, names, _ = _paired(a, spec)
    right = _paired(b, spec)[0]
    left, right = ([np.asarray(x, float) for x in side] for side in (left, right))
    sizes = _sizes(left, names, start or {})
    orders = {name: np.arange(size) for name, size in sizes.items()} | (start or {})
    rng, layers = np.random.default_rng(seed), sorted(sizes)
    scale = max((float(np.abs(x).max(initial=0)) for x in left + right), default=0.0) ** 2
    gained, sweeps = True, 0
    while gained and sweeps < most:
        gained, sweeps = False, sweeps + 1
        for layer in rng.permutation(layers):
            score = _scores(left, right, names, orders, layer)
            new = linear_sum_assignment(score, maximize=True)[1]
            units = np.arange(len(new))
            gain = score[units, new].sum() - score[units, orders[layer]].sum()
            if gain > 1e-12 * scale * score.size:
                orders[layer], gained = new, True
    return Matching(orders, _overlap(left, right, names, orders), sweeps)


def activation_matching(a: Sequence, b: Sequence) -> list[np.ndarray]:
    """Orders of b's units by the largest sum of correlations with a's, a layer at a time.

    a, b: activations [N, n] of every layer -> [order [n], ...]; a unit that never changes
    correlates with none.
    """
    found = []
    for x, y in zip(a, b, strict=True):
        sizes = shapes.check("a", x, "N n")
        shapes.check("b", y, "N n", sizes)
        at_least(1, **{"number of examples of a": sizes["N"]})
        x, y = (_unit(np.asarray(reals(n, v), float)) for n, v in (("a", x), ("b", y)))
        found.append(linear_sum_assignment(x.T @ y, maximize=True)[1])
    return found


def _unit(x: np.ndarray) -> np.ndarray:
    x = x - x.mean(0)
    length = np.linalg.norm(x, axis=0)
    return x / np.where(length > 0, length, 1)


def _scores(left, right, names, orders, layer) -> np.ndarray:
    """<a's unit i, b's unit j> of a layer, the other layers in their orders.  -> [n, n]"""
    others = {name: order for name, order in orders.items() if name != layer}
    total = 0.0
    for x, y, axes in zip(left, right, names, strict=True):
        if layer in axes:
            at = axes.index(layer)
            x, y = (np.moveaxis(v, at, 0) for v in (x, _ordered(y, axes, others)))
            total = total + x.reshape(len(x), -1) @ y.reshape(len(y), -1).T
    return np.asarray(total)


def _overlap(left, right, names, orders) -> float:
    return float(sum((x * _ordered(y, axes, orders)).sum()
                     for x, y, axes in zip(left, right, names, strict=True)))  # fmt: skip


def _ordered(x, axes, orders):
    for axis, name in enumerate(axes):
        if name in orders:
            x = x.take(orders[name], axis)
    return x


def _paired(params: Any, spec: Spec) -> tuple[list, list[Any], Any]:
    """Leaves, their axes' names, the tree."""
    leaves: list
    tree: Any
    leaves, tree = jax.tree.flatten(params)
    try:
        names = tree.flatten_up_to(spec)
    except (ValueError, TypeError) as error:
        raise ValueError(f"spec must have the tree of the parameters: {error}") from None
    for x, axes in zip(leaves, names, strict=True):
        if not isinstance(axes, tuple) or len(axes) != np.ndim(x):
            raise ValueError(f"spec must name each axis of {list(np.shape(x))}, not {axes!r}")
        known = [name for name in axes if name is not None]
        if len(known) != len({*known}):
            raise ValueError(f"spec has a name on two axes of one array: {axes}")
    return leaves, names, tree


def _sizes(leaves, names, orders: Orders) -> dict[str, int]:
    """Units of every name.  Errors: ValueError where axes of a name differ, or an order is none."""
    sizes: dict[str, int] = {}
    for x, axes in zip(leaves, names, strict=True):
        for name, size in zip(axes, np.shape(x), strict=True):
            if name is not None and sizes.setdefault(name, size) != size:
                raise ValueError(f"spec names axes of {sizes[name]} and {size} units {name!r}")
    for name, order in orders.items():
        if name not in sizes:
            raise ValueError(f"orders has {name!r}, the spec {sorted(sizes)}")
        if not np.array_equal(np.sort(order), np.arange(sizes[name])):
            raise ValueError(f"orders of {name!r} must hold each of {sizes[name]} units once")
    return sizes


def _same_tree(a: Any, b: Any) -> None:
    one, other = map(str, (jax.tree.structure(a), jax.tree.structure(b)))
    if one != other:
        raise ValueError("b must have the tree of a")
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        shapes.like("b", y, "a", x)
