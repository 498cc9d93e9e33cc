"""The targets of a seed and the factors that descent starts from (section 4).

Shapes: B members of one ensemble, N side, K width of the factors.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import keys

from . import sensing

DRAWS = ("target", "x", "f", "g", "v")


class Member(NamedTuple):
    """One descent: initial scale, width k, condition number of its target."""

    alpha: float
    width: int
    kappa: float = 1.0


class Ensemble(NamedTuple):
    """Descents that share measurements."""

    target: jax.Array  # [B, N, N]
    start: Any  # X [B, N, K], or (F, G)


def symmetric_members(alpha, rank: int, spares, kappa) -> list[Member]:
    """Every number of spare columns, then the second one with the larger condition number."""
    plain = [Member(alpha, rank + spare) for spare in spares]
    return [*plain, Member(alpha, rank + spares[1], kappa)]


def asymmetric_members(alphas, rank: int, spare: int, kappa) -> list[Member]:
    """Every scale, the exact width, the small scales with the larger condition number."""
    plain = [Member(alpha, rank + spare) for alpha in alphas]
    conditioned = [Member(alpha, rank + spare, kappa) for alpha in alphas[:-1]]
    return [*plain, Member(alphas[1], rank), *conditioned]


def draws(key, n: int, width: int) -> dict[str, jax.Array]:
    """N(0, 1) under every name of DRAWS, with room for the widest factor.  each [N, width]"""
    named = jax.random.split(key, len(DRAWS))
    return dict(zip(DRAWS, jax.vmap(lambda key: keys.normal(key, (n, width)))(named), strict=True))


def symmetric(draw, members: list[Member], rank: int, width: int) -> Ensemble:
    """X_0 = alpha X, entries N(0, 1/k).  -> X [B, N, width]"""
    start = started(draw["x"], members, width, lambda member: member.width**-0.5)
    return Ensemble(targets(draw["target"], rank, members), start)


def asymmetric(draw, members, rank: int, width: int, *, imbalance, balanced) -> Ensemble:
    """F_0 = alpha F, G_0 = alpha G / imbalance, entries N(0, 1/N); balanced: G_0 = F_0.

    -> (F, G) [B, N, width]
    """
    scale = len(draw["f"]) ** -0.5
    f = started(draw["f"], members, width, lambda _: scale)
    g = started(draw["g"], members, width, lambda _: scale / imbalance)
    return Ensemble(targets(draw["target"], rank, members), (f, f if balanced else g))


def first(ensemble: Ensemble, count: int) -> Ensemble:
    """The first members of every problem.  [P, B, …] -> [P, count, …]"""
    return jax.tree.map(lambda x: x[:, :count], ensemble)


def repeated(ensemble: Ensemble, times: int) -> Ensemble:
    """The problems one after the other, several times.  [P, …] -> [times P, …]"""
    return jax.tree.map(lambda x: x[np.tile(np.arange(len(x)), times)], ensemble)


def targets(draw, rank: int, members: list[Member]):
    """-> [B, N, N]; one basis for every condition number"""
    of = {kappa: sensing.target(draw[:, :rank], kappa) for kappa in {m.kappa for m in members}}
    return jnp.stack([of[member.kappa] for member in members])


def started(draw, members: list[Member], width: int, scale: Callable):
    """alpha scale(member) times the first k columns of the draw, then zeros.  -> [B, N, width]"""
    column = jnp.arange(width)
    factors = [m.alpha * scale(m) * draw[:, :width] * (column < m.width) for m in members]
    return jnp.stack(factors)
