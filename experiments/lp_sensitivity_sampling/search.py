"""The worst direction of a sample: extremes of f(x) = sum |row x|^p over the unit sphere.

f is not convex on the sphere, and random directions see nothing of its extremes (they
concentrate): the search starts from the directions of kept rows, of singular vectors and from
random ones, takes the best and climbs from each.

Shapes: K rows kept (rows of zeros are none), d columns, B directions.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from .sensitivities import TINY, power

Array = jax.Array

GROW, SHRINK = 1.3, 0.4  # of the step, after a success and after a failure
FIRST = 1.0  # step: that of power iteration


class Found(NamedTuple):
    x: Array  # [B, d]: directions
    f: Array  # [B]


def extremes(rows: Array, p, random: Array, *, starts: int, steps: int) -> Found:
    """Local extremes of f on the sphere, B = 2 starts: those from below, then those from above.

    rows [K, d], p >= 1, random directions [C, d]
    """
    at = begin(rows, random)
    order = jnp.argsort(values(rows, p, at))
    chosen = jnp.concatenate([order[:starts], order[-starts:]])
    return climb(rows, p, at[chosen], jnp.repeat(jnp.array([-1.0, 1.0]), starts), steps)


def begin(rows: Array, random: Array) -> Array:
    """Directions of the first C rows, singular vectors, random directions.  -> [2 C + d, d]

    The least singular vector is the null direction where rank is lost.
    """
    first = rows[: len(random)]
    length = jnp.linalg.norm(first, axis=1, keepdims=True)
    own = jnp.where(length > 0, first / jnp.where(length > 0, length, 1), random[: len(first)])
    singular = jnp.linalg.eigh(rows.T @ rows)[1].T
    return jnp.concatenate([own, singular, random])


def values(rows: Array, p, x: Array) -> Array:
    """f.  rows [K, d], x [B, d] -> [B]"""
    r2 = (x @ rows.T) ** 2
    return jnp.sum(r2 * power(r2 + TINY, p / 2 - 1), axis=1)


def value_and_tangent(rows: Array, p, x: Array) -> tuple[Array, Array]:
    """f and its relative gradient along the sphere, grad f / (p f) - x.  x [B, d] -> [B], [B, d]"""
    r = x @ rows.T
    pull = r * power(r**2 + TINY, p / 2 - 1)
    f = jnp.sum(pull * r, axis=1)
    return f, (pull @ rows) / jnp.maximum(f, TINY)[:, None] - x


def climb(rows: Array, p, x: Array, sign: Array, steps: int) -> Found:
    """Up (sign 1) or down (-1) from x [B, d], each with a step of its own.

    A trial that is no better is dropped and the step shrinks, so that kinks (p = 1) end it well.
    """

    def step(_, state):
        x, f, tangent, rate = state
        y = x + (sign * rate)[:, None] * tangent
        y = y / jnp.linalg.norm(y, axis=1, keepdims=True)
        new, along = value_and_tangent(rows, p, y)
        better = sign * new > sign * f
        x, tangent = (jnp.where(better[:, None], *pair) for pair in ((y, x), (along, tangent)))
        return x, jnp.where(better, new, f), tangent, rate * jnp.where(better, GROW, SHRINK)

    begun = x, -sign * jnp.inf, 0 * x, FIRST + 0 * sign  # the first turn is that of x itself
    return Found(*jax.lax.fori_loop(0, steps + 1, step, begun)[:2])


def distortion(found: Found, norms=1.0) -> Array:
    """sup |f / norm - 1| over what was found; norms [B]: |A x|_p^p there.  -> []"""
    return jnp.max(jnp.abs(found.f / norms - 1))
