"""Regression on a Kronecker product: TensorSRHT of (A1 x A2) y = b without forming it.

Shapes: N rows of either factor, D1, D2 their columns, m rows of the sketch.
"""

import jax
import jax.numpy as jnp
import numpy as np

from common import sketches

Array = jax.Array


def tensor_srht(key: Array, A1: Array, A2: Array, R: Array, rows: int) -> tuple[Array, Array]:
    """S (A1 x A2) and S vec R for S = P (H D1 x H D2) / sqrt(m).  -> [m, D1, D2], [m]

    Row k of S picks (i, j): it is row i of H D1 A1 times row j of H D2 A2, every entry with every
    other, and entry (i, j) of H D1 R D2 H.  R [N, N].
    """
    signs, picks = jax.random.split(key)
    s = jax.random.rademacher(signs, (len(A1) + len(A2), 1), A1.dtype)
    s1, s2 = s[: len(A1)], s[len(A1) :]
    i, j = jnp.divmod(jax.random.randint(picks, (rows,), 0, R.size), len(A2))
    at = [A1.shape[1], A1.shape[1] + A2.shape[1]]
    x, y, R = jnp.split(sketches.fwht(jnp.c_[s1 * A1, s2 * A2, s1 * R * s2.T]), at, axis=1)
    rest = sketches.fwht(R.T).T[i, j]
    return x[i][:, :, None] * y[j][:, None, :] / rows**0.5, rest / rows**0.5


def places(order: np.ndarray, n: int, side: int, spread: int) -> tuple[np.ndarray, ...]:
    """Rows of A1 and A2 [side], and places of r [spread] off their product.

    order: the numbers below n^2, shuffled; n rows of either factor.
    """
    left, right = order[:n].argsort()[:side], order[-n:].argsort()[:side]
    inside = np.isin(order // n, left) & np.isin(order % n, right)
    return left, right, order[~inside][:spread]


def coherent(left: Array, right: Array, rest: Array, n: int) -> tuple[Array, Array, Array]:
    """A1, A2 [n, side] of unit vectors, and R [n, n] of equal weights; |R| = 1."""
    A1, A2 = (jnp.zeros((n, len(at))).at[at, jnp.arange(len(at))].set(1) for at in (left, right))
    return A1, A2, jnp.zeros(n * n).at[rest].set(len(rest) ** -0.5).reshape(n, n)
