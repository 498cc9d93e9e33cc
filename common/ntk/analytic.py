"""Infinite-width kernels of fully connected networks: NNGP Sigma and NTK Theta.

f = W a / sqrt(n) * w_std + b_std b at every layer, all W, b ~ N(0, 1) (NTK parametrisation):
Sigma^1 = w_std^2 x.x' / n_0 + b_std^2, Sigma^(l+1) = w_std^2 E[s(u) s(v)] + b_std^2,
Theta^1 = Sigma^1, Theta^(l+1) = Sigma^(l+1) + w_std^2 Theta^l E[s'(u) s'(v)], (u, v) normal with
covariance Sigma^l (Jacot et al. 2018, section 4).  No factor 2 is added for ReLU.

Shapes: n, n' examples, D inputs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.reals import at_least, is_known, reals, refuted, unit

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
    Errors: ValueError, outside of jit, for variances beyond the range of the dtype at any layer.
    """
    at_least(1, depth=depth)
    x1 = _examples("x1", x1)
    other = x1 if x2 is None else _examples("x2", x2)
    shapes.check("x2", other, "m D", shapes.check("x1", x1, "n D") | {"m": len(other)})
    w, b = (_square(name, std, x1.dtype) for name, std in (("w_std", w_std), ("b_std", b_std)))
    cov, var1, var2 = (w * product + b for product in _products(x1, other))
    ntk = cov = _with_diagonal(cov, var1, x2)
    for _ in range(depth - 1):
        _in_range("x1", x1, var1, ntk)
        _in_range("x2", other, var2, ntk)
        product, slopes = dual(cov, var1[:, None], var2[None, :])
        step = dual(var1, var1, var1), dual(var2, var2, var2)
        slopes = _with_diagonal(slopes, step[0][1], x2)
        var1, var2 = (w * s[0] + b for s in step)
        cov = _with_diagonal(w * product + b, var1, x2)
        ntk = cov + w * ntk * slopes
    if x2 is None:  # symmetric to the last digit
        cov, ntk = ((k + k.T) / 2 for k in (cov, ntk))
    _in_range("x1", x1, var1, ntk)
    _in_range("x2", other, var2, ntk)
    return Kernels(cov, ntk)


def _examples(name: str, x) -> jax.Array:
    x = jnp.asarray(reals(name, x))
    if x.ndim == 2 and not x.shape[1]:
        raise ValueError(f"{name} has no inputs, its shape is {list(x.shape)}")
    return x


def _square(name: str, std: Any, dtype) -> Any:
    """std^2.  Errors: ValueError where it leaves the range of the dtype."""
    reals(name, std)
    square, info = std**2, jnp.finfo(dtype)
    if refuted(lambda s: (s == 0) | (s**2 >= info.tiny) & (s**2 <= info.max), std):
        raise ValueError(f"{name}^2 leaves the range of {dtype}: {std}")
    return square


def _products(x1, x2) -> tuple[jax.Array, jax.Array, jax.Array]:
    """x1 x2^T / D and the mean squares of both, by rows of ordinary size.  -> [n, n'], [n], [n']"""
    u1, u2 = (unit(jax.lax.stop_gradient(x), 1) for x in (x1, x2))
    dot = jnp.matmul(x1 / u1, (x2 / u2).T, precision=jax.lax.Precision.HIGHEST)
    squares = [((x / u) ** 2).sum(-1) * u[:, 0] * u[:, 0] for x, u in ((x1, u1), (x2, u2))]
    size = x1.shape[1]
    return dot * u1 * u2.T / size, squares[0] / size, squares[1] / size


def _in_range(name: str, x, variance, ntk) -> None:
    """Errors: ValueError where a variance vanished, or a kernel is not finite."""
    if not is_known(ntk):
        return
    lost = (x != 0).any(1) & (variance < jnp.finfo(variance.dtype).tiny)
    if lost.any() or not (jnp.isfinite(variance).all() and jnp.isfinite(ntk).all()):
        why = "rescale x, or choose w_std near that which keeps variances"
        raise ValueError(f"the kernel of {name} leaves the range of {ntk.dtype}: {why}")


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
    cov, var1, var2 = _moments(cov, var1, var2)
    positive = (var1 > 0) & (var2 > 0)  # at a zero input the root has no derivative
    scale = jnp.where(
        positive, _mean(jnp.where(var1 > 0, var1, 1), jnp.where(var2 > 0, var2, 1)), 0
    )
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
    cov, var1, var2 = _moments(cov, var1, var2)
    root = jnp.sqrt(1 + 2 * var1) * jnp.sqrt(1 + 2 * var2)
    product = 2 / jnp.pi * jnp.arcsin(jnp.clip(cov / root * 2, -1, 1))
    # (1 + 2 var1) (1 + 2 var2) - 4 cov^2, without the difference of two large squares, and over r^2
    scale = _mean(var1, var2)  # exactly cov on the diagonal
    r = jnp.maximum(_root(scale), 1)
    gap = jnp.maximum(((scale - cov) / r) * ((scale + cov) / r), 0)
    slope = 4 / jnp.pi / jnp.sqrt((1 + 2 * (var1 + var2)) / r / r + 4 * gap)
    return product, slope / r


def linear(cov: jax.Array, var1: jax.Array, var2: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The same for s = identity."""
    cov, _, _ = _moments(cov, var1, var2)
    return cov, jnp.ones_like(cov)


def _moments(cov, var1, var2) -> list[jax.Array]:
    names = ("cov", "var1", "var2")
    alike = [np.shape(a) for a in (cov, var1, var2)]
    try:
        np.broadcast_shapes(*alike)
    except ValueError:
        raise ValueError(f"cov, var1, var2 must broadcast, not {alike}") from None
    return [jnp.asarray(reals(n, v)) for n, v in zip(names, (cov, var1, var2), strict=True)]


def _root(a: jax.Array) -> jax.Array:
    """A power of two near sqrt(a)."""
    exponent = jnp.frexp(jax.lax.stop_gradient(a))[1]
    return jnp.ldexp(jnp.ones_like(a), (exponent - 1) // 2)


def _mean(a: jax.Array, b: jax.Array) -> jax.Array:
    """sqrt(a b), to the last digit, also where a b leaves the range."""
    p, q = _root(a), _root(b)
    return jnp.sqrt((a / p / p) * (b / q / q)) * (p * q)
