"""The exact denoiser of a data set: what a network that memorises it would compute.

For x_t = alpha x_0 + sigma z with x_0 uniform on the points y_i,

    D(x) = sum_i w_i y_i,  w = softmax_i(l),  l = -|x - alpha y_i|^2 / 2 sigma^2,
    log p_t = logsumexp_i(l) - log n - D log(2 pi sigma^2) / 2.

Shapes: B batch, D numbers a sample, n points; x [B, D], points [n, D]; t [].
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import at_least, held, reals
from common.sde.mixture import _far_from_one as far_from_one
from common.sde.processes import SDE, Array


class Denoised(NamedTuple):
    """Posterior mean of x_0, its mean square deviation a number, and the density of x_t."""

    mean: Array  # [B, D]
    variance: Array  # [B] trace of the posterior covariance / D
    log_density: Array  # [B] nats


class _Sums(NamedTuple):
    top: Array  # [B] largest logit so far
    mass: Array  # [B] sum of e^(logit - top)
    first: Array  # [B, D] the same with points
    second: Array  # [B] with |point|^2


def _joined(a: _Sums, b: _Sums) -> _Sums:
    top = jnp.maximum(a.top, b.top)
    u, v = jnp.exp(a.top - top), jnp.exp(b.top - top)
    return _Sums(
        top,
        u * a.mass + v * b.mass,
        u[:, None] * a.first + v[:, None] * b.first,
        u * a.second + v * b.second,
    )


def denoise(
    sde: SDE, points: Array, x: Array, t, *, chunk: int = 4096, axis: str | None = None
) -> Denoised:
    """D and log p_t of the points at x, reading `chunk` points at a time.

    Memory is B chunk + B D, whatever n. Where the points are split over devices by shard_map, give
    the name of the `axis`: sums are joined over it. Distances come from products, so logits are
    known to some eps |x|^2 / sigma^2.
    Errors: ValueError for shapes, no points and, outside of jit, what is beyond the dtype.
    """
    sizes = shapes.check("x", x, "B D")
    n = shapes.check("points", points, "n D", {"D": sizes["D"]})["n"]
    at_least(1, chunk=chunk, **{"points' first axis": n, "x's last axis": sizes["D"]})
    shapes.check("t", t, "")
    x, points = (jnp.asarray(reals(name, a)) for name, a in (("x", x), ("points", points)))
    alpha, sigma = sde.marginal(t)
    u = far_from_one(sigma)
    x, points, sigma = x / u, points / u, sigma / u
    centre = points.mean(axis=0) if axis is None else jax.lax.pmean(points.mean(axis=0), axis)
    y = points - centre  # second moments are taken about it, so that they keep their digits

    def block(part, valid):
        gap = jnp.sum((x - alpha * centre) ** 2, axis=1)[:, None] - 2 * alpha * (
            (x - alpha * centre) @ part.T
        )
        square = jnp.sum(part**2, axis=1)
        logit = jnp.where(valid, -0.5 * (gap + alpha**2 * square) / sigma**2, -jnp.inf)
        top = jnp.max(logit, axis=1)
        weight = jnp.exp(logit - top[:, None])
        return _Sums(top, weight.sum(axis=1), weight @ part, weight @ square)

    blocks = math.ceil(n / chunk)
    padded = jnp.pad(y, ((0, blocks * chunk - n), (0, 0))).reshape(blocks, chunk, -1)
    valid = (jnp.arange(blocks * chunk) < n).reshape(blocks, chunk)
    first = block(padded[0], valid[0])
    found, _ = jax.lax.scan(
        lambda sums, given: (_joined(sums, block(*given)), None), first, (padded[1:], valid[1:])
    )
    count = jnp.asarray(float(n))
    if axis is not None:
        top = jax.lax.pmax(found.top, axis)
        rest = _joined(found, jax.tree.map(jnp.zeros_like, found)._replace(top=top))
        found = jax.tree.map(lambda a: jax.lax.psum(a, axis), rest)._replace(top=top)
        count = jax.lax.psum(count, axis)
    mean = found.first / found.mass[:, None]
    spread = found.second / found.mass - jnp.sum(mean**2, axis=1)
    norm = 0.5 * sizes["D"] * jnp.log(2 * math.pi * sigma**2) + jnp.log(count)
    log = found.top + jnp.log(found.mass) - norm - sizes["D"] * jnp.log(u)
    variance = jnp.maximum(spread, 0) / sizes["D"] * u**2
    held("x and points are too far apart for sigma", log, variance)
    return Denoised((centre + mean) * u, variance, log)
