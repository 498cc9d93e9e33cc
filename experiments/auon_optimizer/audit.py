"""Single matrices: the divisor R, the update's norm and spectrum, its operations.

Shapes: S seeds, A sides, F shapes, M, N sides of a matrix, K = min(M, N).
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from common.optim import auon

from . import methods


def excesses(matrices: Sequence, gamma: float):
    """R - 1 of every matrix.  -> [A]"""
    return jnp.stack([auon.cosh_excess(g, gamma) for g in matrices])


def one_hot(like):
    """All of a matrix in one entry."""
    return np.zeros_like(like) + (np.arange(like.size) == 0).reshape(like.shape)


def conditioned(gaussian, kappa: float):
    """Matrices with singular values from 1 to 1 / kappa in equal ratios and random directions.

    gaussian [S, M, N] -> same
    """
    u, _, v = np.linalg.svd(gaussian, full_matrices=False)
    return (u * np.geomspace(1, 1 / kappa, u.shape[-1])) @ v


def updates(g, names: Sequence[str], gamma: float, steps: int):
    """The directions of several methods.  g [M, N] -> [name, M, N]"""
    return jnp.stack([methods.direction(n, g, gamma=gamma, steps=steps) for n in names])


def momenta(gaussian, kappa: float, scales):
    """One of condition kappa, then Gaussian ones and some of rank one, with these Frobenius norms.

    gaussian [S, M, N] -> [S, 1 + 2 scales, M, N]
    """
    rank_one = gaussian[:, :, :1] * gaussian[:, :1, :]
    pair = np.stack([gaussian, rank_one], axis=1)
    unit = pair / np.linalg.norm(pair, axis=(-2, -1), keepdims=True)
    sized = np.asarray(scales)[:, None, None] * unit[:, :, None]
    sized = sized.reshape(len(pair), -1, *gaussian.shape[1:])
    return np.concatenate([conditioned(gaussian, kappa)[:, None], sized], axis=1)


def operations(name: str, sides: Sequence[int], gamma: float, steps: int) -> np.ndarray:
    """Floating-point operations and functions of one direction, square matrices: as the compiler
    counts what it is given.  -> [A]
    """
    fn = jax.jit(partial(methods.direction, name, gamma=gamma, steps=steps, looped=False))
    costs = [fn.lower(jax.ShapeDtypeStruct((n, n), jnp.float32)).cost_analysis() for n in sides]
    return np.array([c["flops"] + c.get("transcendentals", 0.0) for c in costs])
