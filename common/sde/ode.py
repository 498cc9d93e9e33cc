"""The probability-flow ODE: samples and log-likelihoods (eq. 13, appendix D).

Shapes: B batch; x [B, ...]; K divergence probes; score(x, t) -> [B, ...].
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from common import shapes
from common.ode import DOPRI5, EULER, HEUN, RK4, Array, Tableau, dopri5, integrate
from common.reals import at_least, reals
from common.sde import calculus
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
    times = jnp.linspace(sde.end, sde.eps, steps + 1, dtype=x1.dtype)
    pair = (lambda t: (t, t)) if embed is None else (lambda t: (t, embed(t)))
    return integrate(lambda x, node: field(x, *node), x1, times, tableau=tableau, embed=pair)


class Likelihood(NamedTuple):
    """log p(x) in nats with its standard error over the divergence probes."""

    logp: Array  # [B]; NaN where the solve failed
    stderr: Array  # [B]; 0 with the exact divergence, NaN with a single probe
    latent: Array  # x(end) [B, ...]
    nfe: Array  # []
    success: Array  # [] or [B]


def log_likelihood(
    key: Array,
    sde: SDE,
    score: Score,
    x: Array,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    probes: int = 1,
    law: str = "rademacher",
    exact: bool = False,
    eps: float = 1e-5,
    weight: float = 0.5,
    max_steps: int = 1000,
    per_sample: bool = False,
) -> Likelihood:
    """log p_eps(x) = log prior(x(end)) + integral of div(f - g^2 s / 2) dt (appendix D.2).

    x [B, ...]. Hutchinson's estimate with `probes` vectors of a `law` (see calculus) held fixed
    during the solve, or with `exact` the trace by one tangent for each dimension. It is the density
    at t = eps, not of the data, and starts from the prior N(0, prior_std^2), not the true p_end.
    `weight` = 1/2 is the probability flow; anything else has other marginals.
    """
    shapes.check("x", x, "B ...")
    at_least(1, probes=probes)
    x = jnp.asarray(reals("x", x))
    if not x.size:
        raise ValueError(f"x is empty: {list(x.shape)}")
    field = reverse(sde, score, weight=weight)
    vectors = calculus.basis(x) if exact else calculus.probes(key, x, probes, law)

    def augmented(state, t):
        out, quadratic = calculus.along(lambda x: field(x, t), state[0], vectors)
        return out, jnp.sum(quadratic, axis=1, keepdims=True) if exact else quadratic

    start = (x, jnp.zeros((x.shape[0], 1 if exact else probes), x.dtype))
    end = dopri5(
        augmented,
        start,
        eps,
        sde.end,
        rtol=rtol,
        atol=atol,
        max_steps=max_steps,
        per_sample=per_sample,
    )
    latent, gained = end.y
    logp = jnp.where(
        end.success, gaussian_logp(latent, sde.prior_std) + gained.mean(axis=1), jnp.nan
    )
    spread = jnp.zeros_like(logp) if exact else calculus.standard_error(gained)
    return Likelihood(logp, spread, latent, end.nfe, end.success)
