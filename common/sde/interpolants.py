"""Stochastic interpolants x_t = alpha x_0 + beta x_1 + gamma z between two laws.

Albergo, Boffi & Vanden-Eijnden 2023 (arXiv 2303.08797). x_0 ~ rho_0 at t = 0, x_1 ~ rho_1 at t = 1,
z standard normal. With E[. | x_t = x]: the velocity b = E[alpha' x_0 + beta' x_1 + gamma' z], its
part without z, v, the denoiser eta = E[z] and the score s = -eta / gamma; b = v - gamma gamma' s.
The law of x_t is carried by dx/dt = b and, for every e >= 0, by dx = (b + e s) dt + sqrt(2 e) dw
from t = 0 and, backward from t = 1, by the drift b - e s. (Here e stands where g^2 / 2 does.)

gamma is held by its square, whose rate 2 gamma gamma' is finite where gamma' is not.

Shapes: B batch, D dimensions; K, L components; x [B, D]; t [].
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.ode import expand
from common.reals import at_least, held, reals
from common.sde.processes import Array, clock, within

Weight = Callable[[Array], Array]


class Interpolant(NamedTuple):
    """alpha, beta and gamma^2 as functions of t in [0, 1]."""

    alpha: Weight
    beta: Weight
    gamma2: Weight


class Numbers(NamedTuple):
    """An interpolant at one time, with the rates of change; `half` is gamma gamma'."""

    alpha: Array
    beta: Array
    gamma: Array
    alpha_rate: Array
    beta_rate: Array
    half: Array


def brownian(a: float = 1.0) -> Weight:
    """gamma^2 = a t (1 - t): that of a Brownian bridge."""
    within(0, 1e30, a=a)
    return lambda t: a * t * (1 - t)


def bump() -> Weight:
    """gamma = t (1 - t)."""
    return lambda t: (t * (1 - t)) ** 2


def sine() -> Weight:
    """gamma = sin^2(pi t)."""
    return lambda t: jnp.sin(np.pi * t) ** 4


def nothing() -> Weight:
    """gamma = 0: no score, and no SDE."""
    return jnp.zeros_like


def linear(gamma2: Weight) -> Interpolant:
    """alpha = 1 - t, beta = t."""
    return Interpolant(lambda t: 1 - t, lambda t: t, gamma2)


def trigonometric(gamma2: Weight) -> Interpolant:
    """alpha = sqrt(1 - gamma^2) cos(pi t / 2), beta with sin: unit variances stay one.

    For gamma < 1: rates are not finite where it is 1.
    """

    def part(turn):
        return lambda t: jnp.sqrt(1 - gamma2(t)) * turn(0.5 * np.pi * t)

    return Interpolant(part(jnp.cos), part(jnp.sin), gamma2)


def encoding_decoding() -> Interpolant:
    """alpha = cos^2(pi t) before t = 1/2, beta after it; gamma = sin^2(pi t): noise amid."""

    def part(early: bool):
        return lambda t: jnp.where((t <= 0.5) == early, jnp.cos(np.pi * t) ** 2, 0.0)

    return Interpolant(part(True), part(False), sine())


def numbers(ip: Interpolant, t) -> Numbers:
    """Values and rates at the time t [] or [B]."""
    t = jnp.asarray(clock(t))
    (alpha, beta, square), (alpha_rate, beta_rate, square_rate) = jax.jvp(
        lambda t: tuple(weight(t) for weight in ip), (t,), (jnp.ones_like(t),)
    )
    return Numbers(alpha, beta, jnp.sqrt(square), alpha_rate, beta_rate, 0.5 * square_rate)


def between(ip: Interpolant, x0: Array, x1: Array, z: Array, t) -> tuple[Array, Array]:
    """x_t, and its rate of change without that of gamma z.

    x0, x1, z [B, ...], t [] or [B] -> x_t [B, ...], alpha' x_0 + beta' x_1 [B, ...]
    """
    x0, x1, z = _alike(x0, x1, z)
    at = Numbers(*(expand(n, x0) for n in numbers(ip, t)))
    x = at.alpha * x0 + at.beta * x1 + at.gamma * z
    return x, at.alpha_rate * x0 + at.beta_rate * x1


class Losses(NamedTuple):
    """One number a sample [B]: half the squared error of a field, up to what it cannot change."""

    velocity: Array
    score: Array


def losses(ip: Interpolant, b: Callable, s: Callable, x0, x1, z, t, *, antithetic=True) -> Losses:
    """|b|^2/2 - (alpha' x_0 + beta' x_1 + gamma' z) b and |s|^2/2 + z s / gamma at x_t.

    b(x, t), s(x, t) [B, ...]; x0, x1, z [B, ...]; t [B] strictly inside (0, 1). With `antithetic`
    the mean over z and -z: what blows up at the ends, z / gamma and gamma' z, then meets a
    difference of the field that vanishes with gamma, and variances stay finite.
    Errors: ValueError for shapes and, outside of jit, losses beyond the range of the dtype.
    """
    x0, x1, z = _alike(x0, x1, z)
    if jnp.ndim(t):
        shapes.check("t", t, "B", shapes.check("x0", x0, "B ..."))

    def one(z):
        x, mean = between(ip, x0, x1, z, t)
        at = Numbers(*(expand(n, x0) for n in numbers(ip, t)))
        dot = lambda u, v: jnp.sum(u * v, axis=tuple(range(1, x.ndim)))  # noqa: E731
        moved, pulled = b(x, t), s(x, t)
        shapes.like("b(x, t)", moved, "x0", x0)
        shapes.like("s(x, t)", pulled, "x0", x0)
        target = mean + at.half / at.gamma * z
        return Losses(
            0.5 * dot(moved, moved) - dot(target, moved),
            0.5 * dot(pulled, pulled) + dot(z / at.gamma, pulled),
        )

    found = one(z)
    if antithetic:
        found = jax.tree.map(lambda p, m: 0.5 * (p + m), found, one(-z))
    held("x0, x1, z or t are beyond losses", *found)
    return found


