"""The trace of a matrix that is known by its products (Hutchinson 1989).

E v^T A v = trace A for random signs v; the variance is 2 (|A|_F^2 - sum_i A_ii^2).

Shapes: P side of A.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp


class Trace(NamedTuple):
    """The estimate [], its standard error [] (infinite for one probe), the products spent."""

    estimate: jax.Array
    error: jax.Array
    matvecs: int


def hutchinson(
    key: jax.Array, matvec: Callable, size: int, *, probes: int, together: int = 1, dtype=None
) -> Trace:
    """Trace of A [P, P], P = size, from `probes` products with random signs.

    `together` products run side by side by vmap, as in `slq`.
    """
    dtype = jnp.result_type(float) if dtype is None else dtype

    def one(probe_key):
        v = jax.random.rademacher(probe_key, (size,), dtype)
        return v @ matvec(v)

    samples = jax.lax.map(one, jax.random.split(key, probes), batch_size=together)
    error = samples.std(ddof=1) / jnp.sqrt(probes) if probes > 1 else jnp.inf
    return Trace(samples.mean(), jnp.asarray(error, dtype), probes)
