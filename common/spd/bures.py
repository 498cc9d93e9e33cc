"""The Bures-Wasserstein metric: W_2 of centred Gaussians (Bhatia, Jain & Lim 2019).

g_B(V, W) = tr(L_B(V) W) / 2, L_B(V) of `functions.lyapunov`.

Shapes and errors as in functions.py.
"""

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import at_least, real_arrays
from common.spd.functions import even, lyapunov, norm, powered, two, weighted

Array = jax.Array


def distance(X, Y) -> Array:
    """(tr X + tr Y - 2 tr (X^1/2 Y X^1/2)^1/2)^1/2.  -> [...]

    As |X^1/2 - Y^1/2 Q|_F with Q the nearest rotation: the difference of traces would lose half
    of the digits of near matrices.
    """
    X, Y = two("X", X, "Y", Y)
    one, other = powered(X, 0.5), powered(Y, 0.5)
    U, _, V = jnp.linalg.svd(jax.lax.stop_gradient(other @ one), full_matrices=False)
    return norm(one - (U @ V).mT @ other)


def monge(X, Y) -> Array:
    """The map of N(0, X) to N(0, Y): T = X^-1/2 (X^1/2 Y X^1/2)^1/2 X^-1/2, T X T = Y."""
    X, Y = two("X", X, "Y", Y)
    root, back = powered(X, 0.5), powered(X, -0.5)
    return even(back @ powered(even(root @ Y @ root), 0.5) @ back)


def inner(B, V, W) -> Array:
    """g_B(V, W).  -> [...]"""
    (W,) = real_arrays(W=W)
    d = shapes.check("B", B, "... d d")["d"]
    shapes.check("W", W, "... d d", {"d": d})
    return jnp.sum(lyapunov(B, V) * W, axis=(-2, -1)) / 2


def log(B, X) -> Array:
    """Tangent at B towards X: (BX)^1/2 + (XB)^1/2 - 2 B."""
    B, X = two("B", B, "X", X)
    root, back = powered(B, 0.5), powered(B, -0.5)
    half = root @ powered(even(root @ X @ root), 0.5) @ back
    return half + half.mT - 2 * B


def exp(B, V) -> Array:
    """B + V + L B L, L = L_B(V); inverse of log where I + L is positive definite."""
    L = lyapunov(B, V)
    (B, V) = (even(a) for a in real_arrays(B=B, V=V))
    return even(B + V + L @ B @ L)


def geodesic(X, Y, t) -> Array:
    """(1 - t)^2 X + t^2 Y + t (1 - t) ((XY)^1/2 + (YX)^1/2).  t [] in [0, 1]"""
    X, Y = two("X", X, "Y", Y)
    root, back = powered(X, 0.5), powered(X, -0.5)
    half = root @ powered(even(root @ Y @ root), 0.5) @ back
    return even((1 - t) ** 2 * X + t**2 * Y + t * (1 - t) * (half + half.mT))


def mean(Xs, weights=None, *, steps: int = 30) -> Array:
    """Wasserstein barycentre of centred Gaussians: B <- B^-1/2 (sum w (B^1/2 X B^1/2)^1/2)^2
    B^-1/2 from the arithmetic mean (Alvarez-Esteban et al. 2016).  Xs [N, d, d] -> [d, d]"""
    Xs, weights = weighted(Xs, weights)
    at_least(0, steps=steps)

    def step(_, B):
        root, back = powered(B, 0.5), powered(B, -0.5)
        middle = jnp.einsum("n,nij->ij", weights, powered(even(root @ Xs @ root), 0.5))
        return even(back @ middle @ middle @ back)

    return jax.lax.fori_loop(0, steps, step, jnp.einsum("n,nij->ij", weights, Xs))
