"""Ridge regression on delays: the linear autoregression (AR) and the nonlinear one (nVAR).

Both learn the increment u(t+1) - u(t) from the last `lags` states and, in nVAR, all monomials of
them up to degree `order` (next-generation reservoir, Gauthier et al. 2021).
Shapes: L samples of D channels, p lags, F features, C context, H horizon.
"""

from itertools import combinations_with_replacement

import jax
import jax.numpy as jnp
import numpy as np

CLIP = 10.0  # standard deviations: a forecast that diverges stays finite


def ridge(features, targets, penalty: float):
    """argmin |features W - targets|^2 / L + penalty |W|^2.  [L, F], [L, D] -> [F, D]"""
    size, width = features.shape
    gram = features.T @ features + penalty * size * jnp.eye(width, dtype=features.dtype)
    return jax.scipy.linalg.solve(gram, features.T @ targets, assume_a="pos")


def windows(u, lags: int):
    """Every run of `lags` states, oldest first.  [L, D] -> [L - lags + 1, lags D]"""
    count = len(u) - lags + 1
    return jnp.concatenate([u[i : i + count] for i in range(lags)], axis=1)


def monomials(x, order: int):
    """1 and all products of up to `order` entries.  [..., n] -> [..., F]"""
    parts = [jnp.ones_like(x[..., :1]), x]
    for degree in range(2, order + 1):
        terms = np.array(list(combinations_with_replacement(range(x.shape[-1]), degree)))
        parts.append(jnp.prod(x[..., terms], axis=-1))
    return jnp.concatenate(parts, axis=-1)


def fit(u, *, lags: int, order: int, penalty: float):
    """Weights of the increment.  u [L, D] -> [F, D]"""
    features = monomials(windows(u[:-1], lags), order)
    return ridge(features, u[lags:] - u[lags - 1 : -1], penalty)


def forecast(weights, context, horizon: int, *, lags: int, order: int):
    """Closed loop from the end of context [C, D].  -> [H, D]"""

    def step(last, _):
        following = last[-1] + monomials(last.reshape(-1), order) @ weights
        following = jnp.clip(following, -CLIP, CLIP)
        return jnp.concatenate([last[1:], following[None]]), following

    return jax.lax.scan(step, context[-lags:], length=horizon)[1]
