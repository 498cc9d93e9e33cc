"""The affine-invariant metric g_B(V, W) = tr(B^-1 V B^-1 W) (Pennec et al. 2006).

Shapes and errors as in functions.py.
"""

import jax
import jax.numpy as jnp

from common.reals import at_least
from common.spd.functions import even, exponential, logarithm, norm, powered, two, weighted

Array = jax.Array


def distance(X, Y) -> Array:
    """|log(X^-1/2 Y X^-1/2)|_F.  -> [...]"""
    X, Y = two("X", X, "Y", Y)
    root = powered(X, -0.5)
    return norm(logarithm(even(root @ Y @ root)))


def log(B, X) -> Array:
    """Tangent at B towards X: B^1/2 log(B^-1/2 X B^-1/2) B^1/2."""
    B, X = two("B", B, "X", X)
    root, back = powered(B, 0.5), powered(B, -0.5)
    return even(root @ logarithm(even(back @ X @ back)) @ root)


def exp(B, V) -> Array:
    """B^1/2 exp(B^-1/2 V B^-1/2) B^1/2"""
    B, V = two("B", B, "V", V, definite=(True, False))
    root, back = powered(B, 0.5), powered(B, -0.5)
    return even(root @ exponential(even(back @ V @ back)) @ root)


def mean(Xs, weights=None, *, steps: int = 30) -> Array:
    """Karcher mean of Xs [N, d, d] by B <- exp_B(mean of log_B X).  -> [d, d]"""
    Xs, weights = weighted(Xs, weights)
    at_least(0, steps=steps)

    def step(_, B):
        root, back = powered(B, 0.5), powered(B, -0.5)
        towards = jnp.einsum("n,nij->ij", weights, logarithm(even(back @ Xs @ back)))
        return even(root @ exponential(towards) @ root)

    start = exponential(jnp.einsum("n,nij->ij", weights, logarithm(Xs)))
    return jax.lax.fori_loop(0, steps, step, start)
