"""Gradients without the part that merely rescales the weights (Prieto et al. 2025, `perp-Grad`).

Before any optimiser: optax.chain(orthograd(), optax.adamw(...)).
"""

import jax
import jax.numpy as jnp
import optax

from common import shapes
from common.reals import real_arrays, unit


def perpendicular(g, w) -> jax.Array:
    """The part of g perpendicular to w, as long as g.  [...], [...] -> [...]

    g where w is 0; 0 where nothing but rounding of g is perpendicular to w, as for single numbers
    (the authors' code lengthens that rounding to |g|).
    Errors: ValueError for shapes that differ, or no real numbers.
    """
    g, w = real_arrays(g=g, w=w)
    shapes.like("g", g, "w", w)
    size = unit(g)
    u, v = g / size, w / unit(w)
    squares = jnp.vdot(v, v)
    squares = jnp.where(squares == 0, 1, squares)
    rest = u - jnp.vdot(v, u) / squares * v
    rest = rest - jnp.vdot(v, rest) / squares * v  # once more: where little is left of u
    before, after = jnp.linalg.norm(u.ravel()), jnp.linalg.norm(rest.ravel())
    rounding = after <= 10 * jnp.finfo(rest.dtype).eps * before
    return size * rest * jnp.where(rounding, 0, before / jnp.where(rounding, 1, after))


def orthograd() -> optax.GradientTransformation:
    """Updates made `perpendicular` to the parameters, every tensor by itself; no state.

    The step of a base optimiser that comes after it (Adam) need not be perpendicular.
    Errors: ValueError where update is called without params.
    """

    def update(updates, params):
        if params is None:
            raise ValueError("params must be given to update, for orthograd")
        return jax.tree.map(
            lambda u, w: perpendicular(u, w).astype(jnp.result_type(u)), updates, params
        )

    return optax.stateless(update)
