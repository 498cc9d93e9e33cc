"""The limit of infinite width: kernels, the law of the trained function, definiteness (section 4).

At t = infinity f(x) = f_0(x) + A (y - f_0(X)), A = Theta_xX Theta_XX^-1, f_0 a Gaussian process of
covariance Sigma: mean A y, covariance Sigma_xx + A Sigma_XX A^T - A Sigma_Xx - Sigma_xX A^T.

Shapes: A angles, N training points, M other points, D inputs.
"""

from functools import partial

import jax
import jax.numpy as jnp

from common.ntk import analytic
from common.ntk.linearised import flow

from .problems import circle, target

DUALS = {"relu": analytic.relu, "erf": analytic.erf, "linear": analytic.linear}
GRAM = 8  # points of the Gram matrix


def gram(kernel):
    """Of the kernel on A angles, that on GRAM of them.  [A, A] -> [8, 8]"""
    step = len(kernel) // GRAM
    return kernel[::step, ::step]


def kernels(x, *, activation, depth, beta):
    """Sigma and Theta of the limit at x [N, D], each [N, N]."""
    return analytic.fully_connected(DUALS[activation], x, depth=depth, b_std=beta)


def trained_law(sigma, theta, y):
    """Mean and variance over initialisations of the function trained to t = infinity.

    sigma, theta [N + M, N + M]: the training points first; y [N] -> each [M], at the others
    """
    n = len(y)
    forever = jnp.array([jnp.inf])
    gain = -flow(theta[:n, :n], jnp.eye(n), forever, cross=theta[n:, :n])[0]
    trained = ((gain @ sigma[:n, :n]) * gain).sum(-1)
    return gain @ y, sigma.diagonal()[n:] + trained - 2 * (gain * sigma[n:, :n]).sum(-1)


def extreme_eigenvalues(kernel):
    """Smallest and largest, exactly symmetric input.  [m, m] -> [2]"""
    values = jnp.linalg.eigvalsh(kernel)
    return jnp.stack([values[0], values[-1]])


def predicted(angles, others, sets, *, points, activation, **structure):
    """What infinite width predicts on the circle; named as in `run.run`.

    angles [A]: of the kernel; others [M]: of the law; points [N]: angles of the training points;
    sets [S, sets, m] in [0, 1): of random points in turns; structure: depth, beta
    """
    y, count = target(circle(points)), len(angles)
    ring = circle(jnp.concatenate([angles, points, others]))
    sigma, theta = kernels(ring, activation=activation, **structure)

    def extremes(activation, points):
        return extreme_eigenvalues(kernels(points, activation=activation, **structure).ntk)

    def each_set(activation):
        return jax.vmap(jax.vmap(partial(extremes, activation)))(circle(2 * jnp.pi * sets))

    return {
        "limit_row": theta[0, :count],
        "limit_gram": gram(theta[:count, :count]),
        "law": jnp.stack(trained_law(sigma[count:, count:], theta[count:, count:], y)),
        "law_points": jnp.stack([points, y]),
        "definite": each_set(activation),
        "definite_linear": each_set("linear"),
    }
