"""Orthogonalised updates: the iteration of optax.contrib.muon for matrices of any size and number.

Muon is Jordan et al. 2024; with its momentum, m = b m + (1-b) g, then b m + (1-b) g, it is

    optax.chain(optax.trace(b, nesterov=True), orthogonalise(), scale_by_aspect())

optax.contrib.scale_by_muon corrects m and g for the start of m, by different factors: its first
steps are others.  Where not all parameters are matrices: optax.partition, with groups.labels.

Shapes: M, N sides of a matrix, S steps.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from common.partition import path_of
from common.reals import at_least, reals, unit

MUON = (3.4445, -4.7750, 2.0315)  # steepest at 0: five steps bring s >= 0.01 into [0.68, 1.14]
CONVERGENT = (15 / 8, -10 / 8, 3 / 8)  # order 3: s -> 1
MATRICES = optax.contrib.MuonDimensionNumbers(-2, -1)


def newton_schulz(g, steps: int = 5, coefficients=MUON) -> jax.Array:
    """U p(S) V^T of matrices g = U S V^T, towards the polar factor U V^T.  [..., M, N] -> same

    S is divided by its Frobenius norm, then p is `steps` times s -> a s + b s^3 + c s^5, with
    coefficients (a, b, c) or those of every step [S, 3].  Zeros stay zeros.
    Errors: ValueError for a g that is no matrix of real numbers, steps < 1, coefficients that fit
    no step.
    """
    at_least(1, steps=steps)
    abc = np.asarray(reals("coefficients", coefficients), float)
    if abc.shape not in ((3,), (steps, 3)):
        raise ValueError(f"coefficients must have shape [3] or [{steps}, 3], not {list(abc.shape)}")
    g = jnp.asarray(reals("g", g, finite=False))
    if g.ndim < 2:
        raise ValueError(f"g must have two axes or more, not shape {list(g.shape)}")
    if not g.size:
        return g
    tx = optax.contrib.scale_by_muon(
        tuple(abc.tolist()),
        steps,
        beta=0.0,
        eps=float(jnp.finfo(g.dtype).tiny),
        nesterov=False,
        weight_dimension_numbers=MATRICES,
    )
    g = g / unit(g, (-2, -1))
    return tx.update(g, tx.init(g))[0]


def orthogonalise(steps: int = 5, coefficients=MUON) -> optax.GradientTransformation:
    """Updates through `newton_schulz`, every leaf [..., M, N] by itself; no state.

    Errors: ValueError naming a leaf that is no matrix.
    """
    return _of_matrices(lambda u: newton_schulz(u, steps, coefficients).astype(jnp.result_type(u)))


def scale_by_aspect() -> optax.GradientTransformation:
    """Updates of leaves [..., in, out] times sqrt(max(1, out / in)), as Muon and AuON have it.

    Errors: ValueError naming a leaf that is no matrix.
    """
    return _of_matrices(lambda u: u * max(1.0, u.shape[-1] / max(u.shape[-2], 1)) ** 0.5)


def _of_matrices(fn: Callable) -> optax.GradientTransformation:
    def one(path, u):
        if u.ndim < 2:
            raise ValueError(f"update {path_of(path)} must have two axes or more, not {u.ndim}")
        return fn(u)

    return optax.stateless(lambda updates, _: jax.tree.map_with_path(one, updates))
