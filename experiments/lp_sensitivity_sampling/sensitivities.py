"""l_p sensitivities sigma_i = sup_x |a_i x|^p / |A x|_p^p, from below and from above.

1 / sigma_i = min |A y|_p^p over a_i y = 1.  Its dual: sigma_i = min |u|_q^p over A^T u = a_i, with
1 / p + 1 / q = 1.  Any y bounds sigma_i from below, any u from above: no exact solver is trusted.
Reweighted least squares with M = A^T W A, W = |A y|^(p - 2), has z = M^-1 a / (a M^-1 a), where
F(y) = |A y|_p^p has gradient p M y and Hessian p (p - 1) M: Newton's step on the subspace is
y + (z - y) / (p - 1).  For p <= 2 the whole step z lowers F at every turn (M majorises).  The same
turn gives a dual point, u = W A M^-1 a.

Shapes: n rows, d columns, k rows whose sensitivities are wanted.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

Array = jax.Array

SMOOTH = 0.3  # of a typical residual, at first: weights are of |r|^2 + eps^2
SHARP, KINKS = 1e-6, 3e-3  # at last; at p = 1, where it costs the bounds about as much


TINY = 1e-60  # of a squared residual: its root and its inverse exist


class Bracket(NamedTuple):
    lower: Array  # [k], attained
    upper: Array  # [k], certified by the dual


def sensitivities(A: Array, count: int, p, turns) -> Bracket:
    """Of the first k = `count` rows of A [n, d], for p >= 1 (see `power`).  -> [k] each

    p and turns may be traced.  Errors are the distance of the two bounds; at p = 1 minima lie at
    kinks, where turns are slow.
    """
    A = whitened(A)
    rows = A[:count]
    products = (A[:, :, None] * A[:, None, :]).reshape(len(A), -1)
    step = 1 / jnp.maximum(p - 1, 1)
    start = rows / jnp.sum(rows**2, axis=1, keepdims=True)

    def weights(y, turn):
        r2 = (y @ A.T) ** 2
        typical = jnp.mean(r2, axis=1, keepdims=True)
        shrunk = SMOOTH * (jnp.where(p == 1, KINKS, SHARP) / SMOOTH) ** (turn / turns)
        return power(r2 + shrunk**2 * typical, p / 2 - 1)

    def turn(i, state):
        y, w, _ = state
        M = (w @ products).reshape(-1, *2 * A.shape[1:])
        x = jax.vmap(lambda M, a: jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(M), True), a))(
            M, rows
        )
        y = y + step * (x / jnp.sum(rows * x, axis=1, keepdims=True) - y)
        return y, weights(y, i + 1), jnp.abs(w * (x @ A.T))

    w = weights(start, 0)
    y, _, u = jax.lax.fori_loop(0, turns, turn, (start, w, w))
    r2 = (y @ A.T) ** 2
    return Bracket(1 / jnp.sum(r2 * power(r2 + TINY, p / 2 - 1), axis=1), dual_power(u, p))


def totals(A: Array, p, turns) -> tuple[Array, Array]:
    """Total sensitivities from below, and how far above they may be.  A [F, n, d] -> [F, p] each

    p, turns [p], the same for every matrix.
    """
    many = len(A), len(p)

    def of(case):
        at, p, turns = case
        found = sensitivities(A[at], A.shape[1], p, turns)
        total = jnp.sum(found.lower)
        return total, jnp.sum(found.upper) / total - 1

    cases = jnp.arange(many[0]).repeat(many[1]), jnp.tile(p, many[0]), jnp.tile(turns, many[0])
    total, gap = jax.lax.map(of, cases)
    return total.reshape(many), gap.reshape(many)


def whitened(A: Array) -> Array:
    """A in the basis in which A^T A = n: sensitivities do not see it.  [n, d] -> [n, d]"""
    factor = jnp.linalg.cholesky(A.T @ A / len(A))
    return jax.scipy.linalg.solve_triangular(factor, A.T, lower=True).T


def dual_power(u: Array, p) -> Array:
    """|u|_q^p, q = p / (p - 1), infinite at p = 1.  u [k, n] >= 0 -> [k]"""
    q = p / jnp.maximum(p - 1, 1e-9)
    most = jnp.max(u, axis=1)
    ratio = jnp.maximum(u / most[:, None], 1e-300)
    return most**p * jnp.sum(jnp.exp(q * jnp.log(ratio)), axis=1) ** (p - 1)


def power(x: Array, e) -> Array:
    """x^e, x > 0, e a multiple of 1/4 with |e| < 2: square roots, thrice as fast as logarithms.

    e may be traced: the e = p / 2 - 1 of all p that are multiples of 1/2.
    """
    quarters = jnp.round(4 * jnp.abs(e))
    root = jnp.sqrt(x)
    parts = (1, jnp.sqrt(root)), (2, root), (4, x)
    y = [jnp.where(quarters // bit % 2 == 1, part, 1) for bit, part in parts]
    whole = y[0] * y[1] * y[2]
    return jnp.where(e < 0, 1 / whole, whole)


def moment(p) -> Array:
    """E |g|^p of g ~ N(0, 1)."""
    return 2 ** (p / 2) * jnp.exp(jax.lax.lgamma((p + 1) / 2.0)) / jnp.sqrt(jnp.pi)


def gaussian_total(d, p) -> Array:
    """Total sensitivity of Gaussian rows without end, E |a|^p / E |g|^p: of order d^(p/2)."""
    radial = jax.lax.lgamma((d + p) / 2.0) - jax.lax.lgamma(d / 2.0)
    return jnp.exp(radial - jax.lax.lgamma((p + 1) / 2.0)) * jnp.sqrt(jnp.pi)
