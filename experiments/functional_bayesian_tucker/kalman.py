"""Matern processes as Markov chains, and their posterior by a Kalman filter and an RTS smoother.

The state of a process of smoothness 3/2 is (value, derivative times lengthscale / sqrt 3): its
stationary covariance is variance * I whatever the lengthscale, so nothing is badly scaled; of
smoothness 1/2 it is the value. R independent processes go side by side, the values first.

Shapes: D coordinates in increasing order, R processes, Z = R or 2 R states.
"""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np


class Chain(NamedTuple):
    """State j is transition_j times state j - 1 plus noise; state 0 is noise alone."""

    transition: np.ndarray  # [..., D, Z, Z]
    noise: np.ndarray  # covariances [..., D, Z, Z]


class Filtered(NamedTuple):
    mean: jax.Array  # of the values given coordinates up to j [R]
    cov: jax.Array  # of the values with the state [R, Z]
    kept: jax.Array  # what the update leaves of the state's prediction error [Z, Z]
    weight: jax.Array  # the update's precision of the values [R, R]
    pull: jax.Array  # weight times the innovation [R]


def chain(times, smoothness: float, lengthscale, variance, rank: int) -> Chain:
    """exp(F gap) and P - A P A^T in closed form, on the host.

    times [..., D] increasing, smoothness 0.5 or 1.5; lengthscale, variance: as the leading axes of
    times. lengthscale 0: independent values, no process.
    """
    if smoothness not in (0.5, 1.5):
        raise ValueError(f"smoothness must be 0.5 or 1.5, not {smoothness}")
    scale, variance = (np.asarray(x, float)[..., None] for x in (lengthscale, variance))
    rate = np.where(scale > 0, (2 * smoothness) ** 0.5 / np.where(scale > 0, scale, 1), np.inf)
    a = np.minimum(rate * np.diff(times, prepend=-np.inf), FAR)
    decay, square = np.exp(-a), np.exp(-2 * a)
    if smoothness == 0.5:
        transition, noise = np.array([[decay]]), np.array([[-np.expm1(-2 * a)]])
    else:
        off = 2 * a**2 * square
        transition = decay * np.array([[1 + a, a], [-a, 1 - a]])
        noise = np.array([
            [1 - square * (1 + 2 * a + 2 * a**2), off], [off, 1 - square * (1 - 2 * a + 2 * a**2)],
        ])  # fmt: skip
    parts = (np.moveaxis(x, (0, 1), (-2, -1)) for x in (transition, variance * noise))
    return Chain(*(np.kron(x, np.eye(rank)) for x in parts))


FAR = 200.0  # gap over lengthscale at which nothing is left: exp(-200) = 1e-87


def posterior(chain: Chain, precision, shift, *, smooth: bool = True):
    """Means [D, R] and covariances [D, R, R] of the values, given information at every coordinate.

    precision [D, R, R], shift [D, R]: natural parameters of Gaussian information; zeros, at a
    coordinate without an observation, make a prediction. smooth=False: of the coordinates up to j
    alone. The way back is the RTS smoother in the form of Bryson and Frazier, which inverts
    nothing: coordinates may coincide.
    """
    rank = shift.shape[-1]
    chex.assert_shape(precision, (len(chain.noise), rank, rank))
    width = chain.noise.shape[-1]
    start = jnp.zeros(width), jnp.zeros((width, width))
    _, seen = jax.lax.scan(_forward, start, (*chain, precision, shift))
    if not smooth:
        return seen.mean, seen.cov[..., :rank]
    _, (pull, weight) = jax.lax.scan(_back, start, (chain.transition, seen), reverse=True)
    mean = seen.mean - jnp.einsum("jrz,jz->jr", seen.cov, pull)
    cov = seen.cov[..., :rank] - seen.cov @ weight @ seen.cov.mT
    return mean, (cov + cov.mT) / 2


def _forward(state, step):
    """Predict, then update by information: (1 + L S)^-1 with S = H P H^T needs no inverse of L."""
    mean, cov = state
    transition, noise, precision, shift = step
    rank = len(shift)
    mean, cov = transition @ mean, transition @ cov @ transition.T + noise
    values, value_cov = cov[:rank], cov[:rank, :rank]
    right = jnp.concatenate([precision, (shift - precision @ mean[:rank])[:, None]], axis=1)
    solved = jnp.linalg.solve(jnp.eye(rank) + precision @ value_cov, right)
    weight, pull = (solved[:, :rank] + solved[:, :rank].T) / 2, solved[:, rank]
    mean, new = mean + values.T @ pull, cov - values.T @ weight @ values
    kept = jnp.eye(len(cov)).at[:, :rank].add(-values.T @ weight)
    return (mean, new), Filtered(mean[:rank], new[:rank], kept, weight, pull)


def _back(state, step):
    """What later coordinates say of state j (the result), and those from j on of state j - 1."""
    pull, weight = state
    transition, seen = step
    rank = len(seen.pull)
    earlier_pull = (seen.kept.T @ pull).at[:rank].add(-seen.pull)
    earlier_weight = (seen.kept.T @ weight @ seen.kept).at[:rank, :rank].add(seen.weight)
    earlier = transition.T @ earlier_pull, transition.T @ earlier_weight @ transition
    return earlier, (pull, weight)
