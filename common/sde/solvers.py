"""Samplers of a denoiser D(x, t) = E[x_0 | x_t] on any falling grid of times, in one lax.scan; on
a rising one, the inversion of those that draw no noise.

A rule is one step t -> s. It sees the path x_t = alpha x_0 + sigma z at both ends and nothing else,
so one rule serves VP, VE, EDM, OU and flow matching:

    exponential     eta 0: DDIM (Song et al. 2021), order 2: DPM-Solver++(2M) (Lu et al. 2022);
                    eta 1: DDPM's ancestral sampler, order 2: the SDE form of DPM-Solver++(2M)
    heun            second order, with churn (Karras et al. 2022, algorithm 2)
    euler           a plain step of the probability flow; euler_maruyama: of the reverse-time SDE
    langevin        Langevin dynamics at the new noise level (Song & Ermon 2019, algorithm 1)

Parts compose: `joined` makes a predictor and corrector of two rules, `inpainted` keeps what is
known, `conditional.guided` mixes two denoisers. A network that predicts anything else:
`path.denoiser`.

Shapes: B batch; x [B, ...]; N steps; times [N+1]; the denoiser gets t as [].
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common import keys, shapes
from common.reals import at_least, reals, refuted
from common.sde import path
from common.sde.path import At, Denoiser
from common.sde.processes import SDE, Array, clock, within


class Node(NamedTuple):
    """One step, from t to s: the times, what `embed` makes of them, and the path there."""

    t: Array
    s: Array
    tau: Any
    tau_s: Any
    here: At
    there: At


class Rule(NamedTuple):
    """step(key, denoise, x, node, memory) -> (x, memory, calls of the denoiser)."""

    step: Callable[..., tuple[Array, Any, Any]]
    begin: Callable[[Array], Any] = lambda x: ()  # memory before the first step
    both: bool = False  # whether times may rise: x_0 back to its noise, without any drawn


class Solved(NamedTuple):
    """The sample at the last time, the calls of the denoiser, every state after a step if kept."""

    x: Array  # [B, ...]
    nfe: Array  # []
    states: Array | None  # [N, B, ...]


def uniform(sde: SDE, steps: int) -> Array:
    """N equal steps of time from sde.end to sde.eps.  -> [N+1]"""
    at_least(1, steps=steps)
    return jnp.linspace(sde.end, sde.eps, steps + 1)


def karras(
    steps: int, sigma_min: float = 0.002, sigma_max: float = 80.0, rho: float = 7.0
) -> Array:
    """Noise levels equal in sigma^(1/rho), then 0 (Karras et al. 2022, eq. 5).  -> [N+1]"""
    at_least(2, steps=steps)
    within(1e-30, 1e30, sigma_min=sigma_min, sigma_max=sigma_max)
    within(1, 100, rho=rho)
    low, high, rho = clock(sigma_min), clock(sigma_max), clock(rho)
    ramp = jnp.linspace(high ** (1 / rho), low ** (1 / rho), steps) ** rho
    return jnp.append(ramp, 0.0)


def solve(
    key: Array,
    sde: SDE,
    denoise: Denoiser,
    x: Array,
    times: Array,
    rule: Rule,
    *,
    last: Rule | None = None,
    embed: Callable | None = None,
    keep: bool = False,
) -> Solved:
    """x at the last of `times`, from x [B, ...] at the first, by a rule; the last step by `last`.

    `embed(t)` is computed for all steps before the loop; the denoiser then is D(x, t, embed(t)).
    State, times and coefficients are of 32 bits or more, whatever x is.
    Errors: ValueError for fewer than two times, or times that do not fall (outside of jit).
    """
    shapes.check("x", x, "B ...")
    x, times = jnp.asarray(reals("x", x)), jnp.asarray(reals("times", times))
    if shapes.check("times", times, "N")["N"] < 2:
        raise ValueError("times must be two or more, the first that of x")
    rise = rule.both and (last or rule).both and not refuted(lambda t: t[1:] > t[:-1], times)
    if refuted(lambda t: t[1:] < t[:-1], times) and not rise:
        raise ValueError("times must fall, or rise where the rules draw no noise")
    nodes, call = _nodes(sde, times, embed), _checked(denoise, embed)
    each = jax.random.split(key, len(times) - 1)

    def body(carry, given, rule=rule):
        x, memory, nfe = carry
        new, memory, calls = rule.step(given[0], call, x, given[1], memory)
        new = new.astype(x.dtype)
        return (new, memory, nfe + calls), (new if keep else None)

    count = len(times) - 1 - (last is not None)
    start = (x, rule.begin(x), jnp.zeros((), jnp.int32))
    split = lambda lo, hi: jax.tree.map(lambda a: a[lo:hi], (each, nodes))  # noqa: E731
    (x, _, nfe), states = jax.lax.scan(body, start, split(0, count))
    if last is not None:
        final = jax.tree.map(lambda a: a[0], split(count, count + 1))
        (x, _, nfe), _ = body((x, last.begin(x), nfe), final, last)
        states = jnp.concatenate([states, x[None]]) if keep else None
    return Solved(x, nfe, states)


def _nodes(sde, times, embed) -> Node:
    """All steps of a grid, each leaf with a leading axis N."""
    whole = times, times if embed is None else jax.vmap(embed)(times), path.at(sde, times)
    before = jax.tree.map(lambda a: a[:-1], whole)
    after = jax.tree.map(lambda a: a[1:], whole)
    return Node(*(end for pair in zip(before, after, strict=True) for end in pair))


def _checked(denoise: Denoiser, embed: Callable | None):
    """D(x, t, tau) in the type of x; tau None: not computed yet.  Errors: ValueError for shapes."""

    def call(x, t, tau):
        given = () if embed is None else (embed(t) if tau is None else tau,)
        value = denoise(x, t, *given)
        shapes.like("denoise(x, t)", value, "x", x)
        return jnp.asarray(reals("denoise(x, t)", value, finite=False), x.dtype)

    return call


def exponential(order: int = 1, eta: float = 0.0) -> Rule:
    """Exact for a denoiser that is constant (order 1) or linear in log(alpha / sigma) (order 2).

    x_s = alpha_s D + sigma_s k (x - alpha_t D) / sigma_t + sigma_s sqrt(1 - k^2) z with
    k^2 = 1 - eta^2 (1 - q^2), q = alpha_t sigma_s / (alpha_s sigma_t). Order 2 extrapolates D from
    the call before. Fine where alpha_t = 0 or sigma_s = 0.  Errors: ValueError for other orders.
    """
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, not {order}")
    within(0, 1, eta=eta)
    eta, quiet = clock(eta), refuted(lambda eta: eta != 0, eta)

    def step(key, denoise, x, node, memory):
        d = denoise(x, node.t, node.tau)
        here, there = node.here, node.there
        q = here.alpha * there.sigma / (there.alpha * here.sigma)
        target, gain = d, -jnp.log(q)
        if order == 2:
            before, gain_before = memory
            ahead = jnp.where(jnp.isfinite(gain), 0.5 * gain / gain_before, 0.0)
            target, memory = d + ahead * (d - before), (d, gain.astype(x.dtype))
        k = jnp.sqrt(1.0 - eta**2 * (1.0 - q**2))
        new = there.alpha * target + there.sigma * k * (x - here.alpha * target) / here.sigma
        if quiet:
            return new, memory, 1
        z = keys.normal(key, x.shape, x.dtype)
        return new + there.sigma * eta * jnp.sqrt(1.0 - q**2) * z, memory, 1

    def begin(x):
        return (x, jnp.full((), jnp.inf, x.dtype)) if order == 2 else ()

    return Rule(step, begin, both=quiet)


def heun(sde: SDE, churn: float = 0.0, low: float = 0.0, high: float = jnp.inf) -> Rule:
    """Second order in sigma / alpha; two calls, one where the step ends at sigma = 0.

    Where alpha = 0 there is no such ratio: take another rule from there. With churn, where low <=
    sigma <= high the noise is first raised to the time t (1 + churn), but not beyond sde.end.
    `churn` is gamma of the paper, min(S_churn / N, sqrt(2) - 1); its S_noise is 1.
    """
    within(0, 1e6, churn=churn)
    churn, quiet = clock(churn), refuted(lambda churn: churn != 0, churn)
    _, _ = reals("low", low), reals("high", high, finite=False)

    def raised(key, x, node):
        t = jnp.minimum(node.t * (1.0 + churn), sde.end)
        t = jnp.where((low <= node.here.sigma) & (node.here.sigma <= high), t, node.t)
        up = path.at(sde, t)
        decay = up.alpha / node.here.alpha
        added = jnp.sqrt(jnp.maximum(up.sigma**2 - (decay * node.here.sigma) ** 2, 0.0))
        return decay * x + added * keys.normal(key, x.shape, x.dtype), t, up

    def step(key, denoise, x, node, memory):
        t, tau, here, there = node.t, node.tau, node.here, node.there
        if not quiet:
            x, t, here = raised(key, x, node)
            tau = None  # a time that no embedding was computed for
        y, ratio, ratio_s = x / here.alpha, here.sigma / here.alpha, there.sigma / there.alpha
        slope = (y - denoise(x, t, tau)) / ratio
        ahead = y + (ratio_s - ratio) * slope

        def corrected():
            d = denoise(there.alpha * ahead, node.s, node.tau_s)
            return y + 0.5 * (ratio_s - ratio) * (slope + (ahead - d) / ratio_s)

        more = there.sigma > 0
        ahead = jax.lax.cond(more, corrected, lambda: ahead)
        return there.alpha * ahead, memory, 1 + more

    return Rule(step, both=quiet)


def _euler(_, denoise, x, node, memory):
    v = path.velocity(denoise(x, node.t, node.tau), x, node.here)
    return x + (node.s - node.t) * v, memory, 1


euler = Rule(_euler, both=True)


def euler_maruyama(noise: float = 1.0) -> Rule:
    """dx = (f - g^2 s) dt + g dw backward in time; `noise` scales the last term (0: its mean)."""
    within(0, 1e6, noise=noise)
    noise = clock(noise)

    def step(key, denoise, x, node, memory):
        here, dt = node.here, node.t - node.s
        decay = here.alpha_rate / here.alpha
        square = 2.0 * here.sigma * (here.sigma_rate - decay * here.sigma)
        slope = decay * x - square * path.score(denoise(x, node.t, node.tau), x, here)
        z = keys.normal(key, x.shape, x.dtype)
        return x - dt * slope + noise * jnp.sqrt(square * dt) * z, memory, 1

    return Rule(step)


def langevin(steps: int, rate: float) -> Rule:
    """`steps` of x += e score + sqrt(2 e) z at the time s of a step, e = rate sigma_s^2.

    e score = rate (alpha_s D - x) exists also where sigma_s = 0.
    """
    at_least(1, steps=steps)
    within(0, 1e6, rate=rate)
    rate = clock(rate)

    def step(key, denoise, x, node, memory):
        there = node.there

        def once(i, x):
            pull = there.alpha * denoise(x, node.s, node.tau_s) - x
            z = keys.normal(jax.random.fold_in(key, i), x.shape, x.dtype)
            return (x + rate * pull + jnp.sqrt(2.0 * rate) * there.sigma * z).astype(x.dtype)

        return jax.lax.fori_loop(0, steps, once, x), memory, steps

    return Rule(step)


def joined(*rules: Rule) -> Rule:
    """One rule after the other on the same step: a predictor, then a corrector at the new time."""

    def step(key, denoise, x, node, memory):
        new, calls = [], 0
        for rule, k, m in zip(rules, jax.random.split(key, len(rules)), memory, strict=True):
            x, m, count = rule.step(k, denoise, x, node, m)
            new.append(m)
            calls = calls + count
        return x, tuple(new), calls

    return Rule(step, lambda x: tuple(rule.begin(x) for rule in rules))


def inpainted(rule: Rule, known: Array, mask: Array) -> Rule:
    """The rule, then alpha_s known + sigma_s z where the mask is true (Song et al. 2021, I.2).

    known and mask have axes of x; what is known where the mask is false is not looked at.
    """
    known = jnp.asarray(reals("known", known, finite=False))
    mask = jnp.asarray(mask, bool)

    def step(key, denoise, x, node, memory):
        _fits("known", known, x)
        _fits("mask", mask, x)
        key, other = jax.random.split(key)
        x, memory, calls = rule.step(key, denoise, x, node, memory)
        given = node.there.alpha * known + node.there.sigma * keys.normal(other, x.shape, x.dtype)
        return jnp.where(mask, given, x), memory, calls

    return Rule(step, rule.begin)


def _fits(name: str, a: Array, x: Array) -> None:
    """Refuse what does not broadcast to the shape of x.  Errors: ValueError."""
    ends = zip(reversed(a.shape), reversed(x.shape), strict=False)
    if a.ndim > x.ndim or any(n not in (1, m) for n, m in ends):
        raise ValueError(f"{name} must broadcast to {list(x.shape)}, not {list(a.shape)}")
