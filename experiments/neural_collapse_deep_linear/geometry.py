"""How collapsed features and classifiers are: NC1, and distances to frames (NC2, NC3).

Shapes: d width, N examples, K classes; H features [d, N], Y one-hot labels [K, N].
"""

import jax.numpy as jnp
import numpy as np


def means(H, Y):
    """Class means.  -> [d, K]"""
    return H @ Y.T / Y.sum(1)


def within(H, Y):
    """Features less their class mean.  -> [d, N]"""
    return H - means(H, Y) @ Y


def variability(H, Y, *, rcond=1e-10):
    """NC1 = tr(Sigma_W Sigma_B^+) / K.  -> []

    Sigma_W = 1/N sum (h - mu_k)(h - mu_k)^T, Sigma_B = 1/K sum (mu_k - mu_G)(mu_k - mu_G)^T = C C^T
    with mu_G the mean of all examples. The pseudo-inverse is that of C^T C, which is K x K:
    (C C^T)^+ = C (C^T C)^{+2} C^T. It leaves out directions below rcond of the largest, or below
    what the dtype resolves of them.
    """
    K = len(Y)
    rcond = max(rcond, 10 * K * float(jnp.finfo(H.dtype).eps))
    C = (means(H, Y) - H.mean(1, keepdims=True)) / jnp.sqrt(K)
    inverse = jnp.linalg.pinv(C.T @ C, rtol=rcond, hermitian=True)
    projected = inverse @ C.T @ within(H, Y)
    return jnp.sum(projected**2) / H.shape[1] / K


def distance(A, B):
    """|A / |A| - B / |B|| in the Frobenius norm, of the last two axes.  -> [...]"""
    return jnp.linalg.norm(unit(A) - unit(B), axis=(-2, -1))


def unit(A):
    return A / jnp.linalg.norm(A, axis=(-2, -1), keepdims=True)


def simplex(K):
    """Gram matrix of a simplex equiangular tight frame, up to a factor.  -> [K, K]"""
    return np.eye(K) - 1 / K


def frame(squares):
    """Gram matrix of a general orthogonal frame: diagonal.  squares [..., K] -> [..., K, K]"""
    return squares[..., None] * np.eye(squares.shape[-1])
