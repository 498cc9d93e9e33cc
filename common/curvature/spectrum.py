"""The spectrum of a network's Hessian in one call: density, extreme eigenvalues, trace, cost.

For somebody else's model: everything is chosen, timed and checked here.  Experiments call
`products`, `slq` and `lanczos` directly.

Shapes: P parameters, B examples, k eigenpairs, n probes, m Lanczos steps, G grid points.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from common.curvature import lanczos, slq
from common.curvature.estimate import length
from common.curvature.products import examples, flat, hvp, over_chunks
from common.reals import at_least, unit

GRID = 1024
REPEATS = 10  # products timed to tell their share of the time


class Spectrum(NamedTuple):
    """NumPy arrays of `spectrum`."""

    grid: np.ndarray  # [G] eigenvalues
    density: np.ndarray  # [G], integrates to 1
    density_error: np.ndarray  # [G] standard error over probes
    top: np.ndarray  # [k] largest eigenvalues
    residuals: np.ndarray  # [k]: an eigenvalue of H lies this close to each (and rounding)
    smallest: float  # smallest node: an upper bound of the smallest eigenvalue
    trace: float
    trace_error: float  # standard error
    frobenius: float
    nodes: np.ndarray  # [n, m] and their weights: any other spectral function, slq.cumulative
    weights: np.ndarray
    parameters: int
    matvecs: int
    seconds: float  # without compilation
    compile_seconds: float
    share: float  # of the seconds that the products alone take

    def __str__(self) -> str:
        values = "  ".join(f"{v:.4g}" for v in self.top[:5])
        return (
            f"{self.parameters:,} parameters\n"
            f"largest eigenvalues  {values} …  (residuals <= {self.residuals.max():.1g})\n"
            f"smallest <= {self.smallest:.4g}   trace {self.trace:.4g} ± {self.trace_error:.2g}   "
            f"Frobenius norm {self.frobenius:.4g}\n"
            f"{self.matvecs} products in {self.seconds:.1f} s ({self.share:.0%} inside products), "
            f"{self.compile_seconds:.1f} s to compile"
        )


def spectrum(
    key: jax.Array,
    loss: Callable[[Any, Any], jax.Array],
    params: Any,
    batch: Any,
    *,
    k: int = 10,
    tol: float = 1e-3,
    steps: int = 80,
    probes: int = 4,
    chunk: int | None = None,
    sigma: float | None = None,
    sharding=None,
) -> Spectrum:
    """The spectrum of the Hessian of loss(params, batch) -> scalar, a mean over the batch.

    params and batch are pytrees (flax, haiku, equinox arrays, dicts).  The k largest eigenvalues
    come to residuals of tol x lambda_1 where 4 x `steps` products suffice (look at `residuals`),
    the density from `probes` quadratures of `steps` products.  `chunk` examples at a time bound
    the memory of a product; the basis takes about (steps + 2) P numbers, split over a mesh by
    `sharding` (of a vector [P]).  A batch placed on a mesh is used where it lies.
    Errors: ValueError where the loss or its curvature is not finite, params are not floats, or
    chunk is given for a loss that is no mean.
    """
    params = jax.tree.map(jnp.asarray, params)
    _refuse(loss, params, batch, chunk)
    size = sum(x.size for x in jax.tree.leaves(params))
    at_least(1, k=k, steps=steps, probes=probes)
    if sigma is not None and not 0 < sigma < np.inf:
        raise ValueError(f"sigma must be positive and finite, not {sigma}")
    steps, k = min(steps, size), min(k, size)
    hold = min(size, max(steps, 2 * k + 20))

    def product(params, batch):
        return flat(hvp(loss, params, batch, chunk=chunk), params)[0]

    def eigen(params, batch):
        options = {"hold": hold, "tol": tol, "sharding": sharding}
        most = max(4 * steps, hold)
        found = lanczos.eigsh(key, product(params, batch), size, steps=most, k=k, **options)
        return found.values, found.residuals, found.matvecs

    def quadrature(params, batch):
        options = {"steps": steps, "probes": probes, "sharding": sharding}
        return slq.slq(jax.random.fold_in(key, 1), product(params, batch), size, **options)

    def products(params, batch):
        matvec = product(params, batch)
        v = jnp.full(size, size**-0.5)
        return jax.lax.fori_loop(0, REPEATS, lambda _, v: matvec(v), v)

    parts = (_timed(f, params, batch) for f in (eigen, quadrature, products))
    return _gathered(*parts, size=size, sigma=sigma)


def _refuse(loss: Callable, params: Any, batch: Any, chunk: int | None) -> None:
    """Errors: ValueError for what has no spectrum, or for a loss that chunks would change."""
    leaves = jax.tree.leaves(params)
    real = all(jnp.issubdtype(x.dtype, jnp.floating) for x in leaves)
    if not real or not sum(x.size for x in leaves):
        raise ValueError("params must be a pytree of floating-point arrays, and not empty")
    value = over_chunks(lambda part: loss(params, part), batch, chunk)
    if jnp.shape(value) or not bool(jnp.isfinite(value)):
        raise ValueError(f"loss(params, batch) must be a finite scalar, not {value}")
    if chunk is not None:
        _refuse_what_is_no_mean(loss, params, batch, chunk)


def _refuse_what_is_no_mean(loss: Callable, params: Any, batch: Any, chunk: int) -> None:
    """Errors: ValueError where a product of two neighbouring chunks is not the mean of theirs.

    Products, not values: at an interpolating minimum values and gradients of a sum and of a mean
    are all zero.  Every pair, since a mask may be full in the first chunks; by pairs, since the
    whole batch may not fit.
    """
    leaves, treedef = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(0), len(leaves))
    draws = [jax.random.normal(k, x.shape, x.dtype) for k, x in zip(keys, leaves, strict=True)]
    v = jax.tree.unflatten(treedef, draws)
    tolerance = max(1e-2, *(16 * float(jnp.finfo(x.dtype).eps) for x in leaves))

    @jax.jit
    def sizes(pair):
        """Of the product of the pair, and of its difference from the mean of its chunks'."""
        whole, parts = (
            ravel_pytree(hvp(loss, params, pair, chunk=n)(v))[0].astype(float)
            for n in (None, chunk)
        )
        return jnp.maximum(length(whole), length(parts)), length(whole - parts)

    for start in range(0, examples(batch) - chunk, chunk):
        pair = jax.tree.map(lambda a: a[start : start + 2 * chunk], batch)  # noqa: B023
        size, off = sizes(pair)
        if off > tolerance * size:
            raise ValueError(
                "chunk needs a loss that is a mean over the batch: a Hessian product of examples "
                f"{start} to {start + 2 * chunk} differs from the mean of its two chunks' by "
                f"{float(off / size):.1g} of it"
            )


