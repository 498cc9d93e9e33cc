"""T-Rex: from the closest counterfactuals on to where Stability is high, or among rows of data.

Shapes: Q queries, N rows, T levels, k noisy points, d features.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from . import search, stability


def ascend(score: Callable, start: Array, noise: Array, levels: Array, eta: float, steps: int):
    """T-Rex:I, x <- x + eta grad / |grad| until score >= level, for all levels on one walk.

    score: [d], noise of the point -> []; start [Q, d], noise [Q, ...] -> [T, Q, d], the last point
    where a level is not reached
    """
    slope = jax.vmap(jax.value_and_grad(score))

    def step(state, _):
        x, ends, done = state
        value, grad = slope(x, noise)
        done = done | (value >= levels[:, None])
        length = jnp.linalg.norm(grad, axis=1, keepdims=True)
        x = jnp.clip(x + eta * grad / jnp.where(length > 0, length, 1), 0, 1)
        return (x, jnp.where(done[..., None], ends, x), done), None

    ends = jnp.broadcast_to(start, (len(levels), *start.shape))
    begun = start, ends, jnp.zeros(ends.shape[:2], bool)
    return jax.lax.scan(step, begun, length=steps)[0][1]


def astray(normal: Array, start: Array, ends: Array) -> Array:
    """A control: as far from the start as the ends are, in a random direction.  normal [Q, d]"""
    away = jnp.linalg.norm(ends - start, axis=-1, keepdims=True)
    unit = normal / jnp.linalg.norm(normal, axis=-1, keepdims=True)
    return jnp.clip(start + away * unit, 0, 1)


def ways(m, queries, base, rows, noise, *, taus, levels, eta, steps, stray=None, accepted=None):
    """Base, T-Rex:I and T-Rex:NN by tau, m raised by level.  -> [1 + 2 T + C, Q, d]

    queries, base [Q, d], rows [N, d], noise [Q, k, d]: of the walk of each query, that of the first
    for all rows. Controls: stray, normal draws [Q, d], turns T-Rex:I aside; accepted: T-Rex:NN
    takes rows where m is at least this, stable or not.
    """
    taus, levels = jnp.array(taus), jnp.array(levels)
    how = {"start": base, "noise": noise, "eta": eta, "steps": steps}
    ends = ascend(partial(stability.relaxed, m), levels=taus, **how)
    if stray is not None:
        ends = astray(stray, base, ends)
    if accepted is None:
        lacking = taus[:, None] - stability.of_many(m, rows, noise[0])
    else:
        lacking = jnp.broadcast_to(accepted - m(rows), (len(taus), len(rows)))
    near = jax.lax.map(partial(search.nearest, queries, rows), jnp.maximum(lacking, 0))
    raised = ascend(lambda x, _: m(x), levels=levels, **how)
    return jnp.concatenate([base[None], ends, near, raised])
