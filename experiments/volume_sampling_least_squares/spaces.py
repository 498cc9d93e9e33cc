"""Polynomials, orthonormal on a discrete measure, and what they leave of a function.

Shapes: N candidates, m basis functions, F functions, D dimensions.
"""

import math
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial import hermite_e, legendre


class Space(NamedTuple):
    """Arrays, V_m on the candidates; w = m / |phi|^2, r = u - P u over its norm."""

    rows: Any  # [N, m]: sqrt(mass) phi, orthonormal columns
    unit: Any  # [N, m]: phi / |phi|
    rest: Any  # [F, N]: sqrt(w) r


MEASURES = "legendre", "hermite"  # uniform on [-1, 1]; standard Gaussian
FUNCTIONS = {
    "kink": lambda t: np.abs(t) + np.exp(t),
    "runge": lambda t: 1 / (1 + 25 * t**2),
}


def line(name: str, N: int, degree: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and masses of a quadrature of d mu, good for polynomials below degree.  -> [N], [N]

    Gauss-Legendre; for the Gaussian a trapezoidal rule on a grid that ends where all products of
    two are negligible: masses of Gauss-Hermite underflow at some hundred points.
    """
    if name == "legendre":
        x, mass = legendre.leggauss(N)
    else:
        x = np.linspace(-1, 1, N) * (2 * np.sqrt(degree) + 2)
        mass = np.exp(-(x**2) / 2)
    return x, mass / mass.sum()


def polynomials(name: str, x: np.ndarray, degree: int) -> np.ndarray:
    """Orthonormal for d mu itself, of degrees below `degree`.  x [N] -> [N, degree]"""
    k = np.arange(degree)
    if name == "legendre":
        return legendre.legvander(x, degree - 1) * np.sqrt(2 * k + 1)
    return hermite_e.hermevander(x, degree - 1) / np.sqrt([float(math.factorial(i)) for i in k])


def total_degree(m: int, D: int) -> list[tuple[int, ...]]:
    """The first m exponents in D variables, by their sum.  -> [m][D]"""
    most = next(p for p in range(m) if math.comb(p + D, D) >= m)
    return sorted(product(range(most + 1), repeat=D), key=lambda k: (sum(k), k))[:m]


def points(name: str, side: int, degree: int, D: int) -> tuple[np.ndarray, np.ndarray]:
    """A tensor grid with its masses.  -> [N, D], [N], N = side^D"""
    x, mass = line(name, side, degree)
    grid = np.stack(np.meshgrid(*[x] * D, indexing="ij"), -1).reshape(-1, D)
    masses = np.stack(np.meshgrid(*[mass] * D, indexing="ij"), -1).reshape(-1, D)
    return grid, masses.prod(1)


def tensor(name: str, x: np.ndarray, exponents: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Products of polynomials in each variable.  x [N, D] -> [N, m]"""
    degree, each = 1 + max(map(max, exponents)), np.array(exponents)
    factors = [polynomials(name, x[:, i], degree)[:, each[:, i]] for i in range(x.shape[1])]
    return np.prod(factors, axis=0)


def orthonormal(V: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """The basis of the same space that is orthonormal for mass.  V [N, m], mass [N] -> phi [N, m]

    V R^-1 and not Q / sqrt(mass): where masses are tiny, Q has no digits.
    """
    _, R = np.linalg.qr(np.sqrt(mass)[:, None] * V)
    return np.linalg.solve(R.T, V.T).T


def space(phi: np.ndarray, mass: np.ndarray, values: np.ndarray) -> tuple[Space, np.ndarray]:
    """V_m and the best errors |u - P u|.  phi [N, m], mass [N], values [F, N] -> Space, [F]"""
    rest = values - (values * mass) @ phi @ phi.T
    best = np.sqrt((rest**2 * mass).sum(1))
    length = np.linalg.norm(phi, axis=1)
    scaled = np.sqrt(phi.shape[1]) * rest / best[:, None] / length
    return Space(np.sqrt(mass)[:, None] * phi, phi / length[:, None], scaled), best


def of(name: str, m: int, N: int, D: int, functions: Sequence[str]) -> tuple[Space, np.ndarray]:
    """Polynomials of least total degree, functions of t = (x_1 + ... + x_D) / sqrt(D)."""
    exponents = total_degree(m, D)
    x, mass = points(name, round(N ** (1 / D)), 1 + max(map(max, exponents)), D)
    t = x.sum(1) / np.sqrt(D)
    values = np.stack([FUNCTIONS[f](t) for f in functions])
    return space(orthonormal(tensor(name, x, exponents), mass), mass, values)
