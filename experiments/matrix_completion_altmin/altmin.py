"""Alternating minimisation: one factor held, the other solved for, what each solve errs by added.

Shapes: n rows and columns, k rank, T sweeps.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from .instances import Instance
from .solvers import Solver

POWERS = 30  # of subspace iteration: the start need not be exact


class Error(NamedTuple):
    """What is added to the solution of a half step, in the norm of Frobenius."""

    relative: Array  # in a random direction, over what the solution itself errs by
    aligned: Array  # along the error of the solution, over that error
    fixed: Array  # in a random direction, over |M|
    noise: Array  # the random directions [T, 2, n, k], of any length


class State(NamedTuple):
    basis: Array  # X [n, k], orthonormal
    other: Array  # W [n, k], the estimate is X W^T


class Seen(NamedTuple):
    """After every sweep, [T]."""

    error: Array  # |X W^T - M| / |M|
    distance: Array  # |(I - X X^T) U|_2, sine of the largest principal angle
    row: Array  # longest row of X over sqrt(k / n)


def begin(first: Array, problem: Instance, p, clip: float) -> State:
    """Top-k left singular vectors of the seen part, rows longer than clip sqrt(k / n) removed.

    first [n, k]: where subspace iteration begins
    """
    filled = problem.seen * problem.matrix / p
    n, k = problem.left.shape

    def power(_, basis):
        return jnp.linalg.qr(filled @ (filled.T @ basis))[0]

    basis = jax.lax.fori_loop(0, POWERS, power, first)
    long = jnp.linalg.norm(basis, axis=1, keepdims=True) > clip * jnp.sqrt(k / n)
    return State(jnp.linalg.qr(jnp.where(long, 0, basis))[0], jnp.zeros((n, k)))


def run(
    problem: Instance,
    start: State,
    solve: Solver,
    masks: Callable,
    T: int,
    error: Error | None = None,
) -> Seen:
    """T sweeps of two half steps.  masks: sweep -> those of the half steps [2, n, n], W's first"""
    size = jnp.linalg.norm(problem.matrix)
    targets = jnp.stack([problem.matrix.T, problem.matrix])

    def half(state, given):
        """Solve for the other factor and make a basis of it, the old basis going along."""
        seen, target, noise = given
        w = solve(state.basis, seen, target, state.other)
        if error:
            away = w - target @ state.basis
            length = error.relative * jnp.linalg.norm(away) + error.fixed * size
            w = w + error.aligned * away + length * noise / jnp.linalg.norm(noise)
        basis, r = jnp.linalg.qr(w)
        return State(basis, state.basis @ r.T), None

    def sweep(state, t):
        noise = error.noise[t] if error else None
        state = jax.lax.scan(half, state, (masks(t), targets, noise))[0]
        return state, look(problem, state, size)

    return jax.lax.scan(sweep, start, jnp.arange(T))[1]


def look(problem: Instance, state: State, size) -> Seen:
    """How far the estimate is."""
    n, k = problem.left.shape
    error = jnp.linalg.norm(state.basis @ state.other.T - problem.matrix) / size
    rest = problem.left - state.basis @ (state.basis.T @ problem.left)
    longest = jnp.linalg.norm(state.basis, axis=1).max() / jnp.sqrt(k / n)
    return Seen(error, jnp.linalg.norm(rest, 2), longest)
