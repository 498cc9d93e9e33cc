"""HiPPO matrices and the bases they project on, in float64: Gu et al. 2020 (2008.07669) and 2022
(2206.12037); diagonal restrictions and initialisations: Gu et al. 2022 (2206.11893).

The state of x' = A x + B u holds the coefficients of the past of u on functions K_n(t) of the lag
t, K(t) = e^(tA) B. For all of them A = normal - P P^T with a normal matrix -decay I + skew.

Shapes: N states, R columns of P, M frequencies, T times. NumPy, on the host.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre
from scipy.special import binom, eval_genlaguerre

from common.reals import at_least, reals


class Hippo(NamedTuple):
    """A state-space model and what it projects on.

    basis(t [T]) -> [N, T]: K_n(t); of `legt` and `fout` in the limit of many states.
    """

    a: np.ndarray  # [N, N]
    b: np.ndarray  # [N]
    p: np.ndarray  # [N, R], a + p p^T is normal
    decay: float  # a + p p^T + decay I is skew-symmetric
    basis: Callable[[np.ndarray], np.ndarray]


def legs(n: int) -> Hippo:
    """Legendre polynomials scaled by e^-t: K_n = sqrt(2n+1) P_n(2 e^-t - 1) e^-t, exactly.

    They are orthonormal under e^t dt.
    """
    at_least(1, n=n)
    root = np.sqrt(2 * np.arange(n) + 1.0)
    a = -np.tril(np.outer(root, root), -1) - np.diag(np.arange(1.0, n + 1))

    def basis(t):
        shrunk = np.exp(-_times(t))
        return _legendre(n, 2 * shrunk - 1) * shrunk

    return Hippo(a, root, root[:, None] / np.sqrt(2), 0.5, basis)


def legt(n: int) -> Hippo:
    """Legendre polynomials of the last unit of time: K_n -> sqrt(2n+1) P_n(1 - 2t) on [0, 1]."""
    at_least(1, n=n)
    root, sign = np.sqrt(2 * np.arange(n) + 1.0), (-1.0) ** np.arange(n)
    above = np.triu(np.outer(sign, sign), 1)
    a = -np.outer(root, root) * (np.tril(np.ones((n, n))) + above)
    p = np.stack([root, sign * root], axis=1) / np.sqrt(2)

    def basis(t):
        inside = np.clip(_times(t), 0, 1)  # polynomials of high degree overflow outside
        return _legendre(n, 1 - 2 * inside) * _inside(t)

    return Hippo(a, root, p, 0.0, basis)


def lagt(n: int, alpha: float = 0.0, beta: float = 1.0) -> Hippo:
    """Generalised Laguerre polynomials: K_n = L_n^(alpha)(t) e^(-(1+beta) t / 2), exactly.

    n! / Gamma(n+alpha+1) K_n K_m is orthonormal under t^alpha e^(beta t) dt. alpha > -1, beta > 0
    (2008.07669, D.2, with B as the kernels ask: binom(n+alpha, n)).
    """
    at_least(1, n=n)
    for name, value, least in (("alpha", alpha, -1), ("beta", beta, 0)):
        if not reals(name, value) > least:
            raise ValueError(f"{name} must be above {least}, not {value}")
    a = -np.tril(np.ones((n, n)), -1) - (1 + beta) / 2 * np.eye(n)
    order = np.arange(n)

    def basis(t):
        t = _times(t)
        return eval_genlaguerre(order[:, None], alpha, t) * np.exp(-(1 + beta) / 2 * t)

    p = np.full((n, 1), 0.5**0.5)
    return Hippo(a, binom(order + alpha, order), p, beta / 2, basis)


def fout(n: int) -> Hippo:
    """Fourier series of the last unit of time: K -> 1, sqrt 2 cos 2 pi m t, sqrt 2 sin 2 pi m t.

    They are orthonormal at every n, which is odd: the constant, then pairs.
    """
    turning, b = _rotations(n)
    p = np.sqrt(2) * b[:, None]

    def basis(t):
        return _fourier(n, t) * _inside(t)

    return Hippo(turning - p @ p.T, 2 * b, p, 0.0, basis)


def foud(n: int) -> Hippo:
    """The same Fourier series, decaying as e^(-t/2): normal, so diagonal over the complex numbers.

    Its eigenvalues are -1/2 +- 2 pi i m; S4D-Lin has pi m, the series of a window of two.
    """
    turning, b = _rotations(n)

    def basis(t):
        return _fourier(n, t) * np.exp(-_times(t) / 2)

    return Hippo(turning - np.eye(n) / 2, b, np.zeros((n, 0)), 0.5, basis)


def _rotations(n: int) -> tuple[np.ndarray, np.ndarray]:
    """A turn by 2 pi m of each pair, and the start: 1, then sqrt 2 of each cosine."""
    at_least(1, n=n)
    if n % 2 == 0:
        raise ValueError(f"n must be odd, a constant and pairs of sine and cosine, not {n}")
    turning, b, pairs = np.zeros((n, n)), np.zeros(n), np.arange(1, n, 2)
    turning[pairs, pairs + 1] = -np.pi * (pairs + 1)
    turning[pairs + 1, pairs] = np.pi * (pairs + 1)
    b[0], b[pairs] = 1.0, np.sqrt(2)
    return turning, b


def _fourier(n: int, t) -> np.ndarray:
    angle = np.pi * np.arange(2, n + 1, 2)[:, None] * _times(t)
    pairs = np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([np.ones((1, angle.shape[1])), pairs.reshape(-1, angle.shape[1])])


def _legendre(n: int, x: np.ndarray) -> np.ndarray:
    return np.sqrt(2 * np.arange(n) + 1.0)[:, None] * legendre.legvander(x, n - 1).T


def _times(t) -> np.ndarray:
    return np.atleast_1d(np.asarray(reals("t", np.asarray(t)), float))


def _inside(t) -> np.ndarray:
    t = _times(t)
    return ((t >= 0) & (t <= 1)).astype(float)


class Diagonal(NamedTuple):
    """The normal part in its eigenvectors: x' = values x + b u, one of each conjugate pair."""

    values: np.ndarray  # [N/2] complex, imaginary parts rising and positive
    b: np.ndarray  # [N/2] complex
    vectors: np.ndarray  # [N, N/2]: real states are 2 Re(vectors x)


