"""Forward SDEs dx = f(x,t) dt + g(t) dw with Gaussian marginals, t in [0, end], data at t = 0.

Song et al. 2021 (arXiv 2011.13456), section 3.4 and appendices B, C. With
B(t) = integral of beta = beta_min t + (beta_max - beta_min) t^2 / 2:

    VP      f = -beta x / 2   g^2 = beta                   x_t ~ N(e^(-B/2) x_0, 1 - e^(-B))
    sub-VP  f = -beta x / 2   g^2 = beta (1 - e^(-2B))     x_t ~ N(e^(-B/2) x_0, (1 - e^(-B))^2)
    VE      f = 0             g = s sqrt(2 ln(smax/smin))  x_t ~ N(x_0, s^2)

with s(t) = smin (smax/smin)^t. Their end is 1; `gaussian` has the SDE of any other path.

Shapes: B batch; x [B, ...]; t [] or [B].
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common import keys, shapes
from common.ode import Array, expand
from common.reals import at_least, held, is_known, reals, refuted

Score = Callable[..., Array]


class Chain(NamedTuple):
    """Step i of a forward chain x_(i+1) = decay x_i + gain z; `backward` is the ancestral noise."""

    decay: Array
    gain: Array
    backward: Array


class SDE(NamedTuple):
    """A forward SDE as functions of numbers; see the factories below."""

    drift: Callable[[Array, Array], Array]  # f(x [B, ...], t) -> [B, ...]
    diffusion: Callable[[Array], Array]  # g(t)
    marginal: Callable[[Array], tuple[Array, Array]]  # t -> (scale, std): x_t = scale x_0 + std z
    chain: Callable[[Array, Any], Chain]  # (i, n) -> step i = 0..n-1 of the n-step chain
    prior_std: float  # x at the end is taken as N(0, prior_std^2)
    eps: float  # samplers stop here (appendix C: 1e-3 for VP and sub-VP, 1e-5 for VE)
    end: float = 1.0  # the time of the prior


def clock(t):
    """Times as numbers of 32 bits or more; a Python number takes the type of others."""
    if type(t) in (bool, int, float):
        reals("t", t)
        return float(t)
    return jnp.asarray(reals("t", t))


def _place(i, n):
    """Step i of the n-step chain as a part of the whole: 0 to 1, and 1 if it is the only one."""
    i = clock(i)
    if not is_known(n):
        return jnp.where(n > 1, i / jnp.maximum(n - 1, 1), i + 1.0)
    at_least(1, n=n)
    return i / (n - 1) if n > 1 else i + 1.0


def within(low: float, high: float, **numbers) -> None:
    """Errors: ValueError that names a number that is not in [low, high]."""
    for name, value in numbers.items():
        if refuted(lambda x: (low <= x) & (x <= high), reals(name, value)):
            raise ValueError(f"{name} must lie between {low:g} and {high:g}, not {value}")


def _linear_beta(beta_min: float, beta_max: float, eps: float):
    within(0, 1e12, beta_min=beta_min)  # products of two rates are float32 numbers
    within(1e-12, 1e12, beta_max=beta_max)
    within(0, 1, eps=eps)

    def beta(t):
        return beta_min + t * (beta_max - beta_min)

    def integral(t):
        return beta_min * t + 0.5 * (beta_max - beta_min) * t**2

    return beta, integral


def vp(beta_min: float = 0.1, beta_max: float = 20.0, eps: float = 1e-3) -> SDE:
    """Variance preserving (eq. 11), the limit of DDPM; the chain is eq. 10 with beta_i = beta/n."""
    beta, integral = _linear_beta(beta_min, beta_max, eps)

    def chain(i, n):
        b = beta(_place(i, n)) / n
        if is_known(n) and beta_max >= n:
            raise ValueError(
                f"the VP chain of {n} steps has 1 - beta_max/{n} <= 0: take more than {beta_max:g} "
                "steps, or euler_maruyama without a corrector"
            )
        return Chain(jnp.sqrt(1.0 - b), jnp.sqrt(b), jnp.sqrt(b))

    def marginal(t):
        B = integral(clock(t))
        return jnp.exp(-0.5 * B), jnp.sqrt(-jnp.expm1(-B))

    return SDE(
        drift=lambda x, t: -0.5 * expand(beta(clock(t)), x) * x,
        diffusion=lambda t: jnp.sqrt(beta(clock(t))),
        marginal=marginal,
        chain=chain,
        prior_std=1.0,
        eps=eps,
    )


def subvp(beta_min: float = 0.1, beta_max: float = 20.0, eps: float = 1e-3) -> SDE:
    """Sub-VP (eq. 12): VP's mean with less noise. The paper has no chain for it: an Euler step."""
    beta, integral = _linear_beta(beta_min, beta_max, eps)

    def variance_rate(t):
        return -beta(t) * jnp.expm1(-2.0 * integral(t))

    def chain(i, n):
        t = _place(i, n)
        gain = jnp.sqrt(variance_rate(t) / n)
        return Chain(1.0 - 0.5 * beta(t) / n, gain, gain)

    def marginal(t):
        B = integral(clock(t))
        return jnp.exp(-0.5 * B), -jnp.expm1(-B)

    return SDE(
        drift=lambda x, t: -0.5 * expand(beta(clock(t)), x) * x,
        diffusion=lambda t: jnp.sqrt(variance_rate(clock(t))),
        marginal=marginal,
        chain=chain,
        prior_std=1.0,
        eps=eps,
    )


