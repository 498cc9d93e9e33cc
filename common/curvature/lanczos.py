"""Krylov methods with full reorthogonalisation: the tridiagonal matrix, and leading eigenpairs.

A Q^T = Q^T T + beta_m q_{m+1} e_m^T: rows of Q orthonormal, T tridiagonal (Golub & Van Loan, 10.1).

Shapes: P side of the symmetric matrix A, m steps, k eigenpairs, n vectors held, b vectors a block.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common.curvature.estimate import dot, length


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
    eps = jnp.finfo(v0.dtype).eps
    split = _splitter(sharding)

    def step(carry, i):
        basis, before, q, coupling, scale = carry
        basis = split(basis.at[i].set(q))
        image = split(matvec(q))
        alpha = dot(q, image)
        rest, _ = _reject(basis, image - alpha * q - coupling * before)
        beta = length(rest)
        scale = jnp.maximum(scale, jnp.abs(alpha) + beta)
        # 10 eps |A| is what rounding leaves of a residual that is exactly zero
        broke = beta <= 10 * eps * scale
        following = jnp.where(broke, 0, rest / jnp.where(broke, 1, beta))
        if spare is not None:  # rolled: another direction every time, without random bits in a loop
            following = jax.lax.cond(
                broke, lambda: _fresh(jnp.roll(spare, i), basis), lambda: following
            )
        beta = jnp.where(broke, 0, beta)
        return (basis, q, following, beta, scale), (alpha, beta)

    zero = jnp.zeros((), v0.dtype)
    basis = split(jnp.zeros((steps, v0.size), v0.dtype))
    start = split(_unit(v0))
    carry: Any = (basis, jnp.zeros_like(start), start, zero, zero)
    (basis, *_), (alpha, beta) = jax.lax.scan(step, carry, jnp.arange(steps))
    return Tridiagonal(alpha, beta, basis)


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
    dtype = jnp.result_type(float) if dtype is None else dtype
    hold = -(-hold // block) * block
    split = _splitter(sharding)
    # what a restart keeps: whole blocks, the wanted pairs and half of the room behind them
    keep = (k + (hold - k) // 2) // block * block if restarts else 0
    keep = max(min(keep, hold - block), -(-k // block) * block) if restarts else 0
    first, spare = jax.random.uniform(key, (2, block, size), dtype, -1, 1)
    images = jax.vmap(matvec) if together else lambda q: jax.lax.map(matvec, q)

    def expand(carry):
        basis, state = carry
        count = state.filled
        q = jax.lax.dynamic_slice(basis, (count, 0), (block, size))
        rest, overlap = _reject(basis, split(images(q)))
        projected = jax.lax.dynamic_update_slice(state.projected, overlap[:hold], (0, count))
        projected = jax.lax.dynamic_update_slice(projected, overlap[:hold].T, (count, 0))
        scale = jnp.maximum(state.scale, jnp.abs(overlap).max())
        basis, following = _append(basis, rest, count + block, scale, spare)
        state = _Krylov(
            projected=projected,
            coupling=dot(following, rest.T),
            alive=jax.lax.dynamic_update_slice(state.alive, _alive(following), (count + block,)),
            scale=scale,
            filled=count + block,
            matvecs=state.matvecs + block,
            done=state.done,
        )
        if tol:
            look = (state.filled % (CHECK * block) == 0) | (state.filled >= hold)
            done = jax.lax.cond(look, settled, lambda s: s.done, state)
            state = state._replace(done=done)
        return split(basis), state

    def ritz(state: _Krylov):
        """Ritz values [n] best first, their vectors in the basis [n, n], their residuals [n]."""
        alive = state.alive[:hold] & (jnp.arange(hold) < state.filled)
        # above all Ritz values: rows that are not there
        away = jnp.where(state.scale > 0, 4 * hold * state.scale, 1)
        values, small = jnp.linalg.eigh(state.projected + jnp.diag(jnp.where(alive, 0.0, away)))
        there = ~(values > away / 2)  # NaN stays, and is seen
        score = jnp.where(there, jnp.abs(values) if magnitude else values, -jnp.inf)
        order = jnp.argsort(score)[::-1]
        last = jax.lax.dynamic_slice(small, (state.filled - block, 0), (block, hold))
        residuals = length(dot(state.coupling, last), axis=0)
        return jnp.where(there, values, 0)[order], small[:, order], residuals[order]

    def settled(state: _Krylov) -> jax.Array:
        values, _, residuals = ritz(state)
        converged = jnp.all(residuals[:k] <= tol * jnp.abs(values).max()) & (state.filled >= k)
        return converged | ~jnp.isfinite(state.scale)

    def restart(carry):
        basis, state = carry
        values, small, _ = ritz(state)
        following = basis[hold:]
        kept = split(dot(small[:, :keep].T, basis[:hold]))
        basis = split(jnp.zeros_like(basis).at[:keep].set(kept))
        alive = jnp.arange(hold + block) < keep
        return split(basis.at[keep : keep + block].set(following)), state._replace(
            projected=jnp.zeros_like(state.projected).at[:keep, :keep].set(jnp.diag(values[:keep])),
            alive=alive.at[keep : keep + block].set(state.alive[hold:]),
            filled=jnp.asarray(keep),
        )

    def more(carry):
        return ~carry[1].done & (carry[1].matvecs < steps)

    def fill(carry):
        return jax.lax.while_loop(lambda c: more(c) & (c[1].filled < hold), expand, carry)

    none, zero = jnp.zeros((), int), jnp.zeros((), dtype)
    basis, following = _append(jnp.zeros((hold + block, size), dtype), first, none, zero, spare)
    state = _Krylov(
        projected=jnp.zeros((hold, hold), dtype),
        coupling=jnp.zeros((block, block), dtype),
        alive=jnp.zeros(hold + block, bool).at[:block].set(_alive(following)),
        scale=zero,
        filled=none,
        matvecs=none,
        done=jnp.zeros((), bool),
    )
    carry = split(basis), state
    if restarts:  # one loop, so that the product is compiled once
        again = lambda c: fill(jax.lax.cond(c[1].filled >= hold, restart, lambda c: c, c))  # noqa: E731
        basis, state = jax.lax.while_loop(more, again, carry)
    else:
        basis, state = fill(carry)
    values, small, residuals = ritz(state)
    return Eigenpairs(values[:k], dot(small[:, :k].T, basis[:hold]), residuals[:k], state.matvecs)


def _alive(rows: jax.Array) -> jax.Array:
    """Which rows are no zeros: those stand where the rows before span everything."""
    return jnp.abs(rows).max(-1) > 0


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


def tridiagonal(alpha: jax.Array, beta: jax.Array) -> jax.Array:
    """The matrix T [m, m] of `lanczos`."""
    off = beta[:-1]
    return jnp.diag(alpha) + jnp.diag(off, 1) + jnp.diag(off, -1)


def _reject(basis: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array]:
    """v [..., P] minus its part in the rows of basis [n, P], and the coefficients [n, ...].

    A second time where the first took most of v: what is left has then lost digits (Kahan's "twice
    is enough"; the factor is that of Daniel, Gragg, Kaufman & Stewart 1976).
    """
    if v.ndim == 2 and len(v) == 1:  # products with a vector, which are faster than with [P, 1]
        rest, overlap = _reject(basis, v[0])
        return rest[None], overlap[:, None]
    overlap = dot(basis, v.T)
    once = v - dot(overlap.T, basis)

    def again():
        more = dot(basis, once.T)
        return once - dot(more.T, basis), overlap + more

    lost = jnp.any(length(once, axis=-1) < 0.7 * length(v, axis=-1))
    return jax.lax.cond(lost, again, lambda: (once, overlap))


def _append(basis, rest, at, scale, spare) -> tuple[jax.Array, jax.Array]:
    """The basis with rows at, at + 1, … that span what rest [b, P] adds to it; those rows [b, P].

    rest is orthogonal to the basis already.  Random directions where it adds only rounding.
    """
    rows: list[jax.Array] = []
    for v, other in zip(rest, spare, strict=True):
        if rows:
            v, _ = _reject(jnp.stack(rows), v)
        norm = length(v)
        broke = norm <= 10 * jnp.finfo(v.dtype).eps * scale
        unit = v / jnp.where(broke, 1, norm)
        row = jax.lax.cond(
            broke,
            lambda held, u, o: _fresh(jnp.roll(o, at), held),
            lambda held, u, o: u,
            *(basis, unit, other),
        )
        basis = jax.lax.dynamic_update_slice(basis, row[None], (at + len(rows), 0))
        rows.append(row)
    return basis, jnp.stack(rows)


def _unit(v: jax.Array) -> jax.Array:
    norm = length(v)
    return jnp.where(norm > 0, v / jnp.where(norm > 0, norm, 1), 0)


def _fresh(v: jax.Array, basis: jax.Array) -> jax.Array:
    """The unit vector along what v adds to the rows of basis; zero when they span everything."""
    rest, _ = _reject(basis, _unit(v))
    norm = jnp.linalg.norm(rest)
    spanned = norm <= 1e3 * jnp.finfo(v.dtype).eps
    return jnp.where(spanned, 0, _reject(basis, rest / jnp.where(spanned, 1, norm))[0])


def _splitter(sharding) -> Callable:
    """Constrains vectors [P] or stacks of them [., P] to the sharding of a vector."""
    if sharding is None:
        return lambda x: x

    def split(x):
        lead = (None,) * (x.ndim - 1)
        spec = jax.sharding.PartitionSpec(*lead, *sharding.spec)
        return jax.lax.with_sharding_constraint(x, jax.sharding.NamedSharding(sharding.mesh, spec))

    return split
