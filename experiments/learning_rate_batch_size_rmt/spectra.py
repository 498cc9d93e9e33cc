"""Extremal eigenvalues and quadratures of batch Hessians and Gauss-Newton matrices at a point w.

H_B = sum_i a_i H_i over the rows of a batch; G_B the same for the Gauss-Newton part.

Shapes: C rows of a batch, P weights, m Lanczos steps, n batches.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from common.curvature.lanczos import lanczos, tridiagonal
from common.curvature.products import ggn_vp, hvp

from . import model

HESSIAN, GAUSS_NEWTON = 0, 1


def quadrature(start, w, batch, kind, *, layers, steps):
    """Lanczos on the Hessian (kind 0) or the Gauss-Newton matrix (kind 1) of one batch.

    start [P]: random signs.
    -> nodes [m], ascending: the first and the last are the extremal eigenvalues; weights [m] of the
    spectral density seen from `start`; residuals [2] of these two eigenpairs.
    """
    hessian = hvp(partial(model.loss, layers=layers), w, batch)
    gauss = ggn_vp(partial(model.outputs, layers=layers), model.criterion, w, batch)

    def product(v):
        return jax.lax.cond(kind == HESSIAN, hessian, gauss, v)

    alpha, beta, _ = lanczos(product, start, steps)
    # after a breakdown the rest of T is zero: nodes at 0, where these matrices have their bulk
    nodes, vectors = jnp.linalg.eigh(tridiagonal(alpha, beta))
    return nodes, vectors[0] ** 2, beta[-1] * jnp.abs(vectors[-1, jnp.array([0, -1])])


def partition(orders, size, most):
    """Batches without replacement: every row of `orders` cut into pieces.

    orders [E, N], each a permutation -> index [n, size], n = min(E floor(N / size), most).  Over a
    whole permutation the mean of the batch Hessians is the full one, which removes the noise of
    first order from the mean of their eigenvalues.
    """
    pieces = orders.shape[1] // size
    return np.reshape(orders[:, : pieces * size], (-1, size))[:most]
