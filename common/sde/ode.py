"""The probability-flow ODE: samples and log-likelihoods (eq. 13, appendix D).

Shapes: B batch; x [B, ...]; K divergence probes; score(x, t) -> [B, ...].
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.ode import DOPRI5, EULER, HEUN, RK4, Array, Tableau, dopri5, integrate
from common.reals import at_least, reals
from common.sde.processes import SDE, Score, gaussian_logp, reverse

# the methods that `flow` takes, and the solvers, for whoever looks for them here
__all__ = [
    "DOPRI5",
    "EULER",
    "HEUN",
    "RK4",
    "Likelihood",
    "dopri5",
    "flow",
    "integrate",
    "log_likelihood",
]


def flow(
    sde: SDE,
    score: Score,
    x1: Array,
    *,
    steps: int,
    tableau: Tableau = HEUN,
    embed: Callable | None = None,
    weight: float = 0.5,
) -> Array:
    """Samples at t = sde.eps from x1 [B, ...] by `steps` equal steps of the probability-flow ODE.

    Score calls: steps x stages of the tableau. `embed(t)` is what the score takes in place of t.
    State and times are of 32 bits or more, whatever x1 is.
    """
    at_least(1, steps=steps)
    shapes.check("x1", x1, "B ...")
    x1 = jnp.asarray(reals("x1", x1))
    if not x1.size:
        raise ValueError(f"x1 is empty: {list(x1.shape)}")
    field = reverse(sde, score, weight=weight)
    times = jnp.linspace(1.0, sde.eps, steps + 1, dtype=x1.dtype)
    pair = (lambda t: (t, t)) if embed is None else (lambda t: (t, embed(t)))
    return integrate(lambda x, node: field(x, *node), x1, times, tableau=tableau, embed=pair)


class Likelihood(NamedTuple):
    """log p(x) in nats with its standard error over the divergence probes."""

    logp: Array  # [B]; NaN where the solve failed
    stderr: Array  # [B]; 0 with the exact divergence, NaN with a single probe
    latent: Array  # x(1) [B, ...]
    nfe: Array  # []
    success: Array  # [] or [B]


def _divergence(field, x, t, probes):
    """(field(x, t), v^T J v for each probe v).  probes [K, B, ...] -> [B, ...], [B, K]"""

    def along(v):
        out, push = jax.jvp(lambda x: field(x, t), (x,), (v,))
        return out, jnp.sum(v * push, axis=tuple(range(1, x.ndim)))

    out, quadratic = jax.vmap(along, out_axes=(None, 0))(probes)
    return out, quadratic.T


def log_likelihood(
    key: Array,
    sde: SDE,
    score: Score,
    x: Array,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    probes: int = 1,
    exact: bool = False,
    eps: float = 1e-5,
    weight: float = 0.5,
    max_steps: int = 1000,
    per_sample: bool = False,
) -> Likelihood:
    """log p_eps(x) = log prior(x(1)) + integral of div(f - g^2 s / 2) dt (appendix D.2).

    x [B, ...]. Hutchinson's estimate with `probes` Rademacher vectors held fixed during
    the solve, or with `exact` the trace by one tangent for each dimension. It is the density at
    t = eps, not of the data, and starts from the prior N(0, prior_std^2), not from the true p_1.
    `weight` = 1/2 is the probability flow; anything else has other marginals.
    """
    shapes.check("x", x, "B ...")
    at_least(1, probes=probes)
    x = jnp.asarray(reals("x", x))
    if not x.size:
        raise ValueError(f"x is empty: {list(x.shape)}")
    field = reverse(sde, score, weight=weight)
    if exact:
        basis = jnp.eye(x[0].size, dtype=x.dtype).reshape(-1, 1, *x.shape[1:])
        vectors = jnp.broadcast_to(basis, (x[0].size, *x.shape))
    else:
        vectors = jax.random.rademacher(key, (probes, *x.shape), x.dtype)

    def augmented(state, t):
        out, quadratic = _divergence(field, state[0], t, vectors)
        return out, jnp.sum(quadratic, axis=1, keepdims=True) if exact else quadratic

    start = (x, jnp.zeros((x.shape[0], 1 if exact else probes), x.dtype))
    end = dopri5(
        augmented, start, eps, 1.0, rtol=rtol, atol=atol, max_steps=max_steps, per_sample=per_sample
    )
    latent, gained = end.y
    logp = jnp.where(
        end.success, gaussian_logp(latent, sde.prior_std) + gained.mean(axis=1), jnp.nan
    )
    spread = jnp.zeros_like(logp) if exact else _stderr(gained)
    return Likelihood(logp, spread, latent, end.nfe, end.success)


def _stderr(draws):
    """Standard error of the mean over the last axis; NaN for a single draw."""
    k = draws.shape[-1]
    if k == 1:
        return jnp.full(draws.shape[:-1], np.nan, draws.dtype)
    return jnp.std(draws, axis=-1, ddof=1) / np.sqrt(k)
