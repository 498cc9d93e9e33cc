"""Chaotic flows x' = f(x), Runge-Kutta integration, Lyapunov exponents (Benettin et al. 1980).

Constants are those of the database williamgilpin/dysts; `exponent` is ours, from 20 runs of 600
periods each, because several of the database disagree with the literature (README, Traps).
Shapes: S systems, N samples; three coordinates; time in the system's own unit.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class System(NamedTuple):
    """A flow with the facts that the study needs."""

    field: Callable  # (x, y, z) -> (x', y', z')
    period: float  # dominant Fourier period
    database: float  # largest Lyapunov exponent in the database
    exponent: float  # the same, ours
    start: tuple[float, float, float]  # a point in the basin
    std: tuple[float, float, float]  # of the attractor, database


def aizawa(x, y, z):
    r2 = x**2 + y**2
    up = 0.6 + 0.95 * z - z**3 / 3 - r2 * (1 + 0.25 * z) + 0.1 * z * x**3
    return (z - 0.7) * x - 3.5 * y, 3.5 * x + (z - 0.7) * y, up


def chua(x, y, z):
    outer, inner = -0.71429, -1.142857
    ramp = outer * x + 0.5 * (inner - outer) * (jnp.abs(x + 1) - jnp.abs(x - 1))
    return 15.6 * (y - x - ramp), x - y + z, -28 * y


def halvorsen(x, y, z):
    def one(x, y, z):
        return -1.4 * x - 4 * (y + z) - y**2

    return one(x, y, z), one(y, z, x), one(z, x, y)


def lorenz84(x, y, z, a=1.32, b=7.91, f=4.83, g=4.194):
    """Also Hadley's circulation, with other parameters."""
    return -(y**2) - z**2 - a * (x - f), x * y - b * x * z - y + g, b * x * y + x * z - z


def thomas(x, y, z):
    def one(x, y):
        return -1.85 * x + 10 * jnp.sin(y)

    return one(x, y), one(y, z), one(z, x)


