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
    """Of a coordinate: means and covariances of the values, and what an update did."""

    both: jax.Array  # covariance of the values with the state, and their mean [R, Z + 1]
    kept: jax.Array  # what the update leaves of the prediction's error, transposed [Z, Z]
    told: jax.Array  # weight of the innovation, and less weight times it [Z, Z + 1]


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
    rank, width = shift.shape[-1], chain.noise.shape[-1]
    chex.assert_shape(precision, (len(chain.noise), rank, rank))
    start = jnp.zeros((width, width + 1))
    _, seen = jax.lax.scan(_forward, start, (*chain, precision, shift))
    mean, cov = seen.both[..., -1], seen.both[..., :-1]
    if not smooth:
        return mean, cov[..., :rank]
    _, later = jax.lax.scan(_back, start, (chain.transition, seen), reverse=True)
    change = cov @ later
    cov = cov[..., :rank] - change[..., :-1] @ cov.mT
    return mean - change[..., -1], (cov + cov.mT) / 2


def _forward(state, step):
    """Predict, then update by information: (1 + L S)^-1 with S = H P H^T needs no inverse of L.

    state: covariance and mean, side by side [Z, Z + 1]
    """
    transition, noise, precision, shift = step
    rank = len(shift)
    moved = transition @ state
    state = jnp.concatenate([moved[:, :-1] @ transition.T + noise, moved[:, -1:]], axis=1)
    values = state[:rank, :-1]
    system = precision @ jnp.concatenate([values[:, :rank], state[:rank, -1:]], axis=1)
    right = jnp.concatenate([precision, shift[:, None] - system[:, -1:]], axis=1)
    told = jnp.linalg.solve(jnp.eye(rank) + system[:, :-1], right)
    weight = (told[:, :-1] + told[:, :-1].T) / 2
    change = jnp.concatenate([-weight @ values, told[:, -1:]], axis=1)
    state = state + values.T @ change
    beyond = len(noise) - rank
    kept = jnp.eye(len(noise)) + jnp.pad(change[:, :-1], ((0, beyond), (0, 0)))
    own = jnp.pad(weight, (0, beyond)), jnp.pad(-told[:, -1:], ((0, beyond), (0, 0)))
    return state, Filtered(state[:rank], kept, jnp.concatenate(own, axis=1))


def _back(later, step):
    """What later coordinates say of state j (the result), and those from j on of state j - 1.

    later: a precision and that times a difference of means, side by side [Z, Z + 1]
    """
    transition, seen = step
    kept = seen.kept @ later
    now = jnp.concatenate([kept[:, :-1] @ seen.kept.T, kept[:, -1:]], axis=1) + seen.told
    earlier = transition.T @ now
    return jnp.concatenate([earlier[:, :-1] @ transition, earlier[:, -1:]], axis=1), later