def _gathered(eigen, quadrature, products, *, size: int, sigma: float | None) -> Spectrum:
    """The parts as a Spectrum.  Errors: ValueError where they are not finite."""
    (top, residuals, spent), (nodes, weights) = eigen.result, quadrature.result
    if not (np.isfinite(top).all() and np.isfinite(nodes).all()):
        raise ValueError("the Hessian is not finite at params (the loss is): look for 0/0 or inf")
    if sigma is None:  # wider than rounding where all eigenvalues are one
        largest = float(np.abs(nodes).max()) or 1.0
        least = 1e3 * float(np.finfo(nodes.dtype).eps) * largest
        sigma = max(float(slq.resolution(nodes)), least)
    grid = np.linspace(nodes.min() - 4 * sigma, nodes.max() + 4 * sigma, GRID)
    density, density_error, _ = slq.density(nodes, weights, jnp.asarray(grid), sigma=sigma)
    trace = slq.spectral_function(lambda x: x, nodes, weights, size)
    scale = float(unit(nodes).max())  # squares of the nodes need not exist
    square = slq.spectral_function(jnp.square, nodes / scale, weights, size)
    seconds = eigen.seconds + quadrature.seconds
    matvecs = int(spent) + nodes.size
    return Spectrum(
        grid=grid,
        density=np.asarray(density),
        density_error=np.asarray(density_error),
        top=top,
        residuals=residuals,
        smallest=float(nodes.min()),
        trace=float(trace.estimate),
        trace_error=float(trace.error),
        frobenius=float(jnp.sqrt(square.estimate)) * scale,
        nodes=nodes,
        weights=weights,
        parameters=size,
        matvecs=matvecs,
        seconds=seconds,
        compile_seconds=sum(p.compile_seconds for p in (eigen, quadrature, products)),
        share=min(1.0, products.seconds / REPEATS * matvecs / seconds),
    )


class _Timed(NamedTuple):
    result: Any
    seconds: float
    compile_seconds: float


def _timed(fn: Callable, *args) -> _Timed:
    """fn(*args) as NumPy arrays, with the seconds it took and those of its compilation."""
    start = time.perf_counter()
    compiled = jax.jit(fn).lower(*args).compile()
    ready = time.perf_counter()
    result = jax.block_until_ready(compiled(*args))
    return _Timed(jax.tree.map(np.asarray, result), time.perf_counter() - ready, ready - start)
