"""The limit of infinite width: points, the law of the trained function, definiteness (section 4).

At t = infinity f(x) = f_0(x) + A (y - f_0(X)), A = Theta_xX Theta_XX^-1, f_0 a Gaussian process of
covariance Sigma: mean A y, covariance Sigma_xx + A Sigma_XX A^T - A Sigma_Xx - Sigma_xX A^T.

Shapes: N training points, M other points.
"""

import jax.numpy as jnp

from common.ntk.linearised import flow


def circle(angles):
    """(cos, sin).  [M] -> [M, 2]"""
    return jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=-1)


def target(x):
    """f*(x) = x_1 x_2.  [N, 2] -> [N]"""
    return x[:, 0] * x[:, 1]


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