def diagonal(h: Hippo, share: float = 0.5) -> Diagonal:
    """The model without its low rank, and with `share` of B: of `legs`, S4D-LegS.

    Half of B is what the theorem on the limit asks for (2206.11893, theorem 3): B^T x(t) -> u(t),
    so that -P P^T x -> -B u / 2. An even number of states.
    """
    n = len(h.b)
    if n % 2:
        raise ValueError(f"h has {n} states: conjugate pairs need an even number")
    skew = h.a + h.p @ h.p.T + h.decay * np.eye(n)
    frequencies, vectors = np.linalg.eigh(-1j * (skew - skew.T) / 2)
    upper = slice(n // 2, None)
    vectors = vectors[:, upper]
    values = -h.decay + 1j * frequencies[upper]
    return Diagonal(values, share * (vectors.conj().T @ h.b), vectors)


def whole(d: Diagonal) -> Diagonal:
    """Both of each conjugate pair: real states are vectors x.  [N], [N], [N, N]"""
    return Diagonal(*(np.concatenate([x, x.conj()], axis=-1) for x in d))


INITIAL = ("legs", "inv", "lin", "real", "quad", "inverse2")


def initial(kind: str, n: int) -> np.ndarray:
    """Eigenvalues that S4D starts from, one of each pair of n states, n even.  -> [n/2] complex

    legs: of the normal part of LegS; inv: -1/2 + i (n/pi)(n/(2m+1) - 1); lin: -1/2 + i pi m; real:
    -(m+1); quad: -1/2 + i (1+2m)^2 / pi; inverse2: -1/2 + i (n/pi)(n/(m+1) - 1).
    Errors: ValueError for another kind and an odd n.
    """
    at_least(2, n=n)
    if n % 2:
        raise ValueError(f"n must be even, for conjugate pairs, not {n}")
    m = np.arange(n // 2)
    if kind == "legs":
        return diagonal(legs(n)).values
    if kind == "real":
        return -(m + 1.0) + 0j
    laws = {
        "inv": n / np.pi * (n / (2 * m + 1) - 1),
        "lin": np.pi * m,
        "quad": (1 + 2 * m) ** 2 / np.pi,
        "inverse2": n / np.pi * (n / (m + 1) - 1),
    }
    if kind not in laws:
        raise ValueError(f"kind must be one of {', '.join(INITIAL)}, not {kind!r}")
    return -0.5 + 1j * laws[kind]
