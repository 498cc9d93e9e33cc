"""One Gaussian whose velocity is wrong by a wave: what the loss says of the KL, and what not.

N(0, 1) to N(2, 1/4) with Brownian gamma: C_t = s^2, s = 1 - t/2.  In z = (x - m_t) / s the exact
flow stands still.  With the error A sin(w z + p) of b and none of the score,

    dz = A/s sin(w z + p) dt - e/s^2 z dt + sqrt(2 e) / s dW.

The excess loss of b, A^2/4 (1 - cos(2 p) exp(-2 w^2)), hardly depends on w.  At e = 0 the flow has
a closed form, tan(q_1/2) = tan(q_0/2) e^k with q = w z + p and k = A w int dt/s = 2 A w log 2; as
w grows KL(rho_1 | model_1) -> 2 log cosh(k/2).  At e > 0 it is at most A^2 / (4 e).

Shapes: Z grid points.
"""

import jax
import jax.numpy as jnp
import numpy as np

from common import ode

REACH = 5.0  # standard deviations
FINE = 16_001  # quadrature points of the closed form


def flow_kl(amplitude, frequency, phase):
    """KL(rho_1 | model_1) of the ODE in nats, by its closed form.  numbers [] -> []"""
    z = jnp.linspace(-8.0, 8.0, FINE)
    k, end = 2 * np.log(2) * amplitude * frequency, frequency * z + phase
    turns = 2 * np.pi * jnp.round(end / (2 * np.pi))  # the flow never leaves its half-period
    start = turns + 2 * jnp.arctan2(
        jnp.exp(-k) * jnp.sin((end - turns) / 2), jnp.cos((end - turns) / 2)
    )
    before = (start - phase) / frequency
    squeeze = k + jnp.log(jnp.cos(end / 2) ** 2 + jnp.exp(-2 * k) * jnp.sin(end / 2) ** 2)
    weight = jnp.exp(-0.5 * z**2)
    return jnp.sum(weight * (0.5 * (before**2 - z**2) + squeeze)) / jnp.sum(weight)


def noisy_kl(amplitude: float, frequency, phase, epsilon: float, *, cells: int):
    """KL(rho_1 | model_1) of the SDE in nats: the Fokker-Planck equation on `cells` points.

    In the clock r = int dt/s^2, from 0 to 2, s = 2 / (r + 2); fluxes e phi d(p / phi) - A s sin p
    through the faces, so that the exact law stands still.  amplitude, epsilon: Python numbers;
    frequency, phase [] -> []
    """
    z = jnp.linspace(-REACH, REACH, cells)
    width = 2 * REACH / (cells - 1)
    face = 0.5 * (z[1:] + z[:-1])
    normal, normal_face = jnp.exp(-0.5 * z**2), jnp.exp(-0.5 * face**2)
    push = amplitude * jnp.sin(frequency * face + phase)

    def rate(p, r):
        ratio = p / normal
        along = push * 2 / (r + 2) * 0.5 * (p[1:] + p[:-1])
        flux = along - epsilon * normal_face * jnp.diff(ratio) / width
        return -jnp.diff(flux, prepend=0.0, append=0.0) / width

    fastest = 4 * epsilon / width**2 + amplitude / width  # RK4 is stable up to 2.78 of its inverse
    steps = int(np.ceil(2.0 * fastest / 2.5))
    p = ode.integrate(rate, normal, jnp.linspace(0.0, 2.0, steps + 1), tableau=ode.RK4)
    return jnp.sum(normal * jnp.log(normal / p)) / jnp.sum(normal)


def divergences(key, frequencies, *, amplitude, noises, cells):
    """KL(rho_1 | model_1) of a random phase.  frequencies [F] -> [noise, F]"""
    phase = 2 * np.pi * jax.random.uniform(key, (), float)

    def of(noise):
        if noise == 0:
            return jax.vmap(lambda w: flow_kl(amplitude, w, phase))(frequencies)
        return jax.vmap(lambda w: noisy_kl(amplitude, w, phase, noise, cells=cells))(frequencies)

    return jnp.stack([of(noise) for noise in noises])
