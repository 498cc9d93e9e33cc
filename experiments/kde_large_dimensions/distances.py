"""Sums over the distances between a point and Gaussian data, which are never drawn as vectors.

For y in N(0, I_d), |x - y|^2 = (|x| + g)^2 + chi^2_{d-1}: two numbers a point, exactly.
Shapes: K bandwidths, B candidates, a loop's turn, in P pieces.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

PIECES = 2  # loops of more than one turn are not unrolled


class Size(NamedTuple):
    """Of one realisation; all may be told at run time."""

    d: ArrayLike
    n: ArrayLike  # int
    norm: ArrayLike  # |x|
    origin: ArrayLike  # squared distance that is called zero: of the nearest point, about


class Sums(NamedTuple):
    first: Array  # [K]: of w = exp(-lam (|x - y|^2 - origin))
    second: Array  # [K]: of w^2


def squared(u: Array, d: ArrayLike, norm: ArrayLike) -> Array:
    """Squared distances from uniform numbers u [3, B], inf of those that are rejected.  -> [B]

    Normal numbers by Box and Muller, chi^2_{d-1} by Marsaglia and Tsang (2000), one try each; their
    envelope holds for every shape (d - 1) / 2 above 1/3.  d >= 2
    """
    radius, turn = jnp.sqrt(-2 * jnp.log1p(-u[0])), 2 * jnp.pi * u[1]
    along, x = radius * jnp.cos(turn), radius * jnp.sin(turn)
    c = (d - 1) / 2 - 1 / 3
    root = 1 + x / jnp.sqrt(9 * c)
    v = jnp.maximum(root * root * root, 0.0)
    log_v = jnp.log(jnp.maximum(v, 1e-300))
    kept = jnp.log1p(-u[2]) < 0.5 * x * x + c * (1 - v + log_v)
    return jnp.where(kept & (v > 0), jnp.square(norm + along) + 2 * c * v, jnp.inf)


def powers(r2: Array, lam: Array, origin: ArrayLike) -> Sums:
    """Sums of weights, one bandwidth after the other.  r2 any shape, lam [K]"""

    def one(lam):
        w = jnp.exp(-lam * (r2 - origin))
        return Sums(w.sum(), (w * w).sum())

    return lax.map(one, lam)


def sums(key: Array, size: Size, lam: Array, block: int) -> Sums:
    """Over exactly n points, `block` candidates a turn.

    As many candidates count as points are missing, so that who is kept hangs on nothing but the
    rejections. Inner loops (`lax.map`) store what they make: fused, distances would be made anew
    for every bandwidth.
    """
    place = jnp.arange(block).reshape(PIECES, -1)

    def turn(state):
        step, missing, total = state
        u = jax.random.uniform(jax.random.fold_in(key, step), (3 * block,))
        r2 = lax.map(lambda u: squared(u, size.d, size.norm), u.reshape(PIECES, 3, -1))
        r2 = jnp.where(place < missing, r2, jnp.inf)
        total = jax.tree.map(jnp.add, total, powers(r2, lam, size.origin))
        return step + 1, missing - jnp.isfinite(r2).sum(), total

    none = jnp.zeros(lam.shape)
    start = jnp.zeros((), int), jnp.asarray(size.n), Sums(none, none)
    return lax.while_loop(lambda state: state[1] > 0, turn, start)[2]


def of_vectors(key: Array, size: Size, n: int, d: int, fixed: bool) -> Array:
    """Squared distances from vectors themselves.  -> [n]

    x has |x| = size.norm in a random direction; not `fixed`: x is as it is drawn.
    """
    x, y = jnp.split(jax.random.normal(key, ((n + 1) * d,)).reshape(n + 1, d), [1])
    x = jnp.where(fixed, x * size.norm / jnp.linalg.norm(x), x)
    return jnp.square(x - y).sum(axis=1)
