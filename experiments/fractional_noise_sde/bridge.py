"""The bridge in closed form: dX = -theta X dt + dW^H from 0, one observation of X_T, one control u.

The Euler chain s' = F s + g (u dt + dW) of s = (X, Y) is linear. With rows r_n = e_X F^(N - n),
kappa_n = r_(n+1) g and S_n = sigma^2 + sum_(m >= n) kappa_m^2 dt the best control is
u_n = kappa_n (y - r_n s) / S_n, the evidence N(y; 0, S_0), and the ELBO of the best control (y = 0)
log N(0; 0, sigma^2) - 1/2 sum kappa_n^2 dt / S_(n+1), below it by 1/2 sum (x - log(1 + x)),
x = kappa_n^2 dt / S_(n+1).

Shapes: M members, K rates, D = K + 1, N steps.
"""

from typing import NamedTuple

import numpy as np

from . import laws


class Chain(NamedTuple):
    """F [M, D, D], g [M, D], dt."""

    f: np.ndarray
    g: np.ndarray
    dt: float


class Closed(NamedTuple):
    """Gains k [N, M, D] (u = k s), -log evidence and -ELBO [M]."""

    gains: np.ndarray
    evidence: np.ndarray
    bound: np.ndarray


def chain(rates: np.ndarray, weights: np.ndarray, theta: np.ndarray, dt: float) -> Chain:
    """rates [K], weights [M, K], theta [M]"""
    members, count = weights.shape
    f = np.zeros((members, count + 1, count + 1))
    f[:, 0, 0] = 1 - theta * dt
    f[:, 0, 1:] = -weights * rates * dt
    f[:, 1:, 1:] = np.diag(1 - rates * dt)
    return Chain(f, np.concatenate([weights.sum(1, keepdims=True), np.ones_like(weights)], 1), dt)


def closed(c: Chain, steps: int, noise: float, *, memory: bool = True) -> Closed:
    """Everything by one recursion backwards. Without memory u takes X for r_n s (a control)."""
    row = np.zeros_like(c.g)
    row[:, 0] = 1
    now, spent, gains, x_alone = noise**2 * np.ones(len(row)), 0.0, [], row.copy()
    for _ in range(steps):
        kappa = (row * c.g).sum(1)
        spent = spent + 0.5 * kappa**2 * c.dt / now
        now = now + kappa**2 * c.dt
        row = np.einsum("md,mde->me", row, c.f)
        gains.append(-(kappa / now)[:, None] * (row if memory else x_alone))
    evidence = 0.5 * np.log(2 * np.pi * now)
    return Closed(np.stack(gains[::-1]), evidence, 0.5 * np.log(2 * np.pi * noise**2) + spent)


def moments(c: Chain, gains: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Variance of X at every step under u = k s, and -ELBO, by covariances.  -> [N + 1, M], [M]"""
    p, seen, spent = np.zeros_like(c.f), [], 0.0
    kick = c.dt * c.g[:, :, None] * c.g[:, None]
    seen.append(p[:, 0, 0])
    for k in gains:
        spent = spent + 0.5 * c.dt * (k * (p @ k[..., None])[..., 0]).sum(1)
        move = c.f + c.dt * c.g[:, :, None] * k[:, None]
        p = move @ p @ move.swapaxes(1, 2) + kick
        seen.append(p[:, 0, 0])
    fit = 0.5 * np.log(2 * np.pi * noise**2) + p[:, 0, 0] / (2 * noise**2)
    return np.stack(seen), fit + spent


def exponentials(rates: np.ndarray, weights: np.ndarray, theta: float):
    """X_T answers dW_(T - s) with sum_k c_k e^(-q_k s): rates q, weights c.  -> [K + 1] each

    The Laplace transform of a term is w p / ((p + gamma)(p + theta)); a theta that is a rate (1 is)
    is moved by 1e-6, the residues' pole.
    """
    theta = theta + 1e-6 if np.abs(rates - theta).min() < 1e-6 else theta
    share = weights / (rates - theta)
    return np.r_[rates, theta] if theta else rates, (
        np.r_[share * rates, -theta * share.sum()] if theta else weights
    )


def posterior(t: np.ndarray, rates, weights, theta: float, noise: float):
    """Exact variance of X_t given X_T + noise, and -log evidence of 0.  t [T], T = t[-1]"""
    covariance = laws.approximate(t, *exponentials(rates, weights, theta))
    total = covariance[-1, -1] + noise**2
    return np.diag(covariance) - covariance[:, -1] ** 2 / total, 0.5 * np.log(2 * np.pi * total)


def studies(rates, weights, chains, *, places: int, end: float, noise: float, memory: bool):
    """Of every member: -log evidence [M], those of chains of so many steps and -ELBO [M, E] of the
    control in use; standard deviations [M, (prior, exact, controlled by the last chain), T].

    weights [M, K], chains [E]; T: places - 1 even times to the end. Without drift of its own.
    """
    evidence, bounds = [], []
    for steps in chains:
        c = chain(rates, weights, np.zeros(len(weights)), end / steps)
        best = closed(c, steps, noise, memory=memory)
        variance, bound = moments(c, best.gains, noise)
        evidence.append(best.evidence)
        bounds.append(bound)
    at = np.linspace(0, chains[-1], places).astype(int)[1:]
    t = end * at / chains[-1]
    exact = [posterior(t, rates, w, 0.0, noise) for w in weights]
    prior = [np.diag(laws.approximate(t, rates, w)) for w in weights]
    each = prior, [value for value, _ in exact], variance[at].T
    return {
        "evidence": np.array([value for _, value in exact]),
        "chain_evidence": np.stack(evidence, axis=1),
        "bound": np.stack(bounds, axis=1),
        "spread": np.sqrt(np.stack(each, axis=1)).astype(np.float32),
    }


def references(rates, weights, theta, t, *, steps: int, noise: float) -> dict[str, np.ndarray]:
    """Of every member: exact standard deviations, and the chain's best -ELBO and -log evidence.

    weights [M, K], theta [M], t [T] with t[-1] the time of the observation
    """
    c = chain(rates, weights, np.array(theta), t[-1] / steps)
    best = closed(c, steps, noise)
    each = [posterior(t, rates, *one, noise)[0] for one in zip(weights, theta, strict=True)]
    return {
        "net_exact": np.sqrt(each),
        "net_best": best.bound,
        "net_evidence": best.evidence,
    }
