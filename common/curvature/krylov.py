"""Vectors made orthogonal to a growing basis, which may be split over a mesh.

Shapes: P entries of a vector, n rows of the basis, b vectors a block.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from common.curvature.estimate import dot, length


def reject(basis: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array]:
    """v [..., P] minus its part in the rows of basis [n, P], and the coefficients [n, ...].

    A second time where the first took most of v: what is left has then lost digits (Kahan's "twice
    is enough"; the factor is that of Daniel, Gragg, Kaufman & Stewart 1976).
    """
    if v.ndim == 2 and len(v) == 1:  # products with a vector, which are faster than with [P, 1]
        rest, overlap = reject(basis, v[0])
        return rest[None], overlap[:, None]
    overlap = dot(basis, v.T)
    once = v - dot(overlap.T, basis)

    def again():
        more = dot(basis, once.T)
        return once - dot(more.T, basis), overlap + more

    lost = jnp.any(length(once, axis=-1) < 0.7 * length(v, axis=-1))
    return jax.lax.cond(lost, again, lambda: (once, overlap))


def append(basis, rest, at, scale, spare) -> tuple[jax.Array, jax.Array]:
    """The basis with rows at, at + 1, … that span what rest [b, P] adds to it; those rows [b, P].

    rest is orthogonal to the basis already.  Random directions where it adds only rounding.
    """
    rows: list[jax.Array] = []
    for v, other in zip(rest, spare, strict=True):
        if rows:
            v, _ = reject(jnp.stack(rows), v)
        norm = length(v)
        broke = norm <= 10 * jnp.finfo(v.dtype).eps * scale
        unit = v / jnp.where(broke, 1, norm)
        row = jax.lax.cond(
            broke,
            lambda held, u, o: fresh(jnp.roll(o, at), held),
            lambda held, u, o: u,
            *(basis, unit, other),
        )
        basis = jax.lax.dynamic_update_slice(basis, row[None], (at + len(rows), 0))
        rows.append(row)
    return basis, jnp.stack(rows)


def unit_vector(v: jax.Array) -> jax.Array:
    """v [P] of length 1; zero stays zero."""
    norm = length(v)
    return jnp.where(norm > 0, v / jnp.where(norm > 0, norm, 1), 0)


def fresh(v: jax.Array, basis: jax.Array) -> jax.Array:
    """The unit vector along what v adds to the rows of basis; zero when they span everything."""
    rest, _ = reject(basis, unit_vector(v))
    norm = jnp.linalg.norm(rest)
    spanned = norm <= 1e3 * jnp.finfo(v.dtype).eps
    return jnp.where(spanned, 0, reject(basis, rest / jnp.where(spanned, 1, norm))[0])


def splitter(sharding) -> Callable:
    """Constrains vectors [P] or stacks of them [., P] to the sharding of a vector."""
    if sharding is None:
        return lambda x: x

    def split(x):
        lead = (None,) * (x.ndim - 1)
        spec = jax.sharding.PartitionSpec(*lead, *sharding.spec)
        return jax.lax.with_sharding_constraint(x, jax.sharding.NamedSharding(sharding.mesh, spec))

    return split
