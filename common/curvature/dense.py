"""Exact matrices from products with identity columns, a chunk of columns at a time.

Shapes: P side of the matrix, n columns asked for.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from common import shapes
from common.curvature.estimate import checked
from common.reals import at_least, is_known


def columns(
    matvec: Callable, size: int, index: jax.Array, *, chunk: int = 128, dtype=None
) -> jax.Array:
    """The columns `index` of the matrix, as rows: index [n] of ints in [0, P) -> [n, P].

    Cost: n products, `chunk` of them at once by vmap (memory of `chunk` products).  Devices that
    hold different parts of `index` share the work of one matrix.
    Errors: ValueError where dtype is not real, or index names no column.
    """
    shapes.check("index", index, "n")
    at_least(1, chunk=chunk)
    at_least(0, size=size)
    dtype = jnp.result_type(float) if dtype is None else jnp.dtype(dtype)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"dtype must be one of real floating-point numbers, not {dtype}")
    if not jnp.issubdtype(index.dtype, jnp.integer) or (
        is_known(index) and bool(((index < 0) | (index >= size)).any())
    ):
        raise ValueError(f"index must hold integers from 0 to {size - 1}")
    matvec, n, chunk = checked(matvec), len(index), min(chunk, len(index))
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
    return raw / 2 + raw.T / 2  # the sum may be larger than any number
