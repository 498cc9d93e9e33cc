"""What the randomised estimators share: their result, products side by side, a basis of a sketch.

Shapes: P side of the matrix A, n probes, k rows of a basis.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.reals import at_least, is_known, reals

# accelerators round float32 products to 8 or 10 bits unless they are told not to
dot = partial(jnp.matmul, precision="highest")


def length(v: jax.Array, axis: int | None = None) -> jax.Array:
    """The Euclidean norm, also where squares of the entries overflow or vanish."""
    if not v.size:
        return jnp.linalg.norm(v, axis=axis)
    largest = jnp.abs(v).max(axis, keepdims=True)
    largest = jnp.where(largest == 0, 1, largest)
    norm = jnp.linalg.norm(v / largest, axis=axis)
    return norm * largest.reshape(norm.shape)


class Estimate(NamedTuple):
    """A random estimate, its standard error (same shape), and the products with A it took.

    The error is infinite where it is unknown (one probe), and never below 8 eps times the sum of
    magnitudes that were added up: what rounding may add where the estimate is exact otherwise.
    """

    estimate: jax.Array
    error: jax.Array
    matvecs: int


def estimate(value: jax.Array, error: jax.Array, matvecs: int, summed=0.0) -> Estimate:
    """The Estimate, in the dtype of value; summed, the magnitudes that were added up.

    Errors: ValueError for a value that is not finite.

    Under jit and vmap, which cannot raise, it becomes nan with an infinite error.
    """
    finite = jnp.isfinite(value)
    if is_known(finite) and not finite.all():
        raise ValueError("a product with the matrix is not finite: no estimate")
    error = jnp.maximum(error, rounding(summed, value.dtype))
    error = jnp.where(finite & ~jnp.isnan(error), error, jnp.inf).astype(value.dtype)
    return Estimate(jnp.where(finite, value, jnp.nan), error, matvecs)


def rounding(summed, dtype):
    """What rounding may add to a sum whose terms have these magnitudes together: 8 eps of them."""
    return 8 * float(jnp.finfo(dtype).eps) * summed


def standard_error(samples):
    """Of the mean of independent samples [n], NumPy or JAX -> []; infinite for one."""
    xp = np if isinstance(samples, np.ndarray) else jnp
    n = len(samples)
    if n < 2:
        return xp.full((), xp.inf, samples.dtype)
    scale = xp.abs(samples).max()
    scale = xp.where(scale > 0, scale, 1)  # squares of small numbers vanish in float32
    return scale * xp.std(samples / scale, ddof=1) / np.sqrt(n)


def checked(matvec: Callable) -> Callable:
    """matvec [P] -> [P] in the dtype of v.

    Errors: ValueError, while tracing, for an image of another shape or of complex numbers.
    """

    def product(v):
        image = reals("matvec(v)", jnp.asarray(matvec(v)), finite=False)
        shapes.like("matvec(v)", image, "v", v)
        return image.astype(v.dtype)

    return product


def precision(dtype) -> jnp.dtype:
    """The dtype asked for (None: JAX's default), which has the digits for sums and eigenvalues.

    Errors: ValueError for integers, complex numbers and 16 bits.
    """
    found = jax.dtypes.canonicalize_dtype(float if dtype is None else dtype)
    if found not in (jnp.float32, jnp.float64):
        raise ValueError(
            f"dtype must be float32 or float64, not {found}: cast inside the product, "
            "as products.flat(..., dtype=) does"
        )
    return found


def images(matvec: Callable, rows: jax.Array, together: int = 1) -> jax.Array:
    """A times every row.  rows [n, P] -> [n, P]; `together` products run side by side by vmap."""
    at_least(1, together=together)
    return jax.lax.map(matvec, rows, batch_size=together if together > 1 else None)


def orthonormal(rows: jax.Array, basis: jax.Array | None = None) -> jax.Array:
    """Orthonormal rows with the span of `rows`, and orthogonal to `basis`.  [n, P] -> [n, P]

    Gram and Schmidt, each row twice, which keeps orthogonality to rounding.  A row that adds
    nothing to those before it and to basis [k, P] (beyond 100 eps of its length) comes out zero.
    """
    k = 0 if basis is None else len(basis)
    found = jnp.zeros((k + len(rows), rows.shape[1]), rows.dtype)
    if basis is not None:
        found = found.at[:k].set(basis)

    def step(found, i):
        largest = jnp.abs(rows[i]).max()
        rest = rows[i] / jnp.where(largest > 0, largest, 1)
        length = jnp.linalg.norm(rest)
        for _ in range(2):
            rest = rest - dot(dot(found, rest), found)
        norm = jnp.linalg.norm(rest)
        spanned = norm <= 100 * jnp.finfo(rows.dtype).eps * length
        rest = jnp.where(spanned, 0, rest / jnp.where(spanned, 1, norm))
        return found.at[k + i].set(rest), None

    return jax.lax.scan(step, found, jnp.arange(len(rows)))[0][k:]
