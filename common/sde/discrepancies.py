"""Whether two samples are of one law: energy distance, MMD, Kolmogorov-Smirnov, permutations.

Every statistic of samples has a floor: what it is between two samples of one law. `apart` gives a
distance with its standard error and that floor, `permutation_test` a probability.

Shapes: n points x [n, D], m points y [m, D].
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.reals import at_least, held, reals, refuted, unit
from common.sde.calculus import standard_error
from common.sde.processes import Array
from common.sde.transport import squared_distances


def energy(x: Array, y: Array) -> Array:
    """2 E|x - y| - E|x - x'| - E|y - y'|, unbiased (Szekely & Rizzo 2013).  -> []"""
    x, y = _two(x, y)
    u = jnp.maximum(unit(x), unit(y))
    x, y = x / u, y / u
    cross = jnp.mean(jnp.sqrt(squared_distances(x, y)))
    return (2 * cross - _within(x, jnp.sqrt) - _within(y, jnp.sqrt)) * u[0, 0]


def mmd(x: Array, y: Array, bandwidths: Array) -> Array:
    """Squared maximum mean discrepancy of sum_h exp(-|x - y|^2 / 2 h^2), unbiased.  -> []

    bandwidths [H].  Gretton et al. 2012, eq. 3.
    """
    x, y = _two(x, y)
    at_least(1, **{"number of bandwidths": shapes.check("bandwidths", bandwidths, "H")["H"]})
    bandwidths = jnp.asarray(reals("bandwidths", bandwidths))
    if refuted(lambda h: h > 0, bandwidths):
        raise ValueError("bandwidths must be positive")
    u = unit(bandwidths)[0]
    x, y, scales = x / u, y / u, 0.5 / (bandwidths / u) ** 2

    def kernel(square):
        return sum(jnp.exp(-square * scale) for scale in scales)

    cross = jnp.mean(kernel(squared_distances(x, y)))
    found = _within(x, kernel) + _within(y, kernel) - 2 * cross
    held("bandwidths are too far from each other for squares", found)
    return found


def kolmogorov(x: Array, cdf: Callable[[Array], Array]) -> Array:
    """Largest gap of the empirical and the given distribution function.  x [n], cdf [n] -> []

    sqrt(n) times it exceeds 1.36 with probability 5 %, 1.63 with 1 %, where the law is right.
    """
    n = shapes.check("x", x, "n")["n"]
    at_least(1, n=n)
    x = jnp.sort(jnp.asarray(reals("x", x)))
    p = cdf(x)
    shapes.like("cdf(x)", p, "x", x)
    steps = jnp.arange(n + 1) / n
    return jnp.maximum(jnp.max(steps[1:] - p), jnp.max(p - steps[:-1]))


class Apart(NamedTuple):
    """A distance of two samples beside that of two samples of one law (the first)."""

    value: Array
    error: Array  # standard error of value
    floor: Array
    floor_error: Array


def apart(distance: Callable[[Array, Array], Array], x: Array, y: Array, parts: int = 8) -> Apart:
    """The mean distance of `parts` disjoint pieces of x and y, and of pairs of pieces of x.

    Pieces are n / parts points as they come (draws are independent), so distance - floor has no
    bias of the sample size where the laws agree. No piece is met twice, so both standard errors
    hold; that of the floor is NaN for fewer than four parts, which are one pair.
    Errors: ValueError for fewer than two parts.
    """
    at_least(2, parts=parts)
    size = min(len(x), len(y)) // parts
    at_least(1, **{"points of a part of x and y": size})
    x, y = (jnp.asarray(reals(name, v)) for name, v in (("x", x), ("y", y)))
    a, b = (v[: parts * size].reshape(parts, size, *v.shape[1:]) for v in (x, y))
    between = jnp.stack([distance(p, q) for p, q in zip(a, b, strict=True)])
    within = jnp.stack([distance(p, q) for p, q in zip(a[:-1:2], a[1::2], strict=True)])
    errors = standard_error(between), standard_error(within)
    return Apart(between.mean(), errors[0], within.mean(), errors[1])


def permutation_test(
    key: Array, distance: Callable, x: Array, y: Array, permutations: int = 199
) -> tuple[Array, Array]:
    """(distance, p): the share of relabelled samples at least as far apart, the true one counted.

    p is at most a with probability at most a where x and y are of one law, whatever the distance;
    NaN where the distance is.  x [n, ...], y [m, ...]
    """
    at_least(1, permutations=permutations)
    x, y = (jnp.asarray(reals(name, a)) for name, a in (("x", x), ("y", y)))
    n = shapes.check("x", x, "n ...")["n"]
    at_least(1, **{"points of x": n, "points of y": shapes.check("y", y, "m ...")["m"]})
    shapes.like("a point of y", y[0], "a point of x", x[0])
    pooled = jnp.concatenate([x, y])
    seen = distance(x, y)

    def once(k):
        mixed = jax.random.permutation(k, pooled)
        return distance(mixed[:n], mixed[n:])

    others = jax.lax.map(once, jax.random.split(key, permutations))
    p = (1 + jnp.sum(others >= seen)) / (permutations + 1)
    return seen, jnp.where(jnp.isnan(seen), jnp.nan, p)


def _two(x, y) -> tuple[Array, Array]:
    x, y = (jnp.asarray(reals(name, a)) for name, a in (("x", x), ("y", y)))
    for name, a in (("x", x), ("y", y)):
        if np.ndim(a) != 2 or len(a) < 2:
            raise ValueError(f"{name} must be two points or more [n, D], not {list(np.shape(a))}")
    return x, y


def _within(x, of: Callable):
    """Mean of a function of |x - x'|^2 over pairs of different points."""
    n = len(x)
    every = of(squared_distances(x, x))
    return (jnp.sum(every) - jnp.trace(every)) / (n * (n - 1))
