"""Random maps S of many rows to few with E[S^T S] = I, and which rows matter: leverage, Lewis.

Each map is drawn and applied at once, `name(key, matrix, rows) -> S @ matrix`, so that nothing of
the size of S is held where its structure spares it. Sources: Ailon & Chazelle 2009 and Tropp 2011
(`srht`), Charikar, Chen & Farach-Colton 2004 and Clarkson & Woodruff 2013 (`sparse`, one non-zero),
Nelson & Nguyen 2013 (`sparse`), Cohen & Peng 2015 (`lewis`).

Shapes: n rows, d columns, m rows of the sketch.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from common import keys, shapes
from common.reals import at_least, real_arrays, refuted

Array = jax.Array


def fwht(x: Array) -> Array:
    """H x of the first axis, H the Hadamard matrix of +-1 (Sylvester's order, not normalised).

    x [n, ...], n a power of two -> the same, by n log2(n) sums a column.
    Errors: ValueError for another n.
    """
    (x,) = real_arrays(x=x)
    sizes = shapes.check("x", x, "n ...")
    n = sizes["n"]
    if n < 1 or n & (n - 1):
        raise ValueError(f"x must have 1, 2, 4, 8 ... rows, not {n}")
    shape, x, half = x.shape, x.reshape(n, -1), 1
    while half < n:  # sums alone: products would lose digits on accelerators
        pairs = x.reshape(n // (2 * half), 2, half, -1)
        one, other = pairs[:, 0], pairs[:, 1]
        x, half = jnp.stack([one + other, one - other], 1).reshape(n, -1), 2 * half
    return x.reshape(shape)


def srht(key: Array, matrix: Array, rows: int) -> Array:
    """Subsampled randomised Hadamard transform: S = P H D / sqrt(m), rows with replacement.

    D random signs, P picks m rows; rows of zeros pad n to a power of two.
    matrix [n, ...] -> [m, ...], in O(n log n) a column.
    """
    matrix, n = _matrix(matrix, rows)
    signs, picks = jax.random.split(key)
    mixed = _scaled(jax.random.rademacher(signs, (n,), matrix.dtype), matrix)
    wide = 1 << (n - 1).bit_length()
    mixed = jnp.concatenate([mixed, jnp.zeros((wide - n, *mixed.shape[1:]), mixed.dtype)])
    return fwht(mixed)[jax.random.randint(picks, (rows,), 0, wide)] / math.sqrt(rows)


def gaussian(key: Array, matrix: Array, rows: int) -> Array:
    """S of N(0, 1 / m).  matrix [n, ...] -> [m, ...]"""
    matrix, n = _matrix(matrix, rows)
    S = keys.normal(key, (rows, n), matrix.dtype) / math.sqrt(rows)
    return jnp.tensordot(S, matrix, 1)


def signs(key: Array, matrix: Array, rows: int) -> Array:
    """S of +-1 / sqrt(m) (Alon, Matias & Szegedy 1999).  matrix [n, ...] -> [m, ...]"""
    matrix, n = _matrix(matrix, rows)
    S = jax.random.rademacher(key, (rows, n), matrix.dtype) / math.sqrt(rows)
    return jnp.tensordot(S, matrix, 1)


def sparse(key: Array, matrix: Array, rows: int, *, nonzeros: int = 1) -> Array:
    """`nonzeros` of +-1 / sqrt(nonzeros) in every column of S, in different rows; 1: Count-Sketch.

    matrix [n, ...] -> [m, ...], in O(nonzeros n) a column.
    Errors: ValueError for more non-zeros than rows.
    """
    matrix, n = _matrix(matrix, rows)
    at, sign = positions(key, n, rows, nonzeros=nonzeros)
    parts = (_scaled(s.astype(matrix.dtype), matrix) for s in sign)
    summed = (jax.ops.segment_sum(x, i, rows) for x, i in zip(parts, at, strict=True))
    return sum(summed) / math.sqrt(nonzeros)  # type: ignore[return-value]


def positions(key: Array, n: int, rows: int, *, nonzeros: int = 1) -> tuple[Array, Array]:
    """Where `sparse` has its non-zeros, and their signs.  -> int [nonzeros, n] twice

    Distinct rows a column by Floyd's algorithm (Bentley & Floyd 1987).
    """
    at_least(1, n=n, rows=rows, nonzeros=nonzeros)
    if nonzeros > rows:
        raise ValueError(f"nonzeros must be at most rows = {rows}, not {nonzeros}")
    where, sign = jax.random.split(key)
    last = jnp.arange(rows - nonzeros, rows)[:, None]
    drawn = jax.random.randint(where, (nonzeros, n), 0, last + 1)
    taken: list[Array] = []
    for i in range(nonzeros):
        known = jnp.any(jnp.stack(taken) == drawn[i], axis=0) if taken else False
        taken.append(jnp.where(known, last[i], drawn[i]))
    return jnp.stack(taken), jax.random.rademacher(sign, (nonzeros, n), int)


def sampled(key: Array, matrix: Array, rows: int, p: Array) -> Array:
    """m rows with replacement, row i with probability p_i, over sqrt(m p_i).

    matrix [n, ...], p [n] of sum 1 -> [m, ...]
    Errors: ValueError for known p that are negative or do not sum to 1.
    """
    matrix, n = _matrix(matrix, rows)
    shapes.check("p", p, "n", {"n": n})
    (p,) = real_arrays(p=p)
    tiny = 100 * n * float(jnp.finfo(p.dtype).eps)
    if refuted(lambda q: (q >= 0) & (abs(q.sum() - 1) <= tiny), p):
        raise ValueError("p must not be negative and must sum to 1")
    at = jax.random.categorical(key, jnp.log(p), shape=(rows,))
    return _scaled(1 / jnp.sqrt(rows * p[at]).astype(matrix.dtype), matrix[at])


def leverage(A: Array) -> Array:
    """tau_i = a_i^T (A^T A)^+ a_i, which sum to the rank.  A [n, d] -> [n]

    Directions below max(n, d) eps of the largest singular value count as none.
    """
    (A,) = real_arrays(A=A)
    sizes = shapes.check("A", A, "n d")
    at_least(1, **{f"{name} of A [n, d]": size for name, size in sizes.items()})
    U, s, _ = jnp.linalg.svd(A, full_matrices=False)
    kept = s > max(sizes.values()) * jnp.finfo(A.dtype).eps * s[0]
    found = jnp.sum(jnp.where(kept, U, 0) ** 2, axis=1)
    return jnp.where(jnp.isfinite(A).all(), found, jnp.nan)


def lewis(A: Array, p: float) -> Array:
    """l_p Lewis weights: w_i = tau_i(W^(1/2 - 1/p) A), which sum to the rank.  A [n, d] -> [n]

    w <- (a_i^T (A^T W^(1 - 2/p) A)^+ a_i)^(p/2) contracts log w by |1 - p/2| a turn (Cohen & Peng
    2015, section 3): as many turns as the dtype has digits.  A row of zeros has weight 0.
    Errors: ValueError for p outside (0, 4), where it does not contract.
    """
    (A,) = real_arrays(A=A)
    shapes.check("A", A, "n d")
    if not 0 < p < 4:
        raise ValueError(f"p must lie in (0, 4), not {p}")
    shrink = abs(1 - p / 2)
    turns = (
        1 if shrink == 0 else math.ceil(math.log(np.finfo(A.dtype).eps / 100) / math.log(shrink))
    )
    some = jnp.any(A != 0, axis=1)

    def turn(_, w):
        scale = w ** (0.5 - 1 / p)
        return jnp.where(some, (leverage(scale[:, None] * A) / scale**2) ** (p / 2), 1)

    start = jnp.where(some, jnp.maximum(leverage(A), jnp.finfo(A.dtype).tiny ** 0.25), 1)
    return jnp.where(some, jax.lax.fori_loop(0, turns, turn, start), 0)


def _matrix(matrix, rows: int) -> tuple[Array, int]:
    (matrix,) = real_arrays(matrix=matrix)
    n = shapes.check("matrix", matrix, "n ...")["n"]
    at_least(1, rows=rows, **{"rows of matrix": n})
    return matrix, n


def _scaled(factors: Array, matrix: Array) -> Array:
    return factors.reshape(-1, *[1] * (matrix.ndim - 1)) * matrix