SYSTEMS = {
    "lorenz": System(
        lambda x, y, z: (10 * (y - x), x * (28 - z) - y, x * y - 2.667 * z),
        1.5008, 0.8917, 0.9056, (-9.787, -15.04, 20.53), (7.906, 8.999, 8.579)),
    "rossler": System(
        lambda x, y, z: (-y - z, x + 0.2 * y, 0.2 + z * (x - 5.7)),
        5.9086, 0.1506, 0.0714, (6.513, 0.4772, 0.3416), (5.412, 5.015, 2.497)),
    "halvorsen": System(
        halvorsen, 1.4889, 0.6964, 0.6782, (-8.681, -2.474, 0.07078), (4.505, 4.184, 4.515)),
    "thomas": System(
        thomas, 4.969, 0.6324, 0.4950, (2.199, 2.363, 3.220), (2.138, 2.216, 2.243)),
    "chen": System(
        lambda x, y, z: (35 * (y - x), -7 * x - x * z + 28 * y, x * y - 3 * z),
        0.58689, 2.0060, 2.0132, (3.269, 5.299, 19.44), (8.360, 8.893, 5.135)),
    "dadras": System(
        lambda x, y, z: (y - 3 * x + 2.7 * y * z, 1.7 * y - x * z + z, 2 * x * y - 9 * z),
        3.2886, 0.4059, 0.3696, (1.028, -3.535, -0.7208), (3.292, 2.610, 1.690)),
    "rucklidge": System(
        lambda x, y, z: (-2 * x + 6.7 * y - y * z, x, y**2 - z),
        6.0721, 0.1936, 0.1907, (1.926, 3.192, 5.783), (2.581, 2.534, 2.971)),
    "aizawa": System(
        aizawa, 2.5837, 0.1349, 0.0964, (-0.7845, -0.6289, -0.1762), (0.5510, 0.5545, 0.6959)),
    "chua": System(chua, 1.4235, 1.2301, 0.4328, (1.126, -0.1139, -0.7832), (1.436, 0.1776, 1.801)),
    "rabinovich_fabrikant": System(
        lambda x, y, z: (
            y * (z - 1 + x**2) + 0.87 * x, x * (3 * z + 1 - x**2) + 0.87 * y, -2 * z * (1.1 + x * y)
        ),
        2.3356, 0.2541, 0.1976, (-1.821, 0.8344, 0.2078), (0.3745, 0.6956, 0.3298)),
    "arneodo": System(
        lambda x, y, z: (y, z, 5.5 * x - 4.5 * y - z - x**3),
        3.1641, 0.2374, 0.2059, (-2.752, 0.1908, 3.470), (1.010, 1.593, 3.385)),
    # the rest in the paper preset alone
    "hadley": System(
        lambda x, y, z: lorenz84(x, y, z, 0.2, 4.0, 9.0, 1.0),
        1.4541, 0.2387, 0.2129, (1.366, 0.9309, 0.6428), (0.4298, 0.8353, 0.8707)),
    "lorenz84": System(
        lorenz84, 6.2586, 0.4615, 0.4076, (1.926, -0.1340, -1.721), (0.8214, 1.320, 1.735)),
    "moore_spiegel": System(
        lambda x, y, z: (y, 10 * z, -z + 9 * y - y * x**2 - 4 * x),
        1.2887, 0.6977, 0.1688, (-3.473, 19.67, -3.826), (3.945, 25.06, 29.19)),
    "newton_leipnik": System(
        lambda x, y, z: (
            -0.4 * x + y + 10 * y * z, -x - 0.4 * y + 5 * x * z, 0.175 * z - 5 * x * y
        ),
        8.5095, 0.1495, 0.1416, (0.2943, 0.1065, 0.2908), (0.2757, 0.08440, 0.09257)),
    "qi_chen": System(
        lambda x, y, z: (38 * (y - x) + y * z, 80 * x + y - x * z, x * y - 2.666 * z),
        0.39179, 4.0276, 4.0325, (17.42, 5.546, 78.89), (25.62, 9.755, 9.424)),
    "rayleigh_benard": System(
        lambda x, y, z: (30 * (y - x), 18 * y - x * z, x * y - 5 * z),
        0.91967, 1.8139, 1.8093, (-15.66, -13.32, 26.88), (8.921, 9.411, 7.219)),
    "sprott_b": System(
        lambda x, y, z: (y * z, x - y, 1 - x * y),
        11.050, 0.2067, 0.2100, (1.688, 1.485, -0.5371), (1.416, 0.9953, 1.713)),
    "sprott_c": System(
        lambda x, y, z: (y * z, x - y, 1 - x**2),
        8.8852, 0.1581, 0.1645, (-0.4720, -0.2720, 1.942), (1.002, 0.8780, 0.9260)),
    "sprott_d": System(
        lambda x, y, z: (-y, x + z, x * z + 3 * y**2),
        4.8333, 0.1017, 0.1017, (-1.340, -0.2124, 0.3298), (0.9864, 0.7902, 0.8477)),
    "sprott_f": System(
        lambda x, y, z: (y + z, -x + 0.5 * y, x**2 - z),
        19.244, 0.1183, 0.1179, (-0.9894, -1.419, 0.8580), (0.7938, 0.8952, 0.7673)),
    "sprott_h": System(
        lambda x, y, z: (-y + z**2, x + 0.5 * y, x - z),
        20.229, 0.1310, 0.1170, (-1.360, 0.6259, -1.279), (1.174, 1.357, 0.8709)),
    "vallis": System(
        lambda x, y, z: (102 * y - 3 * x, -y + x * z, -z - x * y + 1),
        2.2087, 0.5478, 0.5539, (-6.993, 0.02325, -0.1658), (5.307, 0.2339, 0.2381)),
}  # fmt: skip


def constants(names, key: str) -> np.ndarray:
    """One fact of every named system, as float64.  -> [S, …]"""
    return np.array([getattr(SYSTEMS[name], key) for name in names])


def together(names) -> Callable:
    """f for all named systems at once: each field meets its own state alone.  [S, 3] -> [S, 3]"""

    def field(x):
        rates = [jnp.stack(SYSTEMS[name].field(*x[i])) for i, name in enumerate(names)]
        return jnp.stack(rates)

    return field


