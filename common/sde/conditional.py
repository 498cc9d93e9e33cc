"""Denoisers of a conditioned law, made of the denoiser of the law itself.

With an observation y = A x_0 + noise, E[x_0 | x_t, y] follows from p(y | x_t) (Bayes): here with
x_0 | x_t taken as a Gaussian of the mean D and the covariance (sigma^2 / alpha) dD/dx, which it has
(Tweedie's second order). Exact for Gaussian data.  Boys et al. 2024 (arXiv 2310.06721).

Shapes: B batch, D numbers a sample, M observed; x [B, D].
"""

import math

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import reals, unit
from common.sde import path
from common.sde.path import Denoiser
from common.sde.processes import SDE, Array, clock, within


def observed(sde: SDE, denoise: Denoiser, operator: Array, y: Array, noise: float) -> Denoiser:
    """D(x, t) of the data given y = operator x_0 + noise z.  operator [M, D], y [B, M] or [M]

    M products with the denoiser's Jacobian a call.  Errors: ValueError for shapes.
    """
    sizes = shapes.check("operator", operator, "M D")
    m = sizes["M"]
    if jnp.ndim(y) == 1:
        shapes.check("y", y, "M", sizes)
    else:
        sizes = shapes.check("y", y, "B M", sizes)
    within(0, math.inf, noise=noise)
    operator, y = (jnp.asarray(reals(n, a)) for n, a in (("operator", operator), ("y", y)))
    u = unit(operator)  # squares of numbers beside one
    operator, y, noise = operator / u, y / u, clock(noise) / u

    def conditioned(x, *at):
        shapes.check("x", x, "B D", sizes)
        x = jnp.asarray(reals("x", x))
        d, pull = jax.vjp(lambda x: denoise(x, *at), x)
        here = path.at(sde, at[0])
        rows = jnp.broadcast_to(operator[:, None], (m, *x.shape)).astype(d.dtype)
        back = (here.sigma**2 / here.alpha) * jax.vmap(lambda r: pull(r)[0])(rows)  # C A^T
        spread = jnp.einsum("mbd,kd->bmk", back, operator)
        spread = 0.5 * (spread + spread.mT) + noise**2 * jnp.eye(m, dtype=x.dtype)
        gain = jnp.linalg.solve(spread, (y - d @ operator.T)[..., None])[..., 0]
        return d + jnp.einsum("mbd,bm->bd", back, gain)

    return conditioned


def guided(conditional: Denoiser, plain: Denoiser, weight: float) -> Denoiser:
    """plain + weight (conditional - plain): classifier-free guidance, 1 being conditional alone.

    The scale w of Ho & Salimans 2022, eq. 6, is weight - 1.
    """
    reals("weight", weight)
    weight = clock(weight)

    def denoise(*at):
        free = plain(*at)
        return free + weight * (conditional(*at) - free)

    return denoise