def ve(sigma_min: float = 0.01, sigma_max: float = 50.0, eps: float = 1e-5) -> SDE:
    """Variance exploding (eq. 9), the limit of SMLD. As in the authors' code the std at t is s(t),
    not sqrt(s(t)^2 - sigma_min^2); the chain (eq. 8) starts from sigma_(-1) = 0.
    """
    within(1e-15, 1e15, sigma_min=sigma_min, sigma_max=sigma_max)  # squares are float32 numbers
    within(0, 1, eps=eps)
    if refuted(lambda low, high: low < high, sigma_min, sigma_max):
        raise ValueError(f"sigma_max must exceed sigma_min, {sigma_min}, not {sigma_max}")
    with jax.ensure_compile_time_eval():  # a number also where JAX traces
        rate = math.log(sigma_max / sigma_min)

    def sigma(t):
        return sigma_min * jnp.exp(rate * clock(t))

    def chain(i, n):
        here = sigma(_place(i, n))
        before = jnp.where(i > 0, sigma(_place(clock(i) - 1, n)), 0.0)
        gain = jnp.sqrt(here**2 - before**2)
        return Chain(jnp.ones_like(here), gain, gain * before / here)

    return SDE(
        drift=lambda x, t: jnp.zeros_like(x),
        diffusion=lambda t: sigma(t) * math.sqrt(2.0 * rate),
        marginal=lambda t: (jnp.ones_like(sigma(t)), sigma(t)),
        chain=chain,
        prior_std=sigma_max,
        eps=eps,
    )


def prior_draw(key: Array, shape: tuple[int, ...], dtype) -> Array:
    """Standard normals of a real dtype.  Errors: ValueError for another.  -> shape"""
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"dtype must be a real floating type, not {jnp.dtype(dtype)}")
    return keys.normal(key, shape, dtype)


def prior_sample(key: Array, sde: SDE, shape: tuple[int, ...], dtype=jnp.float32) -> Array:
    """x_1 ~ N(0, prior_std^2)  -> shape"""
    return sde.prior_std * prior_draw(key, shape, dtype)


def prior_logp(sde: SDE, x: Array) -> Array:
    """log N(x; 0, prior_std^2) in nats.  x [B, ...] -> [B]

    Errors: ValueError, outside of jit, for an x so far out that its logarithm is no number.
    """
    shapes.check("x", x, "B ...")
    x = jnp.asarray(reals("x", x))
    logp = gaussian_logp(x, sde.prior_std)
    held("x is too far out for its density", logp)
    return logp


def gaussian_logp(x: Array, std: float) -> Array:
    """log N(x; 0, std^2) in nats of x [B, ...], whatever it holds.  -> [B]"""
    d = math.prod(x.shape[1:])
    square = jnp.sum((x / std) ** 2, axis=tuple(range(1, x.ndim)))
    log_std = math.log(std) if is_known(std) else jnp.log(std)
    return -0.5 * square - d * (0.5 * math.log(2 * math.pi) + log_std)


def perturb(key: Array, sde: SDE, x0: Array, t) -> tuple[Array, Array, Array]:
    """x_t = scale x_0 + std z of the forward SDE.  x0 [B, ...], t [] or [B] -> (x_t, z, std)"""
    if jnp.ndim(t):
        shapes.check("t", t, "B", shapes.check("x0", x0, "B ..."))
    x0 = jnp.asarray(reals("x0", x0))
    scale, std = (expand(c, x0) for c in sde.marginal(t))
    z = keys.normal(key, x0.shape, x0.dtype)
    return scale * x0 + std * z, z, std


def matching(score: Score) -> Score:
    """The score, refusing values that have not the shape of x.  Errors: ValueError."""

    def checked(x, tau):
        value = score(x, tau)
        shapes.like("score(x, t)", value, "x", x)
        return value

    return checked


def reverse(sde: SDE, score: Score, *, weight: float = 1.0):
    """Backward drift f - weight g^2 s, a field (x, t[, tau]) -> [B, ...]; s = score(x, tau or t).

    weight = 1 is the reverse-time SDE (eq. 6), weight = 1/2 the probability-flow ODE (eq. 13).
    """

    score = matching(score)

    def field(x, t, tau=None):
        g2 = expand(sde.diffusion(t) ** 2, x)
        return sde.drift(x, t) - weight * g2 * score(x, t if tau is None else tau)

    return field


def probability_flow(sde: SDE, score: Score):
    """dx/dt = f - g^2 s / 2 (eq. 13), whose marginals are those of the SDE."""
    return reverse(sde, score, weight=0.5)
