"""H = G + R at a point: columns of H, and the leading eigenspaces of H, of G and of R.

G = 1/N sum_i J_i^T (d2 l / d f2) J_i, R = 1/N sum_i sum_c (d l / d f_c) d2 f_c (section 3).

Shapes: M parameters, n columns, k eigenvalues.
"""

import jax
import jax.numpy as jnp

from common.curvature.dense import columns
from common.curvature.lanczos import eigsh
from common.curvature.products import flat, ggn_vp, hvp

from . import model


def hessian_columns(params, batch, index, *, chunk):
    """Rows of H (it is symmetric).  index [n] -> [n, M]"""
    matvec, size, _ = flat(hvp(model.loss, params, batch), params)
    return columns(matvec, size, index, chunk=chunk)


def leading(key, params, batch, *, k, space, steps):
    """How far H and G agree, by Lanczos.  -> dict of arrays

    top_h, top_g [k]: largest eigenvalues; overlap []: |U_H^T U_G|_F^2 / space of the top `space`
    eigenvectors of each, 1 when they span the same space and about space / M when unrelated;
    rest []: largest |eigenvalue| of R; residual []: worst residual of those `space` over lambda_1.
    """
    hessian, size, _ = flat(hvp(model.loss, params, batch), params)
    gauss, _, _ = flat(ggn_vp(model.outputs, model.cross_entropy, params, batch), params)

    def top(weights):
        a, b = weights
        return eigsh(key, lambda v: a * hessian(v) + b * gauss(v), size, steps=steps, k=k)

    # H, G, R and -R in one loop: four programs would take longer to compile than to run
    values, vectors, residuals = jax.lax.map(top, jnp.array([[1, 0], [0, 1], [1, -1], [-1, 1.0]]))
    return {
        "top_h": values[0],
        "top_g": values[1],
        "overlap": jnp.sum((vectors[0, :space] @ vectors[1, :space].T) ** 2) / space,
        "rest": values[2:, 0].max(),
        "residual": residuals[:2, :space].max() / values[0, 0],
    }
