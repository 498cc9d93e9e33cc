"""Weighted particles (sequential Monte Carlo): log-weights, effective sample size, resampling.

A law p is held as particles x_k with log-weights w_k: E_p f is about sum_k e^(w_k) f(x_k) over
sum_k e^(w_k).  Moves of the particles are yours; `weigh` adds what a move earned, `resample` turns
weights into copies where they degenerate.  del Moral, Doucet & Jasra 2006; systematic resampling:
Kitagawa 1996, appendix.

Shapes: K particles; x a pytree of leaves [K, ...]. With the axis K split over a mesh, a resampling
gathers the weights [K] and exchanges particles; the rest is local.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import reals, refuted
from common.sde.processes import within

Array = jax.Array


class Particles(NamedTuple):
    """A weighted sample; `log_z` is what resamplings took out of the weights so far."""

    x: Any
    log_w: Array  # [K]
    log_z: Array  # [] log of the mean weight, summed over resamplings
    ancestor: Array  # [K] the index each particle had at the start


def begin(x) -> Particles:
    """Equal weights.  Errors: ValueError where leaves differ in K or there are no particles."""
    leaves = jax.tree.leaves(x)
    if not leaves:
        raise ValueError("x has no arrays")
    sizes = shapes.check("x", leaves[0], "K ...")
    for leaf in leaves[1:]:
        shapes.check("x", leaf, "K ...", sizes)
    if not sizes["K"]:
        raise ValueError("x has no particles")
    kinds = [jnp.result_type(a) for a in leaves if jnp.issubdtype(jnp.result_type(a), jnp.inexact)]
    dtype = jnp.finfo(jnp.result_type(jnp.float32, *kinds or [jnp.result_type(float)])).dtype
    log_w = jnp.zeros(sizes["K"], dtype)
    return Particles(x, log_w, jnp.zeros((), dtype), jnp.arange(sizes["K"]))


def weigh(particles: Particles, increment: Array) -> Particles:
    """Weights times e^increment [K], for a move that was made or is to be made."""
    shapes.like("increment", increment, "log_w", particles.log_w)
    log_w = particles.log_w + jnp.asarray(reals("increment", increment, finite=False))
    return particles._replace(log_w=log_w.astype(particles.log_w.dtype))


def normalised(log_w: Array) -> Array:
    """Weights that sum to one.  log_w [K] -> [K]

    Errors: ValueError, outside of jit, where no weight is left or one is not a number.
    """
    log_w = _weights(log_w)
    return jax.nn.softmax(log_w)


def ess(log_w: Array) -> Array:
    """Effective sample size (sum w)^2 / sum w^2, from 1 to K.  log_w [K] -> []"""
    w = normalised(log_w)
    return 1.0 / jnp.sum(w**2)


def log_mean(particles: Particles) -> Array:
    """Log of the normalising constant, the mean e^w of the whole history (unbiased).  -> []"""
    log_w = _weights(particles.log_w)
    return particles.log_z + jax.nn.logsumexp(log_w) - jnp.log(log_w.size)


def mean(particles: Particles, values: Array) -> Array:
    """Weighted mean of values [K, ...].  -> [...]"""
    shapes.check("values", values, "K ...", {"K": particles.log_w.size})
    values = jnp.asarray(reals("values", values, finite=False))
    return jnp.tensordot(normalised(particles.log_w), values, axes=1)


def systematic(key: Array, log_w: Array) -> Array:
    """K indices, in order: each k is drawn floor or ceil of K w_k times, K w_k on average.  -> [K]

    One uniform number moves a comb of K teeth over the weights; a weight of zero is never drawn.
    """
    w = normalised(log_w)
    (k,) = w.shape
    edges = jnp.cumsum(w)
    comb = (jnp.arange(k) + jax.random.uniform(key, (), w.dtype)) / k * edges[-1]
    comb = jnp.minimum(comb, jnp.nextafter(edges[-1], jnp.zeros_like(edges[-1])))
    return jnp.searchsorted(edges, comb, side="right")


def resample(key: Array, particles: Particles, *, below: float = 0.5) -> Particles:
    """Equal weights on copies, where the effective sample size is under `below` K; else as it was.

    below = 1 resamples whenever weights differ, below = 0 never.
    """
    within(0, 1, below=below)
    size = particles.log_w.size
    few = ess(particles.log_w) < below * size

    def copies(p: Particles) -> Particles:
        index = systematic(key, p.log_w)
        x, ancestor = jax.tree.map(lambda a: a[index], (p.x, p.ancestor))
        return Particles(x, jnp.zeros_like(p.log_w), log_mean(p), ancestor)

    return jax.lax.cond(few, copies, lambda p: p, particles)


def _weights(log_w) -> Array:
    """Errors: ValueError; minus infinity is a weight of zero."""
    if not shapes.check("log_w", log_w, "K")["K"]:
        raise ValueError("log_w has no weights")
    log_w = jnp.asarray(reals("log_w", log_w, finite=False))
    if refuted(lambda w: jnp.isfinite(jnp.max(w)), log_w):
        raise ValueError("log_w must have a finite largest weight")
    return log_w
