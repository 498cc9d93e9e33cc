"""Gradient flows of a cloud to another one by estimates of SW_2, all on the same directions.

x <- x - lr n grad sqrt(Z(x)).  Shapes: n points, d dimensions, L directions, F flows.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common.ot import sliced


def plain(x, y, theta, centre):
    """The mean over directions.  x, y [n, d], theta [L, d] -> []"""
    return sliced.costs(x, y, theta).mean()


def lower(x, y, theta, centre):
    """With the lower control; the coefficient and its mean depend on x as well."""
    control = sliced.lower(x, y, theta)
    return sliced.control_variate(sliced.costs(x, y, theta), *control, centre=centre).value


def upper(x, y, theta, centre):
    """With the upper control."""
    control = sliced.upper(x, y, theta)
    return sliced.control_variate(sliced.costs(x, y, theta), *control, centre=centre).value


def centring(x, y, theta, centre):
    """With the lower control and coefficient 1: the mean part in closed form."""
    values, mean = sliced.lower(x, y, theta)
    return jnp.mean(sliced.costs(x, y, theta) - values) + mean


ESTIMATES: tuple[Callable, ...] = (plain, lower, upper, centring)
LEAST = 1e-12  # a controlled estimate is not bounded below


class Flows(NamedTuple):
    """One a method."""

    x: Any  # [F, n, d]
    least: Any  # [F]: smallest estimate so far over the plain one on the same directions


def begin(x) -> Flows:
    """All from the same points, of every seed on the host.  x [seed, n, d]"""
    many = np.repeat(x[:, None], len(ESTIMATES), axis=1)
    return Flows(many, np.full(many.shape[:2], np.inf))


def loss(x, y, theta, *, estimate: Callable, centre: str, root: bool):
    """n sqrt(Z), or n Z, and Z.  -> [], []"""
    z = estimate(x, y, theta, centre)
    return len(x) * (jnp.sqrt(jnp.maximum(z, LEAST)) if root else z), z


def step(y, theta, lr, state: Flows, **how) -> Flows:
    """One step of every flow on the same directions."""
    moved, least = [], []
    for x, before, estimate in zip(state.x, state.least, ESTIMATES, strict=True):
        slope, z = jax.grad(partial(loss, estimate=estimate, **how), has_aux=True)(x, y, theta)
        moved.append(x - lr * slope)
        least.append(jnp.minimum(before, z / jnp.maximum(plain(x, y, theta, ""), LEAST)))
    return Flows(jnp.stack(moved), jnp.stack(least))


def advance(key, y, state: Flows, first, strides, *, lr, directions: int, **how):
    """Steps with fresh directions, seen after every stride.  -> state, Flows [stride, …]"""

    def one(carry):
        i, state = carry
        theta = sliced.directions(jax.random.fold_in(key, i), directions, y.shape[1], y.dtype)
        return i + 1, step(y, theta, lr, state, **how)

    def record(carry, stride):
        carry = jax.lax.fori_loop(0, stride, lambda _, c: one(c), carry)
        return carry, carry[1]

    (_, state), seen = jax.lax.scan(record, (first, state), strides)
    return state, seen
