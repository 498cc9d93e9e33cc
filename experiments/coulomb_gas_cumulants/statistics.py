"""Radial functions f whose sums over the particles are looked at; smooth on the plane."""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

Radial = Callable[[Array], Array]


def square(r):
    return r**2


def quartic(r):
    return r**4


def gauss(r):
    return jnp.exp(-(r**2))


def bump(r, centre: float, width: float):
    """exp(1 - 1 / (1 - u^2)), u = (r - centre) / width, 0 where |u| is 1 or more."""
    u = (r - centre) / width
    inside = jnp.abs(u) < 1
    return jnp.where(inside, jnp.exp(1 - 1 / (1 - jnp.where(inside, u, 0.0) ** 2)), 0.0)


def bent(centre: float, width: float, height: float) -> Radial:
    """r^2 and a bump."""
    return lambda r: r**2 + height * bump(r, centre, width)


NAMED: dict[str, Radial] = {"square": square, "quartic": quartic, "gauss": gauss}
