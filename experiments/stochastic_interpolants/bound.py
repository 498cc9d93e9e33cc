"""The Kullback-Leibler divergence of what wrong fields generate, and what bounds it.

With errors db of the velocity and ds of the score, by Girsanov and the data-processing inequality

    KL(rho_1 | model_1) <= path = 1/(4 e) int E|db + e ds|^2 dt <= B / e + e S,

B = 1/2 int E|db|^2 dt and S = 1/2 int E|ds|^2 dt the excess losses, since |a + b|^2 <= 2 |a|^2 +
2 |b|^2; least at e = sqrt(B / S).  For Gaussians and affine errors all of it is exact: the model's
mean and covariance obey linear equations.

Shapes: D dimensions, I instances.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import keys, ode
from common.sde import interpolants as si


class Problem(NamedTuple):
    """N(0, start) to N(mean, end), and errors db = shift + tilt y, ds = pull C_t^-1 y of the
    fields at y = x - m_t."""

    start: jax.Array  # [D, D]
    end: jax.Array  # [D, D]
    mean: jax.Array  # [D]
    shift: jax.Array  # [D]
    tilt: jax.Array  # [D, D]
    pull: jax.Array  # [D, D]


class Control(NamedTuple):
    """Of one problem at one noise; numbers [], the first in nats."""

    offset: jax.Array  # [D], of the model's mean at t = 1
    spread: jax.Array  # [D, D], its covariance
    path: jax.Array
    velocity: jax.Array  # B
    score: jax.Array  # S


def random_problem(normal) -> Problem:
    """Covariances A A^T / D + I / 4, means 2 N, errors of size 0.3, 0.4, 0.2.  normal [5, D, D]"""
    dim = normal.shape[-1]
    a, b, tilt, pull, vectors = normal / dim**0.5
    floor, root = 0.25 * jnp.eye(dim), dim**0.5
    mean, shift = 2 * root * vectors[0], 0.3 * root * vectors[-1]
    return Problem(a @ a.T + floor, b @ b.T + floor, mean, shift, 0.4 * tilt, 0.2 * pull)


def control(problem: Problem, epsilon, *, steps: int = 400) -> Control:
    """Of the SDE with noise epsilon [], gamma Brownian, by RK4 for the moments."""
    ip, eye = si.linear(si.brownian()), jnp.eye(len(problem.mean))

    def rate(state, t):
        offset, spread, inverse, *_ = state
        at = si.numbers(ip, t)
        c = at.alpha**2 * problem.start + at.beta**2 * problem.end + at.gamma**2 * eye
        half = at.alpha * at.alpha_rate * problem.start + at.beta * at.beta_rate * problem.end
        half += at.half * eye
        pull = problem.pull @ inverse
        turn = half @ inverse + problem.tilt + epsilon * (pull - inverse)
        square = jnp.sum(problem.shift**2)
        both = problem.tilt + epsilon * pull
        return (
            problem.shift + turn @ offset,
            turn @ spread + spread @ turn.T + 2 * epsilon * eye,
            -2 * inverse @ half @ inverse,  # of C^-1: no system to solve in the loop
            (square + jnp.trace(both @ c @ both.T)) / (4 * epsilon),
            0.5 * (square + jnp.trace(problem.tilt @ c @ problem.tilt.T)),
            0.5 * jnp.trace(pull @ c @ pull.T),
        )

    start, nothing = problem.start, jnp.zeros_like(problem.mean[0])
    state = jnp.zeros_like(problem.mean), start, jnp.linalg.inv(start), nothing, nothing, nothing
    offset, spread, _, *losses = ode.advance(rate, state, 0.0, 1.0, steps=steps)
    return Control(offset, spread, *losses)


def controls(key, epsilons, *, instances: int, dim: int) -> tuple[Control, jax.Array]:
    """Random problems at every noise.  epsilons [E] -> [I, E, …], and true covariances [I, D, D]"""
    problems = jax.vmap(random_problem)(keys.normal(key, (instances, 5, dim, dim)))
    over_noises = jax.vmap(control, in_axes=(None, 0))
    return jax.vmap(over_noises, in_axes=(0, None))(problems, epsilons), problems.end


def bound(model: Control, epsilon, *, weight: float = 1.0):
    """weight B / epsilon + epsilon S"""
    return weight * model.velocity / epsilon + epsilon * model.score


def gaussian_kl(covariance, offset, spread) -> np.ndarray:
    """KL(N(0, covariance) | N(offset, spread)) in nats, on the host.

    covariance, spread [..., D, D], offset [..., D] -> [...]
    """
    ratio = np.linalg.solve(spread, covariance)
    shift = np.linalg.solve(spread, offset[..., None])[..., 0]
    square, volume = np.sum(offset * shift, axis=-1), np.linalg.slogdet(ratio)[1]
    return 0.5 * (np.trace(ratio, axis1=-2, axis2=-1) + square - offset.shape[-1] - volume)
