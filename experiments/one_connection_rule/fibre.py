"""All (L, Omega) of the 3-cycle 0 -> 1 -> 2 -> 0 that have one covariance, from many starts.

Columns of I - L are orthogonal in Sigma, which gives lambda_01 by a Moebius map of lambda_20,
lambda_12 by one of lambda_01, lambda_20 by one of lambda_12: its fixed points are two.
Unknowns [6]: lambda_01, lambda_12, lambda_20, logarithms of omega.
"""

import jax
import jax.numpy as jnp
from jax import Array

HEAD, TAIL = (0, 1, 2), (1, 2, 0)
MANY = 1e8  # largest damping
FINE = 1e-10  # residual of a solution, in correlations
SAME = 1e-5  # of solutions, relative


def covariance(unknowns: Array, present: Array) -> Array:
    """present [3]: 1 where the edge is there.  -> [3, 3]"""
    lam = jnp.zeros((3, 3)).at[HEAD, TAIL].set(unknowns[:3] * present)
    T = jnp.linalg.inv(jnp.eye(3) - lam)
    return T.T @ (jnp.exp(unknowns[3:])[:, None] * T)


def starts(target: Array, u: Array) -> Array:
    """|lambda| 0.1 to 10, omega e^-3 to e times the variance.  u in [0, 1) [K, 6] -> [K, 6]"""
    v = 2 * u[:, :3] - 1
    lam = jnp.sign(v) * 10 ** (2 * abs(v) - 1)
    return jnp.concatenate([lam, jnp.log(jnp.diag(target)) + 4 * u[:, 3:] - 3], axis=1)


def solve(target: Array, start: Array, present: Array, steps: int) -> tuple[Array, Array]:
    """Levenberg-Marquardt.  target [3, 3] -> unknowns [6], largest residual in correlations"""
    deviation = jnp.sqrt(jnp.diag(target))
    i, j = jnp.triu_indices(3)

    def residual(unknowns):
        return ((covariance(unknowns, present) - target) / jnp.outer(deviation, deviation))[i, j]

    def step(state, _):
        unknowns, damping = state
        r, J = residual(unknowns), jax.jacfwd(residual)(unknowns)
        normal = J.T @ J
        scale = jnp.diag(jnp.diag(normal) + 1e-12)
        moved = unknowns - jnp.linalg.solve(normal + damping * scale, J.T @ r)
        better = jnp.sum(residual(moved) ** 2) < jnp.sum(r**2)
        damping = jnp.clip(jnp.where(better, damping / 5, damping * 3), 1e-14, MANY)
        return (jnp.where(better, moved, unknowns), damping), None

    unknowns, _ = jax.lax.scan(step, (start, jnp.array(1e-2)), length=steps)[0]
    return unknowns, abs(residual(unknowns)).max()


def distinct(solutions: Array, fine: Array) -> Array:
    """Whether a start is fine and no fine one before it has come to the same.  [K, 3] -> [K]"""
    apart = abs(solutions[:, None] - solutions).max(axis=-1)
    size = jnp.maximum(1, abs(solutions).max(axis=-1))
    same = (apart < SAME * size[:, None]) & fine[:, None] & fine
    return fine & ~jnp.tril(same, -1).any(axis=1)


def solutions(lam, noise, u, present, steps: int) -> tuple[Array, Array]:
    """Starts at which a solution is first found, and cycle products of the first two, 0 if none.

    Of the covariance at lam [3], log(0.5 + noise [3]); u in [0, 1) [K, 6].  -> bool [K], [2]
    """
    target = covariance(jnp.append(lam, jnp.log(0.5 + noise)), present)
    solved, residual = jax.vmap(lambda x: solve(target, x, present, steps))(starts(target, u))
    solved = solved[:, :3] * present
    new = distinct(solved, residual < FINE)
    first = jnp.argsort(~new)[:2]
    return new, jnp.where(new[first], solved[first].prod(axis=-1), 0)
