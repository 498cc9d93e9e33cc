"""The adjusted potential as a Gaussian mixture, and the plan and bridge that follow from it.

v(y) = sum_k alpha_k N(y | r_k, eps S_k), alpha_k = exp(a_k / eps), S_k diagonal (eq. 12 of the
paper). All exponents stay in logarithms: at small eps they reach thousands.

Shapes: B batch, D dimensions, K components.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp

from common import shapes


class Potential(NamedTuple):
    """Its parameters; a is eps log alpha, which gives the paper's learning rates their meaning."""

    a: jax.Array  # [K]
    r: jax.Array  # [K, D]
    log_s: jax.Array  # [K, D]


class Plan(NamedTuple):
    """y given x: a mixture of N(slope_k x + offset_k, var_k), diagonal."""

    log_weight: jax.Array  # [B, K], not normalised
    slope: jax.Array  # [K, D]
    offset: jax.Array  # [K, D]
    var: jax.Array  # [K, D]


def log_v(theta: Potential, y, eps):
    """Log potential.  y [B, D] -> [B]"""
    shapes.check("y", y, "B D", {"D": theta.r.shape[1]})
    precision = jnp.exp(-theta.log_s) / eps
    square = y**2 @ precision.T - 2 * y @ (theta.r * precision).T
    log_norm = jnp.sum(theta.log_s + jnp.log(2 * jnp.pi * eps) + theta.r**2 * precision, axis=1)
    return logsumexp(theta.a / eps - 0.5 * (log_norm + square), axis=1)


def plan(theta: Potential, x, eps, t=0.0) -> Plan:
    """The end of the bridge given that it is at x [B, D] at time t < 1; t = 0: pi(y | x).

    From v(y) exp(|y|^2 / 2 eps) N(y | x, eps (1 - t)), squares completed; at t = 0 the sum of the
    weights is the normaliser c(x). In this form nothing is divided by S, which may be tiny.
    """
    shapes.check("x", x, "B D", {"D": theta.r.shape[1]})
    s, tau = jnp.exp(theta.log_s), t / (1 - t)
    widening = 1 + tau * s
    slope, offset = s / widening / (1 - t), theta.r / widening
    forced = x**2 @ slope.T + 2 * x @ offset.T  # over 1 - t: x' S x + 2 r' x at t = 0
    fixed = theta.a / eps - 0.5 * jnp.sum(jnp.log(widening) + tau / eps * theta.r * offset, axis=1)
    return Plan(fixed + 0.5 / eps / (1 - t) * forced, slope, offset, eps * s / widening)


def log_c(theta: Potential, x, eps):
    """Log of the normaliser c(x) = int exp(<x, y> / eps) v(y) dy.  x [B, D] -> [B]"""
    return logsumexp(plan(theta, x, eps).log_weight, axis=1)


def loss(theta: Potential, x, y, eps, coupling=1.0):
    """E log c(x) - E log v(y) over samples of the marginals: KL(plan* | plan) + constant.

    x, y [B, D], not paired -> [].  coupling 0 forgets x: the independent plan.
    """
    return jnp.mean(log_c(theta, coupling * x, eps)) - jnp.mean(log_v(theta, y, eps))


def mean(p: Plan, x):
    """E[y | x].  x [B, D] -> [B, D]"""
    weight = jax.nn.softmax(p.log_weight, axis=1)
    return weight @ p.offset + x * (weight @ p.slope)


def moments(p: Plan, x):
    """Mean and covariance of y given x.  x [B, D] -> [B, D], [B, D, D]"""
    weight, middle = jax.nn.softmax(p.log_weight, axis=1), mean(p, x)
    apart = p.offset + p.slope * x[:, None] - middle[:, None]  # [B, K, D]
    between = jnp.einsum("bk,bkd,bke->bde", weight, apart, apart)
    return middle, between + jax.vmap(jnp.diag)(weight @ p.var)


def square_cost(p: Plan, x, origin):
    """E |y - origin|^2 given x.  x, origin [B, D] -> [B]"""
    weight = jax.nn.softmax(p.log_weight, axis=1)
    apart = p.offset + p.slope * x[:, None] - origin[:, None]
    return jnp.sum(weight * jnp.sum(apart**2 + p.var, axis=-1), axis=1)


def draw(p: Plan, x, uniform, normal):
    """y given x; the component by its distribution function.  uniform [B], x, normal [B, D]"""
    upto = jnp.cumsum(jax.nn.softmax(p.log_weight, axis=1), axis=1)
    k = jnp.sum(upto[:, :-1] < uniform[:, None], axis=1)
    return p.offset[k] + p.slope[k] * x + jnp.sqrt(p.var[k]) * normal


def log_density(p: Plan, x, y):
    """Log density of y given x, summed over the components.  x, y [B, D] -> [B]"""
    apart = y[:, None] - p.offset - p.slope * x[:, None]
    normal = -0.5 * jnp.sum(apart**2 / p.var + jnp.log(2 * jnp.pi * p.var), axis=-1)
    return logsumexp(jax.nn.log_softmax(p.log_weight, axis=1) + normal, axis=1)


def drift(theta: Potential, x, t, eps):
    """Of the bridge dx = drift dt + sqrt(eps) dW: (E[x_1 | x_t = x] - x) / (1 - t).  -> [B, D]

    The same as the authors' eps times the gradient of a logarithm, without a gradient.
    """
    return (mean(plan(theta, x, eps, t), x) - x) / (1 - t)
