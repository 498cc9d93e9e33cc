"""What holds for many particles: weight exp(-beta (N sum V + sum G)), V = r^2 / 2, droplet r < 1.

Tilted by exp(-N s L): V_s = V + s f / beta, droplet R_s with R^(d-1) V_s'(R) = 1.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from .statistics import Radial

NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
NEWTON = 40  # steps for the droplet


def integral(fn, end: Array) -> Array:
    """From 0 to end."""
    r = end * (NODES + 1) / 2
    return (WEIGHTS * fn(r)).sum() * end / 2


def slope(f: Radial):
    """f' of an array."""
    return jax.vmap(jax.grad(f))


def cumulant(f: Radial, q: int, beta: float, d: int = 2) -> Array:
    """N^(q-2) kappa_q of sum f: in the bulk for q = 2, at the edge for more.

    beta^(1-q) D^(q-3) [r^((d-1)(q-1)) f'^q / a'] at r = 1, D = (1/a') d/dr, a' = d r^(d-1).
    """
    if q == 2:
        return integral(lambda r: r ** (d - 1) * slope(f)(r) ** 2, jnp.ones(())) / beta

    def step(g):
        return lambda r: jax.grad(g)(r) / (d * r ** (d - 1))

    def edge(r):
        return r ** ((d - 1) * (q - 1)) * jax.grad(f)(r) ** q / (d * r ** (d - 1))

    for _ in range(q - 3):
        edge = step(edge)
    return beta ** (1.0 - q) * edge(jnp.ones(()))


def droplet(s: Array, f: Radial, beta: float, d: int = 2) -> Array:
    """R_s, by Newton from 1."""

    def excess(R):
        return R ** (d - 1) * (R + s * jax.grad(f)(R) / beta) - 1

    def step(_, R):
        return R - excess(R) / jax.grad(excess)(R)

    return jax.lax.fori_loop(0, NEWTON, step, jnp.ones(()))


def mean(s: Array, f: Radial, beta: float, d: int = 2) -> Array:
    """Lambda(s), the mean of L / N in the tilted gas."""
    R = droplet(s, f, beta, d)

    def inside(r):
        return slope(f)(r) * r ** (d - 1) * (r + s * slope(f)(r) / beta)

    return f(R) - integral(inside, R)


def spread(s: Array, f: Radial, beta: float, d: int = 2) -> Array:
    """-Lambda'(s) as the variance of the tilted gas."""
    R = droplet(s, f, beta, d)
    return integral(lambda r: r ** (d - 1) * slope(f)(r) ** 2, R) / beta


def rate(s: Array, f: Radial, beta: float, d: int = 2) -> Array:
    """Psi(Lambda(s)) = int_0^s t (-Lambda'(t)) dt."""
    t = s * (NODES + 1) / 2
    each = jax.vmap(partial(spread, f=f, beta=beta, d=d))(t)
    return (WEIGHTS * t * each).sum() * s / 2
