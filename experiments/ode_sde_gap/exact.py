"""One dimension without sampling: a score that is known and perturbed, both samplers to the end.

u = log p + delta sin(k x + phase). The flow carries quantiles; the law of the SDE is solved on a
grid. Both start from the exact law p_T, so that without a perturbation both end in the data.

Shapes: Q quantiles, M cells, N steps of time; float64.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm

from common import ode
from common.sde import gaussian, mixture, processes

HALF = 4.0  # of the grid's side


class Known(NamedTuple):
    """A mixture under the forward process."""

    mix: mixture.Mixture
    sde: processes.SDE

    def score(self, x, t):
        """In one dimension.  x [B], t [] -> [B]"""
        return mixture.exact_score(self.mix, self.sde)(x[:, None], t)[:, 0]

    def log_density(self, x, t):
        """x [B, d], t [B] -> [B]"""
        return mixture.log_density(self.mix, x, *self.sde.marginal(t))

    def quantiles(self, u, t):
        """Where the distribution function at the time t is u [Q], by bisection.  -> [Q]"""
        scale, noise = self.sde.marginal(t)
        mean, std = scale * self.mix.means[:, 0], jnp.hypot(scale * self.mix.stds, noise)

        def halve(_, ends):
            low, high = ends
            middle = 0.5 * (low + high)
            below = (self.mix.weights * norm.cdf(middle[:, None], mean, std)).sum(axis=1) < u
            return jnp.where(below, middle, low), jnp.where(below, high, middle)

        ends = (jnp.full_like(u, -2 * HALF), jnp.full_like(u, 2 * HALF))
        low, high = jax.lax.fori_loop(0, 60, halve, ends)
        return 0.5 * (low + high)


def process(end):
    """dx = -x dt + dw on [0, end]: mean e^-t x_0, variance (1 - e^-2t) / 2."""
    return gaussian.ou(1.0, 1.0, end=end, eps=1e-5)


def known(means, std, end) -> Known:
    """Equal components in one dimension."""
    count, means = len(means), jnp.asarray(means)[:, None]
    return Known(
        mixture.Mixture(jnp.full(count, 1 / count), means, jnp.full(count, std)), process(end)
    )


def gap(key, delta, *, law: Known, wave, cells, steps, quantiles, noise):
    """W2 of (flow, SDE), (flow, data), (SDE, data), and the residual's rms under p.  -> [] each

    key: of the phase. With noise = 1 the second sampler is the SDE dx = (x + s) dtau + dw; else
    dx = (x + (1 + noise) s / 2) dtau + sqrt(noise) dw, which has the marginals of the flow too.
    """
    phase = 2 * np.pi * jax.random.uniform(key, (), jnp.float64)
    u = (jnp.arange(quantiles) + 0.5) / quantiles
    times = jnp.linspace(law.sde.end, 0.0, steps + 1)

    def score(x, t):
        return law.score(x, t) + delta * wave * jnp.cos(wave * x + phase)

    start = law.quantiles(u, law.sde.end)
    field = lambda x, t: -x - 0.5 * score(x, t)  # noqa: E731
    span = law.sde.eps - law.sde.end  # a rounding beyond 0 would have no variance
    flow = ode.advance(field, start, law.sde.end, span, steps=steps)
    stochastic = _inverted(diffused(law, score, times, cells, noise), u)
    data = law.quantiles(u, 0.0)
    w2 = lambda x, y: jnp.sqrt(jnp.mean((x - y) ** 2))  # noqa: E731
    return {
        "gap": w2(flow, stochastic),
        "flow_error": w2(flow, data),
        "sde_error": w2(stochastic, data),
        "residual": _residual(law, delta, wave, phase),
    }


def diffused(law: Known, score, times, cells, noise):
    """Mass of each cell at the last time, of the reverse SDE.  -> [M]

    dq/dtau = -(v q)' + D q'' by exponentially fitted fluxes (Scharfetter & Gummel 1969), which keep
    mass and sign, and the trapezoidal rule in time: second order in both.
    """
    h, spread = 2 * HALF / cells, 0.5 * noise
    edges = -HALF + h * jnp.arange(cells + 1)
    scale, deviation = law.sde.marginal(times[0])
    std = jnp.hypot(scale * law.mix.stds, deviation)
    cdf = (law.mix.weights * norm.cdf(edges[:, None], scale * law.mix.means[:, 0], std)).sum(axis=1)

    def operator(t):
        """Rates (lower, diagonal, upper) of dq/dtau = A q.  -> [M] each"""
        inner = edges[1:-1]
        v = inner + 0.5 * (1 + noise) * score(inner, t)
        peclet = v * h / spread
        right, left = (spread / h**2 * _bernoulli(s * peclet) for s in (-1, 1))
        zero = jnp.zeros(1)
        out_right, out_left = jnp.append(right, zero), jnp.append(zero, left)
        return jnp.append(zero, right), -(out_right + out_left), jnp.append(left, zero)

    def step(carry, pair):
        q, (lower, diagonal, upper) = carry
        half = 0.5 * (pair[0] - pair[1])
        now = q + half * (lower * jnp.roll(q, 1) + diagonal * q + upper * jnp.roll(q, -1))
        new = operator(pair[1])
        lower, diagonal, upper = (-half * a for a in new)
        solved = jax.lax.linalg.tridiagonal_solve(lower, 1 + diagonal, upper, now[:, None])
        return (solved[:, 0], new), None

    start = jnp.diff(cdf), operator(times[0])
    return jax.lax.scan(step, start, (times[:-1], times[1:]))[0][0]


def _bernoulli(z):
    """z / (e^z - 1), also near 0 and far out."""
    small = jnp.abs(z) < 1e-4
    safe = jnp.where(small, 1.0, z)
    return jnp.where(small, 1 - 0.5 * z, safe / jnp.expm1(jnp.clip(safe, -700, 700)))


def _inverted(mass, u):
    """Quantiles u [Q] of cells' masses [M], linear inside a cell."""
    edges = jnp.linspace(-HALF, HALF, len(mass) + 1)
    cdf = jnp.append(0.0, jnp.cumsum(mass))
    return jnp.interp(u, cdf / cdf[-1], edges)


def _residual(law: Known, delta, wave, phase):
    """Root mean square of the residual under p, over the times.  (u_t is not perturbed.)

    -(x + s) d cos - d^2 cos^2 / 2 + d k sin / 2 with d = delta k, by the equation's linear terms.
    """
    u = (jnp.arange(200) + 0.5) / 200

    def at(t):
        x = law.quantiles(u, t)
        slope, bend = (delta * wave * f(wave * x + phase) for f in (jnp.cos, jnp.sin))
        return jnp.mean((-(x + law.score(x, t)) * slope - 0.5 * slope**2 + 0.5 * wave * bend) ** 2)

    times = jnp.linspace(1e-3, law.sde.end, 40)
    return jnp.sqrt(jnp.mean(jax.lax.map(at, times)))
