"""All (L, Omega) of the 3-cycle 0 -> 1 -> 2 -> 0 that have one covariance, from many starts.

phi(L, Omega) = Sigma if and only if the columns of I - L are orthogonal in Sigma, Omega their
squares: three equations in L. They give lambda_01 by a Moebius map of lambda_20, lambda_12 by one
of lambda_01, lambda_20 by one of lambda_12: its fixed points are two. Scales of the variables do
not change the product of the cycle, so Sigma is a correlation matrix here.
Unknowns lam [3]: lambda_01, lambda_12, lambda_20.
"""

import jax
import jax.numpy as jnp
from jax import Array

HEAD, TAIL = (0, 1, 2), (1, 2, 0)
FINE = 1e-10  # difference of a solution's correlations
SAME = 1e-5  # of solutions, relative
LEAST, MOST = 1e-14, 1e8  # damping


def covariance(lam: Array, omega: Array) -> Array:
    """(I - L)^-1 = (I + L + L^2) / (1 - c), as L^3 = c I, c the cycle product.  -> [3, 3]"""
    edges = jnp.zeros((3, 3)).at[HEAD, TAIL].set(lam)
    T = (jnp.eye(3) + edges + edges @ edges) / (1 - lam.prod())
    return T.T @ (omega[:, None] * T)


def starts(u: Array) -> Array:
    """Either sign, 0.1 to 10.  u in [0, 1)"""
    v = 2 * u - 1
    return jnp.sign(v) * 10 ** (2 * abs(v) - 1)


def products(target: Array, lam: Array) -> Array:
    """(I - L)^T Sigma (I - L).  -> [3, 3]"""
    error = jnp.eye(3).at[HEAD, TAIL].add(-lam)
    return error.T @ target @ error


def solve(target: Array, start: Array, present: Array, steps: int) -> tuple[Array, Array]:
    """Levenberg-Marquardt.  target [3, 3] -> lam [3], largest |phi(lam, omega) - target|

    present [3]: 1 where the edge is there.
    """

    def residual(lam):
        return products(target, lam * present)[HEAD, TAIL]

    def step(state, _):
        lam, damping = state
        r, J = residual(lam), jax.jacfwd(residual)(lam)
        normal = J.T @ J
        scale = jnp.diag(jnp.diag(normal) + 1e-12)
        moved = lam - jnp.linalg.solve(normal + damping * scale, J.T @ r)
        better = jnp.sum(residual(moved) ** 2) < jnp.sum(r**2)
        damping = jnp.clip(jnp.where(better, damping / 5, damping * 3), LEAST, MOST)
        return (jnp.where(better, moved, lam), damping), None

    lam, _ = jax.lax.scan(step, (start, jnp.array(1e-2)), length=steps)[0]
    lam = lam * present
    omega = jnp.diag(products(target, lam))
    return lam, abs(covariance(lam, omega) - target).max()


def distinct(solutions: Array, fine: Array) -> Array:
    """Whether a start is fine and no fine one before it has come to the same.  [K, 3] -> [K]"""
    apart = abs(solutions[:, None] - solutions).max(axis=-1)
    size = jnp.maximum(1, abs(solutions).max(axis=-1))
    same = (apart < SAME * size[:, None]) & fine[:, None] & fine
    return fine & ~jnp.tril(same, -1).any(axis=1)


def solutions(lam, omega, u, present, steps: int) -> tuple[Array, Array]:
    """Starts at which a solution is first found, and cycle products of the first two, 0 if none.

    Of the covariance at lam [3], omega [3]; u in [0, 1) [K, 3].  -> bool [K], [2]
    """
    sigma = covariance(lam, omega)
    deviation = jnp.sqrt(jnp.diag(sigma))
    target = sigma / jnp.outer(deviation, deviation)
    solved, residual = jax.vmap(lambda x: solve(target, x, present, steps))(starts(u))
    new = distinct(solved, residual < FINE)
    first = jnp.argsort(~new)[:2]
    return new, jnp.where(new[first], solved[first].prod(axis=-1), 0)
