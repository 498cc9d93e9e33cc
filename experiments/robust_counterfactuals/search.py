"""Closest counterfactuals in L1, free in the unit cube or among candidates.

Shapes: Q queries, N candidates, d features.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax
from jax import Array

FAR = 1e3  # added to the cost of candidates that do not qualify, per unit of what they lack
HALVINGS = 20


def cost(x: Array, y: Array) -> Array:
    """L1.  [..., d] -> [...]"""
    return jnp.abs(x - y).sum(-1)


def nearest(queries: Array, candidates: Array, lacking: Array) -> Array:
    """The nearest candidate that lacks nothing, else the one that lacks least.  lacking [N] >= 0

    -> [Q, d]
    """
    price = jax.lax.map(lambda x: cost(x, candidates), queries)
    return candidates[(price + FAR * lacking).argmin(1)]


def base(score: Callable, x: Array, rows: Array, steps: int, lr: float) -> Array:
    """`closest`, from the nearest row with score >= 0."""
    start = nearest(x, rows, jnp.maximum(-score(rows), 0))
    return closest(score, x, start, steps, lr)


def closest(score: Callable, x: Array, start: Array, steps: int, lr: float) -> Array:
    """argmin |x' - x|_1 with score(x') >= 0, by Adam on |x' - x|_1 + max(-score, 0).

    The cheapest point seen with score >= 0 is drawn back to the boundary on its line to x.
    score: [Q, d] -> [Q], steeper than 1 in some direction; x, start [Q, d], score(start) >= 0
    """
    tx = optax.adam(optax.linear_schedule(lr, 0.0, steps))

    def penalised(at):
        value = score(at)
        return (cost(at, x) + jnp.maximum(-value, 0)).sum(), value

    def step(state, _):
        at, opt, best = state
        grad, value = jax.grad(penalised, has_aux=True)(at)
        better = (value >= 0) & (cost(at, x) < cost(best, x))
        best = jnp.where(better[:, None], at, best)
        updates, opt = tx.update(grad, opt)
        return (jnp.clip(optax.apply_updates(at, updates), 0, 1), opt, best), None

    best = jax.lax.scan(step, (x, tx.init(x), start), length=steps)[0][2]

    def halve(_, ends):
        low, high = ends
        middle = (low + high) / 2
        inside = score(x + middle[:, None] * (best - x)) >= 0
        return jnp.where(inside, low, middle), jnp.where(inside, middle, high)

    ends = jnp.zeros(len(x), x.dtype), jnp.ones(len(x), x.dtype)
    share = jax.lax.fori_loop(0, HALVINGS, halve, ends)[1]
    return x + share[:, None] * (best - x)


def plane(x: Array, base: Array, end: Array, side: int) -> dict[str, Array]:
    """The plane through three points, in L2 from x, its first axis towards base.

    -> grid [side, side, d], its first index the second axis, a third wider than the points; axes
    [2, side]; at [3, 2], the points
    """
    points = jnp.stack([x, base, end]) - x
    q, r = jnp.linalg.qr(points[1:].T)
    q = q * jnp.where(jnp.diag(r) < 0, -1, 1)  # towards the points
    at = points @ q
    reach = jnp.ptp(at, 0).max() * 5 / 6 * jnp.linspace(-1, 1, side)
    axes = (at.max(0) + at.min(0))[:, None] / 2 + reach
    grid = x + axes[0][:, None] * q[:, 0] + axes[1][:, None, None] * q[:, 1]
    return {"grid": grid, "axes": axes, "at": at}
