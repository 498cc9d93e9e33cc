"""The Euclidean metric of logarithms (Arsigny et al. 2006).

Shapes and errors as in functions.py.
"""

import jax
import jax.numpy as jnp

from common.spd.functions import exponential, logarithm, norm, two, weighted

Array = jax.Array


def distance(X, Y) -> Array:
    """|log X - log Y|_F.  -> [...]"""
    X, Y = two("X", X, "Y", Y)
    return norm(logarithm(X) - logarithm(Y))


def mean(Xs, weights=None) -> Array:
    """exp of the mean of logarithms.  Xs [N, d, d] -> [d, d]"""
    Xs, weights = weighted(Xs, weights)
    return exponential(jnp.einsum("n,nij->ij", weights, logarithm(Xs)))
