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
from common.curvature.krylov import append, fresh, reject, splitter, unit_vector
from common.reals import at_least, reals


class Tridiagonal(NamedTuple):
    """T has diagonal alpha [m] and off-diagonal beta[:-1] [m-1]; basis [m, P] has rows q_i.

    beta[i] = |residual after step i|, so beta[-1] couples T to what was not visited.  After a
    breakdown (an invariant subspace is complete) the remaining alpha, beta and rows are zero.
    """

    alpha: jax.Array
    beta: jax.Array
    basis: jax.Array


class Eigenpairs(NamedTuple):
    """values [k], largest first; vectors [k, P], orthonormal; products spent.

    residuals [k]: |A v - lambda v| but for rounding, which adds some 10 eps |A| in that precision.
    """

    values: jax.Array
    vectors: jax.Array
    residuals: jax.Array
    matvecs: jax.Array


def lanczos(
    matvec: Callable, v0: jax.Array, steps: int, *, spare: jax.Array | None = None, sharding=None
) -> Tridiagonal:
    """`steps` Lanczos steps from v0 [P] (any length), each new vector orthogonal to all before it.

    One product a step, 4 m P further operations (8 m P where digits were lost), memory m P.  A
    breakdown ends the recurrence with zeros; with `spare`, a random vector [P], it goes on instead
    in a fresh direction (beta = 0 there), which reaches eigenvectors that v0 cannot, such as other
    copies of an eigenvalue.  Orthogonalisation has the precision of v0: give float64 (and a product
    that casts, `products.flat(…, dtype=…)`) where float32 is too coarse.  `sharding` of a vector
    [P] splits the basis over a mesh.
    """
    at_least(1, steps=steps)
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

    zero = jnp.zeros((), v0.dtype)
    basis = split(jnp.zeros((steps, v0.size), v0.dtype))
    start = split(unit_vector(v0))
    carry: Any = (basis, jnp.zeros_like(start), start, zero, zero)
    (basis, *_), (alpha, beta) = jax.lax.scan(step, carry, jnp.arange(steps))
    return Tridiagonal(alpha, beta, basis)


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
) -> Eigenpairs:
    """The k largest eigenpairs of the symmetric A [P, P], P = size, by value (or by |value|).

    At most `steps` products (whole blocks) from a random start; ends once all k residuals are
    below tol times the largest |eigenvalue| found (tol = 0: takes all steps).  Some eigenvalue lies
    within residuals[i] (and rounding) of values[i].  `hold` vectors are kept (default: 2 k + 40
    with a tol, else as many as steps); when they are full, the best half starts the next round
    (thick restart, Wu & Simon 2000).  An eigenvalue of multiplicity r shows all its copies with
    block >= r; a block is b products side by side (`together`: one batched product).  `sharding`
    as in `lanczos`.
    """
    at_least(0, size=size, steps=steps)
    if not tol >= 0:
        raise ValueError(f"tol must not be negative, but is {tol}")
    dtype = precision(dtype)
    hold, keep, restarts = _room(size, steps, k, tol, hold, block)
    first, spare = jax.random.uniform(key, (2, block, size), dtype, -1, 1)
    matvec = checked(matvec)
    images = jax.vmap(matvec) if together else lambda q: jax.lax.map(matvec, q)
    at = _Setting(k, tol, hold, keep, block, magnitude, images, splitter(sharding), spare)

    def more(carry):
        return ~carry[1].done & (carry[1].matvecs < steps)

    def fill(carry):
        return jax.lax.while_loop(
            lambda c: more(c) & (c[1].filled < hold), lambda c: _expand(at, c), carry
        )

    def again(carry):
        full = carry[1].filled >= hold
        return fill(jax.lax.cond(full, lambda c: _restart(at, c), lambda c: c, carry))

    carry = _start(at, first, dtype)
    # one loop, so that the product is compiled once
    basis, state = jax.lax.while_loop(more, again, carry) if restarts else fill(carry)
    values, small, residuals = _ritz(at, state)
    return Eigenpairs(values[:k], dot(small[:, :k].T, basis[:hold]), residuals[:k], state.matvecs)


