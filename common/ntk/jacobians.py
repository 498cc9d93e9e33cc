"""Jacobians of examples, those of dense layers as two factors, and their products.

Shapes: n, n' examples, O outputs, K inputs and M outputs of a dense layer.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import unit

from . import structure

Tree = Any
_dot = partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)


class Factors(NamedTuple):
    """Jacobians of n examples: `inputs` [n, K] and `signals` [n, O, M] of each dense layer, whose
    Jacobian is their outer product, and `rest` [n, O, .] of every other parameter."""

    inputs: list[jax.Array]
    signals: list[jax.Array]
    rest: list[jax.Array]


def jacobians(apply: Callable, params: Tree, x: jax.Array, *, dense: bool = True) -> Factors:
    """Per-example Jacobians of apply at x [n, …]; dense=False forms those of dense layers too."""
    shapes.check("x", x, "n ...")
    params = real_parameters(params)
    if not len(x):
        raise ValueError("x has no examples")
    real_outputs(jax.eval_shape(apply, params, x[:1]))
    leaves, tree = jax.tree.flatten(params)
    layers = structure.dense_layers(apply, params, x[:1]) if dense else []
    loose = {i: leaves[i] for i in range(len(leaves)) if i not in {d.leaf for d in layers}}

    def one(example):
        def outputs(taps, loose):
            all_leaves = [loose.get(i, leaf) for i, leaf in enumerate(leaves)]
            if not taps:
                return apply(jax.tree.unflatten(tree, all_leaves), example[None]).ravel(), []
            out, uses = structure.tapped(apply, tree, all_leaves, example[None], taps)
            return out.ravel(), [uses[d.leaf][0][0].ravel() for d in layers]

        taps = {d.leaf: jnp.zeros(d.product, leaves[d.leaf].dtype) for d in layers}
        (signals, rest), inputs = jax.jacrev(outputs, (0, 1), has_aux=True)(taps, loose)
        flat = lambda tree: [a.reshape(len(a), -1) for a in tree.values()]  # noqa: E731
        return Factors(*_balanced(inputs, flat(signals)), flat(rest))

    return jax.vmap(one)(x)


def real_outputs(outputs: Any) -> None:
    """Errors: ValueError where there are none or no reals, by their shape."""
    if not outputs.size or not jnp.issubdtype(outputs.dtype, jnp.floating):
        raise ValueError(f"apply(params, x) must be real outputs, not {outputs}")


def real_parameters(params: Tree) -> Tree:
    """The params as arrays, or as shapes.  Errors: ValueError where there are none or no reals."""
    params = jax.tree.map(_array, params)
    if not sum(a.size for a in jax.tree.leaves(params)):
        raise ValueError("params has no numbers: the kernel sums over them")
    for kind in {a.dtype for a in jax.tree.leaves(params)}:
        if not jnp.issubdtype(kind, jnp.floating):
            raise ValueError(
                f"params must be real numbers, not {kind}; let apply close over others"
            )
    return params


def _array(a):
    return a if isinstance(a, jax.ShapeDtypeStruct) else jnp.asarray(a)


def _parts(a) -> tuple:
    """(real, imaginary) or (itself,)"""
    if not jnp.issubdtype(a.dtype, jnp.complexfloating):
        return (a,)
    known = not isinstance(a, jax.ShapeDtypeStruct)
    return tuple(f(a) if known else jax.eval_shape(f, a) for f in (jnp.real, jnp.imag))


def real_model(apply: Callable, params: Tree) -> tuple[Callable, Tree]:
    """A model of real parameters: the real and the imaginary part of complex ones are two."""
    leaves, tree = jax.tree.flatten(jax.tree.map(_array, params))
    parts = {i: _parts(a) for i, a in enumerate(leaves) if a.size}
    if sum(map(len, parts.values())) == len(leaves) == len(parts):
        return apply, real_parameters(params)

    def joined(parts, x):
        whole = {i: jax.lax.complex(*p) if len(p) == 2 else p[0] for i, p in parts.items()}
        return apply(jax.tree.unflatten(tree, [whole.get(i, a) for i, a in enumerate(leaves)]), x)

    return joined, real_parameters(parts)


def _balanced(inputs: list, signals: list) -> tuple[list, list]:
    """Inputs of ordinary size and signals that make up for it: squares of either exist."""
    units = [unit(jax.lax.stop_gradient(a)) for a in inputs]
    return (
        [a / u for a, u in zip(inputs, units, strict=True)],
        [s * u for s, u in zip(signals, units, strict=True)],
    )


def _single(factors: Factors) -> Factors:
    """In float32 at least: sums of 16-bit numbers overflow."""
    return jax.tree.map(lambda a: a.astype(jnp.promote_types(a.dtype, jnp.float32)), factors)


def contract(rows: Factors, columns: Factors, *, full: bool = False) -> jax.Array:
    """Theta from the Jacobians of n and of n' examples.  -> [n, n'] or [n, n', O, O], as `ntk`"""
    outputs = (rows.signals + rows.rest)[0].shape[1]
    rows, columns = _single(rows), _single(columns)

    def product(a, b):
        if not full:
            return _dot(a.reshape(len(a), -1), b.reshape(len(b), -1).T) / outputs
        a, b = (c.reshape(len(c) * outputs, c.shape[-1]) for c in (a, b))
        square = _dot(a, b.T)
        return square.reshape(len(a) // outputs, outputs, len(b) // outputs, outputs)

    total: Any = 0.0
    for a, b in zip(rows.rest, columns.rest, strict=True):
        total = total + product(a, b)
    for a, b, s, t in zip(rows.inputs, columns.inputs, rows.signals, columns.signals, strict=True):
        overlap = _dot(a, b.T)
        total = total + (overlap[:, None, :, None] if full else overlap) * product(s, t)
    return total.swapaxes(1, 2) if full else total


def by_products(apply, params: Tree, x1, columns: Factors, full: bool) -> jax.Array:
    """Theta's columns as jvps at x1 along the Jacobians of the other examples."""
    leaves, tree = jax.tree.flatten(params)
    tangent_map = jax.linearize(lambda p: apply(p, x1).reshape(len(x1), -1), params)[1]

    def column(*tangents):
        shaped = [t.reshape(a.shape) for t, a in zip(tangents, leaves, strict=True)]
        return tangent_map(jax.tree.unflatten(tree, shaped))

    found = jax.vmap(jax.vmap(column))(*columns.rest)  # [n', O, n, O]
    kernel = found.transpose(2, 0, 3, 1)
    kernel = kernel.astype(jnp.promote_types(kernel.dtype, jnp.float32))
    return kernel if full else jnp.trace(kernel, axis1=2, axis2=3) / kernel.shape[-1]
