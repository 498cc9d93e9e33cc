"""The weighted reverse SDE of a target prod_m q_m^c_m e^R and its particles (props. 3.1 to 3.3).

For variance exploding noise, with the clock d tau = -d(sigma^2), s_m = grad log q_m(., sigma),
S = sum_m c_m s_m and any zeta:

    dx = (1/2 (1 + zeta^2) S + 1/2 zeta^2 grad R) dtau + zeta dW
    dw = (dR/dtau + 1/2 <S, grad R> + 1/2 (|S|^2 - sum_m c_m |s_m|^2)) dtau

Annealing q^beta is c = (beta), guidance c = (1 - beta, beta), a product c = (1, 1), and a reward r
is R = b(tau) r. Here r(x) = tanh(-x_1).

Shapes: E experts, K particles, D dimensions, T records.
"""

from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp

from common import keys, loops
from common.sde import mixture, smc


class Target(NamedTuple):
    """What is sampled and how, all of it data: one program serves every target of a size."""

    experts: mixture.Mixture  # leaves [E, ...]
    powers: Any  # c [E]
    reward: Any  # [] largest b, reached at the end
    noise: Any  # [] zeta^2
    sigmas: Any  # [2] largest and smallest sigma
    weight: Any  # [] factor of dw: 1; 0 takes the correction away
    below: Any  # [] resampling where ESS / K is less: 0 never


def scores(experts: mixture.Mixture, x, sigma):
    """s_m(x) at noise sigma.  x [K, D] -> [E, K, D]"""
    return jax.vmap(lambda expert: mixture.score(expert, x, 1.0, sigma))(experts)


def reward(x):
    """r(x) = tanh(-x_1) and its gradient.  x [K, D] -> [K], [K, D]"""
    value = jnp.tanh(-x[:, 0])
    return value, jnp.zeros_like(x).at[:, 0].set(value**2 - 1.0)


def terms(s, powers, slope, noise):
    """Velocity [K, D] and rate of the log-weight [K], without dR/dtau; per unit of tau.

    s [E, K, D], powers [E], slope = grad R [K, D], noise = zeta^2 []
    """
    chex.assert_equal_shape([s[0], slope])
    pull = jnp.tensordot(powers, s, axes=1)
    velocity = 0.5 * (1.0 + noise) * pull + 0.5 * noise * slope
    squares = jnp.sum(pull**2, axis=1) - powers @ jnp.sum(s**2, axis=2)
    return velocity, 0.5 * (squares + jnp.sum(pull * slope, axis=1))


def level(sigmas, share):
    """Geometric noise after a share of the steps, 0 to 1.  sigmas [2] -> the shape of share"""
    return sigmas[0] * (sigmas[1] / sigmas[0]) ** share


def start(key, target: Target, shape):
    """prod_m N(mean_m, sigma^2 + var_m)^c_m: the target at large noise.  -> x [K, D]"""
    weights, means, stds = target.experts
    middle = jnp.einsum("ec,ecd->ed", weights, means)
    spread = jnp.sum((means - middle[:, None]) ** 2, axis=2) / shape[1] + stds**2
    precision = target.powers / (target.sigmas[0] ** 2 + jnp.sum(weights * spread, axis=1))
    centre = precision @ middle / jnp.sum(precision)
    return centre + keys.normal(key, shape) / jnp.sqrt(jnp.sum(precision))


def step(key, particles: smc.Particles, target: Target, share) -> smc.Particles:
    """One Euler step.  share: of the steps that are taken, before and after"""
    move, draw = jax.random.split(key)
    sigma = [level(target.sigmas, part) for part in share]
    x, span = particles.x, sigma[0] ** 2 - sigma[1] ** 2
    value, slope = reward(x)
    s, slope = scores(target.experts, x, sigma[0]), target.reward * share[0] * slope
    velocity, rate = terms(s, target.powers, slope, target.noise)
    gain = span * rate + target.reward * (share[1] - share[0]) * value
    x = x + span * velocity + jnp.sqrt(span * target.noise) * keys.normal(move, x.shape)
    particles = smc.weigh(particles._replace(x=x), target.weight * gain)
    return smc.resample(draw, particles, below=target.below)


def simulate(key, target: Target, strides, *, count: int):
    """From noise to data in sum(strides) steps.  strides int [T] -> particles, ESS / K [T]"""
    first, rest = jax.random.split(key)
    total = jnp.sum(strides)

    def advance(state):
        particles, i = state
        share = i / total, (i + 1) / total
        return step(jax.random.fold_in(rest, i), particles, target, share), i + 1

    def observe(state):
        return smc.ess(state[0].log_w) / count

    x = start(first, target, (count, target.experts.means.shape[-1]))
    (particles, _), ess = loops.trajectory(advance, observe, (smc.begin(x), 0), strides)
    return particles, ess
