"""Thick restarts of block Lanczos: the basis, what is known of A on it, and a step of each kind.

Wu & Simon 2000.  Shapes: P side of the symmetric matrix A, n vectors held, b vectors a block.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from common.curvature.estimate import dot, length
from common.curvature.krylov import append, reject


def room(size, steps, k, tol, hold, block) -> tuple[int, int, bool]:
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


class Setting(NamedTuple):
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


class Krylov(NamedTuple):
    """What is known of A on a basis [n + b, P] of orthonormal rows, the last b visited next."""

    projected: jax.Array  # Q A Q^T [n, n] of the rows visited
    coupling: jax.Array  # [b, b]: what the last block leaves outside the basis
    alive: jax.Array  # [n + b]: rows that are no zeros
    scale: jax.Array  # largest entry of Q A Q^T so far
    filled: jax.Array  # rows visited
    matvecs: jax.Array
    done: jax.Array


class Restarted(NamedTuple):
    """Where `eigsh` stands: basis [n + b, P] and what is known on it."""

    basis: jax.Array
    krylov: Krylov


def start(at: Setting, first: jax.Array, dtype) -> tuple[jax.Array, Krylov]:
    """The basis with its first block, and nothing known."""
    none, zero = jnp.zeros((), int), jnp.zeros((), dtype)
    empty = jnp.zeros((at.hold + at.block, first.shape[1]), dtype)
    basis, following = append(empty, first, none, zero, at.spare)
    return at.split(basis), Krylov(
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


def expand(at: Setting, carry) -> tuple[jax.Array, Krylov]:
    """A block of products, and the next block of the basis."""
    basis, state = carry
    count, hold, block = state.filled, at.hold, at.block
    q = jax.lax.dynamic_slice(basis, (count, 0), (block, basis.shape[1]))
    rest, overlap = reject(basis, at.split(at.images(q)))
    projected = jax.lax.dynamic_update_slice(state.projected, overlap[:hold], (0, count))
    projected = jax.lax.dynamic_update_slice(projected, overlap[:hold].T, (count, 0))
    scale = jnp.maximum(state.scale, jnp.abs(overlap).max())
    basis, following = append(basis, rest, count + block, scale, at.spare)
    state = Krylov(
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


def ritz(state: Krylov, magnitude: bool) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Ritz values [n] best first, their vectors in the basis [n, n], their residuals [n]."""
    hold, block = len(state.projected), len(state.coupling)
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


def _settled(at: Setting, state: Krylov) -> jax.Array:
    values, _, residuals = ritz(state, at.magnitude)
    small = jnp.all(residuals[: at.k] <= at.tol * jnp.abs(values).max())
    return (small & (state.filled >= at.k)) | ~jnp.isfinite(state.scale)


def restart(at: Setting, carry) -> tuple[jax.Array, Krylov]:
    """The best Ritz vectors and the block that comes after them."""
    basis, state = carry
    values, small, _ = ritz(state, at.magnitude)
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


def advance(at: Setting, carry, stop: int, restarts: bool) -> tuple[jax.Array, Krylov]:
    """Blocks until `stop` products are spent, or all residuals are small."""

    def more(carry):
        return ~carry[1].done & (carry[1].matvecs < stop)

    def fill(carry):
        return jax.lax.while_loop(
            lambda c: more(c) & (c[1].filled < at.hold), lambda c: expand(at, c), carry
        )

    def again(carry):
        full = carry[1].filled >= at.hold
        return fill(jax.lax.cond(full, lambda c: restart(at, c), lambda c: c, carry))

    # one loop, so that the product is compiled once
    return jax.lax.while_loop(more, again, carry) if restarts else fill(carry)
