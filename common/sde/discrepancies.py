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
from common.reals import at_least, reals
from common.sde.processes import Array
from common.sde.transport import squared_distances


def energy(x: Array, y: Array) -> Array:
    """2 E|x - y| - E|x - x'| - E|y - y'|, unbiased (Szekely & Rizzo 2013).  -> []"""
    x, y = _two(x, y)
    cross = jnp.mean(jnp.sqrt(squared_distances(x, y)))
    return 2 * cross - _within(x, jnp.sqrt) - _within(y, jnp.sqrt)


def mmd(x: Array, y: Array, bandwidths: Array) -> Array:
    """Squared maximum mean discrepancy of sum_h exp(-|x - y|^2 / 2 h^2), unbiased.  -> []

    bandwidths [H].  Gretton et al. 2012, eq. 3.
    """
    x, y = _two(x, y)
    shapes.check("bandwidths", bandwidths, "H")
    scales = 0.5 / jnp.asarray(reals("bandwidths", bandwidths)) ** 2

    def kernel(square):
        return sum(jnp.exp(-square * scale) for scale in scales)

    cross = jnp.mean(kernel(squared_distances(x, y)))
    return _within(x, kernel) + _within(y, kernel) - 2 * cross


def kolmogorov(x: Array, cdf: Callable[[Array], Array]) -> Array:
    """Largest gap of the empirical and the given distribution function.  x [n], cdf [n] -> []

    sqrt(n) times it exceeds 1.36 with probability 5 %, 1.63 with 1 %, where the law is right.
    """
    n = shapes.check("x", x, "n")["n"]
    at_least(1, n=n)
    p = cdf(jnp.sort(jnp.asarray(reals("x", x))))
    steps = jnp.arange(n + 1) / n
    return jnp.maximum(jnp.max(steps[1:] - p), jnp.max(p - steps[:-1]))


class Apart(NamedTuple):
    """A distance of two samples beside that of two samples of one law (the first)."""

    value: Array
    error: Array  # standard error of value
    floor: Array
    floor_error: Array


def apart(distance: Callable[[Array, Array], Array], x: Array, y: Array, parts: int = 8) -> Apart:
    """The mean distance of `parts` disjoint pieces of x and y, and of pieces of x with each other.

    Pieces are n / parts points as they come (draws are independent), so distance - floor has no
    bias of the sample size where the laws agree.  Errors: ValueError for fewer than two parts.
    """
    at_least(2, parts=parts)
    size = min(len(x), len(y)) // parts
    at_least(1, **{"points of a part": size})
    a, b = (jnp.asarray(v[: parts * size]).reshape(parts, size, *v.shape[1:]) for v in (x, y))
    between = jnp.stack([distance(p, q) for p, q in zip(a, b, strict=True)])
    within = jnp.stack([distance(p, q) for p, q in zip(a, jnp.roll(a, 1, axis=0), strict=True)])
    spread = lambda v: jnp.std(v, ddof=1) / parts**0.5  # noqa: E731
    return Apart(between.mean(), spread(between), within.mean(), spread(within))


def permutation_test(
    key: Array, distance: Callable, x: Array, y: Array, permutations: int = 199
) -> tuple[Array, Array]:
    """(distance, p): the share of relabelled samples at least as far apart, the true one counted.

    p is at most a with probability at most a where x and y are of one law, whatever the distance.
    """
    at_least(1, permutations=permutations)
    n, pooled = len(x), jnp.concatenate([x, y])
    seen = distance(x, y)

    def once(k):
        mixed = jax.random.permutation(k, pooled)
        return distance(mixed[:n], mixed[n:])

    others = jax.lax.map(once, jax.random.split(key, permutations))
    return seen, (1 + jnp.sum(others >= seen)) / (permutations + 1)


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
