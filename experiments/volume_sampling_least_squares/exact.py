"""Means over every draw from a small measure, each with its probability: no sampling error.

Shapes: N points, m basis functions, n drawn, T draws.
"""

import math
from itertools import combinations_with_replacement, permutations
from typing import NamedTuple

import numpy as np

from common import loops

from . import spaces


class Laws(NamedTuple):
    law: str  # "volume" or "iid"
    rival: str
    reference: str  # "nu" or "mu": of the points that volume sampling rescales


class Means(NamedTuple):
    """Of weighted least squares from n points."""

    normaliser: float  # of det G under the reference
    coefficients: np.ndarray  # [m]
    inverse: np.ndarray  # [m, m]: of G^-1, with what draws of too few points would add


def means(
    phi: np.ndarray, mass: np.ndarray, u: np.ndarray, n: int, law: str, reference: str
) -> Means:
    """Volume sampling rescales n reference points by det G; "iid" are those of full rank.

    phi [N, m] orthonormal for mass [N], u [N].  Any m points must be unisolvent.
    """
    (N, m), weight = phi.shape, phi.shape[1] / (phi**2).sum(1)
    chance = {"nu": mass / weight, "mu": mass}[reference]
    draws = np.array(list(combinations_with_replacement(range(N), n)))
    counts = (draws[:, :, None] == np.arange(N)).sum(1)  # [T, N]
    orders = math.factorial(n) / np.vectorize(math.factorial)(counts).prod(1)
    p = orders * chance[draws].prod(1)
    share = counts * weight / n
    G = np.einsum("tx,xi,xj->tij", share, phi, phi, optimize=True)
    det, full = np.linalg.det(G), (counts > 0).sum(1) >= m
    total = p @ det
    lost = np.einsum("t,tij->ij", p[~full], adjugate(G[~full])) / total
    q = p[full] * (det[full] if law == "volume" else 1)
    q, G = q / q.sum(), G[full]
    c = np.linalg.solve(G, ((share[full] * u) @ phi)[..., None])[..., 0]
    return Means(total, q @ c, np.einsum("t,tij->ij", q, np.linalg.inv(G)) + lost)


def adjugate(G: np.ndarray) -> np.ndarray:
    """det(G) G^-1, also where det(G) = 0 (Faddeev and LeVerrier).  [T, m, m] -> [T, m, m]"""
    m = G.shape[-1]
    M = np.broadcast_to(np.eye(m), G.shape)
    for k in range(1, m):
        A = G @ M
        M = A - np.trace(A, axis1=1, axis2=2)[:, None, None] / k * np.eye(m)
    return (-1) ** (m - 1) * M


def normaliser(n: int, m: int) -> float:
    """n! / (n^m (n - m)!)"""
    return math.perm(n, m) / n**m


def interpolation(phi: np.ndarray, mass: np.ndarray, r: np.ndarray, law: str) -> np.ndarray:
    """E 1 + |c_k|^2 of interpolation at the first k of m points, r of norm 1.  -> [m]

    "volume": the projection DPP; "iid": independent points that differ.
    """
    m = phi.shape[1]
    draws = np.array(list(permutations(range(len(phi)), m)))
    K = phi[draws] @ phi[draws].swapaxes(1, 2)
    density = np.linalg.det(K) if law == "volume" else (phi[draws] ** 2).sum(2).prod(1)
    p = density * mass[draws].prod(1)
    steps = np.linalg.solve(np.linalg.cholesky(K), r[draws][..., None])[..., 0]
    return 1 + (p / p.sum()) @ np.cumsum(steps**2, axis=1)


def interpolation_law(m: int) -> np.ndarray:
    """(m + 1) / (m + 1 - k) for k = 1 ... m.

    A next point x has the density d(x) / (m - k), d = |phi(x)|^2 less what the span of the first k
    has of it, and adds (r - g)(x)^2 / d(x) to |c_k|^2: in the mean |r - g|^2 / (m - k), and
    |r - g|^2 = 1 + |c_k|^2.
    """
    return (m + 1) / (m + 1 - np.arange(1, m + 1))


def numbers(m: int) -> range:
    """n = m ... 2 m."""
    return range(m, 2 * m + 1)


def instance(uniform: np.ndarray, m: int, laws: Laws) -> dict[str, np.ndarray]:
    """Polynomials on N points, in units of |u - P u|.  uniform [3, N]: of points, masses, values

    One point in the middle half of each of N cells: two that nearly meet cost half of the digits.
    """
    x, mass, u = uniform
    x = (np.arange(len(x)) + 0.25 + x / 2) / len(x)
    mass = (0.5 + mass) / (0.5 + mass).sum()
    phi = spaces.orthonormal(spaces.polynomials("legendre", 2 * x - 1, m), mass)
    r = u - phi @ ((u * mass) @ phi)
    scale = np.sqrt((r**2 * mass).sum())
    u, r = u / scale, r / scale
    each = loops.stack([means(phi, mass, u, n, laws.law, laws.reference) for n in numbers(m)])
    rival = loops.stack([means(phi, mass, u, n, laws.rival, "nu") for n in numbers(m)])
    closed = [normaliser(n, m) for n in numbers(m)]
    return {
        "exact_truth": (u * mass) @ phi,
        "exact_mean": each.coefficients,
        "rival_mean": rival.coefficients,
        "exact_inverse": each.inverse,
        "exact_normaliser": np.stack([each.normaliser, closed]),
        "exact_energy": interpolation(phi, mass, r, laws.law),
    }
