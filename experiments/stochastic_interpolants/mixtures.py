"""Mixtures of Gaussians: their samples, distribution functions, and what noise makes of one.

Shapes: K components, D dimensions, n points, X grid points.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from common import keys
from common.sde import interpolants as si

GAMMAS = {"brownian": si.brownian(), "bump": si.bump(), "sine": si.sine()}
FINER = 10  # points of slopes between two of a grid


def noise_of(names: Sequence[str], choice) -> si.Weight:
    """gamma^2 of the name at `choice` [], known when the program runs."""
    return lambda t: jnp.stack([GAMMAS[name](t) for name in names])[choice]


def line(means, variances) -> si.Normals:
    """Equal weights in one dimension.  means [K], variances [K]"""
    means, variances = np.asarray(means, float), np.asarray(variances, float)
    weights = np.full(means.shape, 1 / len(means))
    return si.Normals(weights, means[:, None], variances[:, None, None])


def scattered(key, modes: int, dim: int) -> si.Normals:
    """Means 3 N(0, I), covariances A A^T / D + I / 2 with A normal, as in the authors' 2-D mixture.

    The 1/D, ours, keeps variances of order one in many dimensions.
    """
    draw = keys.normal(key, (modes, dim, dim + 1))
    root, means = draw[..., :dim], 3.0 * draw[..., dim]
    spread = root @ root.mT / dim + 0.5 * jnp.eye(dim)
    return si.Normals(jnp.full(modes, 1 / modes), means, spread)


def standard(dim: int) -> si.Normals:
    """N(0, I) as a mixture of one."""
    return si.Normals(np.ones(1), np.zeros((1, dim)), np.eye(dim)[None])


def placed(rho: si.Normals, which, normal):
    """Samples made of normal numbers [n], for the components, and [n, D].  -> [n, D]"""
    above = jax.scipy.special.ndtr(which)[:, None] > jnp.cumsum(rho.weights)[:-1]
    each = rho.means + jnp.einsum("kij,nj->nki", jnp.linalg.cholesky(rho.covariances), normal)
    return jnp.take_along_axis(each, above.sum(1)[:, None, None], axis=1)[:, 0]


def sample(key, rho: si.Normals, n: int):
    """-> [n, D]"""
    draw = keys.normal(key, (n, 1 + rho.means.shape[1]))
    return placed(rho, draw[:, 0], draw[:, 1:])


def triples(key, rho0: si.Normals, rho1: si.Normals, n: int):
    """Independent x_0, x_1 and latent z, [n, D] each, and a uniform number each [n].

    Of one draw of normal numbers: random bits are what takes longest to compile.
    """
    draw = keys.normal(key, (n, 3, 1 + rho0.means.shape[1]))
    first, second, third = jnp.moveaxis(draw, 1, 0)
    ends = (placed(rho, d[:, 0], d[:, 1:]) for rho, d in ((rho0, first), (rho1, second)))
    return *ends, third[:, 1:], jax.scipy.special.ndtr(third[:, 0])


def cdf(rho: si.Normals, x):
    """Distribution function in one dimension.  x [n] -> [n]"""
    z = (x[:, None] - rho.means[:, 0]) / jnp.sqrt(rho.covariances[:, 0, 0])
    return jax.scipy.special.ndtr(z) @ rho.weights


def shapes(key, rho0: si.Normals, rho1: si.Normals, *, gains, jitter, grid):
    """What gamma = sqrt(a t (1 - t)) makes of the law at t = 1/2, modes moved by N(0, jitter^2).

    gains [A], grid [X] -> density [A, X], slope [A]: the largest |db/dx|, by differences
    """
    moved = jitter * keys.normal(key, (len(rho0.means) + len(rho1.means), 1))
    rho0 = rho0._replace(means=rho0.means + moved[: len(rho0.means)])
    rho1 = rho1._replace(means=rho1.means + moved[len(rho0.means) :])
    x = jnp.linspace(grid[0], grid[-1], FINER * (len(grid) - 1) + 1)

    def at(gain):
        now = si.fields(si.linear(si.brownian(gain)), rho0, rho1, x[:, None], 0.5)
        slope = jnp.diff(now.velocity[:, 0]) / (x[1] - x[0])
        return {"density": jnp.exp(now.log_density[::FINER]), "slope": jnp.abs(slope).max()}

    return jax.vmap(at)(jnp.asarray(gains))
