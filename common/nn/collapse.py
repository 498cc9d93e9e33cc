"""How collapsed features are (neural collapse; Papyan, Han & Donoho 2020): class means, scatter
within and between classes, NC1 and the ratio of traces, distances to frames (NC2, NC3).

Features are columns; for rows [N, d] give H.mT.  With n_k examples of class k, N in all:
    mu_k = class mean,  mu_G = mean of all examples
    Sigma_W = 1/N sum (h - mu_k)(h - mu_k)^T,  Sigma_B = 1/K sum (mu_k - mu_G)(mu_k - mu_G)^T

Shapes: d width, N examples, K classes; H features [..., d, N], Y one-hot labels [..., K, N].
Every function of both: ValueError where shapes do not fit, or a known Y has a class without
examples.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.reals import at_least, real_arrays, reals, refuted

Array = jax.Array


class Scatter(NamedTuple):
    within: Array  # Sigma_W [..., d, d]
    between: Array  # Sigma_B [..., d, d]


def one_hot(labels, classes: int, dtype=float) -> Array:
    """Labels 0 ... classes - 1.  labels int [..., N] -> [..., classes, N]

    Errors: ValueError for labels that are no integers or, where known, no classes.
    """
    at_least(1, classes=classes)
    if np.ndim(labels) < 1 or jnp.asarray(labels).dtype.kind not in "iu":
        raise ValueError("labels must be integers [..., N]")
    if refuted(lambda k: (k >= 0) & (k < classes), labels):
        raise ValueError(f"labels must lie from 0 to {classes - 1}")
    return (jnp.asarray(labels)[..., None, :] == jnp.arange(classes)[:, None]).astype(dtype)


def blocks(counts: Sequence[int], dtype=float) -> np.ndarray:
    """One-hot labels of classes that follow each other, n_k examples each.  counts [K] -> [K, N]"""
    at_least(1, **{"number of classes": len(counts)})
    at_least(1, **{f"count {k}": n for k, n in enumerate(counts)})
    return np.repeat(np.eye(len(counts), dtype=dtype), counts, axis=1)


def means(H, Y) -> Array:
    """Class means.  -> [..., d, K]"""
    H, Y = _both(H, Y)
    return _means(H, Y)


def within(H, Y) -> Array:
    """Features less their class mean.  -> [..., d, N]"""
    H, Y = _both(H, Y)
    return H - _means(H, Y) @ Y


def scatter(H, Y) -> Scatter:
    """Sigma_W and Sigma_B, as matrices.  -> each [..., d, d]"""
    H, Y = _both(H, Y)
    Q, C = H - _means(H, Y) @ Y, _centred(H, Y)
    return Scatter(Q @ Q.mT / H.shape[-1], C @ C.mT)


def variability(H, Y, *, rcond: float = 1e-10) -> Array:
    """NC1 = tr(Sigma_W Sigma_B^+) / K.  -> [...]

    The pseudo-inverse is that of C^T C, which is K x K, where Sigma_B = C C^T:
    (C C^T)^+ = C (C^T C)^{+2} C^T.  Sigma_B has rank K - 1 at most: what lies below rcond of its
    largest eigenvalue, or below what the dtype resolves of it (10 K eps), counts as zero.
    Errors: also ValueError for an rcond outside [0, 1).
    """
    H, Y = _both(H, Y)
    if not 0 <= rcond < 1:
        raise ValueError(f"rcond must lie in [0, 1), not {rcond}")
    K = Y.shape[-2]
    rcond = max(rcond, 10 * K * float(jnp.finfo(H.dtype).eps))
    C = _centred(H, Y)
    inverse = jnp.linalg.pinv(C.mT @ C, rtol=rcond, hermitian=True)
    projected = inverse @ C.mT @ (H - _means(H, Y) @ Y)
    return jnp.sum(projected**2, axis=(-2, -1)) / H.shape[-1] / K


def trace_ratio(H, Y) -> Array:
    """tr(Sigma_W) / tr(Sigma_B): also sees variability across the class means.  -> [...]"""
    H, Y = _both(H, Y)
    Q, C = H - _means(H, Y) @ Y, _centred(H, Y)
    return jnp.sum(Q**2, axis=(-2, -1)) / H.shape[-1] / jnp.sum(C**2, axis=(-2, -1))


def distance(A, B) -> Array:
    """|A / |A| - B / |B|| in the Frobenius norm of the last two axes: no factor counts.  -> [...]

    A, B [..., n, m].  Errors: ValueError where the matrices differ in shape.
    """
    shapes.check("B", B, "... n m", shapes.check("A", A, "... n m"))
    return jnp.linalg.norm(unit(A) - unit(B), axis=(-2, -1))


def unit(A) -> Array:
    """A / |A| of the last two axes.  [..., n, m] -> the same"""
    A = jnp.asarray(reals("A", A, finite=False))
    shapes.check("A", A, "... n m")
    return A / jnp.linalg.norm(A, axis=(-2, -1), keepdims=True)


def simplex(classes: int) -> np.ndarray:
    """Gram matrix of a simplex equiangular tight frame, up to a factor.  -> [K, K]"""
    at_least(2, classes=classes)
    return np.eye(classes) - 1 / classes


def frame(squares: np.ndarray) -> np.ndarray:
    """Gram matrix of an orthogonal frame of these squared lengths.  [..., K] -> [..., K, K]"""
    squares = np.asarray(reals("squares", squares))
    at_least(1, **{"number of axes of squares": squares.ndim})
    return squares[..., None] * np.eye(squares.shape[-1])


def _both(H, Y) -> tuple[Array, Array]:
    sizes = shapes.check("Y", Y, "... K N")
    at_least(2, **{"number of classes": sizes["K"]})
    shapes.check("H", H, "... d N", {"N": sizes["N"]})
    if refuted(lambda y: y.sum(-1) > 0, Y):
        raise ValueError("Y has a class without examples")
    H, Y = real_arrays(H=H, Y=Y)
    return H, Y


def _means(H: Array, Y: Array) -> Array:
    return H @ Y.mT / Y.sum(-1)[..., None, :]


def _centred(H: Array, Y: Array) -> Array:
    """C [..., d, K] with Sigma_B = C C^T."""
    return (_means(H, Y) - H.mean(-1, keepdims=True)) / jnp.sqrt(Y.shape[-2])