def rk4(field: Callable, x, dt):
    """One step of the classical Runge-Kutta method, order 4.  x [S, n], dt [S, 1] -> [S, n]

    The stages are a loop: the field of many systems is compiled once and not four times.
    """

    def stage(carry, weights):
        rate, total = carry
        before, weight = weights
        rate = field(x + before * dt * rate)
        return (rate, total + weight * rate), None

    weights = jnp.array([[0.0, 1 / 6], [0.5, 1 / 3], [0.5, 1 / 3], [1.0, 1 / 6]], x.dtype)
    (_, total), _ = jax.lax.scan(stage, (jnp.zeros_like(x), jnp.zeros_like(x)), weights)
    return x + dt * total


def flow(field: Callable, x, dt, substeps: int):
    """The state after `substeps` steps that last dt together."""
    return jax.lax.fori_loop(0, substeps, lambda _, x: rk4(field, x, dt / substeps), x)


def trajectory(field: Callable, x, dt, substeps: int, samples: int):
    """The states after 1, 2, … `samples` times dt.  x [S, 3], dt [S, 1] -> [N, S, 3]"""

    def sample(x, _):
        x = flow(field, x, dt, substeps)
        return x, x

    return jax.lax.scan(sample, x, length=samples)[1]


def orthonormal(q):
    """Gram-Schmidt on columns, and the logarithms of their lengths.  [S, 3, 3] -> same, [S, 3]"""
    columns, lengths = [], []
    for i in range(q.shape[-1]):
        v = q[..., i]
        for u in columns:
            v = v - jnp.sum(u * v, -1, keepdims=True) * u
        size = jnp.linalg.norm(v, axis=-1, keepdims=True)
        columns.append(v / size)
        lengths.append(jnp.log(size[..., 0]))
    return jnp.stack(columns, -1), jnp.stack(lengths, -1)


def variational(field: Callable) -> Callable:
    """The flow with its tangents: rate of (x, Q, log volume) is (f, Df Q, tr Df).

    All in one row: [S, 3 + 9 + 1] -> same
    """

    def rate(state):
        x, q = state[:, :3], state[:, 3:12].reshape(-1, 3, 3)
        units = jnp.broadcast_to(jnp.eye(3, dtype=x.dtype)[:, None], (3, *x.shape))
        value, jacobian = jax.vmap(lambda u: jax.jvp(field, (x,), (u,)), out_axes=(None, -1))(units)
        moved = jnp.sum(jacobian[..., None] * q[:, None], axis=2)
        trace = jnp.trace(jacobian, axis1=1, axis2=2)
        return jnp.concatenate([value, moved.reshape(-1, 9), trace[:, None]], axis=1)

    return rate


def exponents(field: Callable, x, dt, substeps: int, samples: int):
    """Lyapunov spectrum, largest first, and the mean of tr Df along the way, per time.

    Three tangents are carried along and made orthonormal after every dt.
    x [S, 3], dt [S, 1] -> [S, 3], [S].  Source: Benettin et al. 1980.
    """
    rate, size = variational(field), len(x)

    def sample(carry, _):
        state, total = carry
        state = flow(rate, state, dt, substeps)
        q, growth = orthonormal(state[:, 3:12].reshape(-1, 3, 3))
        state = jnp.concatenate([state[:, :3], q.reshape(-1, 9), state[:, 12:]], axis=1)
        return (state, total + growth), None

    unit = jnp.broadcast_to(jnp.eye(3, dtype=x.dtype).reshape(1, 9), (size, 9))
    start = jnp.concatenate([x, unit, jnp.zeros((size, 1), x.dtype)], axis=1)
    (state, total), _ = jax.lax.scan(sample, (start, jnp.zeros_like(x)), length=samples)
    return total / (samples * dt), state[:, 12] / (samples * dt[:, 0])


def spread_ratio(series, names):
    """Standard deviation over the database's, of the worst channel.  [..., S, N, 3] -> [..., S]"""
    ratio = series.std(axis=-2) / constants(names, "std")
    worst = np.abs(np.log(ratio)).argmax(-1)[..., None]
    return np.take_along_axis(ratio, worst, -1)[..., 0]
