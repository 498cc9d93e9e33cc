"""Lanczos tridiagonalisation with full reorthogonalisation, and the eigenpairs read from it.

A Q^T = Q^T T + beta_m q_{m+1} e_m^T: rows of Q orthonormal, T tridiagonal (Golub & Van Loan, 10.1).

Shapes: P side of the symmetric matrix A, m steps, k eigenpairs.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp


class Tridiagonal(NamedTuple):
    """T has diagonal alpha [m] and off-diagonal beta[:-1] [m-1]; basis [m, P] has rows q_i.

    beta[i] = |residual after step i|, so beta[-1] couples T to what was not visited.  After a
    breakdown (an invariant subspace is complete) the remaining alpha, beta and rows are zero.
    """

    alpha: jax.Array
    beta: jax.Array
    basis: jax.Array


class Eigenpairs(NamedTuple):
    """values [k], largest first; vectors [k, P], orthonormal; residuals [k] = |A v - lambda v|."""

    values: jax.Array
    vectors: jax.Array
    residuals: jax.Array


def lanczos(
    matvec: Callable, v0: jax.Array, steps: int, *, spare: jax.Array | None = None
) -> Tridiagonal:
    """`steps` Lanczos steps from v0 [P] (any length), each new vector orthogonalised twice.

    One product a step, 8 m P further operations, memory m P.  A breakdown ends the recurrence with
    zeros; with `spare`, a random vector [P], it goes on instead in a fresh direction (beta = 0
    there), which reaches eigenvectors that v0 cannot, such as other copies of an eigenvalue.
    """
    eps = jnp.finfo(v0.dtype).eps
    norm0 = jnp.linalg.norm(v0)
    start = jnp.where(norm0 > 0, v0 / jnp.where(norm0 > 0, norm0, 1), 0)

    def step(carry, i):
        basis, q, scale = carry
        basis = basis.at[i].set(q)
        image = matvec(q)
        alpha = q @ image
        rest = _reject(basis, image - alpha * q)
        beta = jnp.linalg.norm(rest)
        scale = jnp.maximum(scale, jnp.abs(alpha) + beta)
        # 10 eps |A| is what rounding leaves of a residual that is exactly zero
        broke = beta <= 10 * eps * scale
        q = jnp.where(broke, 0, rest / jnp.where(broke, 1, beta))
        if spare is not None:  # rolled: another direction every time, without random bits in a loop
            q = jax.lax.cond(broke, lambda: _fresh(jnp.roll(spare, i), basis), lambda: q)
        return (basis, q, scale), (alpha, jnp.where(broke, 0, beta))

    carry = (jnp.zeros((steps, v0.size), v0.dtype), start, jnp.zeros((), v0.dtype))
    (basis, _, _), (alpha, beta) = jax.lax.scan(step, carry, jnp.arange(steps))
    return Tridiagonal(alpha, beta, basis)


def eigsh(
    key: jax.Array,
    matvec: Callable,
    size: int,
    *,
    steps: int,
    k: int,
    magnitude: bool = False,
    dtype=None,
) -> Eigenpairs:
    """The k largest eigenpairs of the symmetric A [P, P], P = size, by value (or by |value|).

    `steps` products from a random start; take steps of 2 k + 20 and more, and look at the
    residuals: some eigenvalue lies within residuals[i] (and rounding) of values[i].  An eigenvalue
    that is repeated exactly is found once, until `steps` exhausts what one start can reach.
    """
    steps = min(steps, size)
    if not 0 < k <= steps:
        raise ValueError(f"k = {k} must be between 1 and the number of steps, {steps}")
    dtype = jnp.result_type(float) if dtype is None else dtype
    start, spare = jax.random.uniform(key, (2, size), dtype, -1, 1)
    alpha, beta, basis = lanczos(matvec, start, steps, spare=spare)
    values, small = jnp.linalg.eigh(tridiagonal(alpha, beta))
    order = jnp.argsort(jnp.abs(values)) if magnitude else jnp.arange(steps)  # eigh sorts by value
    best = order[::-1][:k]
    vectors = small[:, best].T @ basis
    # |A v - lambda v| follows from the recurrence, without further products
    residuals = beta[-1] * jnp.abs(small[-1, best])
    return Eigenpairs(values[best], vectors, residuals)


def tridiagonal(alpha: jax.Array, beta: jax.Array) -> jax.Array:
    """The matrix T [m, m] of `lanczos`."""
    off = beta[:-1]
    return jnp.diag(alpha) + jnp.diag(off, 1) + jnp.diag(off, -1)


def _reject(basis: jax.Array, v: jax.Array) -> jax.Array:
    """v minus its part in the rows of basis; twice, since once loses half the digits (Kahan)."""
    for _ in range(2):
        v = v - (basis @ v) @ basis
    return v


def _fresh(v: jax.Array, basis: jax.Array) -> jax.Array:
    """The unit vector along what v adds to the rows of basis; zero when they span everything."""
    rest = _reject(basis, v / jnp.linalg.norm(v))
    norm = jnp.linalg.norm(rest)
    spanned = norm <= 1e3 * jnp.finfo(v.dtype).eps
    return jnp.where(spanned, 0, _reject(basis, rest / jnp.where(spanned, 1, norm)))
