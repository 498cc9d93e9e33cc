"""AuON (Maity 2025): updates divided by the root mean square of cosh of the normalised momentum.

The divisor is one number a tensor, R = 1 + gamma^2 / 2N + ...: singular vectors and ratios of
singular values stay.  As its code has it, with momentum b, and as its paper has it:

    optax.chain(optax.trace(b, nesterov=True), optax.scale(1 - b), scale_by_auon())
    optax.chain(optax.trace(b, nesterov=True), scale_by_auon(1.0, normalised=True))

and orthogonal.orthogonalise before it is the hybrid.  The paper's aspect factor is
orthogonal.scale_by_aspect.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from common.reals import reals, unit


def cosh_excess(g, gamma: float = 1.5) -> jax.Array:
    """R - 1, to full relative precision, where R^2 = mean cosh(gamma g / |g|)^2.  [...] -> []

    gamma^2 / 2N of N entries of about one size, at most that of a single one,
    R^2 = 1 + sinh(gamma)^2 / N; 0 for zeros and for no entries.
    Errors: ValueError for a g of no real numbers, or gamma not positive and finite.
    """
    gamma = _positive(gamma)
    g = _direction(jnp.asarray(reals("g", g, finite=False)))
    squares = jnp.sum(jnp.sinh(gamma * g) ** 2) / max(g.size, 1)  # cosh^2 = 1 + sinh^2
    return jnp.expm1(jnp.log1p(squares) / 2)


def scale_by_auon(gamma: float = 1.5, *, normalised: bool = False) -> optax.GradientTransformation:
    """Updates u / R (the authors' code), or u / |u| / R (`normalised`: their text); no state.

    The code's 1e-7 beside |u| is left out: it makes the step depend on units.
    Errors: ValueError for gamma not positive and finite.
    """
    _positive(gamma)

    def scaled(u, _):
        wide = jnp.asarray(reals("updates", u, finite=False))
        top = _direction(wide) if normalised else wide
        return (top / (1 + cosh_excess(wide, gamma))).astype(jnp.result_type(u))

    return optax.stateless_with_tree_map(scaled)


def _direction(g):
    """g / |g| of numbers of any size; zeros of zeros."""
    g = g / unit(g)
    norm = jnp.linalg.norm(g.ravel())
    return g / jnp.where(norm == 0, 1, norm)


def _positive(gamma) -> float:
    if np.ndim(gamma) or not 0 < gamma < np.inf:
        raise ValueError(f"gamma must be a positive number, not {gamma}")
    return float(gamma)
