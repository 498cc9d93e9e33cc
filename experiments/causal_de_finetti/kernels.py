"""Kernel tests of independence and of conditional independence (Zhang et al. 2011), gamma limits.

Shapes: n samples.
"""

import jax.numpy as jnp
from jax import Array
from jax.scipy.special import gammaincc

EPS = 1e-3  # of the ridge regression on Z
WIDTHS = ((200, 0.8, 1.2), (1200, 0.5, 0.7), (None, 0.3, 0.4))  # n below: plain, conditional


def width(n: int, conditional: bool) -> float:
    """Of the kernel on columns of variance 1."""
    return next(row[1 + conditional] for row in WIDTHS if row[0] is None or n < row[0])


def scored(x: Array) -> Array:
    """Columns of mean 0 and variance 1.  x [n, d]"""
    return (x - x.mean(axis=0)) / x.std(axis=0, ddof=1)


def centred(x: Array, w: float) -> Array:
    """Kernel exp(-|u - v|^2 / (2 w^2)), centred.  x [n, d] -> [n, n]"""
    square = ((x[:, None] - x) ** 2).sum(axis=-1)
    K = jnp.exp(-square / (2 * w**2))
    return K - K.mean(axis=0) - K.mean(axis=1, keepdims=True) + K.mean()


def tail(statistic: Array, mean: Array, variance: Array) -> Array:
    """P(gamma variable of these moments > statistic)."""
    return gammaincc(mean**2 / variance, statistic * mean / variance)


def independent(x: Array, y: Array) -> Array:
    """p-value of x and y independent.  x, y [n] -> []"""
    n, w = len(x), width(len(x), False)
    Kx, Ky = (centred(scored(v[:, None]), w) for v in (x, y))
    mean = jnp.trace(Kx) * jnp.trace(Ky) / n
    variance = 2 * (Kx**2).sum() * (Ky**2).sum() / n**2
    return tail((Kx * Ky).sum(), mean, variance)


def conditional(x: Array, y: Array, z: Array) -> Array:
    """p-value of x and y independent given z.  [n] each -> []

    What z tells is regressed out of both kernels, R K R with R = eps (K_z + eps)^-1. Moments of the
    limit without features: tr(U U^T) and tr((U U^T)^2) are of the entrywise product of the kernels.
    """
    n, w = len(x), width(len(x), True)
    x, y, z = (scored(v[:, None]) for v in (x, y, z))
    R = EPS * jnp.linalg.inv(centred(z, w) + EPS * jnp.eye(n))
    Kx = R @ centred(jnp.concatenate([x, z / 2], axis=1), w) @ R
    Ky = R @ centred(y, w) @ R
    product = Kx * Ky
    return tail(product.sum(), jnp.trace(product), 2 * (product**2).sum())
