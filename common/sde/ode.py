"""The probability-flow ODE: fixed steps, Dormand-Prince 5(4), log-likelihoods (eq. 13, appendix D).

Shapes: B batch; x [B, ...]; K divergence probes; field(y, t) -> dy/dt, a pytree like y whose leaves
all lead with B; t [], or [B] when every sample has its own clock.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common.sde.processes import SDE, Array, Score, expand, prior_logp, reverse

Field = Callable[..., Any]


class Tableau(NamedTuple):
    """An explicit Runge-Kutta method: nodes c [S], rows a [S][<S], weights b [S]."""

    c: tuple[float, ...]
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]


EULER = Tableau((0.0,), ((),), (1.0,))
HEUN = Tableau((0.0, 1.0), ((), (1.0,)), (0.5, 0.5))
RK4 = Tableau(
    (0.0, 0.5, 0.5, 1.0), ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), (1 / 6, 1 / 3, 1 / 3, 1 / 6)
)
DOPRI5 = Tableau(
    (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0),
    (
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    ),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0.0),
)
# Fifth-order weights minus the embedded fourth-order ones: the local error estimate.
DOPRI5_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


def _combine(y, h, weights, slopes):
    """y + h sum_k weights_k slopes_k, leaf by leaf; h [] or [B]."""

    def leaf(y0, *ks):
        total = sum(w * k for w, k in zip(weights, ks, strict=False) if w)
        return y0 + expand(h, y0) * total

    return jax.tree.map(leaf, y, *slopes[: len(weights)])


def integrate(
    field: Field, y0, times: Array, *, tableau: Tableau = HEUN, embed: Callable | None = None
):
    """y at the last of `times` [N+1] by N fixed steps; order 1, 2, 4 for EULER, HEUN, RK4.

    `embed(t)` is what the field takes in place of t, computed for all stages before the loop.
    """
    steps = jnp.diff(times)
    nodes = times[:-1, None] + steps[:, None] * jnp.asarray(tableau.c, times.dtype)
    nodes = nodes if embed is None else jax.vmap(jax.vmap(embed))(nodes)

    def body(y, step):
        h, stage_nodes = step
        slopes: list = []
        for k, row in enumerate(tableau.a):
            node = jax.tree.map(lambda leaf, k=k: leaf[k], stage_nodes)
            slopes.append(field(_combine(y, h, row, slopes) if row else y, node))
        return _combine(y, h, tableau.b, slopes), None

    return jax.lax.scan(body, y0, (steps, nodes))[0]


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
    """
    field = reverse(sde, score, weight=weight)
    times = jnp.linspace(1.0, sde.eps, steps + 1, dtype=x1.dtype)
    pair = (lambda t: (t, t)) if embed is None else (lambda t: (t, embed(t)))
    return integrate(lambda x, node: field(x, *node), x1, times, tableau=tableau, embed=pair)


class Solution(NamedTuple):
    """Where an adaptive solve ended. `success` is False where t1 was not reached."""

    y: Any
    t: Array  # [] or [B]
    accepted: Array
    rejected: Array
    nfe: Array  # [] calls of the field, each on the whole batch
    success: Array  # [] or [B] bool


class _State(NamedTuple):
    y: Any
    slope: Any  # field at (y, t): first stage of the next step, last of the one accepted
    t: Array
    h: Array
    retry: Array  # the last attempt was refused: the step must not grow
    stuck: Array  # the step fell under the resolution of t
    accepted: Array
    rejected: Array
    tries: Array


