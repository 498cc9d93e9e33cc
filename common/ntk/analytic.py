"""Infinite-width kernels of fully connected networks: NNGP Sigma and NTK Theta.

f = W a / sqrt(n) * w_std + b_std b at every layer, all W, b ~ N(0, 1) (NTK parametrisation):
Sigma^1 = w_std^2 x.x' / n_0 + b_std^2, Sigma^(l+1) = w_std^2 E[s(u) s(v)] + b_std^2,
Theta^1 = Sigma^1, Theta^(l+1) = Sigma^(l+1) + w_std^2 Theta^l E[s'(u) s'(v)], (u, v) normal with
covariance Sigma^l (Jacot et al. 2018, section 4).  No factor 2 is added for ReLU.

Shapes: n, n' examples, D inputs.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from common import shapes

Dual = Callable[[jax.Array, jax.Array, jax.Array], tuple[jax.Array, jax.Array]]


class Kernels(NamedTuple):
    """Both [n, n']; of an output, the outputs being independent."""

    nngp: jax.Array
    ntk: jax.Array


def fully_connected(
    dual: Dual,
    x1: jax.Array,
    x2: jax.Array | None = None,
    *,
    depth: int,
    w_std: float = 1.0,
    b_std: float = 0.0,
) -> Kernels:
    """Kernels of a network of `depth` affine layers, with the nonlinearity between them.

    x1 [n, D], x2 [n', D] (x1 when None) -> [n, n'].  `dual` is relu, erf or linear of this module.
    x2 = None keeps the diagonal exact; elsewhere float32 resolves ReLU's angle between nearly equal
    inputs only to 5e-4, which is the relative error of Theta there.
    """
    other = x1 if x2 is None else x2
    shapes.check("x2", other, "m D", {"D": shapes.check("x1", x1, "n D")["D"]})
    w, b = w_std**2, b_std**2
    dot = jax.lax.Precision.HIGHEST
    cov = w * jnp.matmul(x1, other.T, precision=dot) / x1.shape[1] + b
    var1, var2 = (w * (x**2).sum(-1) / x.shape[1] + b for x in (x1, other))
    ntk = cov = _with_diagonal(cov, var1, x2)
    for _ in range(depth - 1):
        product, slopes = dual(cov, var1[:, None], var2[None, :])
        step = dual(var1, var1, var1), dual(var2, var2, var2)
        slopes = _with_diagonal(slopes, step[0][1], x2)
        var1, var2 = (w * s[0] + b for s in step)
        cov = _with_diagonal(w * product + b, var1, x2)
        ntk = cov + w * ntk * slopes
    if x2 is None:  # symmetric to the last digit
        return Kernels((cov + cov.T) / 2, (ntk + ntk.T) / 2)
    return Kernels(cov, ntk)


def _with_diagonal(kernel, diagonal, x2):
    if x2 is not None:
        return kernel
    eye = jnp.eye(len(kernel), dtype=bool)
    return jnp.where(eye, diagonal[:, None], kernel)


def relu(cov: jax.Array, var1: jax.Array, var2: jax.Array) -> tuple[jax.Array, jax.Array]:
    """E[s(u) s(v)] and E[s'(u) s'(v)] for s = max(0, .)  (Cho & Saul 2009, arc-cosine kernels).

    Where u = +-v the angle's derivative is infinite; it is taken to be 0 there, which is its limit
    along the diagonal.  Differentiating once more is not supported at these points.
    """
    positive = (var1 > 0) & (var2 > 0)  # at a zero input the root has no derivative
    scale = jnp.where(positive, jnp.sqrt(jnp.where(positive, var1 * var2, 1)), 0)
    cosine = jnp.clip(cov / jnp.where(positive, scale, 1), -1, 1)
    inside = jnp.abs(cosine) < 1
    # both branches of a where are differentiated, so the unused one gets a harmless argument
    safe = jnp.where(inside, cosine, 0)
    angle = jnp.where(inside, jnp.arccos(safe), jnp.where(cosine > 0, 0, jnp.pi))
    sine = jnp.where(inside, jnp.sqrt(1 - safe**2), 0)
    product = scale * (sine + (jnp.pi - angle) * cosine) / (2 * jnp.pi)
    return jnp.where(positive, product, 0), (jnp.pi - angle) / (2 * jnp.pi)


def erf(cov: jax.Array, var1: jax.Array, var2: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The same for s = erf (Williams 1997)."""
    root = jnp.sqrt(1 + 2 * var1) * jnp.sqrt(1 + 2 * var2)
    product = 2 / jnp.pi * jnp.arcsin(jnp.clip(2 * cov / root, -1, 1))
    # (1 + 2 var1) (1 + 2 var2) - 4 cov^2, without the difference of two large squares
    scale = jnp.sqrt(var1 * var2)  # exactly cov on the diagonal
    gap = jnp.maximum((scale - cov) * (scale + cov), 0)
    return product, 4 / jnp.pi / jnp.sqrt(1 + 2 * (var1 + var2) + 4 * gap)


def linear(cov: jax.Array, var1: jax.Array, var2: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The same for s = identity."""
    return cov, jnp.ones_like(cov)
