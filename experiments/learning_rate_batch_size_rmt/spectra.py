"""Extremal eigenvalues and quadratures of batch Hessians and Gauss-Newton matrices at a point w.

H_B = sum_i a_i H_i over the rows of a batch; G_B the same for the Gauss-Newton part.

Shapes: C rows of a batch, P weights, m Lanczos steps, n batches, B sizes and all data.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from common.curvature import slq
from common.curvature.lanczos import lanczos, tridiagonal
from common.curvature.products import ggn_vp, hvp

from . import model

KINDS = HESSIAN, GAUSS_NEWTON = 0, 1
BINS = 400  # of the spectral densities


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


def of_batch(kind, point, element, *, layers, steps):
    """`quadrature` of a batch of one seed.

    point: signs [S, P], w [S, P], x [S, N, D], y [S, N] of all seeds; element: its place among the
    batches of its size, seed, size, rows [C]
    """
    signs, w, x, y = point
    place, seed, size, rows = element
    batch = model.weighted(x[seed, rows], y[seed, rows], size)
    start = jnp.roll(signs[seed], place)  # other signs, without random bits in a loop
    return quadrature(start, w[seed], batch, kind, layers=layers, steps=steps)


def moments(nodes, weights, residuals) -> dict[str, np.ndarray]:
    """Over batches, named as in `run.run`.  Of every size: nodes, weights [S, kind, n, m],
    residuals [S, kind, n, 2]; the last is all data."""
    ends = [x[..., [0, -1]] for x in nodes]
    mean, sd, median = (_stack(f(x, axis=2) for x in ends) for f in (np.mean, np.std, np.median))
    power = _stack((w * x**2).sum(-1).mean(-1) for x, w in zip(nodes, weights, strict=True))
    apart = zip(residuals, ends, strict=True)
    return {
        "mean": mean[..., :-1],
        "sd": sd[..., :-1],
        "median": median[..., :-1],
        "full": mean[..., -1],
        "square": power[..., :-1],
        "full_square": power[..., -1],
        "residual": _stack((r[:, HESSIAN] / np.abs(x[:, HESSIAN])).mean(1) for r, x in apart),
    }


def _stack(parts) -> np.ndarray:
    return np.stack(list(parts), axis=-1)


def grid(nodes):
    """Where a density of these nodes is drawn, and the width of its smoothing.  -> [BINS], []"""
    low, high = nodes.min(), nodes.max()
    margin = 0.05 * (high - low)
    return np.linspace(low - margin, high + margin, BINS), (high - low) / 100


def density(nodes, weights, at, sigma):
    """The spectral density, mean over batches.  nodes, weights [n, m], at [G] -> [G]"""
    return slq.density(nodes, weights, at, sigma=sigma).estimate
