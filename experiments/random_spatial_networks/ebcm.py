"""Edge-based compartments in space: the epidemic of an infinite random spatial network.

Theta(x, t): chance that no transmission came along a random edge of a node at x. With v = 1 - Theta
    dv/dt = -(beta + gamma) v + beta f * [1 - (1 - rho) psi'(1 - v) / psi'(1)],
    S = (1 - rho) psi(1 - v),  dR/dt = gamma I,  I = 1 - S - R;
rho(x): share that is infected at first. v and not Theta: a tail ahead of a front keeps its digits.

Shapes: C cells of a periodic line, K values of the expected degree, T records.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from common import ode

FLOOR = 1e-14  # of the largest: less is rounding of the transform, which the field would amplify


class Case(NamedTuple):
    kernel: Array  # transform of f, real since f is even [C/2+1]
    start: Array  # v at t = 0 [C]
    rho: Array  # [C]
    kappa: Array  # [K]
    weight: Array  # P(kappa) [K]


def transform(shape, length: float, cells: int) -> np.ndarray:
    """Of the kernel on a periodic line, its sum over the cells being 1.  -> [C/2+1]"""
    place = np.arange(cells)
    f = shape(np.minimum(place, cells - place) * length / cells)
    return np.fft.rfft(f / f.sum()).real


def places(length: float, cells: int) -> np.ndarray:
    """Of the cells, 0 in the middle.  -> [C]"""
    return (np.arange(cells) - cells // 2) * length / cells


def line(shape, length: float, kappa, *, cells: int, weight, tail: float) -> Case:
    """From v = 1e-3 exp(-x^2 / 2), or with a tail exp(-tail |x|) where it is not 0."""
    x = abs(places(length, cells))
    start = 1e-3 * np.exp(-tail * x if tail else -(x**2) / 2)
    kernel = transform(shape, length, cells)
    return Case(kernel, start, np.zeros(cells), np.array(kappa), np.array(weight))


def ring(shape, length: float, *, cells: int, kappa, weight, patch: float) -> Case:
    """All infected on a share `patch` of the ring, in the middle."""
    rho = (abs(places(1.0, cells)) < patch / 2).astype(float)
    kernel = transform(shape, length, cells)
    return Case(kernel, np.zeros(cells), rho, np.array(kappa), np.array(weight))


def at(values: np.ndarray, length: float, x: np.ndarray) -> np.ndarray:
    """Rows [T, C] at the places x [X], between the cells by a line.  -> [T, X]"""
    return np.array([np.interp(x, places(length, values.shape[-1]), row) for row in values])


def convolved(kernel: Array, u: Array) -> Array:
    """f * u for u >= 0, nothing where it is below FLOOR of its largest.  [C/2+1], [C] -> [C]"""
    found = jnp.fft.irfft(kernel * jnp.fft.rfft(u), len(u))
    return jnp.where(found > FLOOR * found.max(), found, 0.0)


def susceptible(v: Array, case: Case) -> Array:
    """(1 - rho) sum P(kappa) exp(-kappa v).  [..., C] -> [..., C]"""
    return (1 - case.rho) * (case.weight * jnp.exp(-v[..., None] * case.kappa)).sum(axis=-1)


def field(case: Case, beta: float, gamma: float):
    """(v, R), t -> their derivatives."""
    of_edges = case.weight * case.kappa / (case.weight * case.kappa).sum()

    def change(state, t):
        v, recovered = state
        met = -(of_edges * jnp.expm1(-v[:, None] * case.kappa)).sum(axis=-1)
        pressure = convolved(case.kernel, case.rho + (1 - case.rho) * met)
        infected = 1 - susceptible(v, case) - recovered
        return beta * pressure - (beta + gamma) * v, gamma * infected

    return change


def solved(case: Case, *, beta: float, gamma: float, span: float, every: int, records: int):
    """v, S, I at 0 and every `span`, which takes `every` steps of RK4.  -> [T, C] each

    T = records + 1
    """
    change = field(case, beta, gamma)

    def leap(state, _):
        state = ode.advance(change, state, 0.0, span, steps=every)
        return state, state

    first = case.start, jnp.zeros_like(case.start)
    later = jax.lax.scan(leap, first, length=records)[1]
    v, recovered = jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), first, later)
    S = susceptible(v, case)
    return v, S, 1 - S - recovered


def front(v: np.ndarray, length: float, level: float = 0.1) -> np.ndarray:
    """Distance from the middle at which v falls through `level`, log v interpolated; 0 if nowhere.

    v [T, C] -> [T]; length / 2 where the line is full.
    """
    right = np.log(np.maximum(v[:, v.shape[1] // 2 :], 1e-300))
    above = right > np.log(level)
    last = np.where(above.any(axis=1), right.shape[1] - 1 - above[:, ::-1].argmax(axis=1), 0)
    full = last == right.shape[1] - 1
    i, row = np.minimum(last, right.shape[1] - 2), np.arange(len(v))
    a, b = right[row, i], right[row, i + 1]
    part = (a - np.log(level)) / np.where(a > b, a - b, 1.0)
    place = np.where(above.any(axis=1), i + part, 0.0) * length / v.shape[1]
    return np.where(full, length / 2, place)
