"""Krylov methods with full reorthogonalisation: the tridiagonal matrix, and leading eigenpairs.

A Q^T = Q^T T + beta_m q_{m+1} e_m^T: rows of Q orthonormal, T tridiagonal (Golub & Van Loan, 10.1).

Shapes: P side of the symmetric matrix A, m steps, k eigenpairs, n vectors held, b vectors a block.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common import shapes
from common.curvature.estimate import checked, dot, length, precision
from common.curvature.krylov import fresh, reject, splitter, unit_vector
from common.curvature.restarted import Restarted, Setting, advance, ritz, room, start
from common.reals import at_least, reals


class Tridiagonal(NamedTuple):
    """T has diagonal alpha [m] and off-diagonal beta[:-1] [m-1]; basis [m, P] has rows q_i.

    beta[i] = |residual after step i|, so beta[-1] couples T to what was not visited.  After a
    breakdown (an invariant subspace is complete) the remaining alpha, beta and rows are zero.
    """

    alpha: jax.Array
    beta: jax.Array
    basis: jax.Array


class Recurrence(NamedTuple):
    """What is known after the first j of m steps.

    T's alpha and beta [j], basis [m, P] (zero from row j on), the vector that comes next [P] and
    the size of A seen so far [].
    """

    alpha: jax.Array
    beta: jax.Array
    basis: jax.Array
    following: jax.Array
    scale: jax.Array


class Eigenpairs(NamedTuple):
    """values [k], largest first; vectors [k, P], orthonormal; products spent.

    residuals [k]: |A v - lambda v| but for rounding, which adds some 10 eps |A| in that precision.
    """

    values: jax.Array
    vectors: jax.Array
    residuals: jax.Array
    matvecs: jax.Array


def lanczos(
    matvec: Callable,
    v0: jax.Array,
    steps: int,
    *,
    spare: jax.Array | None = None,
    sharding=None,
    state: Recurrence | None = None,
) -> Tridiagonal:
    """`steps` Lanczos steps from v0 [P] (any length), each new vector orthogonal to all before it.

    One product a step, 4 m P further operations (8 m P where digits were lost), memory m P.  A
    breakdown ends the recurrence with zeros; with `spare`, a random vector [P], it goes on instead
    in a fresh direction (beta = 0 there), which reaches eigenvectors that v0 cannot, such as other
    copies of an eigenvalue.  Orthogonalisation has the precision of v0: give float64 (and a product
    that casts, `products.flat(…, dtype=…)`) where float32 is too coarse.  `sharding` of a vector
    [P] splits the basis over a mesh.  `state` of `lanczos_part` goes on from there.
    """
    options: dict[str, Any] = {"spare": spare, "sharding": sharding, "state": state}
    alpha, beta, basis, *_ = lanczos_part(matvec, v0, steps, stop=steps, **options)
    return Tridiagonal(alpha, beta, basis)


def lanczos_part(
    matvec: Callable,
    v0: jax.Array,
    steps: int,
    *,
    stop: int,
    spare: jax.Array | None = None,
    sharding=None,
    state: Recurrence | None = None,
) -> Recurrence:
    """The first `stop` steps of `lanczos`, which takes the others to the same bits (state=).

    The other arguments are those of the whole; a state goes on to a further stop.
    """
    at_least(1, steps=steps)
    at_least(0 if state is None else len(state.alpha), stop=stop)
    if stop > steps:
        raise ValueError(f"stop = {stop} must not exceed steps = {steps}")
    v0 = _start_vector("v0", v0)
    if spare is not None:
        spare = _start_vector("spare", spare)
        shapes.like("spare", spare, "v0", v0)
    matvec, eps = checked(matvec), jnp.finfo(v0.dtype).eps
    split = splitter(sharding)

    def step(carry, i):
        basis, before, q, coupling, scale = carry
        basis = split(basis.at[i].set(q))
        image = split(matvec(q))
        alpha = dot(q, image)
        rest, _ = reject(basis, image - alpha * q - coupling * before)
        beta = length(rest)
        scale = jnp.maximum(scale, jnp.abs(alpha) + beta)
        # 10 eps |A| is what rounding leaves of a residual that is exactly zero
        broke = beta <= 10 * eps * scale
        following = jnp.where(broke, 0, rest / jnp.where(broke, 1, beta))
        if spare is not None:  # rolled: another direction every time, without random bits in a loop
            following = jax.lax.cond(
                broke, lambda: fresh(jnp.roll(spare, i), basis), lambda: following
            )
        beta = jnp.where(broke, 0, beta)
        return (basis, q, following, beta, scale), (alpha, beta)

    if state is None:
        none, zero = jnp.zeros(0, v0.dtype), jnp.zeros((), v0.dtype)
        basis = split(jnp.zeros((steps, v0.size), v0.dtype))
        state = Recurrence(none, none, basis, split(unit_vector(v0)), zero)
    shapes.check("state.basis", state.basis, f"{steps} {v0.size}")
    taken, q = len(state.alpha), state.following
    before = state.basis[taken - 1] if taken else jnp.zeros_like(q)
    coupling = state.beta[-1] if taken else state.scale
    carry: Any = (state.basis, before, q, coupling, state.scale)
    (basis, _, q, _, scale), new = jax.lax.scan(step, carry, jnp.arange(taken, stop))
    alpha, beta = (jnp.concatenate(pair) for pair in zip(state[:2], new, strict=True))
    return Recurrence(alpha, beta, basis, q, scale)


def _start_vector(name: str, v) -> jax.Array:
    """Real, finite, [P], in one of the precisions that Krylov methods have."""
    v = jnp.asarray(reals(name, v))
    shapes.check(name, v, "P")
    at_least(1, **{f"the size of {name}": v.size})
    return v


def tridiagonal(alpha: jax.Array, beta: jax.Array) -> jax.Array:
    """The matrix T [m, m] of `lanczos`."""
    shapes.check("beta", beta, "m", shapes.check("alpha", alpha, "m"))
    off = beta[:-1]
    return jnp.diag(alpha) + jnp.diag(off, 1) + jnp.diag(off, -1)


def eigsh(
    key: jax.Array,
    matvec: Callable,
    size: int,
    *,
    steps: int,
    k: int,
    tol: float = 0.0,
    hold: int | None = None,
    block: int = 1,
    together: bool = False,
    magnitude: bool = False,
    dtype=None,
    sharding=None,
    state: Restarted | None = None,
) -> Eigenpairs:
    """The k largest eigenpairs of the symmetric A [P, P], P = size, by value (or by |value|).

    At most `steps` products (whole blocks) from a random start; ends once all k residuals are
    below tol times the largest |eigenvalue| found (tol = 0: takes all steps).  Some eigenvalue lies
    within residuals[i] (and rounding) of values[i].  `hold` vectors are kept (default: 2 k + 40
    with a tol, else as many as steps); when they are full, the best half starts the next round
    (thick restart, Wu & Simon 2000).  An eigenvalue of multiplicity r shows all its copies with
    block >= r; a block is b products side by side (`together`: one batched product).  `sharding`
    as in `lanczos`.  `state` of `eigsh_part` goes on from there.
    """
    options: dict[str, Any] = {
        "tol": tol,
        "hold": hold,
        "block": block,
        "together": together,
        "magnitude": magnitude,
        "dtype": dtype,
        "sharding": sharding,
        "state": state,
    }
    basis, krylov = eigsh_part(key, matvec, size, stop=steps, steps=steps, k=k, **options)
    values, small, residuals = ritz(krylov, magnitude)
    vectors = dot(small[:, :k].T, basis[: len(small)])
    return Eigenpairs(values[:k], vectors, residuals[:k], krylov.matvecs)


def eigsh_part(
    key: jax.Array,
    matvec: Callable,
    size: int,
    *,
    stop: int,
    steps: int,
    k: int,
    tol: float = 0.0,
    hold: int | None = None,
    block: int = 1,
    together: bool = False,
    magnitude: bool = False,
    dtype=None,
    sharding=None,
    state: Restarted | None = None,
) -> Restarted:
    """What `eigsh` knows once it has spent `stop` products; it goes on to the same bits (state=).

    The other arguments are those of the whole; a state goes on to a further stop.
    """
    at_least(0, size=size, steps=steps, stop=stop)
    if not tol >= 0:
        raise ValueError(f"tol must not be negative, but is {tol}")
    dtype = precision(dtype)
    hold, keep, restarts = room(size, steps, k, tol, hold, block)
    first, spare = jax.random.uniform(key, (2, block, size), dtype, -1, 1)
    matvec = checked(matvec)
    images = jax.vmap(matvec) if together else lambda q: jax.lax.map(matvec, q)
    at = Setting(k, tol, hold, keep, block, magnitude, images, splitter(sharding), spare)
    carry = start(at, first, dtype) if state is None else tuple(state)
    return Restarted(*advance(at, carry, min(stop, steps), restarts))
