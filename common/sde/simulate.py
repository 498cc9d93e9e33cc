"""Itô equations dx = f(x, t) dt + g(t) dw by fixed steps, forward or backward in time.

Noise is additive: g depends on the time alone, so Itô and Stratonovich agree. Euler-Maruyama has
weak and strong order 1; with `heun` the weak order is 2 (strong 1), two calls of f a step.

Shapes: B batch; x [B, ...]; N steps; times [N+1], rising or falling (dt is then |dt| for noise).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from common import keys, shapes
from common.ode import expand
from common.reals import reals, unit
from common.sde.processes import Array, clock

Drift = Callable[[Array, Array], Array]
Diffusion = Callable[[Array], Array]


def simulate(
    key: Array,
    drift: Drift,
    diffusion: Diffusion,
    x: Array,
    times: Array,
    *,
    heun: bool = False,
    keep: bool = False,
) -> Array:
    """x at the last of `times` [N+1]; with `keep` at all of them, [N+1, B, ...].

    Errors: ValueError for a drift that has not the shape of x, or no times.
    """
    x, times = _known(x, times)

    def step(x, node):
        t, s, k = node
        slope = _slope(drift, x, t)
        kick = _kick(k, diffusion, x, t, s, both=heun)
        new = x + slope * (s - t) + kick
        if heun:
            new = x + 0.5 * (slope + _slope(drift, new, s)) * (s - t) + kick
        new = new.astype(x.dtype)
        return new, new if keep else None

    each = jax.random.split(key, len(times) - 1)
    end, states = jax.lax.scan(step, x, (times[:-1], times[1:], each))
    return jnp.concatenate([x[None], states]) if keep else end


def reweighted(
    key: Array, drift: Drift, target: Drift, diffusion: Diffusion, x: Array, times: Array
) -> tuple[Array, Array]:
    """Euler-Maruyama with `drift`, and each path's log-weight under the drift `target`.

    Girsanov: log dP/dQ = sum <u, dw> - |u|^2 dt / 2 with u = (target - drift) / g; exact for the
    discretised chains, whose mean weight is 1 at any step. Where g = 0 there is no such weight.
    -> x [B, ...], log-weights [B]
    """
    x, times = _known(x, times)
    axes = tuple(range(1, x.ndim))

    def step(carry, node):
        x, log_w = carry
        t, s, k = node
        slope, kick = _slope(drift, x, t), _kick(k, diffusion, x, t, s, both=False)
        extra = (_slope(target, x, t) - slope) * (s - t)
        u, variance = _variance(diffusion(t), None, s - t)
        moved, kicked = extra / expand(u, x), kick / expand(u, x)
        gained = (moved * kicked - 0.5 * moved**2) / expand(variance, x)
        gained = jnp.sum(gained, axis=axes).astype(x.dtype)
        return ((x + slope * (s - t) + kick).astype(x.dtype), log_w + gained), None

    each = jax.random.split(key, len(times) - 1)
    start = (x, jnp.zeros(x.shape[0], x.dtype))
    return jax.lax.scan(step, start, (times[:-1], times[1:], each))[0]


def _known(x, times) -> tuple[Array, Array]:
    shapes.check("x", x, "B ...")
    if not shapes.check("times", times, "N")["N"]:
        raise ValueError("times has no times, not even that of x")
    return jnp.asarray(reals("x", x)), jnp.asarray(reals("times", times))


def _slope(drift: Drift, x, t):
    slope = drift(x, t)
    shapes.like("drift(x, t)", slope, "x", x)
    return slope


def _kick(key, diffusion, x, t, s, *, both: bool):
    """g times the increment of w, of variance g(t)^2 |dt|, or the mean of that at both ends."""
    u, variance = _variance(diffusion(t), diffusion(s) if both else None, s - t)
    return expand(u * jnp.sqrt(variance), x) * keys.normal(key, x.shape, x.dtype)


def _variance(g, other, dt) -> tuple[Array, Array]:
    """u and g^2 |dt| / u^2, of the mean g^2 where there is an other; u a power of two near g."""
    ends = [_rate(g), _rate(g if other is None else other)]
    u = jax.lax.stop_gradient(unit(jnp.maximum(*(jnp.abs(end) for end in ends)), axis=()))
    here, there = ((end / u) ** 2 for end in ends)
    return u, (here if other is None else 0.5 * (here + there)) * jnp.abs(dt)


def _rate(g) -> Array:
    reals("diffusion(t)", g)
    return jnp.asarray(clock(g))
