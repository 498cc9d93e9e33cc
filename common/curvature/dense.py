"""Exact matrices from products with identity columns, a chunk of columns at a time.

Shapes: P side of the matrix, n columns asked for.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from common import shapes
from common.curvature.estimate import checked


def columns(
    matvec: Callable, size: int, index: jax.Array, *, chunk: int = 128, dtype=None
) -> jax.Array:
    """The columns `index` of the matrix, as rows: index [n] of ints in [0, P) -> [n, P].

    Cost: n products, `chunk` of them at once by vmap (memory of `chunk` products).  Devices that
    hold different parts of `index` share the work of one matrix.
    """
    shapes.check("index", index, "n")
    matvec, dtype = checked(matvec), jnp.result_type(float) if dtype is None else dtype
    n, chunk = len(index), min(chunk, len(index))
    if not n:
        return jnp.zeros((0, size), dtype)
    # padded by repetition: a shorter last chunk would be compiled a second time
    parts = jnp.concatenate([index, jnp.repeat(index[-1:], -n % chunk)]).reshape(-1, chunk)

    def column(i):
        return matvec(jnp.zeros(size, dtype).at[i].set(1))

    return jax.lax.map(jax.vmap(column), parts).reshape(-1, size)[:n]


def dense(matvec: Callable, size: int, *, chunk: int = 128, dtype=None) -> jax.Array:
    """The symmetric matrix [P, P] whose product is matvec [P] -> [P]; P products.

    The symmetric part is returned: rounding makes the raw columns unsymmetric at machine precision.
    """
    raw = columns(matvec, size, jnp.arange(size), chunk=chunk, dtype=dtype)
    return (raw + raw.T) / 2
