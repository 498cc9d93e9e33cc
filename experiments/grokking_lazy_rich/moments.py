"""The network as the second moment of its weights: descent closes on it, whatever the width.

With u_i = (eps w_i, 1) and z = (x / sqrt D, 1) is 1 + eps h_i = u_i . z, so that
    f = alpha / (2 eps) (z^T U z - 1),   U = 1/N sum_i u_i u_i^T,
and a gradient step moves every u_i by -S u_i,
    S = 2 lr / P T(r),   T(c) = eps / alpha sum_mu c_mu (x_mu / sqrt D, 0) z_mu^T,
r the residuals. U holds the paper's sums M = sum w_i w_i^T / N and w_bar = sum w_i / N.
The linearised network keeps the terms of first order, with U frozen on their right. Outputs are
taken over a base moment: 1 in the corner (as above), or the start (centred: f - f_0).

Shapes: A members of an ensemble (all on the same data), P examples, D dimension, E = D + 1.
"""

from typing import NamedTuple

import jax.numpy as jnp


class Setting(NamedTuple):
    """One entry a member, each [A]."""

    alpha: jnp.ndarray  # output scale
    eps: jnp.ndarray  # weight of the quadratic feature
    rich: jnp.ndarray  # 1: the network; 0: linearised about its start


def column(values):
    """[A] -> [A, 1, 1]"""
    return values[:, None, None]


def of_weights(w, eps):
    """U of a network's weights.  w [N, D], eps [A] -> [A, E, E]"""
    u = jnp.pad(column(eps) * w, ((0, 0), (0, 0), (0, 1)), constant_values=1.0)
    return u.mT @ u / len(w)


def infinite_width(dim: int, eps):
    """U of w ~ N(0, 1) for N = infinity.  eps [A] -> [A, E, E]"""
    scale = jnp.concatenate([jnp.repeat(eps[:, None] ** 2, dim, 1), jnp.ones_like(eps)[:, None]], 1)
    return column(jnp.ones_like(eps)) * jnp.eye(dim + 1, dtype=eps.dtype) * scale[:, None, :]


def lifted(x):
    """z and its part without the constant.  x [P, D] -> [P, E], [P, E]"""
    pads = (0, 0), (0, 1)
    return jnp.pad(x, pads, constant_values=1.0), jnp.pad(x, pads)


def plain(u):
    """The base of f itself: all zero but the corner.  u [A, E, E] -> [A, E, E]"""
    return jnp.zeros_like(u).at[:, -1, -1].set(1)


def outputs(u, base, x, setting: Setting):
    """f of every member.  u, base [A, E, E], x [P, D] -> [A, P]"""
    z = lifted(x)[0].T
    square = jnp.sum(((u - base) @ z) * z, axis=-2)
    return (setting.alpha / (2 * setting.eps))[:, None] * square


def push(c, x, setting: Setting):
    """T(c): moving u_i by T(c) u_i moves the outputs by sum_mu c_mu K(x, x_mu), to first order.

    c [A, P] -> [A, E, E]
    """
    z, flat = lifted(x)
    return column(setting.eps / setting.alpha) * ((c[:, None, :] * flat.T) @ z)


def features(u, start, setting: Setting):
    """The moment that makes the kernel: frozen where linearised.  -> [A, E, E]"""
    return jnp.where(column(setting.rich) > 0, u, start)


def moved(u, start, s, setting: Setting):
    """U after u_i <- (I - S) u_i, or its first-order part for linearised members.  -> [A, E, E]"""
    first = s @ features(u, start, setting)
    return u - first - first.mT + column(setting.rich) * (first @ s.mT)


def step(u, start, base, x, y, setting: Setting, lr):
    """One step of gradient descent.  u, start, base [A, E, E], x [P, D], y [P] -> [A, E, E]"""
    residual = outputs(u, base, x, setting) - y
    return moved(u, start, 2 * lr / len(y) * push(residual, x, setting), setting)


def population_terms(u, base, beta, setting: Setting):
    """E (f - y)^2 over x ~ N(0, I) in three terms: linear power, square of the mean, variance.

    With A the quadratic form of f - y and v its linear part: |v|^2, (tr A)^2, 2 tr A^2 (Isserlis).
    u, base [A, E, E], beta [D] -> [A, 3]
    """
    dim, u = len(beta), u - base
    form = column(setting.alpha / (2 * setting.eps)) * u[:, :dim, :dim] - jnp.outer(beta, beta)
    linear = (setting.alpha / setting.eps)[:, None] * u[:, :dim, dim]
    trace = jnp.trace(form, axis1=1, axis2=2) / dim
    power = jnp.sum(linear**2, axis=1) / dim
    return jnp.stack([power, trace**2, 2 * jnp.sum(form**2, axis=(1, 2)) / dim**2], axis=1)


def alignment(u, beta):
    """beta^T M beta / (|beta|^2 tr M / D): 1 for random weights, D when all are along beta.

    u [A, E, E], beta [D] -> [A]
    """
    dim = len(beta)
    along = jnp.einsum("aij,i,j->a", u[:, :dim, :dim], beta, beta) / jnp.sum(beta**2)
    return along * dim / jnp.trace(u[:, :dim, :dim], axis1=1, axis2=2)


def kernel(u, x, other):
    """Tangent kernel over alpha^2 / N: (x.x'/D) z^T U z'.  x [P, D], other [Q, D] -> [A, P, Q]

    The linear map T above is its adjoint: the outputs moved by T(c) are K c.
    """
    return (x @ other.T) * (lifted(x)[0] @ u @ lifted(other)[0].T)


def cka(k, y):
    """Alignment of a kernel with the task, y^T K y / (|K| |y|^2).  k [A, P, P], y [P] -> [A]"""
    fits = jnp.einsum("apq,p,q->a", k, y, y)
    return fits / (jnp.linalg.norm(k, axis=(1, 2)) * jnp.sum(y**2))


def regression(start, base, x, y, setting: Setting):
    """U of the kernel regression f_0 + K(., X) K^-1 (y - f_0) with the initial kernel.

    start, base [A, E, E] -> [A, E, E]
    """
    rest = y - outputs(start, base, x, setting)
    c = jnp.linalg.solve(kernel(start, x, x), rest[..., None])[..., 0]
    linear = setting._replace(rich=jnp.zeros_like(setting.rich))
    return moved(start, start, -push(c, x, setting), linear)