def _room(size, steps, k, tol, hold, block) -> tuple[int, int, bool]:
    """(vectors held, vectors that a restart keeps, whether there are restarts)."""
    if hold is None:
        hold = min(steps, 2 * k + 40 * block) if tol else steps
    hold = min(hold, steps, size)
    if not 0 < k <= hold:
        raise ValueError(f"k = {k} must be between 1 and the number of vectors held, {hold}")
    if not 0 < block <= hold:
        raise ValueError(f"block = {block} must be between 1 and the vectors held, {hold}")
    restarts = steps > hold and hold < size
    if restarts and hold < k + 2 * block:
        raise ValueError(f"hold = {hold} leaves no room to restart: at least k + 2 block")
    hold = -(-hold // block) * block
    if not restarts:
        return hold, 0, False
    # whole blocks, the wanted pairs and half of the room behind them
    keep = (k + (hold - k) // 2) // block * block
    return hold, max(min(keep, hold - block), -(-k // block) * block), True


class _Setting(NamedTuple):
    """What stays the same during a call of `eigsh`."""

    k: int
    tol: float
    hold: int
    keep: int
    block: int
    magnitude: bool
    images: Callable  # [b, P] -> [b, P]
    split: Callable  # constrains vectors to their sharding
    spare: jax.Array  # [b, P], random directions


CHECK = 4  # blocks between two looks at the residuals: each costs an eigh of n x n


class _Krylov(NamedTuple):
    """What is known of A on a basis [n + b, P] of orthonormal rows, the last b visited next."""

    projected: jax.Array  # Q A Q^T [n, n] of the rows visited
    coupling: jax.Array  # [b, b]: what the last block leaves outside the basis
    alive: jax.Array  # [n + b]: rows that are no zeros
    scale: jax.Array  # largest entry of Q A Q^T so far
    filled: jax.Array  # rows visited
    matvecs: jax.Array
    done: jax.Array


def _start(at: _Setting, first: jax.Array, dtype) -> tuple[jax.Array, _Krylov]:
    """The basis with its first block, and nothing known."""
    none, zero = jnp.zeros((), int), jnp.zeros((), dtype)
    empty = jnp.zeros((at.hold + at.block, first.shape[1]), dtype)
    basis, following = append(empty, first, none, zero, at.spare)
    return at.split(basis), _Krylov(
        projected=jnp.zeros((at.hold, at.hold), dtype),
        coupling=jnp.zeros((at.block, at.block), dtype),
        alive=jnp.zeros(at.hold + at.block, bool).at[: at.block].set(_alive(following)),
        scale=zero,
        filled=none,
        matvecs=none,
        done=jnp.zeros((), bool),
    )


def _alive(rows: jax.Array) -> jax.Array:
    """Which rows are no zeros: those stand where the rows before span everything."""
    return jnp.abs(rows).max(-1) > 0


def _expand(at: _Setting, carry) -> tuple[jax.Array, _Krylov]:
    """A block of products, and the next block of the basis."""
    basis, state = carry
    count, hold, block = state.filled, at.hold, at.block
    q = jax.lax.dynamic_slice(basis, (count, 0), (block, basis.shape[1]))
    rest, overlap = reject(basis, at.split(at.images(q)))
    projected = jax.lax.dynamic_update_slice(state.projected, overlap[:hold], (0, count))
    projected = jax.lax.dynamic_update_slice(projected, overlap[:hold].T, (count, 0))
    scale = jnp.maximum(state.scale, jnp.abs(overlap).max())
    basis, following = append(basis, rest, count + block, scale, at.spare)
    state = _Krylov(
        projected=projected,
        coupling=dot(following, rest.T),
        alive=jax.lax.dynamic_update_slice(state.alive, _alive(following), (count + block,)),
        scale=scale,
        filled=count + block,
        matvecs=state.matvecs + block,
        done=state.done,
    )
    if at.tol:
        look = (state.filled % (CHECK * block) == 0) | (state.filled >= hold)
        done = jax.lax.cond(look, lambda s: _settled(at, s), lambda s: s.done, state)
        state = state._replace(done=done)
    return at.split(basis), state


def _ritz(at: _Setting, state: _Krylov) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Ritz values [n] best first, their vectors in the basis [n, n], their residuals [n]."""
    alive = state.alive[: at.hold] & (jnp.arange(at.hold) < state.filled)
    # above all Ritz values: rows that are not there
    away = jnp.where(state.scale > 0, 4 * at.hold * state.scale, 1)
    values, small = jnp.linalg.eigh(state.projected + jnp.diag(jnp.where(alive, 0.0, away)))
    there = ~(values > away / 2)  # NaN stays, and is seen
    score = jnp.where(there, jnp.abs(values) if at.magnitude else values, -jnp.inf)
    order = jnp.argsort(score)[::-1]
    last = jax.lax.dynamic_slice(small, (state.filled - at.block, 0), (at.block, at.hold))
    residuals = length(dot(state.coupling, last), axis=0)
    return jnp.where(there, values, 0)[order], small[:, order], residuals[order]


def _settled(at: _Setting, state: _Krylov) -> jax.Array:
    values, _, residuals = _ritz(at, state)
    small = jnp.all(residuals[: at.k] <= at.tol * jnp.abs(values).max())
    return (small & (state.filled >= at.k)) | ~jnp.isfinite(state.scale)


def _restart(at: _Setting, carry) -> tuple[jax.Array, _Krylov]:
    """The best Ritz vectors and the block that comes after them."""
    basis, state = carry
    values, small, _ = _ritz(at, state)
    following = basis[at.hold :]
    kept = at.split(dot(small[:, : at.keep].T, basis[: at.hold]))
    basis = at.split(jnp.zeros_like(basis).at[: at.keep].set(kept))
    alive = jnp.arange(at.hold + at.block) < at.keep
    known = jnp.diag(values[: at.keep])
    return at.split(basis.at[at.keep : at.keep + at.block].set(following)), state._replace(
        projected=jnp.zeros_like(state.projected).at[: at.keep, : at.keep].set(known),
        alive=alive.at[at.keep : at.keep + at.block].set(state.alive[at.hold :]),
        filled=jnp.asarray(at.keep),
    )