def _alike(*arrays) -> list[Array]:
    """x0, x1 and z as real arrays of one shape."""
    for name, a in zip(("x1", "z"), arrays[1:], strict=True):
        shapes.like(name, a, "x0", arrays[0])
    named = zip(("x0", "x1", "z"), arrays, strict=True)
    return [jnp.asarray(reals(name, a)) for name, a in named]


class Normals(NamedTuple):
    """A mixture of Gaussians of any covariance."""

    weights: Array  # [K], sum one
    means: Array  # [K, D]
    covariances: Array  # [K, D, D]


class Fields(NamedTuple):
    """What is known of the law of x_t at points x."""

    velocity: Array  # [B, D]
    score: Array  # [B, D]
    log_density: Array  # [B] nats


def law(ip: Interpolant, rho0: Normals, rho1: Normals, t) -> Normals:
    """The law of x_t, t [], between independent mixtures of K and L: a mixture of K L.

    Pair (i, j) has mean alpha mu_i + beta nu_j, covariance alpha^2 C_i + beta^2 D_j + gamma^2.
    Errors: ValueError for shapes.
    """
    shapes.check("t", t, "")
    d = shapes.check("rho0.means", rho0.means, "K D")["D"]
    rho0, rho1, at = _law("rho0", rho0, d), _law("rho1", rho1, d), numbers(ip, t)
    weights = (rho0.weights[:, None] * rho1.weights).ravel()
    means = _pairs(at.alpha, rho0.means, at.beta, rho1.means)
    spread = _pairs(at.alpha**2, rho0.covariances, at.beta**2, rho1.covariances)
    return Normals(weights, means, spread + at.gamma**2 * jnp.eye(d, dtype=means.dtype))


def fields(ip: Interpolant, rho0: Normals, rho1: Normals, x: Array, t) -> Fields:
    """The interpolant of two independent mixtures at x [B, D], t [].

    A pair of mean m and covariance C (`law`) has E[dx/dt | x] = m' + C'/2 C^-1 (x - m), whether the
    covariances commute or not.
    Errors: ValueError for shapes; t where C is singular gives numbers that are not finite.
    """
    d = shapes.check("x", x, "B D")["D"]
    at_least(1, **{"x's last axis": d})
    shapes.check("t", t, "")
    rho0, rho1 = _law("rho0", rho0, d), _law("rho1", rho1, d)
    x, at = jnp.asarray(reals("x", x)), numbers(ip, t)
    eye = jnp.eye(x.shape[1], dtype=x.dtype)
    now = law(ip, rho0, rho1, t)
    moving = _pairs(at.alpha_rate, rho0.means, at.beta_rate, rho1.means)
    both = rho0.covariances, rho1.covariances
    widening = _pairs(at.alpha * at.alpha_rate, both[0], at.beta * at.beta_rate, both[1])
    widening += at.half * eye
    log_weight = _pairs(1.0, jnp.log(rho0.weights), 1.0, jnp.log(rho1.weights))

    root = jnp.linalg.cholesky(now.covariances)
    inverse = jax.lax.linalg.triangular_solve(
        root, jnp.broadcast_to(eye, root.shape), lower=True, left_side=True
    )
    offset = x - now.means[:, None]  # [K L, B, D]
    pull = jnp.einsum("kji,kjl,kbl->kbi", inverse, inverse, offset, optimize="optimal")
    log_det = 2 * jnp.sum(jnp.log(jnp.diagonal(root, axis1=1, axis2=2)), axis=1)
    norm = log_weight - 0.5 * (log_det + x.shape[1] * np.log(2 * np.pi))
    log = norm[:, None] - 0.5 * jnp.sum(offset * pull, axis=2)
    share = jax.nn.softmax(log, axis=0)[..., None]
    drift = moving[:, None] + jnp.einsum("kij,kbj->kbi", widening, pull)
    return Fields(
        jnp.sum(share * drift, axis=0),
        -jnp.sum(share * pull, axis=0),
        jax.nn.logsumexp(log, axis=0),
    )


def _law(name: str, rho: Normals, d: int) -> Normals:
    """As real arrays that fit.  Errors: ValueError, also where there are no components."""
    k = shapes.check(f"{name}.means", rho.means, f"K {d}")
    shapes.check(f"{name}.weights", rho.weights, "K", k)
    shapes.check(f"{name}.covariances", rho.covariances, f"K {d} {d}", k)
    at_least(1, **{f"{name}'s components": k["K"]})
    named = rho._asdict().items()
    return Normals(*(jnp.asarray(reals(f"{name}.{field}", a)) for field, a in named))


def _pairs(u, a: Array, v, b: Array) -> Array:
    """u a_i + v b_j of all pairs.  a [K, ...], b [L, ...] -> [K L, ...]"""
    return (u * a[:, None] + v * b[None]).reshape(-1, *a.shape[1:])
