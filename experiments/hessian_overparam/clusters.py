"""Gaussian blobs whose number of clusters is a number, and descent on them.

Shapes: N points, D inputs; labels are ints [N].
"""

import jax
import jax.numpy as jnp

from . import model


def blobs(key, clusters, *, dim, samples, separation, most):
    """Equally large Gaussian blobs and their numbers.  -> x [samples, dim], y [samples]

    Centres N(0, separation^2 I), points N(centre, I), all divided by sqrt(1 + separation^2) so that
    a coordinate has variance 1 whatever the separation.  `clusters` <= most may be traced.
    """
    centres, noise = jnp.split(jax.random.normal(key, (most + samples, dim)), [most])
    y = jnp.arange(samples) % clusters
    x = separation * centres[y] + noise
    return x / jnp.sqrt(1 + separation**2), y


def fit(key, start, clusters, *, lr, steps, **which):
    """Full-batch descent on blobs (`which` as in `blobs`), the other outputs silent.

    -> (params, batch)
    """
    batch = blobs(key, clusters, **which)
    params = model.descend(model.silence(start, clusters), batch, lr=lr, steps=steps)
    return params, batch
