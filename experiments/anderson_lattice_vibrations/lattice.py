"""Acoustic waves up to the Debye wavenumber and the potential they make.

Lengths in 1/q_D, hbar = m = 1; temperature theta = T/T_D, k_B T_D = hbar v_s q_D.
Shapes: M largest mode number of the box, W = 2 M + 1, N side of the grid, H = N // 2 + 1.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)


def modes(L: float, cutoff: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """|q| of every mode (n, m), -M to M, of a periodic box of side L; which lie on the disc.

    0 < |q| <= cutoff.  -> [W, W], bool [W, W]
    """
    M = int(cutoff * L / (2 * np.pi))
    n = np.arange(-M, M + 1)
    q = np.hypot(*np.meshgrid(n, n)) * 2 * np.pi / L
    return q, (q > 0) & (q <= cutoff)


def excited(q, theta, occupation: str = "planck"):
    """q <n_q> of Bose's <n_q> = 1 / (exp(q/theta) - 1); controls: theta/q, Wien's exp(-q/theta)."""
    if occupation == "equipartition":
        return theta + 0 * q
    return q * (np.exp(-q / theta) if occupation == "wien" else 1 / np.expm1(q / theta))


def froehlich(L: float, coupling, theta, occupation: str = "planck", cutoff: float = 1.0):
    """A_q = E_d |q| (2 hbar <n_q> / (rho L^2 w_q))^(1/2).  -> [W, W], 0 off the disc

    coupling^2 = E_d^2 hbar q_D^3 / (2 pi rho v_s).  By equipartition A_q is constant, V_rms^2 =
    coupling^2 theta / 2.
    """
    q, disc = modes(L, cutoff)
    power = excited(np.where(disc, q, 1.0), theta, occupation)
    return np.where(disc, coupling * np.sqrt(4 * np.pi * power) / L, 0.0)


def law(theta) -> np.ndarray:
    """V_rms^2 / coupling^2 = int_0^1 u^2 / (exp(u/theta) - 1) du; 2.404 theta^3, then theta / 2.

    theta [...] -> [...]
    """
    theta = np.asarray(theta)[..., None]
    top = np.minimum(1.0, 60 * theta)  # beyond it nothing is excited
    u = top * (NODES + 1) / 2
    return (u * excited(u, theta) * WEIGHTS * top / 2).sum(-1)


def phases(u: np.ndarray, standing: bool = False) -> np.ndarray:
    """exp(i phi_q), phi = 2 pi u, whatever the grid: a wave is A_q of it.  u uniform [..., W, W]

    standing: a control, phases of q and -q opposite, so that they are one standing wave.
    """
    phase = 2 * np.pi * u
    phase = (phase - phase[..., ::-1, ::-1]) / 2 if standing else phase
    return np.exp(1j * phase)


def wavenumbers(L: float, N: int) -> np.ndarray:
    """|q| of half a spectrum.  -> [N, H]"""
    return np.hypot(np.fft.fftfreq(N)[:, None], np.fft.rfftfreq(N)) * 2 * np.pi * N / L


def spectrum(a: Array, L: float, N: int) -> tuple[Array, Array, Array]:
    """What `potential` needs: waves along q, those along -q, and |q|.  a [W, W] -> [N, H] each

    The spectrum of a real field is a_q exp(-i w t) / 2 + conj(a_-q) exp(i w t) / 2; half of it.
    """
    M = len(a) // 2
    n = np.arange(-M, M + 1)

    def placed(x):
        whole = jnp.zeros((N, N // 2 + 1), x.dtype)
        return whole.at[n[:, None], n[M:]].set(x[:, M:] * (N * N / 2))

    return placed(a), placed(a[::-1, ::-1].conj()), wavenumbers(L, N).astype(a.real.dtype)


def potential(made: tuple[Array, Array, Array], path) -> Array:
    """V(r, t) = sum A_q cos(q r - w_q t + phi_q), path = v_s t.  -> [N, N]"""
    forth, back, q = made
    turn = jnp.exp(-1j * (path * q)).astype(forth.dtype)
    return jnp.fft.irfft2(forth * turn + back * turn.conj(), s=(len(q), len(q)))


def field(a: Array, L: float, N: int) -> Array:
    """V at time 0.  a [W, W] -> [N, N]"""
    return potential(spectrum(a, L, N), 0.0)


def measured(a: Array, L: float, N: int) -> tuple[Array, Array, Array]:
    """Variance of V at time 0; the same over sum A^2 / 2; share of power above q_D."""
    V = field(a, L, N)
    power, outside = jnp.abs(jnp.fft.rfft2(V)) ** 2, wavenumbers(L, N) > 1 + 1e-9
    above = (power * outside).sum() / power.sum()
    return V.var(), V.var() / (jnp.abs(a) ** 2).sum() * 2, above
