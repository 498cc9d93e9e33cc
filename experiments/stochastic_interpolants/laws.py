"""Simulated laws of the ODE (epsilon = 0) and of the SDEs, with exact fields in one dimension.

Shapes: n points, N steps, T times, X grid points.
"""

import jax
import jax.numpy as jnp
import numpy as np

from common.sde import discrepancies, simulate
from common.sde import interpolants as si

from . import mixtures

QUARTERS = 4  # at whose ends laws are compared


def drift(ip, rho0, rho1, epsilon, weight):
    """b + weight epsilon s at (x, t)."""

    def at(x, t):
        now = si.fields(ip, rho0, rho1, x, t)
        return now.velocity + weight * epsilon * now.score

    return at


def noise(epsilon):
    """sqrt(2 epsilon) at t."""
    return lambda t: jnp.sqrt(2 * epsilon) * jnp.ones_like(t)


def gaps(key, epsilon, choice, *, names, rho0, rho1, points, steps, weight):
    """sqrt(n) times the Kolmogorov-Smirnov distance to rho_t at t = 1/4, 1/2, 3/4, 1.  -> [4]

    epsilon [], choice []: of gamma among `names`; steps of Heun, a multiple of 4.
    """
    ip = si.linear(mixtures.noise_of(names, choice))
    start, *moves = jax.random.split(key, 1 + QUARTERS)
    f, g = drift(ip, rho0, rho1, epsilon, weight), noise(epsilon)
    times = np.linspace(0.0, 1.0, steps + 1, dtype=np.float32)
    each = steps // QUARTERS

    def leg(x, args):
        move, times = args
        x = simulate.simulate(move, f, g, x, times, heun=True)
        law = si.law(ip, rho0, rho1, times[-1])
        gap = discrepancies.kolmogorov(x[:, 0], lambda x: mixtures.cdf(law, x))
        return x, points**0.5 * gap

    parts = jnp.stack([times[i * each : (i + 1) * each + 1] for i in range(QUARTERS)])
    return jax.lax.scan(leg, mixtures.sample(start, rho0, points), (jnp.stack(moves), parts))[1]


def paths(key, epsilon, gain, *, rho0, rho1, count, steps, every, grid):
    """Some paths, and the density of x_t on a grid [X], with gamma = sqrt(a t (1 - t)).

    -> paths [T, count], densities [T, X]; T = steps / every + 1
    """
    ip, times = si.linear(si.brownian(gain)), jnp.linspace(0.0, 1.0, steps + 1)
    start, move = jax.random.split(key)
    x, f = mixtures.sample(start, rho0, count), drift(ip, rho0, rho1, epsilon, 1.0)
    x = simulate.simulate(move, f, noise(epsilon), x, times, heun=True, keep=True)
    density = jax.vmap(lambda t: si.fields(ip, rho0, rho1, grid[:, None], t).log_density)
    return {"paths": x[::every, :, 0], "densities": jnp.exp(density(times[::every]))}
