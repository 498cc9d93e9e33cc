"""Which parameters of a network are dense layers, found by reading the program of one example.

A weight W that meets each example once, in a product W a with one input a, has the derivative
d f / d W = (d f / d(W a)) a^T: a rank-one matrix that need not be formed (Novak et al. 2022 call
this structured derivatives).  Whatever is not recognised is differentiated as it is.

Shapes: O outputs, K inputs and M outputs of a dense layer.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.extend.core as jex
import jax.numpy as jnp

Tree = Any


class Dense(NamedTuple):
    """A recognised layer: which leaf of the params, K, and the shape of W a (M in all)."""

    leaf: int
    inputs: int
    product: tuple[int, ...]


def dense_layers(apply: Callable, params: Tree, x: Any) -> list[Dense]:
    """The dense layers of apply(params, x [1, …]) -> [1, …], in the order of the leaves of params.

    A weight may be scaled by a scalar, transposed or converted to its own dtype before it is used,
    inside or outside of jit.  A weight used twice (tied), in a convolution, in a scan or on several
    positions of one example is not listed.
    """
    seen: dict[int, list] = {}

    def look(leaves, x):
        outputs, uses = tapped(apply, jax.tree.structure(params), leaves, x, {})
        seen.update(uses)
        return outputs

    jax.eval_shape(look, jax.tree.leaves(params), x)
    found = [(leaf, uses[0]) for leaf, uses in sorted(seen.items()) if len(uses) == 1]
    return [
        Dense(leaf, use[0].size, use[1].shape)
        for leaf, use in found
        if use is not None and use[0].size
    ]


def tapped(apply: Callable, tree, leaves: list, x: jax.Array, taps: dict[int, jax.Array]):
    """apply(params, x) with taps[leaf] added to the products of these leaves.

    -> (outputs, {leaf: [(input, product) or None, …]}): every use of a weight, None where it is
    not a dense layer.  The derivative by a tap is d f / d(W a).
    """
    call = lambda leaves, x: apply(jax.tree.unflatten(tree, leaves), x)  # noqa: E731
    program = jax.make_jaxpr(call)(leaves, x)
    marks = [(i, 1.0) for i in range(len(leaves))]
    uses: dict[int, list] = {}
    (outputs,), _ = _evaluate(program, [*leaves, x], [*marks, None], taps, uses)
    return outputs, uses


def _evaluate(program, args, marks, taps, uses):
    """Results of a program and their marks; (leaf, scale) marks scale times a weight."""
    jaxpr = program.jaxpr
    env = dict(zip(jaxpr.constvars, [(c, None) for c in program.consts], strict=True))
    env |= dict(zip(jaxpr.invars, zip(args, marks, strict=True), strict=True))

    def read(v):
        return (v.val, None) if isinstance(v, jex.Literal) else env[v]

    for eqn in jaxpr.eqns:
        values, marked = zip(*map(read, eqn.invars), strict=True) if eqn.invars else ((), ())
        if eqn.primitive.name == "jit":
            results, after = _evaluate(eqn.params["jaxpr"], values, marked, taps, uses)
        else:
            results = eqn.primitive.bind(*values, **eqn.primitive.get_bind_params(eqn.params))
            results = results if eqn.primitive.multiple_results else [results]
            result, mark = _follow(eqn, values, marked, results[0], taps, uses)
            results, after = [result, *results[1:]], [mark] + [None] * (len(results) - 1)
        env |= dict(zip(eqn.outvars, zip(results, after, strict=True), strict=True))
    ends = [read(v) for v in jaxpr.outvars]
    return [value for value, _ in ends], [mark for _, mark in ends]


def _follow(eqn, values, marked, result, taps, uses):
    """(result, mark) of one operation: passes a mark on, taps a dense product, or notes a use."""
    held = [i for i, mark in enumerate(marked) if mark is not None]
    if not held:
        return result, None
    at, name = held[0], eqn.primitive.name
    leaf, scale = marked[at]
    alone = len(held) == 1
    if name == "transpose" or (name == "convert_element_type" and result.dtype == values[0].dtype):
        return result, (leaf, scale)
    if alone and name in ("mul", "div") and jnp.ndim(values[1 - at]) == 0 and jnp.ndim(result) > 0:
        factor = values[1 - at]
        if name == "mul" or at == 0:
            return result, (leaf, scale * factor if name == "mul" else scale / factor)
    if alone and name == "dot_general" and _one_input(eqn, at):
        uses.setdefault(leaf, []).append((scale * values[1 - at], result))
        return (result + taps[leaf] if leaf in taps else result), None
    for i in held:
        uses.setdefault(marked[i][0], []).append(None)
    return result, None


def _one_input(eqn, at: int) -> bool:
    """Whether the operand that is not the weight is a single vector, wholly contracted."""
    contracted, batched = eqn.params["dimension_numbers"]
    other = eqn.invars[1 - at].aval.shape
    return not batched[0] and math.prod(other) == math.prod(other[i] for i in contracted[1 - at])


def flops(jaxpr) -> int:
    """Operations of the matrix products and convolutions of a jaxpr, a multiply-add being two."""
    total = 0
    for eqn in jaxpr.eqns:
        name = eqn.primitive.name
        if name == "dot_general":
            lhs = eqn.invars[0].aval.shape
            contracted = eqn.params["dimension_numbers"][0][0]
            total += 2 * eqn.outvars[0].aval.size * math.prod(lhs[i] for i in contracted)
        elif name == "conv_general_dilated":
            kernel = eqn.invars[1].aval
            features = kernel.shape[eqn.params["dimension_numbers"].rhs_spec[0]]
            total += 2 * eqn.outvars[0].aval.size * kernel.size // features
        else:
            inner = sum(flops(sub) for sub in jex.jaxprs_in_params(eqn.params))
            total += inner * (eqn.params["length"] if name == "scan" else 1)
    return total
