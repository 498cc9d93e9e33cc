"""A wavepacket in a moving potential: split steps (Strang), and what is looked at.

hbar = m = 1.  Shapes: N side of the grid, W waves a side, R records.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from common import loops

from . import lattice

SHOWN = 48  # side of the pictures


class Box(NamedTuple):
    L: float
    N: int
    dt: float
    sigma: float  # of |psi|^2 along each axis
    k0: float


def axis(box: Box) -> np.ndarray:
    """Places along an axis, 0 the launch.  -> [N]"""
    return (np.arange(box.N) - box.N // 2) * box.L / box.N


def squares(box: Box) -> np.ndarray:
    """k^2.  -> [N, N]"""
    k = 2 * np.pi * np.fft.fftfreq(box.N, box.L / box.N)
    return k[:, None] ** 2 + k**2


def start(box: Box, dtype=np.complex64) -> np.ndarray:
    """exp(-r^2 / 4 sigma^2 + i k0 x), of norm 1 (sum |psi|^2 dx^2).  -> [N, N]"""
    x = axis(box)
    psi = np.exp(-(x[:, None] ** 2 + x**2) / (4 * box.sigma**2) + 1j * box.k0 * x[:, None])
    return (psi / (np.linalg.norm(psi) * box.L / box.N)).astype(dtype)


def step(psi: Array, V: Array, kinetic: Array, dt: float) -> Array:
    """exp(-iV dt/2) F^-1 exp(-i k^2 dt/2) F exp(-iV dt/2), V that of the middle.  psi, V [N, N]"""
    kick = jax.lax.complex(jnp.cos(V * dt / 2), -jnp.sin(V * dt / 2))
    return kick * jnp.fft.ifft2(kinetic * jnp.fft.fft2(kick * psi))


def observe(psi: Array, box: Box) -> dict[str, Array]:
    """Numbers of a state, summed in the widest type there is.

    norm; msd: variance about the centroid in the window of side L around the launch, L^2 / 6 when
    uniform; pr = 1 / int |psi|^4, an area, L^2 / 2 for speckle; kinetic = <k^2> / 2;
    auto = |<psi(0)|psi>|
    """
    dx, x = box.L / box.N, axis(box)
    p = (psi.real**2 + psi.imag**2).astype(float) * dx**2
    norm = p.sum()
    each = [p.sum(1) / norm, p.sum(0) / norm]
    msd = sum((m * x**2).sum() - (m * x).sum() ** 2 for m in each)
    f = jnp.fft.fft2(psi)
    f = (f.real**2 + f.imag**2).astype(float)
    overlap = jnp.abs((start(box, psi.dtype).conj() * psi).sum()) * dx**2
    return {
        "norm": norm,
        "msd": msd,
        "pr": norm**2 * dx**2 / (p**2).sum(),
        "kinetic": (f * squares(box)).sum() / f.sum() / 2,
        "auto": overlap.astype(float),
    }


def propagate(psi: Array, a: Array, speed: Array, first, strides: Array, box: Box) -> tuple:
    """From step `first` on, observed after each of the strides: psi, seen [R] by name.

    psi [N, N], a [W, W], first [], strides int [R]
    """
    real = psi.real.dtype
    made = lattice.spectrum(a, box.L, box.N)
    kinetic = jnp.asarray(np.exp(-0.5j * squares(box) * box.dt), psi.dtype)

    def advance(state):
        psi, n = state
        path = ((n + 0.5) * box.dt * speed).astype(real)
        return step(psi, lattice.potential(made, path), kinetic, box.dt), n + 1

    look = partial(observe, box=box)
    state, seen = loops.trajectory(advance, lambda s: look(s[0]), (psi, first), strides)
    return state[0], seen


def coarse(x: np.ndarray) -> np.ndarray:
    """Means over blocks, at most SHOWN a side.  [..., N, N] -> [..., n, n]"""
    n = x.shape[-1] // -(-x.shape[-1] // SHOWN)
    return x.reshape(*x.shape[:-2], n, x.shape[-1] // n, n, -1).mean((-3, -1))


def middle(x: np.ndarray) -> np.ndarray:
    """The middle, at most SHOWN a side.  [N, N] -> [n, n]"""
    N = len(x)
    part = slice(max(N - SHOWN, 0) // 2, (N + min(SHOWN, N)) // 2)
    return x[part, part]
