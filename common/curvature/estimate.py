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

# accelerators round float32 products to 8 or 10 bits unless they are told not to
dot = partial(jnp.matmul, precision="highest")


def length(v: jax.Array, axis: int | None = None) -> jax.Array:
    """The Euclidean norm, also where squares of the entries overflow or vanish."""
    largest = jnp.abs(v).max(axis, keepdims=True)
    largest = jnp.where(largest == 0, 1, largest)
    norm = jnp.linalg.norm(v / largest, axis=axis)
    return norm * largest.reshape(norm.shape)


class Estimate(NamedTuple):
    """A random estimate, its standard error (same shape), and the products with A it took.

    The error is infinite where it is unknown (one probe) and 0 where the estimate is exact.
    """

    estimate: jax.Array
    error: jax.Array
    matvecs: int


def estimate(value: jax.Array, error: jax.Array, matvecs: int) -> Estimate:
    """The Estimate, in the dtype of value.  A value that is not finite raises a ValueError.

    Under jit and vmap, which cannot raise, it becomes nan with an infinite error.
    """
    finite = jnp.isfinite(value)
    if not isinstance(finite, jax.core.Tracer) and not finite.all():
        raise ValueError("a product with the matrix is not finite: no estimate")
    error = jnp.where(finite & ~jnp.isnan(error), error, jnp.inf).astype(value.dtype)
    return Estimate(jnp.where(finite, value, jnp.nan), error, matvecs)


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
    """matvec [P] -> [P], refusing an image of another shape.  Errors: ValueError, while tracing."""

    def product(v):
        image = matvec(v)
        shapes.like("matvec(v)", image, "v", v)
        return image

    return product


def images(matvec: Callable, rows: jax.Array, together: int = 1) -> jax.Array:
    """A times every row.  rows [n, P] -> [n, P]; `together` products run side by side by vmap."""
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
