"""The forward SDE of any Gaussian path x_t = alpha(t) x_0 + sigma(t) z; some paths by name."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from common.ode import expand
from common.reals import at_least, is_known, refuted
from common.sde.processes import SDE, Array, Chain, clock, within


def sde(
    alpha: Callable[[Array], Array], sigma: Callable[[Array], Array], *, end: float, eps: float
) -> SDE:
    """The SDE whose path is x_t = alpha(t) x_0 + sigma(t) z, alpha(0) = 1, sigma(0) = 0, t <= end.

    f = (log alpha)' x and g^2 = (sigma^2)' - 2 (log alpha)' sigma^2 by automatic derivatives. Where
    alpha is 0 (a path that ends in noise alone) f is infinite: take `solvers`, which need neither.
    The chain is exact: its marginals are those of the path.
    Errors: ValueError for a sigma made of traced numbers and, outside of jit, for a path whose
    noise shrinks faster than its signal.
    """
    within(0, end, eps=eps)

    def marginal(t):
        t = jnp.asarray(clock(t))
        return alpha(t), sigma(t)

    def rates(t):
        t = jnp.asarray(clock(t))
        (a, s), (da, ds) = jax.jvp(marginal, (t,), (jnp.ones_like(t),))
        return da / a, s, ds

    def diffusion(t):
        decay, s, ds = rates(t)
        square = 2.0 * s * (ds - decay * s)
        if refuted(lambda square: square >= 0, square):
            raise ValueError("sigma / alpha must not shrink with t")
        return jnp.sqrt(square)

    def chain(i, n):
        if is_known(n):
            at_least(1, n=n)
        i = clock(i)
        (a0, s0), (a1, s1) = marginal(end * i / n), marginal(end * (i + 1) / n)
        decay = a1 / a0
        gain = jnp.sqrt(s1**2 - (decay * s0) ** 2)
        return Chain(decay, gain, gain * s0 / s1)

    with jax.ensure_compile_time_eval():  # a number also where JAX traces
        prior = sigma(jnp.asarray(float(end)))
    if not is_known(prior):
        raise ValueError("sigma must not hang on numbers that JAX traces: prior_std is one")
    return SDE(
        drift=lambda x, t: expand(rates(t)[0], x) * x,
        diffusion=diffusion,
        marginal=marginal,
        chain=chain,
        prior_std=float(prior),
        eps=eps,
        end=float(end),
    )


def ou(rate: float = 1.0, noise: float = 2.0**0.5, *, end: float = 5.0, eps: float = 1e-3) -> SDE:
    """Ornstein-Uhlenbeck dx = -rate x dt + noise dw, stationary N(0, noise^2 / (2 rate))."""
    within(1e-12, 1e12, rate=rate, noise=noise, end=end)
    rate, noise = clock(rate), clock(noise)
    with jax.ensure_compile_time_eval():  # numbers also where JAX traces
        scale = noise / math.sqrt(2.0 * rate)
    return sde(
        lambda t: jnp.exp(-rate * t),
        lambda t: scale * jnp.sqrt(-jnp.expm1(-2.0 * rate * t)),
        end=end,
        eps=eps,
    )


def edm(sigma_min: float = 0.002, sigma_max: float = 80.0) -> SDE:
    """x_t = x_0 + t z, the time being the noise level (Karras et al. 2022, eq. 1 with s = 1)."""
    within(1e-15, 1e15, sigma_min=sigma_min, sigma_max=sigma_max)
    if refuted(lambda low, high: low < high, sigma_min, sigma_max):
        raise ValueError(f"sigma_max must exceed sigma_min, {sigma_min}, not {sigma_max}")
    return sde(jnp.ones_like, lambda t: t, end=sigma_max, eps=sigma_min)