def _rms(tree, per_sample):
    """Root mean square over all elements -> [], or over all of each sample -> [B]."""
    leaves = jax.tree.leaves(tree)
    lead = leaves[0].shape[0] if per_sample else 1
    total = sum(jnp.sum(jnp.square(v).reshape(lead, -1), axis=1) for v in leaves)
    mean = total / (sum(v.size for v in leaves) // lead)
    return jnp.sqrt(mean if per_sample else mean[0])


def _first_step(field, y, slope, t, sign, span, order, norm, scale):
    """Hairer, Norsett & Wanner I, section II.4: one Euler step tells the second derivative."""
    d0, d1 = norm(jax.tree.map(jnp.divide, y, scale)), norm(jax.tree.map(jnp.divide, slope, scale))
    tiny = (d0 < 1e-5) | (d1 < 1e-5)
    h0 = jnp.minimum(jnp.where(tiny, 1e-6, 0.01 * d0 / jnp.where(tiny, 1.0, d1)), span)
    other = field(_combine(y, sign * h0, (1.0,), (slope,)), t + sign * h0)
    d2 = norm(jax.tree.map(lambda a, b, s: (a - b) / s, other, slope, scale)) / h0
    top = jnp.maximum(d1, d2)
    h1 = jnp.where(
        top <= 1e-15, jnp.maximum(1e-6, 1e-3 * h0), (0.01 / jnp.maximum(top, 1e-15)) ** (1 / order)
    )
    return jnp.minimum(jnp.minimum(100 * h0, h1), span)


def dopri5(
    field: Field,
    y0,
    t0,
    t1,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    max_steps: int = 1000,
    per_sample: bool = False,
) -> Solution:
    """Dormand-Prince 5(4) from t0 to t1 (either direction) in one lax.while_loop.

    Standard step control as in scipy's RK45 (safety 0.9, factors 0.2 to 10): the RMS of the local
    error over atol + rtol |y| stays under 1, over the whole batch or, with `per_sample`, for each
    sample with a clock t [B] of its own. A solve that runs out of `max_steps` attempts, meets a
    value that is not finite or a vanishing step comes back with success = False.
    """
    dtype = jax.tree.leaves(y0)[0].dtype
    shape = jax.tree.leaves(y0)[0].shape[:1] if per_sample else ()
    start, end = jnp.full(shape, t0, dtype), jnp.full(shape, t1, dtype)
    sign = jnp.sign(end - start)

    def norm(tree):
        return _rms(tree, per_sample)

    def scale_of(*ys):
        return jax.tree.map(lambda *v: atol + rtol * jnp.max(jnp.abs(jnp.stack(v)), axis=0), *ys)

    def running(s):
        return (s.t != end) & ~s.stuck

    def body(s):
        left = jnp.abs(end - s.t)
        h = jnp.minimum(s.h, left)
        t_new = jnp.where(h >= left, end, s.t + sign * h)
        slopes = [s.slope]
        for c, row in zip(DOPRI5.c[1:], DOPRI5.a[1:], strict=True):
            y_new = _combine(s.y, sign * h, row, slopes)  # the last row is the step itself
            slopes.append(field(y_new, t_new if c == 1.0 else s.t + c * sign * h))
        zero = jax.tree.map(jnp.zeros_like, s.y)
        error = _combine(zero, h, DOPRI5_ERROR, slopes)
        err = norm(jax.tree.map(jnp.divide, error, scale_of(s.y, y_new)))
        ok = err < 1.0  # False for NaN
        go = running(s)
        growth = jnp.where(err == 0.0, 10.0, 0.9 * jnp.where(err > 0, err, 1.0) ** -0.2)
        growth = jnp.where(jnp.isfinite(err), jnp.clip(growth, 0.2, 10.0), 0.2)
        growth = jnp.where(~ok | s.retry, jnp.minimum(growth, 1.0), growth)
        take = ok & go

        def keep(new, old):
            return jnp.where(expand(take, new), new, old)

        return _State(
            y=jax.tree.map(keep, y_new, s.y),
            slope=jax.tree.map(keep, slopes[-1], s.slope),
            t=jnp.where(take, t_new, s.t),
            h=jnp.where(go, h * growth, s.h),
            retry=go & ~ok,
            stuck=s.stuck | (go & ~ok & (h <= 10 * jnp.spacing(jnp.abs(s.t)))),
            accepted=s.accepted + take,
            rejected=s.rejected + (go & ~ok),
            tries=s.tries + 1,
        )

    slope = field(y0, start)
    h = _first_step(
        field, y0, slope, start, sign, jnp.abs(end - start), 5, norm, scale_of(y0)
    ).astype(dtype)
    none, count = jnp.zeros(shape, bool), jnp.zeros(shape, jnp.int32)
    state = _State(y0, slope, start, h, none, none, count, count, jnp.zeros((), jnp.int32))
    s = jax.lax.while_loop(lambda s: jnp.any(running(s)) & (s.tries < max_steps), body, state)
    return Solution(s.y, s.t, s.accepted, s.rejected, 2 + 6 * s.tries, s.t == end)


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
    logp = jnp.where(end.success, prior_logp(sde, latent) + gained.mean(axis=1), jnp.nan)
    spread = jnp.zeros_like(logp) if exact else _stderr(gained)
    return Likelihood(logp, spread, latent, end.nfe, end.success)


def _stderr(draws):
    """Standard error of the mean over the last axis; NaN for a single draw."""
    k = draws.shape[-1]
    if k == 1:
        return jnp.full(draws.shape[:-1], np.nan, draws.dtype)
    return jnp.std(draws, axis=-1, ddof=1) / np.sqrt(k)
