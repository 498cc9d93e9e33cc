"""Hessian- and Gauss-Newton-vector products of a loss, as linear maps on the parameter pytree.

H = G + R: H the Hessian of loss(params, batch), G = J^T (d2 criterion / d outputs2) J with
J = d outputs / d params, R the part that carries the criterion's slope and the model's curvature.

Shapes: P parameters in all, B examples of the batch (leading axis of every leaf of `batch`).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

Tree = Any
Matvec = Callable[[Tree], Tree]


def hvp(
    loss: Callable[[Tree, Tree], jax.Array], params: Tree, batch: Tree, *, chunk: int | None = None
) -> Matvec:
    """The map v -> H v, H the Hessian of loss(., batch) at params.

    v and H v are pytrees like params; exact up to rounding.  The gradient is linearised once, here,
    and every call reuses it: build the map inside the jitted function that loops over calls.
    `chunk` (for a loss that is a mean over the batch) visits `chunk` examples at a time: memory of
    one chunk, but each call then repeats the forward pass.  Pearlmutter 1994.
    """
    grad = jax.grad(loss)
    if chunk is None:
        return jax.linearize(lambda p: grad(p, batch), params)[1]
    return lambda v: _mean(
        lambda part: jax.jvp(lambda p: grad(p, part), (params,), (v,))[1], batch, chunk
    )


def ggn_vp(
    model: Callable[[Tree, Tree], Tree],
    criterion: Callable[[Tree, Tree], jax.Array],
    params: Tree,
    batch: Tree,
    *,
    chunk: int | None = None,
) -> Matvec:
    """The map v -> G v, G the generalised Gauss-Newton matrix of criterion(model(., batch), batch).

    model(params, batch) -> outputs (any pytree), criterion(outputs, batch) -> scalar; v and G v are
    pytrees like params.  G is positive semidefinite where criterion is convex in the outputs.
    `chunk` as in `hvp`: the criterion is then a mean over the batch.  Schraudolph 2002, eq. 7.
    """
    if chunk is not None:
        return lambda v: _mean(lambda part: _ggn(model, criterion, params, part)(v), batch, chunk)
    return _ggn(model, criterion, params, batch)


def _ggn(model, criterion, params: Tree, batch: Tree) -> Matvec:
    outputs, jvp = jax.linearize(lambda p: model(p, batch), params)
    vjp = jax.linear_transpose(jvp, params)
    curvature = jax.linearize(jax.grad(lambda out: criterion(out, batch)), outputs)[1]
    return lambda v: vjp(curvature(jvp(v)))[0]


def flat(matvec: Matvec, params: Tree) -> tuple[Callable, int, Callable]:
    """A map on pytrees as a map on vectors: (matvec [P] -> [P], P, unravel [P] -> pytree)."""
    vector, unravel = ravel_pytree(params)
    return lambda v: ravel_pytree(matvec(unravel(v)))[0], vector.size, unravel


def _mean(fn: Callable[[Tree], Tree], batch: Tree, chunk: int) -> Tree:
    """Mean of fn over the examples of batch, `chunk` at a time; fn is itself a mean over them."""
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1, not {chunk}")
    size = jax.tree.leaves(batch)[0].shape[0]
    whole = size - size % chunk
    total = None
    if whole:
        parts = jax.tree.map(lambda a: a[:whole].reshape(-1, chunk, *a.shape[1:]), batch)
        shape = jax.eval_shape(fn, jax.tree.map(lambda a: a[0], parts))
        zero = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shape)
        total, _ = jax.lax.scan(
            lambda acc, part: (jax.tree.map(jnp.add, acc, fn(part)), None), zero, parts
        )
        total = jax.tree.map(lambda a: a * (chunk / size), total)
    if whole < size:  # the last, shorter part counts by its length
        rest = jax.tree.map(
            lambda a: a * ((size - whole) / size), fn(jax.tree.map(lambda a: a[whole:], batch))
        )
        total = rest if total is None else jax.tree.map(jnp.add, total, rest)
    return total
